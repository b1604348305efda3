//! The bridge's ticket signing keys: one set for all tenants, since there is one issuer. Two live during rotation.

use domain::time::Timestamp;
use platform::envelope::Envelope;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Outcome, Store, StoreError, item, read};

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
}
