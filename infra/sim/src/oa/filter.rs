//! The few SCIM filters that the contract needs (oa-api.md C.1); everything else is `invalidFilter`.

use domain::time::Timestamp;

use super::directory::{Account, Unit};

/// A condition on users or units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    Equals(Field, String),
    ModifiedSince(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    ExternalId,
    UserName,
    Email,
    Mobile,
    WorkCode,
}

/// What is asked about; units have fewer attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Users,
    OrgUnits,
}

/// The filter is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidFilter;

const COMMON: [(&str, Field); 2] = [("id", Field::Id), ("externalId", Field::ExternalId)];
const USER_ONLY: [(&str, Field); 6] = [
    ("userName", Field::UserName),
    ("emails.value", Field::Email),
    ("emails[type eq \"work\"].value", Field::Email),
    ("phoneNumbers.value", Field::Mobile),
    ("phoneNumbers[type eq \"mobile\"].value", Field::Mobile),
    ("urn:cloudbridge:params:scim:schemas:1.0:OaUser:workCode", Field::WorkCode),
];

impl Filter {
    /// Reads `attribute operator "value"`: `eq` on the fields above, `ge` on `meta.lastModified`. Attribute names and
    /// operators ignore case (RFC 7644 3.4.2.2).
    pub(super) fn parse(text: &str, resource: Resource) -> Result<Self, InvalidFilter> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::All);
        }
        if let Some(rest) = after_word(text, "meta.lastModified") {
            let value = literal(after_word(rest, "ge").ok_or(InvalidFilter)?)?;
            let since: jiff::Timestamp = value.parse().map_err(|_| InvalidFilter)?;
            return Ok(Self::ModifiedSince(Timestamp(since.as_millisecond())));
        }
        let user_only = if resource == Resource::Users { &USER_ONLY[..] } else { &[] };
        for (path, field) in COMMON.iter().chain(user_only) {
            if let Some(rest) = after_word(text, path) {
                return Ok(Self::Equals(*field, literal(after_word(rest, "eq").ok_or(InvalidFilter)?)?));
            }
        }
        Err(InvalidFilter)
    }

    pub(super) fn user(&self, account: &Account) -> bool {
        match self {
            Self::All => true,
            Self::ModifiedSince(since) => account.modified >= *since,
            Self::Equals(Field::Id, value) => account.id == *value,
            Self::Equals(Field::ExternalId, value) => external_id(account) == *value,
            Self::Equals(Field::UserName, value) => account.login.eq_ignore_ascii_case(value),
            Self::Equals(Field::Email, value) => account.email.eq_ignore_ascii_case(value),
            Self::Equals(Field::Mobile, value) => account.mobile == *value,
            Self::Equals(Field::WorkCode, value) => account.work_code == *value,
        }
    }

    pub(super) fn unit(&self, unit: &Unit) -> bool {
        match self {
            Self::All => true,
            Self::ModifiedSince(since) => unit.modified >= *since,
            Self::Equals(Field::Id, value) => unit.id == *value,
            Self::Equals(Field::ExternalId, value) => unit.code == *value,
            Self::Equals(..) => false,
        }
    }
}

/// The personnel department's own number, which SCIM calls `externalId`.
pub(super) fn external_id(account: &Account) -> String {
    format!("HR-{}", account.id)
}

/// What follows `word` and at least one space; the word ignores case.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with(' ')).then(|| rest.trim_start())
}

/// Exactly one JSON string and nothing behind it, so that `and`, `or` and a second condition are refused.
fn literal(text: &str) -> Result<String, InvalidFilter> {
    serde_json::from_str(text).map_err(|_| InvalidFilter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_the_contract_are_read_and_no_others() {
        use Resource::{OrgUnits, Users};
        let equals = |field, value: &str| Ok(Filter::Equals(field, value.to_owned()));
        for (text, resource, want) in [
            ("", Users, Ok(Filter::All)),
            ("userName eq \"lihua\"", Users, equals(Field::UserName, "lihua")),
            ("USERNAME EQ \"lihua\"", Users, equals(Field::UserName, "lihua")),
            ("userName  eq  \"a\\\"b\"", Users, equals(Field::UserName, "a\"b")),
            ("id eq \"1001\"", Users, equals(Field::Id, "1001")),
            ("id eq \"d-12\"", OrgUnits, equals(Field::Id, "d-12")),
            ("externalId eq \"HR-1001\"", Users, equals(Field::ExternalId, "HR-1001")),
            ("emails.value eq \"a@b\"", Users, equals(Field::Email, "a@b")),
            ("emails[type eq \"work\"].value eq \"a@b\"", Users, equals(Field::Email, "a@b")),
            ("phoneNumbers[type eq \"mobile\"].value eq \"+86\"", Users, equals(Field::Mobile, "+86")),
            ("urn:cloudbridge:params:scim:schemas:1.0:OaUser:workCode eq \"W1\"", Users, equals(Field::WorkCode, "W1")),
            (
                "meta.lastModified ge \"2026-01-01T00:00:00Z\"",
                OrgUnits,
                Ok(Filter::ModifiedSince(Timestamp(1_767_225_600_000))),
            ),
            ("meta.lastModified ge \"yesterday\"", Users, Err(InvalidFilter)),
            ("meta.lastModified gt \"2026-01-01T00:00:00Z\"", Users, Err(InvalidFilter)),
            ("userName eq \"lihua\"", OrgUnits, Err(InvalidFilter)),
            ("userName eq lihua", Users, Err(InvalidFilter)),
            ("userName eq \"lihua\" or id eq \"1\"", Users, Err(InvalidFilter)),
            ("userName sw \"li\"", Users, Err(InvalidFilter)),
            ("userNameX eq \"li\"", Users, Err(InvalidFilter)),
            ("displayName eq \"李华\"", Users, Err(InvalidFilter)),
            ("李", Users, Err(InvalidFilter)),
        ] {
            assert_eq!(Filter::parse(text, resource), want, "{text}");
        }
    }
}
