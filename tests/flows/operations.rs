//! OPS-01, OPS-02, OPS-05, OPS-08: the token, the breaker, one trace, everything without a network.

use domain::audit::Action;
use http::{Method, StatusCode};
use serde_json::json;
use tests::logs;
use tests::world::{LINKED, World};

fn tickets(world: &World) -> usize {
    world.demo().welink.request_log().iter().filter(|entry| entry.path == "/api/auth/v2/tickets").count()
}

#[tokio::test]
async fn ops_01_one_token_serves_many_sign_ins_and_ten_parallel_ones_fetch_once() {
    let world = World::start().await;
    let before = tickets(&world);
    let sign_in = |_| async { world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status };
    let statuses = futures_util::future::join_all((0..10).map(sign_in)).await;
    assert_eq!(statuses, [StatusCode::OK; 10]);
    assert_eq!(tickets(&world) - before, 1, "ten parallel sign-ins fetch one token");
    for n in 0..5 {
        assert_eq!(sign_in(n).await, StatusCode::OK);
    }
    assert_eq!(tickets(&world) - before, 1);
    world.advance_s(7200 - 299);
    assert_eq!(sign_in(0).await, StatusCode::OK);
    assert_eq!(tickets(&world) - before, 2, "renewed 300 s before it ends");
}

#[tokio::test]
async fn ops_02_refused_credentials_stop_all_calls_at_once_and_new_ones_start_them_again() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    // The secret changes at WeLink behind our back, twice, so that no old one is valid.
    let _ = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    world.demo().welink.expire_tokens(&known.client_id);
    let before = tickets(&world);
    for _ in 0..5 {
        let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
        assert_eq!(page.problem().as_deref(), Some("welink-credentials"), "{}", page.body);
    }
    assert_eq!(tickets(&world) - before, 1, "one refusal, then no further call");
    assert_eq!(world.audited(Action::AppBlocked, "ok").await, 1, "the administrator is told once");
    for (hours, probes) in [(5, 1), (2, 2), (11, 2), (2, 3)] {
        world.advance_s(hours * 3600);
        world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
        assert_eq!(tickets(&world) - before, probes, "after {hours} hours more");
    }
    let path = format!("/v1/apps/{}", known.app);
    let version = world.api(Method::GET, &path, None).await.json()["version"].clone();
    let body = json!({ "version": version, "client_secret": renewed.expose() });
    let saved = world.api(Method::PUT, &format!("{path}/credentials"), Some(&body)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    assert_eq!(world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status, StatusCode::OK);
}

#[tokio::test]
async fn ops_05_each_request_has_one_trace_in_its_answer_its_log_lines_and_its_audit_entry() {
    let captured = logs::capture();
    let world = World::start().await;
    let mut browser = world.browser();
    let opened = browser.get(&world.homepage()).await.unwrap();
    let (action, fields) = opened.form("answer").unwrap();
    let fields: Vec<_> =
        fields.into_iter().map(|(n, v)| if n == "code" { (n, "NOCODE".to_owned()) } else { (n, v) }).collect();
    let page = browser.post_form(&action, &fields).await.unwrap();
    let trace = page.trace().to_owned();
    assert_eq!(trace.len(), 16, "{trace}");
    assert!(page.body.contains(&trace), "the person can read it out");
    let audit = world.audit().await;
    let told: Vec<_> = audit.iter().filter(|entry| entry.trace == trace).map(|entry| entry.action).collect();
    assert_eq!(told, [Action::SignInRefused]);
    let text = captured.text();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.contains(&trace))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines.iter().any(|line| line.to_string().contains("POST /h/{app} answered 400")), "{lines:?}");
}

#[tokio::test]
async fn ops_08_the_simulators_need_no_network_and_each_fault_can_be_switched_on_from_the_phone() {
    let world = World::start().await;
    let phone = |path: &str| format!("{}{path}", world.running.origin("phone")).parse::<url::Url>().unwrap();
    let listed = world.browser().get(&phone("/sim/faults")).await.unwrap();
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.body);
    let before = world.demo().faults.fired();
    world.demo().faults.set(sim::faults::Knob::RateLimited, sim::faults::Rule::next(1).under("/api/auth/v2/userid"));
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "one 48503 is waited out: {}", page.body);
    let after = world.demo().faults.fired();
    let name = sim::faults::Knob::RateLimited.name();
    assert_eq!(after[name] - before[name], 1);
}
