//! The last calls of the API, as a table beside the phone and on the settings page.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::text::Lang;
use domain::time::Timestamp;
use http::HeaderMap;

use super::words::Words;
use super::{Params, PhoneState, chosen_lang, page};
use crate::welink::{LogEntry, NO_ANSWER, WeLink};

/// Calls shown at most.
pub(super) const SHOWN: usize = 20;

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub time: String,
    pub method: String,
    pub path: String,
    pub outcome: String,
    /// `good`, `bad` or `open`: the colour, always beside the words.
    pub tone: &'static str,
    pub client_id: String,
    pub faults: String,
    pub took_ms: i64,
}

/// Hours, minutes and seconds in China.
pub(super) fn clock_text(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| jiff::tz::offset(8).to_datetime(instant).strftime(format).to_string())
        .unwrap_or_default()
}

fn row(entry: LogEntry, words: Words) -> Row {
    let (outcome, tone) = match entry.outcome.as_deref() {
        None => (words.still_open().to_owned(), "open"),
        Some("0") => (words.ok().to_owned(), "good"),
        Some(NO_ANSWER) => (words.no_answer().to_owned(), "bad"),
        Some(code) => (code.to_owned(), "bad"),
    };
    let faults: Vec<&str> = entry.faults.iter().map(|knob| knob.label().get(words.0)).collect();
    Row {
        time: clock_text(entry.at, "%H:%M:%S"),
        method: entry.method,
        path: entry.path,
        outcome,
        tone,
        client_id: entry.client_id.unwrap_or_default(),
        faults: faults.join(words.list_comma()),
        took_ms: entry.took_ms,
    }
}

/// The newest rows, newest first.
pub(super) fn rows(welink: &WeLink, lang: Lang) -> Vec<Row> {
    welink.recent_calls(SHOWN).into_iter().map(|entry| row(entry, Words(lang))).collect()
}

#[derive(Template)]
#[template(path = "phone/calls.html")]
struct Fragment {
    w: Words,
    calls: Vec<Row>,
}

/// `GET /calls`: the table alone, which the phone page fetches again after something happened.
pub(super) async fn fragment(State(state): State<PhoneState>, Query(params): Params, headers: HeaderMap) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    page(&Fragment { w: Words(chosen.0), calls: rows(&state.welink, chosen.0) }, chosen)
}
