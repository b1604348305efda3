//! One call budget shared by all sandboxes: the arithmetic of its ledger (product.md PSH-16, goals.md P12).
//!
//! A ledger grants *slots*. A slot opens at one instant, may be used for one call while it is open, and is worth
//! nothing afterwards; so the ledger knows within a few milliseconds when each call is made, without hearing of it.
//!
//! **Per second.** Slots open on a grid of (1000 + [`USE_MS`]) / `per_second` milliseconds and stay open for
//! [`USE_MS`]. Between the close of a slot and the opening of the `per_second`-th one after it lies a whole second,
//! so no sliding second holds more than `per_second` calls. The price is `USE_MS` in 1,040, under 4 %.
//!
//! **Per window** (a minute, or 20 s for an address). Slots are counted in buckets of 1/100 window *by the instant at
//! which they close*. A slot is granted at `s` only while the buckets that do not end before `s - window` hold fewer
//! than `per_window`. Of all slots that can be used in one sliding window, take the one granted last: it opens before
//! the window ends, so every other one closes after `opening - window` and was counted when it was granted. Openings
//! only ever grow.
//!
//! **Unused slots** go back as a [`Refund`] with a sandbox's next lease. They were never used, so taking them out of
//! their bucket, however late, cannot break the promise.
//!
//! **Clocks.** The ledger's time is the latest time that any sandbox ever reported, so a clock that goes backwards,
//! or a sandbox that is late, gets slots after those that were granted. Each answer carries the ledger's time; a
//! sandbox that finds it ahead of its own clock *when the answer has arrived* adds the difference from then on. So
//! sandboxes agree on the fastest clock, and from then on the promise holds in real time whatever the skew.
//! Unavoidable is this: a sandbox that first speaks with a faster clock than all before makes the calls of the past
//! look older by that skew, so that once, for one window, up to `per_window` calls more may be made.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long a slot of the per-second grid stays open, milliseconds.
pub const USE_MS: i64 = 40;
/// How long a block of slots without a grid stays open while at most half of the budget is in use, milliseconds.
pub const BLOCK_USE_MS: i64 = 3_000;
/// The same when more is in use: a slot counts against the window until it closes, so long ones would waste the budget.
pub const BLOCK_USE_PRESSED_MS: i64 = 400;
/// Slots of one block lease at most.
pub const BLOCK_MAX: u32 = 100;
/// How far ahead of now a slot may be granted at most, milliseconds.
pub const HORIZON_MS_MAX: u32 = 10_000;

const BUCKETS_PER_WINDOW: i64 = 100;
/// A window, the horizon and one lease need at most 170 buckets; more can only come from a damaged item.
const BUCKETS_MAX: usize = 256;
const REFUNDS_REMEMBERED: usize = 8;
const REFUND_BUCKETS_MAX: usize = 256;
/// 9999-12-31: keeps every sum below within 64 bits whatever a clock says.
const TIME_MS_MAX: i64 = 253_402_300_799_999;

/// What one budget allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// 0 = no grid.
    per_second: u32,
    window_ms: i64,
    per_window: u32,
    horizon_ms: i64,
}

impl Limits {
    /// One client_id on one interface (welink-api.md 12). Zero is read as one. `horizon_ms` is how long a caller would
    /// wait for a slot, at most [`HORIZON_MS_MAX`].
    pub fn interface(per_second: u32, per_minute: u32, horizon_ms: u32) -> Self {
        Self {
            per_second: per_second.clamp(1, 1_000_000),
            window_ms: 60_000,
            per_window: per_minute.max(1),
            horizon_ms: i64::from(horizon_ms.min(HORIZON_MS_MAX)),
        }
    }

    /// All calls from one egress address (welink-api.md 12): so many in any 20 seconds, without a grid.
    pub fn address(per_20_s: u32, horizon_ms: u32) -> Self {
        Self {
            per_second: 0,
            window_ms: 20_000,
            per_window: per_20_s.max(1),
            horizon_ms: i64::from(horizon_ms.min(HORIZON_MS_MAX)),
        }
    }

    /// Slots of one lease at most: one second's worth on a grid, [`BLOCK_MAX`] without.
    pub fn lease_max(self) -> u32 {
        if self.per_second == 0 { BLOCK_MAX } else { self.per_second }
    }

    /// Microseconds between two slots, rounded up; 0 without a grid.
    pub fn step_us(self) -> i64 {
        match i64::from(self.per_second) {
            0 => 0,
            n => ((1_000 + USE_MS) * 1_000 + n - 1) / n,
        }
    }

    fn bucket_us(self) -> i64 {
        self.window_ms * 1_000 / BUCKETS_PER_WINDOW
    }

    fn bucket(self, closes_us: i64) -> i64 {
        closes_us.div_euclid(self.bucket_us())
    }

    fn use_ms(self, in_use: u64) -> i64 {
        match self.per_second {
            0 if in_use * 2 <= u64::from(self.per_window) => BLOCK_USE_MS,
            0 => BLOCK_USE_PRESSED_MS,
            _ => USE_MS,
        }
    }
}

/// The right to make one call, in the ledger's time, microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub opens_us: i64,
    pub closes_us: i64,
}

impl Slot {
    /// Milliseconds until the slot opens, rounded up; 0 when it has opened.
    pub fn opens_in_ms(self, now: Timestamp) -> i64 {
        (self.opens_us.saturating_sub(now.0.saturating_mul(1_000)).saturating_add(999) / 1_000).max(0)
    }

    /// Whether a call may be made now. A clock shows whole milliseconds, so it may be almost one later than it says.
    pub fn is_open(self, now: Timestamp) -> bool {
        self.opens_in_ms(now) == 0 && !self.is_over(now)
    }

    pub fn is_over(self, now: Timestamp) -> bool {
        now.0.saturating_add(1).saturating_mul(1_000) > self.closes_us
    }
}

/// Consecutive slots that belong to the sandbox which leased them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub first_us: i64,
    /// 0 = all slots open together.
    pub step_us: i64,
    pub use_ms: i64,
    /// At least 1.
    pub count: u32,
    /// The ledger's time when it granted.
    pub now: Timestamp,
}

impl Grant {
    /// The slots in the order in which they open.
    pub fn slots(self) -> impl Iterator<Item = Slot> {
        (0..i64::from(self.count)).map(move |k| {
            let opens_us = self.first_us.saturating_add(self.step_us.saturating_mul(k));
            Slot { opens_us, closes_us: opens_us.saturating_add(self.use_ms * 1_000) }
        })
    }
}

/// The answer of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    Granted(Grant),
    /// The budget is used up for longer than the horizon; the first slot would open `at`. `now` = the ledger's time.
    NotBefore {
        at: Timestamp,
        now: Timestamp,
    },
}

impl Lease {
    /// The ledger's time when it answered.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Granted(grant) => grant.now,
            Self::NotBefore { now, .. } => *now,
        }
    }
}

/// Slots that a sandbox leased and did not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Random: a write that the SDK repeats after a lost answer must not count twice.
    pub id: u64,
    slots: Vec<(i64, u32)>,
}

impl Refund {
    pub fn new(id: u64) -> Self {
        Self { id, slots: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds an unused slot of a budget with these limits. Bounded: the oldest are dropped, which wastes but never
    /// exceeds.
    pub fn add(&mut self, slot: Slot, limits: Limits) {
        let bucket = limits.bucket(slot.closes_us);
        if let Some((_, count)) = self.slots.iter_mut().find(|(known, _)| *known == bucket) {
            *count = count.saturating_add(1);
            return;
        }
        if self.slots.len() >= REFUND_BUCKETS_MAX {
            self.slots.remove(0);
        }
        self.slots.push((bucket, 1));
    }
}

/// The shared state of one budget: under 1 KB as JSON, so one write unit. Stored by a write that is conditional on
/// the item being unchanged since it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The latest time that anybody reported, milliseconds.
    #[serde(rename = "t", default)]
    seen_ms: i64,
    /// No slot opens before this, microseconds.
    #[serde(rename = "n", default)]
    next_us: i64,
    /// Index of the first bucket in `counts`.
    #[serde(rename = "b", default)]
    base: i64,
    /// Slots by bucket of their close.
    #[serde(rename = "c", default)]
    counts: Vec<u32>,
    /// Ids of the last refunds.
    #[serde(rename = "r", default)]
    refunds: Vec<u64>,
}

impl Ledger {
    /// Takes back `refund`, then grants `wanted` slots (at least 1) or as many as [`Limits::lease_max`] and the
    /// window allow, the first within the horizon. Ask for as many as there are callers waiting.
    pub fn lease(&mut self, now: Timestamp, wanted: u32, limits: Limits, refund: Option<&Refund>) -> Lease {
        self.seen_ms = self.seen_ms.max(now.0).clamp(0, TIME_MS_MAX);
        self.next_us = self.next_us.clamp(0, TIME_MS_MAX * 1_000);
        if let Some(refund) = refund {
            self.take_back(refund);
        }
        let now = Timestamp(self.seen_ms);
        let (first_us, gone, in_use) = self.first_free(limits);
        if first_us > self.seen_ms.saturating_add(limits.horizon_ms).saturating_mul(1_000) {
            return Lease::NotBefore { at: Timestamp(first_us.saturating_add(999) / 1_000), now };
        }
        // Openings never go back, so what has left the window of this one is never looked at again.
        self.counts.drain(..gone);
        self.base = self.base.saturating_add(i64::try_from(gone).unwrap_or(i64::MAX));
        let use_ms = limits.use_ms(in_use);
        let count = self.fill(first_us, wanted, use_ms, in_use, limits);
        let step_us = limits.step_us();
        self.next_us = first_us.saturating_add(step_us.saturating_mul(i64::from(count)));
        Lease::Granted(Grant { first_us, step_us, use_ms, count, now })
    }

    fn take_back(&mut self, refund: &Refund) {
        if self.refunds.contains(&refund.id) {
            return;
        }
        for (bucket, count) in &refund.slots {
            let index = usize::try_from(bucket.saturating_sub(self.base)).ok();
            if let Some(stored) = index.and_then(|i| self.counts.get_mut(i)) {
                *stored = stored.saturating_sub(*count);
            }
        }
        self.refunds.push(refund.id);
        let surplus = self.refunds.len().saturating_sub(REFUNDS_REMEMBERED);
        self.refunds.drain(..surplus);
    }

    /// When the bucket at `index` leaves the window, microseconds.
    fn leaves_us(&self, index: usize, limits: Limits) -> i64 {
        let end = self.base.saturating_add(i64::try_from(index).unwrap_or(i64::MAX)).saturating_add(1);
        end.saturating_mul(limits.bucket_us()).saturating_add(limits.window_ms * 1_000)
    }

    /// The first opening with room in its window, the number of buckets outside that window, and the slots inside it.
    fn first_free(&self, limits: Limits) -> (i64, usize, u64) {
        let mut at_us = self.next_us.max(self.seen_ms * 1_000);
        let mut in_use: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let mut gone = 0;
        loop {
            while gone < self.counts.len() && self.leaves_us(gone, limits) <= at_us {
                in_use = in_use.saturating_sub(u64::from(self.counts[gone]));
                gone += 1;
            }
            if in_use < u64::from(limits.per_window) || gone >= self.counts.len() {
                return (at_us, gone, in_use);
            }
            at_us = self.leaves_us(gone, limits);
        }
    }

    /// Counts up to `wanted` slots from `first_us` on; the number of them, at least 1.
    fn fill(&mut self, first_us: i64, wanted: u32, use_ms: i64, mut in_use: u64, limits: Limits) -> u32 {
        let mut gone = 0;
        let mut count = 0;
        for k in 0..wanted.clamp(1, limits.lease_max()) {
            let opens_us = first_us.saturating_add(limits.step_us().saturating_mul(i64::from(k)));
            while gone < self.counts.len() && self.leaves_us(gone, limits) <= opens_us {
                in_use = in_use.saturating_sub(u64::from(self.counts[gone]));
                gone += 1;
            }
            if in_use >= u64::from(limits.per_window) {
                break;
            }
            self.count(limits.bucket(opens_us), limits.bucket(opens_us.saturating_add(use_ms * 1_000)));
            in_use += 1;
            count += 1;
        }
        count
    }

    /// Counts one slot that opens in bucket `opens` and closes in bucket `closes`.
    fn count(&mut self, opens: i64, closes: i64) {
        if self.counts.is_empty() {
            self.base = opens;
        }
        let index = usize::try_from(closes.saturating_sub(self.base).max(0)).unwrap_or(usize::MAX);
        if index >= BUCKETS_MAX {
            // Buckets that leave the window are dropped before, so only a damaged item comes here: begin a new one.
            self.base = closes;
            self.counts = vec![1];
            return;
        }
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] = self.counts[index].saturating_add(1);
    }
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
