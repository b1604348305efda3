//! `POST /sim/authcode`: the phone's half of `HWH5.getAuthCode`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{PhoneState, chosen_lang, words};
use crate::welink::DirectoryError;

/// `{"userId": "lihua@welink", "clientId": "..."}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wish {
    user_id: String,
    client_id: String,
}

/// Answers `{"code": "..."}` (welink-api.md 3.1), or 404 / 403 with an `error` in the reader's language.
pub(super) async fn issue(State(state): State<PhoneState>, headers: HeaderMap, Json(wish): Json<Wish>) -> Response {
    match state.welink.issue_auth_code(&wish.user_id, &wish.client_id) {
        Ok(code) => Json(json!({ "code": code })).into_response(),
        Err(reason) => {
            let status = match reason {
                DirectoryError::NotVisible | DirectoryError::NotOpened => StatusCode::FORBIDDEN,
                _ => StatusCode::NOT_FOUND,
            };
            let lang = chosen_lang(&headers, None).0;
            (status, Json(json!({ "error": words::refusal(reason).get(lang) }))).into_response()
        }
    }
}
