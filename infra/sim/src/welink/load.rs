//! Fills a company from the demonstration people that both simulators share.

use domain::text::Text;
use domain::time::Timestamp;

use super::model::{Department, DirectoryError, Member, MemberStatus, Tenant};
use super::{ROOT_DEPT, WeLink};
use crate::company::{CLOSED, Company, Person, Sex, UNKNOWN_TO_OA};

/// Every so many-th person has no corpUserId: the customer never maintained it (welink-api.md 1).
const WITHOUT_CORP_USER_ID_EVERY: usize = 7;
/// The first department code; the others follow in the order of the company's list.
const DEPT_CODE_FIRST: usize = 10_000;

impl WeLink {
    /// Adds a company with the departments and people of `company`, but without those whose login stands in `absent`:
    /// they are in the OA and not in WeLink. The other way round, [`WeLink::add_member`] adds people whom the OA does
    /// not know. User ids are `<login>@welink`; corpUserId is the work number, and left out for every seventh person.
    /// Returns the number of people loaded.
    pub fn load(&self, company: &Company, tenant: Tenant, absent: &[&str]) -> Result<usize, DirectoryError> {
        let tenant_id = tenant.tenant_id.clone();
        self.add_tenant(tenant);
        for (index, department) in company.departments.iter().enumerate() {
            let Some(parent) = department.parent else { continue };
            let entry = Department {
                dept_code: dept_code(company, index),
                corp_dept_code: Some(department.id.clone()),
                parent_code: dept_code(company, parent),
                name_zh: department.name_zh.clone(),
                name_en: department.name_en.clone(),
                order: 0,
                heads: Vec::new(),
            };
            self.add_department(&tenant_id, entry)?;
        }
        let now = self.time();
        let mut loaded = 0;
        for (index, person) in company.people.iter().enumerate() {
            if absent.contains(&person.login.as_str()) {
                continue;
            }
            let mut member = member(company, person, now);
            if index % WITHOUT_CORP_USER_ID_EVERY == WITHOUT_CORP_USER_ID_EVERY - 1 {
                member.corp_user_id = None;
            }
            self.add_member(&tenant_id, member)?;
            loaded += 1;
        }
        Ok(loaded)
    }

    /// Adds the people of a loaded company who are in WeLink only ([`Company::strangers`]): one has a closed account,
    /// one carries the remark that the OA does not know him, and one an app's visible range may leave out
    /// (`VisibleRange::AllBut`). Returns their number.
    pub fn load_strangers(&self, company: &Company, tenant_id: &str) -> Result<usize, DirectoryError> {
        let strangers = company.strangers();
        for person in &strangers {
            let mut member = member(company, person, self.time());
            if person.login == CLOSED {
                member.status = MemberStatus::Closed;
            }
            if person.login == UNKNOWN_TO_OA {
                self.remark(tenant_id, &member.user_id, Some(Text::new("OA 中没有此人", "Not in the OA")));
            }
            self.add_member(tenant_id, member)?;
        }
        Ok(strangers.len())
    }
}

/// The WeLink account that a person of the demonstration company has: `<login>@welink`.
pub fn user_id_of(login: &str) -> String {
    format!("{login}@welink")
}

fn member(company: &Company, person: &Person, now: Timestamp) -> Member {
    let mut member = Member::named(&user_id_of(&person.login), &person.name_zh, &person.name_en, now);
    member.corp_user_id = Some(person.work_code.clone());
    member.mobile = Some(format!("+86-{}", person.mobile));
    member.sex = Some(if person.sex == Sex::Female { "F" } else { "M" }.to_owned());
    member.email = Some(person.email.clone());
    member.employee_id = Some(person.work_code.clone());
    member.position_zh = Some(person.title_zh.clone());
    member.position_en = Some(person.title_en.clone());
    member.dept_codes = std::iter::once(person.department)
        .chain(person.concurrent.iter().copied())
        .map(|department| dept_code(company, department))
        .collect();
    member
}

/// The code that WeLink gives a department of a loaded company, by its place in the company's list. The company itself
/// is the root.
pub fn dept_code(company: &Company, index: usize) -> String {
    match company.departments.get(index) {
        Some(department) if department.parent.is_some() => (DEPT_CODE_FIRST + index).to_string(),
        _ => ROOT_DEPT.to_owned(),
    }
}
