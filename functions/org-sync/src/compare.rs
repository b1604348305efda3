//! What was read of WeLink against the bridge copy: judged as a whole, then written down operation by operation.

use std::collections::BTreeMap;

use domain::model::{Department, Person, PersonStatus};
use domain::run::{CopyCounts, FieldChange, Note, Run, Status, Step};
use domain::sync::{CopyItem, CopySettings, CopyState, Directory, Shrunken, copy_plan};
use domain::text::Text;
use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use state::people::PeopleCursor;
use state::run::pack;

use crate::rows::{self, DEPARTMENTS, OPERATIONS, Operation, PEOPLE, ReadDepartment, ReadPerson, Row};
use crate::slice::{Next, Slice, Stop};

/// People of one Query.
const PAGE: i32 = 1_000;

/// Both sides with their records beside them.
struct Sides {
    departments: BTreeMap<String, ReadDepartment>,
    people: BTreeMap<String, ReadPerson>,
    own_departments: BTreeMap<String, Department>,
    own_people: BTreeMap<String, Person>,
}

/// Compares, judges, and stores what is to be written. Interrupted, it is done again from the beginning: until the last
/// operation is stored nothing has been written to the copy.
pub(crate) async fn compare(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    slice.run.chunks.remove(OPERATIONS);
    let departments: Vec<ReadDepartment> = all(slice, DEPARTMENTS).await?;
    let people = rows::merged(all(slice, PEOPLE).await?);
    let own_departments = slice.bridge.store().all_departments(slice.enterprise()).await?;
    let own_people = copied_people(slice).await?;
    let (Ok(welink), Ok(copy)) = (rows::shown(&departments, &people), rows::copied(&own_departments, &own_people))
    else {
        slice.run.notes.push(Note::new("too-large", TOO_LARGE));
        return Ok(Next::Over(Status::Failed));
    };
    let from_welink = &slice.settings.from_welink;
    let from_oa = Some(&slice.settings.from_oa.plan);
    let settings = CopySettings { cap: from_welink.cap, missing_days: from_welink.missing_days, from_oa };
    let (plan, complaints) = copy_plan(&welink, &copy, &settings, slice.now());
    let doubled: Vec<&str> = complaints.iter().map(|complaint| complaint.id).collect();
    let mut after = slice.run.clone();
    if !doubled.is_empty() {
        after.notes.push(Note::new("duplicate-id", DUPLICATE).with(&[&doubled.join(", ")]));
    }
    note_range(&mut after, &people, &own_people);
    note_fields(slice, &mut after, &people);
    let (items_of_departments, items_of_people) = match plan.release(from_welink.cap) {
        Ok(lists) => lists,
        Err(shrunken) => {
            slice.run.notes = after.notes;
            slice.run.notes.push(blocked(shrunken));
            return Ok(Next::Over(Status::Blocked));
        }
    };
    let sides = Sides {
        own_departments: by(own_departments, |one| one.code.as_str()),
        own_people: by(own_people, |one| one.user_id.as_str()),
        departments: by(departments, |one| &one.code),
        people: by(people, |one| &one.user),
    };
    let (mut operations, now) = (Vec::new(), slice.now());
    operations.extend(items_of_departments.iter().filter_map(|i| sides.department(i, (&welink, &copy), now)));
    operations.extend(items_of_people.iter().filter_map(|i| sides.person(i, (&welink, &copy), now)));
    after.copy = counts(&sides, &operations);
    let chunks = pack(&operations)?;
    after.enter(Step::Copy, u32::try_from(chunks.len()).unwrap_or(u32::MAX));
    slice.save(after, OPERATIONS, chunks).await
}

/// All rows of one kind that the run has stored.
pub(crate) async fn all<T: DeserializeOwned>(slice: &Slice<'_>, kind: &str) -> Result<Vec<T>, Stop> {
    let mut rows = Vec::new();
    for at in 0..slice.run.stored(kind) {
        rows.append(&mut slice.bridge.store().run_chunk(&slice.run.id, kind, at).await?);
    }
    Ok(rows)
}

pub(crate) async fn copied_people(slice: &Slice<'_>) -> Result<Vec<Person>, Stop> {
    let (mut people, mut at) = (Vec::new(), Some(PeopleCursor::default()));
    // Each page moves on, and the partitions end.
    while let Some(cursor) = at {
        let (mut page, next) = slice.bridge.store().people(slice.enterprise(), &cursor, PAGE).await?;
        people.append(&mut page);
        at = next;
    }
    Ok(people)
}

fn by<T>(rows: Vec<T>, key: impl Fn(&T) -> &str) -> BTreeMap<String, T> {
    rows.into_iter().map(|row| (key(&row).to_owned(), row)).collect()
}

/// Somebody who signed in through an app of the enterprise is its member: an app that does not show him has a narrow
/// visible range (product.md FWL-09).
fn note_range(run: &mut Run, people: &[ReadPerson], own: &[Person]) {
    let is_shown =
        |person: &Person| people.binary_search_by(|one| one.user.as_str().cmp(person.user_id.as_str())).is_ok();
    let met = |person: &&Person| !person.synced && !person.sign_ins.is_empty();
    let hidden = own.iter().filter(met).filter(|person| !is_shown(person)).count();
    if hidden > 0 {
        run.notes.push(Note::new("narrow-range", NARROW_RANGE).with(&[&hidden]));
    }
}

/// A field that auto-bind matches by and that nobody has is one that the app may not read (product.md FWL-09).
fn note_fields(slice: &Slice<'_>, run: &mut Run, people: &[ReadPerson]) {
    use domain::matching::WeLinkField;
    let auto_bind = &slice.enterprise.auto_bind;
    if !auto_bind.enabled || people.is_empty() {
        return;
    }
    for pair in auto_bind.pairs.as_slice() {
        let (name, value): (&str, fn(&ReadPerson) -> &str) = match pair.welink {
            WeLinkField::Mobile => ("mobile", |one| &one.mobile),
            WeLinkField::Email => ("email", |one| &one.email),
            WeLinkField::CorpUserId => ("corpUserId", |one| &one.corp_user),
            WeLinkField::EmployeeId => ("employeeId", |one| &one.employee),
        };
        if people.iter().all(|one| value(one).is_empty()) {
            run.notes.push(Note::new("field-missing", FIELD_MISSING).with(&[&name]));
        }
    }
}

fn blocked(shrunken: Shrunken) -> Note {
    let Shrunken { before, lost, most, of_departments } = shrunken;
    let text = if of_departments { SHRUNKEN_DEPARTMENTS } else { SHRUNKEN_PEOPLE };
    Note::new("shrunken", text).with(&[&before, &lost, &most])
}

fn counts(sides: &Sides, operations: &[Operation]) -> CopyCounts {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut counts = CopyCounts {
        read_departments: number(sides.departments.len()),
        read_people: number(sides.people.len()),
        ..CopyCounts::default()
    };
    for operation in operations {
        match operation.row {
            Row::Department { .. } => counts.departments.add(operation.state),
            Row::Person { .. } => counts.people.add(operation.state),
        }
    }
    counts
}

impl Sides {
    fn department(&self, item: &CopyItem, sides: (&Directory, &Directory), now: Timestamp) -> Option<Operation> {
        let (welink, copy) = sides;
        let code = match (item.welink, item.copy) {
            (Some(row), _) => welink.department_code(row),
            (None, row) => copy.department_code(row?),
        };
        let (now_shown, own) = (self.departments.get(code), self.own_departments.get(code));
        let shown = now_shown.filter(|_| item.welink.is_some());
        let parent = |own: &Department| own.parent.as_ref().map(|code| code.as_str().to_owned()).unwrap_or_default();
        let fields = match (shown, own) {
            (Some(shown), Some(own)) => differing(&[
                ("name", &own.name_zh, &shown.name_zh),
                ("parent", &parent(own), &shown.parent),
                ("corp_code", &own.corp_code, &shown.corp_code),
                ("order", &own.order.to_string(), &shown.order.to_string()),
            ]),
            _ => Vec::new(),
        };
        let name = shown.map(|one| one.name_zh.clone()).or_else(|| own.map(|one| one.name_zh.clone()));
        Some(Operation {
            row: Row::Department { code: code.to_owned(), now: shown.cloned() },
            state: item.state,
            name: name.unwrap_or_default(),
            since: since(item.state, own.map(|one| one.status), now),
            fields,
        })
    }

    fn person(&self, item: &CopyItem, sides: (&Directory, &Directory), now: Timestamp) -> Option<Operation> {
        let (welink, copy) = sides;
        let user = match (item.welink, item.copy) {
            (Some(row), _) => welink.user(row),
            (None, row) => copy.user(row?),
        };
        let (now_shown, own) = (self.people.get(user), self.own_people.get(user));
        let shown = now_shown.filter(|_| item.welink.is_some());
        let fields = match (shown, own) {
            (Some(shown), Some(own)) => {
                let codes: Vec<&str> = own.departments.iter().map(domain::ids::DeptCode::as_str).collect();
                differing(&[
                    ("name_zh", &own.name_zh, &shown.name_zh),
                    ("name_en", &own.name_en, &shown.name_en),
                    ("mobile", &own.mobile, &shown.mobile),
                    ("email", &own.email, &shown.email),
                    ("corp_user_id", &own.corp_user_id, &shown.corp_user),
                    ("employee_id", &own.employee_id, &shown.employee),
                    ("title", &own.title, &shown.position),
                    ("sex", &own.sex, &shown.sex),
                    ("departments", &codes.join(", "), &shown.departments.join(", ")),
                ])
            }
            _ => Vec::new(),
        };
        let since = since(item.state, own.map(|one| one.status), now);
        // A removal on a doubt: WeLink's lists do not show him, and its sign-in has since.
        if item.state == CopyState::Dropped && own.is_some_and(|one| is_vouched_for(one, since)) {
            return None;
        }
        let name = shown.map(|one| one.name_zh.clone()).or_else(|| own.map(|one| one.name_zh.clone()));
        Some(Operation {
            row: Row::Person { user: user.to_owned(), now: shown.cloned(), kept: item.kept },
            state: item.state,
            name: name.unwrap_or_default(),
            since,
            fields,
        })
    }
}

/// Whether WeLink has signed him in after that moment: then he is there, whatever its lists show.
pub(crate) fn is_vouched_for(person: &Person, since: Timestamp) -> bool {
    person.sign_ins.iter().any(|sign_in| sign_in.at > since)
}

/// What is missing is missing from now on; what is dropped has been since then.
fn since(state: CopyState, status: Option<PersonStatus>, now: Timestamp) -> Timestamp {
    match (state, status) {
        (CopyState::Dropped, Some(PersonStatus::Missing { since })) => since,
        _ => now,
    }
}

fn differing(fields: &[(&str, &str, &str)]) -> Vec<FieldChange> {
    let changed = fields.iter().filter(|(_, before, after)| before != after);
    let change = |(field, before, after): &(&str, &str, &str)| FieldChange {
        field: (*field).to_owned(),
        before: (*before).to_owned(),
        after: (*after).to_owned(),
    };
    changed.map(change).collect()
}

const TOO_LARGE: Text = Text::new(
    "企业的通讯录超出云桥能处理的大小，同步已停止，没有任何改动。",
    "The company's address book is larger than the bridge can handle; nothing was changed.",
);
const DUPLICATE: Text = Text::new(
    "WeLink 对同一编号返回了不同的数据，这些对象保持不变：{0}",
    "WeLink shows different data under one id; these objects stay as they are: {0}",
);
const NARROW_RANGE: Text = Text::new(
    "有 {0} 名登录过的成员没有出现在 WeLink 返回的通讯录中：该应用的可见范围不是全员。请在 WeLink 管理后台把应用的可见范围设为全员。",
    "{0} members who have signed in are not in what WeLink shows: the app's visible range is not everyone. Set it to \
     everyone in WeLink's administration.",
);
const FIELD_MISSING: Text = Text::new(
    "WeLink 没有返回任何人的 {0}，自动绑定无法按它匹配。请在 WeLink 开放平台为应用开通相应的字段权限。",
    "WeLink returned nobody's {0}, which auto-bind matches by. Grant the app the permission for this field on the \
     WeLink open platform.",
);
const SHRUNKEN_PEOPLE: Text = Text::new(
    "WeLink 返回的人员比上次少了 {1} 人（上次 {0} 人，允许减少 {2} 人），云桥通讯录没有改动。请检查应用的可见范围和权限；如果确实如此，请提高上限后重试。",
    "WeLink shows {1} people fewer than before (before {0}, allowed {2}); the copy is unchanged. Check the app's \
     visible range and permissions. If it is right, raise the cap and begin again.",
);
const SHRUNKEN_DEPARTMENTS: Text = Text::new(
    "WeLink 返回的部门比上次少了 {1} 个（上次 {0} 个，允许减少 {2} 个），云桥通讯录没有改动。请检查应用的可见范围和权限；如果确实如此，请提高上限后重试。",
    "WeLink shows {1} departments fewer than before (before {0}, allowed {2}); the copy is unchanged. Check the app's \
     visible range and permissions. If it is right, raise the cap and begin again.",
);
