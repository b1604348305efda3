//! `/v1/signing-keys`: the keys of tickets, one set for the whole installation (product.md SEC-05).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, installation};
use signin::{Bridge, SigningKeyInfo};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input;

pub async fn list(State(bridge): State<Bridge>, actor: Actor) -> Response {
    match bridge.signing_key_infos().await {
        Ok(keys) => Json(keys).into_response(),
        Err(refusal) => ApiError::from(refusal).answer(actor.lang),
    }
}

pub async fn rotate(State(bridge): State<Bridge>, actor: Actor, body: input::Body) -> Response {
    match begin(&bridge, &actor, &body).await {
        Ok(key) => (StatusCode::CREATED, Json(key)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn retire(State(bridge): State<Bridge>, actor: Actor, Path(kid): Path<String>) -> Response {
    let entry = actor.entry(&bridge, installation(), Action::SigningKeyRetire, "");
    match bridge.retire_signing_key(&kid, entry).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => ApiError::from(refusal).answer(actor.lang),
    }
}

async fn begin(bridge: &Bridge, actor: &Actor, body: &input::Body) -> Result<SigningKeyInfo, ApiError> {
    input::nothing(body)?;
    let entry = actor.entry(bridge, installation(), Action::SigningKeyRotate, "");
    Ok(bridge.rotate_signing_key(entry).await?)
}
