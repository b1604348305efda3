//! People of the bridge copy.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::Entry;
use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::Person;

use crate::index::person_item;
use crate::keys;
use crate::store::{Change, Store, StoreError, Transaction};

impl Store {
    /// The person with his link: the one read of a sign-in.
    pub async fn person(&self, enterprise: &EnterpriseId, user: &WeLinkUserId) -> Result<Option<Person>, StoreError> {
        self.get(&keys::person(enterprise, user)).await
    }

    /// Writes a person who was not there, with the audit entry that says so. `false` when somebody else was first:
    /// his item stays as it is.
    pub async fn create_person(&self, person: &Person, audit: &Entry) -> Result<bool, StoreError> {
        let writes = vec![self.write_new(person_item(person)?)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// Sets or takes away the mark "do not auto-link" (product.md Q26). `false` when there is no such person.
    pub async fn mark_no_auto_bind(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        marked: bool,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let change = Change {
            set: "SET no_auto_bind = :marked",
            condition: "attribute_exists(pk)",
            names: vec![],
            values: vec![(":marked", AttributeValue::Bool(marked))],
        };
        let writes = vec![self.write_change(&keys::person(enterprise, user), change)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }
}
