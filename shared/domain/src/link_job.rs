//! Many links at once: a file's rows, all links of an enterprise, or the undoing of either (product.md Q6, Q7, BND-07
//! to BND-11). What becomes of each row is decided here; who asks the OA and who writes is elsewhere.
//!
//! The laws:
//!
//! 1. An empty relation value is a row skipped, never an unbinding.
//! 2. A row is about the person with its user id in the bridge copy, never about a name.
//! 3. Its value must mean exactly one active OA user; a secondary account counts as its main account.
//! 4. Two rows that claim one OA user, or that are about one person, are both errors.
//! 5. A person who is linked to somebody else is an error unless overwriting was asked for; an OA user who is linked to
//!    somebody else always is.
//! 6. A row is written only while the person's link is what the preview saw, and is [`Status::Changed`] otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{EnterpriseId, LinkJobId, OaUserId};
use crate::matching::{Account, Candidate, Key, OaField, Pair, Reason, Step, WeLinkField, judge};
use crate::model::{Link, LinkOrigin, Person, Stamp};
use crate::time::Timestamp;

mod status;

pub use status::Status;

/// Rows of one file at most (product.md C24).
pub const ROWS_MAX: usize = 20_000;
/// Rows that are stored as one item: below 400 KB whatever stands in them.
pub const CHUNK_ROWS: u32 = 100;
/// Bytes of a user id or relation value of a file at most.
pub const CELL_BYTES_MAX: usize = 256;
/// How long a preview may be applied.
pub const PREVIEW_S: i64 = 86_400;
/// How long an applied job may be undone (product.md Q7).
pub const UNDO_S: i64 = 30 * 86_400;
/// How long a job is kept: as long as a job that was applied at the last moment may be undone.
pub const KEPT_S: i64 = UNDO_S + PREVIEW_S;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Links the people of a file.
    Import,
    /// Removes all links of an enterprise.
    BulkUnbind,
    /// Takes back what another job wrote.
    Undo,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The rows' values are looked up; nothing is written.
    Resolving,
    /// Every row's outcome is known and waits for a decision.
    Previewed,
    Applying,
    Done,
    /// Something changed between preview and decision, or the preview grew old: nothing was written.
    Refused,
}

/// What a row does to its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The person's link now; the change happens only while it is this one.
    pub before: Option<Link>,
    /// `None` = the link is removed.
    pub after: Option<Link>,
}

/// What was decided about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub status: Status,
    /// The OA user whom the value means, if it means one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<OaUserId>,
    /// There exactly when the status is one of those that write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// One row of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The row's number in its file, headings being row 1; counted from 1 where there is no file.
    pub number: u32,
    /// The WeLink user id as it stands there.
    pub user: String,
    /// The relation value as it stands there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `None` until it has been looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// How an attempt to write a row ended; stored once, together with the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Applied,
    Changed,
}

/// Rows by their status.
pub type Counts = BTreeMap<Status, u32>;

/// The head of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkJob {
    pub id: LinkJobId,
    pub enterprise: EnterpriseId,
    pub kind: Kind,
    pub phase: Phase,
    /// The field of the OA that a file's values are about.
    #[serde(default)]
    pub field: Option<OaField>,
    /// People who are linked to somebody else are linked anew.
    #[serde(default)]
    pub overwrite: bool,
    pub total: u32,
    /// Chunks behind us: while resolving of both passes, lookup and comparison; while applying of the one.
    #[serde(default)]
    pub next: u32,
    /// Complete in every phase but the two that work.
    #[serde(default)]
    pub counts: Counts,
    /// Names what the preview said; whoever applies it repeats it.
    #[serde(default)]
    pub preview: String,
    #[serde(default)]
    pub previewed: Option<Timestamp>,
    /// Who said that it be written, and when; also the stamp of the links that an import writes.
    #[serde(default)]
    pub applied: Option<Stamp>,
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// The job that this one takes back.
    #[serde(default)]
    pub undo_of: Option<LinkJobId>,
    /// The job that took this one back.
    #[serde(default)]
    pub undone_by: Option<LinkJobId>,
    pub created: Stamp,
    pub expires: Timestamp,
    /// Counts changes; a change names the version it saw.
    #[serde(default)]
    pub version: u64,
}

impl LinkJob {
    pub fn chunks(&self) -> u32 {
        self.total.div_ceil(CHUNK_ROWS)
    }

    /// Rows that the present phase is through with.
    pub fn done(&self) -> u32 {
        match self.phase {
            Phase::Resolving | Phase::Applying => self.next.saturating_mul(CHUNK_ROWS).min(self.total),
            Phase::Previewed | Phase::Done | Phase::Refused => self.total,
        }
    }

    /// The link that a change of this job puts there.
    pub fn written(&self, change: &Change) -> Option<Link> {
        let link = change.after.clone()?;
        match (self.kind, &self.applied) {
            (Kind::Import, Some(stamp)) => Some(Link { bound: stamp.clone(), ..link }),
            _ => Some(link),
        }
    }

    /// Whether what it wrote may be taken back at `now`.
    pub fn may_be_undone(&self, now: Timestamp) -> bool {
        let fresh = self.finished.is_some_and(|at| now <= at.plus_s(UNDO_S));
        self.kind != Kind::Undo && self.phase == Phase::Done && fresh
    }

    /// Whether the preview may still be applied at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.previewed.is_some_and(|at| now <= at.plus_s(PREVIEW_S))
    }
}

impl Row {
    /// Decided without asking anybody: what an empty cell means.
    pub fn at_sight(&self) -> Option<Plan> {
        if self.value.trim().is_empty() {
            return Some(Plan::left(Status::Skipped));
        }
        self.user.trim().is_empty().then(|| Plan::left(Status::NoUserId))
    }

    /// Its status, once `ending` says how writing ended.
    pub fn status(&self, ending: Option<Ending>) -> Option<Status> {
        let plan = self.plan.as_ref()?;
        Some(ending.map_or(plan.status, |ending| plan.status.ended(ending)))
    }
}

impl Plan {
    /// Nothing is written.
    pub fn left(status: Status) -> Self {
        Self { status, claim: None, change: None }
    }

    /// Whether what the preview saw is still so: `person` is who has the row's user id now, and `taken` says whether
    /// somebody else is linked to the OA user whom the row claims. What the OA says is not asked again.
    pub fn holds(&self, person: Option<&Person>, taken: bool) -> bool {
        let link = person.and_then(|person| person.link.as_ref());
        let is_claimed = link.is_some_and(|link| Some(&link.oa_user) == self.claim.as_ref());
        match (self.status, &self.change) {
            (Status::UnknownPerson, _) => person.is_none(),
            (Status::Unchanged, _) => is_claimed,
            (Status::AlreadyLinked, _) => link.is_some() && !is_claimed,
            (Status::OaUserTaken, _) => taken,
            (_, Some(change)) => person.is_some() && is_same(link, change.before.as_ref()) && !taken,
            (_, None) => true,
        }
    }

    /// Removes this link.
    pub fn unbind(link: Link) -> Self {
        Self { status: Status::Unlink, claim: None, change: Some(Change { before: Some(link), after: None }) }
    }

    /// Takes back what `job` wrote by `change`.
    pub fn undo(job: &LinkJob, change: &Change) -> Self {
        let change = Change { before: job.written(change), after: change.before.clone() };
        Self { status: Status::Restore, claim: None, change: Some(change) }
    }
}

/// One link is told from a later one with the same OA user by when it was bound.
fn is_same(a: Option<&Link>, b: Option<&Link>) -> bool {
    let identity = |link: &Link| (link.oa_user.clone(), link.bound.at);
    a.map(identity) == b.map(identity)
}

/// Whom a relation value means. `Err` says why it means nobody who can be linked, with the OA user if there is one.
///
/// `candidates` are as [`crate::matching`] wants them; `linked` is to say whether somebody *else* has the link. Roles
/// and the deny-list do not matter: a person decides here, not a rule (product.md C19).
pub fn target(field: OaField, asked: &Key, candidates: &[Candidate]) -> Result<Candidate, (Status, Option<OaUserId>)> {
    let plain: Vec<Candidate> = candidates.iter().map(|c| Candidate { has_roles: false, ..c.clone() }).collect();
    // Only the OA's field counts in a judgement.
    let pair = Pair { welink: WeLinkField::Mobile, oa: field };
    match judge(pair, asked, &plain, &crate::matching::AutoBind::default()) {
        Step::Unique(hit) => {
            let main = plain.into_iter().find(|c| c.id == hit.oa_user && c.account == Account::Main);
            main.ok_or((Status::NoMainAccount, Some(hit.oa_user)))
        }
        Step::Excluded(user, Reason::Linked) => Err((Status::OaUserTaken, Some(user))),
        Step::Excluded(user, _) => Err((Status::NoMainAccount, Some(user))),
        Step::Conflict(_) => Err((Status::AmbiguousValue, None)),
        Step::None if plain.iter().any(|c| c.found && !c.active) => Err((Status::InactiveOaUser, None)),
        Step::None => Err((Status::UnknownValue, None)),
    }
}

/// What a row of an import does, now that person and OA user are known.
pub fn decide(job: &LinkJob, person: &Person, found: Result<Candidate, (Status, Option<OaUserId>)>) -> Plan {
    let user = match found {
        Ok(user) => user,
        Err((status, claim)) => return Plan { status, claim, change: None },
    };
    let status = match &person.link {
        None => Status::Link,
        Some(link) if link.oa_user == user.id => Status::Unchanged,
        Some(_) if job.overwrite => Status::Relink,
        Some(_) => Status::AlreadyLinked,
    };
    let claim = Some(user.id.clone());
    if !status.writes() {
        return Plan { status, claim, change: None };
    }
    let link =
        Link { oa_user: user.id, login_id: user.login_id, origin: LinkOrigin::Import, bound: job.created.clone() };
    Plan { status, claim, change: Some(Change { before: person.link.clone(), after: Some(link) }) }
}

/// What all rows together claim: how often each OA user and each person is named.
#[derive(Debug, Default)]
pub struct Claims {
    users: BTreeMap<OaUserId, u32>,
    people: BTreeMap<String, u32>,
}

impl Claims {
    /// Counts a row; rows that are skipped claim nothing.
    pub fn add(&mut self, row: &Row) {
        let Some(plan) = row.plan.as_ref().filter(|plan| plan.status != Status::Skipped) else { return };
        if let Some(user) = &plan.claim {
            *self.users.entry(user.clone()).or_default() += 1;
        }
        *self.people.entry(row.user.trim().to_owned()).or_default() += 1;
    }

    /// The row's plan if others claim the same; both are errors.
    pub fn against(&self, row: &Row) -> Option<Plan> {
        let plan = row.plan.as_ref().filter(|plan| plan.status != Status::Skipped)?;
        let twice = |count: Option<&u32>| count.is_some_and(|count| *count > 1);
        let status = if plan.claim.as_ref().is_some_and(|user| twice(self.users.get(user))) {
            Status::DuplicateClaim
        } else if plan.status != Status::NoUserId && twice(self.people.get(row.user.trim())) {
            Status::DuplicatePerson
        } else {
            return None;
        };
        (plan.status != status).then(|| Plan { status, claim: plan.claim.clone(), change: None })
    }
}

/// Adds `more` to `counts`.
pub fn add_counts(counts: &mut Counts, more: &Counts) {
    for (status, count) in more {
        *counts.entry(*status).or_default() += count;
    }
}

#[cfg(test)]
#[path = "link_job_tests.rs"]
mod tests;
