//! Where a signed-in browser may be sent. Nothing else in the bridge decides this (product.md C5, Q4; oa-api.md C.2).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// Bytes of a destination at most (oa-api.md C.2).
pub const DEST_BYTES_MAX: usize = 1024;

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("not a path that begins with a single slash / 应为以一个斜杠开头的路径")]
    NotAPath,
    #[error("longer than {DEST_BYTES_MAX} bytes / 超过 {DEST_BYTES_MAX} 字节")]
    TooLong,
    #[error("not under an allowed prefix / 不在允许的路径前缀之下")]
    NotAllowed,
    #[error("not an https address / 应为 https 地址")]
    NotHttps,
    #[error("the host is not on the allow-list / 主机名不在允许列表中")]
    HostNotAllowed,
}

/// A path of the OA: one leading slash, no backslash, no control characters, no dot segments, at most 1024 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination(String);

impl Destination {
    /// Reads a path as it stands. What a browser would read differently is refused, not repaired.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text.len() > DEST_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let one_slash = text.starts_with('/') && !text.starts_with("//");
        // Percent-encoded forms of what is refused in clear are refused as well: an OA behind a proxy may decode once.
        let lower = text.to_ascii_lowercase();
        let path = lower.split(['?', '#']).next().unwrap_or_default();
        let disguised = ["%2f", "%5c", "%2e", "%00", "%0a", "%0d", "%09", "%25"].iter().any(|bad| path.contains(bad));
        let odd = text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace());
        let dots = path.split('/').any(|segment| segment == "." || segment == "..");
        let doubled = path.contains("//");
        if !one_slash || disguised || odd || dots || doubled {
            Err(Refused::NotAPath)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The OA's front page.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Accepts the destination only under one of the allowed prefixes.
    pub fn within(self, allowed: &[DestPrefix]) -> Result<Self, Refused> {
        if allowed.iter().any(|prefix| prefix.covers(&self)) { Ok(self) } else { Err(Refused::NotAllowed) }
    }
}

/// A path prefix on whole segments: `/todo` covers `/todo`, `/todo/42` and `/todo?id=42`, not `/todos`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DestPrefix(String);

impl DestPrefix {
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let path = Destination::parse(text)?;
        if path.0.contains(['?', '#']) { Err(Refused::NotAPath) } else { Ok(Self(path.0)) }
    }

    fn covers(&self, dest: &Destination) -> bool {
        let prefix = self.0.trim_end_matches('/');
        let path = dest.0.split(['?', '#']).next().unwrap_or_default();
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// An absolute https link to a host that the tenant allows; the bridge never fetches it (product.md C23).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomLink(String);

impl CustomLink {
    /// `allowed_hosts` are compared whole, with their port where it is not 443; user information in the link is
    /// refused.
    pub fn parse(text: &str, allowed_hosts: &[String]) -> Result<Self, Refused> {
        let link = Self::shape(text)?;
        let url = Url::parse(&link.0).map_err(|_| Refused::NotHttps)?;
        let host = url.host_str().unwrap_or_default();
        let whole = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if allowed_hosts.iter().any(|h| h.eq_ignore_ascii_case(&whole)) {
            Ok(link)
        } else {
            Err(Refused::HostNotAllowed)
        }
    }

    fn shape(text: &str) -> Result<Self, Refused> {
        if text.len() > DEST_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let odd = text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace());
        let url = Url::parse(text).map_err(|_| Refused::NotHttps)?;
        let plain = url.username().is_empty() && url.password().is_none() && !text.contains('@');
        if odd || !plain || url.scheme() != "https" || !text.starts_with("https://") {
            return Err(Refused::NotHttps);
        }
        // The normalised form is kept: what is stored, shown and sent is one and the same text.
        Ok(Self(url.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_form {
    ($name:ident, $parse:path) => {
        impl TryFrom<String> for $name {
            type Error = Refused;
            fn try_from(text: String) -> Result<Self, Refused> {
                $parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_form!(Destination, Destination::parse);
text_form!(DestPrefix, DestPrefix::parse);
text_form!(CustomLink, CustomLink::shape);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_plain_path() {
        for good in ["/", "/todo/42", "/m/workflow/42?from=card", "/流程/1", "/a?next=https://x.example"] {
            assert!(Destination::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "todo",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a/../b",
            "/%2f%2fevil",
            "/a\tb",
            "/a b",
            "/%5cevil",
            "/a//b",
            "/\u{2028}x\n",
            "javascript:alert(1)",
            "/%2e%2e/x",
            "/%252f",
        ] {
            assert!(Destination::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Destination::parse(&format!("/{}", "x".repeat(1024))), Err(Refused::TooLong));
    }

    #[test]
    fn a_prefix_covers_whole_segments() {
        let allowed = [DestPrefix::parse("/todo").unwrap()];
        for (path, want) in [("/todo", true), ("/todo/42", true), ("/todo?x=1", true), ("/todos", false), ("/", false)]
        {
            assert_eq!(Destination::parse(path).unwrap().within(&allowed).is_ok(), want, "{path}");
        }
        let everything = [DestPrefix::parse("/").unwrap()];
        assert!(Destination::parse("/any/where").unwrap().within(&everything).is_ok());
    }

    #[test]
    fn a_custom_link_is_https_on_an_allowed_host() {
        let hosts = ["portal.example".to_owned(), "portal.example:8443".to_owned()];
        assert!(CustomLink::parse("https://portal.example/x?y=1", &hosts).is_ok());
        assert!(CustomLink::parse("https://portal.example:8443/", &hosts).is_ok());
        for bad in [
            "http://portal.example/",
            "https://evil.example/",
            "https://portal.example@evil.example/",
            "https://portal.example.evil.example/",
            "https://portal.example:444/",
            "//portal.example/",
            "https:\\\\portal.example/",
            "javascript:alert(1)",
            "https://portal.example\\@evil.example/",
        ] {
            assert!(CustomLink::parse(bad, &hosts).is_err(), "{bad}");
        }
    }
}
