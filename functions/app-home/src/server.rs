//! What the OA's server asks: redemption of a ticket, the published keys. And whether this function is well.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::problem;
use domain::text::Lang;
use platform::http::{client_address, lang_of};
use serde::Serialize;
use signin::{Bridge, RedeemRequest};

use crate::pages::refused_json;

/// Bytes of a redeem request at most; it holds two ids.
const REDEEM_BYTES_MAX: usize = 4 * 1024;

#[derive(Serialize)]
struct Answer {
    sub: String,
    dest: String,
    /// RFC 3339, UTC.
    redeemed_at: String,
}

/// `POST /v1/tickets/redeem` (oa-api.md C.2.2).
pub async fn redeem(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let (lang, from) = (lang_of(&request), client_address(&request));
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REDEEM_BYTES_MAX).await else {
        return refused_json(&problem::BODY_TOO_LARGE.into(), lang);
    };
    let asked = RedeemRequest { headers: &parts.headers, body: &body, from: &from };
    match bridge.redeem(asked).await {
        Ok(done) => {
            let at = jiff::Timestamp::from_millisecond(done.redeemed_at.0).unwrap_or_default();
            Json(Answer { sub: done.sub, dest: done.dest, redeemed_at: at.to_string() }).into_response()
        }
        Err(refusal) => refused_json(&refusal, lang),
    }
}

/// `GET /.well-known/jwks.json` (oa-api.md C.2).
pub async fn jwks(State(bridge): State<Bridge>) -> Response {
    match bridge.jwks().await {
        Ok(keys) => ([(header::CACHE_CONTROL, "public, max-age=300")], Json(keys)).into_response(),
        Err(refusal) => refused_json(&refusal, Lang::En),
    }
}

/// `GET /health`: the table answers. The document names our origin, so that whoever opens the public address knows that
/// it leads here.
pub async fn health(State(bridge): State<Bridge>) -> Response {
    match bridge.store().probe().await {
        Ok(()) => Json(bridge.health_document()).into_response(),
        Err(error) => refused_json(&error.into(), Lang::En),
    }
}
