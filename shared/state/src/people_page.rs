//! People of an enterprise, page by page.

use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::Person;

use crate::keys;
use crate::store::{Store, StoreError, read, text, unavailable};

/// People of one page at most.
pub const PAGE_MAX: i32 = 100;

impl Store {
    /// The next people of a shard (below [`keys::PERSON_SHARDS`]) in the order of their ids, those after `after`; with
    /// them the id to go on after, `None` at the end of the shard.
    pub async fn people_page(
        &self,
        enterprise: &EnterpriseId,
        shard: u32,
        after: Option<&WeLinkUserId>,
    ) -> Result<(Vec<Person>, Option<WeLinkUserId>), StoreError> {
        let from = after.map_or_else(|| "P#".to_owned(), |user| format!("P#{user}"));
        let page = self
            .query(&keys::people_partition(enterprise, shard))
            .key_condition_expression("pk = :pk AND sk > :from")
            .expression_attribute_values(":from", text(from))
            .limit(PAGE_MAX)
            .send()
            .await
            .map_err(unavailable)?;
        let items = page.items.unwrap_or_default().into_iter();
        let people: Vec<Person> = items.map(read).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key.and_then(|_| people.last().map(|person| person.user_id.clone()));
        Ok((people, next))
    }
}
