//! The request log: what was asked and how it ended, without query values, bodies, headers or secrets.

use std::collections::{BTreeMap, VecDeque};

use domain::time::Timestamp;

use crate::faults::Knob;

/// Characters of a logged path at most.
const PATH_CHARS_MAX: usize = 160;
/// The outcome of a call whose caller went away before the answer.
pub const NO_ANSWER: &str = "no answer";

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Counts all calls since the start, from 1.
    pub number: u64,
    pub at: Timestamp,
    pub method: String,
    /// The path, with the names of the query parameters but not their values.
    pub path: String,
    /// Whose call it was, if that became known.
    pub client_id: Option<String>,
    /// The `code` of the answer; `None` while it is being served; [`NO_ANSWER`] when it never came.
    pub outcome: Option<String>,
    /// Injected faults that hit the call.
    pub faults: Vec<Knob>,
    /// From arrival to answer, in milliseconds.
    pub took_ms: i64,
}

/// A bounded log and unbounded counts.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    entries: VecDeque<LogEntry>,
    arrived: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl RequestLog {
    pub(super) fn begin(&mut self, at: Timestamp, method: &str, path: &str, entries_max: usize) -> u64 {
        self.arrived += 1;
        while self.entries.len() >= entries_max.max(1) {
            self.entries.pop_front();
        }
        self.entries.push_back(LogEntry {
            number: self.arrived,
            at,
            method: method.to_owned(),
            path: path.chars().take(PATH_CHARS_MAX).collect(),
            client_id: None,
            outcome: None,
            faults: Vec::new(),
            took_ms: 0,
        });
        self.arrived
    }

    pub(super) fn end(
        &mut self,
        number: u64,
        now: Timestamp,
        client_id: Option<String>,
        outcome: &str,
        faults: Vec<Knob>,
    ) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == number) {
            entry.client_id = client_id;
            entry.outcome = Some(outcome.to_owned());
            entry.faults = faults;
            entry.took_ms = now.ms_since(entry.at);
        }
    }

    /// Counts a call that reached an interface, refused or not.
    pub(super) fn count(&mut self, interface: &'static str) {
        *self.counts.entry(interface).or_default() += 1;
    }

    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter()
    }

    pub(super) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}
