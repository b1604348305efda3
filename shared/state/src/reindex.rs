//! Gives people of an older release, or of an older form of the indexes, their index attributes.
//!
//! It may be interrupted and repeated at any point: whoever has the right attributes is left alone, and each write
//! holds only while the person is as he was read. Whoever changes him meanwhile writes the attributes himself.

use domain::ids::EnterpriseId;
use domain::model::Person;
use serde::{Deserialize, Serialize};

use crate::directory::Cursor;
use crate::index::{INDEXES, person_entries};
use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, item, read, text, unavailable};
use crate::table::SORT_KEY;

/// The present form of the index attributes.
const FORM: u32 = 1;
/// People that one call looks at.
const PAGE_PEOPLE: i32 = 100;

/// What one call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// People looked at.
    pub seen: usize,
    /// People whose attributes were written.
    pub written: usize,
    /// Where to go on; `None` = all people of the enterprise are done.
    pub next: Option<Cursor>,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    form: u32,
}

impl Store {
    /// Looks at the next people of the enterprise, in the order of their partitions.
    pub async fn reindex(&self, enterprise: &EnterpriseId, from: Option<&Cursor>) -> Result<Reindexed, StoreError> {
        let (shard, after) = from.map(place).unwrap_or_default();
        let mut query = self.query(&keys::people_partition(enterprise, shard)).limit(PAGE_PEOPLE);
        if !after.is_empty() {
            query = query.key_condition_expression("pk = :pk AND sk > :after");
            query = query.expression_attribute_values(":after", text(after));
        }
        let page = query.send().await.map_err(unavailable)?;
        let items = page.items.unwrap_or_default();
        let (seen, mut written) = (items.len(), 0);
        for item in items {
            written += usize::from(self.reindex_person(item).await?);
        }
        let last = page.last_evaluated_key.and_then(|key| key.get(SORT_KEY)?.as_s().ok().cloned());
        let next = match last {
            Some(sort) => Some(format!("{shard:02}{sort}")),
            None if shard + 1 < keys::PERSON_SHARDS => Some(format!("{:02}", shard + 1)),
            None => None,
        };
        Ok(Reindexed { seen, written, next: next.map(Cursor) })
    }

    /// Whether the attributes had to be written.
    async fn reindex_person(&self, item: Item) -> Result<bool, StoreError> {
        let has = |(name, value): &(&str, String)| item.get(*name).is_some_and(|old| old.as_s() == Ok(value));
        let person: Person = read(item.clone())?;
        let entries = person_entries(&person);
        if entries.iter().all(has) {
            return Ok(false);
        }
        let condition = match (item.contains_key("link"), item.contains_key("departments")) {
            (true, true) => "name_zh = :zh AND name_en = :en AND #link = :link AND departments = :departments",
            (true, false) => "name_zh = :zh AND name_en = :en AND #link = :link AND attribute_not_exists(departments)",
            (false, true) => {
                "name_zh = :zh AND name_en = :en AND attribute_not_exists(#link) AND departments = :departments"
            }
            (false, false) => {
                "name_zh = :zh AND name_en = :en AND attribute_not_exists(#link) AND attribute_not_exists(departments)"
            }
        };
        let mut change = Change {
            set: "SET #0 = :0, #1 = :1, #2 = :2, #3 = :3, #4 = :4, #5 = :5",
            condition,
            names: vec![("#link", "link")],
            values: vec![(":zh", text(&person.name_zh)), (":en", text(&person.name_en))],
        };
        for (name, attribute) in [(":link", "link"), (":departments", "departments")] {
            change.values.extend(item.get(attribute).map(|value| (name, value.clone())));
        }
        let places = [("#0", ":0"), ("#1", ":1"), ("#2", ":2"), ("#3", ":3"), ("#4", ":4"), ("#5", ":5")];
        for ((name, value), (attribute, entry)) in places.into_iter().zip(entries) {
            change.names.push((name, attribute));
            change.values.push((value, text(entry)));
        }
        let outcome = self.update(&keys::person(&person.enterprise, &person.user_id), change).await?;
        Ok(matches!(outcome, Outcome::Done(_)))
    }

    /// Gives all people of all tenants their attributes, unless that was done before: what one machine does when it
    /// starts. A hosted installation does it by slices, through the API.
    pub async fn reindex_all(&self) -> Result<(), StoreError> {
        let marker: Option<Marker> = self.get(&keys::registry_directory()).await?;
        if marker.is_some_and(|marker| marker.form >= FORM) {
            return Ok(());
        }
        for tenant in self.tenants().await? {
            let config = self.config_now(&tenant.id).await?;
            for enterprise in config.iter().flat_map(|config| &config.enterprises) {
                let mut from = None;
                loop {
                    let done = self.reindex(&enterprise.id, from.as_ref()).await?;
                    from = done.next;
                    if from.is_none() {
                        break;
                    }
                }
            }
        }
        self.put(item(&keys::registry_directory(), &Marker { form: FORM }, None)?).await
    }
}

/// The shard and the sort key of a cursor; one that was never given out begins anew.
fn place(cursor: &Cursor) -> (u32, &str) {
    let split = cursor.0.split_at_checked(2);
    let parsed = split.and_then(|(shard, sort)| Some((shard.parse().ok()?, sort)));
    parsed.filter(|(shard, _)| *shard < keys::PERSON_SHARDS).unwrap_or_default()
}

/// Three pairs of key attributes: what [`Store::reindex`] writes out by hand above.
const _: () = assert!(INDEXES.len() == 3);
