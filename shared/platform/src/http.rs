//! What every HTTP answer of the bridge has in common: problem documents, browser hygiene, bounded bodies.

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::body::Body;
use axum::middleware::Next;
use axum::response::IntoResponse;
use domain::problem::Problem;
use domain::text::Lang;
use serde::Serialize;

use crate::trace::TraceId;

/// Bytes of a request body at most (oa-api.md C.7).
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The language of a request: an explicit `lang` choice in the query, else what the browser prefers.
pub fn lang_of<B>(request: &Request<B>) -> Lang {
    let chosen = request.uri().query().and_then(|query| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == "lang").and_then(|(_, value)| Lang::from_choice(value))
    });
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    chosen.unwrap_or_else(|| Lang::from_accept(accepted.unwrap_or_default()))
}

/// A field that is not acceptable, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub reason: String,
}

/// A problem document (RFC 9457, oa-api.md C.7).
#[derive(Debug, Clone, Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    trace: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// Renders `problem` as `application/problem+json` with the trace of the current request.
pub fn problem_json(problem: Problem, lang: Lang, errors: &[FieldError], retry_after_s: Option<i64>) -> Response<Body> {
    let trace = TraceId::current();
    let document = Document {
        kind: format!("urn:cloudbridge:problem:{}", problem.name),
        title: problem.title.get(lang),
        status: problem.status,
        detail: problem.advice.get(lang),
        trace: trace.as_str(),
        errors,
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut answer = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if let Some(seconds) = retry_after_s {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    answer
}

/// Headers of every answer (product.md C29); an answer that set one of them keeps its own.
const HYGIENE: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds the headers of browser hygiene to every answer.
pub async fn hygiene(request: Request<Body>, next: Next) -> Response<Body> {
    let mut answer = next.run(request).await;
    for (name, value) in HYGIENE {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// What a browser is shown, or a program told, in the place of a problem.
pub type Say = fn(path: &str, problem: Problem, lang: Lang) -> Response<Body>;

/// Puts a problem of ours in the place of a refusal that the framework words by itself, as it does for a query with a
/// field twice: plain English text without a trace id.
pub async fn in_our_words(say: Say, request: Request<Body>, next: Next) -> Response<Body> {
    let (lang, path) = (lang_of(&request), request.uri().path().to_owned());
    let answer = next.run(request).await;
    let is_plain =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match answer.status() {
        StatusCode::PAYLOAD_TOO_LARGE if is_plain => say(&path, domain::problem::BODY_TOO_LARGE, lang),
        status if is_plain && status.is_client_error() => say(&path, domain::problem::BAD_REQUEST, lang),
        _ => answer,
    }
}

/// The address that a request came from, as whoever accepted it knows: the gateway on AWS, the socket locally. Headers
/// that a client can write are not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress(pub String);

/// The request's client address, empty when nobody told.
pub fn client_address<B>(request: &Request<B>) -> String {
    request.extensions().get::<ClientAddress>().map(|address| address.0.clone()).unwrap_or_default()
}

/// Answers only requests for `host` (a name with its port, if it has one): employees' pages and the console live on
/// different hosts, and each router refuses the other's (design.md 6).
pub async fn only_host(host: std::sync::Arc<str>, request: Request<Body>, next: Next) -> Response<Body> {
    let in_uri = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let in_header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let named = in_header.or(in_uri).unwrap_or_default();
    if named.eq_ignore_ascii_case(&host) {
        return next.run(request).await;
    }
    problem_json(domain::problem::NOT_FOUND, lang_of(&request), &[], None)
}

/// Whether the browser says that another site caused this request. `Sec-Fetch-Site` is the browser's own word, which no
/// page can write; `Origin` decides where a browser does not send it, and is `null` behind a strict referrer policy.
/// Browsers that say nothing are judged by what else the route demands (a state bound to a cookie, a key).
pub fn is_cross_site(headers: &::http::HeaderMap, own_origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), None | Some("null")) => false,
        (Some("same-origin" | "none") | None, origin) => origin.is_some_and(|origin| origin != own_origin),
        (Some(_), _) => true,
    }
}

/// The value of a cookie, from all `Cookie` headers of the request.
pub fn cookie<'a>(headers: &'a ::http::HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A `Set-Cookie` value that only this host, over a secure channel, gets back, and no script reads.
pub fn host_cookie(name: &str, value: &str, max_age_s: i64) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = ::http::HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-b=two"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=3"));
        assert_eq!(cookie(&headers, "__Host-b"), Some("two"));
        assert_eq!(cookie(&headers, "c"), Some("3"));
        assert_eq!(cookie(&headers, "b"), None);
    }
}
