//! `POST /v1/welink/{app}`: callbacks of WeLink (welink-api.md 10, product.md C22). They name ids and no more, so they
//! become hints: what they name is read again.

use std::sync::Arc;

use ::welink::callback::{CallbackError, CallbackKey, Event, REMEMBERED_S};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::AppId;
use domain::model::App;
use domain::problem;
use platform::http::lang_of;
use serde::Deserialize;
use serde_json::Value;
use signin::{Bridge, Refusal};

use crate::{message, not_taken, queue, refused_json};

/// Bytes of a callback at most: ids of some two thousand people.
const CALLBACK_BYTES_MAX: usize = 256 * 1024;

#[derive(Deserialize)]
struct Encrypted {
    encrypt: String,
}

/// Answers in the callback's own encryption, after the queue has the hint.
pub async fn take(State(bridge): State<Bridge>, Path(app): Path<String>, request: Request<Body>) -> Response {
    let lang = lang_of(&request);
    match taken(&bridge, &app, request.into_body()).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refused_json(&refusal, lang),
    }
}

async fn taken(bridge: &Bridge, app: &str, body: Body) -> Result<Value, Refusal> {
    let body = to_bytes(body, CALLBACK_BYTES_MAX).await.map_err(|_| problem::BODY_TOO_LARGE)?;
    let (app, key) = named_app(bridge, app).await?;
    let sent: Encrypted = serde_json::from_slice(&body).map_err(|_| not_genuine("nothing encrypted"))?;
    let callback = key.read(&sent.encrypt, &app.welink_tenant, bridge.clock().now()).map_err(refused)?;
    let answer = key.answer(&callback, bridge.entropy().bytes()).map_err(refused)?;
    if callback.event == Event::Test || bridge.store().taken_callback(&app.id, &callback.fingerprint).await? {
        return Ok(answer);
    }
    let message = match &callback.event {
        Event::Changed(change) => {
            tracing::info!(app = %app.id, event = change.event_type, "WeLink tells of a change");
            message::of_hint(&app, change)
        }
        Event::Other(name) => {
            tracing::info!(app = %app.id, event = name, "WeLink tells something that is not used");
            None
        }
        Event::Test => None,
    };
    if let Some(message) = message {
        queue(bridge)?.send_all(&[message]).await.map_err(not_taken)?;
    }
    bridge.store().keep_callback(&app.id, &callback.fingerprint, REMEMBERED_S).await?;
    Ok(answer)
}

/// The app and what opens its callbacks. One that is unknown or switched off is answered like a wrong key.
async fn named_app(bridge: &Bridge, app: &str) -> Result<(App, Arc<CallbackKey>), Refusal> {
    let id = AppId::parse(app).map_err(|_| not_genuine("not an app's id"))?;
    let config = bridge.store().config(&id.tenant()).await?;
    let app = config.as_ref().and_then(|config| config.app(&id)).filter(|app| app.enabled);
    let app = app.ok_or_else(|| not_genuine("unknown app, or switched off"))?;
    let key = bridge.callback_key(app).await?;
    let key = key.ok_or_else(|| not_genuine("its secret was saved before callbacks were taken; save it again"))?;
    Ok((app.clone(), key))
}

fn not_genuine(cause: &str) -> Refusal {
    Refusal::because(problem::SIGNATURE_INVALID, cause)
}

fn refused(error: CallbackError) -> Refusal {
    let problem = match error {
        CallbackError::NotGenuine => problem::SIGNATURE_INVALID,
        CallbackError::Stale => problem::TIMESTAMP_SKEW,
        CallbackError::Malformed => problem::ENVELOPE_INVALID,
    };
    Refusal::because(problem, error)
}
