//! What has been taken in: written after the queue has it and never before, so that what was lost on the way is
//! taken when it comes again (oa-api.md C.6, product.md C22).

use domain::ids::{AppId, OaInstanceId};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::store::{Store, StoreError, item};

/// How long an OA's call is answered as it was answered first.
const CALL_KEPT_S: i64 = 24 * 3600;
/// How long an event is known (oa-api.md C.5).
const EVENT_KEPT_S: i64 = 7 * 86_400;
/// Items that are read or written at once.
const AT_ONCE: usize = 10;

/// A signed call of an OA, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenCall {
    /// SHA-256 of the body: another body under the same id is another call.
    pub body: String,
    pub answer: String,
    /// Milliseconds; the table forgets some time after.
    expires: i64,
}

#[derive(Serialize, Deserialize)]
struct Taken {
    expires: i64,
}

impl Store {
    /// How the call with this `webhook-id` was answered, if it was taken within 24 hours.
    pub async fn taken_call(&self, instance: &OaInstanceId, call: &str) -> Result<Option<TakenCall>, StoreError> {
        let taken: Option<TakenCall> = self.get(&keys::call_taken(instance, call)).await?;
        Ok(taken.filter(|taken| taken.expires > self.clock.now().0))
    }

    /// Remembers the answer to a call. Of two that were taken at the same moment the later one's stays.
    pub async fn keep_call(
        &self,
        instance: &OaInstanceId,
        call: &str,
        body: String,
        answer: String,
    ) -> Result<(), StoreError> {
        let expires = self.clock.now().plus_s(CALL_KEPT_S);
        let taken = TakenCall { body, answer, expires: expires.0 };
        self.put(item(&keys::call_taken(instance, call), &taken, Some(expires))?).await
    }

    /// Which of these events, named by their digests, have been taken within 7 days; in the order of `digests`.
    pub async fn taken_events(&self, instance: &OaInstanceId, digests: &[String]) -> Result<Vec<bool>, StoreError> {
        let mut taken = Vec::with_capacity(digests.len());
        for some in digests.chunks(AT_ONCE) {
            let reads = some.iter().map(|digest| self.is_taken(keys::event_taken(instance, digest)));
            taken.extend(futures_util::future::try_join_all(reads).await?);
        }
        Ok(taken)
    }

    pub async fn keep_events(&self, instance: &OaInstanceId, digests: &[String]) -> Result<(), StoreError> {
        for some in digests.chunks(AT_ONCE) {
            let writes = some.iter().map(|digest| self.keep(keys::event_taken(instance, digest), EVENT_KEPT_S));
            futures_util::future::try_join_all(writes).await?;
        }
        Ok(())
    }

    /// Whether this callback of WeLink has been taken.
    pub async fn taken_callback(&self, app: &AppId, fingerprint: &str) -> Result<bool, StoreError> {
        self.is_taken(keys::callback_taken(app, fingerprint)).await
    }

    pub async fn keep_callback(&self, app: &AppId, fingerprint: &str, kept_s: i64) -> Result<(), StoreError> {
        self.keep(keys::callback_taken(app, fingerprint), kept_s).await
    }

    async fn is_taken(&self, key: Key) -> Result<bool, StoreError> {
        let taken: Option<Taken> = self.get(&key).await?;
        Ok(taken.is_some_and(|taken| taken.expires > self.clock.now().0))
    }

    async fn keep(&self, key: Key, kept_s: i64) -> Result<(), StoreError> {
        let expires = self.clock.now().plus_s(kept_s);
        self.put(item(&key, &Taken { expires: expires.0 }, Some(expires))?).await
    }
}
