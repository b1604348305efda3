//! The first account of an installation. Whoever has a setup key, made by the operator or given at the deployment,
//! makes a team and its first owner, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::account::{Account, SETUP_KEY_S, judge_password};
use domain::audit::Action;
use domain::ids::{AccountId, RANDOM_CHARS, TENANT_CHARS, TenantId};
use domain::lockout::CONSOLE_ADDRESS;
use domain::model::{Stamp, Tenant};
use domain::problem;
use domain::role::Role;
use domain::time::Timestamp;
use domain::zone::Zone;
use platform::secret::{Secret, sha256_hex};
use serde::Serialize;
use signin::Bridge;
use state::lockout::Subject;
use state::setup::SetUp;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::{accounts, console_session, input, passwords};

/// Characters of a setup key: 260 bits.
const KEY_CHARS: usize = 52;

/// What somebody fills in at the first set-up.
#[derive(Debug)]
pub struct First<'a> {
    pub key: &'a str,
    /// Name of the team.
    pub team: &'a str,
    pub login: &'a str,
    /// Name of the owner, as people read it.
    pub name: &'a str,
    pub password: &'a str,
}

#[derive(Serialize)]
struct Made {
    key: String,
    /// The console's page that takes it.
    url: String,
    expires: Timestamp,
}

/// Where the first set-up stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A setup key waits to be used.
    Open,
    /// No account and no valid key: the operator makes one.
    NoKey,
    /// There is an account already.
    Closed,
}

/// `POST /v1/setup-keys`: a new key, which replaces the one before it.
pub async fn create(State(bridge): State<Bridge>, actor: Actor) -> Response {
    match make(&bridge).await {
        Ok(made) => (StatusCode::CREATED, Json(made)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

async fn make(bridge: &Bridge) -> Result<Made, ApiError> {
    if bridge.store().setup_closed().await? {
        return Err(problem::SETUP_CLOSED.into());
    }
    let key = bridge.entropy().token(KEY_CHARS);
    let expires = bridge.clock().now().plus_s(SETUP_KEY_S);
    bridge.store().put_setup_key(&sha256_hex(&key), expires).await?;
    // There is no tenant yet whose audit log could hold it.
    tracing::info!("a setup key was made");
    Ok(Made { url: format!("{}/setup?key={key}", bridge.config().console_origin), key, expires })
}

/// Where the first set-up stands, for its page.
pub async fn stage(bridge: &Bridge) -> Result<Stage, ApiError> {
    if bridge.store().setup_closed().await? {
        return Ok(Stage::Closed);
    }
    Ok(if bridge.store().setup_waits().await? { Stage::Open } else { Stage::NoKey })
}

/// Makes the team and its first owner, and uses up the key. What was filled in is judged first, so that a password too
/// short costs no try.
pub async fn begin(bridge: &Bridge, first: &First<'_>, from: &str) -> Result<(Tenant, Account), ApiError> {
    if bridge.store().setup_closed().await? {
        return Err(problem::SETUP_CLOSED.into());
    }
    let team = input::name("team", first.team)?;
    let login = accounts::login("login", first.login)?;
    let name = input::name("name", first.name)?;
    judge_password(first.password, &login).map_err(|e| ApiError::field("password", e))?;
    let digest = sha256_hex(first.key.trim());
    try_key(bridge, &digest, from).await?;

    let id = TenantId::from_random(bridge.entropy().bytes::<TENANT_CHARS>());
    let stamp = Stamp { at: bridge.clock().now(), by: login.as_str().to_owned() };
    let tenant = Tenant {
        id: id.clone(),
        name: team,
        link_hosts: Vec::new(),
        zone: Zone::default(),
        created: stamp.clone(),
        version: 0,
    };
    let owner = Account {
        id: AccountId::from_random(&id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        login,
        name,
        role: Role::Owner,
        enabled: true,
        password_set: stamp.clone(),
        welink: None,
        created: stamp,
        version: 0,
    };
    let hash: Secret<String> = passwords::hash(bridge, first.password)?;
    let mut entry = bridge.entry(id, Action::Setup, owner.login.as_str(), owner.id.as_str(), from);
    entry.detail.insert("role".to_owned(), owner.role.name().to_owned());
    match bridge.store().set_up(&tenant, &owner, &hash, &digest, &entry).await? {
        SetUp::Done => Ok((tenant, owner)),
        SetUp::KeyGone => Err(problem::SETUP_KEY_REFUSED.into()),
        SetUp::Closed => Err(problem::SETUP_CLOSED.into()),
    }
}

async fn try_key(bridge: &Bridge, digest: &str, from: &str) -> Result<(), ApiError> {
    let by_address = format!("console#{from}");
    let address = Subject::Anyone(&by_address);
    if let Err(wait_s) = bridge.store().take_attempt(address, CONSOLE_ADDRESS).await? {
        return Err(console_session::locked(wait_s));
    }
    if !bridge.store().try_setup_key(digest).await? {
        return Err(problem::SETUP_KEY_REFUSED.into());
    }
    Ok(bridge.store().give_attempt_back(address).await?)
}

/// Whether this process has met the key of its configuration.
pub(crate) type Met = Arc<AtomicBool>;

/// Meets the setup key of the configuration at the first request of a process: its 60 minutes begin with the first
/// request to the console, whichever it is.
pub(crate) async fn meet(State((bridge, met)): State<(Bridge, Met)>, request: Request<Body>, next: Next) -> Response {
    let digest = &bridge.config().setup_key_sha256;
    if !digest.is_empty() && !met.load(Ordering::Relaxed) {
        let expires = bridge.clock().now().plus_s(SETUP_KEY_S);
        match bridge.store().meet_setup_key(digest, expires).await {
            Ok(()) => met.store(true, Ordering::Relaxed),
            // The request may have nothing to do with it; the next one tries again.
            Err(error) => tracing::warn!(cause = %error, "the setup key of the configuration was not stored"),
        }
    }
    next.run(request).await
}
