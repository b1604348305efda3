//! `/v1/apps`: WeLink apps of an enterprise. The secret goes in and never comes out (product.md ENT-03).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::ids::{AppId, ClientId, RANDOM_CHARS};
use domain::model::{App, Enterprise, Homepage, OaInstance};
use domain::problem;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};
use signin::{Bridge, Refusal};
use state::config::{Saved, TenantConfig};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::enterprises;
use crate::error::ApiError;
use crate::input::{self, Confirm, HomepageInput, Sent};
use crate::users::{self, Thing};

/// How long a begun test of the browser sign-in may be run.
const BROWSER_TEST_S: i64 = 600;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApp {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) homepage: HomepageInput,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AppChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
    #[serde(default)]
    pub(crate) homepage: Option<HomepageInput>,
    /// Sign-in from a browser outside WeLink; a test must have passed before.
    #[serde(default)]
    pub(crate) browser_enabled: Option<bool>,
}

/// How to run a test of the browser sign-in.
#[derive(Serialize)]
pub(crate) struct BrowserTest {
    /// The address that the vendor's staff must have registered for the app (welink-api.md 3.4).
    pub(crate) redirect_uri: String,
    /// To be opened in a browser outside WeLink within ten minutes.
    pub(crate) url: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSecret {
    pub(crate) version: u64,
    pub(crate) client_secret: String,
}

/// An app as clients see it.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    app: &'a App,
    /// For both homepage fields of WeLink, phone and PC.
    homepage_url: String,
    /// For the callback address (回调地址) in WeLink.
    callback_url: String,
}

/// What goes into both homepage fields of WeLink.
pub(crate) fn homepage_url(bridge: &Bridge, app: &App) -> String {
    format!("{}/h/{}", bridge.config().origin, app.id)
}

/// Where WeLink sends the app's callbacks (welink-api.md 10).
pub(crate) fn callback_url(bridge: &Bridge, app: &App) -> String {
    format!("{}/v1/welink/{}", bridge.config().origin, app.id)
}

fn view(bridge: &Bridge, app: &App) -> serde_json::Value {
    let (homepage_url, callback_url) = (homepage_url(bridge, app), callback_url(bridge, app));
    serde_json::to_value(View { app, homepage_url, callback_url }).unwrap_or_default()
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match enterprises::find(&bridge, &actor, &enterprise).await {
        Ok((config, enterprise)) => {
            let apps = config.apps.iter().filter(|app| app.enterprise == enterprise.id);
            Json(apps.map(|app| view(&bridge, app)).collect::<Vec<_>>()).into_response()
        }
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(app): Path<String>) -> Response {
    match find(&bridge, &actor, &app).await {
        Ok(place) => Json(view(&bridge, &place.app)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn create(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match make(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(app) => (StatusCode::CREATED, Json(view(&bridge, &app))).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn change(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(app): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &app, Sent::Json(&body)).await {
        Ok(app) => Json(view(&bridge, &app)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn credentials(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(app): Path<String>,
    body: input::Body,
) -> Response {
    match rotate(&bridge, &actor, &app, Sent::Json(&body)).await {
        Ok(app) => Json(view(&bridge, &app)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, NewApp>,
) -> Result<App, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let new = sent.read()?;
    let instance = instance_of(&config, &enterprise)?;
    let name = input::name("name", &new.name)?;
    let client_id = ClientId::parse(new.client_id.trim()).map_err(|e| ApiError::field("client_id", e))?;
    let secret = non_empty("client_secret", &new.client_secret)?;
    let homepage = input::homepage(bridge, &config.tenant, instance, new.homepage).await?;
    let company = test_credentials(bridge, &client_id, &secret).await?;
    let stamp = actor.stamp(bridge);
    let app = App {
        id: AppId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        enterprise: enterprise.id,
        name,
        client_id,
        welink_tenant: company.tenant,
        welink_company: company.name_cn.or(company.name_en).unwrap_or_default(),
        homepage,
        enabled: true,
        browser: domain::model::BrowserSignIn::default(),
        secret_set: Some(stamp.clone()),
        credentials_version: 1,
        created: stamp,
        version: 0,
    };
    let secrets = bridge.seal_app_secret(&app.id, &secret, 1).await?;
    let entry = actor.entry(bridge, config.tenant.id.clone(), Action::AppCreate, app.id.as_str());
    match bridge.store().create_app(&app, &secrets, &entry).await? {
        Saved::Done => Ok(app),
        Saved::ClientIdTaken => Err(problem::CLIENT_ID_TAKEN.into()),
        Saved::NameTaken | Saved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

pub(crate) async fn apply(bridge: &Bridge, actor: &Actor, app: &str, sent: Sent<'_, Change>) -> Result<App, ApiError> {
    let place = find(bridge, actor, app).await?;
    let change = sent.read()?;
    let mut app = place.app.clone();
    let mut entry = actor.entry(bridge, app.id.tenant(), Action::AppUpdate, app.id.as_str());
    let mut note = |field: &str, before: String, after: &str| {
        if before != after {
            entry.detail.insert(field.to_owned(), format!("{before} -> {after}"));
        }
    };
    if let Some(name) = change.name {
        let name = input::name("name", &name)?;
        note("name", std::mem::replace(&mut app.name, name.clone()), &name);
    }
    if let Some(enabled) = change.enabled {
        note("enabled", app.enabled.to_string(), &enabled.to_string());
        app.enabled = enabled;
    }
    if let Some(enabled) = change.browser_enabled {
        if enabled && app.browser.tested.is_none() {
            return Err(ApiError::field("browser_enabled", "run its test first / 请先通过测试"));
        }
        note("browser_enabled", app.browser.enabled.to_string(), &enabled.to_string());
        app.browser.enabled = enabled;
    }
    if let Some(homepage) = change.homepage {
        let homepage = input::homepage(bridge, &place.config.tenant, place.instance()?, homepage).await?;
        note("homepage", short(&app.homepage), &short(&homepage));
        app.homepage = homepage;
    }
    if change.version != app.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    app.version += 1;
    match bridge.store().update_app(&app, None, &entry).await? {
        Saved::Done => Ok(app),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

pub async fn delete(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(app): Path<String>,
    Query(confirm): Query<Confirm>,
) -> Response {
    match remove(&bridge, &actor, &app, &confirm).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Deletes an app that nothing uses, with its secret, its token and its budgets. WeLink is not called.
pub(crate) async fn remove(bridge: &Bridge, actor: &Actor, app: &str, confirm: &Confirm) -> Result<(), ApiError> {
    let found = find(bridge, actor, app).await?.app;
    // The mark first: whoever comes to use the app after it makes the deletion fail.
    let mark = bridge.store().app_mark(&found).await?.ok_or_else(input::missing)?;
    let place = find(bridge, actor, app).await?;
    confirm.check(&place.app.name)?;
    users::none_of(bridge, &place.config, Thing::App(&place.app)).await?;
    let mut entry = actor.entry(bridge, place.app.id.tenant(), Action::AppDelete, place.app.id.as_str());
    entry.detail.insert("name".to_owned(), place.app.name.clone());
    match bridge.store().delete_app(&place.app, &mark, &entry).await? {
        Saved::Done => Ok(()),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// Brings an app back to earlier settings; its homepage is looked up in the OA anew.
pub(crate) async fn restore(
    bridge: &Bridge,
    config: &TenantConfig,
    mut after: App,
    entry: &Entry,
) -> Result<App, ApiError> {
    let before = config.app(&after.id).ok_or_else(input::missing)?;
    let enterprise = config.enterprise(&after.enterprise).ok_or_else(input::missing)?;
    after.name = input::name("name", &after.name)?;
    if after.browser.enabled && after.browser.tested.is_none() {
        return Err(ApiError::field("browser_enabled", "run its test first / 请先通过测试"));
    }
    if after.homepage != before.homepage {
        let wanted = match after.homepage {
            Homepage::OaApp { oa_app, .. } => HomepageInput::OaApp { oa_app: oa_app.into() },
            Homepage::CustomLink { link } => HomepageInput::CustomLink { link: link.into() },
        };
        after.homepage = input::homepage(bridge, &config.tenant, instance_of(config, enterprise)?, wanted).await?;
    }
    after.version += 1;
    match bridge.store().update_app(&after, None, entry).await? {
        Saved::Done => Ok(after),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// Begins a test of the browser sign-in: its address may be opened for ten minutes (product.md HOM-02).
pub async fn browser_test(State(bridge): State<Bridge>, actor: Actor, Path(app): Path<String>) -> Response {
    match begin_test(&bridge, &actor, &app).await {
        Ok(test) => Json(test).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn begin_test(bridge: &Bridge, actor: &Actor, app: &str) -> Result<BrowserTest, ApiError> {
    let mut app = find(bridge, actor, app).await?.app;
    app.browser.test_until = Some(bridge.clock().now().plus_s(BROWSER_TEST_S));
    app.version += 1;
    let mut entry = actor.entry(bridge, app.id.tenant(), Action::AppUpdate, app.id.as_str());
    entry.detail.insert("browser_test".to_owned(), "begun".to_owned());
    if bridge.store().update_app(&app, None, &entry).await? != Saved::Done {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let origin = &bridge.config().origin;
    Ok(BrowserTest {
        redirect_uri: format!("{origin}{}", signin::OAUTH_CALLBACK),
        url: format!("{origin}/h/{}/browser?test=1", app.id),
    })
}

/// Replaces the secret, after a test that WeLink accepts it for the same company (product.md C21).
pub(crate) async fn rotate(
    bridge: &Bridge,
    actor: &Actor,
    app: &str,
    sent: Sent<'_, NewSecret>,
) -> Result<App, ApiError> {
    let place = find(bridge, actor, app).await?;
    let new = sent.read()?;
    let secret = non_empty("client_secret", &new.client_secret)?;
    let mut app = place.app.clone();
    let company = test_credentials(bridge, &app.client_id, &secret).await?;
    if company.tenant != app.welink_tenant {
        let reason = "these credentials belong to another WeLink company / 这组凭证属于另一家 WeLink 企业";
        return Err(ApiError::field("client_secret", reason));
    }
    app.credentials_version += 1;
    app.secret_set = Some(actor.stamp(bridge));
    if new.version != app.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    app.version += 1;
    let secrets = bridge.seal_app_secret(&app.id, &secret, app.credentials_version).await?;
    let entry = actor.entry(bridge, app.id.tenant(), Action::AppCredentials, app.id.as_str());
    match bridge.store().update_app(&app, Some(&secrets), &entry).await? {
        Saved::Done => Ok(app),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

async fn test_credentials(
    bridge: &Bridge,
    client_id: &ClientId,
    secret: &Secret<String>,
) -> Result<welink::TenantInfo, ApiError> {
    match bridge.welink().try_credentials(client_id, secret).await {
        Ok(company) => Ok(company),
        Err(error) if error.refuses_credentials() => Err(problem::CREDENTIALS_REFUSED.into()),
        Err(error) => Err(Refusal::from(error).into()),
    }
}

fn non_empty(field: &str, text: &str) -> Result<Secret<String>, ApiError> {
    if text.trim().is_empty() {
        return Err(ApiError::field(field, "must not be empty / 不能为空"));
    }
    Ok(Secret::new(text.trim().to_owned()))
}

fn short(homepage: &Homepage) -> String {
    match homepage {
        Homepage::OaApp { oa_app, .. } => format!("oa-app {oa_app}"),
        Homepage::CustomLink { link } => format!("custom-link {link}"),
    }
}

/// An app with everything above it.
pub(crate) struct Place {
    pub(crate) config: Arc<TenantConfig>,
    pub(crate) enterprise: Enterprise,
    pub(crate) app: App,
}

impl Place {
    fn instance(&self) -> Result<&OaInstance, ApiError> {
        instance_of(&self.config, &self.enterprise)
    }
}

pub(crate) fn instance_of<'a>(config: &'a TenantConfig, enterprise: &Enterprise) -> Result<&'a OaInstance, ApiError> {
    config.oa_instance(&enterprise.oa_instance).ok_or_else(input::missing)
}

pub(crate) async fn find(bridge: &Bridge, actor: &Actor, app: &str) -> Result<Place, ApiError> {
    let id = AppId::parse(app).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    let app = config.app(&id).cloned().ok_or_else(input::missing)?;
    let enterprise = config.enterprise(&app.enterprise).cloned().ok_or_else(input::missing)?;
    Ok(Place { config, enterprise, app })
}
