//! What an installation may change about its WeLink client.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::pacing::Limits;
use url::Url;

/// The base address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an http or https address: {0}")]
pub struct BadBase(pub String);

/// How the code of a browser is exchanged (welink-api.md 3.4, where clients differ).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthTransport {
    /// POST with a form in the body.
    PostForm,
    /// GET with everything in the query.
    GetQuery,
}

/// Settings with their defaults; the limits stay a quarter or a fifth below WeLink's own (welink-api.md 12).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the server API: `https://open.welink.huaweicloud.com`, with or without a trailing `/` or `/api`.
    pub base: String,
    /// Address of the page on which a person signs in with a browser (welink-api.md 3.4); never called from here.
    pub login_base: String,
    /// How the code of that page is exchanged.
    pub oauth_transport: OAuthTransport,
    /// Calls of one client_id on one interface in any second.
    pub calls_per_second: u32,
    /// Calls of one client_id on one interface in any minute.
    pub calls_per_minute: u32,
    /// Calls from this egress address in any 20 seconds.
    pub calls_per_address: u32,
    /// Names the egress address whose budget is shared.
    pub egress_name: String,
    /// How long one request may take, milliseconds.
    pub call_timeout_ms: u32,
    /// How long a call waits for its turn, or for a rate limit to pass, before it is [`crate::WeLinkError::Busy`];
    /// milliseconds.
    pub wait_max_ms: u32,
    /// How often a request that may be repeated is repeated.
    pub repeats_max: u32,
    /// First pause before a repetition, milliseconds; it doubles, and up to half of it is added at random.
    pub backoff_ms: u32,
    /// Pause after a rate limit answer, milliseconds.
    pub rate_limited_pause_ms: u32,
    /// Reads 51036 as an expired token, once (welink-api.md 16); otherwise it is final.
    pub code_51036_is_token_sign: bool,
    /// Reads HTTP 429 without a code as a rate limit (welink-api.md 16); otherwise it is a failure like 5xx.
    pub status_429_is_rate_limit: bool,
    /// The codes by which WeLink says that a to-do with this taskId exists (product.md Q21; welink-api.md 16).
    pub todo_exists_codes: BTreeSet<String>,
    /// The codes by which WeLink says that there is no to-do with this taskId.
    pub todo_gone_codes: BTreeSet<String>,
}

impl Settings {
    /// The defaults for the service at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            login_base: "https://login.welink.huaweicloud.com".to_owned(),
            oauth_transport: OAuthTransport::PostForm,
            calls_per_second: 30,
            calls_per_minute: 1_200,
            calls_per_address: 2_400,
            egress_name: "default".to_owned(),
            call_timeout_ms: 5_000,
            wait_max_ms: 3_000,
            repeats_max: 2,
            backoff_ms: 200,
            rate_limited_pause_ms: 1_000,
            code_51036_is_token_sign: true,
            status_429_is_rate_limit: true,
            todo_exists_codes: ["55007", "55010"].map(str::to_owned).into(),
            todo_gone_codes: ["55008", "55009"].map(str::to_owned).into(),
        }
    }

    pub(crate) fn interface_limits(&self) -> Limits {
        Limits::interface(self.calls_per_second, self.calls_per_minute, self.wait_max_ms)
    }

    pub(crate) fn address_limits(&self) -> Limits {
        Limits::address(self.calls_per_address, self.wait_max_ms)
    }

    pub(crate) fn wait_max(&self) -> Duration {
        Duration::from_millis(u64::from(self.wait_max_ms))
    }

    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.call_timeout_ms))
    }

    /// The base without `/api` and trailing slashes, and its authority as it will stand in every URL.
    pub(crate) fn parse_base(&self) -> Result<(String, String), BadBase> {
        let (base, authority) = parse(&self.base)?;
        Ok((base.strip_suffix("/api").map(str::to_owned).unwrap_or(base), authority))
    }

    /// The login page's base without trailing slashes.
    pub(crate) fn parse_login_base(&self) -> Result<String, BadBase> {
        parse(&self.login_base).map(|(base, _)| base)
    }
}

/// An address without trailing slashes, and its authority.
fn parse(text: &str) -> Result<(String, String), BadBase> {
    let bad = || BadBase(text.to_owned());
    let url = Url::parse(text).map_err(|_| bad())?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(bad)?;
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(bad());
    }
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = url.path().trim_end_matches('/');
    Ok((format!("{}://{authority}{path}", url.scheme()), authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_taken_with_or_without_api() {
        for (base, want) in [
            ("https://open.welink.huaweicloud.com", "https://open.welink.huaweicloud.com"),
            ("https://open.welink.huaweicloud.com:443/api/", "https://open.welink.huaweicloud.com"),
            ("http://127.0.0.1:9000/api", "http://127.0.0.1:9000"),
            ("https://gateway.example/welink/api", "https://gateway.example/welink"),
        ] {
            assert_eq!(Settings::new(base).parse_base().map(|(base, _)| base), Ok(want.to_owned()));
        }
        for bad in ["", "open.welink", "ftp://x", "https://user@x", "https://x?y"] {
            assert!(Settings::new(bad).parse_base().is_err(), "{bad}");
            let login = Settings { login_base: bad.to_owned(), ..Settings::new("https://x") };
            assert_eq!(login.parse_login_base(), Err(BadBase(bad.to_owned())));
        }
    }
}
