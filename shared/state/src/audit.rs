//! The audit log: append only, one partition a month, newest last (product.md SEC-03, C26).

use domain::audit::Entry;
use domain::ids::TenantId;
use domain::time::Timestamp;

use crate::keys;
use crate::store::{Outcome, Store, StoreError, Write, item, read, unavailable};

/// How long an entry is kept: 400 days (product.md OPS-09).
pub const KEPT_S: i64 = 400 * 86_400;

/// Entries of one page at most.
pub const PAGE_MAX: i32 = 100;

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

    fn audit_key(&self, entry: &Entry) -> keys::Key {
        let order = format!("{:013}#{}", entry.at.0.max(0), self.entropy.token(10));
        keys::audit(&entry.tenant, &month(entry.at), &order)
    }
}

/// `yyyymm` in UTC.
fn month(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.strftime("%Y%m").to_string()
}
