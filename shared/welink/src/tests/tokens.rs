//! One token for everybody (product.md OPS-01, goals.md R13).

use super::*;
use crate::WeLinkError;
use futures_util::future::join_all;

#[tokio::test(start_paused = true)]
async fn one_fetch_serves_1000_calls() {
    let (welink, log, _, _) = world(usual);
    for _ in 0..1_000 {
        welink.user_detail(&credentials(1), &zhangsan()).await.unwrap();
    }
    assert_eq!((log.count(TICKETS), log.count(DETAIL)), (1, 1_000));
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_300_s_before_it_expires() {
    let (welink, log, _, _) = world(|seen| match seen.path.as_str() {
        TICKETS => (200, ticket(seen.before + 1, 1_000)),
        _ => usual(seen),
    });
    for (after_s, fetches) in [(0, 1), (699, 1), (1, 2), (699, 2), (1, 3)] {
        sleep_s(after_s).await;
        welink.tenant_info(&credentials(1)).await.unwrap();
        assert_eq!(log.count(TICKETS), fetches);
    }
}

#[tokio::test(start_paused = true)]
async fn ten_workers_fetch_once() {
    let (welink, log, _, _) = world(usual);
    let workers = (0..10).map(|_| async { welink.tenant_info(&credentials(1)).await.unwrap() });
    join_all(workers).await;
    assert_eq!(log.count(TICKETS), 1);
}

#[tokio::test(start_paused = true)]
async fn sixteen_workers_in_four_sandboxes_refresh_once() {
    let clock = clock();
    let (transport, log) = server(&clock, |seen| match (seen.path.as_str(), seen.token.as_str()) {
        (TENANTS, "t1") if seen.at.0 > 1_750_000_100_000 => code("1000"),
        _ => usual(seen),
    });
    let shared = Memory::with_latency(4);
    let all: Vec<_> = (0..4).map(|seed| client(settings(), transport.clone(), &clock, &shared, seed)).collect();
    let calls = || join_all((0..16).map(|i| all[i % 4].tenant_info_of_seven()));
    assert!(calls().await.iter().all(Result::is_ok));
    assert_eq!(log.count(TICKETS), 1);
    sleep_s(200).await;
    assert!(calls().await.iter().all(Result::is_ok));
    assert_eq!(log.count(TICKETS), 2);
}

impl WeLink<Memory> {
    async fn tenant_info_of_seven(&self) -> Result<crate::TenantInfo, WeLinkError> {
        self.tenant_info(&credentials(1)).await
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_dead_sandbox_gives_up_after_5_s() {
    let (welink, log, shared, clock) = world(usual);
    let app = credentials(1).app;
    shared.claim_refresh(&app, "dead", clock.now(), clock.now().plus_s(12)).await.unwrap();
    let began = clock.now();
    assert_eq!(welink.tenant_info(&credentials(1)).await, Err(WeLinkError::Down));
    assert!((5_000..5_500).contains(&clock.now().ms_since(began)));
    sleep_s(7).await;
    welink.tenant_info(&credentials(1)).await.unwrap();
    assert_eq!(log.count(TICKETS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_due_still_serves_while_it_cannot_be_renewed() {
    let (welink, log, _, _) = world(|seen| match seen.path.as_str() {
        TICKETS if seen.before > 0 => (503, "<html>".to_owned()),
        _ => usual(seen),
    });
    welink.tenant_info(&credentials(1)).await.unwrap();
    sleep_s(6_950).await;
    welink.tenant_info(&credentials(1)).await.unwrap();
    assert_eq!(log.count(TICKETS), 4, "one attempt with two repetitions");
    welink.tenant_info(&credentials(1)).await.unwrap();
    assert_eq!(log.count(TICKETS), 4, "not again at once");
    sleep_s(300).await;
    assert_eq!(welink.tenant_info(&credentials(1)).await, Err(WeLinkError::Down));
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_callers_shares_one_failure() {
    let (welink, log, _, _) = world(|_| (502, String::new()));
    let workers = (0..50).map(|_| welink.tenant_info_of_seven());
    assert!(join_all(workers).await.iter().all(|result| *result == Err(WeLinkError::Down)));
    assert_eq!(log.count(TICKETS), 3);
}

#[tokio::test(start_paused = true)]
async fn new_credentials_fetch_their_own_token_and_old_ones_use_it() {
    let (welink, log, shared, clock) = world(|seen| {
        if seen.path == TICKETS {
            let version = seen.before + 1;
            assert!(seen.body.contains(&format!("secret-v{version}")), "{}", seen.body);
        }
        usual(seen)
    });
    welink.tenant_info(&credentials(1)).await.unwrap();
    welink.tenant_info(&credentials(2)).await.unwrap();
    assert_eq!(log.count(TICKETS), 2);
    // A sandbox that has not heard of the new credentials yet.
    let (transport, other) = server(&clock, usual);
    let late = client(settings(), transport, &clock, &shared, 9);
    late.tenant_info(&credentials(1)).await.unwrap();
    assert_eq!(other.count(TICKETS), 0);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_there_is_no_call() {
    let (welink, log, shared, _) = world(usual);
    shared.down.store(true, Ordering::Relaxed);
    let result = welink.user_id(&credentials(1), &Secret::new("C0DE".to_owned())).await;
    assert_eq!(result, Err(WeLinkError::Store("table away".to_owned())));
    shared.down.store(false, Ordering::Relaxed);
    welink.tenant_info(&credentials(1)).await.unwrap();
    shared.down.store(true, Ordering::Relaxed);
    let calls = log.times(None).len();
    assert!(matches!(
        welink.user_id(&credentials(1), &Secret::new("C0DE".to_owned())).await,
        Err(WeLinkError::Store(_))
    ));
    assert_eq!(log.times(None).len(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_life_is_malformed() {
    for body in [r#"{"code":0,"access_token":"t","expires_in":0}"#, r#"{"code":0,"expires_in":9}"#, r#"{"code":0}"#] {
        let (welink, log, _, _) = world(move |_| (200, body.to_owned()));
        assert_eq!(welink.tenant_info(&credentials(1)).await, Err(WeLinkError::Malformed));
        assert_eq!(log.count(TICKETS), 1);
    }
    let (welink, _, _, _) = world(|seen| match seen.path.as_str() {
        TICKETS => (200, r#"{"code":0,"access_token":"t1","expires_in":"7200"}"#.to_owned()),
        _ => usual(seen),
    });
    welink.tenant_info(&credentials(1)).await.unwrap();
}
