//! To-dos of the OAs as WeLink shows them, by matter (`biz_id`): one item per receiver and app, and one for the end of
//! the whole matter.

use domain::ids::{AppId, OaInstanceId, OaUserId, WeLinkUserId};
use domain::push::todo::{Closed, KEPT_S, Todo};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Outcome, Store, StoreError, item, number, read};

/// What a row shows, kept so that it can be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoText {
    pub title: String,
    pub owner: String,
    pub url: String,
    pub url_pc: String,
    /// Who asks for it; empty when the OA does not say.
    pub applicant: String,
}

/// One receiver's to-do at one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoRow {
    pub app: AppId,
    pub oa_user: OaUserId,
    pub user: WeLinkUserId,
    pub biz_id: String,
    pub shown: TodoText,
    pub todo: Todo,
    /// Who is at it, until when.
    #[serde(default)]
    pub claim: Option<(String, Timestamp)>,
    #[serde(default)]
    pub version: u64,
}

impl Store {
    pub async fn todo(
        &self,
        instance: &OaInstanceId,
        matter: &str,
        app: &AppId,
        oa_user: &OaUserId,
    ) -> Result<Option<TodoRow>, StoreError> {
        self.get(&keys::todo(instance, matter, app, oa_user)).await
    }

    /// The to-dos of a matter, of all receivers and apps.
    pub async fn todos(&self, instance: &OaInstanceId, matter: &str) -> Result<Vec<TodoRow>, StoreError> {
        let rows = self.all(&keys::todos_partition(instance, matter)).await?;
        let is_row = |item: &crate::store::Item| {
            item.get(crate::table::SORT_KEY).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with("R#"))
        };
        rows.into_iter().filter(is_row).map(read).collect()
    }

    /// Writes a to-do over the one of `row.version`, 0 = there is none, and gives it its next version. `false` =
    /// somebody else was faster.
    pub async fn save_todo(
        &self,
        instance: &OaInstanceId,
        matter: &str,
        row: &mut TodoRow,
    ) -> Result<bool, StoreError> {
        let key = keys::todo(instance, matter, &row.app, &row.oa_user);
        let seen = row.version;
        let next = TodoRow { version: seen + 1, ..row.clone() };
        let written = item(&key, &next, next.todo.forgotten())?;
        let done = match seen {
            0 => matches!(self.put_new(written).await?, Outcome::Done(_)),
            _ => self.put_if(written, "version = :seen", Some((":seen", number(seen)))).await?,
        };
        if done {
            *row = next;
        }
        Ok(done)
    }

    /// When the whole matter has ended, if it has.
    pub async fn todo_closed(&self, instance: &OaInstanceId, matter: &str) -> Result<Option<Closed>, StoreError> {
        self.get(&keys::todo_closed(instance, matter)).await
    }

    /// Notes the end of a whole matter; of several the latest counts.
    pub async fn close_todos(&self, instance: &OaInstanceId, matter: &str, closed: Closed) -> Result<(), StoreError> {
        let kept = closed.time.max(self.clock.now()).plus_s(KEPT_S);
        let written = item(&keys::todo_closed(instance, matter), &closed, Some(kept))?;
        let time = (":time", number(closed.time.0));
        // Refused = a later end is known.
        self.put_if(written, "attribute_not_exists(pk) OR closed_ms < :time", Some(time)).await.map(|_| ())
    }

    /// Whom an OA user's messages of this enterprise go to, with his names in WeLink; `None` = he is not linked, or his
    /// person is missing from WeLink.
    pub async fn receiver(
        &self,
        enterprise: &domain::ids::EnterpriseId,
        oa_user: &OaUserId,
    ) -> Result<Option<domain::model::Person>, StoreError> {
        let Some(user) = self.linked_to(enterprise, oa_user).await? else { return Ok(None) };
        let person = self.person(enterprise, &user).await?;
        let linked = |person: &domain::model::Person| {
            person.status == domain::model::PersonStatus::Active
                && person.link.as_ref().is_some_and(|link| link.oa_user == *oa_user)
        };
        Ok(person.filter(linked))
    }
}

/// A name for a matter that fits into a key.
pub fn matter(biz_id: &str) -> String {
    platform::secret::sha256_hex(biz_id).chars().take(32).collect()
}
