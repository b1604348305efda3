//! Whoever looks at the console: his session, his language, what he may. Forms come with the session's token; one that
//! comes after the session has ended is kept and offered again after signing in.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::account::ConsoleSession;
use domain::problem;
use domain::role::Permission;
use domain::text::Lang;
use domain::zone::Zone;
use platform::http::{ClientAddress, cookie, is_cross_site};
use signin::{Bridge, Refusal};
use state::config::TenantConfig;

use super::form::Fields;
use super::page::{Page, Section, problem_block};
use super::{sign_in, words as w};
use crate::actor::{Actor, Who};
use crate::console_session;
use crate::error::ApiError;

/// Holds the console's session.
pub const SESSION_COOKIE: &str = "__Host-console";
/// Holds the chosen language.
pub const LANG_COOKIE: &str = "__Host-lang";

/// A signed-in person, with what every page shows.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub actor: Actor,
    pub session: ConsoleSession,
    /// The tenant's settings, at most 30 seconds old: for the navigation. What a page edits it reads anew.
    pub config: Arc<TenantConfig>,
    /// Path and query of this page.
    pub path: String,
    pub query: Fields,
}

/// The language of a request to the console: the choice of its reader, else what the browser prefers.
pub fn lang_of(headers: &HeaderMap) -> Lang {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let chosen = cookie(headers, LANG_COOKIE).and_then(Lang::from_choice);
    chosen.unwrap_or_else(|| Lang::from_accept(accepted.unwrap_or_default()))
}

/// Where a request came from and what its browser calls itself.
pub fn origin_of(parts: &Parts) -> (String, String) {
    let from = parts.extensions.get::<ClientAddress>().map(|address| address.0.clone()).unwrap_or_default();
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (from, agent.chars().take(200).collect())
}

fn path_of(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

impl Visitor {
    pub fn lang(&self) -> Lang {
        self.actor.lang
    }

    /// The zone in which the tenant reads times.
    pub fn zone(&self) -> &Zone {
        &self.config.tenant.zone
    }

    /// The token that every form of this session carries.
    pub fn csrf(&self) -> &str {
        self.session.csrf.expose()
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    /// The answer of a page, or of what went wrong.
    pub fn answer(&self, result: Result<Response, ApiError>) -> Response {
        result.unwrap_or_else(|error| self.problem(&error))
    }

    /// What went wrong, as a page of its own.
    pub fn problem(&self, error: &ApiError) -> Response {
        error.log();
        let lang = self.lang();
        let page = Page::new(self, Section::Overview, None, w::PROBLEM.get(lang)).block(problem_block(error, lang));
        page.answer_with(status_of(error))
    }

    /// Whoever makes the request; `None` without a session.
    pub async fn find(parts: &mut Parts, bridge: &Bridge) -> Result<Option<Self>, ApiError> {
        let lang = lang_of(&parts.headers);
        let Some(value) = cookie(&parts.headers, SESSION_COOKIE) else { return Ok(None) };
        let Some(session) = console_session::session(bridge, value).await? else { return Ok(None) };
        let Some(config) = bridge.store().config(&session.tenant).await? else { return Ok(None) };
        let (from, _) = origin_of(parts);
        let who = Who::Member { tenant: session.tenant.clone(), name: session.login.clone(), role: session.role };
        let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let actor = Actor { lang, from, who };
        Ok(Some(Self { actor, session, config, path: path_of(&parts.uri), query }))
    }

    /// Refuses what the visitor's role does not allow.
    #[expect(clippy::result_large_err, reason = "an extractor's rejection is the response itself")]
    pub fn admitted(self, parts: &Parts) -> Result<Self, Response> {
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let needs = super::needs(parts.method.as_str(), path);
        if needs.is_some_and(|permission| self.may(permission)) {
            return Ok(self);
        }
        Err(self.problem(&problem::FORBIDDEN.into()))
    }
}

pub fn status_of(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What went wrong, for somebody who is not signed in.
pub fn problem_alone(error: &ApiError, lang: Lang) -> Response {
    error.log();
    Page::alone(lang, w::PROBLEM.get(lang), "/").block(problem_block(error, lang)).answer_with(status_of(error))
}

impl FromRequestParts<Bridge> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, bridge: &Bridge) -> Result<Self, Response> {
        let lang = lang_of(&parts.headers);
        match Self::find(parts, bridge).await {
            Ok(Some(visitor)) => visitor.admitted(parts),
            Ok(None) => {
                let path = path_of(&parts.uri);
                let back = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
                let asked = if path == "/" { "/sign-in".to_owned() } else { format!("/sign-in?back={back}") };
                Err(Redirect::to(&asked).into_response())
            }
            Err(error) => Err(problem_alone(&error, lang)),
        }
    }
}

/// A form that a signed-in person posted from a page of ours.
#[derive(Debug)]
pub struct Posted {
    pub visitor: Visitor,
    pub fields: Fields,
}

impl FromRequest<Bridge> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, bridge: &Bridge) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let lang = lang_of(&parts.headers);
        let refused = |error: ApiError| problem_alone(&error, lang);
        if is_cross_site(&parts.headers, bridge.config().console_origin.as_str()) {
            return Err(refused(problem::CROSS_SITE.into()));
        }
        let found = Visitor::find(&mut parts, bridge).await.map_err(refused)?;
        let request = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(request, bridge).await;
        let bytes = bytes.map_err(|_| refused(problem::BODY_TOO_LARGE.into()))?;
        let fields = Fields::parse(&bytes);
        let Some(visitor) = found else {
            return Err(sign_in::again(lang, &path_of(&parts.uri), &fields));
        };
        if !console_session::is_token_of(&visitor.session, fields.get("csrf")) {
            return Err(refused(Refusal::from(problem::CROSS_SITE).into()));
        }
        Ok(Self { visitor: visitor.admitted(&parts)?, fields })
    }
}
