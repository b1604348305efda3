//! The demonstration's bridge copy: departments and people as a sync would have left them, written straight into the
//! table. Through the API each person would be looked up in WeLink, at the pace that WeLink allows.

use anyhow::{Result, ensure};
use domain::audit::Action;
use domain::ids::{DeptCode, OaUnitId, OaUserId, WeLinkUserId};
use domain::model::{
    Department, DeptLink, Link, LinkOrigin, OaDepartment, OaUnitKind, Person, PersonSource, PersonStatus, Stamp,
};
use signin::Bridge;
use sim::company::{self, Company, DepartmentKind};
use sim::welink;

use crate::demo::Remembered;

/// People of the company who are in WeLink but not linked: what a newcomer meets on his first day.
const UNLINKED: usize = 3;
/// Who did all this.
const ACTOR: &str = "demo";
/// The branch whose departments nobody has linked yet.
const UNLINKED_BRANCH: &str = "s-3";

pub(crate) async fn fill(company: &Company, bridge: &Bridge, known: &Remembered) -> Result<()> {
    for index in 0..company.departments.len() {
        let department = department(company, index, bridge, known)?;
        ensure!(bridge.store().put_department(&department).await?, "{}: is there already", department.code);
    }
    let count = company.people.len().saturating_sub(UNLINKED);
    for person in company.people.iter().take(count) {
        let (person, link) = person_with_link(company, person, bridge, known)?;
        let entry = bridge.entry(known.tenant.clone(), Action::Bind, ACTOR, person.user_id.as_str(), "");
        bridge.store().create_linked_person(&person, &link, &entry).await?;
    }
    Ok(())
}

fn code(company: &Company, index: usize) -> Result<DeptCode> {
    Ok(DeptCode::parse(&welink::dept_code(company, index))?)
}

fn department(company: &Company, index: usize, bridge: &Bridge, known: &Remembered) -> Result<Department> {
    let (own, now) = (&company.departments[index], bridge.clock().now());
    let mut line = std::iter::successors(Some(index), |&at| company.departments[at].parent);
    let linked = line.all(|at| company.departments[at].id != UNLINKED_BRANCH);
    let kind = match own.kind {
        DepartmentKind::Company => OaUnitKind::Company,
        DepartmentKind::Subcompany => OaUnitKind::Subcompany,
        DepartmentKind::Department => OaUnitKind::Department,
    };
    let oa_department = OaDepartment { kind, id: OaUnitId::parse(&own.id)? };
    let bound = Stamp { at: now, by: ACTOR.to_owned() };
    Ok(Department {
        enterprise: known.enterprise.clone(),
        code: code(company, index)?,
        parent: own.parent.map(|parent| code(company, parent)).transpose()?,
        name_zh: own.name_zh.clone(),
        name_en: own.name_en.clone(),
        corp_code: own.id.clone(),
        order: u32::try_from(index)?,
        link: linked.then_some(DeptLink { oa_department, bound }),
        status: PersonStatus::Active,
        updated: now,
        version: 0,
    })
}

fn person_with_link(
    company: &Company,
    person: &company::Person,
    bridge: &Bridge,
    known: &Remembered,
) -> Result<(Person, Link)> {
    let (now, user) = (bridge.clock().now(), WeLinkUserId::parse(&welink::user_id_of(&person.login))?);
    let link = Link {
        oa_user: OaUserId::parse(&person.id)?,
        login_id: person.login.clone(),
        origin: LinkOrigin::Card,
        bound: Stamp { at: now, by: ACTOR.to_owned() },
    };
    let posts = std::iter::once(&person.department).chain(&person.concurrent);
    let person = Person {
        name_zh: person.name_zh.clone(),
        name_en: person.name_en.clone(),
        mobile: person.mobile.clone(),
        email: person.email.clone(),
        corp_user_id: person.work_code.clone(),
        departments: posts.map(|&index| code(company, index)).collect::<Result<_>>()?,
        title: person.title_zh.clone(),
        ..Person::new(known.enterprise.clone(), user, PersonSource::Admin, now)
    };
    Ok((person, link))
}
