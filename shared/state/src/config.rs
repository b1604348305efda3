//! A tenant's settings: one Query loads them all, and they are kept for at most 30 seconds, so that switching an app
//! off takes effect within that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::audit::Entry;
use domain::ids::{AppId, EnterpriseId, OaInstanceId, TenantId};
use domain::model::{App, Enterprise, OaInstance, Tenant};
use domain::qr::ScanLogin;
use domain::time::Timestamp;
use serde::Serialize;

use crate::keys;
use crate::secrets::{AppSecrets, OaSecrets};
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, item, number, read};

/// Tenants whose settings a sandbox keeps; a sandbox that meets more starts over.
const TENANTS_CACHED_MAX: usize = 256;

/// Everything configured below one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantConfig {
    pub tenant: Tenant,
    pub oa_instances: Vec<OaInstance>,
    pub enterprises: Vec<Enterprise>,
    pub apps: Vec<App>,
    pub scan_login: ScanLogin,
}

impl TenantConfig {
    pub fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.iter().find(|app| app.id == *id)
    }

    pub fn enterprise(&self, id: &EnterpriseId) -> Option<&Enterprise> {
        self.enterprises.iter().find(|enterprise| enterprise.id == *id)
    }

    pub fn oa_instance(&self, id: &OaInstanceId) -> Option<&OaInstance> {
        self.oa_instances.iter().find(|instance| instance.id == *id)
    }
}

/// When the settings were read, and what was found.
type Cached = (Timestamp, Option<Arc<TenantConfig>>);

/// What a sandbox remembers of tenants' settings.
#[derive(Debug)]
pub(crate) struct Cache {
    keep_ms: i64,
    tenants: Mutex<HashMap<TenantId, Cached>>,
}

impl Cache {
    pub(crate) fn new(keep_s: i64) -> Self {
        Self { keep_ms: keep_s.clamp(0, 30) * 1000, tenants: Mutex::default() }
    }

    fn get(&self, tenant: &TenantId, now: Timestamp) -> Option<Cached> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).filter(|(at, _)| (0..self.keep_ms).contains(&now.ms_since(*at))).cloned()
    }

    fn put(&self, tenant: &TenantId, now: Timestamp, config: Option<Arc<TenantConfig>>) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS_CACHED_MAX {
            tenants.clear();
        }
        tenants.insert(tenant.clone(), (now, config));
    }

    fn forget(&self, tenant: &TenantId) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

/// How saving a setting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    Done,
    /// Another item of this tenant has the name.
    NameTaken,
    /// The `client_id` is integrated already, here or elsewhere.
    ClientIdTaken,
    /// Somebody else changed the item meanwhile.
    Changed,
}

impl Store {
    /// The tenant's settings, at most 30 seconds old; `None` when there is no such tenant.
    pub async fn config(&self, tenant: &TenantId) -> Result<Option<Arc<TenantConfig>>, StoreError> {
        if let Some((_, known)) = self.cache.get(tenant, self.clock.now()) {
            return Ok(known);
        }
        self.config_now(tenant).await
    }

    /// The tenant's settings as they are now, for the console and its API.
    pub async fn config_now(&self, tenant: &TenantId) -> Result<Option<Arc<TenantConfig>>, StoreError> {
        let asked_at = self.clock.now();
        let config = assemble(self.all(&keys::tenant_partition(tenant)).await?)?.map(Arc::new);
        self.cache.put(tenant, asked_at, config.clone());
        Ok(config)
    }

    /// All tenants, for the operator.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.all(keys::REGISTRY_TENANTS).await?.into_iter().map(read).collect()
    }

    pub async fn create_tenant(&self, tenant: &Tenant, audit: &Entry) -> Result<Saved, StoreError> {
        let writes = vec![
            self.write_new(item(&keys::tenant(&tenant.id), tenant, None)?)?,
            self.write_new(item(&keys::registry_tenant(&tenant.id), tenant, None)?)?,
            self.write_audit(audit)?,
        ];
        self.save(&tenant.id, writes, &[Saved::Changed, Saved::Changed]).await
    }

    pub async fn create_oa_instance(
        &self,
        instance: &OaInstance,
        secrets: &OaSecrets,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let writes = vec![
            self.write_new(item(&keys::oa_instance(&instance.id), instance, None)?)?,
            self.write_new(item(&keys::oa_secrets(&instance.id), secrets, None)?)?,
            self.write_audit(audit)?,
        ];
        self.save(&instance.id.tenant(), writes, &[Saved::Changed, Saved::Changed]).await
    }

    pub async fn create_enterprise(&self, enterprise: &Enterprise, audit: &Entry) -> Result<Saved, StoreError> {
        let tenant = enterprise.id.tenant();
        let name = keys::enterprise_name(&tenant, &enterprise.name);
        let writes = vec![
            self.write_new(item(&keys::enterprise(&enterprise.id), enterprise, None)?)?,
            self.write_new(item(&name, &Owner { owner: enterprise.id.as_str() }, None)?)?,
            self.write_audit(audit)?,
        ];
        self.save(&tenant, writes, &[Saved::Changed, Saved::NameTaken]).await
    }

    /// Replaces the enterprise that still has `enterprise.version - 1`; its name stays as it was claimed.
    pub async fn update_enterprise(&self, enterprise: &Enterprise, audit: &Entry) -> Result<Saved, StoreError> {
        let seen = enterprise.version.saturating_sub(1);
        let writes = vec![
            self.write_version(item(&keys::enterprise(&enterprise.id), enterprise, None)?, seen)?,
            self.write_audit(audit)?,
        ];
        self.save(&enterprise.id.tenant(), writes, &[Saved::Changed]).await
    }

    pub async fn create_app(&self, app: &App, secrets: &AppSecrets, audit: &Entry) -> Result<Saved, StoreError> {
        let writes = vec![
            self.write_new(item(&keys::app(&app.enterprise, &app.id), app, None)?)?,
            self.write_new(item(&keys::registry_client(&app.client_id), &Owner { owner: app.id.as_str() }, None)?)?,
            self.write_new(item(&keys::app_secrets(&app.id), secrets, None)?)?,
            self.write_audit(audit)?,
        ];
        self.save(&app.id.tenant(), writes, &[Saved::Changed, Saved::ClientIdTaken, Saved::Changed]).await
    }

    /// Notes that the browser sign-in of an app works; the app's other settings stay as they are.
    ///
    /// `false` when no test is under way.
    pub async fn browser_tested(
        &self,
        enterprise: &EnterpriseId,
        app: &AppId,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let change = Change {
            set: "SET browser.tested = :now, version = version + :one REMOVE browser.test_until",
            condition: "attribute_exists(browser.test_until)",
            names: vec![],
            values: vec![(":now", number(self.clock.now().0)), (":one", number(1))],
        };
        let writes = vec![self.write_change(&keys::app(enterprise, app), change)?, self.write_audit(audit)?];
        let saved = self.save(&app.tenant(), writes, &[Saved::Changed]).await?;
        Ok(saved == Saved::Done)
    }

    /// Replaces the app that still has `app.version - 1`; new secrets go with it when given.
    pub async fn update_app(
        &self,
        app: &App,
        secrets: Option<&AppSecrets>,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let seen = app.version.saturating_sub(1);
        let mut writes = vec![
            self.write_version(item(&keys::app(&app.enterprise, &app.id), app, None)?, seen)?,
            self.write_audit(audit)?,
        ];
        if let Some(secrets) = secrets {
            writes.push(self.write_over(item(&keys::app_secrets(&app.id), secrets, None)?)?);
        }
        self.save(&app.id.tenant(), writes, &[Saved::Changed]).await
    }

    /// Replaces the settings of scan login that still have `setting.version - 1`, or writes the first ones.
    pub async fn save_scan_login(
        &self,
        tenant: &TenantId,
        setting: &ScanLogin,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let item = item(&keys::scan_login(tenant), setting, None)?;
        let write = match setting.version.saturating_sub(1) {
            0 => self.write_new(item)?,
            seen => self.write_version(item, seen)?,
        };
        self.save(tenant, vec![write, self.write_audit(audit)?], &[Saved::Changed]).await
    }

    /// Runs the writes; when write `n` is refused, `refusals[n]` says what that means.
    async fn save(
        &self,
        tenant: &TenantId,
        writes: Vec<crate::store::Write>,
        refusals: &[Saved],
    ) -> Result<Saved, StoreError> {
        let outcome = self.transact(writes).await;
        self.cache.forget(tenant);
        match outcome? {
            Transaction::Done => Ok(Saved::Done),
            Transaction::Refused(index, _) => Ok(refusals.get(index).copied().unwrap_or(Saved::Changed)),
        }
    }

    /// Whether the table answers at all, and takes a conditional write: the health check.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let marker = Owner { owner: "probe" };
        let key = keys::registry_failures("probe");
        match self.put_new(item(&key, &marker, Some(self.clock.now()))?).await? {
            Outcome::Done(_) | Outcome::Refused(_) => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Owner<'a> {
    owner: &'a str,
}

fn assemble(items: Vec<Item>) -> Result<Option<TenantConfig>, StoreError> {
    let (mut tenant, mut oa_instances, mut enterprises, mut apps) = (None, Vec::new(), Vec::new(), Vec::new());
    let mut scan_login = ScanLogin::default();
    for item in items {
        let sk = item.get(crate::table::SORT_KEY).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        if sk == "TENANT" {
            tenant = Some(read(item)?);
        } else if sk == keys::SCAN_LOGIN {
            scan_login = read(item)?;
        } else if sk.starts_with("OA#") {
            oa_instances.push(read(item)?);
        } else if sk.contains("#APP#") {
            apps.push(read(item)?);
        } else if sk.starts_with("ENT#") {
            enterprises.push(read(item)?);
        }
    }
    Ok(tenant.map(|tenant| TenantConfig { tenant, oa_instances, enterprises, apps, scan_login }))
}
