//! What became of each object of a batch (welink-api.md 5A.7, 5B.3; product.md TWL-19).

use std::collections::HashMap;

use domain::ids::{DeptCode, WeLinkUserId};
use domain::text::Text;
use serde::{Deserialize, Serialize};

use crate::codes::{self, Class};
use crate::wire::Reply;

/// First pause before a result is asked for, and the longest one; milliseconds (welink-api.md 5B.3).
const POLL_MS: u32 = 1_000;
const POLL_MS_MAX: u32 = 10_000;
/// There is no such account: for a removal as good as done.
const ALREADY_GONE: &str = "47111";

/// How long to wait before asking for a result that was asked for `polls` times; milliseconds.
pub fn poll_after_ms(polls: u32) -> u32 {
    POLL_MS.saturating_mul(1 << polls.min(8)).min(POLL_MS_MAX)
}

/// WeLink's own id of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectId {
    Person(WeLinkUserId),
    Department(DeptCode),
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done. WeLink does not always say the id: that of a person is learned by `WeLink::accounts`.
    Success { id: Option<ObjectId> },
    /// Refused. `text` is WeLink's own, at most 200 characters: for administrators only.
    Failed { code: String, text: String },
    /// Accepted; WeLink works on it.
    Pending,
    /// It may or may not have happened: read the object before it is written again.
    Unknown,
    /// It has certainly not happened, because its call was not made: submit it again.
    NotSent,
}

impl Outcome {
    /// What an administrator can do about a failure.
    pub fn advice(&self) -> Option<Text> {
        let Self::Failed { code, .. } = self else { return None };
        Some(codes::find(code).map_or(codes::UNKNOWN, |row| row.advice))
    }

    /// Whether something else has to exist first: it may be submitted again after that.
    pub fn waits_for_another(&self) -> bool {
        matches!(self, Self::Failed { code, .. } if codes::class(code) == Class::Prerequisite)
    }

    pub(super) fn failed(code: &str, text: &str) -> Self {
        Self::Failed { code: code.to_owned(), text: text.to_owned() }
    }

    /// One item's code. `done` is what 0 means: the outcome itself, or no more than that the item was taken.
    pub(super) fn of_item(row: &Reply, kind: Kind, done: fn(Option<ObjectId>) -> Self) -> Self {
        let Some(code) = row.text("code") else { return Self::Unknown };
        match codes::class(&code) {
            Class::Ok if code == "0" => done(kind.id(row)),
            Class::Ok => Self::Success { id: kind.id(row) },
            Class::Pending => Self::Pending,
            _ if kind.removes && code == ALREADY_GONE => Self::Success { id: None },
            _ => {
                let text = row.text("message").unwrap_or_default();
                let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
                Self::failed(&code, &text)
            }
        }
    }

    /// What 0 means in a result.
    pub(super) fn is_done(id: Option<ObjectId>) -> Self {
        Self::Success { id }
    }

    /// What 0 means in the answer of a bulk call (welink-api.md 5A).
    pub(super) fn is_taken(_: Option<ObjectId>) -> Self {
        Self::Pending
    }
}

/// What kind of objects a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kind {
    pub people: bool,
    pub removes: bool,
}

impl Kind {
    /// Names of WeLink's own id and of the customer's.
    pub(super) fn names(self) -> [&'static str; 2] {
        if self.people { ["userId", "corpUserId"] } else { ["deptCode", "corpDeptCode"] }
    }

    pub(super) fn id(self, row: &Reply) -> Option<ObjectId> {
        let text = row.text(self.names()[0])?;
        if self.people {
            WeLinkUserId::parse(&text).ok().map(ObjectId::Person)
        } else {
            DeptCode::parse(&text).ok().map(ObjectId::Department)
        }
    }
}

/// How an object is recognised in an answer, whose order is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// Its place in the batch.
    pub place: usize,
    pub own: Option<String>,
    pub corp: Option<String>,
}

/// A call whose outcomes are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub kind: Kind,
    /// The job of a batch (new family); otherwise the status of each object (old family).
    pub job: Option<String>,
    pub keys: Vec<Key>,
}

/// A batch that was handed to WeLink. Plain data: a run keeps it in its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// By place in the batch.
    pub outcomes: Vec<Outcome>,
    pub(super) tickets: Vec<Ticket>,
}

impl Submitted {
    pub(super) fn new(len: usize) -> Self {
        Self { outcomes: vec![Outcome::NotSent; len], tickets: Vec::new() }
    }

    /// Whether nothing is left to ask for.
    pub fn is_settled(&self) -> bool {
        !self.outcomes.contains(&Outcome::Pending)
    }

    /// Ends the waiting: what is still pending is unknown.
    pub fn give_up(&mut self) {
        for outcome in self.outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Pending) {
            *outcome = Outcome::Unknown;
        }
    }

    pub(super) fn set(&mut self, place: usize, outcome: Outcome) {
        if let Some(kept) = self.outcomes.get_mut(place) {
            *kept = outcome;
        }
    }

    pub(super) fn is_pending(&self, place: usize) -> bool {
        self.outcomes.get(place) == Some(&Outcome::Pending)
    }
}

/// The rows of an answer by either id.
pub(super) struct Found {
    rows: Vec<Reply>,
    own: HashMap<String, usize>,
    corp: HashMap<String, usize>,
}

impl Found {
    pub(super) fn new(rows: Vec<Reply>, kind: Kind) -> Self {
        let by = |name: &str| rows.iter().enumerate().filter_map(|(at, row)| Some((row.text(name)?, at))).collect();
        let [own, corp] = kind.names().map(by);
        Self { rows, own, corp }
    }

    /// The customer's id first: WeLink's own is not known before a creation.
    pub(super) fn get(&self, key: &Key) -> Option<&Reply> {
        let by = |map: &HashMap<String, usize>, id: &Option<String>| map.get(id.as_ref()?).copied();
        let at = by(&self.corp, &key.corp).or_else(|| by(&self.own, &key.own))?;
        self.rows.get(at)
    }
}
