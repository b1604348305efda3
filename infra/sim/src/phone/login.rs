//! The simulated login page of WeLink for browsers (welink-api.md 3.4): instead of a password it asks which member
//! signs in.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Router};
use domain::text::Lang;
use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderMap, StatusCode};

use super::view::{self, Label};
use super::words::Words;
use super::{Params, chosen_lang, guard, icon, named, not_found, page, style};
use crate::welink::oauth::{Next, Stop, Wish};
use crate::welink::{Member, WeLink};

/// Where the browser arrives.
const AUTHORIZE: &str = "/sso/oauth2/authorize";
/// Members offered at once; the search finds the others.
const OFFERED_MAX: usize = 24;

impl WeLink {
    /// The host of the login page, `login.localhost` in the local bridge: `GET /sso/oauth2/authorize` shows the
    /// members of the app's company, and the choice goes back as 302 to `redirect_uri` with `code` and `state`. A
    /// refusal goes back with an error number in `code`, and `message`; with an unknown app or address the browser
    /// stays here (400). Here are also script, frame and address of WeLink's own QR element.
    pub fn login_router(&self) -> Router {
        Router::new()
            .route(AUTHORIZE, get(show).post(choose))
            .with_state(self.clone())
            .merge(super::element::router(self))
            .route("/phone.css", get(style))
            .route("/icon.svg", get(icon))
            .fallback(not_found)
            .layer(from_fn(guard::own_pages_only))
            .layer(from_fn(guard::headers))
    }
}

/// One member to sign in as.
struct Offer {
    user_id: String,
    name: String,
    initial: String,
    hue: usize,
    position: String,
    labels: Vec<Label>,
}

#[derive(Template)]
#[template(path = "phone/login.html")]
struct LoginPage {
    w: Words,
    /// This page in the other language.
    other: String,
    /// Why nobody can sign in; then there is nothing else on the page.
    problem: Option<&'static str>,
    app: String,
    query: String,
    /// What the forms send along.
    hidden: [(&'static str, String); 5],
    offers: Vec<Offer>,
    more: bool,
}

fn hidden(wish: &Wish) -> [(&'static str, String); 5] {
    [
        ("client_id", wish.client_id.clone()),
        ("response_type", wish.response_type.clone()),
        ("redirect_uri", wish.redirect_uri.clone()),
        ("scope", wish.scope.clone()),
        ("state", wish.state.clone()),
    ]
}

fn found(location: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

fn blank(wish: &Wish, query: String, w: Words) -> LoginPage {
    let mut again = url::form_urlencoded::Serializer::new(String::new());
    again.extend_pairs(hidden(wish)).append_pair("q", &query).append_pair("lang", w.other_tag());
    LoginPage {
        w,
        other: format!("{AUTHORIZE}?{}", again.finish()),
        problem: None,
        app: String::new(),
        query,
        hidden: hidden(wish),
        offers: Vec::new(),
        more: false,
    }
}

/// The page that keeps the browser here.
fn stopped(wish: &Wish, stop: Stop, chosen: (Lang, bool)) -> Response {
    let w = Words(chosen.0);
    let problem = match stop {
        Stop::UnknownApp => w.login_unknown_app(),
        Stop::UnknownRedirect => w.login_unknown_redirect(),
    };
    let template = LoginPage { problem: Some(problem), ..blank(wish, String::new(), w) };
    (StatusCode::BAD_REQUEST, page(&template, chosen)).into_response()
}

/// `GET /sso/oauth2/authorize`, with `q` to search and `lang` to choose the language.
async fn show(State(welink): State<WeLink>, Query(params): Params, headers: HeaderMap) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    let wish = Wish::read(&params);
    let tenant_id = match welink.authorize(&wish) {
        Err(stop) => return stopped(&wish, stop, chosen),
        Ok(Next::Back { code }) => return found(&wish.refused(&code, chosen.0)),
        Ok(Next::Ask { tenant_id }) => tenant_id,
    };
    let query = view::search_text(&params);
    let mut template = blank(&wish, query, Words(chosen.0));
    fill(&mut template, &welink, &tenant_id, &wish.client_id);
    let mut answer = page(&template, chosen);
    if let Some(policy) = view::origin(&wish.redirect_uri).and_then(|origin| guard::policy_for(&origin)) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The members that match; whoever's PC was looked at last comes first.
fn fill(template: &mut LoginPage, welink: &WeLink, tenant_id: &str, client_id: &str) {
    let w = template.w;
    let apps: Vec<_> = welink.app(client_id).into_iter().collect();
    template.app = apps.first().map(|app| named(w.0, &app.name_zh, &app.name_en).to_owned()).unwrap_or_default();
    let on_pc = welink.pc_member().filter(|(tenant, _)| tenant == tenant_id).map(|(_, user_id)| user_id);
    let mut members: Vec<Member> = welink.members(tenant_id);
    members.retain(|member| view::matches(member, &template.query));
    members.sort_by_key(|member| on_pc.as_ref() != Some(&member.user_id));
    template.more = members.len() > OFFERED_MAX;
    members.truncate(OFFERED_MAX);
    let offer = |member: Member| {
        let name = named(w.0, &member.name_zh, &member.name_en).to_owned();
        let mut labels = view::labels(welink, tenant_id, &member, &apps, w);
        if on_pc.as_ref() == Some(&member.user_id) {
            labels.insert(0, Label { text: w.on_pc().to_owned(), tone: "good" });
        }
        Offer {
            initial: view::initial(&name),
            hue: view::hue(&member.user_id),
            position: view::position(&member, w.0).to_owned(),
            user_id: member.user_id,
            name,
            labels,
        }
    };
    template.offers = members.into_iter().map(offer).collect();
}

/// `POST /sso/oauth2/authorize`: the parameters again, and `user`.
async fn choose(
    State(welink): State<WeLink>,
    headers: HeaderMap,
    Form(params): Form<BTreeMap<String, String>>,
) -> Response {
    let chosen = chosen_lang(&headers, None);
    let wish = Wish::read(&params);
    match welink.authorize(&wish) {
        Err(stop) => return stopped(&wish, stop, chosen),
        Ok(Next::Back { code }) => return found(&wish.refused(&code, chosen.0)),
        Ok(Next::Ask { .. }) => {}
    }
    let user_id = params.get("user").map(String::as_str).unwrap_or_default();
    match welink.issue_oauth_code(user_id, &wish.client_id, &wish.redirect_uri) {
        Ok(code) => found(&wish.back(&[("code", &code)])),
        // "Cannot get user info" is the one number that is about the person.
        Err(_) => found(&wish.refused("41500", chosen.0)),
    }
}
