//! A simulated OA: the *OA side* of the generic contract (oa-api.md C), with a login page, to-dos and a SCIM directory.
//!
//! It is written from the contract alone. What it believes about a ticket, a signature or a page of users is its own
//! reading, so a bridge that agrees with it agrees with a second opinion.

mod attendance;
mod bridge_page;
mod credential;
mod directory;
mod exchange;
mod filter;
mod flow;
mod machine;
mod oidc;
mod outbox;
mod pages;
mod refusal;
mod scan;
mod scim;
mod scim_schema;
mod sessions;
mod signature;
mod sso;
#[cfg(test)]
mod tests;
mod ticket;
mod todo;
mod todo_pages;
mod view;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use domain::time::Timestamp;
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;

use crate::company::Company;

pub use directory::{Account, Position, Unit};
pub use oidc::{OidcClient, TokenFault};
pub use outbox::{Delivery, Event, SignedEvent};
pub use sessions::SessionInfo;

/// The password of every account of the demonstration company. The login page shows it.
pub const DEMO_PASSWORD: &str = "demo1234";
/// Received calls that are remembered; the oldest is forgotten first.
pub const CALLS_MAX: usize = 2_000;
/// Bytes of a request body at most. The largest legitimate one is a form with a ticket.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What an [`Oa`] is built from.
#[derive(Debug)]
pub struct Options {
    pub clock: Clock,
    pub entropy: Entropy,
    /// Scheme, host and port under which browsers reach it, without a slash at the end: `http://oa.localhost:9400`.
    pub origin: String,
    /// Who works here at the start.
    pub company: Company,
    /// The way to the bridge, for its key set and for the redemption of tickets.
    pub bridge: Transport,
}

/// How the OA knows the bridge: what an administrator of the OA types in once (oa-api.md C, "Instance configuration").
#[derive(Debug, Clone)]
pub struct Connection {
    /// The audience of every ticket for this OA.
    pub instance_id: String,
    /// The issuer of tickets and the base of the bridge's addresses, without a slash at the end.
    pub bridge_origin: String,
    /// `whsec_` and base64: signs what the OA sends to the bridge (push, oa-api.md C.6).
    pub push_secret: Secret<String>,
    /// `whsec_` and base64: proves what the bridge sends to the OA (pull, oa-api.md C.6).
    pub pull_secret: Secret<String>,
    /// The bearer token of SCIM and of `/v1/apps`.
    pub scim_bearer: Secret<String>,
}

/// Why a [`Connection`] was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A secret is not `whsec_` followed by base64 of 24 to 64 bytes (oa-api.md C.6).
    #[error("a secret is not `whsec_` followed by base64 of 24 to 64 bytes")]
    Secret,
    /// The bridge's origin is not `http(s)://host[:port]`.
    #[error("the bridge's origin is not an http(s) origin")]
    Origin,
}

/// Switches and faults of this OA; everything is off by default. Counts are rows or pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Takes the ticket as `GET /sso/landing?ticket=` too (oa-api.md C.2.2, "query form").
    pub ticket_by_query: bool,
    /// Refuses a ticket without a nonce even from a browser that never visited `/sso/start`.
    pub nonce_required: bool,
    /// Ids of accounts for which a password alone is not enough: its check (oa-api.md C.3) says `second_factor`. The
    /// OA's own login page takes the place of that factor and still lets them in.
    pub second_factor: Vec<String>,
    /// Fault: what is wrong with the id tokens of its OIDC provider.
    pub token_fault: Option<TokenFault>,
    /// Fault: every request is answered 503.
    pub down: bool,
    /// Fault: a SCIM page has at most this many rows, whatever `count` asks. Still within the contract (C.1 rule 1).
    pub page_rows_max: Option<usize>,
    /// Fault: so many rows at the end of every full listing are counted in `totalResults` but never sent.
    pub rows_lost: usize,
    /// Fault: the row after this user shows this user again, as when rows move between two pages.
    pub user_repeated: Option<String>,
    /// Fault: the n-th page (from 1) of a pass over `/Users` answers 500, as often as it is asked for.
    pub users_page_failing: Option<usize>,
    /// Fault: the same for `/OrgUnits`.
    pub units_page_failing: Option<usize>,
}

/// One received request, as the log keeps it. The query is left out: it may carry a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub status: u16,
}

/// The OA; cloning shares it.
#[derive(Clone)]
pub struct Oa(Arc<Inner>);

struct Inner {
    clock: Clock,
    entropy: Entropy,
    origin: String,
    bridge: Transport,
    company: Company,
    /// To-dos are dated back from here, so that they stay the same while the OA runs.
    started: Timestamp,
    link: Mutex<Option<Link>>,
    /// The token that is good until a connection brings its own.
    first_bearer: Mutex<Option<String>>,
    settings: Mutex<Settings>,
    directory: Mutex<directory::Directory>,
    sessions: Mutex<sessions::Sessions>,
    before: Mutex<scan::Before>,
    keys: Mutex<ticket::KeySet>,
    answered: Mutex<machine::Answered>,
    wrong_tries: Mutex<credential::WrongTries>,
    provider: Mutex<oidc::Provider>,
    flows: Mutex<flow::Flows>,
    outbox: Mutex<outbox::Outbox>,
    calls: Mutex<VecDeque<Call>>,
}

/// The connection in force, and the pull secret that it replaced: two are live during a rotation (oa-api.md C.6).
#[derive(Debug, Clone)]
struct Link {
    connection: Connection,
    pull_secret_before: Option<Secret<String>>,
}

impl fmt::Debug for Oa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oa").field("origin", &self.0.origin).finish_non_exhaustive()
    }
}

/// A poisoned lock only says that another request panicked; what it guards is replaced as a whole, never half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Oa {
    /// An OA with the given company in it, not yet connected to a bridge.
    pub fn new(options: Options) -> Self {
        let started = options.clock.now();
        let provider = Mutex::new(oidc::Provider::new(options.entropy.bytes()));
        Self(Arc::new(Inner {
            directory: Mutex::new(directory::Directory::of(&options.company, started)),
            clock: options.clock,
            entropy: options.entropy,
            origin: options.origin,
            bridge: options.bridge,
            company: options.company,
            started,
            link: Mutex::default(),
            first_bearer: Mutex::default(),
            settings: Mutex::default(),
            sessions: Mutex::default(),
            before: Mutex::default(),
            keys: Mutex::default(),
            answered: Mutex::default(),
            wrong_tries: Mutex::default(),
            provider,
            flows: Mutex::default(),
            outbox: Mutex::default(),
            calls: Mutex::default(),
        }))
    }

    /// Takes over how to know the bridge. Called again for the same instance it rotates: the pull secret that it
    /// replaces stays valid until the next call.
    pub fn connect(&self, connection: Connection) -> Result<(), ConnectError> {
        for secret in [&connection.push_secret, &connection.pull_secret] {
            signature::check_secret(secret).map_err(|_| ConnectError::Secret)?;
        }
        let origin = url::Url::parse(&connection.bridge_origin).map_err(|_| ConnectError::Origin)?.origin();
        if !origin.is_tuple() || origin.ascii_serialization() != connection.bridge_origin {
            return Err(ConnectError::Origin);
        }
        *lock(&self.0.keys) = ticket::KeySet::default();
        let mut link = lock(&self.0.link);
        let pull_secret_before = link
            .take()
            .filter(|before| before.connection.instance_id == connection.instance_id)
            .map(|before| before.connection.pull_secret);
        *link = Some(Link { connection, pull_secret_before });
        Ok(())
    }

    /// Registers the bridge at this OA's OIDC provider, in the place of whoever was; `None` = nobody.
    pub fn register(&self, client: Option<OidcClient>) {
        lock(&self.0.provider).set_client(client);
    }

    /// Gives the OIDC provider another signing key, as a rotation does.
    pub fn rotate_oidc_key(&self) {
        lock(&self.0.provider).set_key(self.0.entropy.bytes());
    }

    /// Everything the OA serves: pages, sign-in, SCIM and the signed calls of the bridge.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(pages::routes())
            .merge(todo_pages::routes())
            .merge(bridge_page::routes())
            .merge(scan::routes())
            .merge(sso::routes())
            .merge(machine::routes())
            .merge(credential::routes())
            .merge(oidc::routes())
            .nest("/scim/v2", scim::routes())
            .fallback(pages::not_found)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(middleware::from_fn_with_state(self.clone(), record))
            .with_state(self.clone())
    }

    /// The switches and faults now in force.
    pub fn settings(&self) -> Settings {
        lock(&self.0.settings).clone()
    }

    /// Changes switches and faults; the next request sees them.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.0.settings));
    }

    /// The requests received so far, oldest first, at most [`CALLS_MAX`].
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.calls).iter().cloned().collect()
    }

    /// The live sessions in the order of their beginning.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        lock(&self.0.sessions).list(self.0.clock.now())
    }

    /// The accounts as they are now, in the order in which SCIM lists them.
    pub fn accounts(&self) -> Vec<Account> {
        lock(&self.0.directory).accounts().to_vec()
    }

    /// The units as they are now, in the order in which SCIM lists them.
    pub fn units(&self) -> Vec<Unit> {
        lock(&self.0.directory).units().to_vec()
    }

    /// Changes one account and its `lastModified`; false when there is no such id.
    pub fn change_account(&self, id: &str, change: impl FnOnce(&mut Account)) -> bool {
        lock(&self.0.directory).change_account(id, self.0.clock.now(), change)
    }

    /// Changes one unit and its `lastModified`; false when there is no such id.
    pub fn change_unit(&self, id: &str, change: impl FnOnce(&mut Unit)) -> bool {
        lock(&self.0.directory).change_unit(id, self.0.clock.now(), change)
    }

    /// Adds an account, modified now; false when the id or the login name is taken.
    pub fn add_account(&self, account: Account) -> bool {
        lock(&self.0.directory).add_account(account, self.0.clock.now())
    }

    /// Adds a unit, modified now; false when the id is taken.
    pub fn add_unit(&self, unit: Unit) -> bool {
        lock(&self.0.directory).add_unit(unit, self.0.clock.now())
    }

    /// Deletes accounts without a trace (a hard delete, oa-api.md C.1 rule 5) and says how many there were.
    pub fn remove_accounts(&self, gone: impl Fn(&Account) -> bool) -> usize {
        lock(&self.0.directory).remove_accounts(gone)
    }

    /// Deletes units without a trace and says how many there were; children stay as orphans.
    pub fn remove_units(&self, gone: impl Fn(&Unit) -> bool) -> usize {
        lock(&self.0.directory).remove_units(gone)
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn link(&self) -> Option<Link> {
        lock(&self.0.link).clone()
    }
}

/// Answers 503 while "down", and writes the log.
async fn record(State(oa): State<Oa>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let down = lock(&oa.0.settings).down;
    let response = if down { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { next.run(request).await };
    let mut calls = lock(&oa.0.calls);
    if calls.len() >= CALLS_MAX {
        calls.pop_front();
    }
    calls.push_back(Call { method, path, status: response.status().as_u16() });
    response
}
