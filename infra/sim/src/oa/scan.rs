//! `/login/scan`: the OA shows a code of its own in its login page (oa-api.md C.4), and links to the bridge's page with
//! one.
//!
//! The code's id stands in the browser's pre-login session; a ticket that the bridge hands out is believed only for the
//! code of this very browser.

use std::collections::BTreeMap;

use askama::Template;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::time::Timestamp;
use platform::http::client_address;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use serde_json::json;

use super::exchange::{self, Progress};
use super::refusal::Refusal;
use super::sessions::Via;
use super::ticket::is_local_path;
use super::view::{self, Ui, Visit};
use super::{Connection, Oa, lock, pages, sso};

/// Holds the pre-login session.
const BEFORE_COOKIE: &str = "__Host-oa_before";
/// Pre-login sessions at most; the oldest gives way.
const BEFORE_MAX: usize = 1_000;
/// A pre-login session ends after so long: 15 minutes.
const BEFORE_MS_MAX: i64 = 15 * 60_000;
/// Own style and script, and questions to the own host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/login/scan", get(show))
        .route("/login/scan/state", get(state))
        .route("/assets/scan.js", get(script))
}

/// What a browser has before it is signed in: the code that it shows, and where it wants to go.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<String, (Timestamp, String, String)>);

impl Before {
    fn put(&mut self, id: String, now: Timestamp, code: String, dest: String) {
        self.0.retain(|_, (began, ..)| now.ms_since(*began) < BEFORE_MS_MAX);
        if self.0.len() >= BEFORE_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (at, ..))| *at).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.0.remove(&id));
        }
        self.0.insert(id, (now, code, dest));
    }

    fn code_of(&self, id: &str, now: Timestamp) -> Option<String> {
        let (began, code, _) = self.0.get(id)?;
        (now.ms_since(*began) < BEFORE_MS_MAX).then(|| code.clone())
    }
}

#[derive(Template)]
#[template(path = "oa/scan.html")]
struct Page {
    ui: Ui,
    /// What the code holds, and how it looks.
    code: Option<(String, String)>,
    /// Seconds that it is shown.
    life_s: i64,
    /// The bridge's own page with a code.
    hosted: String,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(rename = "return")]
    dest: Option<String>,
}

async fn script() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")];
    (headers, include_str!("../../assets/oa/scan.js")).into_response()
}

async fn show(State(oa): State<Oa>, visit: Visit, Query(wanted): Query<Wanted>, request: Request<Body>) -> Response {
    let dest = wanted.dest.filter(|dest| is_local_path(dest)).unwrap_or_else(|| "/".to_owned());
    if visit.signed.is_some() {
        return view::see_other(&dest, &[]);
    }
    let Some(link) = oa.link() else { return pages::refused(&oa, request.headers(), Refusal::NotConnected) };
    let connection = link.connection;
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let created = exchange::create_code(&oa, &connection, &dest, &client_address(&request), agent).await;
    let before = oa.0.entropy.hex(16);
    let life_s = created.as_ref().map(|created| created.life_s(oa.now())).unwrap_or_default();
    let code = created.ok().map(|created| {
        lock(&oa.0.before).put(before.clone(), oa.now(), created.qr_id, dest);
        let drawing = drawn(&created.qr_text);
        (created.qr_text, drawing)
    });
    let hosted = format!("{}/qr/{}?lang={}", connection.bridge_origin, connection.instance_id, visit.lang.tag());
    let mut page = visit.page(StatusCode::OK, &Page { ui: visit.ui(&oa, ""), code, life_s, hosted });
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let cookie = format!("{BEFORE_COOKIE}={before}; Path=/; HttpOnly; Secure; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        page.headers_mut().append(header::SET_COOKIE, value);
    }
    page
}

fn drawn(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else { return String::new() };
    let drawing = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    drawing.find("<svg").map(|at| drawing[at..].to_owned()).unwrap_or_default()
}

/// How far this browser's code is. When the bridge hands its ticket out, the browser is signed in.
async fn state(State(oa): State<Oa>, headers: HeaderMap) -> Response {
    let code = view::cookie(&headers, BEFORE_COOKIE).and_then(|id| lock(&oa.0.before).code_of(id, oa.now()));
    let (Some(code), Some(link)) = (code, oa.link()) else {
        return (StatusCode::NOT_FOUND, Json(json!({ "state": "expired" }))).into_response();
    };
    let progress = match exchange::code_state(&oa, &link.connection, &code).await {
        Ok(progress) => progress,
        Err(refusal) => {
            let code = refusal.explain().code;
            return (StatusCode::BAD_GATEWAY, Json(json!({ "state": "failed", "code": code }))).into_response();
        }
    };
    match &progress.ticket {
        Some(ticket) => match admit(&oa, &link.connection, &headers, ticket, &code).await {
            Ok((dest, cookie)) => {
                ([(header::SET_COOKIE, cookie)], Json(json!({ "state": "signed-in", "dest": dest }))).into_response()
            }
            Err(refusal) => {
                tracing::info!(code = refusal.explain().code, "the ticket of a code was refused");
                let code = refusal.explain().code;
                (StatusCode::FORBIDDEN, Json(json!({ "state": "failed", "code": code }))).into_response()
            }
        },
        None => Json(told(&progress)).into_response(),
    }
}

fn told(progress: &Progress) -> serde_json::Value {
    json!({
        "state": progress.state, "display_name": progress.display_name, "number": progress.number,
        "wait_s": progress.wait_s,
    })
}

/// Opens a session for a ticket that stands for this browser's own code: a path to go to, and the session's cookie.
async fn admit(
    oa: &Oa,
    connection: &Connection,
    headers: &HeaderMap,
    ticket: &str,
    code: &str,
) -> Result<(String, String), Refusal> {
    let claims = sso::verify(oa, connection, ticket).await?;
    if claims.qr.as_deref() != Some(code) {
        return Err(Refusal::Nonce);
    }
    let account =
        lock(&oa.0.directory).account(&claims.sub).filter(|account| account.active).cloned().ok_or(Refusal::Account)?;
    exchange::redeem(oa, connection, &claims.jti, &claims.sub).await?;
    let via = Via::Ticket { jti: claims.jti, amr: claims.amr, enterprise: claims.enterprise, bound_to_browser: true };
    Ok((claims.dest, pages::open_session(oa, headers, &account, via)))
}

/// The way to this page, where a bridge is connected.
pub(super) fn entry(oa: &Oa, dest: &str) -> Option<String> {
    oa.link()?;
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return", dest).finish();
    Some(format!("/login/scan?{query}"))
}
