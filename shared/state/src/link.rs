//! Links between people and OA users: both sides in one transaction, so that one to one holds at every moment
//! (product.md Q27).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::Entry;
use domain::ids::{EnterpriseId, OaUserId, WeLinkUserId};
use domain::model::{Link, Person};
use serde::{Deserialize, Serialize};

use crate::index::{account_entry, person_item};
use crate::keys;
use crate::store::{Change, Item, Store, StoreError, Transaction, Write, item, read, text, value_of};
use crate::table::SORT_KEY;

/// The OA user's side of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Back {
    pub(crate) person: WeLinkUserId,
}

/// Both sides of a link, from the item of the OA user's side.
pub(crate) fn sides(item: Item) -> Result<(OaUserId, WeLinkUserId), StoreError> {
    let sort = item.get(SORT_KEY).and_then(|sort| sort.as_s().ok()).and_then(|sort| sort.strip_prefix("B#"));
    let oa_user = sort.and_then(|id| OaUserId::parse(id).ok());
    let oa_user = oa_user.ok_or_else(|| StoreError::Damaged("a link without its OA user".to_owned()))?;
    read(item).map(|back: Back| (oa_user, back.person))
}

/// How binding or unbinding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Done,
    /// There is no such person, or he has a link already (when binding) or not this one (when unbinding).
    PersonRefused,
    /// The OA user is linked to somebody.
    OaUserTaken,
}

impl Store {
    /// Links a person who has no link to an OA user who has none.
    pub async fn bind(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        link: &Link,
        audit: &Entry,
    ) -> Result<Bound, StoreError> {
        let [person, back] = self.write_bind(enterprise, user, link)?;
        let writes = vec![person, back, self.write_audit(audit)?];
        Ok(match self.transact(writes).await? {
            Transaction::Done => Bound::Done,
            Transaction::Refused(1, _) => Bound::OaUserTaken,
            Transaction::Refused(..) => Bound::PersonRefused,
        })
    }

    /// Both sides of a new link: the person's, who has none, and the OA user's, who has none.
    pub(crate) fn write_bind(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        link: &Link,
    ) -> Result<[Write; 2], StoreError> {
        let [partition, sort] = account_entry(enterprise, user, true);
        let person = Change {
            set: "SET #link = :link, #apk = :apk, #ask = :ask",
            condition: "attribute_exists(pk) AND (attribute_not_exists(#link) OR attribute_type(#link, :null))",
            names: vec![("#link", "link"), ("#apk", partition.0), ("#ask", sort.0)],
            values: vec![
                (":link", value_of(link)?),
                (":null", text("NULL")),
                (":apk", text(partition.1)),
                (":ask", text(sort.1)),
            ],
        };
        let back = item(&keys::link_by_oa_user(enterprise, &link.oa_user), &Back { person: user.clone() }, None)?;
        Ok([self.write_change(&keys::person(enterprise, user), person)?, self.write_new(back)?])
    }

    /// Writes a person who is not in the copy yet together with his link.
    pub async fn create_linked_person(&self, person: &Person, link: &Link, audit: &Entry) -> Result<Bound, StoreError> {
        let person = Person { link: Some(link.clone()), ..person.clone() };
        let back = keys::link_by_oa_user(&person.enterprise, &link.oa_user);
        let writes = vec![
            self.write_new(person_item(&person)?)?,
            self.write_new(item(&back, &Back { person: person.user_id.clone() }, None)?)?,
            self.write_audit(audit)?,
        ];
        Ok(match self.transact(writes).await? {
            Transaction::Done => Bound::Done,
            Transaction::Refused(1, _) => Bound::OaUserTaken,
            Transaction::Refused(..) => Bound::PersonRefused,
        })
    }

    /// Removes the link between exactly these two, and marks the person "do not auto-link".
    pub async fn unbind(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        oa_user: &OaUserId,
        audit: &Entry,
    ) -> Result<Bound, StoreError> {
        let [partition, sort] = account_entry(enterprise, user, false);
        let person = Change {
            // An explicit unbinding also says that matching shall not undo it (product.md Q26).
            set: "SET no_auto_bind = :yes, #apk = :apk, #ask = :ask REMOVE #link, unlink_asked",
            condition: "#link.oa_user = :oa_user",
            names: vec![("#link", "link"), ("#apk", partition.0), ("#ask", sort.0)],
            values: vec![
                (":oa_user", text(oa_user.as_str())),
                (":yes", AttributeValue::Bool(true)),
                (":apk", text(partition.1)),
                (":ask", text(sort.1)),
            ],
        };
        let back = keys::link_by_oa_user(enterprise, oa_user);
        let writes = vec![
            self.write_change(&keys::person(enterprise, user), person)?,
            self.write_delete(&back, "person = :user", (":user", text(user.as_str())))?,
            self.write_audit(audit)?,
        ];
        Ok(match self.transact(writes).await? {
            Transaction::Done => Bound::Done,
            Transaction::Refused(1, _) => Bound::OaUserTaken,
            Transaction::Refused(..) => Bound::PersonRefused,
        })
    }

    /// Who is linked to this OA user.
    pub async fn linked_to(
        &self,
        enterprise: &EnterpriseId,
        oa_user: &OaUserId,
    ) -> Result<Option<WeLinkUserId>, StoreError> {
        let back: Option<Back> = self.get(&keys::link_by_oa_user(enterprise, oa_user)).await?;
        Ok(back.map(|back| back.person))
    }
}
