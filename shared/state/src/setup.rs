//! The first account of an installation: a setup key proves who may make it, once.

use domain::account::{Account, SETUP_TRIES_MAX};
use domain::audit::Entry;
use domain::history::Setting;
use domain::model::Tenant;
use domain::time::Timestamp;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::account::Mark;
use crate::keys;
use crate::store::{Change, Outcome, Store, StoreError, Transaction, item, number, read, text};

#[derive(Serialize, Deserialize)]
struct SetupKey {
    /// SHA-256 of the key, hex.
    digest: String,
    expires: Timestamp,
    tries: u32,
}

/// How the first set-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    Done,
    /// The key was used or replaced in this very moment.
    KeyGone,
    /// There is an account already.
    Closed,
}

impl Store {
    /// Whether there is, or has been, an account: no setup key is taken then.
    pub async fn setup_closed(&self) -> Result<bool, StoreError> {
        Ok(self.get_item(&keys::registry_setup_closed()).await?.is_some())
    }

    /// Whether a setup key waits to be used.
    pub async fn setup_waits(&self) -> Result<bool, StoreError> {
        let key: Option<SetupKey> = self.get(&keys::registry_setup_key()).await?;
        let now = self.clock.now();
        Ok(key.is_some_and(|key| now < key.expires && key.tries < SETUP_TRIES_MAX))
    }

    /// Makes this the one valid setup key; `digest` is its SHA-256, hex.
    pub async fn put_setup_key(&self, digest: &str, expires: Timestamp) -> Result<(), StoreError> {
        let key = SetupKey { digest: digest.to_owned(), expires, tries: 0 };
        self.put(item(&keys::registry_setup_key(), &key, Some(expires))?).await
    }

    /// The same for a key from the configuration: the first time that it is met, and never again. The mark stays for
    /// good, so that neither a new sandbox nor a new deployment begins its time anew.
    pub async fn meet_setup_key(&self, digest: &str, expires: Timestamp) -> Result<(), StoreError> {
        let key = SetupKey { digest: digest.to_owned(), expires, tries: 0 };
        let writes = vec![
            self.write_new(item(&keys::registry_setup_met(digest), &Mark {}, None)?)?,
            self.write_over(item(&keys::registry_setup_key(), &key, Some(expires))?)?,
        ];
        // Refused: met before.
        self.transact(writes).await.map(|_| ())
    }

    /// Takes one of the key's tries, before it is known how it ends; whether `digest` is the valid key's.
    pub async fn try_setup_key(&self, digest: &str) -> Result<bool, StoreError> {
        let take = Change {
            set: "SET tries = tries + :one",
            condition: "tries < :max AND expires > :now",
            names: vec![],
            values: vec![(":one", number(1)), (":max", number(SETUP_TRIES_MAX)), (":now", number(self.clock.now().0))],
        };
        match self.update(&keys::registry_setup_key(), take).await? {
            Outcome::Done(item) => Ok(Secret::new(read::<SetupKey>(item)?.digest).matches(digest)),
            Outcome::Refused(_) => Ok(false),
        }
    }

    /// Makes the tenant and its first owner, and uses up the setup key: all or nothing, and only as the first.
    pub async fn set_up(
        &self,
        tenant: &Tenant,
        owner: &Account,
        password: &Secret<String>,
        digest: &str,
        audit: &Entry,
    ) -> Result<SetUp, StoreError> {
        let key = keys::registry_setup_key();
        let mut writes = vec![
            self.write_new(item(&keys::registry_setup_closed(), &Mark {}, None)?)?,
            self.write_delete(&key, "digest = :digest", (":digest", text(digest)))?,
            self.write_new(item(&keys::tenant(&tenant.id), tenant, None)?)?,
            self.write_new(item(&keys::registry_tenant(&tenant.id), tenant, None)?)?,
            self.write_history(None, Some(Setting::Tenant(tenant.clone())), audit)?,
            self.write_audit(audit)?,
        ];
        writes.extend(self.writes_of_new(owner, password)?.into_iter().map(|(_, write)| write));
        match self.transact(writes).await? {
            Transaction::Done => Ok(SetUp::Done),
            Transaction::Refused(0, _) => Ok(SetUp::Closed),
            Transaction::Refused(1, _) => Ok(SetUp::KeyGone),
            Transaction::Refused(..) => Err(StoreError::Unavailable("a random id was taken".to_owned())),
        }
    }
}
