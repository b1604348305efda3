//! The one auto-bind setting of an enterprise, at the three addresses where the manual shows it: sign-in (用户绑定设置), from
//! WeLink (新用户关联系统) and from the OA (用户绑定). One handler, one stored value (product.md M32, BND-01).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::OaUserId;
use domain::matching::{AutoBind, DenyList, Pair, Pairs};
use domain::problem;
use serde::Deserialize;
use signin::Bridge;
use state::config::Saved;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;
use crate::openapi::values;
use crate::{enterprises, input};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AutoBindChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    pub(crate) enabled: bool,
    /// In the order in which they are tried; absent = as they are.
    #[serde(default)]
    #[schema(value_type = Option<Vec<values::Pair>>)]
    pub(crate) pairs: Option<Vec<Pair>>,
    /// Absent = as it is.
    #[serde(default)]
    pub(crate) require_password: Option<bool>,
    /// OA users who are never linked automatically; absent = as they are.
    #[serde(default)]
    pub(crate) deny: Option<Vec<String>>,
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match enterprises::find(&bridge, &actor, &enterprise).await {
        Ok((_, enterprise)) => Json(enterprise.auto_bind).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn save(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(setting) => Json(setting).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, Change>,
) -> Result<AutoBind, ApiError> {
    let (_, mut enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let change = sent.read()?;
    if change.version != enterprise.auto_bind.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let before = std::mem::take(&mut enterprise.auto_bind);
    let pairs = change.pairs.map(Pairs::new).transpose().map_err(|e| ApiError::field("pairs", e))?;
    let setting = AutoBind {
        enabled: change.enabled,
        pairs: pairs.unwrap_or_else(|| before.pairs.clone()),
        require_password: change.require_password.unwrap_or(before.require_password),
        deny: change.deny.map(|users| deny_list(&users)).transpose()?.unwrap_or_else(|| before.deny.clone()),
        changed: Some(actor.stamp(bridge)),
        version: before.version + 1,
    };
    enterprise.auto_bind = setting.clone();
    enterprise.version += 1;
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::AutoBindUpdate, enterprise.id.as_str());
    for (name, before, after) in changes(&before, &setting) {
        if before != after {
            entry.detail.insert(name.to_owned(), format!("{before} -> {after}"));
        }
    }
    match bridge.store().update_enterprise(&enterprise, &entry).await? {
        Saved::Done => Ok(setting),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// Each part of the setting before and after, as the audit log shows it.
fn changes(before: &AutoBind, after: &AutoBind) -> [(&'static str, String, String); 4] {
    let pairs = |setting: &AutoBind| serde_json::to_string(&setting.pairs).unwrap_or_default();
    let deny = |setting: &AutoBind| serde_json::to_string(&setting.deny).unwrap_or_default();
    [
        ("enabled", before.enabled.to_string(), after.enabled.to_string()),
        ("require_password", before.require_password.to_string(), after.require_password.to_string()),
        ("pairs", pairs(before), pairs(after)),
        ("deny", deny(before), deny(after)),
    ]
}

fn deny_list(users: &[String]) -> Result<DenyList, ApiError> {
    let ids = users.iter().map(|user| OaUserId::parse(user)).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|e| ApiError::field("deny", e))?;
    DenyList::new(ids).map_err(|e| ApiError::field("deny", e))
}
