//! The people of an enterprise, page by page through their partitions.

use std::fmt;
use std::str::FromStr;

use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::Person;

use crate::keys::{self, PERSON_SHARDS};
use crate::store::{Store, StoreError, read, text, unavailable};

/// A place between two people: the partition, and the person after whom it goes on there. As text `07` or `07-user`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleCursor {
    shard: u32,
    after: Option<WeLinkUserId>,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct NoCursor;

impl FromStr for PeopleCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (shard, after) = text.split_once('-').map_or((text, None), |(shard, after)| (shard, Some(after)));
        let shard = shard.parse().ok().filter(|shard| *shard < PERSON_SHARDS).ok_or(NoCursor)?;
        let after = after.map(WeLinkUserId::parse).transpose().map_err(|_| NoCursor)?;
        Ok(Self { shard, after })
    }
}

impl fmt::Display for PeopleCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.shard)?;
        self.after.as_ref().map_or(Ok(()), |after| write!(f, "-{after}"))
    }
}

impl PeopleCursor {
    /// The place after this person.
    #[must_use]
    pub fn after(&self, person: &Person) -> Self {
        Self { shard: self.shard, after: Some(person.user_id.clone()) }
    }

    /// The beginning of each partition: whoever reads them side by side begins at all of them.
    pub fn partitions() -> impl Iterator<Item = Self> {
        (0..PERSON_SHARDS).map(|shard| Self { shard, after: None })
    }

    /// Whether both lie in one partition.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.shard == other.shard
    }
}

impl Store {
    /// At most `limit` people from `from` on, by one Query; a page may be empty and not the last one. `None` = there
    /// are no more.
    pub async fn people(
        &self,
        enterprise: &EnterpriseId,
        from: &PeopleCursor,
        limit: i32,
    ) -> Result<(Vec<Person>, Option<PeopleCursor>), StoreError> {
        let mut query = self.query(&keys::people_partition(enterprise, from.shard)).limit(limit);
        if let Some(after) = &from.after {
            query = query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", text(keys::person(enterprise, after).sk));
        }
        let page = query.send().await.map_err(unavailable)?;
        let more = page.last_evaluated_key.is_some();
        let people = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<Person>, _>>()?;
        let next = match people.last() {
            Some(last) if more => Some(from.after(last)),
            _ if from.shard + 1 < PERSON_SHARDS => Some(PeopleCursor { shard: from.shard + 1, after: None }),
            _ => None,
        };
        Ok((people, next))
    }
}
