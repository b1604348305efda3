//! The tabs "messages" and "to-dos": what the OA has sent to the person, as WeLink would show it.

use axum::Json;
use axum::extract::State;
use domain::text::Lang;
use domain::time::Timestamp;
use http::StatusCode;
use serde::Deserialize;

use super::PhoneState;
use super::calls::clock_text;
use super::view::{hue, initial, origin};
use super::words::Words;
use crate::welink::{Bilingual, Label, MessageKind, Received, TodoRow, WeLink};

/// Messages and to-dos on one screen at most; the newest.
const SHOWN_MAX: usize = 100;

/// One message.
pub(super) struct Line {
    pub number: u64,
    pub card: bool,
    pub unread: bool,
    pub owner: String,
    pub initial: String,
    pub hue: usize,
    pub title: String,
    pub content: String,
    pub time: String,
    /// Empty when a tap leads nowhere.
    pub url: String,
    pub client_id: String,
    /// The status of a card with the name of its colour.
    pub status: Option<(String, &'static str)>,
}

/// One to-do.
pub(super) struct Row {
    pub task_id: String,
    pub title: String,
    pub app_name: String,
    /// Empty when it is not shown.
    pub applicant: String,
    pub code: String,
    pub time: String,
    pub url: String,
    pub client_id: String,
}

/// Both lists as one device shows them.
pub(super) struct Inbox {
    pub lines: Vec<Line>,
    pub unread: usize,
    pub rows: Vec<Row>,
    /// Open to-dos, those beyond the screen included.
    pub open: usize,
}

/// A language's text, the Chinese one where there is no other.
fn read(text: &Bilingual, lang: Lang) -> String {
    text.get(lang).to_owned()
}

/// The names of welink-api.md 6.2; 0 is the grey of 6.3.
fn colour(label: &Label) -> &'static str {
    match label.colour.as_str() {
        "0" | "2" => "grey",
        "3" => "orange",
        _ => "blue",
    }
}

/// The time of day, with the day before it unless it is today.
fn when(at: Timestamp, now: Timestamp) -> String {
    let day = "%Y-%m-%d";
    clock_text(at, if clock_text(at, day) == clock_text(now, day) { "%H:%M" } else { "%m-%d %H:%M" })
}

fn line(received: Received, pc: bool, lang: Lang, now: Timestamp) -> Line {
    let Received { message, copy } = received;
    let url = if pc { message.pc_url } else { message.url };
    Line {
        number: message.number,
        card: message.kind == MessageKind::Card,
        unread: !copy.read,
        initial: initial(&message.owner),
        hue: hue(&message.owner),
        owner: message.owner,
        title: read(&message.title, lang),
        content: read(&message.content, lang),
        time: when(message.shown_at, now),
        url,
        client_id: message.client_id,
        status: copy.label.map(|label| (read(&label.text, lang), colour(&label))),
    }
}

fn row(todo: TodoRow, pc: bool, lang: Lang, now: Timestamp) -> Row {
    let applicant = match lang {
        Lang::Zh => todo.applicant_zh,
        Lang::En => todo.applicant_en,
    };
    Row {
        task_id: todo.task_id,
        title: todo.title,
        app_name: todo.app_name,
        applicant: if todo.shows_applicant { applicant } else { String::new() },
        code: todo.business_code,
        time: when(todo.created, now),
        url: if pc && !todo.pc_url.is_empty() { todo.pc_url } else { todo.url },
        client_id: todo.client_id,
    }
}

impl Inbox {
    /// What this device shows. `seen`: the messages are being looked at, so those that lead nowhere count as read.
    pub(super) fn of(welink: &WeLink, person: (&str, &str), pc: bool, seen: bool, w: Words) -> Self {
        let (tenant_id, user_id) = person;
        let now = welink.time();
        let on_device = |received: &Received| if pc { received.message.on_pc } else { received.message.on_phone };
        let inbox: Vec<Received> = welink.inbox(tenant_id, user_id).into_iter().filter(on_device).collect();
        if seen {
            for received in inbox.iter().filter(|received| received.message.url.is_empty()) {
                welink.read_message(received.message.number, user_id);
            }
        }
        let is_read = |received: &Received| received.copy.read || (seen && received.message.url.is_empty());
        let todos = welink.todos(tenant_id, user_id);
        Self {
            unread: inbox.iter().filter(|received| !is_read(received)).count(),
            open: todos.len(),
            lines: inbox.into_iter().take(SHOWN_MAX).map(|received| line(received, pc, w.0, now)).collect(),
            rows: todos.into_iter().take(SHOWN_MAX).map(|todo| row(todo, pc, w.0, now)).collect(),
        }
    }

    /// Where taps lead: pages there may ask this phone for an auth code.
    pub(super) fn origins(&self) -> impl Iterator<Item = String> {
        self.lines
            .iter()
            .map(|line| &line.url)
            .chain(self.rows.iter().map(|row| &row.url))
            .filter_map(|url| origin(url))
    }
}

/// `{"userId", "number"}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opened {
    user_id: String,
    number: u64,
}

/// `POST /sim/read`: a message was opened.
pub(super) async fn mark_read(State(state): State<PhoneState>, Json(opened): Json<Opened>) -> StatusCode {
    state.welink.read_message(opened.number, &opened.user_id);
    StatusCode::NO_CONTENT
}
