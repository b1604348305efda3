//! A WeLink app's access token, shared by all sandboxes, with the claim of whoever renews it and the breaker's state.

use domain::audit::Entry;
use domain::breaker::{Block, Change as BlockChange};
use domain::ids::AppId;
use domain::time::Timestamp;
use platform::envelope::Envelope;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, number, read, text, value_of};

/// The shared token item; every part may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenItem {
    /// Context `<app id>/access_token`.
    #[serde(default)]
    pub token: Option<Envelope>,
    #[serde(default)]
    pub obtained: Timestamp,
    #[serde(default)]
    pub expires: Timestamp,
    /// The credentials that it was fetched with.
    #[serde(default)]
    pub credentials_version: u64,
    #[serde(default)]
    pub claim_owner: Option<String>,
    #[serde(default)]
    pub claim_until: Timestamp,
    #[serde(default)]
    pub block: Option<Block>,
}

/// A fetched token, ready to be stored.
#[derive(Debug)]
pub struct NewToken {
    pub token: Envelope,
    pub obtained: Timestamp,
    pub expires: Timestamp,
    pub credentials_version: u64,
}

impl Store {
    pub async fn token(&self, app: &AppId) -> Result<Option<TokenItem>, StoreError> {
        self.get(&keys::token(app)).await
    }

    /// Claims the renewal for `owner` until `until`. `Err` holds the item of whoever holds the claim.
    pub async fn claim_token(
        &self,
        app: &AppId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Result<TokenItem, TokenItem>, StoreError> {
        let change = Change {
            set: "SET claim_owner = :owner, claim_until = :until",
            condition: "attribute_not_exists(claim_owner) OR claim_until < :now OR claim_owner = :owner",
            names: vec![],
            values: vec![(":owner", text(owner)), (":until", number(until.0)), (":now", number(now.0))],
        };
        Ok(match self.update(&keys::token(app), change).await? {
            Outcome::Done(item) => Ok(read(item)?),
            Outcome::Refused(item) => Err(read(item)?),
        })
    }

    /// Stores a token and releases the claim, if `owner` still holds it. `false` when somebody took the claim over: his
    /// token is as good.
    pub async fn save_token(&self, app: &AppId, owner: &str, new: NewToken) -> Result<bool, StoreError> {
        let expires = new.expires;
        let change = Change {
            set: "SET #token = :token, obtained = :obtained, expires = :expires, credentials_version = :version \
                  REMOVE claim_owner, claim_until, #block",
            condition: "claim_owner = :owner",
            names: vec![("#token", "token"), ("#block", "block")],
            values: vec![
                (":token", value_of(&new.token)?),
                (":obtained", number(new.obtained.0)),
                (":expires", number(expires.0)),
                (":version", number(new.credentials_version)),
                (":owner", text(owner)),
            ],
        };
        Ok(match self.update(&keys::token(app), change).await? {
            Outcome::Done(_) => true,
            Outcome::Refused(item) => saved_already(&item, expires),
        })
    }

    /// Opens the breaker, or raises its step, together with the audit entry that tells of it: `true` for exactly the
    /// caller that did ([`Block::change`] decides).
    pub async fn block_app(&self, app: &AppId, block: &Block, audit: &Entry) -> Result<bool, StoreError> {
        let key = keys::token(app);
        // Somebody else's change between the read and the write is met at the next turn.
        for _ in 0..4 {
            let stored = self.token(app).await?.unwrap_or_default().block;
            let BlockChange::Store { newly } = block.change(stored.as_ref()) else { return Ok(false) };
            let change = Change {
                set: "SET #block = :block REMOVE claim_owner, claim_until, #token",
                condition: "attribute_not_exists(#block) OR attribute_type(#block, :null) OR #block = :seen",
                names: vec![("#block", "block"), ("#token", "token")],
                values: vec![(":block", value_of(block)?), (":null", text("NULL")), (":seen", value_of(&stored)?)],
            };
            let mut writes = vec![self.write_change(&key, change)?];
            if newly {
                writes.push(self.write_audit(audit)?);
            }
            if self.transact(writes).await? == Transaction::Done {
                return Ok(newly);
            }
        }
        Err(StoreError::Unavailable("an app's breaker changes faster than it can be written".to_owned()))
    }
}

/// Our own save whose answer was lost: the claim is gone and the token is the one we stored.
fn saved_already(item: &Item, expires: Timestamp) -> bool {
    read::<TokenItem>(item.clone()).is_ok_and(|stored| stored.claim_owner.is_none() && stored.expires == expires)
}
