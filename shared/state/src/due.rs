//! Due work: what must happen later, found by the minute that it is due in (design.md 5).

use domain::ids::TenantId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Outcome, Store, StoreError, item, read, text, unavailable};

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

    /// At most `limit` pieces of work of the minute that `minute` lies in, due until `now`, earliest first.
    pub async fn due(
        &self,
        tenant: &TenantId,
        minute: Timestamp,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<Due>, StoreError> {
        let page = self
            .query(&keys::due_partition(tenant, minute))
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":now", text(format!("{:013}$", now.0.max(0))))
            .limit(limit)
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
