//! Who works here: the accounts and units that SCIM lists and the pages show.

use domain::text::Lang;
use domain::time::Timestamp;

use super::scim::Pass;
use super::view::pick;
use crate::company::{Company, DepartmentKind, Person};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// One unit of the organisation (oa-api.md C.1, OrgUnit). Parents are ids, so that a test can make orphans and cycles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub id: String,
    pub kind: DepartmentKind,
    pub code: String,
    pub name_zh: String,
    pub name_en: String,
    /// Kind and id of the unit above; none at the top.
    pub parent: Option<(DepartmentKind, String)>,
    /// Sort key among siblings, ascending.
    pub order: i64,
    /// False = sealed (封存).
    pub active: bool,
    /// Set by the OA at each change.
    pub modified: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// One post of an account (oa-api.md C.1, `positions[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub unit: String,
    pub unit_kind: DepartmentKind,
    pub primary: bool,
    pub title_zh: String,
    pub title_en: String,
    pub order: i64,
}

/// One account (oa-api.md C.1, User).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub login: String,
    pub name_zh: String,
    pub name_en: String,
    /// As SCIM sends it: `+86` and eleven digits; empty when unknown.
    pub mobile: String,
    /// Empty when unknown.
    pub email: String,
    pub work_code: String,
    pub positions: Vec<Position>,
    /// May sign in and may be provisioned.
    pub active: bool,
    /// One of the words of oa-api.md C.1, `employmentStatus`.
    pub employment: String,
    /// The main account's id when this is a secondary account (次账号).
    pub main_account: Option<String>,
    /// A carrier of any role is never linked automatically.
    pub roles: Vec<String>,
    /// Set by the OA at each change.
    pub modified: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

impl Account {
    pub(super) fn name(&self, lang: Lang) -> &str {
        pick(lang, &self.name_zh, &self.name_en)
    }

    /// Whether this is what its owner types to sign in: login name, work code, e-mail or mobile. Every field is looked
    /// at, so that the time tells neither whether nor by which field somebody was found.
    fn answers_to(&self, typed: &str, mobile: &str) -> bool {
        let by_name = self.login.eq_ignore_ascii_case(typed);
        let by_code = !self.work_code.is_empty() && self.work_code == typed;
        let by_email = !self.email.is_empty() && self.email.eq_ignore_ascii_case(typed);
        let by_mobile = !self.mobile.is_empty() && self.mobile == mobile;
        by_name | by_code | by_email | by_mobile
    }

    /// The main post, if the account has one.
    pub(super) fn primary(&self) -> Option<&Position> {
        self.positions.iter().find(|position| position.primary)
    }
}

impl Position {
    pub(super) fn title(&self, lang: Lang) -> &str {
        pick(lang, &self.title_zh, &self.title_en)
    }
}

impl Unit {
    pub(super) fn name(&self, lang: Lang) -> &str {
        pick(lang, &self.name_zh, &self.name_en)
    }
}

#[derive(Debug)]
pub(super) struct Directory {
    units: Vec<Unit>,
    accounts: Vec<Account>,
    /// How far the current reading of each list is.
    pub(super) users_pass: Pass,
    pub(super) units_pass: Pass,
}

impl Directory {
    /// The company as last edited: spread over the weeks before `now`, so that "changed since" has something to cut.
    pub(super) fn of(company: &Company, now: Timestamp) -> Self {
        let unit_of = |index: usize| company.departments.get(index).map(|d| (d.kind, d.id.clone()));
        let units = (0_i64..)
            .zip(&company.departments)
            .map(|(number, department)| Unit {
                id: department.id.clone(),
                kind: department.kind,
                code: department.code.clone(),
                name_zh: department.name_zh.clone(),
                name_en: department.name_en.clone(),
                parent: department.parent.and_then(unit_of),
                order: (number + 1) * 10,
                active: true,
                modified: now.plus_ms(-60 * DAY_MS + number * MINUTE_MS),
                version: 1,
            })
            .collect();
        let accounts = (0_i64..)
            .zip(&company.people)
            .map(|(number, person)| account_of(company, person, now.plus_ms(-30 * DAY_MS + number * MINUTE_MS)))
            .collect();
        Self { units, accounts, users_pass: Pass::default(), units_pass: Pass::default() }
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.units
    }

    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub(super) fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == id)
    }

    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// By login name; case does not matter (oa-api.md C.1, `userName`).
    pub(super) fn account_by_login(&self, login: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.login.eq_ignore_ascii_case(login))
    }

    /// By whatever its owner signs in with; nobody when two accounts answer to it. All accounts are looked at.
    pub(super) fn account_by_credential(&self, login: &str) -> Option<&Account> {
        let typed = login.trim();
        let mobile = mobile_of(typed);
        let fitting = |account: &&Account| !typed.is_empty() & account.answers_to(typed, &mobile);
        let (found, last) = self.accounts.iter().filter(fitting).fold((0, None), |(n, _), one| (n + 1, Some(one)));
        last.filter(|_| found == 1)
    }

    pub(super) fn change_account(&mut self, id: &str, now: Timestamp, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.iter_mut().find(|account| account.id == id) else { return false };
        change(account);
        account.modified = now;
        account.version += 1;
        true
    }

    pub(super) fn change_unit(&mut self, id: &str, now: Timestamp, change: impl FnOnce(&mut Unit)) -> bool {
        let Some(unit) = self.units.iter_mut().find(|unit| unit.id == id) else { return false };
        change(unit);
        unit.modified = now;
        unit.version += 1;
        true
    }

    pub(super) fn add_account(&mut self, mut account: Account, now: Timestamp) -> bool {
        let taken = self.account(&account.id).is_some() || self.account_by_login(&account.login).is_some();
        if !taken {
            (account.modified, account.version) = (now, 1);
            self.accounts.push(account);
        }
        !taken
    }

    pub(super) fn add_unit(&mut self, mut unit: Unit, now: Timestamp) -> bool {
        let taken = self.unit(&unit.id).is_some();
        if !taken {
            (unit.modified, unit.version) = (now, 1);
            self.units.push(unit);
        }
        !taken
    }

    pub(super) fn remove_accounts(&mut self, gone: impl Fn(&Account) -> bool) -> usize {
        let before = self.accounts.len();
        self.accounts.retain(|account| !gone(account));
        before - self.accounts.len()
    }

    pub(super) fn remove_units(&mut self, gone: impl Fn(&Unit) -> bool) -> usize {
        let before = self.units.len();
        self.units.retain(|unit| !gone(unit));
        before - self.units.len()
    }
}

/// A typed mobile number as accounts hold it: `+86` and eleven digits. Other texts stay as they are.
fn mobile_of(typed: &str) -> String {
    let plain: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let national = plain.strip_prefix("+86").or_else(|| plain.strip_prefix("0086")).unwrap_or(&plain);
    let national = if national.len() == 13 { national.strip_prefix("86").unwrap_or(national) } else { national };
    if national.len() == 11 && national.bytes().all(|b| b.is_ascii_digit()) { format!("+86{national}") } else { plain }
}

/// A person as an account: the main department first, concurrent posts (兼职) after it.
fn account_of(company: &Company, person: &Person, modified: Timestamp) -> Account {
    let departments = std::iter::once(&person.department).chain(&person.concurrent);
    let positions = (1_i64..)
        .zip(departments.filter_map(|index| company.departments.get(*index)))
        .map(|(number, department)| Position {
            unit: department.id.clone(),
            unit_kind: department.kind,
            primary: number == 1,
            title_zh: if number == 1 { person.title_zh.clone() } else { "顾问".to_owned() },
            title_en: if number == 1 { person.title_en.clone() } else { "Advisor".to_owned() },
            order: number * 10,
        })
        .collect();
    Account {
        id: person.id.clone(),
        login: person.login.clone(),
        name_zh: person.name_zh.clone(),
        name_en: person.name_en.clone(),
        mobile: format!("+86{}", person.mobile),
        email: person.email.clone(),
        work_code: person.work_code.clone(),
        positions,
        active: true,
        employment: "formal".to_owned(),
        main_account: None,
        roles: Vec::new(),
        modified,
        version: 1,
    }
}
