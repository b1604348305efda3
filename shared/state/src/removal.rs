//! Deleting what has settings: only while nothing uses it, with everything that belongs to it (product.md ENT-10).
//!
//! Whoever begins to use a thing leaves a nonce in its item, in the transaction that makes him its user. A deletion
//! names the nonce that it saw before it looked for users, so that none can slip in between.

use aws_sdk_dynamodb::types::Select;
use domain::audit::Entry;
use domain::history::Setting;
use domain::ids::{EnterpriseId, OaInstanceId};
use domain::model::{App, Enterprise, OaInstance};
use serde::Deserialize;

use crate::config::{Saved, Saving};
use crate::keys::{self, Key};
use crate::store::{Change, Store, StoreError, Write, number, text, unavailable};

/// Items of an app's own partition that its deletion takes along at most; what is left are call budgets, which end by
/// themselves.
const APP_ITEMS_MAX: usize = 80;

/// Pages of a count: 200 MB of people.
const COUNT_PAGES_MAX: usize = 200;

/// What a thing looked like before its users were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mark {
    version: u64,
    #[serde(default)]
    last_user: Option<String>,
}

impl Store {
    pub async fn enterprise_mark(&self, enterprise: &EnterpriseId) -> Result<Option<Mark>, StoreError> {
        self.get(&keys::enterprise(enterprise)).await
    }

    pub async fn oa_instance_mark(&self, instance: &OaInstanceId) -> Result<Option<Mark>, StoreError> {
        self.get(&keys::oa_instance(instance)).await
    }

    pub async fn app_mark(&self, app: &App) -> Result<Option<Mark>, StoreError> {
        self.get(&keys::app(&app.enterprise, &app.id)).await
    }

    /// How many people of the enterprise are in the bridge copy.
    pub async fn count_people(&self, enterprise: &EnterpriseId) -> Result<u64, StoreError> {
        let mut count = 0;
        for shard in 0..keys::PERSON_SHARDS {
            count += self.count(&keys::people_partition(enterprise, shard)).await?;
        }
        Ok(count)
    }

    /// How many departments of the enterprise are in the bridge copy.
    pub async fn count_departments(&self, enterprise: &EnterpriseId) -> Result<u64, StoreError> {
        self.count(&keys::departments_partition(enterprise)).await
    }

    async fn count(&self, partition: &str) -> Result<u64, StoreError> {
        let (mut count, mut start) = (0, None);
        for _ in 0..COUNT_PAGES_MAX {
            let query = self.query(partition).select(Select::Count).set_exclusive_start_key(start);
            let page = query.send().await.map_err(unavailable)?;
            count += u64::try_from(page.count).unwrap_or_default();
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
        Err(StoreError::Unavailable(format!("more than {COUNT_PAGES_MAX} pages in one count")))
    }

    /// Deletes an OA instance that is still as `mark` says, with its secrets, and frees its name.
    pub async fn delete_oa_instance(
        &self,
        instance: &OaInstance,
        mark: &Mark,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let mut saving = Saving::default();
        saving.add(self.write_delete_marked(&keys::oa_instance(&instance.id), mark)?, Saved::Changed);
        let name = keys::oa_name(&instance.id.tenant(), &instance.name);
        saving.add(self.write_free(&name, instance.id.as_str())?, Saved::Changed);
        saving.add(self.write_remove(&keys::oa_secrets(&instance.id))?, Saved::Changed);
        self.save(Some(Setting::OaInstance(instance.clone())), None, saving, audit).await
    }

    /// Deletes an enterprise that is still as `mark` says, and frees its name.
    pub async fn delete_enterprise(
        &self,
        enterprise: &Enterprise,
        mark: &Mark,
        audit: &Entry,
    ) -> Result<Saved, StoreError> {
        let mut saving = Saving::default();
        saving.add(self.write_delete_marked(&keys::enterprise(&enterprise.id), mark)?, Saved::Changed);
        let name = keys::enterprise_name(&enterprise.id.tenant(), &enterprise.name);
        saving.add(self.write_free(&name, enterprise.id.as_str())?, Saved::Changed);
        saving.add(self.write_remove(&keys::sync_settings(&enterprise.id))?, Saved::Changed);
        self.save(Some(Setting::Enterprise(enterprise.clone())), None, saving, audit).await
    }

    /// Deletes an app that is still as `mark` says, with its secrets, its token and its call budgets, and frees its
    /// `client_id`.
    pub async fn delete_app(&self, app: &App, mark: &Mark, audit: &Entry) -> Result<Saved, StoreError> {
        let mut saving = Saving::default();
        saving.add(self.write_delete_marked(&keys::app(&app.enterprise, &app.id), mark)?, Saved::Changed);
        let client = keys::registry_client(&app.client_id);
        saving.add(self.write_free(&client, app.id.as_str())?, Saved::Changed);
        saving.add(self.write_remove(&keys::callback_secret(&app.id))?, Saved::Changed);
        let partition = keys::app_partition(&app.id);
        for item in self.all(&partition).await?.into_iter().take(APP_ITEMS_MAX) {
            let sk = item.get(crate::table::SORT_KEY).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            saving.add(self.write_remove(&Key { pk: partition.clone(), sk })?, Saved::Changed);
        }
        self.save(Some(Setting::App(app.clone())), None, saving, audit).await
    }

    /// Leaves a nonce in an item that is about to be used; refused when there is no such item.
    pub(crate) fn write_use(&self, key: &Key) -> Result<Write, StoreError> {
        let change = Change {
            set: "SET last_user = :nonce",
            condition: "attribute_exists(pk)",
            names: vec![],
            values: vec![(":nonce", text(self.nonce()))],
        };
        self.write_change(key, change)
    }

    /// Gives a claim back that `owner` holds.
    pub(crate) fn write_free(&self, claim: &Key, owner: &str) -> Result<Write, StoreError> {
        let change = Change {
            set: "",
            condition: "attribute_not_exists(pk) OR #owner = :owner",
            names: vec![("#owner", "owner")],
            values: vec![(":owner", text(owner))],
        };
        self.write_delete_under(claim, change)
    }

    fn write_delete_marked(&self, key: &Key, mark: &Mark) -> Result<Write, StoreError> {
        let mut change = Change {
            set: "",
            condition: "version = :seen AND attribute_not_exists(last_user)",
            names: vec![],
            values: vec![(":seen", number(mark.version))],
        };
        if let Some(user) = &mark.last_user {
            change.condition = "version = :seen AND last_user = :user";
            change.values.push((":user", text(user)));
        }
        self.write_delete_under(key, change)
    }
}
