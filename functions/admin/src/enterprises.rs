//! `/v1/enterprises`: integrated WeLink companies.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::history::Setting;
use domain::ids::{EnterpriseId, OaInstanceId, RANDOM_CHARS};
use domain::model::{Authority, Enterprise};
use domain::problem;
use serde::Deserialize;
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{Confirm, Sent};
use crate::openapi::values;
use crate::users::{self, Thing};
use crate::{input, plain, tenants};

#[derive(Deserialize, ToSchema)]
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

/// A change of an enterprise; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EnterpriseChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) oa_instance: Option<String>,
}

pub async fn change(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(enterprise) => Json(enterprise).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, Change>,
) -> Result<Enterprise, ApiError> {
    let (config, mut after) = find(bridge, actor, enterprise).await?;
    let change = sent.read()?;
    if let Some(name) = change.name {
        after.name = input::name("name", &name)?;
    }
    if let Some(instance) = change.oa_instance {
        after.oa_instance = chosen_instance(&config, Some(&instance))?;
    }
    if change.version != after.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let entry = actor.entry(bridge, after.id.tenant(), Action::EnterpriseUpdate, after.id.as_str());
    save(bridge, &config, after, entry).await
}

/// Saves other settings of an enterprise, after all checks.
pub(crate) async fn save(
    bridge: &Bridge,
    config: &TenantConfig,
    mut after: Enterprise,
    mut entry: Entry,
) -> Result<Enterprise, ApiError> {
    let before = config.enterprise(&after.id).ok_or_else(input::missing)?;
    input::name("name", &after.name)?;
    if before.oa_instance != after.oa_instance {
        chosen_instance(config, Some(after.oa_instance.as_str()))?;
        // Links and homepages are made of the OA's own ids: in another OA they would mean somebody else.
        users::none_of(bridge, config, Thing::OaOf(before)).await?;
    }
    after.version += 1;
    plain::note(&mut entry, &Setting::Enterprise(before.clone()), &Setting::Enterprise(after.clone()));
    match bridge.store().update_enterprise(&after, &entry).await? {
        Saved::Done => Ok(after),
        Saved::NameTaken => Err(problem::NAME_TAKEN.into()),
        Saved::ClientIdTaken | Saved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

pub async fn delete(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    Query(confirm): Query<Confirm>,
) -> Response {
    match remove(&bridge, &actor, &enterprise, &confirm).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Deletes an enterprise that nothing uses. WeLink is not called.
pub(crate) async fn remove(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    confirm: &Confirm,
) -> Result<(), ApiError> {
    let (_, found) = find(bridge, actor, enterprise).await?;
    // The mark first: whoever comes to use the enterprise after it makes the deletion fail.
    let mark = bridge.store().enterprise_mark(&found.id).await?.ok_or_else(input::missing)?;
    let (config, enterprise) = find(bridge, actor, enterprise).await?;
    confirm.check(&enterprise.name)?;
    users::none_of(bridge, &config, Thing::Enterprise(&enterprise)).await?;
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::EnterpriseDelete, enterprise.id.as_str());
    entry.detail.insert("name".to_owned(), enterprise.name.clone());
    match bridge.store().delete_enterprise(&enterprise, &mark, &entry).await? {
        Saved::Done => Ok(()),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// The answer to the first question of the setup (product.md ADM-01).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityChange {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[schema(value_type = values::Authority)]
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
