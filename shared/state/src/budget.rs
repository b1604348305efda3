//! Call budgets that all sandboxes share: one conditional update per lease (design.md 5; the arithmetic is
//! [`domain::pacing`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::ids::AppId;
use domain::pacing::{Lease, Ledger, Limits, Refund};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::store::{Change, Item, Outcome, Store, StoreError, item, number, read, text, value_of};

/// How often a lease is tried while other sandboxes lease from the same ledger.
const ATTEMPTS_MAX: u32 = 16;
/// A ledger that nobody used for this long holds nothing that matters.
const KEPT_S: i64 = 3600;
/// Ledgers that a sandbox remembers; one that meets more starts over.
const REMEMBERED_MAX: usize = 1024;

/// Whose budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Budget<'a> {
    /// One app on one interface of WeLink.
    App { app: &'a AppId, interface: &'a str },
    /// All apps behind one egress address.
    Address(&'a str),
}

impl Budget<'_> {
    fn key(&self) -> Key {
        match self {
            Self::App { app, interface } => keys::app_budget(app, interface),
            Self::Address(egress) => keys::registry_address_budget(egress),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    ledger: Ledger,
    version: u64,
    /// Nonce of the last writer.
    by: String,
}

/// Ledgers as this sandbox last saw them. Usually nobody else wrote since, and then a lease costs one write and no
/// read; when somebody did, the refused write brings the newer one.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<(String, String), (u64, Ledger)>>);

impl Seen {
    fn get(&self, key: &Key) -> Option<(u64, Ledger)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&(key.pk.clone(), key.sk.clone())).cloned()
    }

    fn put(&self, key: &Key, version: u64, ledger: Ledger) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert((key.pk.clone(), key.sk.clone()), (version, ledger));
    }
}

impl Store {
    /// Leases up to `wanted` slots and gives `refund` back. When nothing is left and nothing comes back, nothing is
    /// written.
    pub async fn lease(
        &self,
        budget: &Budget<'_>,
        now: Timestamp,
        wanted: u32,
        limits: Limits,
        refund: Option<&Refund>,
    ) -> Result<Lease, StoreError> {
        let key = budget.key();
        let mut known = self.seen.get(&key);
        for _ in 0..ATTEMPTS_MAX {
            let (version, mut ledger) = known.clone().unwrap_or_default();
            let lease = ledger.lease(now, wanted, limits, refund);
            if matches!(lease, Lease::NotBefore { .. }) && refund.is_none() {
                // What we remember may be older than another sandbox's refund: ask before saying no.
                match self.get::<Row>(&key).await? {
                    Some(row) if row.version != version => {
                        known = Some((row.version, row.ledger));
                        continue;
                    }
                    _ => return Ok(lease),
                }
            }
            match self.write_ledger(&key, version, &ledger, now).await? {
                Written::Done => {
                    self.seen.put(&key, version + 1, ledger);
                    return Ok(lease);
                }
                Written::Newer(version, ledger) => known = Some((version, ledger)),
            }
        }
        Err(StoreError::Unavailable("a call budget changes faster than it can be leased".to_owned()))
    }

    async fn write_ledger(
        &self,
        key: &Key,
        version: u64,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let by = self.nonce();
        let ttl = now.plus_s(KEPT_S);
        let outcome = if version == 0 {
            let row = Row { ledger: ledger.clone(), version: 1, by: by.clone() };
            self.put_new(item(key, &row, Some(ttl))?).await?
        } else {
            let change = Change {
                set: "SET ledger = :ledger, version = :next, #by = :by, #ttl = :ttl",
                condition: "version = :seen",
                names: vec![("#by", "by"), ("#ttl", crate::table::TTL)],
                values: vec![
                    (":ledger", value_of(ledger)?),
                    (":next", number(version + 1)),
                    (":seen", number(version)),
                    (":by", text(&by)),
                    (":ttl", number(ttl.epoch_s())),
                ],
            };
            self.update(key, change).await?
        };
        match outcome {
            Outcome::Done(_) => Ok(Written::Done),
            Outcome::Refused(old) => newer(old, &by),
        }
    }
}

enum Written {
    Done,
    /// Somebody else's ledger, with its version; 0 when the item is gone.
    Newer(u64, Ledger),
}

fn newer(old: Item, by: &str) -> Result<Written, StoreError> {
    if old.is_empty() {
        return Ok(Written::Newer(0, Ledger::default()));
    }
    let row: Row = read(old)?;
    // Our own write whose answer was lost.
    Ok(if row.by == by { Written::Done } else { Written::Newer(row.version, row.ledger) })
}
