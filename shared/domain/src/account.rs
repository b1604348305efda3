//! Who may use the console and its API: accounts with a password, their sessions, and keys for programs (product.md
//! ADM-06, C30).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ApiKeyId, EnterpriseId, InvalidId, TenantId, WeLinkUserId};
use crate::model::Stamp;
use crate::role::Role;
use crate::time::Timestamp;

/// Absolute life of a console session: 12 hours.
pub const CONSOLE_SESSION_S: i64 = 12 * 3600;
/// Life of a console session that is not used: 30 minutes.
pub const CONSOLE_IDLE_S: i64 = 30 * 60;
/// How stale `last_seen` may be: it is written once a minute at most, so the idle limit is that much shorter.
pub const LAST_SEEN_S: i64 = 60;
/// Sessions of one account at most; the oldest ends when one more begins. One transaction ends them all.
pub const SESSIONS_MAX: usize = 20;
/// Life of a setup key: 60 minutes.
pub const SETUP_KEY_S: i64 = 3600;
/// Tries that a setup key allows.
pub const SETUP_TRIES_MAX: u32 = 5;
/// Characters of a password.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=128;

/// The name that somebody signs in with, folded to lower case: 3 to 64 letters, digits and `._@+-`, so a short name or
/// an e-mail address. ASCII alone, so that no two of them look alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

/// Names under which others than accounts are audited.
const RESERVED: [&str; 5] = ["anonymous", "bridge", "demo", "operator", "system"];

/// Why a text is no login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("3 to 64 letters, digits or ._@+- / 3 至 64 个字母、数字或 ._@+-")]
pub struct InvalidLogin;

impl Login {
    pub fn parse(text: &str) -> Result<Self, InvalidLogin> {
        let folded = text.trim().to_ascii_lowercase();
        let fits = (3..=64).contains(&folded.len()) && !RESERVED.contains(&folded.as_str());
        let plain = folded.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
        if fits && plain { Ok(Self(folded)) } else { Err(InvalidLogin) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Login {
    type Error = InvalidLogin;
    fn try_from(text: String) -> Result<Self, InvalidLogin> {
        Self::parse(&text)
    }
}
impl From<Login> for String {
    fn from(login: Login) -> String {
        login.0
    }
}
impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A WeLink member who may sign in to the console as the account that he is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeLinkPerson {
    pub enterprise: EnterpriseId,
    pub user: WeLinkUserId,
}

/// An account of the console. Its password's hash is stored beside it and in no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Carries the tenant that it belongs to.
    pub id: AccountId,
    /// Unique over the installation.
    pub login: Login,
    /// As people read it.
    pub name: String,
    pub role: Role,
    pub enabled: bool,
    pub password_set: Stamp,
    #[serde(default)]
    pub welink: Option<WeLinkPerson>,
    pub created: Stamp,
    pub version: u64,
}

impl Account {
    /// Whether it counts among those of whom a tenant must keep one.
    pub fn is_acting_owner(&self) -> bool {
        self.enabled && self.role == Role::Owner
    }
}

/// Why a password is not taken. No rule of composition: length is what counts (NIST SP 800-63B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    #[error("12 to 128 characters / 12 至 128 个字符")]
    Length,
    #[error("must differ from the login / 不能与登录名相同")]
    IsLogin,
}

/// Judges a new password of this login.
pub fn judge_password(password: &str, login: &Login) -> Result<(), BadPassword> {
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        return Err(BadPassword::Length);
    }
    if password.trim().eq_ignore_ascii_case(login.as_str()) { Err(BadPassword::IsLogin) } else { Ok(()) }
}

/// Names a console session: SHA-256 of its cookie's secret, 64 hex digits. It opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsoleSessionId(String);

impl ConsoleSessionId {
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConsoleSessionId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}
impl From<ConsoleSessionId> for String {
    fn from(id: ConsoleSessionId) -> String {
        id.0
    }
}

/// The token that every form of a session carries. `Debug` does not print it; only the table's item holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormToken(String);

impl FormToken {
    pub fn new(token: String) -> Self {
        Self(token)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A browser that is signed in to the console. It shows its account as it was when the session began: whatever changes
/// the account ends its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    pub id: ConsoleSessionId,
    pub account: AccountId,
    pub tenant: TenantId,
    pub login: String,
    pub name: String,
    pub role: Role,
    pub csrf: FormToken,
    pub opened: Timestamp,
    pub last_seen: Timestamp,
    pub expires: Timestamp,
    /// The address that it was opened from.
    pub from: String,
    /// What the browser called itself.
    pub agent: String,
}

impl ConsoleSession {
    /// Both limits, checked in code as well as by the table's TTL, which is lazy.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires && now < self.last_seen.plus_s(CONSOLE_IDLE_S)
    }
}

/// A key with which a program calls the API. The secret is stored as a hash beside it and shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Carries the tenant that it belongs to.
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    pub created: Stamp,
    /// `None` = until it is deleted.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// `yyyy-mm-dd` in UTC; no finer, so that a call costs no write.
    #[serde(default)]
    pub last_used_day: Option<String>,
}

impl ApiKey {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_folded_and_plain() {
        for (text, want) in [
            (" Admin ", Some("admin")),
            ("Li.Hua+1@Corp.example", Some("li.hua+1@corp.example")),
            ("ab", None),
            ("operator", None),
            ("a:b:c", None),
            ("аdmin", None),
            ("a b c", None),
        ] {
            assert_eq!(Login::parse(text).ok().as_ref().map(Login::as_str), want, "{text}");
        }
        assert!(Login::parse(&"x".repeat(64)).is_ok() && Login::parse(&"x".repeat(65)).is_err());
    }

    #[test]
    fn passwords_are_long_and_not_the_login() {
        let login = Login::parse("li.hua@corp.example").unwrap();
        for (password, want) in [
            ("elevenchars", Err(BadPassword::Length)),
            ("twelve chars", Ok(())),
            ("密码长度十二个字就够用了", Ok(())),
            (" LI.HUA@corp.example", Err(BadPassword::IsLogin)),
        ] {
            assert_eq!(judge_password(password, &login), want, "{password}");
        }
        assert_eq!(judge_password(&"x".repeat(129), &login), Err(BadPassword::Length));
    }

    #[test]
    fn a_form_token_does_not_print() {
        assert_eq!(format!("{:?}", FormToken::new("hunter2".to_owned())), "***");
    }
}
