//! Several sandboxes with more work than is allowed (product.md PSH-16, goals.md P12).

use super::*;
use crate::WeLinkError;
use futures_util::future::join_all;

const START: i64 = 1_750_000_000_000;

/// The largest number of calls within any `window_ms`.
fn most(times: &[i64], window_ms: i64) -> usize {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut early = 0;
    let mut most = 0;
    for (late, at) in sorted.iter().enumerate() {
        while at - sorted[early] >= window_ms {
            early += 1;
        }
        most = most.max(late - early + 1);
    }
    most
}

/// One worker that always has work, until `end`.
async fn work(welink: &WeLink<Memory>, c: &Credentials, clock: &Clock, end: Timestamp) {
    while clock.now() < end {
        match welink.user_detail(c, &zhangsan()).await {
            Ok(_) => {}
            Err(WeLinkError::Busy { retry_after_ms }) => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms.min(2_000))).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

struct Outcome {
    log: Log,
    leases: u32,
}

async fn plentiful(settings: &Settings, apps: u8, workers: usize, minutes: i64, skews: [i64; 4]) -> Outcome {
    let clock = clock();
    let (transport, log) = server(&clock, usual);
    let shared = Memory::with_latency(5);
    let end = Timestamp(START).plus_s(minutes * 60);
    let all: Vec<_> = (0..4_u64)
        .map(|seed| {
            let own = clock.skewed(skews[usize::try_from(seed).unwrap()]);
            client(settings.clone(), transport.clone(), &own, &shared, seed)
        })
        .collect();
    let credentials: Vec<_> = (0..apps).map(|app| app_credentials(app, 1)).collect();
    let mut tasks = Vec::new();
    for welink in &all {
        for c in &credentials {
            tasks.extend((0..workers).map(|_| work(welink, c, &clock, end)));
        }
    }
    join_all(tasks).await;
    Outcome { log, leases: shared.leases.load(Ordering::Relaxed) }
}

#[tokio::test(start_paused = true)]
async fn four_sandboxes_never_exceed_the_rate_and_use_95_percent_of_it() {
    let Outcome { log, leases } = plentiful(&settings(), 1, 20, 10, [0; 4]).await;
    let times = log.times(Some(DETAIL));
    assert!(most(&times, 1_000) <= 30, "{} in a second", most(&times, 1_000));
    assert!(most(&times, 60_000) <= 1_200, "{} in a minute", most(&times, 60_000));
    let share = times.len() / 120;
    assert!(share >= 95, "{share} % of the allowed rate used");
    let calls_per_lease = times.len() / usize::try_from(leases).unwrap();
    assert!(calls_per_lease >= 5, "{} calls, {leases} leases", times.len());
}

#[tokio::test(start_paused = true)]
async fn where_the_second_binds_it_is_used_as_well() {
    let second = Settings { calls_per_second: 20, calls_per_minute: 6_000, ..settings() };
    let Outcome { log, .. } = plentiful(&second, 1, 10, 5, [0; 4]).await;
    let times = log.times(Some(DETAIL));
    assert!(most(&times, 1_000) <= 20);
    let share = times.len() / 60;
    assert!(share >= 95, "{share} %");
}

#[tokio::test(start_paused = true)]
async fn ten_apps_share_one_address() {
    let Outcome { log, .. } = plentiful(&settings(), 10, 3, 2, [0; 4]).await;
    let times = log.times(None);
    assert!(most(&times, 20_000) <= 2_400, "{} in 20 s", most(&times, 20_000));
    let share = times.len() / 144;
    assert!(share >= 95, "{share} % of the address's rate used");
}

#[tokio::test(start_paused = true)]
async fn clocks_ten_minutes_apart_keep_the_rate() {
    let Outcome { log, .. } = plentiful(&settings(), 1, 10, 5, [600_000, 0, -600_000, 120_000]).await;
    let mut times = log.times(Some(DETAIL));
    // The first minute is the one in which the sandboxes learn of each other's clocks (domain::pacing).
    times.retain(|at| *at >= START + 60_000);
    assert!(most(&times, 1_000) <= 30, "{} in a second", most(&times, 1_000));
    assert!(most(&times, 60_000) <= 1_200, "{} in a minute", most(&times, 60_000));
    assert!(times.len() / 48 >= 90, "{} calls", times.len());
}

#[tokio::test(start_paused = true)]
async fn too_many_callers_are_told_when_to_come_back() {
    let (welink, log, shared, clock) = world(usual);
    let c = credentials(1);
    let began = clock.now();
    let results = join_all((0..2_000).map(|_| {
        let user = zhangsan();
        let (welink, c) = (&welink, &c);
        async move { welink.user_detail(c, &user).await }
    }))
    .await;
    assert!(clock.now().ms_since(began) <= 3_500, "nobody waits longer than 3 s");
    let served = results.iter().filter(|result| result.is_ok()).count();
    let busy = results.iter().filter(|result| matches!(result, Err(WeLinkError::Busy { .. }))).count();
    assert_eq!((served + busy, served), (2_000, log.count(DETAIL)));
    assert!((70..=120).contains(&served), "{served}");
    let leases = shared.leases.load(Ordering::Relaxed);
    assert!(leases < 40, "{leases} leases");
}
