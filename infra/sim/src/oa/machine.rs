//! What the bridge calls besides SCIM: the list of applications, and the end of a session (oa-api.md C.1).

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::signature::{self, Unproved};
use super::{Oa, lock, outbox, scim};

/// A `webhook-id` and its answer are remembered for 24 h (oa-api.md C.6).
const ANSWER_MS_MAX: i64 = 24 * 3_600_000;
/// Remembered answers at most; the oldest gives way.
const ANSWERS_MAX: usize = 10_000;

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/v1/apps", get(apps))
        .route("/v1/todos/open", get(outbox::open_list))
        .route("/v1/revoke", post(revoke))
}

/// The answers already given, by `webhook-id`: status and body.
#[derive(Debug, Default)]
pub(super) struct Answered(BTreeMap<String, (Timestamp, StatusCode, Value)>);

impl Answered {
    pub(super) fn get(&self, id: &str, now: Timestamp) -> Option<(StatusCode, Value)> {
        let (at, status, body) = self.0.get(id)?;
        (now.ms_since(*at) < ANSWER_MS_MAX).then(|| (*status, body.clone()))
    }

    pub(super) fn put(&mut self, id: String, now: Timestamp, status: StatusCode, body: Value) {
        if self.0.len() >= ANSWERS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (at, ..))| *at).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.0.remove(&id));
        }
        self.0.insert(id, (now, status, body));
    }
}

/// The homepage-type applications of this OA.
async fn apps(State(oa): State<Oa>, headers: HeaderMap) -> Response {
    if !scim::is_bridge(&oa, &headers) {
        return problem(&oa, StatusCode::UNAUTHORIZED, "unauthorized", "The bearer token is missing or unknown.");
    }
    let app = |id: &str, zh: &str, en: &str, dest: &str| {
        let names = json!({ "zh": zh, "en": en });
        json!({ "id": id, "names": names, "dest_pc": dest, "dest_mobile": dest })
    };
    let body = json!({ "apps": [
        app("portal", "门户", "Portal", "/"),
        app("workflow", "流程", "Workflow", "/workflow"),
        app("attendance", "考勤", "Attendance", "/attendance"),
    ] });
    answer(StatusCode::OK, "application/json", &body)
}

/// What a signed body is for; the rest of it depends on that.
#[derive(Deserialize)]
struct Purpose {
    op: String,
}

/// Why a signed call was not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    Unproved(Unproved),
    /// It is the bridge's, but not a JSON object with an `op`.
    Envelope,
}

/// The `webhook-id` of a call that the bridge signed for this `op`. The signature does not cover the path, so the body
/// names its purpose; one for another address is not believed here, and not answered from what was stored there.
pub(super) fn proved(oa: &Oa, headers: &HeaderMap, body: &[u8], op: &str) -> Result<String, Denied> {
    let link = oa.link().ok_or(Denied::Unproved(Unproved::Signature))?;
    let secrets = std::iter::once(&link.connection.pull_secret).chain(&link.pull_secret_before);
    let id = signature::verify(secrets, headers, body, oa.now()).map_err(Denied::Unproved)?;
    let purpose: Purpose = serde_json::from_slice(body).map_err(|_| Denied::Envelope)?;
    if purpose.op == op { Ok(id) } else { Err(Denied::Unproved(Unproved::Signature)) }
}

#[derive(Debug, Deserialize)]
struct Revoke {
    jti: String,
}

/// Ends the sessions that a ticket opened; 404 when there are none. The same signed request gets the same answer.
async fn revoke(State(oa): State<Oa>, headers: HeaderMap, body: Bytes) -> Response {
    let now = oa.now();
    let id = match proved(&oa, &headers, &body, "session.revoke") {
        Ok(id) => id,
        Err(why) => return denied(&oa, why),
    };
    if let Some((status, given)) = lock(&oa.0.answered).get(&id, now) {
        return answer(status, "application/json", &given);
    }
    let Ok(order) = serde_json::from_slice::<Revoke>(&body) else { return denied(&oa, Denied::Envelope) };
    let ended = lock(&oa.0.sessions).end_by_ticket(&order.jti);
    if ended == 0 {
        return problem(&oa, StatusCode::NOT_FOUND, "ticket-unknown", "This ticket has no live session here.");
    }
    let given = json!({ "ended": ended });
    lock(&oa.0.answered).put(id, now, StatusCode::OK, given.clone());
    answer(StatusCode::OK, "application/json", &given)
}

pub(super) fn denied(oa: &Oa, why: Denied) -> Response {
    match why {
        Denied::Unproved(Unproved::Signature) => {
            problem(oa, StatusCode::UNAUTHORIZED, "signature-invalid", "The signature does not match.")
        }
        Denied::Unproved(Unproved::Skew) => {
            problem(oa, StatusCode::UNAUTHORIZED, "timestamp-skew", "The timestamp is more than 300 s away.")
        }
        Denied::Envelope => {
            problem(oa, StatusCode::BAD_REQUEST, "envelope-invalid", "The body is not what this address takes.")
        }
    }
}

/// Problem JSON (RFC 9457) with the names of oa-api.md C.7.
pub(super) fn problem(oa: &Oa, status: StatusCode, name: &str, detail: &str) -> Response {
    let body = json!({
        "type": format!("urn:cloudbridge:problem:{name}"), "title": status.canonical_reason().unwrap_or(name),
        "status": status.as_u16(), "detail": detail, "trace": oa.0.entropy.hex(8),
    });
    answer(status, "application/problem+json", &body)
}

pub(super) fn answer(status: StatusCode, kind: &'static str, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
