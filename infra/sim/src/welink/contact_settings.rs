//! Limits and open readings of the contact interfaces (welink-api.md 4, 5, 12, 16), each of which a test can switch.

use std::collections::BTreeSet;

/// Which generation of the contact interfaces an enterprise has; the others answer 501.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generations {
    Both,
    NewOnly,
    OldOnly,
}

/// How a list says that there is nothing (welink-api.md 16; 4.2, 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmptyPage {
    /// The field of the rows is left out.
    Absent,
    /// It is an empty list.
    List,
    /// A code: `47012` or `47009`.
    Code(String),
}

/// What becomes of somebody whose account was closed (welink-api.md 16; 5B.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Not listed; creating him again opens the same account.
    Reopened,
    /// Listed with status 4; creating him again opens the same account.
    Listed,
    /// Not listed; creating him again makes a new account.
    Replaced,
}

/// A batch that holds a parent and its child (welink-api.md 16; 5, 5B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentInBatch {
    /// The child is refused by 47106.
    Refused,
    /// Both are made, in the order in which they stand.
    InOrder,
}

/// What a job says while it runs (welink-api.md 16; 5B.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// No `data`.
    Silent,
    /// What is finished.
    Partial,
}

/// Order numbers outside the range (welink-api.md 16; 5A.1, 5A.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// Refused by 47004.
    Refused,
    Clamped,
}

/// Limits and readings of the contact interfaces (welink-api.md 4, 5, 16).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a question of the contract, and they go together freely"
)]
pub struct ContactSettings {
    pub generations: Generations,
    /// From taking a batch to its end; its objects end one after the other, evenly.
    pub job_ms: i64,
    /// How long a job's result can be asked for after that.
    pub job_kept_ms: i64,
    /// Objects of one call of the old family: 10 or 100.
    pub bulk_max: usize,
    /// `hasMore` is 1 on every page.
    pub has_more_stuck: bool,
    /// `totalCount` with recursiveflag 0 counts everything below.
    pub total_counts_everything: bool,
    pub empty_page: EmptyPage,
    /// A department in the contact scope includes what is below it.
    pub scope_includes_below: bool,
    /// What is in the scope below something that is not, is listed.
    pub orphans_listed: bool,
    /// Contact scope and visible range are one: who is out of the scope cannot open the app either.
    pub scope_is_range: bool,
    /// What the app does not see it cannot write.
    pub range_limits_writes: bool,
    pub parent_in_batch: ParentInBatch,
    pub running: Running,
    pub orders: Orders,
    pub closed: Closed,
    /// The answer to a corpUserId or corpDeptCode that exists, at creation: `58003`, or the older `47008`.
    pub exists_code: String,
    /// The answer to deleting a department with somebody or something in it: `58010`, or the older `47114`.
    pub not_empty_code: String,
    /// Changes of a number in 24 hours, of an open account (welink-api.md 5A.8).
    pub mobile_changes_max: usize,
    /// corpUserIds whose account cannot be opened (47110).
    pub unopenable: BTreeSet<String>,
    /// Tries of one callback, and the pause between two of them.
    pub callback_tries: u32,
    pub callback_retry_ms: i64,
}

impl Default for ContactSettings {
    fn default() -> Self {
        Self {
            generations: Generations::Both,
            job_ms: 2_000,
            job_kept_ms: 24 * 60 * 60 * 1000,
            bulk_max: 10,
            has_more_stuck: false,
            total_counts_everything: false,
            empty_page: EmptyPage::Absent,
            scope_includes_below: true,
            orphans_listed: true,
            scope_is_range: false,
            range_limits_writes: false,
            parent_in_batch: ParentInBatch::Refused,
            running: Running::Silent,
            orders: Orders::Refused,
            closed: Closed::Reopened,
            exists_code: "58003".to_owned(),
            not_empty_code: "58010".to_owned(),
            mobile_changes_max: 3,
            unopenable: BTreeSet::new(),
            callback_tries: 3,
            callback_retry_ms: 60_000,
        }
    }
}
