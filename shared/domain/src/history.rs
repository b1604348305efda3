//! What settings were and what they became (product.md ADM-07). The types of [`crate::model`] hold no secret, so
//! neither does an entry.

use serde::{Deserialize, Serialize};

use crate::audit::Action;
use crate::ids::HistoryId;
use crate::model::{App, Enterprise, OaInstance, Tenant};
use crate::push::rule::Rule;
use crate::qr::ScanLogin;
use crate::sync_settings::SyncSettings;
use crate::time::Timestamp;

/// How long an entry is kept: 400 days, as the audit log.
pub const KEPT_S: i64 = 400 * 86_400;

/// A thing with settings, as it was or became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    Tenant(Tenant),
    OaInstance(OaInstance),
    Enterprise(Enterprise),
    App(App),
    Rule(Rule),
    /// Of the tenant that the entry belongs to.
    ScanLogin(ScanLogin),
    /// Of an enterprise.
    Sync(SyncSettings),
}

impl Setting {
    /// What kind of thing, as the API spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant",
            Self::OaInstance(_) => "oa-instance",
            Self::Enterprise(_) => "enterprise",
            Self::App(_) => "app",
            Self::Rule(_) => "rule",
            Self::ScanLogin(_) => "scan-login",
            Self::Sync(_) => "sync",
        }
    }

    /// The id of the thing; its kind where a tenant has one.
    pub fn id(&self) -> &str {
        match self {
            Self::Tenant(tenant) => tenant.id.as_str(),
            Self::OaInstance(instance) => instance.id.as_str(),
            Self::Enterprise(enterprise) => enterprise.id.as_str(),
            Self::App(app) => app.id.as_str(),
            Self::Rule(rule) => rule.id.as_str(),
            Self::ScanLogin(_) => self.kind(),
            Self::Sync(setting) => setting.enterprise.as_str(),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Tenant(tenant) => &tenant.name,
            Self::OaInstance(instance) => &instance.name,
            Self::Enterprise(enterprise) => &enterprise.name,
            Self::App(app) => &app.name,
            Self::Rule(rule) => &rule.name,
            Self::ScanLogin(_) | Self::Sync(_) => self.kind(),
        }
    }
}

/// One save of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub id: HistoryId,
    pub at: Timestamp,
    /// The actor, as the audit log names him.
    pub by: String,
    /// The deed that the save was a part of.
    pub action: Action,
    /// Joins the entry to the audit entry and the log lines of its request.
    pub trace: String,
    /// Absent = it was created.
    #[serde(default)]
    pub before: Option<Setting>,
    /// Absent = it was deleted.
    #[serde(default)]
    pub after: Option<Setting>,
}

impl HistoryEntry {
    /// The thing as it is after the save, or as it was when it was deleted.
    pub fn setting(&self) -> Option<&Setting> {
        self.after.as_ref().or(self.before.as_ref())
    }
}
