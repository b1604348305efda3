//! The settings history: what every save changed, one partition a tenant, newest last (product.md ADM-07).

use domain::audit::Entry;
use domain::history::{HistoryEntry, KEPT_S, Setting};
use domain::ids::{HistoryId, TenantId};

use crate::keys;
use crate::store::{Store, StoreError, Write, item, read, text, unavailable};

/// Entries of one page at most.
pub const PAGE_MAX: i32 = 50;

impl Store {
    /// The entry of a save, as a part of its transaction.
    pub(crate) fn write_history(
        &self,
        before: Option<Setting>,
        after: Option<Setting>,
        audit: &Entry,
    ) -> Result<Write, StoreError> {
        let entry = HistoryEntry {
            id: HistoryId::from_random(audit.at, self.entropy.bytes::<{ HistoryId::CHARS }>()),
            at: audit.at,
            by: audit.actor.clone(),
            action: audit.action,
            trace: audit.trace.clone(),
            before,
            after,
        };
        let key = keys::history(&audit.tenant, &entry.id);
        self.write_new(item(&key, &entry, Some(entry.at.plus_s(KEPT_S)))?)
    }

    /// The newest entries first, at most [`PAGE_MAX`]; `before` continues a listing.
    pub async fn history(
        &self,
        tenant: &TenantId,
        before: Option<&HistoryId>,
    ) -> Result<(Vec<HistoryEntry>, Option<HistoryId>), StoreError> {
        let mut query = self.query(&keys::history_partition(tenant)).scan_index_forward(false).limit(PAGE_MAX);
        if let Some(before) = before {
            query = query
                .key_condition_expression("pk = :pk AND sk < :before")
                .expression_attribute_values(":before", text(before.as_str()));
        }
        let page = query.send().await.map_err(unavailable)?;
        let more = page.last_evaluated_key.is_some();
        let read_all = page.items.unwrap_or_default().into_iter().map(read);
        let mut entries: Vec<HistoryEntry> = read_all.collect::<Result<_, _>>()?;
        // The table may take its time with what has run out.
        let kept = entries.iter().filter(|entry| self.is_kept(entry)).count();
        let more = more && kept == entries.len();
        entries.truncate(kept);
        let next = entries.last().filter(|_| more).map(|entry| entry.id.clone());
        Ok((entries, next))
    }

    pub async fn history_entry(&self, tenant: &TenantId, id: &HistoryId) -> Result<Option<HistoryEntry>, StoreError> {
        let entry: Option<HistoryEntry> = self.get(&keys::history(tenant, id)).await?;
        Ok(entry.filter(|entry| self.is_kept(entry)))
    }

    fn is_kept(&self, entry: &HistoryEntry) -> bool {
        self.clock.now() < entry.at.plus_s(KEPT_S)
    }
}
