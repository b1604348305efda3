//! `POST /v1/me/password`: the password of whoever is signed in, changed by himself (product.md C30).
//!
//! The one route of the API that an account's session opens instead of a key: a key has no password. No token of a form
//! is asked for: the present password is one, and no other site knows it.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::account::ConsoleSession;
use domain::problem;
use domain::text::Lang;
use platform::http::{cookie, host_cookie, is_cross_site};
use serde::Deserialize;
use signin::Bridge;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::console::{SESSION_COOKIE, lang_of, origin_of, with_cookie};
use crate::console_session;
use crate::error::ApiError;
use crate::input::{self, Body};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    current_password: String,
    password: String,
}

/// Whoever makes a request with the cookie of his session.
#[derive(Debug)]
pub struct SignedIn {
    lang: Lang,
    from: String,
    agent: String,
    session: ConsoleSession,
}

impl FromRequestParts<Bridge> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, bridge: &Bridge) -> Result<Self, Response> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            // A wrong key is told of that first.
            let actor = Actor::from_request_parts(parts, bridge).await?;
            return Err(ApiError::from(problem::NO_PASSWORD).answer(actor.lang));
        }
        let lang = lang_of(&parts.headers);
        let refused = |error: ApiError| error.answer(lang);
        if is_cross_site(&parts.headers, bridge.config().console_origin.as_str()) {
            return Err(refused(problem::CROSS_SITE.into()));
        }
        let session = match cookie(&parts.headers, SESSION_COOKIE) {
            Some(value) => console_session::session(bridge, value).await.map_err(|error| refused(error.into()))?,
            None => None,
        };
        let session = session.ok_or_else(|| refused(problem::UNAUTHENTICATED.into()))?;
        let (from, agent) = origin_of(parts);
        Ok(Self { lang, from, agent, session })
    }
}

/// Answers 204 with the cookie of a new session: all that were open have ended.
pub async fn change(State(bridge): State<Bridge>, who: SignedIn, body: Body) -> Response {
    match changed(&bridge, &who, &body).await {
        Ok(cookie) => {
            let cookie = host_cookie(SESSION_COOKIE, &cookie, console_session::COOKIE_S);
            with_cookie(StatusCode::NO_CONTENT.into_response(), &cookie)
        }
        Err(error) => error.answer(who.lang),
    }
}

async fn changed(bridge: &Bridge, who: &SignedIn, body: &Body) -> Result<String, ApiError> {
    let NewPassword { current_password, password } = input::json(body)?;
    let SignedIn { from, agent, session, .. } = who;
    let entered =
        console_session::change_own_password(bridge, session, &current_password, &password, from, agent).await?;
    Ok(entered.0)
}
