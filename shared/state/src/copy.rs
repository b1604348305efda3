//! What a run writes to the bridge copy. Each write holds only while no later slice has written the object, and changes
//! what is WeLink's alone: a link that was made meanwhile stays as it is. Repeated, it leaves the same.

use domain::audit::Entry;
use domain::ids::{DeptCode, EnterpriseId, WeLinkUserId};
use domain::model::{Department, Person, PersonStatus};
use domain::time::Timestamp;

use crate::index::{department_entries, department_item, person_entries, person_item};
use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, number, read, text, value_of};

/// How a write to the copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    Done,
    /// A later slice has written the object, or it is not what it was: this one leaves it alone.
    Overtaken,
}

const NOT_LATER: &str = "attribute_exists(pk) AND (attribute_not_exists(fence) OR fence <= :fence)";

fn copied(outcome: &Outcome) -> Copied {
    match outcome {
        Outcome::Done(_) => Copied::Done,
        Outcome::Refused(_) => Copied::Overtaken,
    }
}

fn fenced(mut item: Item, fence: u64) -> Item {
    item.insert("fence".to_owned(), number(fence));
    item
}

impl Store {
    /// All departments of the copy.
    pub async fn all_departments(&self, enterprise: &EnterpriseId) -> Result<Vec<Department>, StoreError> {
        self.all(&keys::departments_partition(enterprise)).await?.into_iter().map(read).collect()
    }

    /// Writes a person as WeLink shows him: of one who is there only what is WeLink's.
    pub async fn copy_person(&self, person: &Person, fence: u64) -> Result<Copied, StoreError> {
        let key = keys::person(&person.enterprise, &person.user_id);
        let update = self.update(&key, person_change(person, fence)?).await?;
        match update {
            Outcome::Refused(there) if there.is_empty() => {}
            other => return Ok(copied(&other)),
        }
        match self.put_new(fenced(person_item(person)?, fence)).await? {
            Outcome::Done(_) => Ok(Copied::Done),
            // He came by signing in at this very moment.
            Outcome::Refused(_) => Ok(copied(&self.update(&key, person_change(person, fence)?).await?)),
        }
    }

    /// Marks a person whom WeLink does not show any more; his link is kept and suspended.
    pub async fn mark_missing(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        since: Timestamp,
        fence: u64,
    ) -> Result<Copied, StoreError> {
        let change = missing_change(since, fence)?;
        Ok(copied(&self.update(&keys::person(enterprise, user), change).await?))
    }

    /// Removes a person who has been missing since then, and his link with him.
    pub async fn drop_person(
        &self,
        person: &Person,
        since: Timestamp,
        fence: u64,
        audit: &Entry,
    ) -> Result<Copied, StoreError> {
        let mut change = Change {
            set: "",
            condition: "#status.#missing.#since = :since AND attribute_not_exists(#link.oa_user) \
                        AND (attribute_not_exists(fence) OR fence <= :fence)",
            names: vec![("#status", "status"), ("#missing", "missing"), ("#since", "since"), ("#link", "link")],
            values: vec![(":since", number(since.0)), (":fence", number(fence))],
        };
        let mut writes = Vec::new();
        if let Some(link) = &person.link {
            change.condition = "#status.#missing.#since = :since AND #link.oa_user = :oa_user \
                                AND (attribute_not_exists(fence) OR fence <= :fence)";
            change.values.push((":oa_user", text(link.oa_user.as_str())));
            let back = keys::link_by_oa_user(&person.enterprise, &link.oa_user);
            writes.push(self.write_delete(&back, "person = :user", (":user", text(person.user_id.as_str())))?);
            writes.push(self.write_audit(audit)?);
        }
        writes.push(self.write_delete_under(&keys::person(&person.enterprise, &person.user_id), change)?);
        Ok(match self.transact(writes).await? {
            Transaction::Done => Copied::Done,
            Transaction::Refused(..) => Copied::Overtaken,
        })
    }

    /// Writes a department as WeLink shows it; its link stays as it is.
    pub async fn copy_department(&self, department: &Department, fence: u64) -> Result<Copied, StoreError> {
        let key = keys::department(&department.enterprise, &department.code);
        match self.update(&key, department_change(department, fence)?).await? {
            Outcome::Refused(there) if there.is_empty() => {}
            other => return Ok(copied(&other)),
        }
        match self.put_new(fenced(department_item(department)?, fence)).await? {
            Outcome::Done(_) => Ok(Copied::Done),
            Outcome::Refused(_) => Ok(copied(&self.update(&key, department_change(department, fence)?).await?)),
        }
    }

    pub async fn mark_department_missing(
        &self,
        enterprise: &EnterpriseId,
        code: &DeptCode,
        since: Timestamp,
        fence: u64,
    ) -> Result<Copied, StoreError> {
        let change = missing_change(since, fence)?;
        Ok(copied(&self.update(&keys::department(enterprise, code), change).await?))
    }

    /// Removes a department that has been missing since then.
    pub async fn drop_department(
        &self,
        enterprise: &EnterpriseId,
        code: &DeptCode,
        since: Timestamp,
        fence: u64,
    ) -> Result<Copied, StoreError> {
        let change = Change {
            set: "",
            condition: "#status.#missing.#since = :since AND (attribute_not_exists(fence) OR fence <= :fence)",
            names: vec![("#status", "status"), ("#missing", "missing"), ("#since", "since")],
            values: vec![(":since", number(since.0)), (":fence", number(fence))],
        };
        let write = self.write_delete_under(&keys::department(enterprise, code), change)?;
        Ok(match self.transact(vec![write]).await? {
            Transaction::Done => Copied::Done,
            // Gone already: by our own earlier attempt.
            Transaction::Refused(_, there) if there.is_empty() => Copied::Done,
            Transaction::Refused(..) => Copied::Overtaken,
        })
    }
}

fn missing_change(since: Timestamp, fence: u64) -> Result<Change, StoreError> {
    Ok(Change {
        set: "SET #status = :missing, fence = :fence",
        condition: NOT_LATER,
        names: vec![("#status", "status")],
        values: vec![(":missing", value_of(&PersonStatus::Missing { since })?), (":fence", number(fence))],
    })
}

fn person_change(person: &Person, fence: u64) -> Result<Change, StoreError> {
    let [department, department_sort, name, name_sort, ..] = person_entries(person);
    Ok(Change {
        set: "SET name_zh = :zh, name_en = :en, mobile = :mobile, email = :email, corp_user_id = :corp, \
              departments = :departments, title = :title, employee_id = :employee, sex = :sex, #status = :active, \
              synced = :yes, updated = :updated, kept = :kept, fence = :fence, \
              dpk = :dpk, dsk = :dsk, npk = :npk, nsk = :nsk",
        condition: NOT_LATER,
        names: vec![("#status", "status")],
        values: vec![
            (":zh", text(&person.name_zh)),
            (":en", text(&person.name_en)),
            (":mobile", text(&person.mobile)),
            (":email", text(&person.email)),
            (":corp", text(&person.corp_user_id)),
            (":departments", value_of(&person.departments)?),
            (":title", text(&person.title)),
            (":employee", text(&person.employee_id)),
            (":sex", text(&person.sex)),
            (":active", value_of(&PersonStatus::Active)?),
            (":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true)),
            (":updated", value_of(&person.updated)?),
            (":kept", value_of(&person.kept)?),
            (":fence", number(fence)),
            (":dpk", text(department.1)),
            (":dsk", text(department_sort.1)),
            (":npk", text(name.1)),
            (":nsk", text(name_sort.1)),
        ],
    })
}

fn department_change(department: &Department, fence: u64) -> Result<Change, StoreError> {
    let mut change = Change {
        set: "SET name_zh = :zh, name_en = :en, parent = :parent, corp_code = :corp, #order = :order, \
              #status = :active, updated = :updated, version = if_not_exists(version, :none) + :one, fence = :fence",
        condition: NOT_LATER,
        names: vec![("#order", "order"), ("#status", "status")],
        values: vec![
            (":zh", text(&department.name_zh)),
            (":en", text(&department.name_en)),
            (":parent", value_of(&department.parent)?),
            (":corp", text(&department.corp_code)),
            (":order", number(department.order)),
            (":active", value_of(&PersonStatus::Active)?),
            (":updated", value_of(&department.updated)?),
            (":none", number(0)),
            (":one", number(1)),
            (":fence", number(fence)),
        ],
    };
    // The root stands below nothing.
    if let [(_, partition), (_, sort)] = department_entries(department).as_slice() {
        change.set = "SET name_zh = :zh, name_en = :en, parent = :parent, corp_code = :corp, #order = :order, \
                      #status = :active, updated = :updated, version = if_not_exists(version, :none) + :one, \
                      fence = :fence, dpk = :dpk, dsk = :dsk";
        change.values.extend([(":dpk", text(partition)), (":dsk", text(sort))]);
    }
    Ok(change)
}
