//! What a run remembers between its slices: what it has read, and what it is about to write.

use domain::model::{Department, DeptLink, OaUnitKind, Person, PersonStatus};
use domain::run::FieldChange;
use domain::sync::{CopyDepartment, CopyPerson, CopyState, Directory, DirectoryBuilder, Fingerprint, Seen, TooLarge};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Kinds of chunks.
pub(crate) const DEPARTMENTS: &str = "D";
pub(crate) const PEOPLE: &str = "P";
pub(crate) const OPERATIONS: &str = "X";
pub(crate) const JOURNAL: &str = "O";
pub(crate) const TO_BIND: &str = "B";
pub(crate) const UNITS: &str = "U";
pub(crate) const USERS: &str = "A";
pub(crate) const PLAN: &str = "T";

/// A department as WeLink shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ReadDepartment {
    pub code: String,
    /// Empty = the root.
    #[serde(default)]
    pub parent: String,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    #[serde(default)]
    pub corp_code: String,
    #[serde(default)]
    pub order: u16,
}

/// A member as WeLink shows him in one of his departments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ReadPerson {
    pub user: String,
    #[serde(default)]
    pub corp_user: String,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    #[serde(default)]
    pub mobile: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub employee: String,
    #[serde(default)]
    pub position: String,
    #[serde(default)]
    pub sex: String,
    /// The main one first, where it is known.
    #[serde(default)]
    pub departments: Vec<String>,
}

/// One object of the copy that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Row {
    Department { code: String, now: Option<ReadDepartment> },
    Person { user: String, now: Option<ReadPerson>, kept: Option<Fingerprint> },
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub row: Row,
    pub state: CopyState,
    pub name: String,
    /// Since when it has been missing: from now on, or when it is dropped.
    pub since: Timestamp,
    #[serde(default)]
    pub fields: Vec<FieldChange>,
}

/// One row per member: whoever was met in several departments belongs to all of them.
pub(crate) fn merged(mut people: Vec<ReadPerson>) -> Vec<ReadPerson> {
    people.sort_by(|a, b| a.user.cmp(&b.user));
    let mut all: Vec<ReadPerson> = Vec::new();
    for person in people {
        match all.last_mut().filter(|last| last.user == person.user) {
            Some(last) => {
                for code in person.departments {
                    if !last.departments.contains(&code) {
                        last.departments.push(code);
                    }
                }
            }
            None => all.push(person),
        }
    }
    all
}

/// What WeLink shows, as the planner reads it.
pub(crate) fn shown(departments: &[ReadDepartment], people: &[ReadPerson]) -> Result<Directory, TooLarge> {
    let mut builder = DirectoryBuilder::default();
    for one in departments {
        let ReadDepartment { code, parent, name_zh, corp_code, order, .. } = one;
        let (link, missing) = ("", None);
        let row = CopyDepartment { code, parent, name: name_zh, corp_code, link, order: *order, missing };
        builder.department(&row)?;
    }
    for one in people {
        let departments: Vec<&str> = one.departments.iter().map(String::as_str).collect();
        builder.person(&CopyPerson {
            user: &one.user,
            corp_user: &one.corp_user,
            name_zh: &one.name_zh,
            name_en: &one.name_en,
            mobile: &one.mobile,
            email: &one.email,
            employee: &one.employee,
            position: &one.position,
            sex: &one.sex,
            departments: &departments,
            ..CopyPerson::default()
        })?;
    }
    Ok(builder.finish())
}

/// The bridge copy, as the planner reads it.
pub(crate) fn copied(departments: &[Department], people: &[Person]) -> Result<Directory, TooLarge> {
    let mut builder = DirectoryBuilder::default();
    for one in departments {
        let missing = match one.status {
            PersonStatus::Active => None,
            PersonStatus::Missing { since } => Some(since),
        };
        builder.department(&CopyDepartment {
            code: one.code.as_str(),
            parent: one.parent.as_ref().map(domain::ids::DeptCode::as_str).unwrap_or_default(),
            name: &one.name_zh,
            corp_code: &one.corp_code,
            link: &one.link.as_ref().map(unit_of).unwrap_or_default(),
            order: order(i64::from(one.order)),
            missing,
        })?;
    }
    for one in people {
        let departments: Vec<&str> = one.departments.iter().map(domain::ids::DeptCode::as_str).collect();
        builder.person(&CopyPerson {
            user: one.user_id.as_str(),
            corp_user: &one.corp_user_id,
            name_zh: &one.name_zh,
            name_en: &one.name_en,
            mobile: &one.mobile,
            email: &one.email,
            employee: &one.employee_id,
            position: &one.title,
            sex: &one.sex,
            departments: &departments,
            link: one.link.as_ref().map(|link| link.oa_user.as_str()).unwrap_or_default(),
            no_auto_bind: one.no_auto_bind,
            seen: seen(one),
            leaving: one.leaving,
            written: one.written,
            kept: one.kept,
        })?;
    }
    Ok(builder.finish())
}

fn seen(person: &Person) -> Seen {
    match person.status {
        PersonStatus::Missing { since } => Seen::Missing(since),
        PersonStatus::Active if person.synced => Seen::Shown,
        PersonStatus::Active => Seen::NotInRange,
    }
}

/// A unit of the OA as the planner names it: the kind is a part of its id.
fn unit_of(link: &DeptLink) -> String {
    let kind = match link.oa_department.kind {
        OaUnitKind::Company => "company",
        OaUnitKind::Subcompany => "subcompany",
        OaUnitKind::Department => "department",
    };
    format!("{kind}:{}", link.oa_department.id)
}

/// WeLink's order number; what is none is 0.
pub(crate) fn order(number: i64) -> u16 {
    u16::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_several_departments_is_one_row() {
        let met = |user: &str, department: &str| ReadPerson {
            user: user.to_owned(),
            departments: vec![department.to_owned()],
            ..ReadPerson::default()
        };
        let all = merged(vec![met("b", "1"), met("a", "2"), met("b", "3"), met("b", "1")]);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].departments, ["1", "3"]);
    }
}
