//! `/v1/api-keys`: keys with which programs call the API of a tenant, in a role of their own.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::account::ApiKey;
use domain::audit::Action;
use domain::ids::{ApiKeyId, RANDOM_CHARS};
use domain::role::Role;
use domain::time::Timestamp;
use platform::secret::{Secret, sha256_hex};
use serde::{Deserialize, Serialize};
use signin::{Bridge, Refusal};
use utoipa::ToSchema;

use crate::actor::{Actor, Who};
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::openapi::values;
use crate::tenants;

/// Characters of a key's secret: 160 bits.
const SECRET_CHARS: usize = 32;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    pub(crate) name: String,
    #[schema(value_type = values::Role)]
    pub(crate) role: Role,
    /// Milliseconds since 1970; absent = until it is deleted.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub(crate) expires: Option<Timestamp>,
}

/// A new key: the only time that it is shown.
#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    api_key: &'a ApiKey,
    key: &'a str,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match all(&bridge, &actor, &tenant).await {
        Ok(keys) => Json(keys).into_response(),
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
        Ok((api_key, key)) => {
            (StatusCode::CREATED, Json(Made { api_key: &api_key, key: key.expose() })).into_response()
        }
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn delete(State(bridge): State<Bridge>, actor: Actor, Path(key): Path<String>) -> Response {
    match remove(&bridge, &actor, &key).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The tenant's keys, newest first.
pub(crate) async fn all(bridge: &Bridge, actor: &Actor, tenant: &str) -> Result<Vec<ApiKey>, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let mut keys = bridge.store().api_keys(&config.tenant.id).await?;
    keys.sort_by_key(|key| std::cmp::Reverse(key.created.at));
    Ok(keys)
}

/// A new key, with its text, which is kept nowhere.
pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, NewApiKey>,
) -> Result<(ApiKey, Secret<String>), ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let new = sent.read()?;
    let now = bridge.clock().now();
    if new.expires.is_some_and(|expires| expires <= now) {
        return Err(ApiError::field("expires", "must lie in the future / 必须晚于现在"));
    }
    let key = ApiKey {
        id: ApiKeyId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        name: input::name("name", &new.name)?,
        role: new.role,
        created: actor.stamp(bridge),
        expires: new.expires,
        last_used_day: None,
    };
    let secret = Secret::new(bridge.entropy().token(SECRET_CHARS));
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), Action::ApiKeyCreate, key.id.as_str());
    entry.detail.insert("name".to_owned(), key.name.clone());
    entry.detail.insert("role".to_owned(), key.role.name().to_owned());
    bridge.store().create_api_key(&key, &sha256_hex(secret.expose()), &entry).await?;
    let text = Secret::new(format!("{}.{}", key.id, secret.expose()));
    Ok((key, text))
}

pub(crate) async fn remove(bridge: &Bridge, actor: &Actor, key: &str) -> Result<(), ApiError> {
    let id = ApiKeyId::parse(key).map_err(|_| input::missing())?;
    actor.config(bridge, &id.tenant()).await?;
    let entry = actor.entry(bridge, id.tenant(), Action::ApiKeyDelete, id.as_str());
    if bridge.store().delete_api_key(&id, &entry).await? { Ok(()) } else { Err(input::missing()) }
}

/// Whose key this is; `None` when it is nobody's, or has expired.
pub(crate) async fn member(bridge: &Bridge, text: &str) -> Result<Option<Who>, Refusal> {
    let parsed = text.split_once('.').and_then(|(id, secret)| Some((ApiKeyId::parse(id).ok()?, secret)));
    let Some((id, secret)) = parsed else { return Ok(None) };
    let now = bridge.clock().now();
    let Some((key, digest)) = bridge.store().api_key(&id).await? else { return Ok(None) };
    if !digest.matches(&sha256_hex(secret)) || !key.is_live(now) || !bridge.store().note_use(&key, now).await? {
        return Ok(None);
    }
    Ok(Some(Who::Member { tenant: id.tenant(), name: format!("key:{}", key.name), role: key.role }))
}
