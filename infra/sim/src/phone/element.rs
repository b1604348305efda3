//! The simulated QR element of WeLink on a foreign login page (welink-api.md 3.5): the vendor's script, its frame, and
//! the address to which the page goes with what the frame sends. The frame shows no code: it asks who scans.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Router};
use domain::text::Lang;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};

use super::words::Words;
use super::{Params, SCRIPT, asset, named, page, view};
use crate::welink::WeLink;
use crate::welink::oauth::{Next, Stop, Wish};

const SCRIPT_PATH: &str = "/sso-proxy-front/public/qrcode/0.0.1/wlQrcodeLogin.js";
const FRAME_PATH: &str = "/sso-proxy-front/public/qrcode/0.0.1/qrcode.html";
const AUTHORIZE: &str = "/sso/oauth2/sns_authorize";
/// Members offered at once; the search finds the others.
const OFFERED_MAX: usize = 8;

pub(super) fn router(welink: &WeLink) -> Router {
    Router::new()
        .route(SCRIPT_PATH, get(script))
        .route(FRAME_PATH, get(show).post(scan))
        .route("/element-frame.js", get(async || asset(SCRIPT, include_str!("../../assets/phone/element-frame.js"))))
        .route(AUTHORIZE, get(authorize))
        .with_state(welink.clone())
}

#[derive(Template)]
#[template(path = "phone/element.html")]
struct Frame {
    w: Words,
    problem: Option<&'static str>,
    query: String,
    /// What the forms send along.
    hidden: Vec<(&'static str, String)>,
    offers: Vec<(String, String)>,
    /// What the frame tells the page that holds it.
    code: String,
}

/// Loaded by pages of other origins.
async fn script() -> Response {
    let mut answer = asset(SCRIPT, include_str!("../../assets/phone/wl-qrcode-login.js"));
    let name = HeaderName::from_static("cross-origin-resource-policy");
    answer.headers_mut().insert(name, HeaderValue::from_static("cross-origin"));
    answer
}

/// `cn` is the script's own word for Chinese.
fn lang_of(params: &BTreeMap<String, String>) -> Lang {
    if params.get("lang").map(String::as_str) == Some("en") { Lang::En } else { Lang::Zh }
}

fn frame(params: &BTreeMap<String, String>, wish: &Wish) -> Frame {
    let lang = lang_of(params);
    Frame {
        w: Words(lang),
        problem: None,
        query: view::search_text(params),
        hidden: vec![
            ("client_id", wish.client_id.clone()),
            ("response_type", wish.response_type.clone()),
            ("redirect_uri", wish.redirect_uri.clone()),
            ("scope", wish.scope.clone()),
            ("state", wish.state.clone()),
            ("lang", if lang == Lang::En { "en" } else { "cn" }.to_owned()),
        ],
        offers: Vec::new(),
        code: String::new(),
    }
}

/// The frame may stand in the page whose address is registered for the app, and in no other.
fn answer(frame: &Frame, wish: &Wish, status: StatusCode) -> Response {
    let holder = view::origin(&wish.redirect_uri).filter(|_| status == StatusCode::OK);
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors {}",
        holder.as_deref().unwrap_or("'none'")
    );
    let mut answer = (status, page(frame, (frame.w.0, false))).into_response();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

fn stopped(mut frame: Frame, wish: &Wish, stop: Stop) -> Response {
    frame.problem = Some(match stop {
        Stop::UnknownApp => frame.w.login_unknown_app(),
        Stop::UnknownRedirect => frame.w.login_unknown_redirect(),
    });
    answer(&frame, wish, StatusCode::BAD_REQUEST)
}

/// The frame: who scans? `q` searches.
async fn show(State(welink): State<WeLink>, Query(params): Params) -> Response {
    let wish = Wish::read(&params);
    let mut frame = frame(&params, &wish);
    let tenant_id = match welink.ask_element(&wish) {
        Err(stop) => return stopped(frame, &wish, stop),
        Ok(Next::Back { code }) => return found(&wish.refused(&code, frame.w.0)),
        Ok(Next::Ask { tenant_id }) => tenant_id,
    };
    let mut members = welink.members(&tenant_id);
    members.retain(|member| view::matches(member, &frame.query));
    members.truncate(OFFERED_MAX);
    let name = |lang, zh: &str, en: &str| named(lang, zh, en).to_owned();
    frame.offers = members.iter().map(|m| (m.user_id.clone(), name(frame.w.0, &m.name_zh, &m.name_en))).collect();
    answer(&frame, &wish, StatusCode::OK)
}

/// A member has scanned and confirmed: the frame tells the page its one-time code.
async fn scan(State(welink): State<WeLink>, Form(params): Form<BTreeMap<String, String>>) -> Response {
    let wish = Wish::read(&params);
    let mut frame = frame(&params, &wish);
    if let Err(stop) = welink.ask_element(&wish) {
        return stopped(frame, &wish, stop);
    }
    let user_id = params.get("user").map(String::as_str).unwrap_or_default();
    match welink.scan_element(user_id, &wish.client_id) {
        Ok(code) => frame.code = code,
        Err(reason) => frame.problem = Some(super::words::refusal(reason).get(frame.w.0)),
    }
    answer(&frame, &wish, StatusCode::OK)
}

fn found(location: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

/// `GET /sso/oauth2/sns_authorize` with the frame's code: back to the page's address with a code for its server.
async fn authorize(State(welink): State<WeLink>, Query(params): Params, headers: HeaderMap) -> Response {
    let wish = Wish::read(&params);
    let lang = super::chosen_lang(&headers, None).0;
    match welink.ask_element(&wish) {
        Err(stop) => return stopped(frame(&params, &wish), &wish, stop),
        Ok(Next::Back { code }) => return found(&wish.refused(&code, lang)),
        Ok(Next::Ask { .. }) => {}
    }
    let given = params.get("code").map(String::as_str).unwrap_or_default();
    match welink.exchange_element(&wish.client_id, given) {
        Ok(code) => found(&wish.back(&[("code", &code)])),
        Err(code) => found(&wish.refused(code, lang)),
    }
}
