//! The bridge copy is written, chunk by chunk of stored operations; then new people are linked.

use domain::audit::Action;
use domain::ids::{DeptCode, WeLinkUserId};
use domain::model::{Department, Person, PersonSource, PersonStatus};
use domain::run::{Entry, Kind, Object, Status, Step, copy_state_name};
use domain::sync::CopyState;
use domain::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream;
use state::copy::Copied;
use state::run::pack;

use crate::compare::{all, copied_people, is_vouched_for};
use crate::rows::{JOURNAL, OPERATIONS, Operation, ReadDepartment, ReadPerson, Row, TO_BIND};
use crate::slice::{Next, Slice, Stop};

/// Writes to the table at once.
const AT_ONCE: usize = 16;
/// People of one piece of matching: each is a question to the OA.
const BIND_ROWS: usize = 50;

/// Writes one chunk, and its part of the journal. An interrupted chunk is written again: it leaves the same.
pub(crate) async fn copy(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    let at = slice.run.done;
    if at >= slice.run.stored(OPERATIONS) {
        return begin_to_bind(slice).await;
    }
    if !slice.bridge.store().holds_run(&slice.run).await? {
        return Ok(Next::Overtaken);
    }
    let operations: Vec<Operation> = slice.bridge.store().run_chunk(&slice.run.id, OPERATIONS, at).await?;
    let this = &*slice;
    let writes: Vec<_> = operations.iter().map(|operation| written(this, operation)).collect();
    let written: Vec<Result<Entry, Stop>> = stream::iter(writes).buffered(AT_ONCE).collect().await;
    let entries = written.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut after = slice.run.clone();
    after.done += 1;
    slice.save(after, JOURNAL, pack(&entries)?).await
}

async fn written(slice: &Slice<'_>, operation: &Operation) -> Result<Entry, Stop> {
    write(slice, operation).await.map(|written| entry(operation, written))
}

fn entry(operation: &Operation, written: Copied) -> Entry {
    let (object, id) = match &operation.row {
        Row::Department { code, .. } => (Object::Department, code),
        Row::Person { user, .. } => (Object::Person, user),
    };
    Entry {
        object,
        id: id.clone(),
        name: operation.name.clone(),
        parent: None,
        change: copy_state_name(operation.state).to_owned(),
        fields: operation.fields.clone(),
        result: if written == Copied::Done { "ok" } else { "overtaken" }.to_owned(),
        note: None,
    }
}

async fn write(slice: &Slice<'_>, operation: &Operation) -> Result<Copied, Stop> {
    let (store, enterprise, fence) = (slice.bridge.store(), slice.enterprise(), slice.run.fence);
    let since = operation.since;
    Ok(match (&operation.row, operation.state) {
        (Row::Department { code, now }, state) => {
            let Ok(code) = DeptCode::parse(code) else { return Ok(Copied::Overtaken) };
            match (state, now) {
                (CopyState::Missing, _) => store.mark_department_missing(enterprise, &code, since, fence).await?,
                (CopyState::Dropped, _) => store.drop_department(enterprise, &code, since, fence).await?,
                (_, Some(now)) => store.copy_department(&department(slice, code, now, since), fence).await?,
                (_, None) => Copied::Overtaken,
            }
        }
        (Row::Person { user, now, kept }, state) => {
            let Ok(user) = WeLinkUserId::parse(user) else { return Ok(Copied::Overtaken) };
            match (state, now) {
                (CopyState::Missing, _) => store.mark_missing(enterprise, &user, since, fence).await?,
                (CopyState::Dropped, _) => drop_person(slice, &user, since).await?,
                (_, Some(now)) => {
                    let mut person = person(slice, user, now, since);
                    person.kept = *kept;
                    store.copy_person(&person, fence).await?
                }
                (_, None) => Copied::Overtaken,
            }
        }
    })
}

async fn drop_person(slice: &Slice<'_>, user: &WeLinkUserId, since: Timestamp) -> Result<Copied, Stop> {
    let store = slice.bridge.store();
    let Some(person) = store.person(slice.enterprise(), user).await? else { return Ok(Copied::Done) };
    // He may have signed in since the plan was made.
    if is_vouched_for(&person, since) {
        return Ok(Copied::Overtaken);
    }
    let mut audit = slice.bridge.entry(user_tenant(slice), Action::Unbind, "sync", user.as_str(), "");
    audit.detail.insert("run".to_owned(), slice.run.id.as_str().to_owned());
    Ok(store.drop_person(&person, since, slice.run.fence, &audit).await?)
}

fn user_tenant(slice: &Slice<'_>) -> domain::ids::TenantId {
    slice.enterprise().tenant()
}

fn department(slice: &Slice<'_>, code: DeptCode, now: &ReadDepartment, at: Timestamp) -> Department {
    Department {
        enterprise: slice.enterprise().clone(),
        code,
        parent: DeptCode::parse(&now.parent).ok(),
        name_zh: now.name_zh.clone(),
        name_en: now.name_en.clone(),
        corp_code: now.corp_code.clone(),
        order: u32::from(now.order),
        link: None,
        status: PersonStatus::Active,
        updated: at,
        version: 0,
    }
}

fn person(slice: &Slice<'_>, user: WeLinkUserId, now: &ReadPerson, at: Timestamp) -> Person {
    Person {
        name_zh: now.name_zh.clone(),
        name_en: now.name_en.clone(),
        mobile: now.mobile.clone(),
        email: now.email.clone(),
        corp_user_id: now.corp_user.clone(),
        employee_id: now.employee.clone(),
        title: now.position.clone(),
        sex: now.sex.clone(),
        departments: now.departments.iter().filter_map(|code| DeptCode::parse(code).ok()).collect(),
        synced: true,
        updated: at,
        ..Person::new(slice.enterprise().clone(), user, PersonSource::Sync, at)
    }
}

/// Who is to be matched is written down once, so that a person who was not linked is not asked about again.
async fn begin_to_bind(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    if !slice.enterprise.auto_bind.enabled {
        return done(slice).await;
    }
    slice.run.chunks.remove(TO_BIND);
    let users: Vec<String> = if slice.settings.from_welink.bind_new_only {
        let operations: Vec<Operation> = all(slice, OPERATIONS).await?;
        let new = operations.into_iter().filter(|operation| operation.state == CopyState::New);
        new.filter_map(|operation| match operation.row {
            Row::Person { user, .. } => Some(user),
            Row::Department { .. } => None,
        })
        .collect()
    } else {
        let free = |person: &Person| person.link.is_none() && person.status == PersonStatus::Active;
        let people = copied_people(slice).await?.into_iter().filter(free);
        people.map(|person| person.user_id.as_str().to_owned()).collect()
    };
    let chunks: Vec<_> = users.chunks(BIND_ROWS).map(pack).collect::<Result<Vec<_>, _>>()?.concat();
    let mut after = slice.run.clone();
    after.enter(Step::Bind, u32::try_from(chunks.len()).unwrap_or(u32::MAX));
    slice.save(after, TO_BIND, chunks).await
}

/// The copy is as WeLink is: a from-WeLink has ended, and a from-OA goes on with the OA (product.md TWL-01).
async fn done(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    if slice.run.kind == Kind::FromWelink {
        return Ok(Next::Over(Status::Success));
    }
    let mut after = slice.run.clone();
    after.enter(Step::ReadOa, 2);
    slice.save(after, "", Vec::new()).await
}

/// Matches one chunk of people with the OA's users (product.md FWL-04).
pub(crate) async fn bind(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    let at = slice.run.done;
    if at >= slice.run.stored(TO_BIND) {
        return done(slice).await;
    }
    let users: Vec<String> = slice.bridge.store().run_chunk(&slice.run.id, TO_BIND, at).await?;
    let mut entries = Vec::new();
    for user in users.iter().filter_map(|user| WeLinkUserId::parse(user).ok()) {
        let Some(person) = slice.bridge.store().person(slice.enterprise(), &user).await? else { continue };
        if slice.bridge.bind_new_person(&slice.enterprise, &person, &slice.run.id).await? {
            entries.push(Entry {
                object: Object::Person,
                id: user.as_str().to_owned(),
                name: person.name_zh,
                parent: None,
                change: "linked".to_owned(),
                fields: Vec::new(),
                result: "ok".to_owned(),
                note: None,
            });
        }
    }
    let mut after = slice.run.clone();
    after.done += 1;
    after.copy.linked += u32::try_from(entries.len()).unwrap_or(u32::MAX);
    slice.save(after, JOURNAL, pack(&entries)?).await
}
