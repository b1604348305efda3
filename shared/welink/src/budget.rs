//! One call budget as this process holds it: leased slots, and the callers that wait for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::pacing::{Lease, Limits, Refund, Slot, USE_MS};
use domain::time::Timestamp;
use platform::clock::Clock;
use platform::entropy::Entropy;
use tokio::time::Instant;

use crate::error::WeLinkError;
use crate::shared::{BudgetKey, Shared};

/// Leases that one caller asks for at most.
const LEASES_MAX: u32 = 16;
/// Slots asked for beyond the callers that are waiting, at most.
const AHEAD_MAX: u32 = 30;
/// A sign-in makes up to three calls within a second or two, so a budget without a grid is leased for three.
const BLOCK_AHEAD: u32 = 2;
/// Unused slots remembered at most; beyond it they are lost, which wastes but never exceeds.
const SPARE_MAX: usize = 1_024;
/// What a caller is told when its waiting ended without a known instant.
pub(crate) const RETRY_MS: u64 = 1_000;

pub(crate) struct Budget {
    key: BudgetKey,
    limits: Limits,
    held: tokio::sync::Mutex<Held>,
    /// Slots that passed unused.
    spare: Mutex<Vec<Slot>>,
    /// Callers that have no slot yet.
    waiting: AtomicU32,
    /// How far the ledger's time is ahead of ours, milliseconds (domain::pacing, "Clocks").
    offset_ms: AtomicI64,
}

#[derive(Default)]
struct Held {
    slots: VecDeque<Slot>,
    /// The ledger has nothing before this.
    not_before: Timestamp,
    /// Slots asked for in advance: grows while every slot finds a caller, ends when one does not.
    ahead: u32,
    wasted: bool,
    /// Close of the last slot leased, microseconds.
    last_us: i64,
    /// Slots that pass while a lease is on its way.
    lag: u32,
    /// A refund whose arrival is not confirmed; sent again as it is, because the ledger knows it by its id.
    unconfirmed: Option<Refund>,
}

/// A slot in the hands of one caller; dropping it unspent makes it a refund.
pub(crate) struct Reserved {
    slot: Slot,
    budget: Arc<Budget>,
    spent: bool,
}

impl Reserved {
    pub(crate) fn opens_in_ms(&self, clock: &Clock) -> i64 {
        self.slot.opens_in_ms(self.budget.now(clock))
    }

    pub(crate) fn is_open(&self, clock: &Clock) -> bool {
        self.slot.is_open(self.budget.now(clock))
    }

    /// Whether it will have closed `ms` from now.
    pub(crate) fn is_over_in(&self, clock: &Clock, ms: i64) -> bool {
        self.slot.is_over(self.budget.now(clock).plus_ms(ms))
    }

    pub(crate) fn spend(mut self) {
        self.spent = true;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.spent {
            self.budget.give_up(self.slot);
        }
    }
}

/// Counts a caller among the waiting ones, also when it is cancelled.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy(wait_ms: i64) -> WeLinkError {
    WeLinkError::Busy { retry_after_ms: u64::try_from(wait_ms).unwrap_or(0).max(1) }
}

pub(crate) async fn sleep_ms(ms: i64) {
    if let Ok(ms @ 1..) = u64::try_from(ms) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Budget {
    pub(crate) fn new(key: BudgetKey, limits: Limits) -> Self {
        Self {
            key,
            limits,
            held: tokio::sync::Mutex::default(),
            spare: Mutex::default(),
            waiting: AtomicU32::new(0),
            offset_ms: AtomicI64::new(0),
        }
    }

    /// A slot that opens before `deadline`, or [`WeLinkError::Busy`] with the wait that would be needed. One caller
    /// leases for all that wait; they are served in the order in which they came.
    pub(crate) async fn reserve<S: Shared>(
        self: &Arc<Self>,
        shared: &S,
        clock: &Clock,
        entropy: &Entropy,
        deadline: Instant,
    ) -> Result<Reserved, WeLinkError> {
        let _waiting = Waiting::enter(&self.waiting);
        let late = WeLinkError::Busy { retry_after_ms: RETRY_MS };
        let Ok(mut held) = tokio::time::timeout_at(deadline, self.held.lock()).await else { return Err(late) };
        for _ in 0..LEASES_MAX {
            let now = self.now(clock);
            let left = deadline.saturating_duration_since(Instant::now());
            let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
            held.discard(now, self);
            if let Some(slot) = held.slots.front().copied() {
                let wait_ms = slot.opens_in_ms(now);
                if wait_ms > left_ms {
                    return Err(busy(wait_ms));
                }
                held.slots.pop_front();
                return Ok(Reserved { slot, budget: Arc::clone(self), spent: false });
            }
            let closed_ms = held.not_before.ms_since(now);
            if closed_ms > left_ms {
                return Err(busy(closed_ms));
            }
            sleep_ms(closed_ms).await;
            self.lease(&mut held, shared, clock, entropy).await?;
        }
        Err(late)
    }

    /// Leases in advance when no slot is left, for a call that will follow at once. Best effort: while somebody else is
    /// leasing, or the budget is used up, it does nothing.
    pub(crate) async fn prepare<S: Shared>(&self, shared: &S, clock: &Clock, entropy: &Entropy) {
        let Ok(mut held) = self.held.try_lock() else { return };
        let now = self.now(clock);
        held.discard(now, self);
        if held.slots.is_empty() && held.not_before <= now {
            // What is wrong with the ledger the call itself meets again, and reports.
            drop(self.lease(&mut held, shared, clock, entropy).await);
        }
    }

    async fn lease<S: Shared>(
        &self,
        held: &mut Held,
        shared: &S,
        clock: &Clock,
        entropy: &Entropy,
    ) -> Result<(), WeLinkError> {
        let wanted = self.wanted(held, self.now(clock));
        if held.unconfirmed.is_none() {
            held.unconfirmed = self.refund(entropy);
        }
        let asked = clock.now();
        let lease = shared.lease(&self.key, self.now(clock), wanted, self.limits, held.unconfirmed.clone()).await;
        let lease = lease.map_err(WeLinkError::store)?;
        held.unconfirmed = None;
        let answered = clock.now();
        // A lower bound, because the ledger spoke before the answer arrived: it never makes the clocks race each other.
        self.offset_ms.fetch_max(lease.now().ms_since(answered), Ordering::Relaxed);
        held.lag = self.slots_within(answered.ms_since(asked));
        match lease {
            Lease::Granted(grant) => {
                held.slots.extend(grant.slots());
                held.last_us = held.slots.back().map_or(0, |slot| slot.closes_us);
                held.wasted = false;
            }
            Lease::NotBefore { at, .. } => held.not_before = at,
        }
        Ok(())
    }

    /// How many slots to ask for: the waiting callers, the slots that pass on the way, and some in advance while they
    /// were all used before. Asking for no more keeps quiet sandboxes from reserving the budget away.
    fn wanted(&self, held: &mut Held, now: Timestamp) -> u32 {
        let recent = now.0.saturating_sub(1_000).saturating_mul(1_000) < held.last_us;
        held.ahead = if recent && !held.wasted { (held.ahead * 2 + 1).min(AHEAD_MAX) } else { 0 };
        let least = if self.limits.step_us() == 0 { BLOCK_AHEAD } else { 0 };
        let waiting = self.waiting.load(Ordering::Relaxed).max(1);
        waiting.saturating_add(held.ahead.max(least)).saturating_add(held.lag)
    }

    /// Slots of the grid that pass within a lease's way, where it is long enough to matter.
    fn slots_within(&self, latency_ms: i64) -> u32 {
        let step_us = self.limits.step_us();
        if step_us == 0 || latency_ms * 2 <= USE_MS {
            return 0;
        }
        u32::try_from(latency_ms.saturating_mul(1_000) / step_us + 1).unwrap_or(AHEAD_MAX).min(AHEAD_MAX)
    }

    /// Now, in the ledger's time.
    fn now(&self, clock: &Clock) -> Timestamp {
        clock.now().plus_ms(self.offset_ms.load(Ordering::Relaxed))
    }

    fn give_up(&self, slot: Slot) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(slot);
        }
    }

    fn refund(&self, entropy: &Entropy) -> Option<Refund> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.is_empty() {
            return None;
        }
        let mut refund = Refund::new(u64::from_le_bytes(entropy.bytes()));
        for slot in spare.drain(..) {
            refund.add(slot, self.limits);
        }
        Some(refund)
    }
}

impl Held {
    /// Drops the slots that passed without a caller.
    fn discard(&mut self, now: Timestamp, budget: &Budget) {
        while let Some(slot) = self.slots.front().copied().filter(|slot| slot.is_over(now)) {
            self.slots.pop_front();
            self.wasted = true;
            budget.give_up(slot);
        }
    }
}
