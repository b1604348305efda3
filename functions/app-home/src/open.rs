//! The homepage: `GET /h/{app}` asks WeLink who is there, `POST /h/{app}` takes the answer, `GET /handoff` takes a
//! browser that comes back from the OA's start URL.

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::ids::AppId;
use domain::problem;
use domain::session::{BIND_S, Purpose, STATE_S};
use domain::text::Lang;
use platform::http::{client_address, cookie, host_cookie, is_cross_site, lang_of};
use platform::secret::Secret;
use serde::Deserialize;
use signin::{
    BROWSER_COOKIE, Bridge, BrowserEntered, Callback, Device, Entered, Onward, Refusal, SESSION_COOKIE, Visitor,
};

use crate::bind::BIND_COOKIE;
use crate::me::ME_COOKIE;
use crate::pages::{HandOffPage, OpenPage, moved, page, policy, refused, refused_for_good, tested};

/// Bytes of the callback's form at most: a code has up to 2,000 characters (welink-api.md 3.2).
const FORM_BYTES_MAX: usize = 8 * 1024;
/// Characters of WeLink's code at most.
const CODE_CHARS_MAX: usize = 2000;

#[derive(Deserialize)]
pub struct Target {
    /// The path of a deep link.
    to: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
}

/// What WeLink's sign-in page sends back (welink-api.md 3.4): a code, or an error number with a message.
#[derive(Deserialize)]
pub struct OAuthAnswer {
    code: Option<String>,
    state: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
pub struct Browsing {
    to: Option<String>,
    /// Runs the test that an administrator has begun.
    #[serde(default)]
    test: Option<String>,
}

#[derive(Deserialize)]
pub struct Nonce {
    nonce: Option<String>,
}

/// What of a request outlives its body.
pub struct Asker {
    pub lang: Lang,
    pub from: String,
    pub headers: HeaderMap,
}

impl Asker {
    pub fn of(request: &Request<Body>) -> Self {
        Self { lang: lang_of(request), from: client_address(request), headers: request.headers().clone() }
    }

    pub fn visitor(&self) -> Visitor<'_> {
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Visitor {
            browser: cookie(&self.headers, BROWSER_COOKIE),
            from: &self.from,
            device: Device::from_user_agent(agent),
            agent,
        }
    }
}

pub async fn show(
    State(bridge): State<Bridge>,
    Path(app): Path<String>,
    Query(target): Query<Target>,
    request: Request<Body>,
) -> Response {
    ask(&bridge, &app, &target, Purpose::InApp, &Asker::of(&request)).await
}

/// `GET /me/{app}`: the same question on the way to a member's own page.
pub async fn show_me(
    State(bridge): State<Bridge>,
    Path(app): Path<String>,
    Query(target): Query<Target>,
    request: Request<Body>,
) -> Response {
    ask(&bridge, &app, &target, Purpose::Me, &Asker::of(&request)).await
}

/// The page that asks WeLink who is there.
async fn ask(bridge: &Bridge, app: &str, target: &Target, purpose: Purpose, asker: &Asker) -> Response {
    let Ok(app) = AppId::parse(app) else { return refused(&problem::NOT_FOUND.into(), asker.lang) };
    let begun = match bridge.begin(&app, target.to.as_deref(), purpose, asker.visitor()).await {
        Ok(begun) => begun,
        Err(refusal) => return refused(&refusal, asker.lang),
    };
    let script = &bridge.config().welink_script;
    let body = OpenPage {
        lang: asker.lang,
        app_name: &begun.app.name,
        app: &begun.app.id,
        client_id: begun.app.client_id.as_str(),
        state: begun.state.as_str(),
        script,
        by_browser: begun.app.browser.enabled,
        to: begun.dest.as_ref().map_or("/", domain::destination::Destination::as_str),
        deep: begun.dest.is_some(),
    };
    let forms = format!("'self' {}", begun.onward_origins.join(" "));
    let mut answer = page(&body, StatusCode::OK, &policy(&script_source(script), &forms));
    set_cookie(&mut answer, &host_cookie(BROWSER_COOKIE, begun.browser.expose(), STATE_S));
    answer
}

pub async fn submit(State(bridge): State<Bridge>, Path(app): Path<String>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match take(&bridge, &app, &asker, request).await {
        Ok(onward) => go_on(onward, asker.lang),
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

async fn take(bridge: &Bridge, app: &str, asker: &Asker, request: Request<Body>) -> Result<Onward, Refusal> {
    let app = AppId::parse(app).map_err(|_| problem::NOT_FOUND)?;
    if is_cross_site(&asker.headers, bridge.config().origin.as_str()) {
        bridge.refuse_cross_site(&app, asker.visitor()).await?;
        return Err(problem::CROSS_SITE.into());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| problem::BODY_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let Form(answer) = Form::<Answer>::from_request(request, &()).await.map_err(|_| problem::BAD_REQUEST)?;
    let code = Secret::new(answer.code.unwrap_or_default());
    let length = code.expose().chars().count();
    if length == 0 || length > CODE_CHARS_MAX {
        return Err(problem::CODE_REFUSED.into());
    }
    match bridge.enter(&app, Callback { state: answer.state, code }, asker.visitor()).await? {
        Entered::Oa(visit) => bridge.send_on(*visit).await,
        Entered::Bind(visit) => Ok(Onward::Bind(visit)),
        Entered::Me(visit) => Ok(Onward::Me(visit)),
        Entered::Link(url) => Ok(Onward::Redirect(Secret::new(url))),
    }
}

/// `GET /h/{app}/browser`: to WeLink's sign-in page.
pub async fn by_browser(
    State(bridge): State<Bridge>,
    Path(app): Path<String>,
    Query(asked): Query<Browsing>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    let Ok(app) = AppId::parse(&app) else { return refused(&problem::NOT_FOUND.into(), asker.lang) };
    match bridge.begin_browser(&app, asked.to.as_deref(), asked.test.is_some(), asker.visitor()).await {
        Ok(begun) => {
            let mut answer = see_other(&begun.url);
            set_cookie(&mut answer, &host_cookie(BROWSER_COOKIE, begun.browser.expose(), STATE_S));
            answer
        }
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

/// `GET /oauth/callback`: back from it.
pub async fn from_browser(
    State(bridge): State<Bridge>,
    Query(answer): Query<OAuthAnswer>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    let (state, code) = (answer.state.as_deref().unwrap_or_default(), answer.code.as_deref().unwrap_or_default());
    if let Some(url) = bridge.console_return(state, code, answer.message.as_deref()) {
        return see_other(&url);
    }
    let callback = Callback { state: answer.state, code: Secret::new(answer.code.unwrap_or_default()) };
    match bridge.enter_from_browser(callback, answer.message.is_some(), asker.visitor()).await {
        Ok(BrowserEntered::Tested) => tested(asker.lang),
        Ok(BrowserEntered::In(Entered::Oa(visit))) => match bridge.send_on(*visit).await {
            Ok(onward) => by_page(go_on(onward, asker.lang), asker.lang),
            Err(refusal) => refused_for_good(&refusal, asker.lang),
        },
        Ok(BrowserEntered::In(Entered::Bind(visit))) => by_page(go_on(Onward::Bind(visit), asker.lang), asker.lang),
        Ok(BrowserEntered::In(Entered::Me(visit))) => by_page(go_on(Onward::Me(visit), asker.lang), asker.lang),
        Ok(BrowserEntered::In(Entered::Link(url))) => moved(&url, asker.lang),
        Err(refusal) => refused_for_good(&refusal, asker.lang),
    }
}

pub async fn come_back(State(bridge): State<Bridge>, Query(answer): Query<Nonce>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    let session = cookie(&asker.headers, SESSION_COOKIE);
    let nonce = answer.nonce.unwrap_or_default();
    match bridge.come_back(session, &nonce, asker.visitor()).await {
        Ok(onward) => go_on(onward, asker.lang),
        Err(refusal) => refused_for_good(&refusal, asker.lang),
    }
}

pub fn go_on(onward: Onward, lang: Lang) -> Response {
    match onward {
        Onward::Form { action, fields } => {
            let body = HandOffPage { lang, action: &action, fields: &fields };
            page(&body, StatusCode::OK, &policy("", &script_source(&action)))
        }
        Onward::Redirect(url) => see_other(url.expose()),
        Onward::Me(visit) => {
            let mut answer = see_other(&format!("/me?lang={}", lang.tag()));
            set_cookie(&mut answer, &host_cookie(ME_COOKIE, visit.expose(), BIND_S));
            answer
        }
        Onward::Bind(visit) => {
            let mut answer = see_other(&format!("/bind?lang={}", lang.tag()));
            set_cookie(&mut answer, &host_cookie(BIND_COOKIE, visit.expose(), BIND_S));
            answer
        }
        Onward::StartFirst { url, cookie, max_age_s } => {
            let mut answer = see_other(&url);
            set_cookie(&mut answer, &host_cookie(SESSION_COOKIE, cookie.expose(), max_age_s));
            answer
        }
    }
}

/// The same answer with a page in the place of a redirect; its cookies stay.
pub fn by_page(answer: Response, lang: Lang) -> Response {
    let Some(url) = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()) else { return answer };
    let mut page = moved(url, lang);
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        page.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    page
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => refused(&Refusal::because(problem::OA_REFUSED, "an address that no header can carry"), Lang::Zh),
    }
}

fn set_cookie(answer: &mut Response, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The origin of a URL, as a source of a content security policy; `'none'` when it is not one.
fn script_source(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default()),
        None => "'none'".to_owned(),
    }
}
