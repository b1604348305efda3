//! What every page shares: language, who is signed in, cookies, headers, times.

use askama::Template;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use domain::text::{Lang, Text};
use domain::time::Timestamp;

use super::directory::Account;
use super::sessions::Session;
use super::{Oa, lock};

pub(super) const SESSION_COOKIE: &str = "__Host-oa_session";
const LANG_COOKIE: &str = "__Host-oa_lang";
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";
/// Hours by which the company's clock on the wall is ahead of UTC.
const ZONE_HOURS: i8 = 8;

/// A live session and the account behind it.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) session: Session,
    pub(super) account: Account,
}

/// One request for a page: who asks, in which language, for what.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) lang: Lang,
    /// The language was chosen by this request and is to be remembered.
    chosen: bool,
    /// Path and query without the language, to come back to.
    pub(super) here: String,
    pub(super) signed: Option<Signed>,
}

impl FromRequestParts<Oa> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, oa: &Oa) -> Result<Self, Self::Rejection> {
        let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |uri| uri.0.clone());
        Ok(Self::of(oa, &parts.headers, &uri))
    }
}

impl Visit {
    pub(super) fn of(oa: &Oa, headers: &HeaderMap, uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        let mut choice = None;
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if key == "lang" {
                choice = Lang::from_choice(&value);
            } else {
                rest.append_pair(&key, &value);
            }
        }
        let rest = rest.finish();
        let here = if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{rest}", uri.path()) };
        let accepted = || {
            let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Lang::from_accept(header.unwrap_or_default())
        };
        let lang = choice.or_else(|| cookie(headers, LANG_COOKIE).and_then(Lang::from_choice)).unwrap_or_else(accepted);
        Self { lang, chosen: choice.is_some(), here, signed: signed(oa, headers) }
    }

    /// What the layout of every page needs. `section` is the marked entry of the navigation.
    pub(super) fn ui(&self, oa: &Oa, section: &'static str) -> Ui {
        let other = if self.lang == Lang::Zh { "en" } else { "zh-CN" };
        let joint = if self.here.contains('?') { '&' } else { '?' };
        Ui {
            lang: self.lang,
            section,
            company: pick(self.lang, &oa.0.company.name_zh, &oa.0.company.name_en).to_owned(),
            lang_href: format!("{}{joint}lang={other}", self.here),
            who: self.signed.as_ref().map(|signed| signed.account.name(self.lang).to_owned()),
        }
    }

    /// The finished page, never cached and never framed.
    pub(super) fn page(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = match template.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        guard(response.headers_mut());
        if self.chosen {
            let cookie =
                format!("{LANG_COOKIE}={}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=31536000", self.lang.tag());
            set_cookie(response.headers_mut(), &cookie);
        }
        response
    }
}

/// The layout's own data.
#[derive(Debug, Clone)]
pub(super) struct Ui {
    pub(super) lang: Lang,
    pub(super) section: &'static str,
    pub(super) company: String,
    pub(super) lang_href: String,
    /// The signed-in person's name.
    pub(super) who: Option<String>,
}

impl Ui {
    /// A text of the templates, in the language of the page.
    pub(super) fn t(&self, zh: &'static str, en: &'static str) -> &'static str {
        Text::new(zh, en).get(self.lang)
    }
}

fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // `no-referrer` would make the browser send `Origin: null` with our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A redirect after a form (303), with cookies.
pub(super) fn see_other(location: &str, cookies: &[String]) -> Response {
    let Ok(location) = HeaderValue::from_str(&ascii(location)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    guard(response.headers_mut());
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        set_cookie(response.headers_mut(), cookie);
    }
    response
}

/// A path may hold characters that a header may not.
fn ascii(location: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    location.bytes().map(escape).collect()
}

fn set_cookie(headers: &mut HeaderMap, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// The value of a cookie of the request.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The session that the cookie names, while its account may still be used.
fn signed(oa: &Oa, headers: &HeaderMap) -> Option<Signed> {
    let id = cookie(headers, SESSION_COOKIE)?;
    let session = lock(&oa.0.sessions).touch(id, oa.now())?;
    let account = lock(&oa.0.directory).account(&session.account).filter(|account| account.active).cloned()?;
    Some(Signed { session, account })
}

/// A form of our own pages, not one that another site submits in the person's name.
pub(super) fn from_our_page(oa: &Oa, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin == oa.0.origin,
        (None, None) => true,
    }
}

pub(super) fn pick<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// The company's wall clock.
pub(super) fn zoned(at: Timestamp) -> jiff::Zoned {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.to_zoned(jiff::tz::offset(ZONE_HOURS).to_time_zone())
}

/// `2026-03-01`.
pub(super) fn day_text(at: Timestamp) -> String {
    zoned(at).strftime("%Y-%m-%d").to_string()
}

/// `2026-03-01 16:00`.
pub(super) fn minute_text(at: Timestamp) -> String {
    zoned(at).strftime("%Y-%m-%d %H:%M").to_string()
}
