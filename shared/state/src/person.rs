//! People of the bridge copy.

use domain::audit::Entry;
use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::Person;

use crate::keys;
use crate::store::{Store, StoreError, Transaction, item};

impl Store {
    /// The person with his link: the one read of a sign-in.
    pub async fn person(&self, enterprise: &EnterpriseId, user: &WeLinkUserId) -> Result<Option<Person>, StoreError> {
        self.get(&keys::person(enterprise, user)).await
    }

    /// Writes a person who was not there, with the audit entry that says so. `false` when somebody else was first:
    /// his item stays as it is.
    pub async fn create_person(&self, person: &Person, audit: &Entry) -> Result<bool, StoreError> {
        let key = keys::person(&person.enterprise, &person.user_id);
        let writes = vec![self.write_new(item(&key, person, None)?)?, self.write_audit(audit)?];
        Ok(self.transact(writes).await? == Transaction::Done)
    }
}
