//! `/platform`: what a developer sees on WeLink's open platform: the apps with their 基本信息, and the two homepage
//! fields that an administrator pastes the bridge's address into (welink-api.md 3.1 step 1).

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::words::Words;
use super::{Params, PhoneState, chosen_lang, named, page};
use crate::welink::App;

struct Row {
    client_id: String,
    client_secret: String,
    name: String,
    company: String,
    mobile_url: String,
    pc_url: String,
}

#[derive(Template)]
#[template(path = "phone/platform.html")]
struct PlatformPage {
    w: Words,
    nav: &'static str,
    here: String,
    saved: bool,
    apps: Vec<Row>,
}

/// `GET /platform`.
pub(super) async fn show(State(state): State<PhoneState>, Query(params): Params, headers: HeaderMap) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    let lang = chosen.0;
    let row = |company: &str, app: App| Row {
        client_secret: app.client_secret.expose().clone(),
        name: named(lang, &app.name_zh, &app.name_en).to_owned(),
        company: company.to_owned(),
        client_id: app.client_id,
        mobile_url: app.mobile_url,
        pc_url: app.pc_url,
    };
    let of_company = |tenant: crate::welink::Tenant| {
        let company = named(lang, &tenant.name_zh, &tenant.name_en).to_owned();
        let apps = state.welink.apps(&tenant.tenant_id);
        apps.into_iter().map(move |app| row(&company, app)).collect::<Vec<_>>()
    };
    let template = PlatformPage {
        w: Words(lang),
        nav: "platform",
        here: "/platform?".to_owned(),
        saved: params.contains_key("saved"),
        apps: state.welink.tenants().into_iter().flat_map(of_company).collect(),
    };
    page(&template, chosen)
}

/// `POST /platform`: `client_id`, `mobile_url`, `pc_url`.
pub(super) async fn save(State(state): State<PhoneState>, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let text = |name: &str| form.get(name).map_or("", |value| value.trim());
    match state.welink.set_homepage(text("client_id"), text("mobile_url"), text("pc_url")) {
        Ok(()) => Redirect::to("/platform?saved").into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}
