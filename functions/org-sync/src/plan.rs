//! From-OA is planned and judged. What it would do is stored object by object; WeLink is not written here.

use std::collections::HashSet;

use domain::run::{Entry, FieldChange, Note, Object, Planned, Status, state_name};
use domain::sync::{
    Abort, Blocked, CopyRow, DepartmentItem, Directory, Guard, OaRow, OaSide, Parent, PersonItem, Plan, Rate, Settings,
    State, guard, plan as make,
};
use domain::text::{Lang, Text};
use oa::model::{OaUser, OrgUnit};
use state::run::pack;

use crate::compare::{all, copied_people};
use crate::read_oa::side;
use crate::rows::{self, PLAN, UNITS, USERS};
use crate::slice::{Next, Slice, Stop};

/// Makes the plan of both sides as they were read, and says what stands against it.
pub(crate) async fn plan(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    slice.run.chunks.remove(PLAN);
    let units: Vec<OrgUnit> = all(slice, UNITS).await?;
    let users: Vec<OaUser> = all(slice, USERS).await?;
    let deny = &slice.enterprise.auto_bind.deny;
    let oa = side(&units, &users, |user| user.has_roles || deny.contains(&user.id));
    let departments = slice.bridge.store().all_departments(slice.enterprise()).await?;
    let people = copied_people(slice).await?;
    let (Ok(oa), Ok(copy)) = (oa, rows::copied(&departments, &people)) else {
        slice.run.notes.push(Note::new("too-large", TOO_LARGE));
        return Ok(Next::Over(Status::Failed));
    };
    let config = slice.bridge.config();
    let rate = Rate { per_second: config.calls_per_second, per_minute: config.calls_per_minute };
    let settings = Settings { rate, baseline: None, ..slice.settings.from_oa.plan.clone() };
    let (plan, complaints) = make(&copy, &oa, &settings, slice.now());
    if let Some(abort) = &plan.abort {
        slice.run.notes.push(aborted(abort));
        return Ok(Next::Over(Status::Aborted));
    }
    let sides = (&oa, &copy);
    let departments = plan.departments.iter().map(|item| department(&plan, item, sides));
    let people = plan.people.iter().map(|item| person(item, sides, &settings));
    let mut entries: Vec<Entry> = departments.chain(people).collect();
    // What is held is among them with its reason; the others have been said nowhere else.
    let listed = listed(&plan, sides);
    entries.extend(complaints.iter().filter(|complaint| !listed.contains(complaint.id)).map(|complaint| Entry {
        object: Object::Department,
        id: complaint.id.to_owned(),
        name: complaint.name.to_owned(),
        parent: None,
        change: state_name(State::Held).to_owned(),
        fields: Vec::new(),
        result: "planned".to_owned(),
        note: Some(Note::new(complaint.reason.name(), complaint.reason.text())),
    }));
    let judged = guard(&plan, &settings);
    let mut after = slice.run.clone();
    after.plan = Some(planned(&plan, &judged));
    let blocked = judged.is_blocked();
    match slice.save(after, PLAN, pack(&entries)?).await? {
        Next::On if blocked => {
            slice.run.notes.extend(slice.run.plan.iter().flat_map(|plan| plan.blocked.clone()).collect::<Vec<_>>());
            Ok(Next::Over(Status::Blocked))
        }
        Next::On => Ok(Next::Over(Status::Success)),
        other => Ok(other),
    }
}

fn planned(plan: &Plan, judged: &Guard) -> Planned {
    let batches = plan.batches();
    Planned {
        hash: plan.hash,
        departments: plan.department_counts.into(),
        people: plan.person_counts.into(),
        in_scope: plan.in_scope,
        linked_people: plan.linked_people,
        linked_departments: plan.linked_departments,
        calls: u64::try_from(batches.calls).unwrap_or(u64::MAX),
        seconds: batches.seconds,
        blocked: blocked(judged),
    }
}

fn blocked(judged: &Guard) -> Vec<Note> {
    let note = |name: &str, text: Text, blocked: Option<Blocked>| {
        blocked.map(|Blocked { count, most, of }| Note::new(name, text).with(&[&count, &most, &of]))
    };
    let all = [
        note("decrease", DECREASE, judged.decrease),
        note("cap-people", CAP_PEOPLE, judged.people),
        note("cap-marks", CAP_MARKS, judged.marks),
        note("cap-departments", CAP_DEPARTMENTS, judged.departments),
    ];
    all.into_iter().flatten().collect()
}

fn aborted(abort: &Abort) -> Note {
    Note { name: abort.name().to_owned(), zh: abort.message(Lang::Zh), en: abort.message(Lang::En) }
}

/// The ids, of either side, that the plan has objects of.
fn listed<'a>(plan: &Plan, (oa, copy): (&'a OaSide, &'a Directory)) -> HashSet<&'a str> {
    let mut ids = HashSet::new();
    for item in &plan.departments {
        ids.extend(item.oa.map(|row| oa.department_id(row)));
        ids.extend(item.copy.map(|row| copy.department_code(row)));
    }
    for item in &plan.people {
        ids.extend(item.oa.map(|row| oa.person_id(row)));
        ids.extend(item.copy.map(|row| copy.user(row)));
    }
    ids
}

fn department(plan: &Plan, item: &DepartmentItem, (oa, copy): (&OaSide, &Directory)) -> Entry {
    let of_oa = |row: OaRow| (oa.department_id(row).to_owned(), oa.department_name(row).to_owned());
    let of_copy = |row: CopyRow| (copy.department_code(row).to_owned(), copy.department_name(row).to_owned());
    // By its WeLink code where it has one: what hangs under it says the same.
    let id = item.copy.map(|row| of_copy(row).0).or_else(|| item.oa.map(|row| of_oa(row).0)).unwrap_or_default();
    let name = item.oa.map(|row| of_oa(row).1).or_else(|| item.copy.map(|row| of_copy(row).1)).unwrap_or_default();
    let mut fields = Vec::new();
    if let (true, Some(before)) = (item.renames, item.copy.map(|row| of_copy(row).1)) {
        fields.push(FieldChange { field: "name".to_owned(), before, after: name.clone() });
    }
    let parent = match item.parent {
        Parent::Copy(row) => of_copy(row).0,
        Parent::Oa(row) => plan.department(row).map_or_else(|| of_oa(row).0, |row| of_copy(row).0),
    };
    Entry {
        object: Object::Department,
        id,
        name,
        // A deletion hangs under nothing of the plan.
        parent: (item.state != State::Delete).then_some(parent),
        change: state_name(item.state).to_owned(),
        fields,
        result: "planned".to_owned(),
        note: item.reason.map(|reason| Note::new(reason.name(), reason.text())),
    }
}

fn person(item: &PersonItem, (oa, copy): (&OaSide, &Directory), settings: &Settings) -> Entry {
    let user = item.copy.map(|row| (copy.user(row), copy.user_name(row)));
    let of_oa = item.oa.map(|row| (oa.person_id(row), oa.person_name(row)));
    let (id, _) = user.or(of_oa).unwrap_or_default();
    let (_, name) = of_oa.or(user).unwrap_or_default();
    let changes = item.changes(oa, copy, settings);
    let fields = changes.into_iter().map(|change| FieldChange {
        field: serde_json::to_value(change.field).ok().and_then(|n| n.as_str().map(str::to_owned)).unwrap_or_default(),
        before: change.before.into_owned(),
        after: change.after.into_owned(),
    });
    Entry {
        object: Object::Person,
        id: id.to_owned(),
        name: name.to_owned(),
        parent: None,
        change: state_name(item.state).to_owned(),
        fields: fields.collect(),
        result: "planned".to_owned(),
        note: item.reason.map(|reason| Note::new(reason.name(), reason.text())),
    }
}

const TOO_LARGE: Text = Text::new(
    "组织超出云桥能处理的大小，同步已停止，没有任何改动。",
    "The organisation is larger than the bridge can handle; nothing was changed.",
);
const DECREASE: Text = Text::new(
    "同步范围内的 OA 用户比上次同步少 {0} 人（上次 {2} 人，允许减少 {1} 人），不会写入 WeLink。请检查 OA 数据和同步范围；如果确实如此，请提高阈值。",
    "{0} OA users fewer are in scope than at the last sync (then {2}, allowed {1}): nothing is written. Check the OA \
     and the scope; if it is right, raise the threshold.",
);
const CAP_PEOPLE: Text = Text::new(
    "计划从 WeLink 删除 {0} 名已关联的成员（共 {2} 名，上限 {1} 名），不会写入 WeLink。请检查同步范围；如果确实如此，请提高上限。",
    "The plan removes {0} linked members from WeLink (of {2}, at most {1}): nothing is written. Check the scope; if it \
     is right, raise the cap.",
);
const CAP_MARKS: Text = Text::new(
    "计划把 {0} 名已关联的成员标记为待删除（共 {2} 名，上限 {1} 名），不会写入 WeLink。请检查同步范围；如果确实如此，请提高上限。",
    "The plan marks {0} linked members to leave (of {2}, at most {1}): nothing is written. Check the scope; if it is \
     right, raise the cap.",
);
const CAP_DEPARTMENTS: Text = Text::new(
    "计划从 WeLink 删除 {0} 个已关联的部门（共 {2} 个，上限 {1} 个），不会写入 WeLink。请检查同步范围；如果确实如此，请提高上限。",
    "The plan removes {0} linked departments from WeLink (of {2}, at most {1}): nothing is written. Check the scope; \
     if it is right, raise the cap.",
);
