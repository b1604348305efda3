//! Faults outside the simulated systems: the table, the wires, the functions and time (goals.md, fault catalogue). The
//! simulators have their own knobs (`sim::faults`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use platform::entropy::Entropy;

use super::record::lock;

/// Drawn per call.
pub const DRAWN: [&str; 10] = [
    "table.throttled",
    "table.server_error",
    "table.conflict",
    "table.answer_lost",
    "table.slow",
    "net.request_lost",
    "net.answer_lost",
    "function.crash",
    "function.freeze",
    "function.cold",
];

/// Caused by the campaign, and counted here too.
pub const CAUSED: [&str; 15] = [
    "time.skew",
    "time.leap",
    "time.ttl_present",
    "oa.down",
    "welink.tokens_expired",
    "concurrency.double_submit",
    "concurrency.unbind",
    "concurrency.two_tabs_bind",
    "concurrency.one_account_claimed_twice",
    "bind.right_password",
    "bind.wrong_password",
    "bind.locked_out",
    "bind.unbound",
    "bind.by_matching",
    "function.two_sandboxes",
];

#[derive(Debug, Default)]
struct Board {
    per_mille: BTreeMap<&'static str, u32>,
    fired: BTreeMap<&'static str, u64>,
}

/// The knobs; cloning shares them. All are off at first.
#[derive(Debug, Clone)]
pub struct Knobs {
    entropy: Entropy,
    board: Arc<Mutex<Board>>,
}

impl Knobs {
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy, board: Arc::default() }
    }

    /// Of 1,000 draws so many fire.
    pub fn set(&self, knob: &'static str, per_mille: u32) {
        lock(&self.board).per_mille.insert(knob, per_mille);
    }

    /// Nothing fires any more; the counts stay.
    pub fn clear(&self) {
        lock(&self.board).per_mille.clear();
    }

    /// Draws. Nothing is taken from the entropy while the knob is off. The caller counts what it then does.
    pub fn draw(&self, knob: &'static str) -> bool {
        let per_mille = lock(&self.board).per_mille.get(knob).copied().unwrap_or(0);
        per_mille > 0 && self.entropy.below(1000) < per_mille
    }

    /// Draws and counts.
    pub fn fires(&self, knob: &'static str) -> bool {
        let fires = self.draw(knob);
        if fires {
            self.count(knob);
        }
        fires
    }

    pub fn count(&self, knob: &'static str) {
        *lock(&self.board).fired.entry(knob).or_default() += 1;
    }

    /// How often each knob fired; those that never did stand there with 0.
    pub fn fired(&self) -> BTreeMap<&'static str, u64> {
        let board = lock(&self.board);
        let all = DRAWN.into_iter().chain(CAUSED);
        all.map(|knob| (knob, board.fired.get(knob).copied().unwrap_or(0))).collect()
    }
}
