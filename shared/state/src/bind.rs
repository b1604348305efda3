//! Visits to the binding page, and cases that only a person can settle.

use domain::audit::Entry;
use domain::ids::{BindId, EnterpriseId, OaUserId, WeLinkUserId};
use domain::model::Link;
use domain::session::BindSession;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::link::Bound;
use crate::store::{Change, Outcome, Store, StoreError, Transaction, item, number, read, value_of};

/// Several OA users match one person: he appears once, with the candidates of his last sign-in (product.md BND-05).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub enterprise: EnterpriseId,
    pub user: WeLinkUserId,
    pub candidates: Vec<OaUserId>,
    pub seen: Timestamp,
}

impl Store {
    pub async fn put_bind_session(&self, session: &BindSession) -> Result<(), StoreError> {
        match self.put_new(item(&keys::bind_session(&session.id), session, Some(session.expires))?).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Refused(_) => Err(StoreError::Unavailable("a random id was taken".to_owned())),
        }
    }

    /// The visit, if the secret fits and its time has not passed.
    pub async fn bind_session(&self, id: &BindId, secret: &str) -> Result<Option<BindSession>, StoreError> {
        let session: Option<BindSession> = self.get(&keys::bind_session(id)).await?;
        Ok(session.filter(|s| s.secret == secret && self.clock.now() < s.expires))
    }

    /// Records a conflict; a person has one, the latest.
    pub async fn put_conflict(&self, conflict: &Conflict) -> Result<(), StoreError> {
        let key = keys::conflict(&conflict.enterprise, &conflict.user);
        self.put(item(&key, conflict, None)?).await
    }

    /// The conflict of one person.
    pub async fn conflict(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
    ) -> Result<Option<Conflict>, StoreError> {
        self.get(&keys::conflict(enterprise, user)).await
    }

    /// All open conflicts of an enterprise.
    pub async fn conflicts(&self, enterprise: &EnterpriseId) -> Result<Vec<Conflict>, StoreError> {
        self.all(&keys::conflicts_partition(enterprise)).await?.into_iter().map(read).collect()
    }

    /// Links the person of a case to the chosen candidate and closes the case, while its candidates are still these.
    pub async fn settle_conflict(&self, conflict: &Conflict, link: &Link, audit: &Entry) -> Result<Bound, StoreError> {
        let Conflict { enterprise, user, candidates, .. } = conflict;
        let [person, back] = self.write_bind(enterprise, user, link)?;
        let seen = (":candidates", value_of(candidates)?);
        let case = self.write_delete(&keys::conflict(enterprise, user), "candidates = :candidates", seen)?;
        Ok(match self.transact(vec![person, back, case, self.write_audit(audit)?]).await? {
            Transaction::Done => Bound::Done,
            Transaction::Refused(1, _) => Bound::OaUserTaken,
            Transaction::Refused(..) => Bound::PersonRefused,
        })
    }

    /// Notes that the person asks to be unlinked; `false` when there is nobody linked to ask.
    pub async fn ask_unlink(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let change = Change {
            set: "SET unlink_asked = :now",
            condition: "attribute_exists(#link.oa_user)",
            names: vec![("#link", "link")],
            values: vec![(":now", number(self.clock.now().0))],
        };
        let writes = vec![self.write_change(&keys::person(enterprise, user), change)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }
}
