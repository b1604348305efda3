//! Departments and people of all companies, with the ways in which the interfaces look for them.

use std::collections::{BTreeMap, BTreeSet};

use super::ROOT_DEPT;
use super::model::{Department, Member};

type Pair = (String, String);

fn pair(tenant_id: &str, id: &str) -> Pair {
    (tenant_id.to_owned(), id.to_owned())
}

/// Digits of a mobile number without a leading 86 (welink-api.md 1); empty for none.
pub(super) fn bare_mobile(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("86").filter(|rest| rest.len() == 11).map(str::to_owned).unwrap_or(digits)
}

/// Several values under one key.
#[derive(Debug, Default)]
struct Lookup(BTreeMap<Pair, BTreeSet<String>>);

impl Lookup {
    fn add(&mut self, tenant_id: &str, key: &str, id: &str) {
        if !key.is_empty() {
            self.0.entry(pair(tenant_id, key)).or_default().insert(id.to_owned());
        }
    }

    fn drop(&mut self, tenant_id: &str, key: &str, id: &str) {
        let key = pair(tenant_id, key);
        if let Some(ids) = self.0.get_mut(&key) {
            ids.remove(id);
            if ids.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    fn get<'a>(&'a self, tenant_id: &str, key: &str) -> impl DoubleEndedIterator<Item = &'a str> + use<'a> {
        self.0.get(&pair(tenant_id, key)).into_iter().flatten().map(String::as_str)
    }
}

/// The people, by tenant and `userId`.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: BTreeMap<Pair, Member>,
    by_corp: Lookup,
    by_mobile: Lookup,
    by_department: Lookup,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, tenant_id: &str, user_id: &str) -> Option<&Member> {
        self.all.get(&pair(tenant_id, user_id))
    }

    pub(super) fn insert(&mut self, tenant_id: &str, member: Member) {
        self.remove(tenant_id, &member.user_id);
        self.look(tenant_id, &member, Lookup::add);
        self.all.insert(pair(tenant_id, &member.user_id), member);
    }

    pub(super) fn remove(&mut self, tenant_id: &str, user_id: &str) -> Option<Member> {
        let member = self.all.remove(&pair(tenant_id, user_id))?;
        self.look(tenant_id, &member, Lookup::drop);
        Some(member)
    }

    fn look(&mut self, tenant_id: &str, member: &Member, change: fn(&mut Lookup, &str, &str, &str)) {
        let id = &member.user_id;
        change(&mut self.by_corp, tenant_id, member.corp_user_id.as_deref().unwrap_or_default(), id);
        change(&mut self.by_mobile, tenant_id, &bare_mobile(member.mobile.as_deref().unwrap_or_default()), id);
        if member.dept_codes.is_empty() {
            change(&mut self.by_department, tenant_id, ROOT_DEPT, id);
        }
        for code in &member.dept_codes {
            change(&mut self.by_department, tenant_id, code, id);
        }
    }

    /// The members of one company in the order of their ids.
    pub(super) fn of<'w>(&'w self, tenant_id: &str) -> impl Iterator<Item = &'w Member> + use<'w> {
        let tenant_id = tenant_id.to_owned();
        self.all
            .range(pair(&tenant_id, "")..)
            .take_while(move |((tenant, _), _)| *tenant == tenant_id)
            .map(|(_, member)| member)
    }

    pub(super) fn by_corp(&self, tenant_id: &str, corp_user: &str) -> Option<&Member> {
        self.by_corp.get(tenant_id, corp_user).next().and_then(|id| self.get(tenant_id, id))
    }

    /// Everybody with that number, however it is written.
    pub(super) fn by_mobile<'a>(&'a self, tenant_id: &str, number: &str) -> impl Iterator<Item = &'a Member> + use<'a> {
        let tenant = tenant_id.to_owned();
        self.by_mobile.get(tenant_id, &bare_mobile(number)).filter_map(move |id| self.get(&tenant, id))
    }

    /// The direct members of a department, the root included, in the order of their ids.
    pub(super) fn in_department(&self, tenant_id: &str, dept_code: &str) -> impl Iterator<Item = &Member> {
        self.by_department.get(tenant_id, dept_code).filter_map(move |id| self.get(tenant_id, id))
    }
}

/// The departments, by tenant and `deptCode`.
#[derive(Debug, Default)]
pub(super) struct Departments {
    all: BTreeMap<Pair, Department>,
    by_corp: Lookup,
    children: Lookup,
}

impl Departments {
    pub(super) fn get(&self, tenant_id: &str, dept_code: &str) -> Option<&Department> {
        self.all.get(&pair(tenant_id, dept_code))
    }

    pub(super) fn insert(&mut self, tenant_id: &str, department: Department) {
        self.remove(tenant_id, &department.dept_code);
        let code = &department.dept_code;
        self.by_corp.add(tenant_id, department.corp_dept_code.as_deref().unwrap_or_default(), code);
        self.children.add(tenant_id, &department.parent_code, code);
        self.all.insert(pair(tenant_id, code), department);
    }

    pub(super) fn remove(&mut self, tenant_id: &str, dept_code: &str) -> Option<Department> {
        let department = self.all.remove(&pair(tenant_id, dept_code))?;
        let code = &department.dept_code;
        self.by_corp.drop(tenant_id, department.corp_dept_code.as_deref().unwrap_or_default(), code);
        self.children.drop(tenant_id, &department.parent_code, code);
        Some(department)
    }

    pub(super) fn of(&self, tenant_id: &str) -> impl Iterator<Item = &Department> {
        let tenant = tenant_id.to_owned();
        self.all
            .range(pair(tenant_id, "")..)
            .take_while(move |((of, _), _)| *of == tenant)
            .map(|(_, department)| department)
    }

    pub(super) fn by_corp(&self, tenant_id: &str, corp_dept: &str) -> Option<&Department> {
        self.by_corp.get(tenant_id, corp_dept).next().and_then(|code| self.get(tenant_id, code))
    }

    /// Direct children in the order of their codes.
    pub(super) fn children(&self, tenant_id: &str, dept_code: &str) -> impl DoubleEndedIterator<Item = &Department> {
        self.children.get(tenant_id, dept_code).filter_map(move |code| self.get(tenant_id, code))
    }

    /// Everything below, parents before children. A cycle cannot arise: no write makes one.
    pub(super) fn below(&self, tenant_id: &str, dept_code: &str) -> Vec<&Department> {
        let mut waiting: Vec<&Department> = self.children(tenant_id, dept_code).rev().collect();
        let mut found = Vec::new();
        while let Some(next) = waiting.pop() {
            found.push(next);
            waiting.extend(self.children(tenant_id, &next.dept_code).rev());
        }
        found
    }

    /// The codes from this department up to the first level, itself included.
    pub(super) fn path(&self, tenant_id: &str, dept_code: &str) -> Vec<&str> {
        let mut path = Vec::new();
        let mut at = self.get(tenant_id, dept_code);
        while let Some(department) = at.filter(|_| path.len() < self.all.len()) {
            path.push(department.dept_code.as_str());
            at = self.get(tenant_id, &department.parent_code);
        }
        path
    }
}
