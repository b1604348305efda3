//! The organisation as SCIM writes it (oa-api.md C.1), and its translation. Unknown attributes are ignored.

use domain::ids::{OaAppId, OaUserId};
use domain::time::Timestamp;
use serde::Deserialize;

use crate::model::{AccountType, MatchField, OaApp, OaUser, OrgUnit, Position, UnitId, UnitKind, UnitRef, mobile_e164};
use crate::port::OaError;

/// Positions of one user at most.
const POSITIONS_MAX: usize = 64;

/// `ListResponse` of RFC 7644.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<T> {
    pub(super) total_results: u64,
    #[serde(default)]
    pub(super) items_per_page: Option<u64>,
    /// May be absent when there are none.
    #[serde(default = "Vec::new", rename = "Resources")]
    pub(super) resources: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ServiceProviderConfig {
    #[serde(default)]
    pub(super) filter: FilterSupport,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilterSupport {
    #[serde(default)]
    pub(super) supported: bool,
    #[serde(default)]
    pub(super) max_results: Option<u32>,
}

/// A resource that is read in pages.
pub(super) trait Resource: serde::de::DeserializeOwned + Send {
    /// The endpoint under the SCIM base.
    const PATH: &'static str;
    type Canonical: Send;
    fn id(&self) -> &str;
    /// `meta.lastModified`, when there is one.
    fn changed(&self) -> Option<Timestamp>;
    fn canonical(self) -> Result<Self::Canonical, OaError>;
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    last_modified: Option<String>,
}

impl Meta {
    fn changed(&self) -> Option<Timestamp> {
        let instant: jiff::Timestamp = self.last_modified.as_deref()?.parse().ok()?;
        Some(Timestamp(instant.as_millisecond()))
    }
}

/// One e-mail address or phone number.
#[derive(Debug, Deserialize)]
struct Contact {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

/// A core User with the extension of the contract, which may be missing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUser {
    id: String,
    user_name: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    emails: Option<Vec<Contact>>,
    #[serde(default)]
    phone_numbers: Option<Vec<Contact>>,
    #[serde(default)]
    roles: Option<Vec<serde_json::Value>>,
    #[serde(default, rename = "urn:cloudbridge:params:scim:schemas:1.0:OaUser")]
    extension: Option<Extension>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    #[serde(default)]
    login_id: Option<String>,
    #[serde(default)]
    work_code: Option<String>,
    #[serde(default)]
    account_type: Option<AccountType>,
    #[serde(default)]
    main_account: Option<String>,
    #[serde(default)]
    positions: Option<Vec<WirePosition>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePosition {
    unit: String,
    #[serde(default)]
    unit_kind: Option<UnitKind>,
    #[serde(default)]
    primary: Option<bool>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    order: Option<f64>,
}

fn malformed(what: &str) -> OaError {
    OaError::Malformed(what.to_owned())
}

fn user_id(text: &str) -> Result<OaUserId, OaError> {
    OaUserId::parse(text).map_err(|_| malformed("a user id is empty or longer than 128 bytes"))
}

fn unit_id(text: &str) -> Result<UnitId, OaError> {
    UnitId::parse(text).map_err(|_| malformed("a unit id is empty or longer than 128 bytes"))
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

fn values(contacts: Option<&Vec<Contact>>) -> impl Iterator<Item = (&str, &str)> {
    let contacts = contacts.into_iter().flatten();
    contacts.filter_map(|c| Some((c.kind.as_deref().unwrap_or_default(), c.value.as_deref()?.trim())))
}

/// Only the declared type counts: a private address is no proof of who somebody is at work (product.md C19).
fn of_type<'a>(contacts: Option<&'a Vec<Contact>>, kind: &str) -> Option<&'a str> {
    values(contacts).find(|(k, v)| k.eq_ignore_ascii_case(kind) && !v.is_empty()).map(|(_, v)| v)
}

impl WireUser {
    /// Whether the server did filter: some value of the field that it was asked about is `value`.
    pub(super) fn answers(&self, field: MatchField, value: &str) -> bool {
        let same_mobile = |text: &str| mobile_e164(text).is_some() && mobile_e164(text) == mobile_e164(value);
        match field {
            MatchField::LoginName => same_text(&self.user_name, value),
            MatchField::WorkCode => self.extension.as_ref().and_then(|e| e.work_code.as_deref()) == Some(value),
            MatchField::Mobile => values(self.phone_numbers.as_ref()).any(|(_, v)| same_mobile(v)),
            MatchField::Email => values(self.emails.as_ref()).any(|(_, v)| same_text(v, value)),
        }
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

impl Resource for WireUser {
    const PATH: &'static str = "Users";
    type Canonical = OaUser;

    fn id(&self) -> &str {
        &self.id
    }

    fn changed(&self) -> Option<Timestamp> {
        self.meta.changed()
    }

    fn canonical(self) -> Result<OaUser, OaError> {
        let mobile = of_type(self.phone_numbers.as_ref(), "mobile").and_then(mobile_e164);
        let email = of_type(self.emails.as_ref(), "work").map(str::to_lowercase);
        let extension = self.extension.unwrap_or_default();
        let positions = extension.positions.unwrap_or_default();
        if positions.len() > POSITIONS_MAX {
            return Err(malformed("a user has more than 64 positions"));
        }
        Ok(OaUser {
            id: user_id(&self.id)?,
            login_id: filled(extension.login_id).unwrap_or_else(|| self.user_name.clone()),
            display_name: filled(self.display_name).unwrap_or(self.user_name),
            work_code: filled(extension.work_code),
            mobile,
            email,
            // The contract requires it; an account that nobody vouches for is not signed in.
            active: self.active.unwrap_or(false),
            account_type: extension.account_type.unwrap_or_default(),
            main_account: filled(extension.main_account).as_deref().map(user_id).transpose()?,
            positions: positions.into_iter().map(position).collect::<Result<_, _>>()?,
            has_roles: self.roles.is_some_and(|roles| !roles.is_empty()),
        })
    }
}

fn position(wire: WirePosition) -> Result<Position, OaError> {
    Ok(Position {
        unit: UnitRef { kind: wire.unit_kind.unwrap_or(UnitKind::Department), id: unit_id(&wire.unit)? },
        primary: wire.primary.unwrap_or(false),
        title: filled(wire.title),
        order: wire.order,
    })
}

/// The contract's `OrgUnit`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUnit {
    id: String,
    display_name: String,
    kind: UnitKind,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default)]
    order: Option<f64>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    manager: Option<Manager>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Debug, Deserialize)]
struct Parent {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    kind: Option<UnitKind>,
}

#[derive(Debug, Deserialize)]
struct Manager {
    #[serde(default)]
    value: Option<String>,
}

impl Resource for WireUnit {
    const PATH: &'static str = "OrgUnits";
    type Canonical = OrgUnit;

    fn id(&self) -> &str {
        &self.id
    }

    fn changed(&self) -> Option<Timestamp> {
        self.meta.changed()
    }

    fn canonical(self) -> Result<OrgUnit, OaError> {
        let parent = match self.parent {
            Some(Parent { value: Some(id), kind }) if !id.is_empty() => {
                let kind = kind.ok_or_else(|| malformed("a unit's parent has no kind"))?;
                Some(UnitRef { kind, id: unit_id(&id)? })
            }
            _ => None,
        };
        let manager = filled(self.manager.and_then(|m| m.value));
        Ok(OrgUnit {
            id: unit_id(&self.id)?,
            kind: self.kind,
            parent,
            name: self.display_name,
            code: filled(self.code),
            order: self.order,
            active: self.active.unwrap_or(true),
            manager: manager.as_deref().map(user_id).transpose()?,
        })
    }
}

/// The answer of `/v1/apps`.
#[derive(Debug, Deserialize)]
pub(super) struct WireApps {
    apps: Vec<WireApp>,
}

#[derive(Debug, Deserialize)]
struct WireApp {
    id: OaAppId,
    names: Names,
    dest_pc: String,
    dest_mobile: String,
}

#[derive(Debug, Deserialize)]
struct Names {
    zh: String,
    en: String,
}

impl WireApps {
    pub(super) fn canonical(self, apps_max: usize) -> Result<Vec<OaApp>, OaError> {
        if self.apps.len() > apps_max {
            return Err(OaError::Malformed(format!("more than {apps_max} applications")));
        }
        let dest = |text: &str| {
            domain::destination::Destination::parse(text).map_err(|_| malformed("an application's page is not a path"))
        };
        let app = |wire: WireApp| {
            Ok(OaApp {
                dest_pc: dest(&wire.dest_pc)?,
                dest_mobile: dest(&wire.dest_mobile)?,
                id: wire.id,
                name_zh: wire.names.zh,
                name_en: wire.names.en,
            })
        };
        self.apps.into_iter().map(app).collect()
    }
}
