//! `/v1/tenants/{tenant}/scan-login`: the settings of scan login (product.md M86 to M88, QRL-01).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::ids::{AppId, EnterpriseId};
use domain::network::Network;
use domain::problem;
use domain::qr::{LIFE_S_MAX, LIFE_S_MIN, NETWORKS_MAX, REFRESHES_MAX, ScanLogin};
use serde::Deserialize;
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;
use crate::{input, tenants};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScanLoginChange)]
pub(crate) struct Change {
    /// The version that the change is based on; 0 before the first one.
    pub(crate) version: u64,
    pub(crate) enabled: bool,
    /// The apps that identify who scans, one per enterprise at most; absent = as they are.
    #[serde(default)]
    pub(crate) apps: Option<Vec<String>>,
    /// Seconds; absent = as it is, like all below.
    #[serde(default)]
    pub(crate) life_s: Option<i64>,
    #[serde(default)]
    pub(crate) number_matching: Option<bool>,
    #[serde(default)]
    pub(crate) networks: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) networks_only: Option<bool>,
    #[serde(default)]
    pub(crate) refreshes: Option<u8>,
    /// Shows WeLink's own element instead of the bridge's code.
    #[serde(default)]
    pub(crate) welink_element: Option<bool>,
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match find(&bridge, &actor, &tenant).await {
        Ok(config) => Json(&config.scan_login).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn save(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &tenant, Sent::Json(&body)).await {
        Ok(setting) => Json(setting).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The tenant with its settings, once it has an app to identify people by: before that there is nothing to set up, and
/// the answer says what to do first (请先添加welink).
pub(crate) async fn find(bridge: &Bridge, actor: &Actor, tenant: &str) -> Result<Arc<TenantConfig>, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    if config.apps.is_empty() { Err(problem::ADD_WELINK_FIRST.into()) } else { Ok(config) }
}

/// Saves what was sent and gives the settings as they are now.
pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, Change>,
) -> Result<ScanLogin, ApiError> {
    let config = find(bridge, actor, tenant).await?;
    let change = sent.read()?;
    let before = &config.scan_login;
    if change.version != before.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let setting = ScanLogin {
        enabled: change.enabled,
        apps: change.apps.map(|ids| apps(&config, &ids)).transpose()?.unwrap_or_else(|| before.apps.clone()),
        life_s: life_s(change.life_s.unwrap_or(before.life_s))?,
        number_matching: change.number_matching.unwrap_or(before.number_matching),
        networks: change.networks.map(|n| networks(&n)).transpose()?.unwrap_or_else(|| before.networks.clone()),
        networks_only: change.networks_only.unwrap_or(before.networks_only),
        refreshes: refreshes(change.refreshes.unwrap_or(before.refreshes))?,
        welink_element: change.welink_element.unwrap_or(before.welink_element),
        changed: Some(actor.stamp(bridge)),
        version: before.version + 1,
    };
    let tenant = config.tenant.id.clone();
    let entry = actor.entry(bridge, tenant.clone(), Action::ScanLoginUpdate, tenant.as_str());
    store(bridge, &config, setting, entry).await
}

/// Saves other settings of scan login, after all checks; they have their next version and stamp already.
pub(crate) async fn store(
    bridge: &Bridge,
    config: &TenantConfig,
    setting: ScanLogin,
    mut entry: Entry,
) -> Result<ScanLogin, ApiError> {
    check(config, &setting)?;
    let (tenant, before) = (&config.tenant.id, &config.scan_login);
    for (name, before, after) in changes(before, &setting) {
        if before != after {
            entry.detail.insert(name.to_owned(), format!("{before} -> {after}"));
        }
    }
    match bridge.store().save_scan_login(tenant, &setting, &entry).await? {
        Saved::Done => Ok(setting),
        _ => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// What cannot work is not saved: a switch without anybody who could be identified, a rule that lets nobody begin.
pub(crate) fn check(config: &TenantConfig, setting: &ScanLogin) -> Result<(), ApiError> {
    let ids: Vec<String> = setting.apps.iter().map(|id| id.as_str().to_owned()).collect();
    apps(config, &ids)?;
    life_s(setting.life_s)?;
    refreshes(setting.refreshes)?;
    if setting.networks.len() > NETWORKS_MAX {
        return Err(ApiError::field("networks", format!("at most {NETWORKS_MAX} / 最多 {NETWORKS_MAX} 个")));
    }
    if setting.enabled && setting.apps.is_empty() {
        return Err(ApiError::field("apps", "choose the app that identifies who scans / 请选择集成的应用"));
    }
    if setting.welink_element && setting.number_matching {
        let reason = "WeLink's own element asks for no number: switch one of them off / WeLink 自带的二维码不支持数字确认，请关闭其一";
        return Err(ApiError::field("welink_element", reason));
    }
    if setting.networks_only && setting.networks.is_empty() {
        return Err(ApiError::field("networks", "list a network, or let every one begin / 请填写网段，或允许所有网络"));
    }
    Ok(())
}

fn apps(config: &TenantConfig, ids: &[String]) -> Result<Vec<AppId>, ApiError> {
    let mut enterprises: Vec<&EnterpriseId> = Vec::new();
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let app = AppId::parse(id).ok().and_then(|id| config.app(&id));
        let app = app.ok_or_else(|| ApiError::field("apps", "no such app in this team / 团队中没有这个应用"))?;
        if enterprises.contains(&&app.enterprise) {
            return Err(ApiError::field("apps", "one app per enterprise / 每个企业只能选择一个应用"));
        }
        enterprises.push(&app.enterprise);
        chosen.push(app.id.clone());
    }
    Ok(chosen)
}

fn life_s(seconds: i64) -> Result<i64, ApiError> {
    if (LIFE_S_MIN..=LIFE_S_MAX).contains(&seconds) {
        return Ok(seconds);
    }
    let reason = format!("{LIFE_S_MIN} to {LIFE_S_MAX} seconds / {LIFE_S_MIN} 至 {LIFE_S_MAX} 秒");
    Err(ApiError::field("life_s", reason))
}

fn refreshes(times: u8) -> Result<u8, ApiError> {
    if times <= REFRESHES_MAX {
        return Ok(times);
    }
    Err(ApiError::field("refreshes", format!("0 to {REFRESHES_MAX} / 0 至 {REFRESHES_MAX} 次")))
}

fn networks(texts: &[String]) -> Result<Vec<Network>, ApiError> {
    if texts.len() > NETWORKS_MAX {
        return Err(ApiError::field("networks", format!("at most {NETWORKS_MAX} / 最多 {NETWORKS_MAX} 个")));
    }
    texts.iter().map(|text| Network::parse(text).map_err(|e| ApiError::field("networks", e))).collect()
}

/// Each part of the settings before and after, as the audit log shows it.
fn changes(before: &ScanLogin, after: &ScanLogin) -> [(&'static str, String, String); 8] {
    let apps = |setting: &ScanLogin| serde_json::to_string(&setting.apps).unwrap_or_default();
    let networks = |setting: &ScanLogin| serde_json::to_string(&setting.networks).unwrap_or_default();
    [
        ("enabled", before.enabled.to_string(), after.enabled.to_string()),
        ("apps", apps(before), apps(after)),
        ("life_s", before.life_s.to_string(), after.life_s.to_string()),
        ("number_matching", before.number_matching.to_string(), after.number_matching.to_string()),
        ("networks", networks(before), networks(after)),
        ("networks_only", before.networks_only.to_string(), after.networks_only.to_string()),
        ("refreshes", before.refreshes.to_string(), after.refreshes.to_string()),
        ("welink_element", before.welink_element.to_string(), after.welink_element.to_string()),
    ]
}
