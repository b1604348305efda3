//! Seeded simulations of the sign-in under virtual time (design.md 4; goals.md, fault catalogue and R1 to R4).
//!
//! `BRIDGE_SEEDS=n` runs n seeds instead of 500; `BRIDGE_SEED=n` replays one and prints its request log.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod actions;
mod binding;
mod campaign;
mod checker;
mod crashes;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod forged_links;
#[cfg(test)]
mod link_jobs;
mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use campaign::{Mode, Report, run};
use tests::simulated::table::{FORGETFUL, FORGETFUL_TRANSACTIONS};

const SEEDS: u64 = 500;
/// Tests that share the seeds.
const SHARES: u64 = 4;
/// Lines of the record that a failing seed shows.
const TAIL_LINES: usize = 40;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

fn say(text: &str) {
    // A test without anywhere to write still tests.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says how to replay when the seed panics.
struct Hint(u64);

impl Drop for Hint {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("replay: BRIDGE_SEED={} cargo test -p tests --test simulation", self.0));
        }
    }
}

fn run_checked(seed: u64) -> Report {
    let hint = Hint(seed);
    let report = run(seed);
    if !report.violations.is_empty() {
        let tail = report.lines.len().saturating_sub(TAIL_LINES);
        say(&report.lines[tail..].join("\n"));
        panic!("seed {seed} ({:?}):\n{}", Mode::of(seed), report.violations.join("\n"));
    }
    drop(hint);
    report
}

/// What fired in the shares that have ended, and how many these are.
static TALLY: Mutex<(u64, BTreeMap<String, u64>)> = Mutex::new((0, BTreeMap::new()));

/// Runs a share of the seeds. The last share to end looks whether every knob fired in one of them.
fn campaign(share: u64) {
    if let Some(seed) = number("BRIDGE_SEED") {
        if seed % SHARES == share {
            let report = run(seed);
            say(&report.lines.join("\n"));
            say(&format!("seed {seed} ({:?}): {} sessions, {:#?}", Mode::of(seed), report.sessions, report.ends));
            run_checked(seed);
        }
        return;
    }
    let (mut fired, mut ends) = (BTreeMap::new(), BTreeMap::new());
    let mut sessions = 0;
    for seed in (0..number("BRIDGE_SEEDS").unwrap_or(SEEDS)).filter(|seed| seed / 8 % SHARES == share) {
        let report = run_checked(seed);
        sessions += report.sessions;
        report.fired.into_iter().for_each(|(knob, n)| *fired.entry(knob).or_insert(0) += n);
        report.ends.into_iter().for_each(|(end, n)| *ends.entry(end).or_insert(0) += n);
    }
    say(&format!("{sessions} sessions; fired: {fired:?}; {} kinds of ends", ends.len()));
    let mut tally = TALLY.lock().unwrap_or_else(PoisonError::into_inner);
    tally.0 += 1;
    for (knob, n) in fired {
        *tally.1.entry(knob).or_insert(0) += n;
    }
    let (ended, fired) = tally.clone();
    drop(tally);
    if ended < SHARES {
        return;
    }
    let silent: Vec<_> = fired.iter().filter(|(_, n)| **n == 0).map(|(knob, _)| knob).collect();
    assert!(silent.is_empty(), "knobs that never fired: {silent:?}");
}

#[test]
fn simulation_500_seeds_first_quarter() {
    campaign(0);
}

#[test]
fn simulation_500_seeds_second_quarter() {
    campaign(1);
}

#[test]
fn simulation_500_seeds_third_quarter() {
    campaign(2);
}

#[test]
fn simulation_500_seeds_last_quarter() {
    campaign(3);
}

#[test]
fn r3_a_seed_run_twice_gives_the_same_hash() {
    let mut hashes = BTreeSet::new();
    for seed in 1_000..1_008 {
        let _hint = Hint(seed);
        let (one, two) = (run(seed), run(seed));
        let differ = one.lines.iter().zip(&two.lines).find(|(a, b)| a != b);
        assert_eq!(one.hash, two.hash, "seed {seed} ({:?}) differs at {differ:#?}", Mode::of(seed));
        assert!(hashes.insert(one.hash), "two seeds have the same record");
    }
}

#[test]
fn the_simulation_sees_a_table_that_forgets_conditions() {
    let broken: Vec<String> = (0..8)
        .flat_map(|seed| campaign::run_changed(seed, |world| world.knobs.set(FORGETFUL, 1_000)).violations)
        .collect();
    let expected = [
        "was redeemed by 2 requests",
        "opened 2 sessions",
        "one hand-off was taken twice",
        "a state was taken from another browser",
    ];
    for word in expected {
        assert!(broken.iter().any(|violation| violation.contains(word)), "{word}: {broken:#?}");
    }
}

#[test]
fn the_simulation_sees_transactions_that_forget_conditions() {
    let change = |world: &tests::simulated::Simulated| world.knobs.set(FORGETFUL_TRANSACTIONS, 1_000);
    let broken: Vec<String> = (0..16).flat_map(|seed| campaign::run_changed(seed, change).violations).collect();
    for word in ["two sides of the links disagree", "not one to one"] {
        assert!(broken.iter().any(|violation| violation.contains(word)), "{word}: {broken:#?}");
    }
}
