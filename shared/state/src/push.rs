//! Messages of the OAs with their deliveries. A message is one item with up to [`PART`] deliveries, so that a message
//! to one person costs two writes; the deliveries of a larger one lie in further items beside it.
//!
//! Whoever works on a part writes his claims into it first, under a nonce of his own, and what became of them second.
//! Both writes demand the version that he has seen: of two workers one goes on.

use domain::audit::Entry;
use domain::ids::{MessageId, TenantId};
use domain::push::delivery::{Delivery, KEPT_S, Message};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::index::BY_ACCOUNT;
use crate::keys;
use crate::store::{Item, Outcome, Store, StoreError, Transaction, item, number, read, text, unavailable};
use crate::table::SORT_KEY;

/// Deliveries of one item.
pub const PART: usize = 100;
/// Messages of a page of the log.
const PAGE: i32 = 50;

/// One item: the deliveries are a text, nobody asks the table about a single one.
#[derive(Serialize, Deserialize)]
struct Part {
    version: u64,
    deliveries: String,
    /// The message without its deliveries; in part 0 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// How many parts there are.
    parts: usize,
}

/// A message as it was read, with the versions of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub message: Message,
    versions: Vec<u64>,
}

impl Stored {
    /// One that is not in the table yet.
    pub fn new(message: Message) -> Self {
        let parts = message.deliveries.len().div_ceil(PART).max(1);
        Self { message, versions: vec![0; parts] }
    }

    pub fn parts(&self) -> usize {
        self.versions.len()
    }

    /// Whether it is not in the table yet.
    pub fn is_new(&self) -> bool {
        self.versions.first() == Some(&0)
    }

    /// The deliveries of a part, by their places in the message.
    pub fn places(&self, part: usize) -> std::ops::Range<usize> {
        let end = self.message.deliveries.len();
        (part * PART).min(end)..((part + 1) * PART).min(end)
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Damaged(e.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Damaged(e.to_string()))
}

/// The day that a message came, `yyyymmdd` in UTC.
fn day(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime("%Y%m%d").to_string()).unwrap_or_default()
}

impl Store {
    /// The message with all its deliveries. Where its maker has died between its parts, the missing ones are as they
    /// would have begun.
    pub async fn message(&self, id: &MessageId) -> Result<Option<Stored>, StoreError> {
        let mut parts = self.all(&keys::message_partition(id)).await?.into_iter().map(read::<Part>);
        let Some(first) = parts.next().transpose()? else { return Ok(None) };
        let head = first.head.as_deref().ok_or_else(|| StoreError::Damaged("a message without its head".to_owned()))?;
        let mut message: Message = parsed(head)?;
        let (mut versions, wanted) = (vec![first.version], first.parts);
        message.deliveries = parsed(&first.deliveries)?;
        for part in parts {
            let part = part?;
            message.deliveries.extend(parsed::<Vec<Delivery>>(&part.deliveries)?);
            versions.push(part.version);
        }
        let missing = message.at_first().into_iter().skip(message.deliveries.len());
        message.deliveries.extend(missing);
        versions.resize(wanted, 0);
        Ok(Some(Stored { message, versions }))
    }

    /// Writes these parts as they are now; all of them, the head first, when the message is new. `false` = somebody
    /// else has made the message, or written one of its parts.
    pub async fn save_message(&self, stored: &mut Stored, parts: &[usize]) -> Result<bool, StoreError> {
        let all: Vec<usize> = (0..stored.parts()).collect();
        let parts = if stored.is_new() { &all } else { parts };
        for part in parts {
            let item = part_item(stored, *part)?;
            let done = match stored.versions[*part] {
                0 => matches!(self.put_new(item).await?, Outcome::Done(_)),
                seen => self.put_if(item, "version = :seen", Some((":seen", number(seen)))).await?,
            };
            if !done {
                return Ok(false);
            }
            stored.versions[*part] += 1;
        }
        Ok(true)
    }

    /// Writes the parts of these deliveries, which are due again, with the audit entry. `false` = somebody else has
    /// written one meanwhile.
    pub async fn resend_message(
        &self,
        stored: &mut Stored,
        places: &[usize],
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let parts: std::collections::BTreeSet<usize> = places.iter().map(|at| at / PART).collect();
        let due = PushDue { message: stored.message.id.clone(), at: self.clock.now() };
        let mut writes =
            vec![self.write_audit(audit)?, self.write_over(item(&keys::push_due(&due.message, due.at), &due, None)?)?];
        for part in &parts {
            let seen = vec![(":seen", number(stored.versions[*part]))];
            writes.push(self.write_if(part_item(stored, *part)?, "version = :seen", seen)?);
        }
        let done = self.transact(writes).await? == Transaction::Done;
        if done {
            for part in &parts {
                stored.versions[*part] += 1;
            }
        }
        Ok(done)
    }

    /// Ids of the messages that came on the day of `at`, before the place `before`, newest first, with the place to go
    /// on from.
    pub async fn messages_of_day(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        before: Option<&str>,
    ) -> Result<(Vec<MessageId>, Option<String>), StoreError> {
        let (partition, sort) = (BY_ACCOUNT.partition, BY_ACCOUNT.sort);
        let page = self
            .client
            .query()
            .table_name(&*self.name)
            .index_name(BY_ACCOUNT.name)
            .key_condition_expression("#p = :p AND #s < :before")
            .expression_attribute_names("#p", partition)
            .expression_attribute_names("#s", sort)
            .expression_attribute_values(":p", text(keys::messages_partition(tenant, &day(at))))
            .expression_attribute_values(":before", text(before.unwrap_or("~")))
            .scan_index_forward(false)
            .limit(PAGE)
            .send()
            .await
            .map_err(unavailable)?;
        let more = page.last_evaluated_key.is_some();
        let places: Vec<String> = page.items.unwrap_or_default().iter().filter_map(|item| place(item, sort)).collect();
        let ids = places.iter().filter_map(|place| MessageId::parse(place.split_once('#')?.1).ok()).collect();
        Ok((ids, places.last().filter(|_| more).cloned()))
    }

    /// Notes that the message is to be gone on with then.
    pub async fn schedule_push(&self, id: &MessageId, at: Timestamp) -> Result<(), StoreError> {
        let due = PushDue { message: id.clone(), at };
        self.put(item(&keys::push_due(id, at), &due, None)?).await
    }

    /// Messages that are due until `now`, earliest first, at most `limit`.
    pub async fn push_due(&self, tenant: &TenantId, now: Timestamp, limit: i32) -> Result<Vec<PushDue>, StoreError> {
        let page = self
            .query(&keys::push_due_partition(tenant))
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":now", text(format!("{:013}$", now.0.max(0))))
            .limit(limit)
            .send()
            .await
            .map_err(unavailable)?;
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Removes what has been gone on with.
    pub async fn finish_push(&self, due: &PushDue) -> Result<(), StoreError> {
        let key = keys::push_due(&due.message, due.at);
        // `false` = another tick was faster.
        self.delete_if(&key, "pk = :pk", (":pk", text(&key.pk))).await.map(|_| ())
    }
}

/// The item of a part as it is now, with its next version.
fn part_item(stored: &Stored, part: usize) -> Result<Item, StoreError> {
    let message = &stored.message;
    let head = match part {
        0 => Some(json(&Message { deliveries: Vec::new(), ..message.clone() })?),
        _ => None,
    };
    let deliveries = json(&message.deliveries[stored.places(part)].to_vec())?;
    let written = Part { version: stored.versions[part] + 1, deliveries, head, parts: stored.parts() };
    let mut item = item(&keys::message(&message.id, part), &written, Some(message.received.plus_s(KEPT_S)))?;
    if part == 0 {
        let partition = keys::messages_partition(&message.id.tenant(), &day(message.received));
        item.insert(BY_ACCOUNT.partition.to_owned(), text(partition));
        item.insert(BY_ACCOUNT.sort.to_owned(), text(format!("{:013}#{}", message.received.0.max(0), message.id)));
    }
    Ok(item)
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDue {
    pub message: MessageId,
    pub at: Timestamp,
}

fn place(item: &Item, sort: &str) -> Option<String> {
    item.get(sort).or_else(|| item.get(SORT_KEY)).and_then(|sort| sort.as_s().ok()).cloned()
}
