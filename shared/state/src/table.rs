//! The table itself: key names, TTL, indexes, and its creation on an embedded engine. On AWS `template.yaml` creates
//! it; the golden tests compare the two.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TableDescription, TimeToLiveSpecification,
};

use crate::index::{INDEXES, Index};
use crate::store::{StoreError, unavailable};

pub const PARTITION_KEY: &str = "pk";
pub const SORT_KEY: &str = "sk";
/// Seconds since the epoch after which the table may drop the item. Expiry that matters is also checked in code.
pub const TTL: &str = "ttl";

/// How often a new index is looked at, and how many times: five minutes in all.
const INDEX_LOOK_AGAIN: Duration = Duration::from_millis(100);
const INDEX_LOOKS_MAX: usize = 3_000;

/// Creates the table on an embedded engine unless it is there, and adds the indexes that a table of an older release
/// lacks. On AWS the template does it.
pub async fn create(client: &Client, name: &str) -> Result<(), StoreError> {
    if let Ok(answer) = client.describe_table().table_name(name).send().await {
        return match answer.table {
            Some(table) => add_indexes(client, name, &table).await,
            None => Ok(()),
        };
    }
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(PARTITION_KEY, SORT_KEY)?))
        .set_attribute_definitions(Some(texts(&[PARTITION_KEY, SORT_KEY])?));
    for index in INDEXES {
        for attribute in texts(&[index.partition, index.sort])? {
            request = request.attribute_definitions(attribute);
        }
        let built = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_schema(index.partition, index.sort)?))
            .projection(projection(&index));
        request = request.global_secondary_indexes(built.build().map_err(unavailable)?);
    }
    request.send().await.map_err(unavailable)?;
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build().map_err(unavailable)?;
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await.map_err(unavailable)?;
    Ok(())
}

/// One index an update, as DynamoDB demands.
async fn add_indexes(client: &Client, name: &str, table: &TableDescription) -> Result<(), StoreError> {
    let there = |index: &Index| table.global_secondary_indexes().iter().any(|i| i.index_name() == Some(index.name));
    for index in INDEXES.iter().filter(|index| !there(index)) {
        let action = CreateGlobalSecondaryIndexAction::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_schema(index.partition, index.sort)?))
            .projection(projection(index));
        let update = GlobalSecondaryIndexUpdate::builder().create(action.build().map_err(unavailable)?).build();
        let request = client.update_table().table_name(name).global_secondary_index_updates(update);
        let request = request.set_attribute_definitions(Some(texts(&[index.partition, index.sort])?));
        request.send().await.map_err(unavailable)?;
        until_active(client, name, index).await?;
    }
    Ok(())
}

async fn until_active(client: &Client, name: &str, index: &Index) -> Result<(), StoreError> {
    for _ in 0..INDEX_LOOKS_MAX {
        let answer = client.describe_table().table_name(name).send().await.map_err(unavailable)?;
        let indexes = answer.table.and_then(|table| table.global_secondary_indexes).unwrap_or_default();
        let ours = indexes.iter().find(|i| i.index_name() == Some(index.name));
        if ours.is_some_and(|i| i.index_status() == Some(&IndexStatus::Active)) {
            return Ok(());
        }
        tokio::time::sleep(INDEX_LOOK_AGAIN).await;
    }
    Err(StoreError::Unavailable(format!("the index {} is not ready", index.name)))
}

fn key_schema(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, StoreError> {
    let key = |attribute: &str, kind| KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build();
    let pair = [key(partition, KeyType::Hash), key(sort, KeyType::Range)];
    pair.into_iter().collect::<Result<_, _>>().map_err(unavailable)
}

fn texts(attributes: &[&str]) -> Result<Vec<AttributeDefinition>, StoreError> {
    let text = |attribute: &&str| {
        AttributeDefinition::builder().attribute_name(*attribute).attribute_type(ScalarAttributeType::S).build()
    };
    attributes.iter().map(text).collect::<Result<_, _>>().map_err(unavailable)
}

fn projection(index: &Index) -> Projection {
    let shown = index.shows.iter().map(|&name| name.to_owned()).collect();
    Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(shown)).build()
}
