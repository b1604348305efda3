//! One seed: a world, its faults, what people do in it, and what the checker says.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use platform::entropy::Entropy;
use sim::faults::{Faults, Knob, Rule};
use tests::simulated::knobs::DRAWN;
use tests::simulated::{Member, Options, Simulated, Standing, record};

use crate::actions::{Action, End, Visit, act, pause_ms};
use crate::binding::{bind, unlinked};
use crate::checker;

/// Waits before the tries of a linked member after the last fault, seconds. The longest thing that a dead sandbox
/// leaves behind is a claim on a token under a clock ten minutes ahead.
const TRIES_S: [u64; 6] = [0, 5, 30, 120, 600, 900];
const WAVES: u32 = 2;
/// A simulation that takes longer in virtual time is stuck.
const DAYS: Duration = Duration::from_hours(48);

/// What kind of trouble a seed has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Clean,
    Table,
    WeLink,
    Oa,
    Function,
    Time,
    Pace,
    Everything,
}

const MODES: [Mode; 8] =
    [Mode::Clean, Mode::Table, Mode::WeLink, Mode::Oa, Mode::Function, Mode::Time, Mode::Pace, Mode::Everything];

impl Mode {
    pub fn of(seed: u64) -> Self {
        MODES[usize::try_from(seed % 8).unwrap_or(0)]
    }

    fn has(self, part: Self) -> bool {
        self == part || self == Self::Everything
    }
}

/// What one seed showed.
#[derive(Debug)]
pub struct Report {
    pub hash: String,
    pub lines: Vec<String>,
    pub violations: Vec<String>,
    /// How often each knob fired.
    pub fired: BTreeMap<String, u64>,
    /// How many actions ended how.
    pub ends: BTreeMap<String, u64>,
    pub sessions: usize,
}

/// Runs one seed from beginning to end.
pub fn run(seed: u64) -> Report {
    in_virtual_time(seed, simulate(seed, |_| ()))
}

/// The same, with one thing changed after the faults are set.
pub fn run_changed(seed: u64, change: fn(&Simulated)) -> Report {
    in_virtual_time(seed, simulate(seed, change))
}

/// Runs work in a runtime of its own, whose time is paused.
pub fn in_virtual_time<T>(seed: u64, work: impl Future<Output = T>) -> T {
    record::capture_log();
    // The SDK draws the jitter of its retries from here.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let done = runtime.block_on(async { tokio::time::timeout(DAYS, work).await });
    done.unwrap_or_else(|_| panic!("seed {seed} is stuck"))
}

async fn simulate(seed: u64, change: fn(&Simulated)) -> Report {
    let (mode, dice) = (Mode::of(seed), Entropy::seeded(seed ^ 0x5eed));
    let skews_ms = skews(mode, &dice);
    let skewed = skews_ms.iter().any(|skew_ms| *skew_ms != 0);
    let auto_bind = dice.below(2) == 0;
    let world = Simulated::start(Options { seed, slow_pace: mode == Mode::Pace, skews_ms, auto_bind }).await;
    if skewed {
        world.knobs.count("time.skew");
    }
    world.knobs.count("function.two_sandboxes");
    set_faults(&world, mode, &dice);
    change(&world);
    let mut ends = BTreeMap::new();
    for wave in 0..WAVES {
        if wave > 0 && mode.has(Mode::Time) {
            world.knobs.count("time.leap");
            pause_ms(3_600_000 + u64::from(dice.below(1_000_000))).await;
        }
        for end in play(&world, mode, &dice).await {
            *ends.entry(end).or_default() += 1;
        }
        checker::note_sessions(&world);
    }
    world.heal();
    if !world.fleet.settle().await {
        world.facts.violation("a request never ended");
    }
    checker::note_sessions(&world);
    live(&world).await;
    bind_at_last(&world).await;
    checker::note_sessions(&world);
    let violations = checker::check(&world, mode, skewed);
    Report {
        hash: world.record.hash(),
        lines: world.record.lines(),
        violations,
        fired: fired(&world),
        ends,
        sessions: world.facts.see().opened.len(),
    }
}

/// Two or three sandboxes; where time is off, one is up to ten minutes ahead or behind.
fn skews(mode: Mode, dice: &Entropy) -> Vec<i64> {
    let mut skews = vec![0; 2 + dice.below(2) as usize];
    if mode.has(Mode::Time) {
        let ms = i64::from(dice.below(1_200_001)) - 600_000;
        skews[0] = if ms == 0 { 600_000 } else { ms };
    }
    skews
}

fn set_faults(world: &Simulated, mode: Mode, dice: &Entropy) {
    // Where everything fails at once each thing fails less often, or nobody gets anywhere.
    let divisor = if mode == Mode::Everything { 4 } else { 1 };
    let share = |least: u32, most: u32| (least + dice.below(most - least)) / divisor;
    for knob in DRAWN {
        let (part, least, most) = match knob.split('.').next() {
            Some("table") => (Mode::Table, 10, 90),
            Some("function") => (Mode::Function, 40, 180),
            _ => (Mode::Oa, 20, 120),
        };
        if mode.has(part) {
            world.knobs.set(knob, share(least, most));
        }
    }
    let knobs = |faults: &Faults, least: u32, most: u32| {
        for knob in Knob::ALL {
            // Not all at once: each one alone must be seen to be survived.
            if dice.below(3) == 0 {
                faults.set(knob, Rule::per_mille(share(least, most)).delaying(dice.below(8_000)));
            }
        }
    };
    if mode.has(Mode::WeLink) {
        knobs(&world.welink_faults, 40, 250);
    }
    if mode.has(Mode::Oa) {
        knobs(&world.oa_faults, 40, 250);
        // Only the administrator's searches are answered in JSON, and those are few.
        for knob in [Knob::Malformed, Knob::Truncated, Knob::Html, Knob::WrongTypes, Knob::ExtraFields] {
            world.oa_faults.set(knob, Rule::per_mille(share(100, 400)).under("/scim/"));
        }
    }
}

/// One wave: many browsers at once, each beginning at its own time.
async fn play(world: &Simulated, mode: Mode, dice: &Entropy) -> Vec<String> {
    let count = if mode == Mode::Pace { 14 } else { 8 + dice.below(5) };
    let spread_ms = if mode == Mode::Pace { 300 } else { 3_000 };
    let actors = (0..count).map(|at| {
        // The OA is asked in JSON by an administrator who binds somebody.
        let searches = at == 0 && mode.has(Mode::Oa);
        let action = if searches { Action::Waver } else { draw(mode, dice) };
        let member = who(world, dice);
        let after_ms = u64::from(dice.below(spread_ms));
        async move {
            pause_ms(after_ms).await;
            let end = act(world, action, member).await;
            world.record.note(&format!("{action:?} of {:?} ended: {end}", member.standing));
            format!("{action:?} of {:?}: {end}", member.standing)
        }
    });
    let actors: Vec<_> = actors.collect();
    join_all(actors).await
}

fn draw(mode: Mode, dice: &Entropy) -> Action {
    const RARE: [Action; 17] = [
        Action::DoubleSubmit,
        Action::ReplayHandOff,
        Action::StolenHandOff,
        Action::ReplayRedeem,
        Action::ReplayComeBack,
        Action::ForeignCode,
        Action::StolenState,
        Action::Late,
        Action::Waver,
        Action::RevokeTokens,
        Action::OaDown,
        Action::Bind,
        Action::BindWrongly,
        Action::Guess,
        Action::BindInTwoTabs,
        Action::Claim,
        Action::Unbind,
    ];
    if dice.below(100) < 35 {
        return Action::SignIn;
    }
    match RARE[dice.below(17) as usize] {
        Action::OaDown if !mode.has(Mode::Oa) => Action::SignIn,
        action => action,
    }
}

fn who<'a>(world: &'a Simulated, dice: &Entropy) -> &'a Member {
    let count = u32::try_from(world.members.len()).unwrap_or(1);
    &world.members[dice.below(count) as usize]
}

/// Once the faults have stopped, everybody who is linked gets in within a few tries.
async fn live(world: &Simulated) {
    let linked = world.members.iter().filter(|member| member.standing == Standing::Linked);
    join_all(linked.step_by(3).map(|member| async move {
        for wait_s in TRIES_S {
            pause_ms(wait_s * 1_000).await;
            if Visit::new(world, member).sign_in().await.is_ok() {
                return;
            }
        }
        world.facts.violation(format!("{} of side {} never gets in again", member.user, member.side));
    }))
    .await;
}

/// Whoever is not linked gets in with his password once no lock is left, unless somebody else has taken his account.
async fn bind_at_last(world: &Simulated) {
    pause_ms(1_000_000).await;
    join_all(unlinked(world).map(|member| async move {
        for wait_s in TRIES_S {
            pause_ms(wait_s * 1_000).await;
            match bind(world, member).await {
                Ok(()) => return,
                Err(End::Refused(why)) if why == "oa-user-taken" => return,
                Err(_) => {}
            }
        }
        world.facts.violation(format!("{} can never bind", member.user));
    }))
    .await;
}

fn fired(world: &Simulated) -> BTreeMap<String, u64> {
    let ours = world.knobs.fired().into_iter().map(|(knob, count)| (knob.to_owned(), count));
    let welink = world.welink_faults.fired().into_iter().map(|(knob, count)| (format!("welink.{knob}"), count));
    let oa = world.oa_faults.fired().into_iter().map(|(knob, count)| (format!("oa.{knob}"), count));
    ours.chain(welink).chain(oa).collect()
}
