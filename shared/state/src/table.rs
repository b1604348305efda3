//! The table itself: the one source of truth for its keys and its TTL. `template.yaml` is tested against it, the
//! embedded engine creates it from it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::store::{StoreError, unavailable};

pub const PARTITION_KEY: &str = "pk";
pub const SORT_KEY: &str = "sk";
/// Seconds since the epoch after which the table may drop the item. Expiry that matters is also checked in code.
pub const TTL: &str = "ttl";

/// Creates the table on an embedded engine unless it is there. On AWS the template does it.
pub async fn create(client: &Client, name: &str) -> Result<(), StoreError> {
    if client.describe_table().table_name(name).send().await.is_ok() {
        return Ok(());
    }
    let key = |attribute: &str, kind| KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build();
    let text = |attribute: &str| {
        AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build()
    };
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(PARTITION_KEY, KeyType::Hash).map_err(unavailable)?)
        .key_schema(key(SORT_KEY, KeyType::Range).map_err(unavailable)?)
        .attribute_definitions(text(PARTITION_KEY).map_err(unavailable)?)
        .attribute_definitions(text(SORT_KEY).map_err(unavailable)?)
        .send()
        .await
        .map_err(unavailable)?;
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build().map_err(unavailable)?;
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await.map_err(unavailable)?;
    Ok(())
}
