//! The attributes by which people and departments stand in the table's three indexes, derived here and nowhere else:
//! whatever writes a person or a department takes its item, or its change, from this file.
//!
//! Invariants: each index key begins with its tenant, like every key; a person has exactly one entry in each index, a
//! department one in the index by department. `docs/decisions/0006-directory-indexes.md` counts what they cost.

use domain::fold::folded;
use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::{Department, Person};

use crate::keys;
use crate::store::{Item, StoreError, item, text};

/// An index of the table: its name, its two key attributes, and what a row of a listing shows beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    pub name: &'static str,
    pub partition: &'static str,
    pub sort: &'static str,
    pub shows: &'static [&'static str],
}

/// Below a department: its child departments by their order, then the people whose main one it is, by name.
pub const BY_DEPARTMENT: Index = Index {
    name: "by-department",
    partition: "dpk",
    sort: "dsk",
    shows: &["code", "user_id", "name_zh", "name_en", "source", "status", "link"],
};
/// People by the first character of their name, then by the whole name.
pub const BY_NAME: Index = Index {
    name: "by-name",
    partition: "npk",
    sort: "nsk",
    shows: &["user_id", "name_zh", "name_en", "source", "status", "link"],
};
/// People with a link, and people without one, each by account.
pub const BY_ACCOUNT: Index = Index {
    name: "by-account",
    partition: "apk",
    sort: "ask",
    shows: &["user_id", "name_zh", "name_en", "source", "status", "link"],
};

pub const INDEXES: [Index; 3] = [BY_DEPARTMENT, BY_NAME, BY_ACCOUNT];

/// Above every character that a key can hold.
const LAST: char = '\u{10ffff}';
/// Sort keys of departments and of people within a listing.
const DEPARTMENTS: char = '0';
const PEOPLE: char = '1';

/// Sort keys from the first to the last, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: String,
    pub to: String,
}

impl Range {
    /// Everything below a department.
    pub(crate) fn listing() -> Self {
        Self { from: DEPARTMENTS.to_string(), to: format!("{PEOPLE}{LAST}") }
    }

    /// What begins with an already folded text.
    pub(crate) fn prefix(folded: &str) -> Self {
        // No sort key is empty, and none may be asked for.
        let from = if folded.is_empty() { "\u{1}".to_owned() } else { folded.to_owned() };
        Self { from, to: format!("{folded}{LAST}") }
    }
}

/// The name by which a person is found: the Chinese one, else the English one, else his account.
fn name_of(person: &Person) -> String {
    let names = [&person.name_zh, &person.name_en].map(|name| folded(name));
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| account_of(&person.user_id))
}

/// An account as it is searched; never empty.
fn account_of(user: &WeLinkUserId) -> String {
    let account = folded(user.as_str());
    if account.is_empty() { "-".to_owned() } else { account }
}

/// The partition of the index by name that a folded text leads to.
pub(crate) fn names_partition(enterprise: &EnterpriseId, folded: &str) -> String {
    keys::names_partition(enterprise, folded.chars().next().unwrap_or('-'))
}

/// The entry in the index by account, which is all that binding and unbinding move.
pub(crate) fn account_entry(
    enterprise: &EnterpriseId,
    user: &WeLinkUserId,
    linked: bool,
) -> [(&'static str, String); 2] {
    let sort = format!("{}#{user}", account_of(user));
    [(BY_ACCOUNT.partition, keys::accounts_partition(enterprise, linked)), (BY_ACCOUNT.sort, sort)]
}

/// All index attributes of a person.
pub fn person_entries(person: &Person) -> [(&'static str, String); 6] {
    let Person { enterprise, user_id, .. } = person;
    let name = name_of(person);
    let [account_partition, account_sort] = account_entry(enterprise, user_id, person.link.is_some());
    [
        (BY_DEPARTMENT.partition, keys::listing_partition(enterprise, &person.main_department())),
        (BY_DEPARTMENT.sort, format!("{PEOPLE}{name}#{user_id}")),
        (BY_NAME.partition, names_partition(enterprise, &name)),
        (BY_NAME.sort, format!("{name}#{user_id}")),
        account_partition,
        account_sort,
    ]
}

pub(crate) fn department_entries(department: &Department) -> Vec<(&'static str, String)> {
    // The root stands below nothing.
    let Some(parent) = &department.parent else { return Vec::new() };
    let Department { enterprise, code, order, .. } = department;
    let name = folded(&department.name_zh);
    vec![
        (BY_DEPARTMENT.partition, keys::listing_partition(enterprise, parent)),
        (BY_DEPARTMENT.sort, format!("{DEPARTMENTS}{order:010}#{name}#{code}")),
    ]
}

/// The item of a person, with its index attributes.
pub fn person_item(person: &Person) -> Result<Item, StoreError> {
    let mut item = item(&keys::person(&person.enterprise, &person.user_id), person, None)?;
    item.extend(person_entries(person).map(|(name, value)| (name.to_owned(), text(value))));
    Ok(item)
}

/// The item of a department, with its index attributes.
pub fn department_item(department: &Department) -> Result<Item, StoreError> {
    let mut item = item(&keys::department(&department.enterprise, &department.code), department, None)?;
    item.extend(department_entries(department).into_iter().map(|(name, value)| (name.to_owned(), text(value))));
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{DeptCode, RANDOM_CHARS, TENANT_CHARS, TenantId};
    use domain::model::{PersonSource, PersonStatus};
    use domain::time::Timestamp;

    fn person(user: &str) -> Person {
        let enterprise = EnterpriseId::from_random(&TenantId::from_random([1; TENANT_CHARS]), [2; RANDOM_CHARS]);
        Person::new(enterprise, WeLinkUserId::parse(user).unwrap(), PersonSource::Sso, Timestamp(0))
    }

    #[test]
    fn every_entry_begins_with_its_tenant_and_fits() {
        let long = person(&"ﷺ".repeat(42));
        let named = Person { name_zh: "ﷺ".repeat(500), departments: vec![DeptCode::root()], ..person("a@b") };
        for person in [person("lihua@welink"), long, named] {
            let tenant = format!("T#{}#E#{}#", person.enterprise.tenant(), person.enterprise);
            for pair in person_entries(&person).chunks(2) {
                assert!(pair[0].1.starts_with(&tenant), "{pair:?}");
                assert!(pair[0].1.len() <= 2_048 && !pair[1].1.is_empty() && pair[1].1.len() <= 1_024, "{pair:?}");
            }
        }
    }

    #[test]
    fn departments_stand_before_people_and_people_by_name() {
        let first = Department {
            enterprise: person("a").enterprise,
            code: DeptCode::parse("10").unwrap(),
            parent: Some(DeptCode::root()),
            name_zh: "研发部".to_owned(),
            name_en: String::new(),
            corp_code: String::new(),
            order: 9,
            link: None,
            status: PersonStatus::Active,
            updated: Timestamp(0),
            version: 0,
        };
        let second = Department { order: 10, ..first.clone() };
        let sort = |entries: Vec<(&'static str, String)>| entries[1].1.clone();
        let people = ["b", "a"].map(|name| Person { name_zh: name.to_owned(), ..person("x@welink") });
        let [b, a] = people.map(|person| sort(person_entries(&person).to_vec()));
        let order = [sort(department_entries(&first)), sort(department_entries(&second)), a, b];
        assert!(order.is_sorted(), "{order:?}");
        let all = Range::listing();
        assert!(order.iter().all(|sort| (&all.from..=&all.to).contains(&sort)));
        assert!(department_entries(&Department { parent: None, ..first }).is_empty());
    }

    #[test]
    fn a_person_is_found_by_the_best_name_he_has() {
        let named = |zh: &str, en: &str| {
            name_of(&Person { name_zh: zh.to_owned(), name_en: en.to_owned(), ..person("Js0042@WeLink") })
        };
        assert_eq!(named("李华", "Li Hua"), "李华");
        assert_eq!(named("　", "John Smith"), "john smith");
        assert_eq!(named("", ""), "js0042@welink");
    }
}
