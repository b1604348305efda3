//! Sessions of the console: one item each, found by the account that the cookie names and the hash of its secret.

use domain::account::{ConsoleSession, ConsoleSessionId, LAST_SEEN_S, SESSIONS_MAX};
use domain::audit::Entry;
use domain::ids::AccountId;

use crate::account::{Known, TURNS_MAX, busy, key_of};
use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, item, number, read, text};

impl Store {
    /// Begins a session of the account whose proof was checked against `seen`. `false` when the account is disabled or
    /// was changed since then: see [`crate::account`]. The oldest session ends when there are too many.
    pub async fn begin_console_session(
        &self,
        seen: &Known,
        session: &ConsoleSession,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let id = &seen.account.id;
        for turn in 0..TURNS_MAX {
            let Some(known) = self.same(&seen.account).await?.filter(|known| known.account.enabled) else {
                return Ok(false);
            };
            let change = Change {
                set: "SET opened = opened + :one",
                condition: "version = :version AND opened = :opened",
                names: vec![],
                values: vec![
                    (":one", number(1)),
                    (":version", number(known.account.version)),
                    (":opened", number(known.opened)),
                ],
            };
            let mut writes = vec![
                self.write_change(&keys::console_account(id), change)?,
                self.write_new(item(&keys::console_session(id, &session.id), session, Some(session.expires))?)?,
                self.write_audit(audit)?,
            ];
            for surplus in surplus(self.all(&keys::console_sessions_partition(id)).await?)? {
                writes.push(self.write_remove(&key_of(&surplus)?)?);
            }
            match self.transact(writes).await? {
                Transaction::Done => return Ok(true),
                Transaction::Refused(0, _) => self.wait_turn(turn).await,
                Transaction::Refused(..) => return Err(StoreError::Unavailable("a random id was taken".to_owned())),
            }
        }
        Err(busy())
    }

    /// The session, if it is live; its `last_seen` moves on, once a minute at most.
    pub async fn console_session(
        &self,
        account: &AccountId,
        id: &ConsoleSessionId,
    ) -> Result<Option<ConsoleSession>, StoreError> {
        let key = keys::console_session(account, id);
        let now = self.clock.now();
        let found: Option<ConsoleSession> = self.get(&key).await?;
        let Some(session) = found.filter(|session| session.is_live(now)) else { return Ok(None) };
        if now < session.last_seen.plus_s(LAST_SEEN_S) {
            return Ok(Some(session));
        }
        let seen = Change {
            set: "SET last_seen = :now",
            // An update makes an item where there is none: a session that has ended just now must not come back.
            condition: "attribute_exists(pk) AND last_seen < :now",
            names: vec![],
            values: vec![(":now", number(now.0))],
        };
        match self.update(&key, seen).await? {
            Outcome::Refused(old) if old.is_empty() => Ok(None),
            // Another request of the same browser was faster.
            Outcome::Done(session) | Outcome::Refused(session) => read(session).map(Some),
        }
    }

    /// The live sessions of an account.
    pub async fn console_sessions(&self, account: &AccountId) -> Result<Vec<ConsoleSession>, StoreError> {
        let now = self.clock.now();
        let items = self.all(&keys::console_sessions_partition(account)).await?;
        let sessions = items.into_iter().map(read).collect::<Result<Vec<ConsoleSession>, _>>()?;
        Ok(sessions.into_iter().filter(|session| session.is_live(now)).collect())
    }

    /// Ends one session; `false` when there is none.
    pub async fn end_console_session(
        &self,
        account: &AccountId,
        id: &ConsoleSessionId,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let there = (":account", text(account.as_str()));
        let writes = vec![
            self.write_delete(&keys::console_session(account, id), "account = :account", there)?,
            self.write_audit(audit)?,
        ];
        Ok(self.transact(writes).await? == Transaction::Done)
    }
}

/// What has to go so that one more session fits: the longest unseen first.
fn surplus(items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let seen = |item: Item| read::<ConsoleSession>(item.clone()).map(|session| (session.last_seen, item));
    let mut all = items.into_iter().map(seen).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|(last_seen, _)| *last_seen);
    let count = (all.len() + 1).saturating_sub(SESSIONS_MAX);
    Ok(all.into_iter().take(count).map(|(_, item)| item).collect())
}
