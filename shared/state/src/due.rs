//! Due work: what must happen later, found in the order in which it is due (design.md 5).

use domain::ids::TenantId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Outcome, Store, StoreError, Write, item, read, text, unavailable};

/// How long after its time due work is still found; the tick that reads it runs every minute.
const KEPT_S: i64 = 30 * 86_400;

/// One piece of due work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub tenant: TenantId,
    pub at: Timestamp,
    /// What is to be done, e.g. `welink-probe`.
    pub kind: String,
    /// On what.
    pub id: String,
}

impl Store {
    /// Schedules work; the same work at the same time is scheduled once.
    pub async fn schedule(&self, due: &Due) -> Result<(), StoreError> {
        let key = keys::due(&due.tenant, due.at, &due.kind, &due.id);
        match self.put_new(item(&key, due, Some(due.at.plus_s(KEPT_S)))?).await? {
            Outcome::Done(_) | Outcome::Refused(_) => Ok(()),
        }
    }

    /// The same as a part of a transaction.
    pub(crate) fn write_due(&self, due: &Due) -> Result<Write, StoreError> {
        let key = keys::due(&due.tenant, due.at, &due.kind, &due.id);
        self.write_over(item(&key, due, Some(due.at.plus_s(KEPT_S)))?)
    }

    /// What is due until `now`, earliest first, at most `limit` pieces. Nothing is passed over however long nobody has
    /// looked, so whoever begins work and fails schedules it anew for a later time and finishes this piece.
    pub async fn due(&self, tenant: &TenantId, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let page = self
            .query(&keys::due_partition(tenant))
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":now", text(format!("{:013}$", now.0.max(0))))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(unavailable)?;
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Removes work that is done. `true` for exactly one of several who did it.
    pub async fn finish(&self, due: &Due) -> Result<bool, StoreError> {
        let key = keys::due(&due.tenant, due.at, &due.kind, &due.id);
        let write = self.write_delete(&key, "id = :id", (":id", text(&due.id)))?;
        Ok(self.transact(vec![write]).await? == crate::store::Transaction::Done)
    }
}
