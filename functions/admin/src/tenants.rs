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

use crate::error::ApiError;
use crate::input;
use crate::operator::Operator;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    name: String,
    /// Hosts that custom homepage links may lead to.
    #[serde(default)]
    link_hosts: Vec<String>,
}

pub async fn list(State(bridge): State<Bridge>, operator: Operator) -> Response {
    match bridge.store().tenants().await {
        Ok(tenants) => Json(tenants).into_response(),
        Err(error) => ApiError::from(error).answer(operator.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, operator: Operator, Path(tenant): Path<String>) -> Response {
    match find(&bridge, &tenant).await {
        Ok(config) => Json(&config.tenant).into_response(),
        Err(error) => error.answer(operator.lang),
    }
}

pub async fn create(State(bridge): State<Bridge>, operator: Operator, body: input::Body) -> Response {
    match make(&bridge, &operator, &body).await {
        Ok(tenant) => (StatusCode::CREATED, Json(tenant)).into_response(),
        Err(error) => error.answer(operator.lang),
    }
}

async fn make(bridge: &Bridge, operator: &Operator, body: &input::Body) -> Result<Tenant, ApiError> {
    let new: NewTenant = input::json(body)?;
    let link_hosts = new.link_hosts.iter().map(|host| link_host(host)).collect::<Result<_, _>>()?;
    let tenant = Tenant {
        id: TenantId::from_random(bridge.entropy().bytes::<TENANT_CHARS>()),
        name: input::name("name", &new.name)?,
        link_hosts,
        created: Operator::stamp(bridge),
    };
    let entry = operator.entry(bridge, tenant.id.clone(), Action::TenantCreate, tenant.id.as_str());
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
pub async fn find(bridge: &Bridge, tenant: &str) -> Result<std::sync::Arc<state::config::TenantConfig>, ApiError> {
    let tenant = TenantId::parse(tenant).map_err(|_| input::missing())?;
    bridge.store().config_now(&tenant).await?.ok_or_else(input::missing)
}
