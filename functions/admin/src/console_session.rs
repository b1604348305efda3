//! Signing in to the console, by a password or by WeLink, and what comes after it.
//!
//! The cookie holds the account's id and a secret of 130 bits; the table holds the secret's hash. A request reads one
//! item. What somebody may do stands in the session, and whatever changes it ends the session (see `state::account`).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::account::{CONSOLE_SESSION_S, ConsoleSession, ConsoleSessionId, FormToken, Login, judge_password};
use domain::audit::{Action, Entry};
use domain::ids::{AccountId, EnterpriseId, RANDOM_CHARS, TENANT_CHARS, TenantId, WeLinkUserId};
use domain::lockout::{CONSOLE_ADDRESS, CONSOLE_LOGIN};
use domain::model::Stamp;
use domain::problem;
use domain::time::Timestamp;
use platform::secret::{Secret, sha256_hex};
use serde::Serialize;
use signin::{Bridge, Refusal};
use state::account::{AccountSaved, Known};
use state::lockout::Subject;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::{accounts, input, passwords};

/// `Max-Age` of the cookie: the absolute limit; the idle one is the session's own.
pub const COOKIE_S: i64 = CONSOLE_SESSION_S;
/// Characters of a session's secret and of its form token: 130 bits each.
const SECRET_CHARS: usize = 26;
/// Characters of what a browser calls itself that are kept.
const AGENT_CHARS_MAX: usize = 200;

/// Signs in by a password: the cookie's value, and the session. Unknown login, wrong password and disabled account are
/// one answer, after the same work: all that is done for an account is done for nobody's as well.
pub async fn sign_in(
    bridge: &Bridge,
    login: &str,
    password: &str,
    from: &str,
    agent: &str,
) -> Result<(String, ConsoleSession), ApiError> {
    let claimed = match Login::parse(login) {
        Ok(login) => bridge.store().account_by_login(&login).await?,
        Err(_) => None,
    };
    let id = claimed.unwrap_or_else(nobody);
    let known = bridge.store().account(&id).await?;
    match enter(bridge, &id, login, known.as_ref(), password, from, agent).await {
        Ok(entered) => Ok(entered),
        Err(error) => {
            // The login is not named: what somebody types there may be his password.
            let mut entry = bridge.entry(id.tenant(), Action::SessionRefused, "anonymous", id.as_str(), from);
            error.problem().name.clone_into(&mut entry.result);
            bridge.store().append_audit(&entry).await?;
            Err(error)
        }
    }
}

async fn enter(
    bridge: &Bridge,
    id: &AccountId,
    login: &str,
    known: Option<&Known>,
    password: &str,
    from: &str,
    agent: &str,
) -> Result<(String, ConsoleSession), ApiError> {
    prove(bridge, &id.tenant(), login, known, password, from).await?;
    let known = known.ok_or(problem::WRONG_SIGN_IN)?;
    let entry = bridge.entry(id.tenant(), Action::SessionBegin, known.account.login.as_str(), id.as_str(), from);
    open(bridge, known, entry, agent).await?.ok_or_else(|| problem::WRONG_SIGN_IN.into())
}

/// The account of nobody, of a tenant that nobody has.
fn nobody() -> AccountId {
    AccountId::from_random(&TenantId::from_random([0; TENANT_CHARS]), [0; RANDOM_CHARS])
}

/// Checks the password of an enabled account. An attempt of the login and of the address is taken before it is known
/// how it ends, and given back when it was right.
async fn prove(
    bridge: &Bridge,
    tenant: &TenantId,
    login: &str,
    known: Option<&Known>,
    password: &str,
    from: &str,
) -> Result<(), ApiError> {
    let store = bridge.store();
    let by_address = format!("console#{from}");
    // Hashed: what somebody types into the login's field may be his password.
    let by_login = format!("console#{}", sha256_hex(&login.trim().to_ascii_lowercase()));
    let (address, login) = (Subject::Anyone(&by_address), Subject::Tenant(tenant, &by_login));
    if let Err(wait_s) = store.take_attempt(address, CONSOLE_ADDRESS).await? {
        return Err(locked(wait_s));
    }
    if let Err(wait_s) = store.take_attempt(login, CONSOLE_LOGIN).await? {
        store.give_attempt_back(address).await?;
        return Err(locked(wait_s));
    }
    let right = passwords::fits(known.map(|known| &known.password), password)?;
    if !right || known.is_none_or(|known| !known.account.enabled) {
        return Err(problem::WRONG_SIGN_IN.into());
    }
    store.give_attempt_back(login).await?;
    Ok(store.give_attempt_back(address).await?)
}

pub(crate) fn locked(wait_s: i64) -> ApiError {
    Refusal { retry_after_s: Some(wait_s), ..problem::LOCKED.into() }.into()
}

/// Opens a session of an account whose proof was checked; `None` when the account was changed meanwhile.
async fn open(
    bridge: &Bridge,
    known: &Known,
    entry: Entry,
    agent: &str,
) -> Result<Option<(String, ConsoleSession)>, ApiError> {
    let (now, account) = (bridge.clock().now(), &known.account);
    let secret = bridge.entropy().token(SECRET_CHARS);
    let session = ConsoleSession {
        id: id_of(&secret)?,
        account: account.id.clone(),
        tenant: account.id.tenant(),
        login: account.login.as_str().to_owned(),
        name: account.name.clone(),
        role: account.role,
        csrf: FormToken::new(bridge.entropy().token(SECRET_CHARS)),
        opened: now,
        last_seen: now,
        expires: now.plus_s(CONSOLE_SESSION_S),
        from: entry.from.clone(),
        agent: agent.chars().take(AGENT_CHARS_MAX).collect(),
    };
    let begun = bridge.store().begin_console_session(known, &session, &entry).await?;
    Ok(begun.then(|| (format!("{}.{secret}", account.id), session)))
}

fn id_of(secret: &str) -> Result<ConsoleSessionId, ApiError> {
    ConsoleSessionId::parse(&sha256_hex(secret)).map_err(|e| Refusal::because(problem::UNAVAILABLE, e).into())
}

/// Signs in the account that is linked to this WeLink person, whom the caller has seen proved by WeLink just now.
pub async fn sign_in_by_welink(
    bridge: &Bridge,
    enterprise: &EnterpriseId,
    user: &WeLinkUserId,
    from: &str,
    agent: &str,
) -> Result<(String, ConsoleSession), ApiError> {
    let actor = format!("welink:{user}");
    if let Some(id) = bridge.store().account_of_person(enterprise, user).await? {
        let entry = bridge.entry(id.tenant(), Action::SessionBegin, &actor, id.as_str(), from);
        let known = bridge.store().account(&id).await?;
        let linked = |known: &Known| {
            let person = known.account.welink.as_ref();
            known.account.enabled && person.is_some_and(|p| p.enterprise == *enterprise && p.user == *user)
        };
        if let Some(known) = known.filter(linked)
            && let Some(entered) = open(bridge, &known, entry, agent).await?
        {
            return Ok(entered);
        }
    }
    let mut entry = bridge.entry(enterprise.tenant(), Action::SessionRefused, &actor, user.as_str(), from);
    problem::NO_ACCOUNT.name.clone_into(&mut entry.result);
    bridge.store().append_audit(&entry).await?;
    Err(problem::NO_ACCOUNT.into())
}

/// The live session of this cookie, by one read.
pub async fn session(bridge: &Bridge, cookie: &str) -> Result<Option<ConsoleSession>, Refusal> {
    let parsed = cookie.split_once('.').and_then(|(account, secret)| {
        let id = ConsoleSessionId::parse(&sha256_hex(secret)).ok()?;
        Some((AccountId::parse(account).ok()?, id))
    });
    let Some((account, id)) = parsed else { return Ok(None) };
    Ok(bridge.store().console_session(&account, &id).await?)
}

/// Whether `given` is the token that the session's forms carry.
pub fn is_token_of(session: &ConsoleSession, given: &str) -> bool {
    Secret::new(session.csrf.expose().to_owned()).matches(given)
}

/// Ends the session, for good: its cookie opens nothing from here on.
pub async fn sign_out(bridge: &Bridge, actor: &Actor, session: &ConsoleSession) -> Result<(), ApiError> {
    let entry = actor.entry(bridge, session.tenant.clone(), Action::SessionEnd, session.account.as_str());
    // `false`: it had ended already.
    bridge.store().end_console_session(&session.account, &session.id, &entry).await?;
    Ok(())
}

/// Changes the password of whoever is signed in, after the present one: all his sessions end, and a new one begins.
pub async fn change_own_password(
    bridge: &Bridge,
    session: &ConsoleSession,
    current: &str,
    new: &str,
    from: &str,
    agent: &str,
) -> Result<(String, ConsoleSession), ApiError> {
    let known = bridge.store().account(&session.account).await?.ok_or(problem::UNAUTHENTICATED)?;
    let login = &known.account.login;
    judge_password(new, login).map_err(|e| ApiError::field("password", e))?;
    if let Err(error) = prove(bridge, &session.tenant, login.as_str(), Some(&known), current, from).await {
        let wrong = error.problem() == problem::WRONG_SIGN_IN;
        let reason = "is not the present password / 与当前密码不符";
        return Err(if wrong { ApiError::field("current_password", reason) } else { error });
    }
    let mut changed = known.account.clone();
    changed.password_set = Stamp { at: bridge.clock().now(), by: login.as_str().to_owned() };
    let entry = |action| bridge.entry(session.tenant.clone(), action, login.as_str(), session.account.as_str(), from);
    let hash = passwords::hash(bridge, new)?;
    let told = entry(Action::AccountPassword);
    let saved = bridge.store().change_account(&known.account, &changed, Some(&hash), &told).await?;
    if saved != AccountSaved::Done {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let known = bridge.store().account(&session.account).await?.ok_or(problem::CHANGED_MEANWHILE)?;
    open(bridge, &known, entry(Action::SessionBegin), agent).await?.ok_or_else(|| problem::CHANGED_MEANWHILE.into())
}

/// A session as owners see it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) id: ConsoleSessionId,
    pub(crate) opened: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) from: String,
    pub(crate) agent: String,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(account): Path<String>) -> Response {
    match open_sessions(&bridge, &actor, &account).await {
        Ok(sessions) => Json(sessions).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn end(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((account, session)): Path<(String, String)>,
) -> Response {
    match revoke(&bridge, &actor, &account, &session).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The live sessions of an account.
pub(crate) async fn open_sessions(bridge: &Bridge, actor: &Actor, account: &str) -> Result<Vec<Shown>, ApiError> {
    let (_, known) = accounts::find(bridge, actor, account).await?;
    let sessions = bridge.store().console_sessions(&known.account.id).await?;
    let shown = sessions.into_iter().map(|ConsoleSession { id, opened, last_seen, expires, from, agent, .. }| Shown {
        id,
        opened,
        last_seen,
        expires,
        from,
        agent,
    });
    Ok(shown.collect())
}

/// Ends one session of an account.
pub(crate) async fn revoke(bridge: &Bridge, actor: &Actor, account: &str, session: &str) -> Result<(), ApiError> {
    let (_, known) = accounts::find(bridge, actor, account).await?;
    let id = ConsoleSessionId::parse(session).map_err(|_| input::missing())?;
    let account = &known.account.id;
    let entry = actor.entry(bridge, account.tenant(), Action::SessionEnd, account.as_str());
    if bridge.store().end_console_session(account, &id, &entry).await? { Ok(()) } else { Err(input::missing()) }
}
