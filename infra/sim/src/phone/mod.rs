//! The simulated phone: what a colleague would see in WeLink, as pages to look at, clearly marked as a simulation.
//!
//! An app opens in a window of its own, because the bridge forbids to be framed. The page in it loads `/hwh5.js`, which
//! stands in for the vendor's script; that script asks the phone page by `postMessage`, and the phone page asks its
//! own server for an auth code. The opened page must therefore keep its opener: a `Cross-Origin-Opener-Policy:
//! same-origin` header on the app's homepage cuts the way.
//!
//! The second device is a PC whose client hands apps to the system browser (welink-api.md 3.1): a plain tab without
//! HWH5, from which the bridge goes on to the login page of [`WeLink::login_router`].

mod authcode;
mod calls;
mod codes;
mod developer;
mod element;
mod guard;
mod inbox;
mod login;
mod settings;
mod view;
mod words;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Query;
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use domain::text::{Lang, Text};
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::faults::{self, Faults};
use crate::welink::WeLink;

pub use codes::Codes;

/// What the phone needs: the vendor whose people and apps it shows, and the knobs that its settings page switches.
#[derive(Debug, Clone)]
pub struct PhoneState {
    pub welink: WeLink,
    pub faults: Faults,
    /// What its scanner can see.
    pub codes: Codes,
}

/// The pages of the host `phone.localhost`: `/` (people), `/t/{tenant}/{user}/{tab}` (the phone, or with `?device=pc`
/// the PC client), `/settings` (fault switches), `/platform` (the developer's console), `/hwh5.js` (the stand-in
/// script), `/sim/authcode`, `/sim/read` and `/sim/faults` (JSON).
pub fn router(state: PhoneState) -> Router {
    let pages = Router::new()
        .route("/", get(view::people))
        .route("/t/{tenant}/{user}/{tab}", get(view::phone))
        .route("/settings", get(settings::show).post(settings::save))
        .route("/platform", get(developer::show).post(developer::save))
        .route("/calls", get(calls::fragment))
        .route("/sim/authcode", post(authcode::issue))
        .route("/sim/read", post(inbox::mark_read))
        .with_state(state.clone());
    pages
        .merge(faults::control_router(state.faults))
        .route("/phone.css", get(style))
        .route("/phone.js", get(async || asset(SCRIPT, include_str!("../../assets/phone/phone.js"))))
        .route("/hwh5.js", get(vendor_script))
        .route("/icon.svg", get(icon))
        .fallback(not_found)
        .layer(from_fn(guard::own_pages_only))
        .layer(from_fn(guard::headers))
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

fn asset(content_type: &'static str, body: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], body).into_response()
}

async fn style() -> Response {
    asset(STYLE, include_str!("../../assets/phone/phone.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/phone/icon.svg"))
}

/// The one file that pages of other origins load.
async fn vendor_script() -> Response {
    let mut answer = asset(SCRIPT, include_str!("../../assets/phone/hwh5.js"));
    let name = HeaderName::from_static("cross-origin-resource-policy");
    answer.headers_mut().insert(name, HeaderValue::from_static("cross-origin"));
    answer
}

async fn not_found(headers: HeaderMap) -> Response {
    let lang = chosen_lang(&headers, None).0;
    let text = Text::new(
        "没有这个页面。请回到模拟手机的首页。",
        "There is no such page. Go back to the start of the simulated phone.",
    );
    (StatusCode::NOT_FOUND, text.get(lang)).into_response()
}

const LANG_COOKIE: &str = "phone_lang";

/// The language of a request: `?lang=` first, then the cookie of an earlier choice, then the browser's. The second
/// value tells whether it was chosen just now.
fn chosen_lang(headers: &HeaderMap, query: Option<&str>) -> (Lang, bool) {
    if let Some(lang) = query.and_then(Lang::from_choice) {
        return (lang, true);
    }
    let cookies = headers.get(COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let remembered = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == LANG_COOKIE)
        .and_then(|(_, value)| Lang::from_choice(value));
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (remembered.unwrap_or_else(|| Lang::from_accept(accepted)), false)
}

/// A rendered page; remembers a language that was chosen by this very request.
fn page(template: &impl askama::Template, (lang, chosen): (Lang, bool)) -> Response {
    match template.render() {
        Ok(html) => {
            let mut answer = Html(html).into_response();
            let cookie = format!("{LANG_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", lang.tag());
            if chosen && let Ok(cookie) = HeaderValue::try_from(cookie) {
                answer.headers_mut().insert(SET_COOKIE, cookie);
            }
            answer
        }
        Err(error) => {
            tracing::error!(%error, "a page of the simulated phone could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A text of a person or company in the reader's language, falling back to the Chinese one when English is missing.
fn named<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::En if !en.is_empty() => en,
        _ => zh,
    }
}

/// One segment of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

type Params = Query<BTreeMap<String, String>>;

#[cfg(test)]
mod tests;
