//! The writes that a transaction is made of, each with its condition.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::keys::Key;
use crate::store::{Change, Item, Store, StoreError, Write, damaged, number, text};
use crate::table::{PARTITION_KEY, SORT_KEY};

impl Store {
    /// A put that fails when the key is taken.
    pub(crate) fn write_new(&self, item: Item) -> Result<Write, StoreError> {
        let put = Put::builder()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(Write(TransactWriteItem::builder().put(put.build().map_err(damaged)?).build()))
    }

    /// A put that replaces the item while it still has `version`; one that was stored before versions has 0.
    pub(crate) fn write_version(&self, item: Item, version: u64) -> Result<Write, StoreError> {
        let unversioned = "version = :seen OR (attribute_exists(pk) AND attribute_not_exists(version))";
        let put = Put::builder()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression(if version == 0 { unversioned } else { "version = :seen" })
            .expression_attribute_values(":seen", number(version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(Write(TransactWriteItem::builder().put(put.build().map_err(damaged)?).build()))
    }

    /// A put that replaces the item under a condition on several values.
    pub(crate) fn write_if(
        &self,
        item: Item,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Write, StoreError> {
        let mut put = Put::builder()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            put = put.expression_attribute_values(name, value);
        }
        Ok(Write(TransactWriteItem::builder().put(put.build().map_err(damaged)?).build()))
    }

    /// The same with names for attributes that the table's language keeps for itself.
    pub(crate) fn write_if_named(
        &self,
        item: Item,
        condition: &str,
        names: &[(&str, &str)],
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Write, StoreError> {
        let mut put = Put::builder()
            .table_name(&*self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, attribute) in names {
            put = put.expression_attribute_names(*name, *attribute);
        }
        for (name, value) in values {
            put = put.expression_attribute_values(name, value);
        }
        Ok(Write(TransactWriteItem::builder().put(put.build().map_err(damaged)?).build()))
    }

    /// A put without a condition, for a value that belongs to another write of the same transaction.
    pub(crate) fn write_over(&self, item: Item) -> Result<Write, StoreError> {
        let put = Put::builder().table_name(&*self.name).set_item(Some(item));
        Ok(Write(TransactWriteItem::builder().put(put.build().map_err(damaged)?).build()))
    }

    /// A deletion without a condition, of what may be gone already.
    pub(crate) fn write_remove(&self, key: &Key) -> Result<Write, StoreError> {
        let delete =
            Delete::builder().table_name(&*self.name).key(PARTITION_KEY, text(&key.pk)).key(SORT_KEY, text(&key.sk));
        Ok(Write(TransactWriteItem::builder().delete(delete.build().map_err(damaged)?).build()))
    }

    pub(crate) fn write_delete(
        &self,
        key: &Key,
        condition: &str,
        value: (&str, AttributeValue),
    ) -> Result<Write, StoreError> {
        self.write_delete_if(key, condition, vec![value])
    }

    /// A deletion under a condition on several values.
    pub(crate) fn write_delete_if(
        &self,
        key: &Key,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Write, StoreError> {
        let mut delete = Delete::builder()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            delete = delete.expression_attribute_values(name, value);
        }
        Ok(Write(TransactWriteItem::builder().delete(delete.build().map_err(damaged)?).build()))
    }

    /// A deletion under `change`'s condition; what it would set is not looked at.
    pub(crate) fn write_delete_under(&self, key: &Key, change: Change) -> Result<Write, StoreError> {
        let mut delete = Delete::builder()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .condition_expression(change.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, attribute) in change.names {
            delete = delete.expression_attribute_names(name, attribute);
        }
        for (name, value) in change.values {
            delete = delete.expression_attribute_values(name, value);
        }
        Ok(Write(TransactWriteItem::builder().delete(delete.build().map_err(damaged)?).build()))
    }

    pub(crate) fn write_change(&self, key: &Key, change: Change) -> Result<Write, StoreError> {
        let mut update = Update::builder()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .update_expression(change.set)
            .condition_expression(change.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, attribute) in change.names {
            update = update.expression_attribute_names(name, attribute);
        }
        for (name, value) in change.values {
            update = update.expression_attribute_values(name, value);
        }
        Ok(Write(TransactWriteItem::builder().update(update.build().map_err(damaged)?).build()))
    }

    /// Fails the transaction unless the condition holds; writes nothing.
    pub(crate) fn check(
        &self,
        key: &Key,
        condition: &str,
        names: &[(&str, &str)],
        value: (&str, AttributeValue),
    ) -> Result<Write, StoreError> {
        let mut check = ConditionCheck::builder()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .condition_expression(condition)
            .expression_attribute_values(value.0, value.1)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, attribute) in names {
            check = check.expression_attribute_names(*name, *attribute);
        }
        Ok(Write(TransactWriteItem::builder().condition_check(check.build().map_err(damaged)?).build()))
    }
}
