//! What all sandboxes share about one app, as the client needs it. The table that keeps it is the caller's business.

use std::future::Future;

use domain::breaker::Block;
use domain::ids::{AppId, ClientId};
use domain::pacing;
use domain::time::Timestamp;
use platform::secret::Secret;

/// An app's credentials as they are configured now.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub app: AppId,
    pub client_id: ClientId,
    pub client_secret: Secret<String>,
    /// Grows with every change: a higher version is neither served by an older token nor stopped by an older block.
    pub version: u64,
}

/// The app's token item.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    pub token: Option<Secret<String>>,
    pub obtained: Timestamp,
    /// As WeLink said: `obtained` + `expires_in`.
    pub expires: Timestamp,
    /// The credentials that fetched the token.
    pub credentials_version: u64,
    /// Who is fetching a new one, and until when nobody else may.
    pub claim: Option<(String, Timestamp)>,
    pub block: Option<Block>,
}

/// The answer to a claim.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The caller fetches the token.
    Mine,
    /// Somebody else does; the item as it is now.
    Others(TokenRecord),
}

/// Names one call budget (welink-api.md 12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKey {
    /// One client_id on one interface; `interface` is the path, e.g. `/api/auth/v2/userid`.
    App { app: AppId, client_id: ClientId, interface: &'static str },
    /// All apps behind one egress address.
    Address(String),
}

/// The store that all sandboxes share. Every method is one request to it; an error means that it is out of reach, and
/// then no call is made.
pub trait Shared: Clone + Send + Sync + 'static {
    type Error: std::fmt::Display + Send;

    /// One consistent read of the app's token item; `None` when there is none.
    fn token(&self, app: &AppId) -> impl Future<Output = Result<Option<TokenRecord>, Self::Error>> + Send;

    /// One conditional write: succeeds when nobody holds the claim, when it has ended at `now`, or when `owner` holds
    /// it (the SDK may repeat a write whose answer was lost).
    fn claim_refresh(
        &self,
        app: &AppId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Claim, Self::Error>> + Send;

    /// Stores a token, releases the claim and removes the block: a token proves the credentials. Conditional on `owner`
    /// holding the claim; an error otherwise.
    fn save_token(
        &self,
        app: &AppId,
        owner: &str,
        token: &Secret<String>,
        obtained: Timestamp,
        expires: Timestamp,
        credentials_version: u64,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Opens the breaker ([`Block::change`] decides); true exactly for the caller that opened it or raised its step,
    /// so that the administrator is told once. `owner` recognises an own write whose answer was lost.
    fn block(&self, app: &AppId, owner: &str, block: Block) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Leases a share of a call budget by one conditional update of its [`pacing::Ledger`]: read,
    /// [`pacing::Ledger::lease`], write if unchanged, again if not. The item may expire two minutes after `now`.
    fn lease(
        &self,
        budget: &BudgetKey,
        now: Timestamp,
        wanted: u32,
        limits: pacing::Limits,
        refund: Option<pacing::Refund>,
    ) -> impl Future<Output = Result<pacing::Lease, Self::Error>> + Send;
}
