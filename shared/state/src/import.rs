//! Importing settings into an empty tenant: one transaction when they fit into one, else a sequence that can be
//! repeated until it is complete (product.md ADM-07).

use domain::audit::Entry;
use domain::history::Setting;
use domain::ids::{ClientId, TenantId};
use domain::model::{App, Enterprise, OaInstance, Tenant};
use domain::qr::ScanLogin;
use serde::{Deserialize, Serialize};

use crate::config::{Saved, Saving};
use crate::keys;
use crate::store::{Store, StoreError, item};

/// Writes of one transaction at most (DynamoDB's own limit).
const WRITES_MAX: usize = 100;

/// What is to be written. What a previous, interrupted run has written is left out.
#[derive(Debug)]
pub struct Import {
    pub before: Tenant,
    /// The tenant with its new settings and its next version.
    pub tenant: Tenant,
    pub oa_instances: Vec<OaInstance>,
    pub enterprises: Vec<Enterprise>,
    pub apps: Vec<App>,
    pub scan_login: Option<ScanLogin>,
    /// SHA-256 of what is imported: only the same may continue an interrupted run.
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    digest: String,
}

#[derive(Deserialize)]
struct Claim {
    owner: String,
}

impl Store {
    /// The digest of an import that was interrupted.
    pub async fn interrupted_import(&self, tenant: &TenantId) -> Result<Option<String>, StoreError> {
        let marker: Option<Marker> = self.get(&keys::import(tenant)).await?;
        Ok(marker.map(|marker| marker.digest))
    }

    /// The id of the app that has this `client_id`, in whatever tenant.
    pub async fn client_owner(&self, client: &ClientId) -> Result<Option<String>, StoreError> {
        let claim: Option<Claim> = self.get(&keys::registry_client(client)).await?;
        Ok(claim.map(|claim| claim.owner))
    }

    /// Writes it all. Things do without secrets until somebody enters them.
    pub async fn import(&self, import: &Import, audit: &Entry) -> Result<Saved, StoreError> {
        let (first, things) = (self.first_of(import, audit)?, self.things_of(import, audit)?);
        let all = first.writes.len() + things.iter().map(|thing| thing.writes.len()).sum::<usize>();
        let tenant = &import.tenant.id;
        if all < WRITES_MAX {
            let mut saving = first;
            for thing in things {
                saving.append(thing);
            }
            saving.add(self.write_remove(&keys::import(tenant))?, Saved::Changed);
            return self.run(tenant, saving).await;
        }
        let mut saving = first;
        let marker = Marker { digest: import.digest.clone() };
        saving.add(self.write_over(item(&keys::import(tenant), &marker, None)?)?, Saved::Changed);
        for thing in things {
            if saving.writes.len() + thing.writes.len() > WRITES_MAX {
                let saved = self.run(tenant, std::mem::take(&mut saving)).await?;
                if saved != Saved::Done {
                    return Ok(saved);
                }
            }
            saving.append(thing);
        }
        if saving.writes.len() == WRITES_MAX {
            let saved = self.run(tenant, std::mem::take(&mut saving)).await?;
            if saved != Saved::Done {
                return Ok(saved);
            }
        }
        saving.add(self.write_remove(&keys::import(tenant))?, Saved::Changed);
        self.run(tenant, saving).await
    }

    fn first_of(&self, import: &Import, audit: &Entry) -> Result<Saving, StoreError> {
        let tenant = &import.tenant;
        let seen = tenant.version.saturating_sub(1);
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&keys::tenant(&tenant.id), tenant, None)?, seen)?, Saved::Changed);
        saving.add(self.write_over(item(&keys::registry_tenant(&tenant.id), tenant, None)?)?, Saved::Changed);
        let (before, after) = (Setting::Tenant(import.before.clone()), Setting::Tenant(tenant.clone()));
        saving.add(self.write_history(Some(before), Some(after), audit)?, Saved::Changed);
        saving.add(self.write_audit(audit)?, Saved::Changed);
        Ok(saving)
    }

    /// Each thing with its claim and its entry of the history; they are written together.
    fn things_of(&self, import: &Import, audit: &Entry) -> Result<Vec<Saving>, StoreError> {
        let mut things = Vec::new();
        let mut add = |saving: Saving, after: Setting| -> Result<(), StoreError> {
            let mut saving = saving;
            saving.add(self.write_history(None, Some(after), audit)?, Saved::Changed);
            things.push(saving);
            Ok(())
        };
        for instance in &import.oa_instances {
            add(self.new_oa_instance(instance)?, Setting::OaInstance(instance.clone()))?;
        }
        for enterprise in &import.enterprises {
            add(self.new_enterprise(enterprise)?, Setting::Enterprise(enterprise.clone()))?;
        }
        for app in &import.apps {
            add(self.new_app(app)?, Setting::App(app.clone()))?;
        }
        if let Some(setting) = &import.scan_login {
            let mut saving = Saving::default();
            saving.add(self.write_new(item(&keys::scan_login(&import.tenant.id), setting, None)?)?, Saved::Changed);
            add(saving, Setting::ScanLogin(setting.clone()))?;
        }
        Ok(things)
    }
}
