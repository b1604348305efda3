//! People, units and applications as every OA's adapter delivers them (oa-api.md 0).

use std::fmt;

use domain::destination::Destination;
use domain::ids::{InvalidId, OaAppId, OaUserId};
use domain::model::SsoProfile;
use serde::{Deserialize, Serialize};

/// What an OA can do (oa-api.md 0). A capability that no flow uses yet is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a row of the contract's table of capabilities")]
pub struct Capabilities {
    /// How a browser is signed in.
    pub sso: SsoProfile,
    /// A ticket is bound to the browser by a nonce of the OA (product.md C16).
    pub bound_to_browser: bool,
    /// Users can be found by a field, and changes read since an instant.
    pub filter: bool,
    /// Org units form a tree; without it the OA has no units to read.
    pub hierarchy: bool,
    /// A user may have several positions.
    pub part_time_positions: bool,
    /// The OA can end a session that a ticket opened.
    pub ends_sessions: bool,
    /// Items of a page at most.
    pub page_items_max: u32,
}

/// A field by which an OA user is recognised (product.md Q5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchField {
    /// Ignores case.
    LoginName,
    /// Exact.
    WorkCode,
    /// Compared as [`mobile_e164`] writes it.
    Mobile,
    /// The work address; ignores case.
    Email,
}

/// A person's account in the OA. `Debug` shows no personal data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct OaUser {
    pub id: OaUserId,
    /// 登录名.
    pub login_id: String,
    pub display_name: String,
    /// 编号/工号.
    pub work_code: Option<String>,
    /// As [`mobile_e164`] writes it.
    pub mobile: Option<String>,
    /// The work address in lower case.
    pub email: Option<String>,
    /// May sign in and be provisioned.
    pub active: bool,
    pub account_type: AccountType,
    /// The main account of a secondary one, when the OA names it.
    pub main_account: Option<OaUserId>,
    pub positions: Vec<Position>,
    /// Carries roles in the OA: never linked automatically (product.md C19).
    pub has_roles: bool,
}

impl fmt::Debug for OaUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OaUser").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// 主账号/次账号.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountType {
    #[default]
    Main,
    Secondary,
}

/// A post in a unit: 主部门 or 兼职部门.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub unit: UnitRef,
    pub primary: bool,
    pub title: Option<String>,
    /// Sort key, ascending.
    pub order: Option<f64>,
}

/// The level of an org unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitKind {
    Company,
    /// 分部.
    Subcompany,
    /// 部门.
    Department,
}

/// The id of an org unit: opaque, 1 to 128 bytes, unique within its kind only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitId(String);

impl UnitId {
    /// Bytes at most (oa-api.md C.1, rule 8).
    pub const BYTES_MAX: usize = 128;

    /// Refuses an empty or longer text and control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = !text.is_empty() && text.len() <= Self::BYTES_MAX && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UnitId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}
impl From<UnitId> for String {
    fn from(id: UnitId) -> String {
        id.0
    }
}

/// Names one org unit: kinds may count their ids separately, so an id alone names nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitRef {
    pub kind: UnitKind,
    pub id: UnitId,
}

/// A company, 分部 or 部门 of the OA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrgUnit {
    pub id: UnitId,
    pub kind: UnitKind,
    /// `None` = top.
    pub parent: Option<UnitRef>,
    pub name: String,
    pub code: Option<String>,
    /// Sort key, ascending; ties by name, then id.
    pub order: Option<f64>,
    /// Not sealed (封存).
    pub active: bool,
    pub manager: Option<OaUserId>,
}

/// A homepage-type application of the OA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OaApp {
    pub id: OaAppId,
    pub name_zh: String,
    pub name_en: String,
    pub dest_pc: Destination,
    pub dest_mobile: Destination,
}

/// What a homepage can be chosen from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppList {
    Apps(Vec<OaApp>),
    /// This OA lists no applications: only a custom link can be set.
    CustomLinkOnly,
}

/// A mobile number without spaces, dashes and brackets, with its country code; 11 digits alone are Chinese (`+86`).
/// `None` when nothing of a number is left. Other texts stay as they are: they can still be equal to each other.
pub fn mobile_e164(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let bare = plain.len() == digits;
    Some(match plain.strip_prefix("00") {
        Some(rest) if bare => format!("+{rest}"),
        None if bare && digits == 11 => format!("+86{plain}"),
        None if bare && digits == 13 && plain.starts_with("86") => format!("+{plain}"),
        _ => plain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_number_has_one_form() {
        for text in ["13800000001", "+8613800000001", "+86-138 0000 0001", "86 13800000001", "008613800000001"] {
            assert_eq!(mobile_e164(text).as_deref(), Some("+8613800000001"), "{text}");
        }
        assert_eq!(mobile_e164("tel:+1-201-555-0123").as_deref(), Some("+12015550123"));
        for nothing in ["", "  ", "+", "-"] {
            assert_eq!(mobile_e164(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_user_prints_without_personal_data() {
        let user = OaUser {
            id: OaUserId::parse("1001").unwrap(),
            login_id: "lihua".to_owned(),
            display_name: "李华".to_owned(),
            work_code: None,
            mobile: Some("+8613800000001".to_owned()),
            email: None,
            active: true,
            account_type: AccountType::Main,
            main_account: None,
            positions: Vec::new(),
            has_roles: false,
        };
        assert_eq!(format!("{user:?}"), "OaUser { id: 1001, active: true, .. }");
    }
}
