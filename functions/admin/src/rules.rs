//! `/v1/rules`: which messages of the OA go where (消息推送规则, product.md M77 to M83, PSH-04). A rule is saved as a whole:
//! nothing of it counts before.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::history::Setting;
use domain::ids::{AppId, RANDOM_CHARS, RuleId};
use domain::problem;
use domain::push::rule::{HOLD_S_MAX, MessageType, RULES_MAX, Rule, Source, TARGETS_MAX, Target, WhenUnknown};
use serde::Deserialize;
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{Confirm, Sent};
use crate::{input, plain, tenants};

/// A target as clients name it: the app says which enterprise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleTarget)]
pub(crate) struct TargetInput {
    pub(crate) app: String,
    /// `notice`, `todo` or `card`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(crate) kind: MessageType,
}

/// A rule as a whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleInput)]
pub(crate) struct NewRule {
    /// The version that the change is based on; 0, or absent, for a new rule.
    #[serde(default)]
    pub(crate) version: u64,
    pub(crate) name: String,
    /// A message source, e.g. `todo`; `all` = every one.
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) targets: Vec<TargetInput>,
    /// What becomes of a notice or card whose answer was lost: `hold` or `resend`.
    #[serde(default)]
    #[schema(value_type = String)]
    pub(crate) when_unknown: WhenUnknown,
    /// How long a message waits until its receiver is linked, seconds; absent = it does not.
    #[serde(default)]
    pub(crate) hold_s: Option<i64>,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match tenants::find(&bridge, &actor, &tenant).await {
        Ok(config) => Json(config.rules.list()).into_response(),
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
        Ok(rule) => (StatusCode::CREATED, Json(rule)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(rule): Path<String>) -> Response {
    match find(&bridge, &actor, &rule).await {
        Ok((_, rule)) => Json(rule).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn save(State(bridge): State<Bridge>, actor: Actor, Path(rule): Path<String>, body: input::Body) -> Response {
    match apply(&bridge, &actor, &rule, Sent::Json(&body)).await {
        Ok(rule) => Json(rule).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn delete(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(rule): Path<String>,
    Query(confirm): Query<Confirm>,
) -> Response {
    match remove(&bridge, &actor, &rule, &confirm).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn find(
    bridge: &Bridge,
    actor: &Actor,
    rule: &str,
) -> Result<(std::sync::Arc<TenantConfig>, Rule), ApiError> {
    let id = RuleId::parse(rule).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    let rule = config.rules.find(&id).cloned().ok_or_else(input::missing)?;
    Ok((config, rule))
}

pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, NewRule>,
) -> Result<Rule, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let given = sent.read()?;
    if config.rules.list().len() >= RULES_MAX {
        return Err(ApiError::field("name", format!("at most {RULES_MAX} rules / 最多 {RULES_MAX} 条规则")));
    }
    let id = RuleId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>());
    let first = Rule {
        id,
        name: String::new(),
        source: Source::All,
        enabled: false,
        targets: Vec::new(),
        when_unknown: WhenUnknown::default(),
        hold_s: None,
        created: actor.stamp(bridge),
        version: 0,
    };
    let rule = read(&config, first, &given)?;
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), Action::RuleCreate, rule.id.as_str());
    entry.detail.insert("name".to_owned(), rule.name.clone());
    match bridge.store().create_rule(&rule, &entry).await? {
        Saved::Done => Ok(rule),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    rule: &str,
    sent: Sent<'_, NewRule>,
) -> Result<Rule, ApiError> {
    let (config, before) = find(bridge, actor, rule).await?;
    let given = sent.read()?;
    if given.version != before.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let after = read(&config, before, &given)?;
    let entry = actor.entry(bridge, config.tenant.id.clone(), Action::RuleUpdate, after.id.as_str());
    store(bridge, &config, after, entry).await
}

/// Saves another form of a rule, after all checks; it has its next version already.
pub(crate) async fn store(
    bridge: &Bridge,
    config: &TenantConfig,
    rule: Rule,
    mut entry: Entry,
) -> Result<Rule, ApiError> {
    check(config, &rule)?;
    if let Some(before) = config.rules.find(&rule.id) {
        plain::note(&mut entry, &Setting::Rule(before.clone()), &Setting::Rule(rule.clone()));
    }
    match bridge.store().update_rule(&rule, &entry).await? {
        Saved::Done => Ok(rule),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

pub(crate) async fn remove(bridge: &Bridge, actor: &Actor, rule: &str, confirm: &Confirm) -> Result<(), ApiError> {
    let (config, rule) = find(bridge, actor, rule).await?;
    confirm.check(&rule.name)?;
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), Action::RuleDelete, rule.id.as_str());
    entry.detail.insert("name".to_owned(), rule.name.clone());
    match bridge.store().delete_rule(&rule, &entry).await? {
        Saved::Done => Ok(()),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// The rule as it would be after this change.
fn read(config: &TenantConfig, before: Rule, given: &NewRule) -> Result<Rule, ApiError> {
    let source = Source::parse(given.source.trim()).map_err(|_| {
        ApiError::field("source", "all, or a code of up to 64 bytes without spaces / 全部，或不含空格的来源编码")
    })?;
    let mut targets: Vec<Target> = Vec::with_capacity(given.targets.len());
    for target in &given.targets {
        let app = AppId::parse(&target.app).ok().and_then(|id| config.app(&id));
        let app = app.ok_or_else(|| ApiError::field("targets", "no such app in this team / 团队中没有这个应用"))?;
        let target = Target { enterprise: app.enterprise.clone(), app: app.id.clone(), kind: target.kind };
        if targets.contains(&target) {
            return Err(ApiError::field("targets", "each target once / 推送目标不能重复"));
        }
        targets.push(target);
    }
    let rule = Rule {
        name: input::name("name", &given.name)?,
        source,
        enabled: given.enabled,
        targets,
        when_unknown: given.when_unknown,
        hold_s: given.hold_s,
        version: before.version + 1,
        ..before
    };
    check(config, &rule)?;
    Ok(rule)
}

/// What cannot work is not saved.
fn check(config: &TenantConfig, rule: &Rule) -> Result<(), ApiError> {
    if rule.enabled && rule.targets.is_empty() {
        return Err(ApiError::field("targets", "a rule without target cannot be enabled / 没有推送目标的规则不能启用"));
    }
    if rule.targets.len() > TARGETS_MAX {
        return Err(ApiError::field("targets", format!("at most {TARGETS_MAX} / 最多 {TARGETS_MAX} 个")));
    }
    if rule.targets.iter().any(|target| config.app(&target.app).is_none()) {
        return Err(ApiError::field("targets", "an app has been deleted / 推送目标的应用已删除"));
    }
    if rule.hold_s.is_some_and(|hold_s| !(60..=HOLD_S_MAX).contains(&hold_s)) {
        return Err(ApiError::field("hold_s", format!("60 to {HOLD_S_MAX} seconds / 60 至 {HOLD_S_MAX} 秒")));
    }
    Ok(())
}
