//! What the OA asks the bridge while somebody signs in: its keys, whether a ticket is still good, a code and how far it
//! is.

use std::time::Duration;

use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use domain::time::Timestamp;
use ed25519_dalek::VerifyingKey;
use platform::transport::TransportError;
use serde::Deserialize;
use serde_json::json;

use super::refusal::Refusal;
use super::ticket::KeySet;
use super::{Connection, Oa, lock, signature};

/// One call to the bridge takes so long at most (oa-api.md C.7).
const TOTAL: Duration = Duration::from_secs(10);
/// A call is sent at most so often.
const TRIES_MAX: usize = 2;

/// The bridge's answer to a redemption (oa-api.md C.2.2); the rest of it only repeats the ticket.
#[derive(Debug, Deserialize)]
struct Redeemed {
    sub: String,
}

/// The key that a ticket names: from the copy while that is younger than 300 s, else fetched. A name that the copy does
/// not hold is looked up once more, since the bridge may have rotated.
pub(super) async fn key(oa: &Oa, connection: &Connection, kid: &str) -> Result<VerifyingKey, Refusal> {
    let known = lock(&oa.0.keys).clone();
    if let Some(key) = known.key(kid).filter(|_| known.is_fresh(oa.now())) {
        return Ok(key);
    }
    let fetched = fetch_keys(oa, connection).await?;
    let key = fetched.key(kid);
    *lock(&oa.0.keys) = fetched;
    key.ok_or(Refusal::UnknownKey)
}

async fn fetch_keys(oa: &Oa, connection: &Connection) -> Result<KeySet, Refusal> {
    let request = Request::get(format!("{}/.well-known/jwks.json", connection.bridge_origin))
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| Refusal::Answer)?;
    let answer = send(oa, request).await?;
    if answer.status() != StatusCode::OK {
        return Err(Refusal::Unreachable);
    }
    KeySet::parse(answer.body(), oa.now()).map_err(|_| Refusal::Answer)
}

/// Redeems a ticket over the back channel; only `Ok` may open a session.
///
/// A lost answer is asked for again with the same signed request, which the bridge answers as it did the first time.
pub(super) async fn redeem(oa: &Oa, connection: &Connection, jti: &str, sub: &str) -> Result<(), Refusal> {
    let body = json!({ "op": "ticket.redeem", "jti": jti, "aud": connection.instance_id }).to_string();
    let request = signed(oa, connection, "/v1/tickets/redeem", body)?;
    let answer = send(oa, request).await?;
    match answer.status() {
        StatusCode::OK => {
            let redeemed: Redeemed = serde_json::from_slice(answer.body()).map_err(|_| Refusal::Answer)?;
            if redeemed.sub == sub { Ok(()) } else { Err(Refusal::Answer) }
        }
        StatusCode::CONFLICT => Err(Refusal::Used),
        StatusCode::GONE => Err(Refusal::Expired),
        StatusCode::NOT_FOUND => Err(Refusal::Unknown),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Refusal::NotAuthorised),
        StatusCode::TOO_MANY_REQUESTS => Err(Refusal::Unreachable),
        _ => Err(Refusal::Answer),
    }
}

/// A code that the bridge has made for this OA's login page (oa-api.md C.4).
#[derive(Debug, Deserialize)]
pub(super) struct Code {
    pub(super) qr_id: String,
    pub(super) qr_text: String,
    expires_at: String,
}

impl Code {
    /// Whole seconds that it may still be scanned.
    pub(super) fn life_s(&self, now: Timestamp) -> i64 {
        let ends: Result<jiff::Timestamp, _> = self.expires_at.parse();
        ends.map_or(0, |ends| ends.as_millisecond().saturating_sub(now.0) / 1000)
    }
}

/// How far a code is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub(super) state: String,
    pub(super) display_name: Option<String>,
    pub(super) number: Option<u8>,
    pub(super) ticket: Option<String>,
    /// Seconds to wait, when it was asked too early.
    #[serde(skip)]
    pub(super) wait_s: Option<i64>,
}

/// Asks the bridge for a code that a browser with this address and agent will show.
pub(super) async fn create_code(
    oa: &Oa,
    connection: &Connection,
    dest: &str,
    ip: &str,
    agent: &str,
) -> Result<Code, Refusal> {
    let body = json!({
        "op": "qr.create", "aud": connection.instance_id, "request_id": oa.0.entropy.hex(8), "dest": dest,
        "client": { "ip": ip, "ua": agent },
    });
    let answer = send(oa, signed(oa, connection, "/v1/qr/sessions", body.to_string())?).await?;
    match answer.status() {
        StatusCode::CREATED => serde_json::from_slice(answer.body()).map_err(|_| Refusal::Answer),
        StatusCode::UNAUTHORIZED => Err(Refusal::NotAuthorised),
        _ => Err(Refusal::Answer),
    }
}

/// Asks the bridge how far a code is.
pub(super) async fn code_state(oa: &Oa, connection: &Connection, code: &str) -> Result<Progress, Refusal> {
    let request = Request::get(format!("{}/v1/qr/sessions/{code}", connection.bridge_origin))
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", connection.scim_bearer.expose()))
        .body(Bytes::new())
        .map_err(|_| Refusal::Answer)?;
    let answer = send(oa, request).await?;
    match answer.status() {
        StatusCode::OK => serde_json::from_slice(answer.body()).map_err(|_| Refusal::Answer),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Ok(Progress { state: "pending".to_owned(), wait_s: wait, ..Progress::default() })
        }
        StatusCode::NOT_FOUND => Ok(Progress { state: "expired".to_owned(), ..Progress::default() }),
        _ => Err(Refusal::Answer),
    }
}

/// A signed POST to the bridge (oa-api.md C.6).
fn signed(oa: &Oa, connection: &Connection, path: &str, body: String) -> Result<Request<Bytes>, Refusal> {
    let id = format!("msg_{}", oa.0.entropy.hex(16));
    let timestamp_s = oa.now().epoch_s();
    let signed = signature::sign(&connection.push_secret, &id, timestamp_s, body.as_bytes())
        .map_err(|_| Refusal::NotAuthorised)?;
    Request::post(format!("{}{path}", connection.bridge_origin))
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp_s)
        .header("webhook-signature", signed.expose())
        .body(Bytes::from(body))
        .map_err(|_| Refusal::Answer)
}

/// Sends the request, and once more, unchanged, when its answer was lost or the bridge was failing.
async fn send(oa: &Oa, request: Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
    for _ in 0..TRIES_MAX {
        match oa.0.bridge.send(request.clone(), TOTAL).await {
            Ok(answer) if answer.status().is_server_error() => {
                tracing::warn!(status = answer.status().as_u16(), path = request.uri().path(), "the bridge failed");
            }
            Ok(answer) => return Ok(answer),
            Err(TransportError::TooLarge) => return Err(Refusal::Answer),
            Err(error) => tracing::warn!(%error, path = request.uri().path(), "no answer from the bridge"),
        }
    }
    Err(Refusal::Unreachable)
}
