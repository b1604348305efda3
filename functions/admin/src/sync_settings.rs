//! `/v1/enterprises/{enterprise}/sync-settings`: the app of the sync, its timers, its scope and its guards (product.md
//! A.6 to A.8).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::history::Setting;
use domain::ids::AppId;
use domain::problem;
use domain::run::Kind;
use domain::sync::Cap;
use domain::sync_settings::{FromOa, FromWelink, SyncSettings, Timer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use state::due::Due;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;
use crate::{enterprises, input, plain, transfer};

/// Days that what is missing may be kept.
const MISSING_DAYS_MAX: u32 = 365;
/// Days of grace at most (product.md TWL-15).
const GRACE_DAYS_MAX: u32 = 365;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncSettingsChange)]
pub(crate) struct Change {
    /// The version that the change is based on; 0 before the first one.
    pub(crate) version: u64,
    /// The app that reads and writes contacts; null = none, absent = as it is, like all below.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "absent, null and a value are three things")]
    pub(crate) app: Option<Option<String>>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) from_welink: Option<Value>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) from_oa: Option<Value>,
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match enterprises::find(&bridge, &actor, &enterprise).await {
        Ok((config, enterprise)) => Json(config.sync(&enterprise.id)).into_response(),
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

/// Saves what was sent and gives the settings as they are now.
pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, Change>,
) -> Result<SyncSettings, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let change = sent.read()?;
    let before = config.sync(&enterprise.id);
    if change.version != before.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let app = match change.app {
        None => before.app.clone(),
        Some(None) => None,
        Some(Some(text)) => Some(AppId::parse(&text).map_err(|_| no_such_app())?),
    };
    let setting = SyncSettings {
        app,
        from_welink: section("from_welink", change.from_welink)?.unwrap_or_else(|| before.from_welink.clone()),
        from_oa: section("from_oa", change.from_oa)?.unwrap_or_else(|| before.from_oa.clone()),
        changed: Some(actor.stamp(bridge)),
        version: before.version + 1,
        enterprise: enterprise.id.clone(),
    };
    let entry = actor.entry(bridge, enterprise.id.tenant(), Action::SyncUpdate, enterprise.id.as_str());
    store(bridge, &config, setting, entry).await
}

/// A whole section; what it does not name has its default. What is no setting is refused: it would be lost.
fn section<T: DeserializeOwned + Serialize>(name: &str, given: Option<Value>) -> Result<Option<T>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    let read: T = serde_json::from_value(given.clone()).map_err(|error| ApiError::field(name, error))?;
    let kept = serde_json::to_value(&read).map_err(|error| ApiError::field(name, error))?;
    if transfer::covers(&kept, &given) {
        return Ok(Some(read));
    }
    Err(ApiError::field(name, "it holds what is no setting / 包含未知的设置项"))
}

/// Saves other sync settings, after all checks; they have their next version and stamp already.
pub(crate) async fn store(
    bridge: &Bridge,
    config: &TenantConfig,
    setting: SyncSettings,
    mut entry: Entry,
) -> Result<SyncSettings, ApiError> {
    check(config, &setting)?;
    let before = config.sync(&setting.enterprise);
    plain::note(&mut entry, &Setting::Sync(before), &Setting::Sync(setting.clone()));
    let due = timers(bridge, config, &setting);
    match bridge.store().save_sync_settings(&setting, &due, &entry).await? {
        Saved::Done => Ok(setting),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// What cannot work is not saved.
fn check(config: &TenantConfig, setting: &SyncSettings) -> Result<(), ApiError> {
    let SyncSettings { enterprise, app, from_welink, from_oa, .. } = setting;
    let own = |id: &AppId| config.app(id).is_some_and(|app| app.enterprise == *enterprise);
    if app.as_ref().is_some_and(|id| !own(id)) {
        return Err(no_such_app());
    }
    let FromWelink { timer, cap, missing_days, .. } = from_welink;
    check_timer("from_welink.timer", timer.as_ref())?;
    check_cap("from_welink.cap", *cap)?;
    if !(1..=MISSING_DAYS_MAX).contains(missing_days) {
        let reason = format!("1 to {MISSING_DAYS_MAX} days / 1 至 {MISSING_DAYS_MAX} 天");
        return Err(ApiError::field("from_welink.missing_days", reason));
    }
    let FromOa { timer, plan } = from_oa;
    if timer.is_some() {
        return Err(ApiError::field("from_oa.timer", "from-OA can be simulated only / 从 OA 同步目前只能模拟"));
    }
    check_cap("from_oa.plan.cap", plan.cap)?;
    if plan.grace_days > GRACE_DAYS_MAX {
        let reason = format!("at most {GRACE_DAYS_MAX} days / 最多 {GRACE_DAYS_MAX} 天");
        return Err(ApiError::field("from_oa.plan.grace_days", reason));
    }
    if plan.baseline.is_some() {
        return Err(ApiError::field(
            "from_oa.plan.baseline",
            "the last run's, and no setting / 由上次同步得出，不能设置",
        ));
    }
    Ok(())
}

fn check_timer(field: &str, timer: Option<&Timer>) -> Result<(), ApiError> {
    if timer.is_none_or(|timer| timer.minute < Timer::MINUTES) {
        return Ok(());
    }
    Err(ApiError::field(field, "minutes after midnight, 0 to 1439 / 午夜后的分钟数，0 至 1439"))
}

fn check_cap(field: &str, cap: Cap) -> Result<(), ApiError> {
    if matches!(cap, Cap::Number(_) | Cap::Percent(0..=100)) {
        return Ok(());
    }
    Err(ApiError::field(field, "0 to 100 percent / 百分比为 0 至 100"))
}

fn no_such_app() -> ApiError {
    ApiError::field("app", "no such app in this enterprise / 企业中没有这个应用")
}

/// What the timers come to next.
fn timers(bridge: &Bridge, config: &TenantConfig, setting: &SyncSettings) -> Vec<Due> {
    let timers = [(Kind::FromWelink, setting.from_welink.timer), (Kind::FromOa, setting.from_oa.timer)];
    let next = |(kind, timer): (Kind, Option<Timer>)| {
        let at = timer?.next(bridge.clock().now(), &config.tenant.zone);
        Some(signin::timer_due(&setting.enterprise, kind, at))
    };
    timers.into_iter().filter_map(next).collect()
}
