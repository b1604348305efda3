//! `/v1/enterprises`: integrated WeLink companies.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::{EnterpriseId, OaInstanceId, RANDOM_CHARS};
use domain::model::{Authority, Enterprise};
use domain::problem;
use serde::Deserialize;
use signin::Bridge;
use state::config::{Saved, TenantConfig};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;
use crate::{input, tenants};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEnterprise {
    pub(crate) name: String,
    /// May be left out where the tenant has one OA instance.
    #[serde(default)]
    pub(crate) oa_instance: Option<String>,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match tenants::find(&bridge, &actor, &tenant).await {
        Ok(config) => Json(&config.enterprises).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match find(&bridge, &actor, &enterprise).await {
        Ok((_, enterprise)) => Json(enterprise).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn create(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    body: input::Body,
) -> Response {
    match make(&bridge, &actor, &tenant, Sent::Json(&body)).await {
        Ok(enterprise) => (StatusCode::CREATED, Json(enterprise)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, NewEnterprise>,
) -> Result<Enterprise, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let new = sent.read()?;
    let enterprise = Enterprise {
        id: EnterpriseId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        name: input::name("name", &new.name)?,
        oa_instance: chosen_instance(&config, new.oa_instance.as_deref())?,
        auto_bind: domain::matching::AutoBind::default(),
        authority: None,
        created: actor.stamp(bridge),
        version: 0,
    };
    let entry = actor.entry(bridge, config.tenant.id.clone(), Action::EnterpriseCreate, enterprise.id.as_str());
    match bridge.store().create_enterprise(&enterprise, &entry).await? {
        Saved::Done => Ok(enterprise),
        Saved::NameTaken => Err(problem::NAME_TAKEN.into()),
        Saved::ClientIdTaken | Saved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// The answer to the first question of the setup (product.md ADM-01).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityChange {
    /// The version that the change is based on.
    pub(crate) version: u64,
    pub(crate) authority: Authority,
}

/// Says which side is the authority, and with it the interface mode.
pub async fn save_authority(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match set_authority(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(enterprise) => Json(enterprise).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn set_authority(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, AuthorityChange>,
) -> Result<Enterprise, ApiError> {
    let (_, mut enterprise) = find(bridge, actor, enterprise).await?;
    let change = sent.read()?;
    if change.version != enterprise.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let before = enterprise.authority.replace(change.authority);
    enterprise.version += 1;
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::EnterpriseUpdate, enterprise.id.as_str());
    entry.detail.insert("authority".to_owned(), format!("{before:?} -> {:?}", change.authority));
    match bridge.store().update_enterprise(&enterprise, &entry).await? {
        Saved::Done => Ok(enterprise),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

fn chosen_instance(config: &TenantConfig, given: Option<&str>) -> Result<OaInstanceId, ApiError> {
    let of_tenant = |id: OaInstanceId| config.oa_instance(&id).map(|instance| instance.id.clone());
    match (given, config.oa_instances.as_slice()) {
        (Some(text), _) => OaInstanceId::parse(text)
            .ok()
            .and_then(of_tenant)
            .ok_or_else(|| ApiError::field("oa_instance", "no such OA instance / 没有这个 OA 实例")),
        (None, [only]) => Ok(only.id.clone()),
        (None, []) => Err(ApiError::field("oa_instance", "add an OA instance first / 请先添加 OA 实例")),
        (None, _) => Err(ApiError::field("oa_instance", "name one of the OA instances / 请指定 OA 实例")),
    }
}

/// The enterprise by settings that are at most 30 seconds old: for what is looked at, not for what is edited.
pub async fn known(bridge: &Bridge, actor: &Actor, enterprise: &str) -> Result<Enterprise, ApiError> {
    let id = EnterpriseId::parse(enterprise).map_err(|_| input::missing())?;
    let config = actor.known_config(bridge, &id.tenant()).await?;
    config.enterprise(&id).cloned().ok_or_else(input::missing)
}

/// The enterprise with the settings of its tenant, as they are now.
pub async fn find(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
) -> Result<(Arc<TenantConfig>, Enterprise), ApiError> {
    let id = EnterpriseId::parse(enterprise).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    let enterprise = config.enterprise(&id).cloned().ok_or_else(input::missing)?;
    Ok((config, enterprise))
}
