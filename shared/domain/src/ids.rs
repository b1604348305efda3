//! Every id is a type of its own, so that mixing two of them does not compile.
//!
//! Public ids (app, enterprise, OA instance, one-time state, ticket, session, code) carry their tenant inside: a kind
//! letter, an underscore, ten characters of tenant and 26 random ones. A request therefore never names a tenant beside
//! an id, and no lookup can cross tenants (product.md C20).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`, so an id can be read out over the phone.
pub const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a tenant id: 50 bits.
pub const TENANT_CHARS: usize = 10;
/// Random characters of a public id: 130 bits, above the 128 that product.md C1 and oa-api.md C.2.2 ask for.
pub const RANDOM_CHARS: usize = 26;

fn in_alphabet(text: &str) -> bool {
    text.bytes().all(|b| ALPHABET.contains(&b))
}

/// Why a text is not the id it should be. One error for every reason: an id that is not ours is simply not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id / 编号无效")]
pub struct InvalidId;

/// An OA team (团队), the owner of everything below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// Accepts exactly ten characters of [`ALPHABET`].
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.len() == TENANT_CHARS && in_alphabet(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
    }

    /// Builds an id from random bytes; each byte gives five bits.
    pub fn from_random(bytes: [u8; TENANT_CHARS]) -> Self {
        Self(encode(&bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}

impl TryFrom<String> for TenantId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}
impl From<TenantId> for String {
    fn from(id: TenantId) -> String {
        id.0
    }
}
impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The kind letter that every id of this type begins with.
            pub const KIND: &'static str = $kind;

            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let rest = text.strip_prefix(concat!($kind, "_")).ok_or(InvalidId)?;
                if rest.len() == TENANT_CHARS + RANDOM_CHARS && in_alphabet(rest) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId)
                }
            }

            pub fn from_random(tenant: &TenantId, bytes: [u8; RANDOM_CHARS]) -> Self {
                Self(format!(concat!($kind, "_{}{}"), tenant, encode(&bytes)))
            }

            /// The tenant that this id carries inside.
            pub fn tenant(&self) -> TenantId {
                TenantId(self.0[2..2 + TENANT_CHARS].to_owned())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

public_id!(/// One OA installation of a tenant; also the audience of its tickets.
    OaInstanceId, "o");
public_id!(/// One integrated WeLink company.
    EnterpriseId, "e");
public_id!(/// One WeLink app of an enterprise: `client_id`, secret and homepage.
    AppId, "a");
public_id!(/// The one-time state of a sign-in that has begun (product.md C1).
    StateId, "s");
public_id!(/// The `jti` of a hand-off ticket (oa-api.md C.2.2).
    TicketId, "k");
public_id!(/// A browser's session at the bridge (product.md C17).
    SessionId, "w");

public_id!(/// A visit to the binding page (product.md M28).
    BindId, "b");
public_id!(/// Many links at once: an import, a bulk unbinding, or the undoing of one (product.md BND-07 to BND-11).
    LinkJobId, "j");

public_id!(/// An account of the console (product.md C30).
    AccountId, "u");
public_id!(/// The public part of an API key.
    ApiKeyId, "y");
public_id!(/// A rule that says which messages of an OA go where (消息推送规则).
    RuleId, "r");
public_id!(/// A message of an OA on its way to its receivers, made from the event: the same event is one message.
    MessageId, "m");

/// An entry of a tenant's settings history: its time, 13 digits of milliseconds, a dash, and ten characters of
/// [`ALPHABET`]. Ids sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HistoryId(String);

impl HistoryId {
    const DIGITS: usize = 13;
    /// Random characters.
    pub const CHARS: usize = 10;

    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (time, random) = text.split_once('-').ok_or(InvalidId)?;
        let timed = time.len() == Self::DIGITS && time.bytes().all(|b| b.is_ascii_digit());
        if timed && random.len() == Self::CHARS && in_alphabet(random) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId)
        }
    }

    pub fn from_random(at: Timestamp, bytes: [u8; Self::CHARS]) -> Self {
        Self(format!("{:013}-{}", at.0.max(0), encode(&bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HistoryId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}
impl From<HistoryId> for String {
    fn from(id: HistoryId) -> String {
        id.0
    }
}

public_id!(/// A run of a sync.
    RunId, "r");
public_id!(/// A code that is shown for scan login (oa-api.md C.4).
    QrId, "q");

macro_rules! foreign_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Bytes at most; every source stays far below it.
            pub const BYTES_MAX: usize = 128;

            /// Accepts 1 to 128 bytes without control characters; what they mean is the other side's business.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let fits = !text.is_empty() && text.len() <= Self::BYTES_MAX;
                if fits && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

foreign_id!(/// A WeLink account, e.g. `zhangsan1@welink` (welink-api.md 1).
    WeLinkUserId);
foreign_id!(/// The enterprise as WeLink names it: 32 hex digits (welink-api.md 1).
    WeLinkTenantId);
foreign_id!(/// A WeLink app's public name (welink-api.md 1).
    ClientId);
foreign_id!(/// The bridge's name at an OA's OIDC provider.
    OidcClientId);
foreign_id!(/// An account in the OA; opaque (oa-api.md 0, `user.id`).
    OaUserId);
foreign_id!(/// An org unit of the OA; unique within its kind only (oa-api.md 0, `unit.id`).
    OaUnitId);
foreign_id!(/// A homepage-type application of the OA (oa-api.md C.1, `/v1/apps`).
    OaAppId);
foreign_id!(/// A WeLink department; the root is `0` (welink-api.md 1).
    DeptCode);
foreign_id!(/// A card that WeLink took: its `itemId`, by which it is changed or recalled (welink-api.md 6.3).
    MessageItemId);
foreign_id!(/// A row in WeLink's to-do module, named by us (welink-api.md 7.1, `taskId`).
    TodoTaskId);

impl DeptCode {
    /// The company itself.
    pub fn root() -> Self {
        Self("0".to_owned())
    }

    pub fn is_root(&self) -> bool {
        self.0 == "0"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_ids_carry_their_tenant_and_refuse_everything_else() {
        let tenant = TenantId::from_random([7; TENANT_CHARS]);
        let app = AppId::from_random(&tenant, [9; RANDOM_CHARS]);
        assert_eq!(app.tenant(), tenant);
        assert_eq!(AppId::parse(app.as_str()), Ok(app.clone()));
        assert_eq!(EnterpriseId::parse(app.as_str()), Err(InvalidId));
        for bad in ["", "a_", "a_short", "a_7777777777-9999999999999999999999999", "../../etc/passwd"] {
            assert_eq!(AppId::parse(bad), Err(InvalidId), "{bad}");
        }
        let multibyte = format!("a_{}", "é".repeat(18));
        assert_eq!(AppId::parse(&multibyte), Err(InvalidId));
    }

    #[test]
    fn history_ids_sort_by_time() {
        let id = |at| HistoryId::from_random(Timestamp(at), [3; HistoryId::CHARS]);
        assert!(id(999) < id(1000) && id(1000) < id(1_767_225_600_000));
        assert_eq!(HistoryId::parse(id(7).as_str()), Ok(id(7)));
        for bad in ["", "-", "0000000000007-", "7-3333333333", "0000000000007-333333333!", "000000000000x-3333333333"] {
            assert_eq!(HistoryId::parse(bad), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn foreign_ids_are_opaque_but_bounded() {
        assert!(WeLinkUserId::parse("zhangsan1@welink").is_ok());
        assert!(WeLinkUserId::parse("").is_err());
        assert!(OaUserId::parse(&"x".repeat(129)).is_err());
        assert!(OaUserId::parse("a\nb").is_err());
    }
}
