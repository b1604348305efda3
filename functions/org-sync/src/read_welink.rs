//! WeLink is read: its departments in one go, then their people, as many departments at a time as WeLink's rate allows.

use std::time::Duration;

use domain::ids::DeptCode;
use domain::run::Step;
use futures_util::StreamExt as _;
use futures_util::stream;
use state::run::pack;
use welink::WeLinkError;
use welink::contact::{DepartmentCursor, PeopleCursor, PersonRow, ReadError};

use crate::compare::all;
use crate::rows::{DEPARTMENTS, PEOPLE, ReadDepartment, ReadPerson};
use crate::slice::{Next, Slice, Stop};

/// Departments whose people are read side by side: at 100 ms a call that fills the allowed rate.
const AT_ONCE: usize = 8;
/// Departments of one piece: what is lost when a sandbox dies within it is read again (goals.md R12).
const PIECE: usize = 64;
/// Longest pause for the rate; then the piece ends and a later one goes on.
const PAUSE_MS_MAX: u64 = 5_000;

/// All departments, the company itself among them. Not stored until it is complete.
pub(crate) async fn departments(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    slice.run.chunks.remove(DEPARTMENTS);
    slice.run.chunks.remove(PEOPLE);
    let welink = slice.bridge.welink();
    let company = welink.tenant_info(&slice.credentials).await?;
    let mut departments = vec![ReadDepartment {
        code: DeptCode::root().as_str().to_owned(),
        name_zh: company.name_cn.or(company.name_en.clone()).unwrap_or_default(),
        name_en: company.name_en.unwrap_or_default(),
        ..ReadDepartment::default()
    }];
    let mut cursor = DepartmentCursor::new(slice.settings.from_oa.plan.family);
    loop {
        let page = match welink.departments_page(&slice.credentials, &mut cursor).await {
            Err(ReadError::Call(WeLinkError::Busy { retry_after_ms })) if !slice.is_time_up() => {
                pause(retry_after_ms).await;
                continue;
            }
            page => page?,
        };
        departments.extend(page.rows.into_iter().map(|row| ReadDepartment {
            code: row.code.as_str().to_owned(),
            parent: row.parent.as_str().to_owned(),
            name_zh: row.name_zh,
            name_en: row.name_en.unwrap_or_default(),
            corp_code: row.corp_code.unwrap_or_default(),
            order: row.order,
        }));
        if page.done {
            break;
        }
    }
    let mut after = slice.run.clone();
    after.enter(Step::People, u32::try_from(departments.len()).unwrap_or(u32::MAX));
    slice.save(after, DEPARTMENTS, pack(&departments)?).await
}

/// The people of the next departments.
pub(crate) async fn people(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    let departments: Vec<ReadDepartment> = all(slice, DEPARTMENTS).await?;
    let from = usize::try_from(slice.run.done).unwrap_or(usize::MAX).min(departments.len());
    let piece = &departments[from..departments.len().min(from + PIECE)];
    let mut after = slice.run.clone();
    if piece.is_empty() {
        after.enter(Step::Compare, 0);
        return slice.save(after, "", Vec::new()).await;
    }
    let this = &*slice;
    let reads: Vec<_> = piece.iter().map(|department| members(this, &department.code)).collect();
    let read: Vec<Result<Vec<ReadPerson>, Stop>> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let mut people = Vec::new();
    for members in read {
        people.append(&mut members?);
    }
    after.done += u32::try_from(piece.len()).unwrap_or(u32::MAX);
    after.tries = 0;
    slice.save(after, PEOPLE, pack(&people)?).await
}

/// All direct members of one department.
async fn members(slice: &Slice<'_>, code: &str) -> Result<Vec<ReadPerson>, Stop> {
    let Ok(code) = DeptCode::parse(code) else { return Ok(Vec::new()) };
    let mut cursor = PeopleCursor::new(slice.settings.from_oa.plan.family, code);
    let mut people = Vec::new();
    loop {
        let page = match slice.bridge.welink().people_page(&slice.credentials, &mut cursor).await {
            Err(ReadError::Call(WeLinkError::Busy { retry_after_ms })) if !slice.is_time_up() => {
                pause(retry_after_ms).await;
                continue;
            }
            page => page?,
        };
        // Who has left may still be listed.
        people.extend(page.rows.into_iter().filter(|row| !row.is_closed()).map(person));
        if page.done {
            return Ok(people);
        }
    }
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms.min(PAUSE_MS_MAX))).await;
}

fn person(row: PersonRow) -> ReadPerson {
    ReadPerson {
        user: row.user_id.as_str().to_owned(),
        departments: row.departments.iter().map(|code| code.as_str().to_owned()).collect(),
        corp_user: row.corp_user_id.unwrap_or_default(),
        name_zh: row.name_zh.unwrap_or_default(),
        name_en: row.name_en.unwrap_or_default(),
        mobile: row.mobile.unwrap_or_default(),
        email: row.email.unwrap_or_default(),
        employee: row.employee_id.unwrap_or_default(),
        position: row.position.unwrap_or_default(),
        sex: row.sex.unwrap_or_default(),
    }
}
