//! `/bridge`: where the OA's administrator tells the OA of the bridge (oa-api.md C, "Instance configuration"), and
//! reads what the bridge must know of the OA.

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use platform::secret::Secret;
use serde::Deserialize;

use super::view::{self, Ui, Visit};
use super::{Connection, Oa, lock};

pub(super) fn routes() -> Router<Oa> {
    Router::new().route("/bridge", get(show).post(save))
}

#[derive(Template)]
#[template(path = "oa/bridge.html")]
struct Page {
    ui: Ui,
    /// What the bridge's administrator enters there.
    addresses: Vec<(&'static str, String)>,
    scim_bearer: String,
    /// The instance id in force.
    instance: Option<String>,
    saved: bool,
    wrong: bool,
    typed: Typed,
}

/// What the form holds; the secrets are not shown again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    instance_id: String,
    bridge_origin: String,
    push_secret: String,
    pull_secret: String,
}

fn page(oa: &Oa, visit: &Visit, status: StatusCode, (saved, wrong): (bool, bool), typed: Typed) -> Response {
    let origin = &oa.0.origin;
    let ui = visit.ui(oa, "bridge");
    let addresses = vec![
        (ui.t("OA 接口地址", "Address of the OA's API"), origin.clone()),
        (ui.t("SCIM 地址", "SCIM address"), format!("{origin}/scim/v2")),
        (ui.t("登录落地地址", "Sign-in landing address"), format!("{origin}/sso/landing")),
        (ui.t("登录起始地址", "Sign-in start address"), format!("{origin}/sso/start")),
        (ui.t("会话注销地址", "Session revocation address"), format!("{origin}/v1/revoke")),
        (ui.t("密码校验地址", "Password check address"), format!("{origin}/v1/credential/verify")),
    ];
    let instance = oa.link().map(|link| link.connection.instance_id);
    let scim_bearer = oa.bearer();
    visit.page(status, &Page { ui, addresses, scim_bearer, instance, saved, wrong, typed })
}

async fn show(State(oa): State<Oa>, visit: Visit) -> Response {
    page(&oa, &visit, StatusCode::OK, (false, false), Typed::default())
}

async fn save(State(oa): State<Oa>, visit: Visit, headers: HeaderMap, Form(typed): Form<Typed>) -> Response {
    if !view::from_our_page(&oa, &headers) {
        return page(&oa, &visit, StatusCode::FORBIDDEN, (false, true), Typed::default());
    }
    let connected = oa.connect(Connection {
        instance_id: typed.instance_id.trim().to_owned(),
        bridge_origin: typed.bridge_origin.trim().to_owned(),
        push_secret: Secret::new(typed.push_secret.trim().to_owned()),
        pull_secret: Secret::new(typed.pull_secret.trim().to_owned()),
        scim_bearer: Secret::new(oa.bearer()),
    });
    match connected {
        Ok(()) => page(&oa, &visit, StatusCode::OK, (true, false), Typed::default()),
        Err(_) => page(&oa, &visit, StatusCode::UNPROCESSABLE_ENTITY, (false, true), typed),
    }
}

impl Oa {
    /// The bearer token of SCIM and `/v1/apps`: that of the connection, before it one that is made once.
    pub(super) fn bearer(&self) -> String {
        match self.link() {
            Some(link) => link.connection.scim_bearer.expose().clone(),
            None => lock(&self.0.first_bearer).get_or_insert_with(|| self.0.entropy.hex(24)).clone(),
        }
    }
}
