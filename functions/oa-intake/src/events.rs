//! `POST /v1/oa/{instance}/events`, also as `/v1/events/{instance}` (oa-api.md C.5, C.6).

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::model::OaInstance;
use domain::problem;
use platform::http::{BODY_BYTES_MAX, lang_of};
use platform::secret::sha256_hex;
use serde::Serialize;
use serde_json::Value;
use signin::{Bridge, Refusal};

use crate::envelope::{self, Rejected};
use crate::{message, not_taken, queue, refused_json};

/// What becomes of each event.
#[derive(Debug, Default, Serialize)]
struct Verdicts {
    accepted: Vec<String>,
    duplicate: Vec<String>,
    rejected: Vec<Rejected>,
}

/// Answers 202 after the queue has the events, and the same again when the same call is repeated.
pub async fn take(State(bridge): State<Bridge>, Path(instance): Path<String>, request: Request<Body>) -> Response {
    let lang = lang_of(&request);
    let (parts, body) = request.into_parts();
    match taken(&bridge, &instance, &parts.headers, body).await {
        Ok(answer) => (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(refusal) => refused_json(&refusal, lang),
    }
}

async fn taken(bridge: &Bridge, instance: &str, headers: &HeaderMap, body: Body) -> Result<String, Refusal> {
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| problem::BODY_TOO_LARGE)?;
    let (instance, call) = bridge.proved_oa(instance, headers, &body).await?;
    let unreadable = |cause| Refusal::because(problem::ENVELOPE_INVALID, cause);
    let digest = sha256_hex(std::str::from_utf8(&body).map_err(|_| unreadable("not UTF-8"))?);
    if let Some(known) = bridge.store().taken_call(&instance.id, call.as_str()).await? {
        // Another body is no repetition: its events would be lost behind the first one's answer.
        return if known.body == digest { Ok(known.answer) } else { Err(unreadable("webhook-id of another body")) };
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let events = envelope::events(content_type, &body).ok_or_else(|| unreadable("no CloudEvents in JSON"))?;
    let verdicts = hand_on(bridge, &instance, events).await?;
    let (accepted, duplicate, rejected) = (verdicts.accepted.len(), verdicts.duplicate.len(), verdicts.rejected.len());
    tracing::info!(instance = %instance.id, accepted, duplicate, rejected, "events taken");
    let answer = serde_json::to_string(&verdicts).map_err(not_taken)?;
    bridge.store().keep_call(&instance.id, call.as_str(), digest, answer.clone()).await?;
    Ok(answer)
}

/// Puts on the queue what is acceptable and new. What is lost before the table knows it comes again, and whoever reads
/// the queue meets some events twice.
async fn hand_on(bridge: &Bridge, instance: &OaInstance, events: Vec<Value>) -> Result<Verdicts, Refusal> {
    let mut verdicts = Verdicts::default();
    let (mut readable, mut met) = (Vec::new(), BTreeSet::new());
    let now = bridge.clock().now();
    for event in events {
        match envelope::judge(&event, &instance.allowed_dest_prefixes, now) {
            Ok(event) if met.insert(event.digest.clone()) => readable.push(event),
            Ok(again) => verdicts.duplicate.push(again.id),
            Err(rejected) => verdicts.rejected.push(rejected),
        }
    }
    let digests: Vec<String> = readable.iter().map(|event| event.digest.clone()).collect();
    let known = bridge.store().taken_events(&instance.id, &digests).await?;
    let (mut messages, mut fresh) = (Vec::new(), Vec::new());
    for (event, known) in readable.into_iter().zip(known) {
        if known {
            verdicts.duplicate.push(event.id);
            continue;
        }
        messages.push(message::of_event(bridge, instance, &event).await?);
        fresh.push(event.digest);
        verdicts.accepted.push(event.id);
    }
    if !messages.is_empty() {
        queue(bridge)?.send_all(&messages).await.map_err(not_taken)?;
        bridge.store().keep_events(&instance.id, &fresh).await?;
    }
    Ok(verdicts)
}
