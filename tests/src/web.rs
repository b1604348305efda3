//! A browser without a screen: cookies by host, forms read from pages, redirects followed one by one, over any
//! transport.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use platform::transport::{Transport, TransportError};
use regex::Regex;
use url::Url;

/// What WeLink's web view on a phone says of itself.
pub const PHONE_AGENT: &str = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile WeLink/7.40";
/// Redirects followed in a row at most, as browsers bound them.
const REDIRECTS_MAX: usize = 10;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that an answer of the bridge may have; anything else is a leak (goals.md T9).
const ALLOWED_HEADERS: [&str; 20] = [
    "allow",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "link",
    "location",
    "permissions-policy",
    "referrer-policy",
    "retry-after",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-trace-id",
];

/// One answer, with the address that gave it.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The trace id of an answer of the bridge.
    pub fn trace(&self) -> &str {
        self.header("x-trace-id").unwrap_or_default()
    }

    /// Where a redirect, or a page that moves on by itself, leads.
    pub fn next(&self) -> Option<String> {
        let moves = r#"<meta http-equiv="refresh" content="0;url=([^"]*)">"#;
        let moved = || Regex::new(moves).unwrap().captures(&self.body).map(|found| unescape(&found[1]));
        self.header("location").map(str::to_owned).or_else(moved)
    }

    /// The problem that a page of the bridge shows, by name.
    pub fn problem(&self) -> Option<String> {
        let shown = Regex::new(r#"data-problem="([a-z0-9-]+)""#).unwrap().captures(&self.body);
        shown.map(|found| found[1].to_owned())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.body))
    }

    /// The form with this id: its absolute action and its fields.
    pub fn form(&self, id: &str) -> Option<(Url, Vec<(String, String)>)> {
        let form = Regex::new(&format!(r#"(?s)<form id="{id}"([^>]*)>(.*?)</form>"#)).unwrap();
        let found = form.captures(&self.body)?;
        let action = Regex::new(r#"action="([^"]*)""#).unwrap().captures(&found[1])?[1].to_owned();
        let field = Regex::new(r#"name="([^"]*)" value="([^"]*)""#).unwrap();
        let fields = field.captures_iter(&found[2]).map(|f| (f[1].to_owned(), unescape(&f[2]))).collect();
        Some((self.url.join(&unescape(&action)).ok()?, fields))
    }
}

/// Text of a page as people read it.
pub fn unescape(text: &str) -> String {
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// A browser with cookies of its own.
#[derive(Debug, Clone)]
pub struct Browser {
    transport: Transport,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Sent with every request.
    pub headers: HeaderMap,
}

impl Browser {
    pub fn new(transport: Transport) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(PHONE_AGENT));
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("zh-CN"));
        Self { transport, cookies: BTreeMap::new(), headers }
    }

    /// A cookie that this browser holds for a host.
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(host)?.get(name).map(String::as_str)
    }

    pub fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }

    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    /// One request, no redirect followed.
    pub async fn send(
        &mut self,
        method: Method,
        url: &Url,
        extra: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Page, TransportError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = Request::builder().method(method).uri(url.as_str()).body(body.into()).unwrap();
        *request.headers_mut() = self.headers.clone();
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(&authority).unwrap());
        if let Some(jar) = self.cookies.get(&host).filter(|jar| !jar.is_empty()) {
            let line: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(header::COOKIE, HeaderValue::from_str(&line.join("; ")).unwrap());
        }
        for (name, value) in extra {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let (parts, body) = self.transport.send(request, TIMEOUT).await?.into_parts();
        self.keep_cookies(&host, &parts.headers);
        if host.starts_with("bridge.") || host.starts_with("console.") {
            check_headers(&parts.headers);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Page { url: url.clone(), status: parts.status, headers: parts.headers, body })
    }

    pub async fn get(&mut self, url: &Url) -> Result<Page, TransportError> {
        self.send(Method::GET, url, &[], Bytes::new()).await
    }

    /// Posts a form as a page of the same origin does.
    pub async fn post_form(&mut self, url: &Url, fields: &[(String, String)]) -> Result<Page, TransportError> {
        let origin = url.origin().ascii_serialization();
        let extra = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(Method::POST, url, &extra, encode(fields)).await
    }

    /// Posts a form that another site shows: the hand-off to the OA.
    pub async fn post_cross_site(&mut self, url: &Url, fields: &[(String, String)]) -> Result<Page, TransportError> {
        let extra = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ];
        self.send(Method::POST, url, &extra, encode(fields)).await
    }

    /// Follows redirects from `page` to the first answer that is none.
    pub async fn follow(&mut self, mut page: Page) -> Result<Page, TransportError> {
        for _ in 0..REDIRECTS_MAX {
            let Some(location) = page.next() else { return Ok(page) };
            let next = page.url.join(&location).unwrap();
            page = self.get(&next).await?;
        }
        panic!("more than {REDIRECTS_MAX} redirects, last {}", page.url);
    }

    fn keep_cookies(&mut self, host: &str, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let text = line.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let jar = self.cookies.entry(host.to_owned()).or_default();
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn check_headers(headers: &HeaderMap) {
    for name in headers.keys() {
        assert!(ALLOWED_HEADERS.contains(&name.as_str()), "the bridge answers with the header {name}");
    }
}

/// A form's fields as `application/x-www-form-urlencoded`.
pub fn encode(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
