//! `/v1/enterprises/{enterprise}/conflicts/{user}/settle`: a person chooses where matching could not (product.md
//! BND-05).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::{OaUserId, WeLinkUserId};
use domain::model::{Link, LinkOrigin};
use domain::problem;
use oa::port::Port as _;
use serde::Deserialize;
use signin::{Bridge, Refusal};
use state::link::Bound;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::enterprises;
use crate::error::ApiError;
use crate::input::{self, Sent};

/// The candidate who is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    #[schema(value_type = String)]
    pub oa_user: OaUserId,
}

pub async fn post_settle(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
    body: input::Body,
) -> Response {
    match settle(&bridge, &actor, &enterprise, &user, Sent::Json(&body)).await {
        Ok(link) => (StatusCode::CREATED, Json(link)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Links the person to one of his candidates; the case is closed with it.
pub(crate) async fn settle(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    user: &str,
    sent: Sent<'_, Choice>,
) -> Result<Link, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let user = WeLinkUserId::parse(user).map_err(|_| input::missing())?;
    let conflict = bridge.store().conflict(&enterprise.id, &user).await?.ok_or_else(input::missing)?;
    let Choice { oa_user } = sent.read()?;
    if !conflict.candidates.contains(&oa_user) {
        return Err(ApiError::field("oa_user", "not one of the candidates / 不在候选之中"));
    }
    let instance = config.oa_instance(&enterprise.oa_instance).ok_or_else(input::missing)?;
    let chosen = bridge.oa(instance).await?.user(&oa_user).await.map_err(Refusal::from)?;
    let chosen = chosen.filter(|chosen| chosen.active);
    let chosen = chosen.ok_or_else(|| ApiError::field("oa_user", "this OA user is not active / 该 OA 用户已停用"))?;
    let link = Link { oa_user, login_id: chosen.login_id, origin: LinkOrigin::Card, bound: actor.stamp(bridge) };
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::ConflictSettle, user.as_str());
    entry.detail.insert("oa_user".to_owned(), link.oa_user.as_str().to_owned());
    match bridge.store().settle_conflict(&conflict, &link, &entry).await? {
        Bound::Done => Ok(link),
        Bound::PersonRefused | Bound::OaUserTaken => Err(problem::ALREADY_LINKED.into()),
    }
}
