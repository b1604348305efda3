//! `/v1/enterprises/{enterprise}/people/export`: everybody of the bridge copy with an empty relation column, to be
//! filled in and imported (product.md M35, BND-06).

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use domain::audit::Action;
use domain::ids::DeptCode;
use domain::model::{Enterprise, Person};
use domain::text::Text;
use signin::Bridge;
use state::directory::DEPARTMENTS_AT_ONCE;
use state::people::PeopleCursor;

use crate::actor::Actor;
use crate::enterprises;
use crate::error::ApiError;
use crate::link_jobs::{PartAsked, asked};
use crate::sheet::{Format, Part, Writer, heading};

/// People of one Query.
const PAGE: i32 = 500;

const HEADINGS: [Text; 10] = [
    heading::USER,
    heading::NAME,
    heading::NAME_EN,
    heading::MOBILE,
    heading::EMAIL,
    heading::WORK_NUMBER,
    heading::DEPARTMENT,
    heading::OA_USER,
    heading::OA_LOGIN,
    heading::RELATION,
];

/// Names of departments by their code; empty for one that is not there.
type Departments = BTreeMap<DeptCode, String>;

pub async fn get(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>, uri: Uri) -> Response {
    match export(&bridge, &actor, &enterprise, || asked(&uri)).await {
        Ok(part) => part.answer("people", uri.path()),
        Err(error) => error.answer(actor.lang),
    }
}

/// One part: a row per person, read page by page while it is written, so that a part is all that is held in memory.
pub(crate) async fn export(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    asked: impl FnOnce() -> Result<PartAsked, ApiError>,
) -> Result<Part, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let PartAsked { format, part } = asked()?;
    let no_part = |_| ApiError::field("part", "no such part / 没有这一部分");
    let from: PeopleCursor = part.as_deref().map_or(Ok(PeopleCursor::default()), str::parse).map_err(no_part)?;
    if part.is_none() {
        // Personal data leave: who took them is remembered, once for all parts.
        let entry = actor.entry(bridge, enterprise.id.tenant(), Action::PeopleExport, enterprise.id.as_str());
        bridge.store().append_audit(&entry).await?;
    }
    let mut file = Writer::new(format, &HEADINGS)?;
    let mut departments = Departments::new();
    let mut at = Some(from);
    // Each page moves on through the partitions, and a part has an end.
    while let Some(cursor) = at {
        let (people, next) = bridge.store().people(&enterprise.id, &cursor, PAGE).await?;
        look_up(bridge, &enterprise, &people, &mut departments).await?;
        for person in &people {
            if file.is_full() {
                return finish(format, file, &cursor, &people, person);
            }
            write(&mut file, person, &departments)?;
        }
        at = next;
    }
    Part::new(format, file, None)
}

/// Ends a part before `person`.
fn finish(
    format: Format,
    file: Writer,
    cursor: &PeopleCursor,
    people: &[Person],
    person: &Person,
) -> Result<Part, ApiError> {
    let last = people.iter().take_while(|other| other.user_id != person.user_id).last();
    let next = last.map_or_else(|| cursor.clone(), |last| cursor.after(last));
    Part::new(format, file, Some(next.to_string()))
}

/// Reads the departments of a page that are not known yet.
async fn look_up(
    bridge: &Bridge,
    enterprise: &Enterprise,
    people: &[Person],
    known: &mut Departments,
) -> Result<(), ApiError> {
    let codes = people.iter().map(Person::main_department);
    let new: BTreeSet<DeptCode> = codes.filter(|code| !known.contains_key(code)).collect();
    let new: Vec<DeptCode> = new.into_iter().collect();
    for codes in new.chunks(DEPARTMENTS_AT_ONCE) {
        let found = bridge.store().departments(&enterprise.id, codes).await?;
        known.extend(codes.iter().map(|code| (code.clone(), String::new())));
        known.extend(found.into_iter().map(|department| (department.code, department.name_zh)));
    }
    Ok(())
}

fn write(file: &mut Writer, person: &Person, departments: &Departments) -> Result<(), ApiError> {
    let department = departments.get(&person.main_department()).map(String::as_str);
    let link = person.link.as_ref();
    file.row(&[
        person.user_id.as_str(),
        &person.name_zh,
        &person.name_en,
        &person.mobile,
        &person.email,
        &person.corp_user_id,
        department.unwrap_or_default(),
        link.map(|link| link.oa_user.as_str()).unwrap_or_default(),
        link.map(|link| link.login_id.as_str()).unwrap_or_default(),
        "",
    ])
}
