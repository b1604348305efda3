//! Reading, paging, conditional writes and transactions, done once for all item families.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use domain::time::Timestamp;
use platform::clock::Clock;
use platform::entropy::Entropy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Cache;
use crate::keys::Key;
use crate::table::{PARTITION_KEY, SORT_KEY, TTL};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Pages that one listing reads at most: 200 pages of up to 1 MB are more than any listing of the bridge needs.
const PAGES_MAX: usize = 200;

/// How often a transaction is tried when others are in its way.
const TRANSACTION_ATTEMPTS_MAX: u32 = 4;

/// The table cannot answer. Whoever guards something refuses then (product.md C28).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Try again later.
    #[error("the table does not answer: {0}")]
    Unavailable(String),
    /// An item that this version cannot read; an operator has to look.
    #[error("an item cannot be read: {0}")]
    Damaged(String),
}

pub(crate) fn unavailable(error: impl std::error::Error + 'static) -> StoreError {
    StoreError::Unavailable(platform::aws::describe(&error))
}

/// One write of a transaction.
#[derive(Debug)]
pub struct Write(pub(crate) TransactWriteItem);

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Written, now or by our own earlier attempt whose answer was lost.
    Done(Item),
    /// The condition did not hold; the item as it was, empty when there was none.
    Refused(Item),
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Transaction {
    Done,
    /// Index of the first write whose condition did not hold, with the item as it was.
    Refused(usize, Item),
}

/// The table, with the clock and entropy that its claims need. Cloning shares the caches.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) cache: Arc<Cache>,
    pub(crate) seen: Arc<crate::budget::Seen>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.name)
    }
}

/// An update's expression, with its values.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub set: &'static str,
    pub condition: &'static str,
    pub names: Vec<(&'static str, &'static str)>,
    pub values: Vec<(&'static str, AttributeValue)>,
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn value_of<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(damaged)
}

pub(crate) fn damaged(error: impl fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// Reads an item into the type that its family stores; attributes that the type does not know are ignored, so that an
/// older release reads what a newer one wrote (product.md DEP-05).
pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(damaged)
}

/// Builds the item of `value` under `key`; `expires` becomes its TTL.
pub(crate) fn item<T: Serialize>(key: &Key, value: &T, expires: Option<Timestamp>) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(damaged)?;
    item.insert(PARTITION_KEY.to_owned(), text(&key.pk));
    item.insert(SORT_KEY.to_owned(), text(&key.sk));
    if let Some(at) = expires {
        item.insert(TTL.to_owned(), number(at.epoch_s() + 1));
    }
    Ok(item)
}

impl Store {
    /// `cache_s` is how long a tenant's settings are kept, 0 to 30 seconds.
    pub fn new(client: Client, table: &str, clock: Clock, entropy: Entropy, cache_s: i64) -> Self {
        Self { client, name: table.into(), clock, entropy, cache: Arc::new(Cache::new(cache_s)), seen: Arc::default() }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The SDK client, for the embedded engine's table creation and health checks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn table_name(&self) -> &str {
        &self.name
    }

    /// The time that the table's own server has, to the second, by the `Date` of an answer; `None` when it gives none.
    pub async fn table_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let key = crate::keys::registry_failures("probe");
        let date = platform::aws::DateOfAnswer::default();
        let read = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .customize()
            .interceptor(date.clone());
        read.send().await.map_err(unavailable)?;
        let read =
            |text: String| jiff::fmt::rfc2822::parse(&text).ok().map(|at| Timestamp(at.timestamp().as_millisecond()));
        Ok(date.take().and_then(read))
    }

    /// A nonce that marks a write as ours, should its answer be lost and the SDK repeat it.
    pub fn nonce(&self) -> String {
        self.entropy.token(26)
    }

    /// One consistent read: half a request unit per 4 KB would save little and guard nothing.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        self.get_item(key).await?.map(read).transpose()
    }

    /// The same, not yet read into a type.
    pub(crate) async fn get_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(answer.item)
    }

    /// All items of a partition, in order. Bounded by [`PAGES_MAX`].
    pub(crate) async fn all(&self, partition: &str) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        for _ in 0..PAGES_MAX {
            let page = self.query(partition).set_exclusive_start_key(start).send().await.map_err(unavailable)?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
        Err(StoreError::Unavailable(format!("more than {PAGES_MAX} pages in one listing")))
    }

    /// The beginning of a consistent query over a partition.
    pub(crate) fn query(&self, partition: &str) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&*self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition))
            .consistent_read(true)
    }

    /// Puts an item unless its key is taken. A key taken by this very item is our own earlier attempt: done.
    pub(crate) async fn put_new(&self, item: Item) -> Result<Outcome, StoreError> {
        let sent = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Outcome::Done(item)),
            Err(error) => match refused_put(error)? {
                old if old == item => Ok(Outcome::Done(old)),
                old => Ok(Outcome::Refused(old)),
            },
        }
    }

    /// Puts an item over whatever is there: for notes that only the latest of matters.
    pub(crate) async fn put(&self, item: Item) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&*self.name).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(unavailable)
    }

    /// Puts an item over the one that meets the condition. One that is there as it shall be is our own earlier
    /// attempt: done.
    pub(crate) async fn put_if(
        &self,
        item: Item,
        condition: &str,
        value: Option<(&str, AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let mut request = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(item.clone()))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some((name, value)) = value {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => refused_put(error).map(|old| old == item),
        }
    }

    /// Deletes an item that meets the condition; `false` when it does not.
    pub(crate) async fn delete_if(
        &self,
        key: &Key,
        condition: &str,
        value: (&str, AttributeValue),
    ) -> Result<bool, StoreError> {
        let request = self
            .client
            .delete_item()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .condition_expression(condition)
            .expression_attribute_values(value.0, value.1);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Applies a change under its condition and returns the item as it is afterwards, or as it was when refused.
    pub(crate) async fn update(&self, key: &Key, change: Change) -> Result<Outcome, StoreError> {
        let mut request = self
            .client
            .update_item()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .update_expression(change.set)
            .condition_expression(change.condition)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, attribute) in change.names {
            request = request.expression_attribute_names(name, attribute);
        }
        for (name, value) in change.values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(answer) => Ok(Outcome::Done(answer.attributes.unwrap_or_default())),
            Err(error) => refused_update(error).map(Outcome::Refused),
        }
    }

    /// All writes or none. The SDK's idempotency token makes its own repetition harmless; a conflict with another
    /// transaction is tried again a few times, since it says nothing about our conditions.
    pub(crate) async fn transact(&self, writes: Vec<Write>) -> Result<Transaction, StoreError> {
        let items: Vec<_> = writes.into_iter().map(|write| write.0).collect();
        let mut attempt = 0;
        loop {
            let error = match self.transact_once(items.clone()).await {
                Ok(()) => return Ok(Transaction::Done),
                Err(error) => error,
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(c)) => c.cancellation_reasons(),
                _ => return Err(unavailable(error)),
            };
            if let Some(index) = reasons.iter().position(|r| r.code() == Some("ConditionalCheckFailed")) {
                return Ok(Transaction::Refused(index, reasons[index].item().cloned().unwrap_or_default()));
            }
            attempt += 1;
            if attempt == TRANSACTION_ATTEMPTS_MAX {
                return Err(unavailable(error));
            }
            let wait_ms = (20 << attempt) + self.entropy.below(20);
            tokio::time::sleep(Duration::from_millis(wait_ms.into())).await;
        }
    }

    async fn transact_once(&self, items: Vec<TransactWriteItem>) -> Result<(), SdkError<TransactWriteItemsError, Raw>> {
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        request.client_request_token(self.nonce()).send().await.map(|_| ())
    }
}

type Raw = aws_sdk_dynamodb::config::http::HttpResponse;

fn refused_put(error: SdkError<PutItemError, Raw>) -> Result<Item, StoreError> {
    match error {
        SdkError::ServiceError(inner) => match inner.into_err() {
            PutItemError::ConditionalCheckFailedException(failed) => Ok(failed.item.unwrap_or_default()),
            other => Err(unavailable(other)),
        },
        other => Err(unavailable(other)),
    }
}

fn refused_update(error: SdkError<UpdateItemError, Raw>) -> Result<Item, StoreError> {
    match error {
        SdkError::ServiceError(inner) => match inner.into_err() {
            UpdateItemError::ConditionalCheckFailedException(failed) => Ok(failed.item.unwrap_or_default()),
            other => Err(unavailable(other)),
        },
        other => Err(unavailable(other)),
    }
}
