//! Refused credentials stop everything at once (product.md OPS-02).

use super::*;
use crate::WeLinkError;

fn blocked(result: &Result<crate::TenantInfo, WeLinkError>) -> (Timestamp, bool) {
    match result {
        Err(WeLinkError::Blocked { until, newly, .. }) => (*until, *newly),
        other => panic!("not blocked: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_after_6_12_24_and_24_hours() {
    for refused in ["10007", "411007", "41403"] {
        let (welink, log, _, clock) = world(move |_| code(refused));
        let mut probes = 0;
        for (hours, newly) in [(6, true), (12, true), (24, true), (24, false)] {
            let (until, told) = blocked(&welink.tenant_info(&credentials(1)).await);
            probes += 1;
            assert_eq!((log.times(None).len(), told), (probes, newly), "{refused}");
            let wait_s = until.ms_since(clock.now()) / 1_000;
            assert!((hours * 3_600 - 10..=hours * 3_600).contains(&wait_s), "{wait_s}");
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(u64::try_from(wait_s / 6).unwrap())).await;
                assert_eq!(blocked(&welink.tenant_info(&credentials(1)).await), (until, false));
            }
            assert_eq!(log.times(None).len(), probes, "no call while blocked");
            tokio::time::sleep(Duration::from_secs(u64::try_from(until.ms_since(clock.now()) / 1_000 + 1).unwrap()))
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn new_credentials_are_not_blocked_and_a_success_closes_it() {
    let (welink, log, _, _) = world(|seen| match seen.path.as_str() {
        TICKETS if seen.body.contains("secret-v1") => code("10007"),
        _ => usual(seen),
    });
    blocked(&welink.tenant_info(&credentials(1)).await);
    welink.tenant_info(&credentials(2)).await.unwrap();
    welink.tenant_info(&credentials(2)).await.unwrap();
    assert_eq!(log.count(TICKETS), 2);
}

#[tokio::test(start_paused = true)]
async fn other_sandboxes_hear_of_it_and_the_administrator_once() {
    let clock = clock();
    let (transport, log) = server(&clock, |_| code("41403"));
    let shared = Memory::with_latency(4);
    let all: Vec<_> = (0..8).map(|seed| client(settings(), transport.clone(), &clock, &shared, seed)).collect();
    let c = credentials(1);
    let results = futures_util::future::join_all(all.iter().map(|welink| welink.tenant_info(&c))).await;
    assert_eq!(results.iter().filter(|result| blocked(result).1).count(), 1);
    assert_eq!(log.times(None).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_call_opens_it_too() {
    let (welink, log, _, _) = world(|seen| if seen.path == TENANTS { code("10007") } else { usual(seen) });
    assert!(blocked(&welink.tenant_info(&credentials(1)).await).1);
    assert!(!blocked(&welink.tenant_info(&credentials(1)).await).1);
    assert_eq!((log.count(TICKETS), log.count(TENANTS)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn trying_credentials_touches_nothing() {
    let (welink, log, shared, _) = world(|seen| match seen.path.as_str() {
        TICKETS if seen.body.contains("wrong") => code("10007"),
        _ => usual(seen),
    });
    let id = ClientId::parse("client7").unwrap();
    let refused = welink.try_credentials(&id, &Secret::new("wrong".to_owned())).await.unwrap_err();
    assert!(refused.refuses_credentials());
    assert_eq!(welink.try_credentials(&id, &Secret::new("right".to_owned())).await.unwrap().tenant.as_str(), "AB12");
    assert!(shared.records.lock().unwrap().is_empty());
    welink.tenant_info(&credentials(1)).await.unwrap();
    assert_eq!(log.count(TICKETS), 3);
}
