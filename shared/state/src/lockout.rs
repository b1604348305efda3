//! Failure counters that survive restarts (product.md SEC-06).

use domain::audit::Entry;
use domain::ids::TenantId;
use domain::lockout::{Failures, Policy};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::store::{Change, Outcome, Store, StoreError, Transaction, item, number, read, text};

/// Whose failures are counted: `subject` says what of.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    Tenant(&'a TenantId, &'a str),
    /// Before any tenant is known: an address that tries operator keys.
    Anyone(&'a str),
}

impl Subject<'_> {
    fn key(self) -> Key {
        match self {
            Self::Tenant(tenant, subject) => keys::failures(tenant, subject),
            Self::Anyone(subject) => keys::registry_failures(subject),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Counter {
    failures: u32,
    since: domain::time::Timestamp,
    /// Tells who began the window: two who begin it in the same millisecond write the same otherwise, and each would
    /// take the other's item for his own.
    by: String,
}

impl Store {
    /// Seconds to wait, if the subject is locked.
    pub async fn locked_for_s(&self, subject: Subject<'_>, policy: Policy) -> Result<Option<i64>, StoreError> {
        let counter: Option<Counter> = self.get(&subject.key()).await?;
        let failures = counter.map_or_else(Failures::default, |c| Failures { count: c.failures, since: c.since });
        Ok(policy.locked_for_s(failures, self.clock.now()))
    }

    /// Counts one failure, adding to the running window or beginning a new one, and says how many it has.
    pub async fn count_failure(&self, subject: Subject<'_>, policy: Policy) -> Result<u32, StoreError> {
        let key = subject.key();
        // A window that others begin at the same moment is met at the next turn; two turns are enough, four are
        // generous.
        for _ in 0..4 {
            let now = self.clock.now();
            let add = Change {
                set: "SET failures = failures + :one",
                condition: "since > :floor",
                names: vec![],
                values: vec![(":one", number(1)), (":floor", number(now.plus_s(-policy.window_s).0))],
            };
            let old = match self.update(&key, add).await? {
                Outcome::Done(counter) => return Ok(read::<Counter>(counter)?.failures),
                Outcome::Refused(old) => old,
            };
            let fresh =
                item(&key, &Counter { failures: 1, since: now, by: self.nonce() }, Some(now.plus_s(policy.window_s)))?;
            let began = if old.is_empty() {
                self.put_new(fresh).await?
            } else {
                self.restart(&key, read::<Counter>(old)?.since.0, now.0, policy.window_s).await?
            };
            if let Outcome::Done(_) = began {
                return Ok(1);
            }
        }
        Err(StoreError::Unavailable("a failure counter changes faster than it can be written".to_owned()))
    }

    /// Writes `audit` if the window has reached the policy's limit and nobody has written one for it: of any number of
    /// callers exactly one gets `true`.
    pub async fn alert_once(&self, subject: Subject<'_>, policy: Policy, audit: &Entry) -> Result<bool, StoreError> {
        let change = Change {
            set: "SET alerted = since",
            condition: "failures >= :max AND (attribute_not_exists(alerted) OR alerted < since)",
            names: vec![],
            values: vec![(":max", number(policy.failures_max))],
        };
        let writes = vec![self.write_change(&subject.key(), change)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// Takes one of the attempts that the policy allows, before it is known how it ends: sixteen tries at the same
    /// moment get no more than one after the other. `Err` holds the seconds to wait.
    pub async fn take_attempt(&self, subject: Subject<'_>, policy: Policy) -> Result<Result<(), i64>, StoreError> {
        let key = subject.key();
        for _ in 0..4 {
            let now = self.clock.now();
            let add = Change {
                set: "SET failures = failures + :one",
                condition: "since > :floor AND failures < :max",
                names: vec![],
                values: vec![
                    (":one", number(1)),
                    (":floor", number(now.plus_s(-policy.window_s).0)),
                    (":max", number(policy.failures_max)),
                ],
            };
            let Outcome::Refused(old) = self.update(&key, add).await? else { return Ok(Ok(())) };
            let began = if old.is_empty() {
                let fresh = Counter { failures: 1, since: now, by: self.nonce() };
                self.put_new(item(&key, &fresh, Some(now.plus_s(policy.window_s)))?).await?
            } else {
                let counter: Counter = read(old)?;
                let failures = Failures { count: counter.failures, since: counter.since };
                if let Some(wait_s) = policy.locked_for_s(failures, now) {
                    return Ok(Err(wait_s));
                }
                self.restart(&key, counter.since.0, now.0, policy.window_s).await?
            };
            if let Outcome::Done(_) = began {
                return Ok(Ok(()));
            }
        }
        Err(StoreError::Unavailable("a failure counter changes faster than it can be written".to_owned()))
    }

    /// Gives an attempt back that was no failure.
    pub async fn give_attempt_back(&self, subject: Subject<'_>) -> Result<(), StoreError> {
        // The SDK repeats a write whose answer was lost: the mark keeps it from giving back twice.
        let change = Change {
            set: "SET failures = failures - :one, given_back = :mark",
            condition: "failures > :zero AND (attribute_not_exists(given_back) OR given_back <> :mark)",
            names: vec![],
            values: vec![(":one", number(1)), (":zero", number(0)), (":mark", text(self.nonce()))],
        };
        self.update(&subject.key(), change).await.map(|_| ())
    }

    async fn restart(&self, key: &Key, seen: i64, now: i64, window_s: i64) -> Result<Outcome, StoreError> {
        let begin = Change {
            set: "SET failures = :one, since = :now, #ttl = :ttl",
            condition: "since = :seen",
            names: vec![("#ttl", crate::table::TTL)],
            values: vec![
                (":one", number(1)),
                (":now", number(now)),
                (":seen", number(seen)),
                (":ttl", number(now / 1000 + window_s + 1)),
            ],
        };
        self.update(key, begin).await
    }
}
