//! To-dos stay true (product.md PSH-11, PSH-12, Q21): in whatever order and however often the OA's events arrive,
//! WeLink shows exactly what is open in the OA.
//!
//! A to-do is one receiver's, of one matter (`biz_id`) of one OA. What the OA wants is the latest event by [`Order`];
//! what WeLink shows is [`Remote`]; [`Todo::step`] says what leads from one to the other. A step is written down before
//! it is taken and again when it has ended, so that whoever comes after a crash takes the same step, and "already
//! there" and "already gone" are successes.

use serde::{Deserialize, Serialize};

use crate::push::event::Event;
use crate::time::Timestamp;

/// How long the end of a to-do is remembered (product.md OPS-09): an older event creates nothing.
pub const KEPT_S: i64 = 90 * 86_400;
/// After so long without a change a row is made anew: WeLink drops it after three months.
pub const REFRESH_S: i64 = 80 * 86_400;

/// Which of two events about one receiver's to-do is the later one: the OA's own count, else its time; of two at the
/// same moment the one that ends it, so that the order of arrival decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    pub sequence: u64,
    pub time: Timestamp,
    pub ends: bool,
    pub event: String,
}

impl Order {
    pub fn of(event: &Event) -> Self {
        Self { sequence: event.sequence, time: event.time, ends: !event.opens(), event: event.id.clone() }
    }
}

/// What the OA wants of a to-do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Want {
    /// It is open, and looks like this: a fingerprint of what is shown.
    Open {
        look: String,
    },
    Over,
}

/// What WeLink shows of it, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Remote {
    #[default]
    Absent,
    /// An add has begun: it may be there.
    Adding {
        look: String,
    },
    Present {
        look: String,
        since: Timestamp,
    },
    /// A removal has begun: it may be gone.
    Removing,
}

/// One receiver's to-do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    pub order: Order,
    pub want: Want,
    pub remote: Remote,
    /// Part of the row's `taskId`; a row that is made anew has the next one, since an id that WeLink has forgotten is
    /// not used again.
    pub generation: u32,
    /// When it was over; what follows is forgotten [`KEPT_S`] later.
    #[serde(default)]
    pub over_since: Option<Timestamp>,
}

/// One call of WeLink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// `again` = an earlier attempt is recorded: "already there" is a success.
    Add {
        generation: u32,
        again: bool,
    },
    /// `again` = an earlier attempt is recorded: "already gone" is a success.
    Remove {
        generation: u32,
        again: bool,
    },
}

/// What an event does to a to-do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is the latest word.
    Taken,
    /// The latest word already, or an older one.
    Older,
    /// Too old for what is remembered; nothing is made of it.
    Stale,
}

/// The end of a whole matter (办结), for everybody: whatever the OA said of it until then is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    #[serde(rename = "closed_ms")]
    pub time: Timestamp,
}

impl Closed {
    /// The later one of two.
    #[must_use]
    pub fn and(self, other: Option<Self>) -> Self {
        Self { time: other.map_or(self.time, |other| self.time.max(other.time)) }
    }
}

/// Takes an event about one receiver into what is known of his to-do. `look` = how it would be shown.
pub fn take(known: Option<Todo>, event: &Event, look: &str, now: Timestamp) -> (Option<Todo>, Effect) {
    let order = Order::of(event);
    let want = if event.opens() { Want::Open { look: look.to_owned() } } else { Want::Over };
    match known {
        Some(todo) if todo.order >= order => (Some(todo), Effect::Older),
        Some(mut todo) => {
            todo.order = order;
            todo.set(want, now);
            (Some(todo), Effect::Taken)
        }
        None if event.time < now.plus_s(-KEPT_S) => (None, Effect::Stale),
        None => {
            let mut todo = Todo { order, want: Want::Over, remote: Remote::Absent, generation: 0, over_since: None };
            todo.set(want, now);
            (Some(todo), Effect::Taken)
        }
    }
}

impl Todo {
    fn set(&mut self, want: Want, now: Timestamp) {
        self.over_since = match (&want, self.over_since) {
            (Want::Open { .. }, _) => None,
            (Want::Over, since) => Some(since.unwrap_or(now).max(self.order.time)),
        };
        self.want = want;
    }

    /// Takes the end of the whole matter into account.
    pub fn close(&mut self, closed: Option<Closed>, now: Timestamp) {
        if closed.is_some_and(|closed| self.order.time <= closed.time) && self.want != Want::Over {
            self.set(Want::Over, now);
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.want, Want::Open { .. })
    }

    /// When all that is known of it may be forgotten.
    pub fn forgotten(&self) -> Option<Timestamp> {
        self.over_since.map(|since| since.plus_s(KEPT_S))
    }

    /// What is to be done now.
    pub fn step(&self, now: Timestamp) -> Step {
        let generation = self.generation;
        let remove = |again| Step::Remove { generation, again };
        match (&self.want, &self.remote) {
            (Want::Open { .. }, Remote::Absent) => Step::Add { generation: generation + 1, again: false },
            (Want::Open { look }, Remote::Adding { look: sent }) if look == sent => {
                Step::Add { generation, again: true }
            }
            (Want::Open { look }, Remote::Present { look: shown, since })
                if look == shown && now < since.plus_s(REFRESH_S) =>
            {
                Step::Nothing
            }
            (Want::Over, Remote::Absent) => Step::Nothing,
            // What may be there with another look is taken away first: nobody sees one to-do twice.
            (_, Remote::Adding { .. } | Remote::Removing) => remove(true),
            (_, Remote::Present { .. }) => remove(false),
        }
    }

    /// Notes that the step has begun, before it is sent.
    pub fn begun(&mut self, step: Step) {
        match (step, &self.want) {
            (Step::Add { generation, .. }, Want::Open { look }) => {
                self.generation = generation;
                self.remote = Remote::Adding { look: look.clone() };
            }
            (Step::Remove { .. }, _) => self.remote = Remote::Removing,
            (Step::Add { .. } | Step::Nothing, _) => {}
        }
    }

    /// Notes that the step has ended well.
    pub fn ended(&mut self, step: Step, now: Timestamp) {
        match (step, &self.remote) {
            (Step::Add { .. }, Remote::Adding { look }) => {
                self.remote = Remote::Present { look: look.clone(), since: now };
            }
            (Step::Remove { .. }, _) => self.remote = Remote::Absent,
            (Step::Add { .. } | Step::Nothing, _) => {}
        }
    }

    /// Notes that WeLink certainly did not take the step: nothing has changed there.
    pub fn undone(&mut self, before: Remote) {
        self.remote = before;
    }
}

/// What a row's `taskId` is a hash of (product.md Q21), with the app beside it: WeLink gives an id to one app.
pub fn task(instance: &str, biz_id: &str, receiver: &str, app: &str, generation: u32) -> String {
    [instance, biz_id, receiver, app].map(|part| format!("{}:{part}", part.len())).join("/") + &format!("/{generation}")
}

#[cfg(test)]
#[path = "todo_tests.rs"]
mod tests;
