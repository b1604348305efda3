//! One token per app, shared by everybody (product.md OPS-01), and the breaker that stops its fetching (OPS-02).
//!
//! Within a process one caller at a time renews an app's token and the others wait for its result. Between processes
//! a claim in the store does the same: the holder fetches, the others look again every 100 ms.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::breaker::{self, Block};
use domain::ids::{AppId, ClientId};
use domain::time::Timestamp;
use platform::entropy::Entropy;
use platform::secret::Secret;
use tokio::time::Instant;

use crate::budget::sleep_ms;
use crate::client::{Ask, Failure, Inner};
use crate::error::WeLinkError;
use crate::shared::{Claim, Credentials, Shared, TokenRecord};

pub(crate) const TICKETS: &str = "/api/auth/v2/tickets";
/// A token is renewed so long before it expires (welink-api.md 2.1).
const RENEW_BEFORE_MS: i64 = 300_000;
/// Others look for the new token this often, and this long.
const LOOK_EVERY_MS: i64 = 100;
const LOOK_MAX: Duration = Duration::from_secs(5);
/// A renewal takes at most this long, and its claim ends a little later.
const RENEWAL_MAX: Duration = Duration::from_secs(10);
const CLAIM_MS: i64 = 12_000;
/// A token that is due but still good is used so long before the next attempt to renew it.
const LATER_MS: i64 = 30_000;
const SOON_MS: i64 = 1_000;
/// The longest life that is believed.
const LIFE_S_MAX: i64 = 7 * 86_400;
/// Apps remembered in one process; beyond it the ones not in use are forgotten.
const APPS_MAX: usize = 1_024;

/// The token cache of this process.
pub(crate) struct Tokens {
    /// This process, in claims. One of its tasks renews at a time, so one name is enough.
    owner: String,
    apps: Mutex<HashMap<AppId, Arc<Entry>>>,
}

#[derive(Default)]
pub(crate) struct Entry {
    renewing: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    token: Option<Cached>,
    block: Option<Block>,
    /// How many renewals have failed, and how the last one did, for those who waited for it.
    failures: u64,
    failed: Option<WeLinkError>,
    /// The newer user detail interface is not open to this app until then (welink-api.md 4.4).
    old_detail_until: Timestamp,
}

struct Cached {
    token: Secret<String>,
    renew: Timestamp,
    credentials_version: u64,
}

/// A token as it was fetched.
pub(crate) struct Fetched {
    pub(crate) token: Secret<String>,
    obtained: Timestamp,
    expires: Timestamp,
}

/// What a caller can use: good for these credentials, and not the one that was refused.
#[derive(Clone, Copy)]
struct Wish<'a> {
    version: u64,
    refused: Option<&'a Secret<String>>,
}

impl Wish<'_> {
    fn accepts(self, token: &Secret<String>, credentials_version: u64) -> bool {
        credentials_version >= self.version && self.refused.is_none_or(|refused| !refused.matches(token.expose()))
    }
}

/// When a token is to be renewed: 300 s before it expires, or at half of a shorter life.
fn renew_at(obtained: Timestamp, expires: Timestamp) -> Timestamp {
    let life_ms = expires.ms_since(obtained).max(0);
    obtained.plus_ms(if life_ms > RENEW_BEFORE_MS { life_ms - RENEW_BEFORE_MS } else { life_ms / 2 })
}

fn refusal(block: &Block, newly: bool) -> WeLinkError {
    WeLinkError::Blocked { until: block.until, code: block.code.clone(), newly }
}

impl Tokens {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { owner: entropy.hex(8), apps: Mutex::default() }
    }

    fn entry(&self, app: &AppId) -> Arc<Entry> {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        if apps.len() >= APPS_MAX && !apps.contains_key(app) {
            apps.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        Arc::clone(apps.entry(app.clone()).or_default())
    }

    /// Whether user details are to be asked by the older interface first.
    pub(crate) fn old_detail(&self, app: &AppId, now: Timestamp) -> bool {
        self.entry(app).with(|known| now < known.old_detail_until)
    }

    pub(crate) fn set_old_detail(&self, app: &AppId, until: Timestamp) {
        self.entry(app).with(|known| known.old_detail_until = until);
    }
}

impl Entry {
    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cached token or block, if it answers the wish.
    fn ready(&self, wish: Wish<'_>, now: Timestamp) -> Option<Result<Secret<String>, WeLinkError>> {
        self.with(|known| {
            if let Some(block) = known.block.as_ref().filter(|block| block.refuses(now, wish.version)) {
                return Some(Err(refusal(block, false)));
            }
            let cached = known.token.as_ref().filter(|cached| now < cached.renew)?;
            wish.accepts(&cached.token, cached.credentials_version).then(|| Ok(cached.token.clone()))
        })
    }

    fn keep(&self, token: &Secret<String>, renew: Timestamp, credentials_version: u64) -> Secret<String> {
        self.with(|known| {
            known.token = Some(Cached { token: token.clone(), renew, credentials_version });
            known.block = None;
        });
        token.clone()
    }

    /// What the stored item answers: a block, a token that is not due, or nothing.
    fn learn(
        &self,
        record: &TokenRecord,
        wish: Wish<'_>,
        now: Timestamp,
    ) -> Option<Result<Secret<String>, WeLinkError>> {
        if let Some(block) = record.block.as_ref().filter(|block| block.refuses(now, wish.version)) {
            self.with(|known| known.block = Some(block.clone()));
            return Some(Err(refusal(block, false)));
        }
        let renew = renew_at(record.obtained, record.expires);
        let token = record.token.as_ref().filter(|_| now < renew)?;
        let version = record.credentials_version;
        wish.accepts(token, version).then(|| Ok(self.keep(token, renew, version)))
    }

    /// A token that is due but not expired yet, used a little longer.
    fn stretch(&self, record: &TokenRecord, wish: Wish<'_>, now: Timestamp, ms: i64) -> Option<Secret<String>> {
        let token = record.token.as_ref().filter(|_| now < record.expires)?;
        let renew = now.plus_ms(ms).min(record.expires);
        let version = record.credentials_version;
        wish.accepts(token, version).then(|| self.keep(token, renew, version))
    }
}

impl<S: Shared> Inner<S> {
    /// The app's token: from memory, from the store, or fetched. `refused` is a token that WeLink did not accept: any
    /// other one will do. Fails with `Blocked` while the breaker is open.
    pub(crate) async fn token(
        &self,
        c: &Credentials,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, WeLinkError> {
        let entry = self.tokens.entry(&c.app);
        let wish = Wish { version: c.version, refused };
        if let Some(ready) = entry.ready(wish, self.clock.now()) {
            return ready;
        }
        let failures = entry.with(|known| known.failures);
        let _turn = entry.renewing.lock().await;
        if let Some(ready) = entry.ready(wish, self.clock.now()) {
            return ready;
        }
        // Who waited while a renewal failed shares its failure: a queue of callers must not become a queue of attempts.
        if let Some(error) = entry.with(|known| known.failed.clone().filter(|_| known.failures > failures)) {
            return Err(error);
        }
        let renewed = tokio::time::timeout(RENEWAL_MAX, self.renew(c, wish, &entry)).await;
        let renewed = renewed.unwrap_or(Err(WeLinkError::Down));
        if let Err(error) = &renewed {
            let told = match error.clone() {
                WeLinkError::Blocked { until, code, .. } => WeLinkError::Blocked { until, code, newly: false },
                other => other,
            };
            entry.with(|known| {
                known.failures += 1;
                known.failed = Some(told);
            });
        }
        renewed
    }

    async fn renew(&self, c: &Credentials, wish: Wish<'_>, entry: &Entry) -> Result<Secret<String>, WeLinkError> {
        let look_end = Instant::now() + LOOK_MAX;
        loop {
            let now = self.clock.now();
            let record = self.shared.token(&c.app).await.map_err(WeLinkError::store)?;
            if let Some(answer) = record.as_ref().and_then(|record| entry.learn(record, wish, now)) {
                return answer;
            }
            let until = now.plus_ms(CLAIM_MS);
            let claim = self.shared.claim_refresh(&c.app, &self.tokens.owner, now, until).await;
            let record = match claim.map_err(WeLinkError::store)? {
                Claim::Mine => return self.fetch_claimed(c, wish, entry).await,
                Claim::Others(record) => record,
            };
            if let Some(answer) = entry.learn(&record, wish, now) {
                return answer;
            }
            if let Some(token) = entry.stretch(&record, wish, now, SOON_MS) {
                return Ok(token);
            }
            if Instant::now() >= look_end {
                return Err(WeLinkError::Down);
            }
            sleep_ms(LOOK_EVERY_MS).await;
        }
    }

    /// Fetches a token under our claim, and stores it.
    async fn fetch_claimed(
        &self,
        c: &Credentials,
        wish: Wish<'_>,
        entry: &Entry,
    ) -> Result<Secret<String>, WeLinkError> {
        let owner = &self.tokens.owner;
        // Somebody may have renewed it between our look and our claim.
        let record = self.shared.token(&c.app).await.map_err(WeLinkError::store)?;
        if let Some(answer) = record.as_ref().and_then(|record| entry.learn(record, wish, self.clock.now())) {
            if let (Ok(token), Some(record)) = (&answer, &record) {
                let saved = self.shared.save_token(
                    &c.app,
                    owner,
                    token,
                    record.obtained,
                    record.expires,
                    record.credentials_version,
                );
                saved.await.map_err(WeLinkError::store)?;
            }
            return answer;
        }
        match self.fetch(Some(&c.app), &c.client_id, &c.client_secret).await {
            Ok(fetched) => {
                let (obtained, expires) = (fetched.obtained, fetched.expires);
                let saved = self.shared.save_token(&c.app, owner, &fetched.token, obtained, expires, c.version);
                saved.await.map_err(WeLinkError::store)?;
                Ok(entry.keep(&fetched.token, renew_at(obtained, expires), c.version))
            }
            Err(WeLinkError::Refused { code, .. }) if breaker::opens(&code) => {
                Err(self.open(c, &code, record.and_then(|record| record.block), entry).await)
            }
            Err(error) => {
                let now = self.clock.now();
                record.and_then(|record| entry.stretch(&record, wish, now, LATER_MS)).ok_or(error)
            }
        }
    }

    /// One fetch (welink-api.md 2.1). Refused credentials come back as `Refused` with their code.
    pub(crate) async fn fetch(
        &self,
        app: Option<&AppId>,
        client_id: &ClientId,
        secret: &Secret<String>,
    ) -> Result<Fetched, WeLinkError> {
        let body = serde_json::json!({ "client_id": client_id.as_str(), "client_secret": secret.expose() });
        let ask = Ask::post(TICKETS, body.to_string());
        // The life is counted from before the request: a slow answer must not make a token look younger than it is.
        let obtained = self.clock.now();
        let sent = self.send(app.map(|app| (app, client_id)), None, &ask).await;
        let reply = sent.map_err(Failure::into_error)?;
        let token = reply.text("access_token").ok_or(WeLinkError::Malformed)?;
        let life_s = reply.integer("expires_in").filter(|s| *s > 0).ok_or(WeLinkError::Malformed)?;
        let expires = obtained.plus_s(life_s.min(LIFE_S_MAX));
        Ok(Fetched { token: Secret::new(token), obtained, expires })
    }

    /// Opens the breaker for a code that came with a call.
    pub(crate) async fn open_breaker(&self, c: &Credentials, code: &str) -> WeLinkError {
        let entry = self.tokens.entry(&c.app);
        match self.shared.token(&c.app).await {
            Ok(record) => self.open(c, code, record.and_then(|record| record.block), &entry).await,
            Err(error) => WeLinkError::store(error),
        }
    }

    async fn open(&self, c: &Credentials, code: &str, previous: Option<Block>, entry: &Entry) -> WeLinkError {
        let block = Block::after(previous.as_ref(), code, self.clock.now(), c.version);
        let newly = match self.shared.block(&c.app, &self.tokens.owner, block.clone()).await {
            Ok(newly) => newly,
            Err(error) => return WeLinkError::store(error),
        };
        if newly {
            tracing::warn!(
                app = %c.app, code, until_ms = block.until.0,
                "WeLink refuses the credentials of {} ({code}): no calls until the next probe", c.app
            );
        }
        entry.with(|known| {
            known.token = None;
            known.block = Some(block.clone());
        });
        refusal(&block, newly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_300_s_before_its_end_or_at_half_of_a_short_life() {
        for (life_s, renew_s) in [(7_200, 6_900), (1_000, 700), (301, 1), (300, 150), (10, 5)] {
            let at = renew_at(Timestamp(1_000), Timestamp(1_000).plus_s(life_s));
            assert_eq!(at, Timestamp(1_000).plus_s(renew_s), "{life_s}");
        }
    }
}
