//! `/v1/tenants`: OA teams.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::{TENANT_CHARS, TenantId};
use domain::model::Tenant;
use domain::problem;
use serde::Deserialize;
use signin::Bridge;
use state::config::Saved;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    pub(crate) name: String,
    /// Hosts that custom homepage links may lead to.
    #[serde(default)]
    pub(crate) link_hosts: Vec<String>,
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

pub(crate) async fn make(bridge: &Bridge, actor: &Actor, sent: Sent<'_, NewTenant>) -> Result<Tenant, ApiError> {
    let new = sent.read()?;
    let link_hosts = new.link_hosts.iter().map(|host| link_host(host)).collect::<Result<_, _>>()?;
    let tenant = Tenant {
        id: TenantId::from_random(bridge.entropy().bytes::<TENANT_CHARS>()),
        name: input::name("name", &new.name)?,
        link_hosts,
        created: actor.stamp(bridge),
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
