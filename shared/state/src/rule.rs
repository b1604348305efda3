//! Rules of push: settings of a tenant, saved as all settings are (product.md PSH-04).

use domain::audit::Entry;
use domain::history::Setting;
use domain::push::rule::Rule;

use crate::config::{Saved, Saving};
use crate::keys;
use crate::store::{Store, StoreError, item, number};

impl Store {
    pub async fn create_rule(&self, rule: &Rule, audit: &Entry) -> Result<Saved, StoreError> {
        let mut saving = Saving::default();
        saving.add(self.write_new(item(&keys::rule(&rule.id), rule, None)?)?, Saved::Changed);
        self.use_targets(&mut saving, rule, None)?;
        self.save(None, Some(Setting::Rule(rule.clone())), saving, audit).await
    }

    /// Replaces the rule that still has `rule.version - 1`.
    pub async fn update_rule(&self, rule: &Rule, audit: &Entry) -> Result<Saved, StoreError> {
        let key = keys::rule(&rule.id);
        let Some(before) = self.seen::<Rule>(&key, rule.version, |before| before.version).await? else {
            return Ok(self.changed(&rule.id.tenant()));
        };
        let mut saving = Saving::default();
        saving.add(self.write_version(item(&key, rule, None)?, before.version)?, Saved::Changed);
        self.use_targets(&mut saving, rule, Some(&before))?;
        self.save(Some(Setting::Rule(before)), Some(Setting::Rule(rule.clone())), saving, audit).await
    }

    /// Deletes the rule as it was seen.
    pub async fn delete_rule(&self, rule: &Rule, audit: &Entry) -> Result<Saved, StoreError> {
        let mut saving = Saving::default();
        let seen = (":seen", number(rule.version));
        saving.add(self.write_delete(&keys::rule(&rule.id), "version = :seen", seen)?, Saved::Changed);
        self.save(Some(Setting::Rule(rule.clone())), None, saving, audit).await
    }

    /// An app that becomes a target is marked as used, so that it cannot be deleted meanwhile (see [`crate::removal`]).
    fn use_targets(&self, saving: &mut Saving, rule: &Rule, before: Option<&Rule>) -> Result<(), StoreError> {
        let mut apps = std::collections::BTreeSet::new();
        for target in &rule.targets {
            let known = before.is_some_and(|before| before.targets.iter().any(|old| old.app == target.app));
            if !known && apps.insert(&target.app) {
                saving.add(self.write_use(&keys::app(&target.enterprise, &target.app))?, Saved::Changed);
            }
        }
        Ok(())
    }
}
