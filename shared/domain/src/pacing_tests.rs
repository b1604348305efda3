use proptest::prelude::*;

use super::*;

/// Milliseconds; an arbitrary day.
const START: i64 = 1_750_000_000_000;

/// No window of `window_ms` holds more than `allowed` of these instants (microseconds).
fn holds(calls_us: &mut [i64], window_ms: i64, allowed: u32) -> Result<(), String> {
    calls_us.sort_unstable();
    let allowed = usize::try_from(allowed).unwrap();
    for (early, late) in calls_us.iter().zip(calls_us.iter().skip(allowed)) {
        if late - early < window_ms * 1_000 {
            return Err(format!("{} calls within {} us", allowed + 1, late - early));
        }
    }
    Ok(())
}

#[derive(Debug, Clone)]
struct Step {
    wait_ms: i64,
    sandbox: usize,
    wanted: u32,
    /// Which of the slots are used, and where between opening and close (0 to 255).
    used: Vec<Option<u8>>,
}

fn step(wait_ms_max: i64) -> impl Strategy<Value = Step> {
    let used = proptest::collection::vec(proptest::option::weighted(0.8, any::<u8>()), 1..40);
    (0..=wait_ms_max, 0..4_usize, 1..120_u32, used).prop_map(|(wait_ms, sandbox, wanted, used)| Step {
        wait_ms,
        sandbox,
        wanted,
        used,
    })
}

/// Four sandboxes with clocks `skews` ms ahead; the instants of their calls in real time, microseconds.
fn run(steps: &[Step], limits: Limits, skews: [i64; 4]) -> Vec<i64> {
    let mut ledger = Ledger::default();
    let mut offsets = [0_i64; 4];
    let mut refunds: [Refund; 4] = std::array::from_fn(|i| Refund::new(i as u64));
    let mut calls = Vec::new();
    let mut real = START;
    for (index, step) in steps.iter().enumerate() {
        real += step.wait_ms;
        let me = step.sandbox;
        let local = real + skews[me];
        let refund = std::mem::replace(&mut refunds[me], Refund::new(1_000 + index as u64));
        let told = ledger.lease(Timestamp(local + offsets[me]), step.wanted, limits, Some(&refund));
        offsets[me] = offsets[me].max(told.now().0 - local);
        let Lease::Granted(grant) = told else { continue };
        assert!(grant.count >= 1 && grant.count <= step.wanted.min(limits.lease_max()));
        for (k, slot) in grant.slots().enumerate() {
            match step.used[k % step.used.len()] {
                Some(share) => {
                    let within = (slot.closes_us - slot.opens_us - 1) * i64::from(share) / 255;
                    calls.push(slot.opens_us + within - (skews[me] + offsets[me]) * 1_000);
                }
                None => refunds[me].add(slot, limits),
            }
        }
        let text = serde_json::to_string(&ledger).unwrap();
        assert!(text.len() < 1_000, "{} bytes", text.len());
        ledger = serde_json::from_str(&text).unwrap();
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_interface_budget_is_never_exceeded(
        steps in proptest::collection::vec(step(900), 1..400),
        per_second in 1..60_u32,
        per_minute in 1..1_500_u32,
    ) {
        let limits = Limits::interface(per_second, per_minute, 3_000);
        let mut calls = run(&steps, limits, [0; 4]);
        prop_assert_eq!(holds(&mut calls, 1_000, per_second), Ok(()));
        prop_assert_eq!(holds(&mut calls, 60_000, per_minute), Ok(()));
    }

    #[test]
    fn an_address_budget_is_never_exceeded(
        steps in proptest::collection::vec(step(700), 1..400),
        per_20_s in 1..3_000_u32,
    ) {
        let mut calls = run(&steps, Limits::address(per_20_s, 3_000), [0; 4]);
        prop_assert_eq!(holds(&mut calls, 20_000, per_20_s), Ok(()));
    }

    #[test]
    fn skewed_clocks_agree_once_all_have_spoken(
        steps in proptest::collection::vec(step(900), 1..300),
        skews in proptest::array::uniform4(-600_000..=600_000_i64),
    ) {
        // All speak at once, the fastest first, so that each learns the whole difference.
        let mut order: Vec<usize> = (0..4).collect();
        order.sort_by_key(|i| -skews[*i]);
        let hello = order.into_iter().map(|sandbox| Step { wait_ms: 0, sandbox, wanted: 1, used: vec![Some(0)] });
        let all: Vec<Step> = hello.chain(steps).collect();
        let mut calls = run(&all, Limits::interface(30, 1_200, 3_000), skews);
        prop_assert_eq!(holds(&mut calls, 1_000, 30), Ok(()));
        prop_assert_eq!(holds(&mut calls, 60_000, 1_200), Ok(()));
    }

    #[test]
    fn nothing_a_clock_or_an_item_says_makes_it_panic(
        clocks in proptest::collection::vec(any::<i64>(), 1..20),
        seen_ms in any::<i64>(), next_us in any::<i64>(), base in any::<i64>(),
        counts in proptest::collection::vec(any::<u32>(), 0..200),
        per_second in any::<u16>(), per_minute in any::<u32>(), wanted in any::<u32>(),
    ) {
        let mut ledger = Ledger { seen_ms, next_us, base, counts, refunds: Vec::new() };
        for (index, clock) in clocks.into_iter().enumerate() {
            let limits = match index % 2 {
                0 => Limits::interface(u32::from(per_second), per_minute, u32::MAX),
                _ => Limits::address(per_minute, u32::MAX),
            };
            let mut refund = Refund::new(index as u64);
            refund.add(Slot { opens_us: clock, closes_us: clock }, limits);
            if let Lease::Granted(grant) = ledger.lease(Timestamp(clock), wanted, limits, Some(&refund)) {
                prop_assert!(grant.count >= 1);
            }
        }
    }
}

/// Four sandboxes that always have work: calls made in per mille of what is allowed over `minutes`, granting updates,
/// calls.
fn plentiful(limits: Limits, minutes: i64, allowed_per_minute: i64, wanted: u32) -> (i64, usize, Vec<i64>) {
    let mut ledger = Ledger::default();
    let mut calls = Vec::new();
    let mut updates = 0;
    let end = START + minutes * 60_000;
    let mut now = START;
    let mut free_at = [START; 4];
    while now < end {
        let me = (0..4).min_by_key(|i| free_at[*i]).unwrap();
        now = free_at[me].max(now);
        match ledger.lease(Timestamp(now), wanted, limits, None) {
            Lease::Granted(grant) => {
                updates += 1;
                calls.extend(grant.slots().map(|slot| slot.opens_us).filter(|at| *at < end * 1_000));
                free_at[me] = now.max(grant.first_us / 1_000) + 5;
            }
            Lease::NotBefore { at, .. } => free_at[me] = now.max(at.0 - 3_000),
        }
    }
    let made = i64::try_from(calls.len()).unwrap();
    (made * 1_000 / (allowed_per_minute * minutes), updates, calls)
}

#[test]
fn plentiful_work_uses_95_percent_of_each_limit() {
    // The minute binds (the default), the second binds, the address binds.
    let cases = [
        (Limits::interface(30, 1_200, 3_000), 1_200, 30),
        (Limits::interface(20, 6_000, 3_000), 1_200, 30),
        (Limits::address(2_400, 3_000), 7_200, 100),
    ];
    for (limits, per_minute, wanted) in cases {
        let (share, updates, mut calls) = plentiful(limits, 30, per_minute, wanted);
        assert!((950..=1_020).contains(&share), "{limits:?}: {share} per mille");
        let per_update = calls.len() / updates;
        assert!(per_update >= 10, "{limits:?}: {per_update} calls an update");
        holds(&mut calls, limits.window_ms, limits.per_window).unwrap();
    }
}

#[test]
fn a_repeated_refund_counts_once() {
    let limits = Limits::interface(30, 60, 3_000);
    let mut ledger = Ledger::default();
    let Lease::Granted(grant) = ledger.lease(Timestamp(START), 30, limits, None) else { panic!("nothing granted") };
    let mut refund = Refund::new(7);
    grant.slots().for_each(|slot| refund.add(slot, limits));
    let after = |ledger: &Ledger| ledger.counts.iter().sum::<u32>();
    ledger.lease(Timestamp(START + 1_100), 30, limits, Some(&refund));
    assert_eq!(after(&ledger), 30);
    ledger.lease(Timestamp(START + 2_200), 1, limits, Some(&refund));
    assert_eq!(after(&ledger), 31);
}

#[test]
fn an_exhausted_budget_says_when_to_come_back() {
    let limits = Limits::interface(30, 30, 3_000);
    let mut ledger = Ledger::default();
    ledger.lease(Timestamp(START), 30, limits, None);
    let Lease::NotBefore { at, now } = ledger.lease(Timestamp(START + 1_500), 1, limits, None) else {
        panic!("granted")
    };
    assert_eq!(now, Timestamp(START + 1_500));
    assert!((60_000..=61_000).contains(&(at.0 - START)), "{at:?}");
    let Lease::Granted(grant) = ledger.lease(Timestamp(at.0 - 3_000), 1, limits, None) else { panic!("too early") };
    assert_eq!(grant.first_us, at.0 * 1_000);
}

#[test]
fn a_slot_opens_closes_and_counts_whole_milliseconds() {
    let slot = Slot { opens_us: 10_500, closes_us: 50_500 };
    assert_eq!(slot.opens_in_ms(Timestamp(8)), 3);
    assert!(!slot.is_open(Timestamp(10)) && slot.is_open(Timestamp(11)) && slot.is_open(Timestamp(49)));
    assert!(slot.is_over(Timestamp(50)));
}
