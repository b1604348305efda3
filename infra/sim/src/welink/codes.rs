//! Auth codes: what `HWH5.getAuthCode` hands to a page, and what it is worth (welink-api.md 3.1, 3.2).

use std::collections::{BTreeMap, VecDeque};

use domain::time::Timestamp;
use platform::entropy::Entropy;

use super::answer::{Answer, Fields, Refusal, put};
use super::model::{DirectoryError, MemberStatus};
use super::world::{Call, Caller, World};

/// Codes remembered, used and expired ones included, so that their refusals can be told apart.
const CODES_MAX: usize = 20_000;
/// Characters of a code at most (welink-api.md 3.2).
pub(super) const CODE_CHARS_MAX: usize = 2000;

/// Codes by their text, bounded: the oldest go first.
#[derive(Debug)]
pub(super) struct Kept<T> {
    codes: BTreeMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { codes: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Kept<T> {
    /// Draws a text for the code: 96 upper-case hex digits.
    pub(super) fn keep(&mut self, code: T, entropy: &Entropy) -> String {
        if self.order.len() >= CODES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.codes.remove(&oldest);
        }
        let key = entropy.hex(48).to_uppercase();
        self.order.push_back(key.clone());
        self.codes.insert(key.clone(), code);
        key
    }

    pub(super) fn get_mut(&mut self, code: &str) -> Option<&mut T> {
        self.codes.get_mut(code)
    }
}

#[derive(Debug)]
struct AuthCode {
    client_id: String,
    user_id: String,
    expires: Timestamp,
    used: bool,
}

/// All issued codes.
#[derive(Debug, Default)]
pub(super) struct Codes(Kept<AuthCode>);

impl Codes {
    /// Uses a code up and returns whose it is: 41501 malformed or never issued, 41503 expired, 41504 used, 41500 issued
    /// for another app (which does not use it up).
    pub(super) fn redeem(&mut self, code: &str, client_id: &str, now: Timestamp) -> Result<String, Refusal> {
        let shaped = !code.is_empty() && code.len() <= CODE_CHARS_MAX && code.bytes().all(|b| b.is_ascii_hexdigit());
        let found = if shaped { self.0.get_mut(code) } else { None };
        let Some(found) = found else { return Err(Refusal::new("41501")) };
        if found.client_id != client_id {
            return Err(Refusal::new("41500"));
        }
        if found.used {
            return Err(Refusal::new("41504"));
        }
        if now >= found.expires {
            return Err(Refusal::new("41503"));
        }
        found.used = true;
        Ok(found.user_id.clone())
    }
}

/// Whether this member may have a code of this app: the app must be visible to him and his account open.
pub(super) fn issuable(world: &World, user_id: &str, client_id: &str) -> Result<(), DirectoryError> {
    let app = world.apps.get(client_id).ok_or(DirectoryError::UnknownApp)?;
    let member = world.member(&app.tenant_id, user_id).ok_or(DirectoryError::UnknownMember)?;
    if member.status != MemberStatus::Opened {
        return Err(DirectoryError::NotOpened);
    }
    let in_scope = !world.settings.contact.scope_is_range || world.scope_holds(app, member);
    if app.range.holds(user_id) && in_scope { Ok(()) } else { Err(DirectoryError::NotVisible) }
}

/// What the phone does when a page asks: the app must be visible and the account open.
pub(super) fn issue(
    world: &mut World,
    entropy: &Entropy,
    now: Timestamp,
    user_id: &str,
    client_id: &str,
) -> Result<String, DirectoryError> {
    issuable(world, user_id, client_id)?;
    let expires = now.plus_ms(world.settings.auth_code_ms);
    let code = AuthCode { client_id: client_id.to_owned(), user_id: user_id.to_owned(), expires, used: false };
    Ok(world.codes.0.keep(code, entropy))
}

/// `GET /api/auth/v2/userid?code=` (welink-api.md 3.2): flat `userId` and `tenantId`.
pub(super) fn userid(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("1000")) };
    let user_id = world.codes.redeem(call.param("code"), &caller.client_id, call.now)?;
    if world.member(&caller.tenant_id, &user_id).is_none_or(|member| member.status != MemberStatus::Opened) {
        return Err(Refusal::new("41500"));
    }
    let mut fields = Fields::new();
    put(&mut fields, "userId", Some(&user_id));
    put(&mut fields, "tenantId", Some(&caller.tenant_id));
    Ok(fields)
}
