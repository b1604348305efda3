//! `/v1/enterprises/{enterprise}/links`: binding one person to one OA user, and unbinding. Neither WeLink nor the OA is
//! written (product.md BND-09).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::WeLinkUserId;
use domain::model::{App, Enterprise, Link, LinkOrigin, Person, PersonSource};
use domain::problem;
use oa::model::{MatchField, OaUser};
use oa::port::Port as _;
use serde::Deserialize;
use signin::{Bridge, Refusal};
use state::bind::Conflict;
use state::config::TenantConfig;
use state::link::Bound;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::{directory, enterprises};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    #[schema(value_type = String)]
    pub(crate) user_id: WeLinkUserId,
    pub(crate) oa_user: Reference,
}

/// An OA user as a client names him (oa-api.md C.5, recipients).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    pub(crate) by: By,
    pub(crate) value: String,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    LoginId,
    WorkCode,
    Mobile,
    Email,
}

pub async fn person(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    match directory::card(&bridge, &actor, &enterprise, &user).await {
        Ok(card) => Json(card).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn bind(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match link(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(link) => (StatusCode::CREATED, Json(link)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn unbind(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    match unlink(&bridge, &actor, &enterprise, &user).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// People whom several OA users match, with the candidates; a person who has a link by now is left out.
pub async fn conflicts(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match open_conflicts(&bridge, &actor, &enterprise).await {
        Ok(conflicts) => Json(conflicts).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn open_conflicts(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
) -> Result<Vec<Conflict>, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let mut open = Vec::new();
    for conflict in bridge.store().conflicts(&enterprise.id).await? {
        let person = bridge.store().person(&enterprise.id, &conflict.user).await?;
        if person.is_some_and(|person| person.link.is_none()) {
            open.push(conflict);
        }
    }
    Ok(open)
}

pub(crate) async fn link(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, NewLink>,
) -> Result<Link, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let new = sent.read()?;
    let user = new.user_id;
    let oa_user = oa_user(bridge, &config, &enterprise, &new.oa_user).await?;
    let link =
        Link { oa_user: oa_user.id, login_id: oa_user.login_id, origin: LinkOrigin::Card, bound: actor.stamp(bridge) };
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::Bind, user.as_str());
    entry.detail.insert("oa_user".to_owned(), link.oa_user.as_str().to_owned());
    let bound = if bridge.store().person(&enterprise.id, &user).await?.is_some() {
        bridge.store().bind(&enterprise.id, &user, &link, &entry).await?
    } else {
        let person = member(bridge, &config, &enterprise, &user).await?;
        bridge.store().create_linked_person(&person, &link, &entry).await?
    };
    match bound {
        Bound::Done => Ok(link),
        Bound::PersonRefused | Bound::OaUserTaken => Err(problem::ALREADY_LINKED.into()),
    }
}

pub(crate) async fn unlink(bridge: &Bridge, actor: &Actor, enterprise: &str, user: &str) -> Result<(), ApiError> {
    let (enterprise, person) = find_person(bridge, actor, enterprise, user).await?;
    let link = person.link.ok_or_else(input::missing)?;
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::Unbind, person.user_id.as_str());
    entry.detail.insert("oa_user".to_owned(), link.oa_user.as_str().to_owned());
    match bridge.store().unbind(&enterprise.id, &person.user_id, &link.oa_user, &entry).await? {
        Bound::Done => Ok(()),
        Bound::PersonRefused | Bound::OaUserTaken => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// The one active OA user that the reference names.
async fn oa_user(
    bridge: &Bridge,
    config: &TenantConfig,
    enterprise: &Enterprise,
    reference: &Reference,
) -> Result<OaUser, ApiError> {
    let instance = config.oa_instance(&enterprise.oa_instance).ok_or_else(input::missing)?;
    let field = match reference.by {
        By::LoginId => MatchField::LoginName,
        By::WorkCode => MatchField::WorkCode,
        By::Mobile => MatchField::Mobile,
        By::Email => MatchField::Email,
    };
    let oa = bridge.oa(instance).await?;
    let mut found = oa.find_users(field, reference.value.trim()).await.map_err(Refusal::from)?;
    let refuse = |reason: &str| Err(ApiError::field("oa_user", reason));
    match (found.pop(), found.is_empty()) {
        (Some(user), true) if user.active => Ok(user),
        (Some(_), true) => refuse("this OA user is not active / 该 OA 用户已停用"),
        (Some(_), false) => refuse("several OA users match / 匹配到多个 OA 用户"),
        (None, _) => refuse("no OA user matches / 没有匹配的 OA 用户"),
    }
}

/// A member of WeLink who is not in the bridge copy yet.
async fn member(
    bridge: &Bridge,
    config: &TenantConfig,
    enterprise: &Enterprise,
    user: &WeLinkUserId,
) -> Result<Person, ApiError> {
    let of_enterprise = |app: &&App| app.enterprise == enterprise.id && app.enabled && app.has_secret();
    let app = config.apps.iter().find(of_enterprise);
    let app =
        app.ok_or_else(|| ApiError::field("user_id", "add an app to the enterprise first / 请先为企业添加应用"))?;
    let credentials = bridge.credentials(app).await?;
    let detail = bridge.welink().user_detail(&credentials, user).await.map_err(Refusal::from)?;
    let detail = detail.ok_or_else(|| {
        ApiError::field("user_id", "WeLink shows this app no such member / WeLink 中没有该应用可见的此成员")
    })?;
    Ok(bridge.new_person(&enterprise.id, user, PersonSource::Admin, Some(detail)))
}

pub(crate) async fn find_person(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    user: &str,
) -> Result<(Enterprise, Person), ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let user = WeLinkUserId::parse(user).map_err(|_| input::missing())?;
    let person = bridge.store().person(&enterprise.id, &user).await?.ok_or_else(input::missing)?;
    Ok((enterprise, person))
}
