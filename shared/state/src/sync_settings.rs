//! The sync settings of an enterprise, saved as all settings are: with their history. A timer's next time is scheduled
//! in the transaction that saves it.

use domain::audit::Entry;
use domain::history::Setting;
use domain::ids::EnterpriseId;
use domain::sync_settings::SyncSettings;

use crate::config::{Saved, Saving};
use crate::due::Due;
use crate::keys;
use crate::store::{Store, StoreError, item};

impl Store {
    /// Replaces the sync settings that still have `setting.version - 1`, or writes the first ones; `due` is what their
    /// timers come to.
    pub async fn save_sync_settings(
        &self,
        setting: &SyncSettings,
        due: &[Due],
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let enterprise = &setting.enterprise;
        let Some(config) = self.config_now(&enterprise.tenant()).await? else { return Ok(Saved::Changed) };
        let before = config.sync(enterprise);
        if before.version + 1 != setting.version {
            return Ok(Saved::Changed);
        }
        let item = item(&keys::sync_settings(enterprise), setting, None)?;
        let mut saving = Saving::default();
        let write = if before.version == 0 { self.write_new(item)? } else { self.write_version(item, before.version)? };
        saving.add(write, Saved::Changed);
        for due in due {
            saving.add(self.write_due(due)?, Saved::Changed);
        }
        match &setting.app {
            Some(app) if before.app.as_ref() != Some(app) => {
                saving.add(self.write_use(&keys::app(enterprise, app))?, Saved::Changed);
            }
            _ => {}
        }
        saving.add(self.write_use(&keys::enterprise(enterprise))?, Saved::Changed);
        self.save(Some(Setting::Sync(before)), Some(Setting::Sync(setting.clone())), saving, audit).await
    }
}

impl crate::config::TenantConfig {
    /// The sync settings of an enterprise; what they are before anybody has saved any.
    pub fn sync(&self, enterprise: &EnterpriseId) -> SyncSettings {
        let saved = self.syncs.iter().find(|setting| setting.enterprise == *enterprise);
        saved.cloned().unwrap_or_else(|| SyncSettings::new(enterprise.clone()))
    }
}
