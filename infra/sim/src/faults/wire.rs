//! What each fault looks like on the wire, in the words of the system that is hit.

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Number, Value, json};

use super::{ConnectionLost, Knob};

/// Bytes of an answer that is rewritten; simulated answers stay far below it.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whose words a fault uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `code` and `message` with HTTP 200 (welink-api.md 1, 2.3, 12).
    WeLink,
    /// Problem JSON, SCIM errors below `/scim/` (oa-api.md C.7).
    Oa,
}

impl Dialect {
    /// Whether a call on this path carries a token that can expire.
    pub(super) fn carries_token(self, path: &str) -> bool {
        match self {
            Self::WeLink => {
                let path = path.trim_end_matches('/');
                path.starts_with("/api/") && !path.ends_with("/tickets") && !path.ends_with("/oauth2/v1/token")
            }
            Self::Oa => true,
        }
    }

    pub(super) fn rate_limited(self, path: &str) -> Response {
        match self {
            Self::WeLink => welink("48503", "simulated rate limit"),
            Self::Oa => {
                let mut answer = oa(path, StatusCode::TOO_MANY_REQUESTS, "rate-limited");
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                answer
            }
        }
    }

    pub(super) fn token_expired(self, path: &str) -> Response {
        match self {
            Self::WeLink => {
                let code = match path.split('/').nth(2) {
                    Some("contact") => "47103",
                    Some("todo") => "55014",
                    Some("messages") => "51036",
                    _ => "1000",
                };
                welink(code, "simulated expired token")
            }
            Self::Oa => {
                let mut answer = oa(path, StatusCode::UNAUTHORIZED, "token-expired");
                answer
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
                answer
            }
        }
    }

    pub(super) fn unknown_code(self, path: &str) -> Response {
        match self {
            Self::WeLink => welink("59999", "simulated code without a page"),
            Self::Oa => oa(path, StatusCode::UNPROCESSABLE_ENTITY, "simulated-unknown"),
        }
    }
}

fn welink(code: &str, message: &str) -> Response {
    whole(StatusCode::OK, "application/json;charset=UTF-8", json!({ "code": code, "message": message }).to_string())
}

fn oa(path: &str, status: StatusCode, name: &str) -> Response {
    if path.contains("/scim/") {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.as_u16().to_string(),
            "detail": name,
        });
        return whole(status, "application/scim+json", body.to_string());
    }
    let body = json!({
        "type": format!("urn:cloudbridge:problem:{name}"), "title": name,
        "status": status.as_u16(), "detail": "simulated",
    });
    whole(status, "application/problem+json", body.to_string())
}

/// A complete answer.
fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// 500, 502 or 503, picked by a number in `0..3`.
pub(super) fn server_error(pick: u32) -> Response {
    let status = match pick {
        0 => StatusCode::INTERNAL_SERVER_ERROR,
        1 => StatusCode::BAD_GATEWAY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    whole(status, "text/plain; charset=utf-8", status.as_str().to_owned())
}

/// See the module documentation of `faults`: marked for the seam, failing for a socket.
pub(super) fn connection_lost() -> Response {
    let reset = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "simulated connection loss");
    let mut answer = Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(reset)])));
    answer.extensions_mut().insert(ConnectionLost);
    answer
}

/// Keeps what the inner router noted about the call (its outcome) on the answer that replaces the real one.
pub(super) fn carry_over(from: &Response, mut to: Response) -> Response {
    to.extensions_mut().extend(from.extensions().clone());
    to
}

pub(super) fn is_json(answer: &Response) -> bool {
    answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim_end().ends_with("json")))
}

/// Rewrites a JSON answer as `knob` says; an answer that cannot be read whole counts as lost.
pub(super) async fn spoil(answer: Response, knob: Knob) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else { return connection_lost() };
    parts.headers.remove(CONTENT_LENGTH);
    let spoiled: Vec<u8> = match knob {
        Knob::Malformed => [b"{'code': 0,, ", bytes.as_ref()].concat(),
        Knob::Truncated => bytes[..bytes.len() / 2].to_vec(),
        Knob::Html => {
            parts.status = StatusCode::OK;
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            b"<!doctype html><html><head><title>Notice</title></head><body>Please sign in to the network.</body></html>"
                .to_vec()
        }
        Knob::WrongTypes => rewrite(&bytes, flip_types),
        Knob::ExtraFields => rewrite(&bytes, add_fields),
        _ => bytes.to_vec(),
    };
    Response::from_parts(parts, Body::from(spoiled))
}

fn rewrite(bytes: &[u8], change: fn(&mut Value)) -> Vec<u8> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            change(&mut value);
            value.to_string().into_bytes()
        }
        Err(_) => bytes.to_vec(),
    }
}

/// Numbers become strings and digits become numbers, where nothing is lost by it.
fn flip_types(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(number) = text.parse::<i64>()
                && number.to_string() == *text
            {
                *value = Value::Number(Number::from(number));
            }
        }
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(flip_types),
        Value::Object(fields) => fields.values_mut().for_each(flip_types),
        Value::Null | Value::Bool(_) => {}
    }
}

fn add_fields(value: &mut Value) {
    if let Value::Object(fields) = value {
        extra(fields);
        for inner in fields.values_mut() {
            if let Value::Object(fields) = inner {
                extra(fields);
            }
        }
    }
}

fn extra(fields: &mut Map<String, Value>) {
    fields.entry("xSimulated").or_insert_with(|| Value::from("extra"));
    fields.entry("xNested").or_insert_with(|| json!([{ "deep": [1, null, true] }]));
}
