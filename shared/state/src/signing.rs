//! The bridge's ticket signing keys: one set for all tenants, since there is one issuer. Two live during rotation.

use domain::audit::Entry;
use domain::time::Timestamp;
use platform::envelope::Envelope;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Outcome, Store, StoreError, Transaction, item, read, text};

/// A signing key as stored; the envelope's context is `signing/<kid>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSigningKey {
    pub kid: String,
    /// Hex of the 32-byte Ed25519 seed.
    pub seed: Envelope,
    /// The newest one signs; all are published.
    pub created: Timestamp,
}

impl Store {
    /// All keys, newest first.
    pub async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        let items = self.all(keys::REGISTRY_SIGNING).await?;
        let mut found: Vec<StoredSigningKey> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        found.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.kid.cmp(&b.kid)));
        Ok(found)
    }

    /// Adds a key; `false` when its `kid` is there already.
    pub async fn add_signing_key(&self, key: &StoredSigningKey) -> Result<bool, StoreError> {
        let outcome = self.put_new(item(&keys::registry_signing_key(&key.kid), key, None)?).await?;
        Ok(matches!(outcome, Outcome::Done(_)))
    }

    /// Adds a key that takes over from the others, with the audit entry that says so.
    pub async fn rotate_signing_key(&self, key: &StoredSigningKey, audit: &Entry) -> Result<bool, StoreError> {
        let new = item(&keys::registry_signing_key(&key.kid), key, None)?;
        let writes = vec![self.write_new(new)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// Removes a key for good; `false` when it is not there.
    pub async fn retire_signing_key(&self, kid: &str, audit: &Entry) -> Result<bool, StoreError> {
        let gone = self.write_delete(&keys::registry_signing_key(kid), "kid = :kid", (":kid", text(kid)))?;
        Ok(self.transact(vec![gone, self.write_audit(audit)?]).await? == Transaction::Done)
    }
}
