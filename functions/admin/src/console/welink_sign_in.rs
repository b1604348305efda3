//! Signing in to the console by WeLink, for an account that is linked to a WeLink person (product.md C30).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ids::AppId;
use domain::model::App;
use domain::problem;
use domain::session::STATE_S;
use domain::text::Lang;
use platform::http::{cookie, host_cookie};
use platform::secret::Secret;
use signin::{Bridge, Callback, Device, Visitor};

use super::blocks::{Card, Html, button_link, html};
use super::form::Fields;
use super::sign_in::with_cookie;
use super::visitor::{SESSION_COOKIE, lang_of, origin_of, problem_alone};
use crate::console_session;
use crate::error::ApiError;

/// Binds the state of a sign-in that has begun to this browser.
const BROWSER_COOKIE: &str = "__Host-console-browser";
/// Enterprises that the sign-in page offers at most.
const OFFERED_MAX: usize = 5;

pub mod words {
    domain::texts! {
        TITLE = "用 WeLink 登录" / "Sign in with WeLink";
        LEAD = "适用于已关联 WeLink 人员的账号" / "For accounts that are linked to a WeLink person";
    }
}

/// What the sign-in page offers besides the password: an enterprise's app whose browser sign-in is switched on. Teams
/// are strangers to each other, so on an installation with several of them only the one of `?app=` is offered.
pub async fn offer(bridge: &Bridge, lang: Lang, query: &Fields) -> Result<Option<Html>, ApiError> {
    let tenant = match AppId::parse(query.get("app")) {
        Ok(app) => Some(app.tenant()),
        Err(_) => match bridge.store().tenants().await?.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        },
    };
    let Some(tenant) = tenant else { return Ok(None) };
    let Some(config) = bridge.store().config(&tenant).await? else { return Ok(None) };
    let usable = |app: &&App| app.enabled && app.browser.enabled && app.has_secret();
    let row = |app: &App| {
        let name = config.enterprise(&app.enterprise).map_or("", |enterprise| enterprise.name.as_str());
        let label = format!("{} · {name}", words::TITLE.get(lang));
        button_link(&format!("/sign-in/welink?app={}", app.id), &label, "")
    };
    let blocks: Vec<Html> = config.apps.iter().filter(usable).take(OFFERED_MAX).map(row).collect();
    let card = Card { id: "by-welink", lead: words::LEAD.get(lang).to_owned(), blocks, ..Card::default() };
    Ok((!card.blocks.is_empty()).then(|| html(&card)))
}

fn visitor<'a>(headers: &'a HeaderMap, from: &'a str, agent: &'a str) -> Visitor<'a> {
    Visitor { browser: cookie(headers, BROWSER_COOKIE), from, agent, device: Device::Pc }
}

/// `GET /sign-in/welink?app=…`: to WeLink's sign-in page.
pub async fn begin(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let lang = lang_of(&parts.headers);
    let (from, agent) = origin_of(&parts);
    let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let Ok(app) = AppId::parse(query.get("app")) else { return problem_alone(&problem::NOT_FOUND.into(), lang) };
    let visitor = visitor(&parts.headers, &from, &agent);
    match bridge.begin_console(&app, visitor).await {
        Ok(begun) => {
            let answer = Redirect::to(&begun.url).into_response();
            with_cookie(answer, &host_cookie(BROWSER_COOKIE, begun.browser.expose(), STATE_S))
        }
        Err(refusal) => problem_alone(&refusal.into(), lang),
    }
}

/// `GET /sign-in/welink/callback`: back from it, by way of the employees' host.
pub async fn callback(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let lang = lang_of(&parts.headers);
    let (from, agent) = origin_of(&parts);
    let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let visitor = visitor(&parts.headers, &from, &agent);
    let answer = Callback { state: Some(query.text("state")), code: Secret::new(query.text("code")) };
    match enter(&bridge, answer, !query.get("message").is_empty(), visitor).await {
        Ok(cookie) => {
            let answer = Redirect::to("/").into_response();
            with_cookie(answer, &host_cookie(SESSION_COOKIE, &cookie, console_session::COOKIE_S))
        }
        Err(error) => problem_alone(&error, lang),
    }
}

async fn enter(bridge: &Bridge, answer: Callback, refused: bool, visitor: Visitor<'_>) -> Result<String, ApiError> {
    let (from, agent) = (visitor.from, visitor.agent);
    let person = bridge.prove_for_console(answer, refused, visitor).await?;
    let entered = console_session::sign_in_by_welink(bridge, &person.enterprise, &person.user, from, agent).await?;
    Ok(entered.0)
}
