//! Rows in WeLink's to-do module: one person, one taskId (welink-api.md 7).

use std::collections::BTreeSet;
use std::fmt;

use domain::ids::{TodoTaskId, WeLinkUserId};
use http::Method;
use serde_json::{Map, Value};

use crate::client::{Ask, Repeat, WeLink};
use crate::delivery::Outcome;
use crate::messages::put;
use crate::shared::{Credentials, Shared};

const ADD: &str = "/api/todo/v3/addtask";
const DELETE: &str = "/api/todo/v1/deltask";

/// Who asks for it; WeLink wants all three (welink-api.md 7.1).
#[derive(Clone, Copy)]
pub struct Applicant<'a> {
    /// A WeLink account, or the configured stand-in.
    pub user: &'a str,
    pub name_cn: &'a str,
    pub name_en: &'a str,
}

/// One to-do of one person.
#[derive(Clone, Copy)]
pub struct Todo<'a> {
    pub task: &'a TodoTaskId,
    pub receiver: &'a WeLinkUserId,
    pub receiver_name_cn: &'a str,
    pub receiver_name_en: &'a str,
    pub title: &'a str,
    /// Opened on the phone.
    pub url: &'a str,
    /// Opened by the PC client in the system's browser; http or https.
    pub pc_url: Option<&'a str>,
    /// The module that is shown.
    pub app_name: &'a str,
    pub applicant: Applicant<'a>,
    /// The same for all receivers of one request (`applicantId`).
    pub request: &'a str,
    /// Letters and digits, shown in the list.
    pub business_code: Option<&'a str>,
    /// Announces it by a message too.
    pub announced: bool,
}

impl fmt::Debug for Applicant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Applicant")
    }
}

impl fmt::Debug for Todo<'_> {
    /// Neither texts nor people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Todo({})", self.task)
    }
}

impl<S: Shared> WeLink<S> {
    /// Adds a to-do (welink-api.md 7.1). [`Outcome::Already`]: the taskId exists.
    pub async fn add_todo(&self, c: &Credentials, todo: &Todo<'_>) -> Outcome {
        let body = Value::Object(fields(todo)).to_string();
        let ask = Ask { repeat: Repeat::UnlessSeen, ..Ask::post(ADD, body) };
        let outcome = self.0.deliver(c, &ask, std::slice::from_ref(todo.receiver)).await;
        or_already(outcome, &self.0.settings.todo_exists_codes)
    }

    /// Finishes or withdraws a to-do (welink-api.md 7.3). [`Outcome::Already`]: there is none.
    pub async fn delete_todo(&self, c: &Credentials, task: &TodoTaskId) -> Outcome {
        let query = Some(crate::api::query("taskId", task.as_str()));
        let ask = Ask { method: Method::DELETE, query, repeat: Repeat::UnlessSeen, ..Ask::get(DELETE) };
        let outcome = self.0.deliver(c, &ask, &[]).await;
        or_already(outcome, &self.0.settings.todo_gone_codes)
    }
}

fn or_already(outcome: Outcome, codes: &BTreeSet<String>) -> Outcome {
    match outcome {
        Outcome::Refused(refusal) if codes.contains(&refusal.code) => Outcome::Already(refusal),
        other => other,
    }
}

fn fields(todo: &Todo<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in [
        ("taskId", todo.task.as_str()),
        ("taskTitle", todo.title),
        ("userId", todo.receiver.as_str()),
        ("userNameCn", todo.receiver_name_cn),
        ("userNameEn", todo.receiver_name_en),
        ("detailsUrl", todo.url),
        ("appName", todo.app_name),
        ("applicantUserId", todo.applicant.user),
        ("applicantUserNameCn", todo.applicant.name_cn),
        ("applicantUserNameEn", todo.applicant.name_en),
        ("applicantId", todo.request),
    ] {
        fields.insert(name.to_owned(), value.into());
    }
    put(&mut fields, "detailsUrlPc", todo.pc_url);
    put(&mut fields, "businessCode", todo.business_code);
    fields.insert("isMsg".to_owned(), u8::from(todo.announced).into());
    fields
}
