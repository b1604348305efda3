//! The audit log: append only, one partition a month, newest last (product.md SEC-03, C26).

use domain::audit::{Action, Entry};
use domain::ids::TenantId;
use domain::time::Timestamp;

use crate::keys;
use crate::store::{Outcome, Store, StoreError, Write, item, read, text, unavailable};

/// How long an entry is kept: 400 days (product.md OPS-09).
pub const KEPT_S: i64 = 400 * 86_400;

/// Entries of one page at most.
pub const PAGE_MAX: i32 = 100;

/// Entries that one request reads at most.
const SCANNED_MAX: i32 = 1_000;
/// Requests of one search at most: more than the months that are kept.
const SCANNED_PAGES_MAX: usize = 16;

/// Which entries are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    pub action: Option<Action>,
    pub actor: Option<&'a str>,
    pub object: Option<&'a str>,
}

impl Search<'_> {
    fn wants(&self, entry: &Entry) -> bool {
        self.action.is_none_or(|action| entry.action == action)
            && self.actor.is_none_or(|actor| entry.actor == actor)
            && self.object.is_none_or(|object| entry.object == object)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
}

impl Store {
    /// Appends an entry on its own, for what changes nothing else (a refusal, a failed try).
    pub async fn append_audit(&self, entry: &Entry) -> Result<(), StoreError> {
        let key = self.audit_key(entry);
        match self.put_new(item(&key, entry, Some(entry.at.plus_s(KEPT_S)))?).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Refused(_) => Err(StoreError::Unavailable("an audit entry exists already".to_owned())),
        }
    }

    /// The same entry as a part of the transaction that it tells of: neither happens without the other.
    pub(crate) fn write_audit(&self, entry: &Entry) -> Result<Write, StoreError> {
        self.write_new(item(&self.audit_key(entry), entry, Some(entry.at.plus_s(KEPT_S)))?)
    }

    /// The newest entries of the month that `at` lies in, newest first, at most [`PAGE_MAX`]; `before` continues a
    /// listing.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        before: Option<&str>,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let partition = keys::audit_partition(tenant, &month(at));
        let mut query = self.query(&partition).scan_index_forward(false).limit(PAGE_MAX);
        if let Some(before) = before {
            query = query
                .key_condition_expression("pk = :pk AND sk < :before")
                .expression_attribute_values(":before", crate::store::text(before));
        }
        let page = query.send().await.map_err(unavailable)?;
        let more = page.last_evaluated_key.and_then(|key| key.get("sk")?.as_s().ok().cloned());
        let entries = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((entries, more))
    }

    /// Entries that the search wants, newest first, at most [`PAGE_MAX`]. One call reads at most
    /// [`SCANNED_PAGES_MAX`] pages, over as many months; `before`, the second of the answer, goes on from there.
    pub async fn audit_search(
        &self,
        tenant: &TenantId,
        search: &Search<'_>,
        before: Option<&str>,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let from = search.from.max(self.clock.now().plus_s(-KEPT_S));
        let mut high = before.map_or_else(|| format!("{:013}", search.to.0.max(0)), str::to_owned);
        let mut found = Vec::new();
        for _ in 0..SCANNED_PAGES_MAX {
            let at = time_of(&high);
            if at < from {
                return Ok((found, None));
            }
            let range = (format!("{:013}", from.0.max(0)), high.clone());
            let (items, more) = self.audit_range(tenant, at, &range, Order::NewestFirst).await?;
            for (order, entry) in items {
                high = order;
                if entry.at >= from && search.wants(&entry) {
                    found.push(entry);
                    if found.len() == PAGE_MAX.unsigned_abs() as usize {
                        return Ok((found, Some(high)));
                    }
                }
            }
            if !more {
                // On with the month before: all its entries are older than the first instant of this one.
                let first = first_of_month(at);
                if first <= from {
                    return Ok((found, None));
                }
                high = format!("{:013}", first.0.max(1) - 1) + "~";
            }
        }
        Ok((found, Some(high)))
    }

    /// Entries of the month that `at` lies in, oldest first, about a megabyte; `after`, the second of the answer,
    /// goes on from there.
    pub async fn audit_of_month(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        after: Option<&str>,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let kept_from = self.clock.now().plus_s(-KEPT_S);
        let low = after.map_or_else(|| format!("{:013}", kept_from.0.max(0)), str::to_owned);
        let (items, more) = self.audit_range(tenant, at, &(low, "~".to_owned()), Order::OldestFirst).await?;
        let next = items.last().filter(|_| more).map(|(order, _)| order.clone());
        Ok((items.into_iter().map(|(_, entry)| entry).collect(), next))
    }

    /// Entries with their order strictly between the two, as many as one answer of the table holds, and whether there
    /// are more.
    async fn audit_range(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        (low, high): &(String, String),
        order: Order,
    ) -> Result<(Vec<(String, Entry)>, bool), StoreError> {
        if low > high {
            return Ok((Vec::new(), false));
        }
        let query = self
            .query(&keys::audit_partition(tenant, &month(at)))
            .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
            .expression_attribute_values(":low", text(low))
            .expression_attribute_values(":high", text(high))
            .scan_index_forward(order == Order::OldestFirst)
            .limit(SCANNED_MAX);
        let page = query.send().await.map_err(unavailable)?;
        let more = page.last_evaluated_key.is_some();
        let mut found = Vec::new();
        for item in page.items.unwrap_or_default() {
            let sk = item.get(crate::table::SORT_KEY).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            if sk != *low && sk != *high {
                found.push((sk, read(item)?));
            }
        }
        Ok((found, more))
    }

    fn audit_key(&self, entry: &Entry) -> keys::Key {
        let order = format!("{:013}#{}", entry.at.0.max(0), self.entropy.token(10));
        keys::audit(&entry.tenant, &month(entry.at), &order)
    }
}

/// The instant that an entry's order begins with; the earliest one when it is none of ours.
fn time_of(order: &str) -> Timestamp {
    let digits = order.get(..13).unwrap_or_default();
    Timestamp(digits.parse().unwrap_or_default())
}

fn first_of_month(at: Timestamp) -> Timestamp {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let first = jiff::tz::TimeZone::UTC.to_datetime(instant).date().first_of_month();
    let zoned = first.to_zoned(jiff::tz::TimeZone::UTC);
    Timestamp(zoned.map_or(0, |zoned| zoned.timestamp().as_millisecond()))
}

/// `yyyymm` in UTC.
fn month(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.strftime("%Y%m").to_string()
}
