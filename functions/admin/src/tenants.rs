//! `/v1/tenants`: OA teams.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::destination::CustomLink;
use domain::history::Setting;
use domain::ids::{TENANT_CHARS, TenantId};
use domain::model::{App, Homepage, Tenant};
use domain::problem;
use domain::zone::Zone;
use serde::Deserialize;
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::plain;

/// Hosts of custom homepage links at most.
const LINK_HOSTS_MAX: usize = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    pub(crate) name: String,
    /// Hosts that custom homepage links may lead to.
    #[serde(default)]
    pub(crate) link_hosts: Vec<String>,
    /// The IANA name of the time zone; `Asia/Shanghai` if it is absent.
    #[serde(default)]
    pub(crate) zone: Option<String>,
}

/// A change of a tenant's settings; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) link_hosts: Option<Vec<String>>,
    /// The IANA name of the time zone in which times are shown and timed runs are due, such as `Asia/Shanghai`.
    #[serde(default)]
    pub(crate) zone: Option<String>,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor) -> Response {
    match bridge.store().tenants().await {
        Ok(tenants) => Json(tenants).into_response(),
        Err(error) => ApiError::from(error).answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match find(&bridge, &actor, &tenant).await {
        Ok(config) => Json(&config.tenant).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn create(State(bridge): State<Bridge>, actor: Actor, body: input::Body) -> Response {
    match make(&bridge, &actor, Sent::Json(&body)).await {
        Ok(tenant) => (StatusCode::CREATED, Json(tenant)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn change(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &tenant, Sent::Json(&body)).await {
        Ok(tenant) => Json(tenant).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, Change>,
) -> Result<Tenant, ApiError> {
    let config = find(bridge, actor, tenant).await?;
    let change = sent.read()?;
    let mut after = config.tenant.clone();
    if let Some(name) = change.name {
        after.name = input::name("name", &name)?;
    }
    if let Some(hosts) = change.link_hosts {
        after.link_hosts = link_hosts(&hosts)?;
    }
    if let Some(name) = change.zone {
        after.zone = zone(&name)?;
    }
    if change.version != after.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let entry = actor.entry(bridge, after.id.clone(), Action::TenantUpdate, after.id.as_str());
    save(bridge, &config, after, entry).await
}

/// Saves other settings of the tenant, after all checks.
pub(crate) async fn save(
    bridge: &Bridge,
    config: &TenantConfig,
    mut after: Tenant,
    mut entry: Entry,
) -> Result<Tenant, ApiError> {
    check(&after, &config.apps)?;
    after.version += 1;
    plain::note(&mut entry, &Setting::Tenant(config.tenant.clone()), &Setting::Tenant(after.clone()));
    match bridge.store().update_tenant(&after, &entry).await? {
        Saved::Done => Ok(after),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// A tenant's settings by themselves, and with its apps: a host that a homepage leads to stays allowed.
pub(crate) fn check(tenant: &Tenant, apps: &[App]) -> Result<(), ApiError> {
    input::name("name", &tenant.name)?;
    link_hosts(&tenant.link_hosts)?;
    for app in apps {
        if let Homepage::CustomLink { link } = &app.homepage
            && let Err(refused) = CustomLink::parse(link.as_str(), &tenant.link_hosts)
        {
            return Err(ApiError::field("link_hosts", format!("{} ({}): {refused}", app.name, app.id)));
        }
    }
    Ok(())
}

fn zone(name: &str) -> Result<Zone, ApiError> {
    Zone::parse(name).map_err(|why| ApiError::field("zone", why.to_string()))
}

fn link_hosts(texts: &[String]) -> Result<Vec<String>, ApiError> {
    if texts.len() > LINK_HOSTS_MAX {
        let reason = format!("at most {LINK_HOSTS_MAX} hosts / 最多 {LINK_HOSTS_MAX} 个主机");
        return Err(ApiError::field("link_hosts", reason));
    }
    texts.iter().map(|host| link_host(host)).collect()
}

pub(crate) async fn make(bridge: &Bridge, actor: &Actor, sent: Sent<'_, NewTenant>) -> Result<Tenant, ApiError> {
    let new = sent.read()?;
    let link_hosts = link_hosts(&new.link_hosts)?;
    let tenant = Tenant {
        id: TenantId::from_random(bridge.entropy().bytes::<TENANT_CHARS>()),
        name: input::name("name", &new.name)?,
        link_hosts,
        zone: new.zone.as_deref().map(zone).transpose()?.unwrap_or_default(),
        created: actor.stamp(bridge),
        version: 0,
    };
    let entry = actor.entry(bridge, tenant.id.clone(), Action::TenantCreate, tenant.id.as_str());
    match bridge.store().create_tenant(&tenant, &entry).await? {
        Saved::Done => Ok(tenant),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

fn link_host(text: &str) -> Result<String, ApiError> {
    let url = url::Url::parse(&format!("https://{text}/"));
    let bare = url.is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
    if bare && !text.contains(['/', '@', '\\']) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(ApiError::field("link_hosts", format!("{text:?} is not a host name / 不是主机名")))
    }
}

/// The tenant's settings as they are now.
pub async fn find(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
) -> Result<std::sync::Arc<state::config::TenantConfig>, ApiError> {
    let tenant = TenantId::parse(tenant).map_err(|_| input::missing())?;
    actor.config(bridge, &tenant).await
}
