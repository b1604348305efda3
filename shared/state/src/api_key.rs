//! Keys of programs that call the API: one item each, found by the public part of the key.

use domain::account::ApiKey;
use domain::audit::Entry;
use domain::ids::{ApiKeyId, TenantId};
use domain::time::Timestamp;
use platform::secret::Secret;
use serde::Deserialize;

use crate::keys;
use crate::store::{Change, Outcome, Store, StoreError, Transaction, item, read, text};

#[derive(Deserialize)]
struct Beside {
    digest: String,
}

impl Store {
    /// The key with SHA-256 of its secret, hex.
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<Option<(ApiKey, Secret<String>)>, StoreError> {
        let Some(item) = self.get_item(&keys::api_key(id)).await? else { return Ok(None) };
        let beside: Beside = read(item.clone())?;
        Ok(Some((read(item)?, Secret::new(beside.digest))))
    }

    /// The tenant's keys.
    pub async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        self.all(&keys::api_keys_partition(tenant)).await?.into_iter().map(read).collect()
    }

    /// Stores a new key; `digest` is SHA-256 of its secret, hex. It gets no TTL: an owner sees that it has expired.
    pub async fn create_api_key(&self, key: &ApiKey, digest: &str, audit: &Entry) -> Result<(), StoreError> {
        let mut stored = item(&keys::api_key(&key.id), key, None)?;
        stored.insert("digest".to_owned(), text(digest));
        match self.transact(vec![self.write_new(stored)?, self.write_audit(audit)?]).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(..) => Err(StoreError::Unavailable("a random id was taken".to_owned())),
        }
    }

    /// `false` when there is no such key.
    pub async fn delete_api_key(&self, id: &ApiKeyId, audit: &Entry) -> Result<bool, StoreError> {
        let there = (":id", text(id.as_str()));
        let writes = vec![self.write_delete(&keys::api_key(id), "id = :id", there)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// Notes the day of the key's last use, if it is another than before. `false` when the key is gone by now.
    pub async fn note_use(&self, key: &ApiKey, now: Timestamp) -> Result<bool, StoreError> {
        let today = day(now);
        if key.last_used_day.as_ref() == Some(&today) {
            return Ok(true);
        }
        let used = Change {
            set: "SET last_used_day = :day",
            condition: "attribute_exists(pk)",
            names: vec![],
            values: vec![(":day", text(today))],
        };
        Ok(matches!(self.update(&keys::api_key(&key.id), used).await?, Outcome::Done(_)))
    }
}

/// `yyyy-mm-dd` in UTC.
fn day(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.strftime("%Y-%m-%d").to_string()
}
