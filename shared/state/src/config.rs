//! A tenant's settings: one Query loads them all, and they are kept for at most 30 seconds, so that switching an app
//! off takes effect within that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::audit::Entry;
use domain::history::Setting;
use domain::ids::{AppId, EnterpriseId, OaInstanceId, TenantId};
use domain::model::{App, Enterprise, OaInstance, Tenant};
use domain::push::rule::Rules;
use domain::qr::ScanLogin;
use domain::sync_settings::SyncSettings;
use domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys;
use crate::secrets::{OaSecrets, SealedApp};
use crate::store::{Item, Outcome, Store, StoreError, Transaction, Write, item, read};

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
    /// Rules of push, in the order of their ids.
    pub rules: Rules,
    pub syncs: Vec<SyncSettings>,
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

/// The writes of one save, each with what its refusal means.
#[derive(Debug, Default)]
pub(crate) struct Saving {
    pub(crate) writes: Vec<Write>,
    pub(crate) refusals: Vec<Saved>,
}

impl Saving {
    pub(crate) fn add(&mut self, write: Write, refusal: Saved) {
        self.writes.push(write);
        self.refusals.push(refusal);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.refusals.extend(other.refusals);
    }
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
        let mut saving = Saving::default();
        saving.add(self.write_new(item(&keys::tenant(&tenant.id), tenant, None)?)?, Saved::Changed);
        saving.add(self.write_new(item(&keys::registry_tenant(&tenant.id), tenant, None)?)?, Saved::Changed);
        self.save(None, Some(Setting::Tenant(tenant.clone())), saving, audit).await
    }

    /// Replaces the tenant that still has `tenant.version - 1`.
    pub async fn update_tenant(&self, tenant: &Tenant, audit: &Entry) -> Result<Saved, StoreError> {
        let key = keys::tenant(&tenant.id);
        let Some(before) = self.seen::<Tenant>(&key, tenant.version, |before| before.version).await? else {
            return Ok(self.changed(&tenant.id));
        };
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&key, tenant, None)?, before.version)?, Saved::Changed);
        saving.add(self.write_over(item(&keys::registry_tenant(&tenant.id), tenant, None)?)?, Saved::Changed);
        self.save(Some(Setting::Tenant(before)), Some(Setting::Tenant(tenant.clone())), saving, audit).await
    }

    pub async fn create_oa_instance(
        &self,
        instance: &OaInstance,
        secrets: &OaSecrets,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let mut saving = self.new_oa_instance(instance)?;
        saving.add(self.write_new(item(&keys::oa_secrets(&instance.id), secrets, None)?)?, Saved::Changed);
        self.save(None, Some(Setting::OaInstance(instance.clone())), saving, audit).await
    }

    pub(crate) fn new_oa_instance(&self, instance: &OaInstance) -> Result<Saving, StoreError> {
        let name = keys::oa_name(&instance.id.tenant(), &instance.name);
        let mut saving = Saving::default();
        saving.add(self.write_new(item(&keys::oa_instance(&instance.id), instance, None)?)?, Saved::Changed);
        saving.add(self.write_new(item(&name, &Owner { owner: instance.id.as_str() }, None)?)?, Saved::NameTaken);
        Ok(saving)
    }

    /// Replaces the OA instance that still has `instance.version - 1`; a new name is claimed and the old one freed, and
    /// new secrets go with it when given.
    pub async fn update_oa_instance(
        &self,
        instance: &OaInstance,
        secrets: Option<&OaSecrets>,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let (key, tenant) = (keys::oa_instance(&instance.id), instance.id.tenant());
        let Some(before) = self.seen::<OaInstance>(&key, instance.version, |before| before.version).await? else {
            return Ok(self.changed(&tenant));
        };
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&key, instance, None)?, before.version)?, Saved::Changed);
        let names = (keys::oa_name(&tenant, &before.name), keys::oa_name(&tenant, &instance.name));
        self.rename(&mut saving, names, instance.id.as_str())?;
        if let Some(secrets) = secrets {
            let secrets = item(&keys::oa_secrets(&instance.id), secrets, None)?;
            saving.add(self.write_over(secrets)?, Saved::Changed);
        }
        let after = Setting::OaInstance(instance.clone());
        self.save(Some(Setting::OaInstance(before)), Some(after), saving, audit).await
    }

    pub async fn create_enterprise(&self, enterprise: &Enterprise, audit: &Entry) -> Result<Saved, StoreError> {
        let mut saving = self.new_enterprise(enterprise)?;
        saving.add(self.write_use(&keys::oa_instance(&enterprise.oa_instance))?, Saved::Changed);
        self.save(None, Some(Setting::Enterprise(enterprise.clone())), saving, audit).await
    }

    pub(crate) fn new_enterprise(&self, enterprise: &Enterprise) -> Result<Saving, StoreError> {
        let name = keys::enterprise_name(&enterprise.id.tenant(), &enterprise.name);
        let mut saving = Saving::default();
        saving.add(self.write_new(item(&keys::enterprise(&enterprise.id), enterprise, None)?)?, Saved::Changed);
        saving.add(self.write_new(item(&name, &Owner { owner: enterprise.id.as_str() }, None)?)?, Saved::NameTaken);
        Ok(saving)
    }

    /// Replaces the enterprise that still has `enterprise.version - 1`; a new name is claimed and the old one freed.
    pub async fn update_enterprise(&self, enterprise: &Enterprise, audit: &Entry) -> Result<Saved, StoreError> {
        let (key, tenant) = (keys::enterprise(&enterprise.id), enterprise.id.tenant());
        let Some(before) = self.seen::<Enterprise>(&key, enterprise.version, |before| before.version).await? else {
            return Ok(self.changed(&tenant));
        };
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&key, enterprise, None)?, before.version)?, Saved::Changed);
        let names = (keys::enterprise_name(&tenant, &before.name), keys::enterprise_name(&tenant, &enterprise.name));
        self.rename(&mut saving, names, enterprise.id.as_str())?;
        if before.oa_instance != enterprise.oa_instance {
            saving.add(self.write_use(&keys::oa_instance(&enterprise.oa_instance))?, Saved::Changed);
        }
        let after = Setting::Enterprise(enterprise.clone());
        self.save(Some(Setting::Enterprise(before)), Some(after), saving, audit).await
    }

    pub async fn create_app(&self, app: &App, sealed: &SealedApp, audit: &Entry) -> Result<Saved, StoreError> {
        let mut saving = self.new_app(app)?;
        saving.add(self.write_new(item(&keys::app_secrets(&app.id), &sealed.secrets, None)?)?, Saved::Changed);
        saving.add(self.write_new(item(&keys::callback_secret(&app.id), &sealed.callback, None)?)?, Saved::Changed);
        saving.add(self.write_use(&keys::enterprise(&app.enterprise))?, Saved::Changed);
        self.save(None, Some(Setting::App(app.clone())), saving, audit).await
    }

    pub(crate) fn new_app(&self, app: &App) -> Result<Saving, StoreError> {
        let client = item(&keys::registry_client(&app.client_id), &Owner { owner: app.id.as_str() }, None)?;
        let mut saving = Saving::default();
        saving.add(self.write_new(item(&keys::app(&app.enterprise, &app.id), app, None)?)?, Saved::Changed);
        saving.add(self.write_new(client)?, Saved::ClientIdTaken);
        Ok(saving)
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
        // Somebody else's change between the read and the write is met at the next turn.
        for _ in 0..4 {
            let stored: Option<App> = self.get(&keys::app(enterprise, app)).await?;
            let Some(mut tested) = stored.filter(|app| app.browser.test_until.is_some()) else { return Ok(false) };
            tested.browser.tested = Some(self.clock.now());
            tested.browser.test_until = None;
            tested.version += 1;
            if self.update_app(&tested, None, audit).await? == Saved::Done {
                return Ok(true);
            }
        }
        Err(StoreError::Unavailable("an app changes faster than its test can be noted".to_owned()))
    }

    /// Replaces the app that still has `app.version - 1`; new secrets go with it when given.
    pub async fn update_app(&self, app: &App, sealed: Option<&SealedApp>, audit: &Entry) -> Result<Saved, StoreError> {
        let key = keys::app(&app.enterprise, &app.id);
        let Some(before) = self.seen::<App>(&key, app.version, |before| before.version).await? else {
            return Ok(self.changed(&app.id.tenant()));
        };
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&key, app, None)?, before.version)?, Saved::Changed);
        if let Some(sealed) = sealed {
            saving.add(self.write_over(item(&keys::app_secrets(&app.id), &sealed.secrets, None)?)?, Saved::Changed);
            let callback = item(&keys::callback_secret(&app.id), &sealed.callback, None)?;
            saving.add(self.write_over(callback)?, Saved::Changed);
        }
        self.save(Some(Setting::App(before)), Some(Setting::App(app.clone())), saving, audit).await
    }

    /// Replaces the settings of scan login that still have `setting.version - 1`, or writes the first ones.
    pub async fn save_scan_login(
        &self,
        tenant: &TenantId,
        setting: &ScanLogin,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let config = self.config_now(tenant).await?;
        let Some(config) = config.filter(|config| config.scan_login.version + 1 == setting.version) else {
            return Ok(self.changed(tenant));
        };
        let (before, item) = (&config.scan_login, item(&keys::scan_login(tenant), setting, None)?);
        let mut saving = Saving::default();
        let write = if before.version == 0 { self.write_new(item)? } else { self.write_version(item, before.version)? };
        saving.add(write, Saved::Changed);
        for id in setting.apps.iter().filter(|id| !before.apps.contains(id)) {
            let Some(app) = config.app(id) else { return Ok(Saved::Changed) };
            saving.add(self.write_use(&keys::app(&app.enterprise, id))?, Saved::Changed);
        }
        let (before, after) = (Setting::ScanLogin(before.clone()), Setting::ScanLogin(setting.clone()));
        self.save(Some(before), Some(after), saving, audit).await
    }

    /// The stored item that an update to version `next` is based on; `None` when somebody changed it meanwhile.
    pub(crate) async fn seen<T: DeserializeOwned>(
        &self,
        key: &keys::Key,
        next: u64,
        version: impl Fn(&T) -> u64,
    ) -> Result<Option<T>, StoreError> {
        let stored: Option<T> = self.get(key).await?;
        Ok(stored.filter(|before| version(before).checked_add(1) == Some(next)))
    }

    pub(crate) fn changed(&self, tenant: &TenantId) -> Saved {
        self.cache.forget(tenant);
        Saved::Changed
    }

    /// Claims the second name and frees the first, unless they are one and the same claim.
    fn rename(&self, saving: &mut Saving, names: (keys::Key, keys::Key), owner: &str) -> Result<(), StoreError> {
        let (before, after) = names;
        if before != after {
            saving.add(self.write_new(item(&after, &Owner { owner }, None)?)?, Saved::NameTaken);
            saving.add(self.write_free(&before, owner)?, Saved::Changed);
        }
        Ok(())
    }

    /// The one way in which settings are saved: with an entry of the history and one of the audit log, all or nothing.
    pub(crate) async fn save(
        &self,
        before: Option<Setting>,
        after: Option<Setting>,
        mut saving: Saving,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        saving.add(self.write_history(before, after, audit)?, Saved::Changed);
        saving.add(self.write_audit(audit)?, Saved::Changed);
        self.run(&audit.tenant, saving).await
    }

    pub(crate) async fn run(&self, tenant: &TenantId, saving: Saving) -> Result<Saved, StoreError> {
        let outcome = self.transact(saving.writes).await;
        self.cache.forget(tenant);
        match outcome? {
            Transaction::Done => Ok(Saved::Done),
            Transaction::Refused(index, _) => Ok(saving.refusals.get(index).copied().unwrap_or(Saved::Changed)),
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
pub(crate) struct Owner<'a> {
    pub(crate) owner: &'a str,
}

fn assemble(items: Vec<Item>) -> Result<Option<TenantConfig>, StoreError> {
    let (mut tenant, mut oa_instances, mut enterprises, mut apps) = (None, Vec::new(), Vec::new(), Vec::new());
    let (mut scan_login, mut syncs, mut rules) = (ScanLogin::default(), Vec::new(), Vec::new());
    for item in items {
        let sk = item.get(crate::table::SORT_KEY).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        if sk == "TENANT" {
            tenant = Some(read(item)?);
        } else if sk == keys::SCAN_LOGIN {
            scan_login = read(item)?;
        } else if sk.starts_with(keys::RULE) {
            rules.push(read(item)?);
        } else if sk.starts_with("OA#") {
            oa_instances.push(read(item)?);
        } else if sk.ends_with(keys::SYNC) {
            syncs.push(read(item)?);
        } else if sk.contains("#APP#") {
            apps.push(read(item)?);
        } else if sk.starts_with("ENT#") {
            enterprises.push(read(item)?);
        }
    }
    Ok(tenant.map(|tenant| TenantConfig {
        tenant,
        oa_instances,
        enterprises,
        apps,
        scan_login,
        syncs,
        rules: Rules::of(rules),
    }))
}
