//! Application tokens: the ticket endpoints and what a token is worth (welink-api.md 2).

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;
use platform::entropy::Entropy;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal};
use super::model::Permission;
use super::world::{Call, Caller, World};

/// Tokens kept at once; the one that expires first goes first.
const TOKENS_MAX: usize = 20_000;
/// Client ids whose failures are remembered; guesses of unknown ids must not grow without bound.
const FAILURES_MAX: usize = 4096;

/// One issued token.
#[derive(Debug, Clone)]
struct Token {
    caller: Caller,
    /// What was granted when it was issued: a permission granted later needs a new token (welink-api.md 2.1).
    granted: BTreeSet<Permission>,
    expires: Timestamp,
}

/// All issued tokens. A new one does not end the older ones.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, Token>);

impl Tokens {
    fn issue(&mut self, token: Token, entropy: &Entropy) -> String {
        if self.0.len() >= TOKENS_MAX
            && let Some(first) = self.0.iter().min_by_key(|(_, t)| t.expires).map(|(key, _)| key.clone())
        {
            self.0.remove(&first);
        }
        let key = uuid(entropy);
        self.0.insert(key.clone(), token);
        key
    }

    /// Whose token it is, expired or not.
    pub(super) fn owner(&self, token: &str) -> Option<&str> {
        self.0.get(token).map(|t| t.caller.client_id.as_str())
    }

    /// Ends every token of a client at once.
    pub(super) fn expire(&mut self, client_id: &str, now: Timestamp) {
        for token in self.0.values_mut().filter(|t| t.caller.client_id == client_id) {
            token.expires = token.expires.min(now);
        }
    }
}

/// A random UUID of version 4, lower case.
pub(super) fn uuid(entropy: &Entropy) -> String {
    let hex = entropy.hex(16);
    // The version stands in the 13th digit, the variant in the 17th.
    let variant = char::from(b"89ab"[usize::try_from(entropy.below(4)).unwrap_or(0)]);
    format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[derive(Debug, Default)]
struct Failure {
    in_a_row: u32,
    locked_until: Option<Timestamp>,
}

/// Wrong credentials per client_id (welink-api.md 2.1: locked after too many).
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, Failure>);

impl Failures {
    fn locked(&mut self, client_id: &str, now: Timestamp) -> bool {
        let Some(until) = self.0.get(client_id).and_then(|failure| failure.locked_until) else { return false };
        if now < until {
            return true;
        }
        self.0.remove(client_id);
        false
    }

    fn note(&mut self, client_id: &str, now: Timestamp, failures_max: u32, lock_ms: i64) {
        if self.0.len() >= FAILURES_MAX && !self.0.contains_key(client_id) {
            self.0.pop_first();
        }
        let failure = self.0.entry(client_id.to_owned()).or_default();
        failure.in_a_row += 1;
        if failure.in_a_row >= failures_max {
            failure.locked_until = Some(now.plus_ms(lock_ms));
        }
    }

    fn forget(&mut self, client_id: &str) {
        self.0.remove(client_id);
    }
}

/// How a family shows a bad token (welink-api.md 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    General,
    Contact,
    JsTickets,
    Messages,
    Todo,
}

impl Family {
    fn malformed(self) -> &'static str {
        match self {
            Self::General => "1000",
            Self::Contact => "47101",
            Self::JsTickets => "41600",
            Self::Messages => "51036",
            Self::Todo => "55014",
        }
    }

    fn expired(self) -> &'static str {
        match self {
            Self::General => "1000",
            Self::Contact => "47103",
            Self::JsTickets => "41600",
            Self::Messages => "51036",
            Self::Todo => "55000",
        }
    }
}

fn token_shaped(token: &str) -> bool {
    token.len() == 36 && token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Resolves the token of a request and checks that it may use an interface: 1000, 47101, 47103 or 501.
pub(super) fn authorise(
    world: &World,
    token: Option<&str>,
    now: Timestamp,
    family: Family,
    needs: Permission,
) -> Result<Caller, Refusal> {
    let token = token.unwrap_or_default();
    if !token_shaped(token) {
        return Err(Refusal::new(family.malformed()));
    }
    let found = world.tokens.0.get(token).filter(|t| now < t.expires);
    let Some(found) = found else { return Err(Refusal::new(family.expired())) };
    // Taking a permission away works at once, giving one only with the next token.
    let Some(app) = world.apps.get(&found.caller.client_id) else { return Err(Refusal::new(family.expired())) };
    if found.granted.contains(&needs) && app.permissions.contains(&needs) {
        Ok(found.caller.clone())
    } else {
        Err(Refusal::with_status("501", world.settings.no_permission_status))
    }
}

/// Resolves a user token (welink-api.md 3.3): 1000 unknown or expired, 501 when the app may not sign people in. An
/// app's token passes; whose it is not, the endpoint says.
pub(super) fn authorise_user(world: &World, token: Option<&str>, now: Timestamp) -> Result<Caller, Refusal> {
    let found = token.and_then(|token| world.tokens.0.get(token)).filter(|t| now < t.expires);
    let Some(found) = found else { return Err(Refusal::new(Family::General.expired())) };
    let Some(app) = world.apps.get(&found.caller.client_id) else {
        return Err(Refusal::new(Family::General.expired()));
    };
    if app.permissions.contains(&Permission::SignIn) {
        Ok(found.caller.clone())
    } else {
        Err(Refusal::with_status("501", world.settings.no_permission_status))
    }
}

/// What the lock-out says to a pair of credentials (welink-api.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Open,
    Locked,
    Wrong,
}

impl Lock {
    /// Counts a wrong pair, and forgets earlier ones after a right one.
    pub(super) fn of(world: &mut World, client_id: &str, client_secret: &str, now: Timestamp) -> Self {
        if world.failures.locked(client_id, now) {
            return Self::Locked;
        }
        if world.apps.get(client_id).is_some_and(|app| app.client_secret.matches(client_secret)) {
            world.failures.forget(client_id);
            return Self::Open;
        }
        world.failures.note(client_id, now, world.settings.lock_failures, world.settings.lock_ms);
        Self::Wrong
    }
}

/// Checks client_id and client_secret, with the lock-out of welink-api.md 2.1.
fn authenticate(world: &mut World, call: &Call) -> Result<String, Refusal> {
    if call.body.is_none() {
        return Err(Refusal::new("411000"));
    }
    let (client_id, client_secret) = (call.text("client_id"), call.text("client_secret"));
    if client_id.is_empty() {
        return Err(Refusal::new("41579"));
    }
    if client_secret.is_empty() {
        return Err(Refusal::new("41580"));
    }
    match Lock::of(world, client_id, client_secret, call.now) {
        Lock::Open => Ok(client_id.to_owned()),
        Lock::Locked => Err(Refusal::new("41403")),
        Lock::Wrong => Err(Refusal::new(world.settings.wrong_secret_code.clone())),
    }
}

fn grant(world: &mut World, call: &Call, client_id: String, person: Option<String>) -> Answer {
    let Some(app) = world.apps.get(&client_id) else { return Err(Refusal::new("41500")) };
    let granted = app.permissions.clone();
    let caller = Caller { client_id, tenant_id: app.tenant_id.clone(), person };
    Ok(hand_out(world, call, caller, granted))
}

/// A token that names a person and opens no interface of the app (welink-api.md 3.4).
pub(super) fn grant_user(world: &mut World, call: &Call, client_id: String, user_id: String) -> Answer {
    let Some(app) = world.apps.get(&client_id) else { return Err(Refusal::with_status("41500", 400)) };
    let caller = Caller { client_id, tenant_id: app.tenant_id.clone(), person: Some(user_id) };
    Ok(hand_out(world, call, caller, BTreeSet::new()))
}

fn hand_out(world: &mut World, call: &Call, caller: Caller, granted: BTreeSet<Permission>) -> Fields {
    let expires_in = world.settings.expires_in_s;
    let token = Token { caller, granted, expires: call.now.plus_s(i64::from(expires_in)) };
    let mut fields = Fields::new();
    fields.insert("access_token".to_owned(), Value::from(world.tokens.issue(token, call.entropy)));
    fields.insert("expires_in".to_owned(), Value::from(expires_in));
    fields
}

/// `POST /api/auth/v2/tickets` (welink-api.md 2.1). A `tenant_id` other than the app's own is 41500: no simulated app
/// belongs to a third party.
pub(super) fn tickets_v2(world: &mut World, call: &Call, _: Option<&Caller>) -> Answer {
    let client_id = authenticate(world, call)?;
    let tenant_id = call.text("tenant_id");
    if !tenant_id.is_empty() && world.apps.get(&client_id).is_none_or(|app| app.tenant_id != tenant_id) {
        return Err(Refusal::new("41500"));
    }
    grant(world, call, client_id, None)
}

/// `POST /api/auth/v1/tickets` (welink-api.md 2.2): `type` `e`, or `u` with an auth code.
pub(super) fn tickets_v1(world: &mut World, call: &Call, _: Option<&Caller>) -> Answer {
    let kind = call.text("type");
    if call.body.is_none() || !matches!(kind, "e" | "u") {
        return Err(Refusal::new("411000"));
    }
    let client_id = authenticate(world, call)?;
    let user_id = match kind {
        "u" => Some(world.codes.redeem(call.text("code"), &client_id, call.now)?),
        _ => None,
    };
    grant(world, call, client_id, user_id)
}

/// `GET` on a ticket address: the manual's network check wants some JSON answer (welink-api.md 1).
pub(super) fn tickets_get(_: &mut World, _: &Call, _: Option<&Caller>) -> Answer {
    Err(Refusal::new("411000"))
}
