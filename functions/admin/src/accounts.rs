//! `/v1/accounts`: who may use the console of a tenant, and as what (product.md ADM-06, C30).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::account::{Account, Login, WeLinkPerson, judge_password};
use domain::audit::Action;
use domain::ids::{AccountId, RANDOM_CHARS, TenantId};
use domain::problem;
use domain::role::Role;
use serde::{Deserialize, Deserializer, Serialize};
use signin::Bridge;
use state::account::{AccountSaved, Known};
use state::config::TenantConfig;
use utoipa::ToSchema;

use crate::actor::{Actor, Who};
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::openapi::values;
use crate::{passwords, tenants};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    pub(crate) login: String,
    pub(crate) name: String,
    #[schema(value_type = values::Role)]
    pub(crate) role: Role,
    pub(crate) password: String,
    #[serde(default)]
    #[schema(value_type = Option<values::WeLinkPerson>)]
    pub(crate) welink: Option<WeLinkPerson>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<values::Role>)]
    pub(crate) role: Option<Role>,
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// The WeLink person who may sign in as this account; null = nobody.
    #[serde(default, deserialize_with = "given")]
    #[expect(clippy::option_option, reason = "absent, null and a person are three things")]
    #[schema(value_type = Option<values::WeLinkPerson>)]
    pub(crate) welink: Option<Option<WeLinkPerson>>,
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Who asks, as he may know it.
#[derive(Serialize)]
struct Me<'a> {
    /// As the audit log names him.
    name: &'a str,
    /// Absent for the operator key.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantId>,
}

/// `GET /v1/me`.
pub async fn me(actor: Actor) -> Response {
    let (role, tenant) = match &actor.who {
        Who::Operator => (None, None),
        Who::Member { tenant, role, .. } => (Some(*role), Some(tenant)),
    };
    Json(Me { name: actor.name(), role, tenant }).into_response()
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match all(&bridge, &actor, &tenant).await {
        Ok(accounts) => Json(accounts).into_response(),
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
        Ok(account) => (StatusCode::CREATED, Json(account)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(account): Path<String>) -> Response {
    match find(&bridge, &actor, &account).await {
        Ok((_, known)) => Json(known.account).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn change(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(account): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &account, Sent::Json(&body)).await {
        Ok(account) => Json(account).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn delete(State(bridge): State<Bridge>, actor: Actor, Path(account): Path<String>) -> Response {
    match remove(&bridge, &actor, &account).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The tenant's accounts, by login.
pub(crate) async fn all(bridge: &Bridge, actor: &Actor, tenant: &str) -> Result<Vec<Account>, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let mut accounts = bridge.store().accounts(&config.tenant.id).await?;
    accounts.sort_by(|a, b| a.login.cmp(&b.login));
    Ok(accounts)
}

pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, NewAccount>,
) -> Result<Account, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let new = sent.read()?;
    let login = login("login", &new.login)?;
    let stamp = actor.stamp(bridge);
    let account = Account {
        id: AccountId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        name: input::name("name", &new.name)?,
        role: new.role,
        enabled: true,
        password_set: stamp.clone(),
        welink: new.welink.map(|person| known_person(&config, person)).transpose()?,
        created: stamp,
        version: 0,
        login,
    };
    judge_password(&new.password, &account.login).map_err(|e| ApiError::field("password", e))?;
    let hash = passwords::hash(bridge, &new.password)?;
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), Action::AccountCreate, account.id.as_str());
    entry.detail.insert("login".to_owned(), account.login.as_str().to_owned());
    entry.detail.insert("role".to_owned(), account.role.name().to_owned());
    ended(bridge.store().create_account(&account, &hash, &entry).await?)?;
    Ok(account)
}

pub(crate) fn login(field: &str, text: &str) -> Result<Login, ApiError> {
    Login::parse(text).map_err(|e| ApiError::field(field, e))
}

fn ended(saved: AccountSaved) -> Result<(), ApiError> {
    match saved {
        AccountSaved::Done => Ok(()),
        AccountSaved::LoginTaken => Err(problem::NAME_TAKEN.into()),
        AccountSaved::WeLinkTaken => {
            Err(ApiError::field("welink", "another account is linked to this person / 该人员已关联其他账号"))
        }
        AccountSaved::LastOwner => Err(problem::LAST_OWNER.into()),
        AccountSaved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// The person, if the enterprise is one of the tenant's.
fn known_person(config: &TenantConfig, person: WeLinkPerson) -> Result<WeLinkPerson, ApiError> {
    if config.enterprise(&person.enterprise).is_some() {
        return Ok(person);
    }
    Err(ApiError::field("welink.enterprise", "no such enterprise / 没有这个企业"))
}

/// Changes an account; whatever is changed, its sessions end.
pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    account: &str,
    sent: Sent<'_, Change>,
) -> Result<Account, ApiError> {
    let (config, known) = find(bridge, actor, account).await?;
    let change = sent.read()?;
    let (seen, mut account) = (&known.account, known.account.clone());
    if change.version != seen.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let action = if change.password.is_some() { Action::AccountPassword } else { Action::AccountUpdate };
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), action, seen.id.as_str());
    let mut note = |field: &str, before: &str, after: &str| {
        if before != after {
            entry.detail.insert(field.to_owned(), format!("{before} -> {after}"));
        }
    };
    if let Some(name) = change.name {
        account.name = input::name("name", &name)?;
    }
    if let Some(role) = change.role {
        note("role", account.role.name(), role.name());
        account.role = role;
    }
    if let Some(enabled) = change.enabled {
        note("enabled", &account.enabled.to_string(), &enabled.to_string());
        account.enabled = enabled;
    }
    if let Some(person) = change.welink {
        let person = person.map(|person| known_person(&config, person)).transpose()?;
        note("welink", &named(account.welink.as_ref()), &named(person.as_ref()));
        account.welink = person;
    }
    let hash = match change.password {
        Some(password) => {
            judge_password(&password, &account.login).map_err(|e| ApiError::field("password", e))?;
            account.password_set = actor.stamp(bridge);
            Some(passwords::hash(bridge, &password)?)
        }
        None => None,
    };
    ended(bridge.store().change_account(seen, &account, hash.as_ref(), &entry).await?)?;
    account.version = seen.version + 1;
    Ok(account)
}

fn named(person: Option<&WeLinkPerson>) -> String {
    person.map_or_else(|| "nobody".to_owned(), |person| format!("{}/{}", person.enterprise, person.user))
}

pub(crate) async fn remove(bridge: &Bridge, actor: &Actor, account: &str) -> Result<(), ApiError> {
    let (_, known) = find(bridge, actor, account).await?;
    let id = &known.account.id;
    let mut entry = actor.entry(bridge, id.tenant(), Action::AccountDelete, id.as_str());
    entry.detail.insert("login".to_owned(), known.account.login.as_str().to_owned());
    ended(bridge.store().delete_account(&known.account, &entry).await?)
}

/// The account with the settings of its tenant.
pub(crate) async fn find(
    bridge: &Bridge,
    actor: &Actor,
    account: &str,
) -> Result<(Arc<TenantConfig>, Known), ApiError> {
    let id = AccountId::parse(account).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    let known = bridge.store().account(&id).await?.ok_or_else(input::missing)?;
    Ok((config, known))
}
