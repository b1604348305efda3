//! What people do with to-dos: ask for something, decide, pass on, remind, withdraw. Each step is told to the bridge
//! by an event (oa-api.md C.5, `outbox`).

use std::collections::BTreeMap;

use domain::time::Timestamp;

use super::outbox::{self, What};
use super::todo::{self, Decision, Kind, Todo, Verdict};
use super::{Oa, lock};

/// Requests kept at once; beyond it nobody can ask.
const MADE_MAX: usize = 100_000;
/// New numbers begin at the seconds since then (2023-11-14), so that another run does not give a number again that the
/// bridge may remember.
const NUMBERS_BEGIN_S: i64 = 1_700_000_000;

/// A request that somebody made on the pages.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) applicant: String,
    pub(super) owner: String,
    pub(super) kind: Kind,
    pub(super) at: Timestamp,
}

/// What happened to one to-do.
#[derive(Debug, Clone, Default)]
struct Change {
    owner: Option<(String, Timestamp)>,
    urgent: bool,
    end: Option<Decision>,
    /// Of the last event.
    sequence: u64,
}

/// Everything that happened since the start.
#[derive(Debug, Default)]
pub(super) struct Flows {
    made: BTreeMap<u32, Made>,
    changes: BTreeMap<u32, Change>,
}

impl Flows {
    pub(super) fn made(&self, id: u32) -> Option<&Made> {
        self.made.get(&id)
    }

    pub(super) fn made_ids(&self) -> Vec<u32> {
        self.made.keys().copied().collect()
    }

    /// Brings a to-do up to date.
    pub(super) fn apply(&self, todo: &mut Todo) {
        let Some(change) = self.changes.get(&todo.id) else { return };
        if let Some((owner, since)) = &change.owner {
            (todo.owner, todo.received) = (owner.clone(), *since);
        }
        todo.urgent |= change.urgent;
        todo.decision = change.end;
    }

    /// The sequence of the last event about it; without any, one that every event exceeds.
    pub(super) fn sequence(&self, todo: &Todo) -> u64 {
        let first = u64::try_from(todo.received.0).unwrap_or(0);
        self.changes.get(&todo.id).map_or(0, |change| change.sequence).max(first)
    }

    pub(super) fn told(&mut self, id: u32, sequence: u64) {
        self.changes.entry(id).or_default().sequence = sequence;
    }
}

/// Asks `owner` for something; `None` when there are too many requests or no such person.
pub(super) fn ask(oa: &Oa, applicant: &str, owner: &str, kind: Kind) -> Option<u32> {
    let known = lock(&oa.0.directory).accounts().iter().any(|account| account.active && account.id == owner);
    let first = u32::try_from(oa.0.started.epoch_s() - NUMBERS_BEGIN_S).unwrap_or(0).max(1_000_000);
    let id = {
        let mut flows = lock(&oa.0.flows);
        if !known || flows.made.len() >= MADE_MAX {
            return None;
        }
        let id = flows.made.last_key_value().map_or(first, |(last, _)| last + 1);
        let made = Made { applicant: applicant.to_owned(), owner: owner.to_owned(), kind, at: oa.now() };
        flows.made.insert(id, made);
        id
    };
    tell(oa, id, What::Created);
    Some(id)
}

/// Changes an open to-do; one that has ended stays as it is, and nothing is told.
fn change(oa: &Oa, id: u32, change: impl FnOnce(&mut Change)) -> bool {
    let mut flows = lock(&oa.0.flows);
    let state = flows.changes.entry(id).or_default();
    let open = state.end.is_none();
    if open {
        change(state);
    }
    open
}

fn tell(oa: &Oa, id: u32, what: What) {
    if let Some(todo) = todo::find(oa, id) {
        outbox::put(oa, &todo, what);
    }
}

/// Ends it; the first end stands.
pub(super) fn end(oa: &Oa, id: u32, verdict: Verdict) {
    let at = oa.now();
    if change(oa, id, |state| state.end = Some(Decision { verdict, at })) {
        tell(oa, id, if verdict == Verdict::Withdrawn { What::Deleted } else { What::Closed });
    }
}

/// Hands it to somebody else, for whom it is new; false when there is no such person.
pub(super) fn pass_on(oa: &Oa, todo: &Todo, to: &str) -> bool {
    let known = lock(&oa.0.directory).accounts().iter().any(|account| account.active && account.id == to);
    if !known || todo.owner == to {
        return false;
    }
    let at = oa.now();
    if change(oa, todo.id, |state| state.owner = Some((to.to_owned(), at))) {
        outbox::put(oa, todo, What::Done);
        tell(oa, todo.id, What::Created);
    }
    true
}

/// Makes it urgent.
pub(super) fn remind(oa: &Oa, id: u32) {
    if change(oa, id, |state| state.urgent = true) {
        tell(oa, id, What::Updated);
    }
}
