//! Both sides as the planner reads them: built record by record, so that a caller can drop each page once it is read.
//!
//! Texts are what the other side says, ids among them; an empty text is an absent value. Nothing is kept of a record
//! but what a plan may depend on, and everything that is kept is in the digest of its side.

use super::fingerprint::{Fingerprint, Mixer};
use super::rows::{Index, Table, TooLarge, number};
use crate::time::Timestamp;

/// A row of the OA's side; which of its lists is told by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OaRow(pub(super) u32);

/// A row of the bridge copy, or of what WeLink has just answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopyRow(pub(super) u32);

/// A unit of the OA. `id` is unique over all kinds of units: the caller writes the kind into it (oa-api.md 0).
#[derive(Debug, Clone, Copy, Default)]
pub struct OaDepartment<'a> {
    pub id: &'a str,
    /// Empty = top.
    pub parent: &'a str,
    pub name: &'a str,
    /// WeLink's order number, 1 to 9999; 0 = leave it to WeLink.
    pub order: u16,
    /// Not sealed (封存).
    pub active: bool,
}

/// A person of the OA: the main account, secondary ones folded into it (oa-api.md 0).
#[derive(Debug, Clone, Copy, Default)]
pub struct OaPerson<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub login: &'a str,
    pub work_code: &'a str,
    /// E.164.
    pub mobile: &'a str,
    pub email: &'a str,
    /// Of the main position.
    pub title: &'a str,
    /// Ids of units, the main one first, then 兼职部门 in their order.
    pub departments: &'a [&'a str],
    pub active: bool,
    /// On the deny-list or with roles in the OA: never linked by matching (product.md C19).
    pub no_auto_link: bool,
}

/// A department of WeLink; the root is `0`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CopyDepartment<'a> {
    pub code: &'a str,
    pub parent: &'a str,
    pub name: &'a str,
    /// `corpDeptCode`.
    pub corp_code: &'a str,
    /// The unit of the OA that it is linked to.
    pub link: &'a str,
    pub order: u16,
    /// Since when WeLink has not shown it (product.md Q25).
    pub missing: Option<Timestamp>,
}

/// Whether WeLink shows a person of the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Seen {
    /// As of the last from-WeLink.
    #[default]
    Shown,
    /// Not any more, since then; his link is suspended (product.md Q25).
    Missing(Timestamp),
    /// Never by a sync: he came by signing in (product.md Q24).
    NotInRange,
}

/// A member of WeLink. All but the first ten fields is the bridge's own and empty in what WeLink answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct CopyPerson<'a> {
    /// WeLink's `userId`.
    pub user: &'a str,
    pub corp_user: &'a str,
    pub name_zh: &'a str,
    pub name_en: &'a str,
    pub mobile: &'a str,
    pub email: &'a str,
    pub employee: &'a str,
    pub position: &'a str,
    pub sex: &'a str,
    /// Codes, the main one first.
    pub departments: &'a [&'a str],
    /// The OA user whom he is linked to.
    pub link: &'a str,
    /// "Do not auto-link" (product.md Q26).
    pub no_auto_bind: bool,
    pub seen: Seen,
    /// Marked to leave since then (product.md TWL-15).
    pub leaving: Option<Timestamp>,
    /// What from-OA wrote last.
    pub written: Option<Fingerprint>,
    /// What WeLink showed at the first read after it, where that was something else.
    pub kept: Option<Fingerprint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OaMark {
    pub order: u16,
    pub active: bool,
    pub no_auto_link: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CopyMark {
    pub seen: Seen,
    pub leaving: Option<Timestamp>,
    pub written: u64,
    pub kept: u64,
    pub order: u16,
    pub no_auto_bind: bool,
}

/// Fields of the OA's tables.
pub(super) mod oa {
    pub const ID: usize = 0;
    pub const PARENT: usize = 1;
    pub const UNIT_NAME: usize = 2;
    pub const NAME: usize = 1;
    pub const LOGIN: usize = 2;
    pub const WORK_CODE: usize = 3;
    pub const MOBILE: usize = 4;
    pub const EMAIL: usize = 5;
    pub const TITLE: usize = 6;
}

/// Fields of the copy's tables.
pub(super) mod copy {
    pub const CODE: usize = 0;
    pub const PARENT: usize = 1;
    pub const DEPARTMENT_NAME: usize = 2;
    pub const CORP_CODE: usize = 3;
    pub const DEPARTMENT_LINK: usize = 4;
    pub const USER: usize = 0;
    pub const LINK: usize = 1;
    pub const CORP_USER: usize = 2;
    pub const NAME_ZH: usize = 3;
    pub const NAME_EN: usize = 4;
    pub const MOBILE: usize = 5;
    pub const EMAIL: usize = 6;
    pub const EMPLOYEE: usize = 7;
    pub const POSITION: usize = 8;
    pub const SEX: usize = 9;
    pub const DEPARTMENTS: usize = 10;
}

pub(super) type OaTable<const N: usize> = Table<N, OaMark>;
pub(super) type CopyTable<const N: usize> = Table<N, CopyMark>;

/// The OA's organisation, read completely.
#[derive(Debug, Clone, Default)]
pub struct OaSide {
    pub(super) departments: OaTable<3>,
    pub(super) people: OaTable<8>,
    /// Unit id -> row.
    pub(super) by_id: Index,
}

/// The bridge copy of one enterprise, or one complete read of its WeLink.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub(super) departments: CopyTable<5>,
    pub(super) people: CopyTable<11>,
    /// Code -> row.
    pub(super) by_code: Index,
}

/// Takes the OA's records in any order.
#[derive(Debug, Default)]
pub struct OaBuilder(OaSide);

impl OaBuilder {
    pub fn department(&mut self, one: &OaDepartment<'_>) -> Result<(), TooLarge> {
        let mark = OaMark { order: one.order, active: one.active, no_auto_link: false };
        let salt = u64::from(one.order) << 1 | u64::from(one.active);
        self.0.departments.push([one.id, one.parent, one.name], &[], mark, salt)
    }

    pub fn person(&mut self, one: &OaPerson<'_>) -> Result<(), TooLarge> {
        let OaPerson { id, name, login, work_code, mobile, email, title, departments, active, no_auto_link } = *one;
        let mark = OaMark { order: 0, active, no_auto_link };
        let salt = u64::from(no_auto_link) << 1 | u64::from(active);
        let fields = [id, name, login, work_code, mobile, email, title, ""];
        self.0.people.push(fields, departments, mark, salt)
    }

    pub fn finish(mut self) -> OaSide {
        self.0.departments.sort();
        self.0.people.sort();
        let departments = &self.0.departments;
        self.0.by_id = Index::new(number(departments.len()), |row| departments.get(row, oa::ID));
        self.0
    }
}

/// Takes the records of a copy, or of WeLink's answer, in any order.
#[derive(Debug, Default)]
pub struct DirectoryBuilder(Directory);

fn instant(time: Option<Timestamp>) -> u64 {
    time.map_or(u64::MAX, |time| time.0.cast_unsigned())
}

impl DirectoryBuilder {
    pub fn department(&mut self, one: &CopyDepartment<'_>) -> Result<(), TooLarge> {
        let CopyDepartment { code, parent, name, corp_code, link, order, missing } = *one;
        let seen = missing.map_or(Seen::Shown, Seen::Missing);
        let mark = CopyMark { seen, leaving: None, written: 0, kept: 0, order, no_auto_bind: false };
        self.0.departments.push([code, parent, name, corp_code, link], &[], mark, salt(mark))
    }

    pub fn person(&mut self, one: &CopyPerson<'_>) -> Result<(), TooLarge> {
        let print = |print: Option<Fingerprint>| print.map_or(0, |print| print.0);
        let mark = CopyMark {
            seen: one.seen,
            leaving: one.leaving,
            written: print(one.written),
            kept: print(one.kept),
            order: 0,
            no_auto_bind: one.no_auto_bind,
        };
        let CopyPerson { user, corp_user, name_zh, name_en, mobile, email, employee, position, sex, link, .. } = *one;
        let fields = [user, link, corp_user, name_zh, name_en, mobile, email, employee, position, sex, ""];
        self.0.people.push(fields, one.departments, mark, salt(mark))
    }

    pub fn finish(mut self) -> Directory {
        self.0.departments.sort();
        self.0.people.sort();
        let departments = &self.0.departments;
        self.0.by_code = Index::new(number(departments.len()), |row| departments.get(row, copy::CODE));
        self.0
    }
}

/// The whole mark, so that a digest tells two of them apart.
fn salt(mark: CopyMark) -> u64 {
    let CopyMark { seen, leaving, written, kept, order, no_auto_bind } = mark;
    let mut mixer = Mixer::new(u64::from(order) << 1 | u64::from(no_auto_bind));
    match seen {
        Seen::Shown => mixer.number(0),
        Seen::Missing(since) => mixer.number(instant(Some(since))),
        Seen::NotInRange => mixer.number(1),
    }
    mixer.number(instant(leaving));
    mixer.number(written);
    mixer.number(kept);
    mixer.short()
}

/// What the console and the executor read of a row of the OA.
impl OaSide {
    pub fn people_count(&self) -> usize {
        self.people.len()
    }

    pub fn person_id(&self, row: OaRow) -> &str {
        self.people.get(row.0, oa::ID)
    }

    pub fn person_name(&self, row: OaRow) -> &str {
        self.people.get(row.0, oa::NAME)
    }

    pub fn department_id(&self, row: OaRow) -> &str {
        self.departments.get(row.0, oa::ID)
    }

    pub fn department_name(&self, row: OaRow) -> &str {
        self.departments.get(row.0, oa::UNIT_NAME)
    }

    pub(super) fn department(&self, id: &str) -> Option<u32> {
        self.by_id.find(id, |row| self.departments.get(row, oa::ID))
    }
}

/// What the console and the executor read of a row of the copy.
impl Directory {
    pub fn people_count(&self) -> usize {
        self.people.len()
    }

    pub fn user(&self, row: CopyRow) -> &str {
        self.people.get(row.0, copy::USER)
    }

    pub fn user_name(&self, row: CopyRow) -> &str {
        self.people.get(row.0, copy::NAME_ZH)
    }

    pub fn corp_user(&self, row: CopyRow) -> &str {
        self.people.get(row.0, copy::CORP_USER)
    }

    pub fn link(&self, row: CopyRow) -> &str {
        self.people.get(row.0, copy::LINK)
    }

    pub fn department_code(&self, row: CopyRow) -> &str {
        self.departments.get(row.0, copy::CODE)
    }

    pub fn department_name(&self, row: CopyRow) -> &str {
        self.departments.get(row.0, copy::DEPARTMENT_NAME)
    }

    pub(super) fn department(&self, code: &str) -> Option<u32> {
        self.by_code.find(code, |row| self.departments.get(row, copy::CODE))
    }

    pub(super) fn mark(&self, row: u32) -> CopyMark {
        self.people.meta(row).unwrap_or(CopyMark::NONE)
    }
}

impl CopyMark {
    /// Of a row that does not exist.
    pub const NONE: Self =
        Self { seen: Seen::NotInRange, leaving: None, written: 0, kept: 0, order: 0, no_auto_bind: true };
}
