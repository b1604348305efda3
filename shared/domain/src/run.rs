//! Runs of a sync: what kind, how far, how they ended (product.md A.7, A.8; design.md 5 and 6). A run is worked on in
//! slices; whoever works on one holds its number, the fence, and a higher one takes the run away from him.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, EnterpriseId, RunId};
use crate::model::Stamp;
use crate::sync::{CopyState, Counts, PlanHash, State};
use crate::text::{Lang, Text};
use crate::time::Timestamp;

/// How long a run and its journal are kept.
pub const KEPT_S: i64 = 90 * 86_400;
/// Slices of one run at most: a chain of messages that hands itself on must end by itself. At a minute each, eight
/// hours.
pub const SLICES_MAX: u32 = 500;
/// How long a slice may be silent before another one goes on. More than a function may take.
pub const LEASE_S: i64 = 180;
/// How often a step is tried again when the other side does not answer, and how long after.
pub const TRIES_MAX: u32 = 5;
pub const TRY_AGAIN_S: i64 = 60;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// WeLink's organisation is copied into the bridge.
    FromWelink,
    /// The OA's organisation is written to WeLink, after a from-WeLink of its own (product.md TWL-01).
    FromOa,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::FromWelink => "from-welink",
            Self::FromOa => "from-oa",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// WeLink's departments are read.
    Departments,
    /// Their people.
    People,
    /// What was read is compared with the copy, and judged.
    Compare,
    /// The copy is written.
    Copy,
    /// New people are linked, where auto-bind is on.
    Bind,
    /// The OA is read.
    ReadOa,
    /// The plan is made and judged.
    Plan,
    /// WeLink is written.
    Write,
    Ended,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Running,
    Success,
    /// Done, and something about it needs a look.
    Warning,
    /// Done but for some objects.
    Partial,
    /// A guard stands against it; nothing was written.
    Blocked,
    /// It cannot be done as things are; nothing was written.
    Aborted,
    /// It broke off.
    Failed,
    /// It did not begin.
    Skipped,
}

impl Status {
    pub fn is_over(self) -> bool {
        self != Self::Running
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Partial => "partial",
            Self::Blocked => "blocked",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Something to know about a run, in words for a person: what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The name that interfaces use; it never changes.
    pub name: String,
    pub zh: String,
    pub en: String,
}

impl Note {
    pub fn new(name: &str, text: Text) -> Self {
        Self { name: name.to_owned(), zh: text.zh.to_owned(), en: text.en.to_owned() }
    }

    /// The same with numbers and names in the places of `{0}`, `{1}`…
    #[must_use]
    pub fn with(mut self, values: &[&dyn std::fmt::Display]) -> Self {
        for (at, value) in values.iter().enumerate() {
            let (place, value) = (format!("{{{at}}}"), value.to_string());
            self.zh = self.zh.replace(&place, &value);
            self.en = self.en.replace(&place, &value);
        }
        self
    }

    pub fn get(&self, lang: Lang) -> &str {
        if lang == Lang::Zh { &self.zh } else { &self.en }
    }
}

/// How many objects of one kind came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub new: u32,
    pub changed: u32,
    pub missing: u32,
    pub returned: u32,
    pub dropped: u32,
}

impl Tally {
    pub fn add(&mut self, state: CopyState) {
        let count = match state {
            CopyState::New => &mut self.new,
            CopyState::Changed => &mut self.changed,
            CopyState::Missing => &mut self.missing,
            CopyState::Returned => &mut self.returned,
            CopyState::Dropped => &mut self.dropped,
        };
        *count += 1;
    }

    pub fn total(self) -> u32 {
        self.new + self.changed + self.missing + self.returned + self.dropped
    }
}

/// What came to the bridge copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyCounts {
    /// Shown by WeLink.
    pub read_departments: u32,
    pub read_people: u32,
    pub departments: Tally,
    pub people: Tally,
    /// New people who were linked by auto-bind.
    pub linked: u32,
}

/// How many objects of a plan have which colour (product.md Q18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Colours {
    pub matched: u32,
    pub new: u32,
    pub changed: u32,
    pub delete: u32,
    pub held: u32,
    /// Links that are written.
    pub links: u32,
}

impl From<Counts> for Colours {
    fn from(counts: Counts) -> Self {
        let Counts { matched, new, changed, delete, held, links, .. } = counts;
        Self { matched, new, changed, delete, held, links }
    }
}

/// A plan in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Names exactly this plan.
    pub hash: PlanHash,
    pub departments: Colours,
    pub people: Colours,
    /// OA users in scope.
    pub in_scope: u32,
    pub linked_people: u32,
    pub linked_departments: u32,
    /// Of WeLink, results included, and how long they take at the allowed rate.
    pub calls: u64,
    pub seconds: u64,
    /// What stands against it; empty = it may be carried out.
    pub blocked: Vec<Note>,
}

/// A run, as its head remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub enterprise: EnterpriseId,
    pub kind: Kind,
    /// The app whose credentials and permissions it uses.
    pub app: AppId,
    /// When and by whom it was started; `timer` by its schedule.
    pub began: Stamp,
    #[serde(default)]
    pub ended: Option<Timestamp>,
    pub status: Status,
    /// It ends when its plan is judged; WeLink is not written (product.md TWL-08).
    #[serde(default)]
    pub simulate: bool,
    /// Why it ended as it did, and what else to know.
    #[serde(default)]
    pub notes: Vec<Note>,
    pub step: Step,
    /// Within the step: how much is done, of how much.
    #[serde(default)]
    pub done: u32,
    #[serde(default)]
    pub total: u32,
    /// The number of the slice that works on it, above that of every earlier one of the enterprise.
    pub fence: u64,
    /// Who that is.
    #[serde(default)]
    pub holder: String,
    #[serde(default)]
    pub slices: u32,
    /// Failed tries of the present step in a row.
    #[serde(default)]
    pub tries: u32,
    /// Stored chunks by their kind.
    #[serde(default)]
    pub chunks: BTreeMap<String, u32>,
    #[serde(default)]
    pub copy: CopyCounts,
    /// What from-OA would write.
    #[serde(default)]
    pub plan: Option<Planned>,
    pub expires: Timestamp,
}

impl Run {
    /// Chunks of this kind that are stored.
    pub fn stored(&self, kind: &str) -> u32 {
        self.chunks.get(kind).copied().unwrap_or_default()
    }

    /// Goes on with another step.
    pub fn enter(&mut self, step: Step, total: u32) {
        (self.step, self.done, self.total, self.tries) = (step, 0, total, 0);
    }

    /// Ends the run. A note of a worse kind than "success" has said so before.
    pub fn end(&mut self, status: Status, now: Timestamp) {
        (self.status, self.step, self.ended) = (status, Step::Ended, Some(now));
    }
}

/// One object in a run's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub object: Object,
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// What a department hangs under, where it is a part of a plan: its id at WeLink, or at the OA if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// `new`, `changed`, `missing`, `returned`, `dropped`, `linked`; of a plan `matched`, `new`, `changed`, `delete`,
    /// `held`.
    pub change: String,
    /// Each field before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// `ok`, or what came instead; `planned` in a plan.
    pub result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    Department,
    Person,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: String,
    pub after: String,
}

/// The name of a plan's colour, as interfaces use it.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Matched => "matched",
        State::New => "new",
        State::Changed => "changed",
        State::Delete => "delete",
        State::Held => "held",
    }
}

/// The name of what becomes of an object of the copy, as interfaces use it.
pub fn copy_state_name(state: CopyState) -> &'static str {
    match state {
        CopyState::New => "new",
        CopyState::Changed => "changed",
        CopyState::Missing => "missing",
        CopyState::Returned => "returned",
        CopyState::Dropped => "dropped",
    }
}
