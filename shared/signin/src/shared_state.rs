//! What sandboxes share about WeLink, over the table: the client's [`Shared`] store. The crates `state` and `welink` do
//! not know each other, so their types meet here.

use domain::audit::{Action, Entry};
use domain::breaker::Block;
use domain::ids::AppId;
use domain::pacing::{Lease, Limits, Refund};
use domain::time::Timestamp;
use platform::envelope::NotOpened;
use platform::secret::Secret;
use platform::trace::TraceId;
use platform::vault::{Vault, VaultError};
use state::budget::Budget;
use state::token::{NewToken, TokenItem};
use state::{Store, StoreError};
use welink::{BudgetKey, Claim, Shared, TokenRecord};

/// The table and the vault, as WeLink's client uses them.
#[derive(Debug, Clone)]
pub struct SharedState {
    store: Store,
    vault: Vault,
}

/// Why the shared state cannot be used; no call is made then.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    #[error("the claim on the token was lost")]
    ClaimLost,
}

fn context(app: &AppId) -> String {
    format!("{app}/access_token")
}

impl SharedState {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    async fn record(&self, app: &AppId, item: TokenItem) -> Result<TokenRecord, SharedError> {
        let token = match &item.token {
            Some(envelope) => Some(self.vault.sealer().await?.open(&context(app), envelope)?),
            None => None,
        };
        Ok(TokenRecord {
            token,
            obtained: item.obtained,
            expires: item.expires,
            credentials_version: item.credentials_version,
            claim: item.claim_owner.map(|owner| (owner, item.claim_until)),
            block: item.block,
        })
    }
}

impl Shared for SharedState {
    type Error = SharedError;

    async fn token(&self, app: &AppId) -> Result<Option<TokenRecord>, SharedError> {
        match self.store.token(app).await? {
            Some(item) => Ok(Some(self.record(app, item).await?)),
            None => Ok(None),
        }
    }

    async fn claim_refresh(
        &self,
        app: &AppId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claim, SharedError> {
        match self.store.claim_token(app, owner, now, until).await? {
            Ok(_) => Ok(Claim::Mine),
            Err(others) => Ok(Claim::Others(self.record(app, others).await?)),
        }
    }

    async fn save_token(
        &self,
        app: &AppId,
        owner: &str,
        token: &Secret<String>,
        obtained: Timestamp,
        expires: Timestamp,
        credentials_version: u64,
    ) -> Result<(), SharedError> {
        let token = self.vault.sealer().await?.seal(&context(app), token.expose())?;
        let new = NewToken { token, obtained, expires, credentials_version };
        if self.store.save_token(app, owner, new).await? { Ok(()) } else { Err(SharedError::ClaimLost) }
    }

    async fn block(&self, app: &AppId, _owner: &str, block: Block) -> Result<bool, SharedError> {
        let detail = [("code".to_owned(), block.code.clone()), ("until_ms".to_owned(), block.until.0.to_string())];
        let entry = Entry {
            tenant: app.tenant(),
            at: self.store.clock().now(),
            action: Action::AppBlocked,
            actor: "bridge".to_owned(),
            object: app.as_str().to_owned(),
            result: "ok".to_owned(),
            from: String::new(),
            trace: TraceId::current().as_str().to_owned(),
            detail: detail.into(),
        };
        Ok(self.store.block_app(app, &block, &entry).await?)
    }

    async fn lease(
        &self,
        budget: &BudgetKey,
        now: Timestamp,
        wanted: u32,
        limits: Limits,
        refund: Option<Refund>,
    ) -> Result<Lease, SharedError> {
        let budget = match budget {
            BudgetKey::App { app, interface, .. } => Budget::App { app, interface },
            BudgetKey::Address(egress) => Budget::Address(egress),
        };
        Ok(self.store.lease(&budget, now, wanted, limits, refund.as_ref()).await?)
    }
}
