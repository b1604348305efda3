//! The to-do module: one row a person and taskId (welink-api.md 7).

use std::collections::{BTreeMap, VecDeque};

use domain::time::Timestamp;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, china_time, put};
use super::messages;
use super::settings::TodoRepeat;
use super::tokens::uuid;
use super::world::{Call, Caller, World};

/// Changes remembered at once; the oldest go first.
const HISTORY_MAX: usize = 1_000_000;

/// One row, as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoRow {
    pub task_id: String,
    pub user_id: String,
    pub client_id: String,
    pub title: String,
    pub url: String,
    /// Opened by the PC client in the system's browser; empty when none was given.
    pub pc_url: String,
    /// The module.
    pub app_name: String,
    pub applicant_zh: String,
    pub applicant_en: String,
    /// Whether the applicant's name is shown.
    pub shows_applicant: bool,
    /// The request that it belongs to.
    pub applicant_id: String,
    pub business_code: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    uuid: String,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TodoChange {
    Added,
    /// Added again under the same taskId, where that is accepted.
    Replaced,
    Deleted,
    /// Nobody touched it for three months.
    Expired,
}

/// One change of one row: who saw what, how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoEvent {
    pub at: Timestamp,
    pub tenant_id: String,
    pub user_id: String,
    pub task_id: String,
    pub change: TodoChange,
}

/// All rows of all companies, and what happened to them.
#[derive(Debug, Default)]
pub(super) struct Todos {
    /// By tenant and taskId.
    rows: BTreeMap<(String, String), TodoRow>,
    history: VecDeque<TodoEvent>,
}

impl Todos {
    fn note(&mut self, at: Timestamp, tenant_id: &str, row: &TodoRow, change: TodoChange) {
        if self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        let (user_id, task_id) = (row.user_id.clone(), row.task_id.clone());
        self.history.push_back(TodoEvent { at, tenant_id: tenant_id.to_owned(), user_id, task_id, change });
    }

    /// The row, unless it was not touched for so long (welink-api.md 7).
    fn living(&mut self, key: &(String, String), now: Timestamp, life_ms: i64) -> Option<&TodoRow> {
        if now.ms_since(self.rows.get(key)?.updated) >= life_ms {
            let row = self.rows.remove(key)?;
            self.note(row.updated.plus_ms(life_ms), &key.0, &row, TodoChange::Expired);
        }
        self.rows.get(key)
    }

    /// Drops every row that was not touched for so long.
    pub(super) fn expire(&mut self, now: Timestamp, life_ms: i64) {
        let over = |row: &TodoRow| now.ms_since(row.updated) >= life_ms;
        let gone: Vec<(String, String)> =
            self.rows.iter().filter(|(_, row)| over(row)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.living(&key, now, life_ms);
        }
    }

    /// The rows of one person, newest first.
    pub(super) fn of(&self, tenant_id: &str, user_id: &str) -> Vec<TodoRow> {
        let mine = |((tenant, _), row): &(&(String, String), &TodoRow)| tenant == tenant_id && row.user_id == user_id;
        let mut rows: Vec<TodoRow> = self.rows.iter().filter(mine).map(|(_, row)| row.clone()).collect();
        rows.sort_by(|a, b| (b.created, &b.task_id).cmp(&(a.created, &a.task_id)));
        rows
    }

    pub(super) fn history(&self) -> impl Iterator<Item = &TodoEvent> {
        self.history.iter()
    }
}

const REQUIRED: [&str; 10] = [
    "taskId",
    "taskTitle",
    "userId",
    "userNameCn",
    "userNameEn",
    "detailsUrl",
    "appName",
    "applicantUserId",
    "applicantUserNameCn",
    "applicantUserNameEn",
];

fn web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// `isMsg` and its like: a number, a text of it, or true.
fn flag(call: &Call, name: &str, usual: bool) -> bool {
    match call.body.as_ref().and_then(|body| body.get(name)) {
        None | Some(Value::Null) => usual,
        Some(Value::Bool(value)) => *value,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(value) => matches!(value.as_str(), Some("1" | "true")),
    }
}

/// What is asked for, checked: 55005 missing, 55006 wrong.
fn read(call: &Call, client_id: &str) -> Result<TodoRow, Refusal> {
    if call.body.is_none() || REQUIRED.iter().chain(&["applicantId"]).any(|name| call.text(name).is_empty()) {
        return Err(Refusal::new("55005"));
    }
    let text = |name: &str| call.text(name).to_owned();
    let row = TodoRow {
        task_id: text("taskId"),
        user_id: text("userId"),
        client_id: client_id.to_owned(),
        title: text("taskTitle"),
        url: text("detailsUrl"),
        pc_url: text("detailsUrlPc"),
        app_name: text("appName"),
        applicant_zh: text("applicantUserNameCn"),
        applicant_en: text("applicantUserNameEn"),
        shows_applicant: flag(call, "isShowApplicantUserName", true),
        applicant_id: text("applicantId"),
        business_code: text("businessCode"),
        created: call.now,
        updated: call.now,
        uuid: uuid(call.entropy),
    };
    let coded = row.business_code.bytes().all(|b| b.is_ascii_alphanumeric());
    if !web(&row.url) || !(row.pc_url.is_empty() || web(&row.pc_url)) || !coded {
        return Err(Refusal::new("55006"));
    }
    Ok(row)
}

/// `POST /api/todo/v3/addtask`, and v2, which has neither `detailsUrlPc` nor `businessCode` (welink-api.md 7.1).
pub(super) fn add(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller.ok_or_else(|| Refusal::new("55014"))?;
    let mut row = read(call, &caller.client_id)?;
    if !messages::reaches(world, caller, &row.user_id) {
        return Err(Refusal::new(world.settings.todo_nobody_code.clone()));
    }
    let key = (caller.tenant_id.clone(), row.task_id.clone());
    let mut change = TodoChange::Added;
    if let Some(older) = world.todos.living(&key, call.now, world.settings.todo_life_ms) {
        match world.settings.todo_repeat {
            TodoRepeat::Refused55007 => return Err(Refusal::new("55007")),
            TodoRepeat::Refused55010 => return Err(Refusal::new("55010")),
            TodoRepeat::Replaces if older.client_id != row.client_id => return Err(Refusal::new("55011")),
            TodoRepeat::Replaces => (row.created, change) = (older.created, TodoChange::Replaced),
        }
    }
    if flag(call, "isMsg", false) && change == TodoChange::Added {
        let pc_url = if row.pc_url.is_empty() { &row.url } else { &row.pc_url };
        messages::announce(world, call, caller, &row.user_id, [&row.app_name, &row.title, &row.url, pc_url]);
    }
    world.todos.note(call.now, &caller.tenant_id, &row, change);
    let mut data = answered(caller, &row);
    for name in REQUIRED.iter().chain(&["applicantId", "businessCode", "detailsUrlPc"]) {
        put(&mut data, name, Some(call.text(name)));
    }
    world.todos.rows.insert(key, row);
    Ok(Fields::from_iter([("data".to_owned(), Value::Object(data))]))
}

fn answered(caller: &Caller, row: &TodoRow) -> Fields {
    let mut data = Fields::new();
    put(&mut data, "uuid", Some(&row.uuid));
    put(&mut data, "tenantId", Some(&caller.tenant_id));
    put(&mut data, "createTime", Some(&china_time(row.created)));
    put(&mut data, "lastModifyTime", Some(&china_time(row.updated)));
    put(&mut data, "detailUrlType", Some("h5"));
    data.insert("status".to_owned(), Value::from(1));
    data
}

/// `DELETE /api/todo/v1/deltask?taskId=` (welink-api.md 7.3): 55005 without a taskId, 55011 for another app's row,
/// 55009 or 55008 where there is none.
pub(super) fn delete(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller.ok_or_else(|| Refusal::new("55014"))?;
    let task_id = call.param("taskId");
    if task_id.is_empty() {
        return Err(Refusal::new("55005"));
    }
    let key = (caller.tenant_id.clone(), task_id.to_owned());
    match world.todos.living(&key, call.now, world.settings.todo_life_ms) {
        None => return Err(Refusal::new(world.settings.todo_gone_code.clone())),
        Some(row) if row.client_id != caller.client_id => return Err(Refusal::new("55011")),
        Some(_) => {}
    }
    let mut data = Fields::new();
    if let Some(row) = world.todos.rows.remove(&key) {
        world.todos.note(call.now, &caller.tenant_id, &row, TodoChange::Deleted);
        put(&mut data, "taskId", Some(&row.task_id));
        put(&mut data, "uuid", Some(&row.uuid));
        put(&mut data, "tenantId", Some(&caller.tenant_id));
    }
    Ok(Fields::from_iter([("data".to_owned(), Value::Object(data))]))
}

#[cfg(test)]
mod tests;
