//! The check of an account and its password for the bridge's binding page (oa-api.md C.3).

use std::collections::{BTreeMap, VecDeque};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use domain::time::Timestamp;
use platform::secret::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::machine::{self, Denied, answer, problem};
use super::{DEMO_PASSWORD, Oa, lock};

/// Wrong tries within [`WINDOW_MS`] after which an account is locked.
const WRONG_TRIES_MAX: usize = 10;
/// A wrong try counts for 15 minutes.
const WINDOW_MS: i64 = 15 * 60_000;
/// Accounts and unknown logins whose wrong tries are remembered at most; the one that was quiet longest gives way.
const REMEMBERED_MAX: usize = 10_000;
/// Characters of a login at most; a longer one belongs to nobody.
const LOGIN_CHARS_MAX: usize = 200;
/// Characters of `request_id` and of an address at most.
const CONTEXT_CHARS_MAX: usize = 128;
/// Stands in for the password of an account that does not exist, so that comparing takes as long. As long as
/// [`DEMO_PASSWORD`], and never accepted.
const NOBODYS_PASSWORD: &str = "--------";
const _: () = assert!(NOBODYS_PASSWORD.len() == DEMO_PASSWORD.len(), "comparing takes as long as for an account");

pub(super) fn routes() -> Router<Oa> {
    Router::new().route("/v1/credential/verify", post(verify))
}

/// The question; `op` has been read before.
#[derive(Deserialize)]
struct Question {
    request_id: String,
    login: String,
    password: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    ip: String,
    channel: String,
}

impl Question {
    fn is_within_the_contract(&self) -> bool {
        let short = |text: &str| !text.is_empty() && text.chars().nth(CONTEXT_CHARS_MAX).is_none();
        short(&self.request_id) && short(&self.context.ip) && self.context.channel == "welink"
    }
}

/// When each account, and each login that is nobody's, was tried with a wrong password.
#[derive(Debug, Default)]
pub(super) struct WrongTries(BTreeMap<Who, VecDeque<Timestamp>>);

/// Whose tries are counted. An account has one count under all of its names; a login of nobody has its own, so that it
/// is locked as if it were somebody's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Account(String),
    Nobody(String),
}

impl WrongTries {
    /// Seconds until the next try is looked at; none when it is looked at now.
    fn locked_s(&self, who: &Who, now: Timestamp) -> Option<i64> {
        let recent = self.0.get(who)?.iter().filter(|at| now.ms_since(**at) < WINDOW_MS);
        let (count, oldest) = recent.fold((0, None), |(count, oldest), at| (count + 1, oldest.or(Some(*at))));
        let left_ms = WINDOW_MS - now.ms_since(oldest.filter(|_| count >= WRONG_TRIES_MAX)?);
        Some((left_ms + 999) / 1_000)
    }

    fn count(&mut self, who: Who, now: Timestamp) {
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(&who) {
            let quiet = self.0.iter().min_by_key(|(_, tries)| tries.back().copied()).map(|(who, _)| who.clone());
            quiet.and_then(|who| self.0.remove(&who));
        }
        let tries = self.0.entry(who).or_default();
        tries.push_back(now);
        if tries.len() > WRONG_TRIES_MAX {
            tries.pop_front();
        }
    }

    fn forget(&mut self, who: &Who) {
        self.0.remove(who);
    }
}

/// Judges a password. The same signed request gets the same answer and is counted once (oa-api.md C.6).
async fn verify(State(oa): State<Oa>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return problem(&oa, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large.");
        }
        Err(_) => return machine::denied(&oa, Denied::Envelope),
    };
    let id = match machine::proved(&oa, &headers, &body, "credential.verify") {
        Ok(id) => id,
        Err(why) => return machine::denied(&oa, why),
    };
    let now = oa.now();
    // Held until the answer is stored: of two equal requests at once, the second finds the answer of the first.
    let mut answered = lock(&oa.0.answered);
    if let Some((status, given)) = answered.get(&id, now) {
        return answer(status, "application/json", &given);
    }
    let question = serde_json::from_slice::<Question>(&body).ok().filter(Question::is_within_the_contract);
    let Some(question) = question else { return machine::denied(&oa, Denied::Envelope) };
    let given = judge(&oa, &question.login, &Secret::new(question.password), now);
    answered.put(id, now, StatusCode::OK, given.clone());
    answer(StatusCode::OK, "application/json", &given)
}

/// The answer of oa-api.md C.3. Only a right password learns that an account is off or needs a second factor, and a
/// locked account learns nothing about the password.
fn judge(oa: &Oa, login: &str, password: &Secret<String>, now: Timestamp) -> Value {
    if login.chars().nth(LOGIN_CHARS_MAX).is_some() {
        return rejected("invalid");
    }
    let account = lock(&oa.0.directory).account_by_credential(login).cloned();
    let wanted = account.as_ref().map_or(NOBODYS_PASSWORD, |_| DEMO_PASSWORD);
    let right = password.matches(wanted);
    let who = match &account {
        Some(account) => Who::Account(account.id.clone()),
        None => Who::Nobody(login.trim().to_lowercase()),
    };
    let mut tries = lock(&oa.0.wrong_tries);
    if let Some(seconds) = tries.locked_s(&who, now) {
        return json!({ "result": "rejected", "reason": "locked", "retry_after": seconds });
    }
    let Some(account) = account.filter(|_| right) else {
        tries.count(who, now);
        return rejected("invalid");
    };
    tries.forget(&who);
    if !account.active {
        return rejected("disabled");
    }
    if lock(&oa.0.settings).second_factor.contains(&account.id) {
        return rejected("second_factor");
    }
    json!({ "result": "ok", "user": {
        "id": account.id, "login_id": account.login, "display_name": account.name_zh, "work_code": account.work_code,
    } })
}

fn rejected(reason: &str) -> Value {
    json!({ "result": "rejected", "reason": reason })
}
