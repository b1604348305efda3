//! The bridge's own page with a code, to which an OA's login page links: never framed, bound to its browser by a
//! cookie, and after the confirmation sent into the OA like a browser that comes from the homepage.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Form, Json};
use domain::destination::Destination;
use domain::ids::{OaInstanceId, QrId};
use domain::problem;
use domain::qr::{POLL_S, QrSession, Shown};
use domain::text::Lang;
use platform::http::{cookie, host_cookie, is_cross_site};
use platform::secret::sha256_hex;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use signin::{Onward, Refusal};

use crate::api::Progress;
use crate::element;
use crate::pages::{Asker, go_on, origin_of, page, policy, refused, refused_json, set_cookie};
use crate::service::{Qr, Site, Wanted, desktop};

/// Binds codes to the browser that shows them.
const SCREEN_COOKIE: &str = "__Host-screen";
/// Characters of its value: 130 bits.
const SCREEN_CHARS: usize = 26;
/// So long a browser stays the same one for "this was not me".
const SCREEN_S: i64 = 86_400;
/// Pixels of a code's side at least; it grows with the page.
const CODE_PIXELS: u32 = 240;

#[derive(Template)]
#[template(path = "screen.html")]
struct ScreenPage<'a> {
    lang: Lang,
    site: &'a Site,
    code: &'a QrSession,
    svg: &'a str,
    text: &'a str,
    life_ms: i64,
    poll_ms: i64,
    next: &'a str,
}

#[derive(Template)]
#[template(path = "idle.html")]
struct IdlePage<'a> {
    lang: Lang,
    site: &'a Site,
    again: &'a str,
}

#[derive(Deserialize)]
pub struct Asked {
    /// How often this page has shown a new code by itself.
    #[serde(default)]
    n: u8,
    /// The path of a deep link.
    #[serde(default)]
    to: Option<String>,
    /// The app of the enterprise, where WeLink's element has to know it.
    #[serde(default)]
    app: Option<String>,
}

#[derive(Deserialize)]
struct Enter {
    qr: String,
}

/// `GET /qr/{instance}`: a new code, or after so many of them the idle page.
pub async fn show(
    State(qr): State<Qr>,
    Path(instance): Path<String>,
    Query(asked): Query<Asked>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    if is_framed(&asker.headers) {
        return refused(&problem::QR_FRAMED.into(), asker.lang, None);
    }
    match begin(&qr, &instance, &asked, &asker).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal, asker.lang, None),
    }
}

/// Browsers say what a page is fetched for; old ones say nothing, and them the headers keep from framing.
fn is_framed(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|dest| dest != "document")
}

async fn begin(qr: &Qr, instance: &str, asked: &Asked, asker: &Asker) -> Result<Response, Refusal> {
    let instance = OaInstanceId::parse(instance).map_err(|_| problem::NOT_FOUND)?;
    let site = qr.site(&instance).await?;
    let dest = asked.to.as_deref().and_then(|to| Destination::parse(to).ok());
    let dest = dest.and_then(|dest| dest.within(&site.instance.allowed_dest_prefixes).ok());
    let address = |n: u8| page_address(&instance, n, asker.lang, dest.as_ref());
    if asked.n > site.setting().refreshes {
        let body = IdlePage { lang: asker.lang, site: &site, again: &address(0) };
        return Ok(page(&body, StatusCode::OK, &policy("", "'none'")));
    }
    let known = cookie(&asker.headers, SCREEN_COOKIE);
    let known = known.filter(|c| c.len() == SCREEN_CHARS && c.bytes().all(|b| b.is_ascii_alphanumeric()));
    let screen = known.map_or_else(|| qr.bridge.entropy().token(SCREEN_CHARS), str::to_owned);
    let (shown, desktop) = (Shown::Page { screen: sha256_hex(&screen) }, desktop(&asker.from, asker.agent()));
    if site.setting().welink_element {
        qr.admit(&site, &desktop, &shown).await?;
        let (here, next) = (address(asked.n), address(asked.n.saturating_add(1)));
        return element::show(qr, &site, (asked.app.as_deref(), dest), (&here, &next), asker).await;
    }
    let code = qr.begin(&site, Wanted { id: qr.new_id(&instance), shown, dest: dest.clone(), desktop }).await?;
    let text = format!("{}/q/{}", qr.bridge.config().origin, code.id);
    let body = ScreenPage {
        lang: asker.lang,
        site: &site,
        code: &code,
        svg: &drawn(&text)?,
        text: &text,
        life_ms: code.expires.ms_since(code.created),
        poll_ms: POLL_S * 1000,
        next: &address(asked.n.saturating_add(1)),
    };
    let onward = [Some(&site.instance.sso_landing), site.instance.start_url.as_ref()];
    let onward: Vec<String> = onward.into_iter().flatten().map(|url| origin_of(url)).collect();
    let mut answer = page(&body, StatusCode::OK, &policy("", &format!("'self' {}", onward.join(" "))));
    set_cookie(&mut answer, &host_cookie(SCREEN_COOKIE, &screen, SCREEN_S));
    Ok(answer)
}

fn page_address(instance: &OaInstanceId, n: u8, lang: Lang, dest: Option<&Destination>) -> String {
    let to = dest.map(|dest| format!("&to={}", escaped(dest.as_str()))).unwrap_or_default();
    format!("/qr/{instance}?n={n}&lang={}{to}", lang.tag())
}

/// A path as a value of a query.
fn escaped(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The code as a drawing, black on white in every colour scheme: scanners expect it so.
fn drawn(text: &str) -> Result<String, Refusal> {
    let code = QrCode::new(text).map_err(|e| Refusal::because(problem::UNAVAILABLE, e))?;
    let mut pen = code.render::<svg::Color<'_>>();
    let drawing = pen.min_dimensions(CODE_PIXELS, CODE_PIXELS).dark_color(svg::Color("#000")).build();
    // The prologue is for files of their own.
    Ok(drawing.find("<svg").map(|at| drawing[at..].to_owned()).unwrap_or(drawing))
}

/// `GET /qr/{instance}/poll/{qr}`: how far the code is, for the browser that shows it and nobody else.
pub async fn poll(
    State(qr): State<Qr>,
    Path((instance, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    match look(&qr, &instance, &id, &asker).await {
        Ok(progress) => Json(progress).into_response(),
        Err(refusal) => refused_json(&refusal, asker.lang),
    }
}

/// Half a read unit.
async fn look(qr: &Qr, instance: &str, id: &str, asker: &Asker) -> Result<Progress, Refusal> {
    let id = QrId::parse(id).map_err(|_| problem::QR_UNKNOWN)?;
    let screen = screen_of(asker)?;
    let code = qr.bridge.store().qr_glance(&id).await?;
    let code = code.filter(|code| is_of(code, instance, &screen)).ok_or(problem::QR_UNKNOWN)?;
    qr.site(&code.instance).await?;
    qr.keep_pace(&id)?;
    Ok(Progress::of(&code, code.state(false, qr.bridge.clock().now())))
}

/// This browser's mark. Whoever has none costs the table nothing.
fn screen_of(asker: &Asker) -> Result<String, Refusal> {
    Ok(cookie(&asker.headers, SCREEN_COOKIE).map(sha256_hex).ok_or(problem::QR_UNKNOWN)?)
}

/// Whether this browser shows this code on this page: its id is public, its cookie is not (product.md QRL-07).
fn is_of(code: &QrSession, instance: &str, screen: &str) -> bool {
    let shown = matches!(&code.shown, Shown::Page { screen: own } if own == screen);
    shown && code.instance.as_str() == instance
}

/// `POST /qr/{instance}/enter`: the confirmed code's browser goes on.
pub async fn enter(State(qr): State<Qr>, Path(instance): Path<String>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    let again = OaInstanceId::parse(&instance).map(|id| page_address(&id, 0, asker.lang, None)).ok();
    match go_in(&qr, &instance, &asker, request).await {
        Ok(onward) => go_on(onward, asker.lang),
        Err(refusal) => refused(&refusal, asker.lang, again.as_deref()),
    }
}

async fn go_in(qr: &Qr, instance: &str, asker: &Asker, request: Request<Body>) -> Result<Onward, Refusal> {
    if is_cross_site(&asker.headers, qr.bridge.config().origin.as_str()) {
        return Err(problem::CROSS_SITE.into());
    }
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|_| problem::BODY_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(body));
    let Form(form) = Form::<Enter>::from_request(request, &()).await.map_err(|_| problem::BAD_REQUEST)?;
    let id = QrId::parse(&form.qr).map_err(|_| problem::QR_UNKNOWN)?;
    let screen = screen_of(asker)?;
    let code = qr.bridge.store().qr(&id).await?;
    let code = code.filter(|code| is_of(code, instance, &screen)).ok_or(problem::QR_UNKNOWN)?;
    let site = qr.site(&code.instance).await?;
    let (visit, _) = qr.visit(&site, &code, qr.bridge.clock().now()).await?;
    qr.bridge.send_on(visit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_drawing_that_stands_in_a_page() {
        let svg = drawn("https://bridge.example/q/q_00000000000000000000000000000000000000").unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{}", &svg[..80]);
        assert!(!svg.contains("style=") && !svg.contains("<script"), "its policy allows neither");
    }

    #[test]
    fn a_deep_link_stands_safely_in_the_next_pages_address() {
        assert_eq!(escaped("/todo/42?a=b&n=0#x y/待办"), "/todo/42%3Fa%3Db%26n%3D0%23x%20y/%E5%BE%85%E5%8A%9E");
    }
}
