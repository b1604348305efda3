//! `/v1/tenants/{tenant}/settings-history`: what every save changed, and the way back (product.md ADM-07).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::history::{HistoryEntry, Setting};
use domain::ids::HistoryId;
use domain::model::Enterprise;
use domain::problem;
use domain::time::Timestamp;
use platform::http::FieldError;
use serde::{Deserialize, Serialize};
use signin::Bridge;
use state::config::TenantConfig;
use utoipa::{IntoParams, ToSchema};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::plain::{self, FieldChange};
use crate::{apps, enterprises, oa_instances, rules, scan_login, sync_settings, tenants};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `next` of the previous page.
    cursor: Option<String>,
}

/// An entry as clients see it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    pub(crate) id: HistoryId,
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) action: Action,
    pub(crate) trace: String,
    /// `tenant`, `oa-instance`, `enterprise`, `app`, `rule`, `scan-login`.
    pub(crate) kind: &'static str,
    /// The id of what was changed.
    pub(crate) object: String,
    /// Its name after the change.
    pub(crate) name: String,
    /// `created`, `changed`, `deleted`.
    pub(crate) what: &'static str,
    pub(crate) changes: Vec<FieldChange>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) entries: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<HistoryId>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBack {
    /// Also over what others have changed since.
    #[serde(default)]
    pub(crate) force: bool,
}

fn view(entry: HistoryEntry) -> Option<View> {
    let changes = plain::changes(entry.before.as_ref(), entry.after.as_ref());
    let what = match (&entry.before, &entry.after) {
        (None, _) => "created",
        (_, None) => "deleted",
        _ => "changed",
    };
    let setting = entry.setting()?;
    let (kind, object, name) = (setting.kind(), setting.id().to_owned(), setting.name().to_owned());
    let HistoryEntry { id, at, by, action, trace, .. } = entry;
    Some(View { id, at, by, action, trace, kind, object, name, what, changes })
}

pub async fn list(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match entries(&bridge, &actor, &tenant, asked.cursor.as_deref()).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((tenant, entry)): Path<(String, String)>,
) -> Response {
    match find(&bridge, &actor, &tenant, &entry).await {
        Ok((_, entry)) => view(entry).map_or_else(|| input::missing().answer(actor.lang), |v| Json(v).into_response()),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn roll_back(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((tenant, entry)): Path<(String, String)>,
    body: input::Body,
) -> Response {
    match restore(&bridge, &actor, &tenant, &entry, Sent::Json(&body)).await {
        Ok(setting) => Json(plain::object(&setting)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The newest entries first, 50 a page.
pub(crate) async fn entries(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    cursor: Option<&str>,
) -> Result<Page, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let before = cursor.map(HistoryId::parse).transpose().map_err(|e| ApiError::field("cursor", e))?;
    let (entries, next) = bridge.store().history(&config.tenant.id, before.as_ref()).await?;
    Ok(Page { entries: entries.into_iter().filter_map(view).collect(), next })
}

async fn find(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    entry: &str,
) -> Result<(std::sync::Arc<TenantConfig>, HistoryEntry), ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let id = HistoryId::parse(entry).map_err(|_| input::missing())?;
    let entry = bridge.store().history_entry(&config.tenant.id, &id).await?.ok_or_else(input::missing)?;
    Ok((config, entry))
}

/// Brings the settings that this entry changed back to what they were before it, as a new version. What others have
/// changed since is overwritten by force only; everything is checked as at an ordinary save.
pub(crate) async fn restore(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    entry: &str,
    sent: Sent<'_, RollBack>,
) -> Result<Setting, ApiError> {
    let (config, entry) = find(bridge, actor, tenant, entry).await?;
    let force = sent.read()?.force;
    let (Some(_), Some(after)) = (&entry.before, &entry.after) else {
        return Err(problem::NOT_RESTORABLE.into());
    };
    let changes = plain::changes(entry.before.as_ref(), entry.after.as_ref());
    let current = current(&config, after).filter(|_| !changes.is_empty()).ok_or(problem::NOT_RESTORABLE)?;
    let now = plain::settings(&current);
    let moved = changes.iter().filter(|change| now.get(&change.field) != change.after.as_ref());
    let moved: Vec<FieldError> = moved.map(changed_since).collect();
    if !moved.is_empty() && !force {
        return Err(ApiError::listing(problem::CHANGED_MEANWHILE, moved));
    }
    let undone = plain::undone(&current, &changes).map_err(|_| problem::NOT_RESTORABLE)?;
    let mut audit = actor.entry(bridge, config.tenant.id.clone(), Action::SettingsRollBack, current.id());
    audit.detail.insert("entry".to_owned(), entry.id.as_str().to_owned());
    match (undone, &current) {
        (Setting::Tenant(tenant), _) => tenants::save(bridge, &config, tenant, audit).await.map(Setting::Tenant),
        (Setting::OaInstance(instance), _) => {
            oa_instances::save(bridge, &config, instance, audit).await.map(Setting::OaInstance)
        }
        (Setting::Enterprise(mut enterprise), Setting::Enterprise(before)) => {
            renew_auto_bind(bridge, actor, before, &mut enterprise);
            enterprises::save(bridge, &config, enterprise, audit).await.map(Setting::Enterprise)
        }
        (Setting::App(app), _) => {
            plain::note(&mut audit, &current, &Setting::App(app.clone()));
            apps::restore(bridge, &config, app, &audit).await.map(Setting::App)
        }
        (Setting::Rule(mut rule), _) => {
            rule.version += 1;
            rules::store(bridge, &config, rule, audit).await.map(Setting::Rule)
        }
        (Setting::ScanLogin(mut setting), _) => {
            setting.version = config.scan_login.version + 1;
            setting.changed = Some(actor.stamp(bridge));
            scan_login::store(bridge, &config, setting, audit).await.map(Setting::ScanLogin)
        }
        (Setting::Sync(mut setting), _) => {
            setting.version = config.sync(&setting.enterprise).version + 1;
            setting.changed = Some(actor.stamp(bridge));
            sync_settings::store(bridge, &config, setting, audit).await.map(Setting::Sync)
        }
        (Setting::Enterprise(_), _) => Err(problem::NOT_RESTORABLE.into()),
    }
}

fn changed_since(change: &FieldChange) -> FieldError {
    let reason = "changed since by somebody / 之后又被修改过".to_owned();
    FieldError { field: change.field.clone(), reason }
}

/// The auto-bind setting has a version and a stamp of its own.
fn renew_auto_bind(bridge: &Bridge, actor: &Actor, before: &Enterprise, after: &mut Enterprise) {
    if before.auto_bind != after.auto_bind {
        after.auto_bind.version = before.auto_bind.version + 1;
        after.auto_bind.changed = Some(actor.stamp(bridge));
    }
}

/// The thing of an entry as it is now.
fn current(config: &TenantConfig, of: &Setting) -> Option<Setting> {
    match of {
        Setting::Tenant(_) => Some(Setting::Tenant(config.tenant.clone())),
        Setting::OaInstance(instance) => config.oa_instance(&instance.id).cloned().map(Setting::OaInstance),
        Setting::Enterprise(enterprise) => config.enterprise(&enterprise.id).cloned().map(Setting::Enterprise),
        Setting::App(app) => config.app(&app.id).cloned().map(Setting::App),
        Setting::Rule(rule) => config.rules.find(&rule.id).cloned().map(Setting::Rule),
        Setting::ScanLogin(_) => Some(Setting::ScanLogin(config.scan_login.clone())),
        Setting::Sync(setting) => Some(Setting::Sync(config.sync(&setting.enterprise))),
    }
}
