//! ENT-06 to ENT-09, ENT-11: is it connected, with which rights, and whom does the app not see?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::faults::{Knob, Rule};
use sim::welink::{Permission, VisibleRange};
use state::people::PeopleCursor;
use tests::world::{LINKED, World};
use tokio::net::TcpListener;

const STEP_MS: u64 = 400;
const STEP: (&str, &str) = ("BRIDGE_CHECK_STEP_MS", "400");

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

/// An address at which nobody listens.
async fn closed() -> SocketAddr {
    listener().await.1
}

/// A server that answers everything alike.
async fn answering(status: StatusCode, body: String) -> SocketAddr {
    let (listener, at) = listener().await;
    let answer = move || {
        let body = body.clone();
        async move { (status, body) }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    at
}

async fn network(world: &World) -> Value {
    let page = world.api(Method::GET, "/v1/network-check", None).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.json()
}

/// The report without the times, which no two checks share.
fn timeless(report: &Value) -> Value {
    match report {
        Value::Array(items) => items.iter().map(timeless).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| *name != "ms" || !value.is_u64());
            kept.map(|(name, value)| (name.clone(), timeless(value))).collect()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn ent_06_six_ends_of_the_way_are_six_results_in_console_and_cli_and_only_an_answer_is_reachable() {
    let well = answering(StatusCode::BAD_REQUEST, "{}".to_owned()).await;
    // Never accepted: the system takes the connection, and nobody answers.
    let (_silent, silent) = listener().await;
    let away = format!("http://{}", closed().await);
    let cases = [
        ("dns", "https://welink.invalid".to_owned(), None, vec!["dns"]),
        ("refused", format!("http://{}", closed().await), None, vec!["dns", "tcp"]),
        ("tls", format!("https://{well}"), None, vec!["dns", "tcp", "tls"]),
        ("proxy", "https://welink.invalid".to_owned(), Some(away.as_str()), vec!["proxy"]),
        ("timeout", format!("http://{silent}"), None, vec!["dns", "tcp", "http"]),
        ("reachable", format!("http://{well}"), None, vec!["dns", "tcp", "http"]),
    ];
    let mut outcomes = BTreeSet::new();
    for (want, welink, proxy, steps) in cases {
        let settings: Vec<_> = [STEP].into_iter().chain(proxy.map(|proxy| ("BRIDGE_PROXY", proxy))).collect();
        let world = World::in_front_of(&welink, &settings).await;
        let report = network(&world).await;
        let way = &report["welink"];
        assert_eq!(way["outcome"], want, "{way}");
        assert_eq!(way["address"], format!("{welink}/api/auth/v2/tickets"));
        let taken: Vec<&str> = way["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
        assert_eq!(taken, steps, "{want}");
        let last = way["steps"].as_array().unwrap().last().unwrap()["ms"].as_u64().unwrap();
        assert!(last <= STEP_MS + 400 && (want != "timeout" || last >= STEP_MS), "{want}: {last} ms");
        assert_eq!(way["http_status"], if want == "reachable" { json!(400) } else { Value::Null });
        assert_eq!(way["detail"].is_null(), want == "reachable");
        assert!(["zh", "en"].iter().all(|lang| !way["text"][lang].as_str().unwrap().is_empty()));
        assert_eq!(report["ok"], want == "reachable", "{report}");

        let told = world.command(&["check"]).await;
        assert_eq!(told.status.success(), want == "reachable", "{}", String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success() || String::from_utf8_lossy(&told.stderr).contains("WeLink"));
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(timeless(&told), timeless(&report), "one report for console and CLI");
        outcomes.insert(want);
    }
    assert_eq!(outcomes.len(), 6);
}

#[tokio::test]
async fn ent_06_the_check_of_a_tenant_opens_its_oas_and_nobody_elses() {
    let world = World::with(&[STEP]).await;
    let other = world.other_tenant().await;
    let path = |tenant: &str| format!("/v1/tenants/{tenant}/network-check");
    let report = world.api(Method::GET, &path(world.tenant().as_str()), None).await.json();
    assert_eq!((&report["ok"], &report["welink"]["outcome"]), (&json!(true), &json!("reachable")), "{report}");
    let [oa] = report["oas"].as_array().unwrap().as_slice() else { panic!("one server of one OA: {report}") };
    assert_eq!(oa["instance"], world.demo().remembered.oa_instance.as_str());
    assert_eq!(oa["check"]["outcome"], "reachable");
    // An OA that is away, and one in two places.
    let instance = json!({
        "name": "远方的 OA", "base": format!("http://127.0.0.1:{}", closed().await.port()),
        "scim_base": "https://oa.invalid/scim", "scim_bearer": "b", "sso_landing": world.running.origin("oa"),
        "allowed_dest_prefixes": ["/"],
    });
    let made = world.api(Method::POST, &format!("/v1/tenants/{}/oa-instances", other.tenant), Some(&instance)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let report = world.api(Method::GET, &path(&other.tenant), None).await.json();
    let outcomes: BTreeSet<(&str, &str)> = report["oas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|oa| (oa["name"].as_str().unwrap(), oa["check"]["outcome"].as_str().unwrap()))
        .collect();
    let want = [("另一个 OA", "reachable"), ("远方的 OA", "dns"), ("远方的 OA", "refused")];
    assert_eq!(outcomes, want.into());
    assert_eq!((&report["ok"], &report["failing"]), (&json!(false), &json!(["远方的 OA", "远方的 OA"])));
}

#[tokio::test]
async fn ent_11_the_way_in_is_opened_by_its_public_name_and_its_fault_is_named() {
    let world = World::start().await;
    let own = network(&world).await["own"].clone();
    assert_eq!((&own["fault"], &own["check"]["http_status"]), (&Value::Null, &json!(200)), "{own}");
    assert_eq!(own["check"]["address"], world.bridge("/health").as_str());

    let welink = format!("http://{}", answering(StatusCode::OK, "{}".to_owned()).await);
    let foreign = json!({ "service": "welink-bridge", "origin": "https://bridge.other.example" }).to_string();
    let page = answering(StatusCode::OK, "<html>welcome".to_owned()).await.port();
    let bridge_of_others = answering(StatusCode::OK, foreign).await.port();
    let cases = [
        ("dns", "https://bridge.invalid".to_owned()),
        ("tls", format!("https://bridge.localhost:{page}")),
        ("route", format!("http://bridge.localhost:{page}")),
        ("route", format!("http://bridge.localhost:{bridge_of_others}")),
        ("route", format!("http://bridge.localhost:{}", closed().await.port())),
    ];
    for (fault, origin) in cases {
        let world = World::in_front_of(&welink, &[STEP, ("BRIDGE_ORIGIN", &origin)]).await;
        let report = network(&world).await;
        assert_eq!(report["welink"]["outcome"], "reachable", "the way out is open");
        assert_eq!(report["own"]["fault"], fault, "{origin}: {}", report["own"]);
        assert_eq!((&report["ok"], &report["failing"]), (&json!(false), &json!(["own address"])));
    }
}

/// Group and outcome, and the permissions that are not granted with their codes.
async fn probe(world: &World) -> (BTreeMap<String, String>, Vec<(String, Value)>) {
    let path = format!("/v1/apps/{}/permission-probe", world.demo().remembered.app);
    let page = world.api(Method::POST, &path, Some(&json!({}))).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let report = page.json();
    assert!(report["apply_at"].as_str().unwrap().starts_with("https://open.welink.huaweicloud.com"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let groups = report["groups"].as_array().unwrap();
    let outcomes = groups.iter().map(|group| (text(&group["name"]), text(&group["outcome"]))).collect();
    let all = groups.iter().flat_map(|group| group["permissions"].as_array().unwrap());
    let not_granted = all.filter(|permission| permission["outcome"] != "granted");
    (outcomes, not_granted.map(|permission| (text(&permission["name"]), permission["code"].clone())).collect())
}

#[tokio::test]
async fn ent_07_each_of_the_four_groups_is_granted_missing_or_not_testable_by_welinks_own_name() {
    let world = World::start().await;
    let (welink, client) = (&world.demo().welink, &world.demo().remembered.client_id);
    let (groups, not_granted) = probe(&world).await;
    let names: Vec<&str> = groups.keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(names), ["身份与鉴权", "通讯录", "通讯录同步", "待办通知"].into());
    assert!(groups.values().all(|outcome| outcome == "granted") && not_granted.is_empty(), "{groups:?}");
    let cases = [
        ("身份与鉴权", Permission::SignIn, "免登"),
        ("身份与鉴权", Permission::JsTickets, "轻应用鉴权"),
        ("通讯录", Permission::UserDetail, "用户详细信息"),
        ("通讯录", Permission::Departments, "部门信息"),
        ("通讯录同步", Permission::ContactSync, "通讯录同步"),
        ("待办通知", Permission::Todo, "待办通知"),
    ];
    for status in [200, 501] {
        welink.configure(|settings| settings.no_permission_status = status);
        for (group, permission, name) in cases {
            welink.revoke(client, permission).unwrap();
            let (groups, not_granted) = probe(&world).await;
            assert_eq!(groups[group], "missing", "{name}");
            assert_eq!(groups.values().filter(|outcome| *outcome == "granted").count(), 3, "{groups:?}");
            assert_eq!(not_granted, [(name.to_owned(), json!("501"))]);
            welink.grant(client, permission).unwrap();
        }
    }
    world.demo().faults.set(Knob::Html, Rule::per_mille(1000).under("/api/todo/v1/deltask"));
    let (groups, not_granted) = probe(&world).await;
    assert_eq!((groups["待办通知"].as_str(), groups["通讯录"].as_str()), ("not-testable", "granted"));
    assert_eq!(not_granted, [("待办通知".to_owned(), Value::Null)]);
    // Credentials that WeLink refuses are no missing permission.
    world.demo().faults.clear();
    let _ = welink.rotate_secret(client).unwrap();
    welink.expire_tokens(client);
    let path = format!("/v1/apps/{}/permission-probe", world.demo().remembered.app);
    let page = world.api(Method::POST, &path, Some(&json!({}))).await;
    assert_eq!(page.json()["type"], "urn:cloudbridge:problem:welink-credentials", "{}", page.body);
}

/// Calls of an interface since the start.
fn calls(world: &World, interface: &str) -> u64 {
    world.demo().welink.call_counts().get(interface).copied().unwrap_or_default()
}

#[tokio::test]
async fn ent_08_after_a_501_one_new_token_and_one_repetition_come_before_missing() {
    const TICKETS: &str = "POST /api/auth/v2/tickets";
    const TODO: &str = "DELETE /api/todo/v1/deltask";
    const LOGIN: &str = "GET /api/auth/v2/userid";
    let world = World::start().await;
    let (welink, client) = (&world.demo().welink, &world.demo().remembered.client_id);
    assert!(probe(&world).await.1.is_empty());
    let seen = || [TICKETS, TODO, LOGIN].map(|interface| calls(&world, interface));
    let since = |before: [u64; 3]| std::array::from_fn::<u64, 3, _>(|at| seen()[at] - before[at]);
    welink.revoke(client, Permission::Todo).unwrap();
    let before = seen();
    assert_eq!(probe(&world).await.0["待办通知"], "missing");
    assert_eq!(since(before), [1, 2, 1], "asked twice, the second time with a new token");
    // Granted behind our back: the token that we hold does not know it, a new one does.
    welink.grant(client, Permission::Todo).unwrap();
    let before = seen();
    assert_eq!(probe(&world).await.0["待办通知"], "granted");
    assert_eq!(since(before), [1, 2, 1]);
    let before = seen();
    assert!(probe(&world).await.1.is_empty());
    assert_eq!(since(before), [0, 1, 1]);
    // The same for any other call: a sign-in.
    welink.revoke(client, Permission::SignIn).unwrap();
    let before = seen();
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.problem().as_deref(), Some("welink-permission"), "{}", page.body);
    assert_eq!(since(before), [1, 0, 2]);
    welink.grant(client, Permission::SignIn).unwrap();
    let before = seen();
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(since(before), [1, 0, 2]);
}

#[tokio::test]
async fn ent_09_linked_people_whom_the_app_cannot_see_are_listed_slice_by_slice_within_the_rate() {
    let world = World::with(&[("BRIDGE_WELINK_CALLS_PER_MINUTE", "20")]).await;
    let hidden = ["lihua@welink", "wangfang@welink"];
    let store = world.running.bridge.store();
    let linked = linked(&world).await;
    assert!(hidden.iter().all(|user| linked.contains(*user)) && linked.len() > 20, "{linked:?}");
    let unlinked = world.demo().welink.members(&world.demo().remembered.welink_tenant);
    let unlinked = unlinked.iter().map(|member| member.user_id.clone()).find(|user| !linked.contains(user)).unwrap();
    let range = VisibleRange::AllBut(hidden.iter().map(|user| (*user).to_owned()).chain([unlinked]).collect());
    world.demo().welink.set_visible_range(&world.demo().remembered.client_id, range).unwrap();
    let audited = store.audit(world.tenant(), store.clock().now(), None).await.unwrap().0.len();
    let path = format!("/v1/apps/{}/visible-range-check", world.demo().remembered.app);
    let (mut checked, mut unseen, mut cursor, mut slices, mut waited) = (0, BTreeSet::new(), Value::Null, 0, 0);
    loop {
        let began = tokio::time::Instant::now();
        let page = world.api(Method::POST, &path, Some(&json!({ "cursor": cursor }))).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(began.elapsed() < Duration::from_secs(10), "a slice ends by itself");
        let slice = page.json();
        slices += 1;
        checked += slice["checked"].as_u64().unwrap();
        for person in slice["unseen"].as_array().unwrap() {
            assert!(unseen.insert(person["user_id"].as_str().unwrap().to_owned()), "nobody is listed twice");
            assert!(
                !person["oa_login"].as_str().unwrap().is_empty() && !person["name_zh"].as_str().unwrap().is_empty()
            );
        }
        cursor = slice["next"].clone();
        if cursor.is_null() {
            break;
        }
        assert!(slices < 20, "{slice}");
        let pause_s = slice["retry_after_s"].as_i64().expect("only the rate ends these slices");
        waited += 1;
        world.advance_s(pause_s.max(20));
    }
    assert!(waited > 0, "the budget of calls was met");
    assert_eq!(unseen, hidden.map(str::to_owned).into());
    assert!(checked >= linked.len() as u64);
    assert_eq!(
        store.audit(world.tenant(), store.clock().now(), None).await.unwrap().0.len(),
        audited,
        "nothing changed"
    );
    let wrong = world.api(Method::POST, &path, Some(&json!({ "cursor": "99-x" }))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
}

/// The linked people of the demonstration.
async fn linked(world: &World) -> BTreeSet<String> {
    let (mut all, mut from) = (BTreeSet::new(), Some(PeopleCursor::default()));
    while let Some(cursor) = from {
        let (people, next) = world.running.bridge.store().people(world.enterprise(), &cursor, 10).await.unwrap();
        let linked = people.into_iter().filter(|person| person.link.is_some());
        all.extend(linked.map(|person| person.user_id.to_string()));
        from = next;
    }
    all
}
