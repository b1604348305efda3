//! SEC-01 to SEC-04: tenants are strangers, secrets stay inside, every change is audited, logs name nobody.

use domain::audit::Action;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::logs;
use tests::web::Page;
use tests::world::{LINKED, OtherTenant, World};

/// Every route of the console's host with an id of another tenant where the id belongs, and one of nobody.
fn with_ids(route: &str, other: &OtherTenant, nobody: bool) -> String {
    let id = |kind: &str, real: &str| {
        if nobody { format!("{kind}{}", "z".repeat(real.len() - kind.len())) } else { real.to_owned() }
    };
    route
        .replace("{tenant}", &id("", &other.tenant))
        .replace("{instance}", &id("o_", &other.instance))
        .replace("{enterprise}", &id("e_", &other.enterprise))
        .replace("{app}", &id("a_", &other.app))
        .replace("{rule}", &id("r_", &other.app.replacen('a', "r", 1)))
        .replace("{message}", &id("m_", &other.app.replacen('a', "m", 1)))
        .replace("{job}", &id("j_", &other.app.replacen('a', "j", 1)))
        .replace("{run}", &id("r_", &other.app.replacen('a', "r", 1)))
        .replace("{user}", "stranger@welink")
        .replace("{account}", &format!("u_{}", "z".repeat(36)))
        .replace("{key}", &format!("y_{}", "z".repeat(36)))
        .replace("{session}", &"0".repeat(64))
}

#[tokio::test]
async fn sec_01_an_id_of_another_tenant_is_not_found_and_leaves_no_trace() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let known = world.demo().remembered.clone();
    let store = &world.running.bridge;
    let other_tenant = domain::ids::TenantId::parse(&other.tenant).unwrap();
    let before = store.store().audit(&other_tenant, store.clock().now(), None).await.unwrap().0;
    // An enterprise cannot point to the OA of another tenant.
    let path = format!("/v1/tenants/{}/enterprises", known.tenant);
    let crossed = json!({ "name": "越界", "oa_instance": other.instance });
    let page = world.api(Method::POST, &path, Some(&crossed)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
    // A member of this tenant's company at the other tenant's homepage: WeLink's code is for another app.
    let theirs = world.bridge(&format!("/h/{}", other.app));
    let page = world.sign_in(&mut world.browser(), &theirs, LINKED).await;
    assert_eq!(page.problem().as_deref(), Some("left-company"), "{}", page.body);
    // A state of this tenant posted at the other's address is not even looked up.
    let mut browser = world.browser();
    let opened = browser.get(&world.homepage()).await.unwrap();
    let (_, fields) = opened.form("answer").unwrap();
    let fields: Vec<_> =
        fields.into_iter().map(|(n, v)| if n == "code" { (n, "X".to_owned()) } else { (n, v) }).collect();
    let page = browser.post_form(&theirs, &fields).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
    // Nothing but their own audit log tells of it, and only of the visits at their own address.
    let after = store.store().audit(&other_tenant, store.clock().now(), None).await.unwrap().0;
    let new: Vec<_> = after.iter().filter(|entry| !before.contains(entry)).collect();
    assert_eq!(new.len(), 2, "{new:?}");
    assert!(new.iter().all(|entry| entry.action == Action::SignInRefused && entry.object == other.app), "{new:?}");
    let user = domain::ids::WeLinkUserId::parse(&format!("{LINKED}@welink")).unwrap();
    let enterprise = domain::ids::EnterpriseId::parse(&other.enterprise).unwrap();
    assert_eq!(store.store().person(&enterprise, &user).await.unwrap(), None);
}

#[tokio::test]
async fn sec_01_ids_of_nobody_answer_404_on_every_route() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let mut asked = 0;
    for (method, route) in tests::world::routes().filter(|(_, route)| route.contains('{')) {
        let path = with_ids(route, &other, true);
        let body = json!({ "name": "x" });
        let body = (method != "GET" && method != "DELETE").then_some(&body);
        let page = world.api(method.parse().unwrap(), &path, body).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{method} {path}: {}", page.body);
        assert_eq!(page.json()["type"], "urn:cloudbridge:problem:not-found");
        asked += 1;
    }
    assert!(asked >= 15);
    let gone = world.bridge("/h/a_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    let page = world.browser().get(&gone).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::NOT_FOUND, Some("not-found")));
}

#[tokio::test]
async fn sec_02_no_secret_stands_in_the_table_in_clear_and_rotation_loses_no_request() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    assert_eq!(world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status, StatusCode::OK);
    let dump = dump(&world).await;
    assert!(dump.contains("client_secret") && dump.contains("access_token") | dump.contains("token"));
    for secret in [&known.client_secret, &known.push_secret, &known.pull_secret, &known.scim_bearer] {
        assert!(!dump.contains(secret.as_str()), "a secret stands in the table");
    }
    assert!(!dump.contains(&world.running.operator_key));
    // Sign-ins go on while the secret is replaced; both secrets are valid at WeLink meanwhile.
    let path = format!("/v1/apps/{}", known.app);
    let version = world.api(Method::GET, &path, None).await.json()["version"].clone();
    let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    let rotate = async {
        let body = json!({ "version": version, "client_secret": renewed.expose() });
        world.api(Method::PUT, &format!("{path}/credentials"), Some(&body)).await
    };
    let sign_in = || async { world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status };
    let (rotated, a, b, c) = tokio::join!(rotate, sign_in(), sign_in(), sign_in());
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
    assert_eq!([a, b, c, sign_in().await], [StatusCode::OK; 4]);
}

/// With settings kept for half a minute, as they are: sign-ins before, while and after the new secret is saved.
#[tokio::test]
async fn sec_02_a_secret_is_rotated_under_many_sign_ins_and_none_of_them_is_lost_or_finds_it_in_the_table() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    assert_eq!(world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status, StatusCode::OK);
    let path = format!("/v1/apps/{}", known.app);
    let mut secrets = vec![known.client_secret.clone()];
    for round in 0..3 {
        let version = world.api(Method::GET, &path, None).await.json()["version"].clone();
        // From here on WeLink takes the new secret alone; tokens fetched with the old one live on.
        let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
        secrets.push(renewed.expose().clone());
        let rotate = async {
            let body = json!({ "version": version, "client_secret": renewed.expose() });
            world.api(Method::PUT, &format!("{path}/credentials"), Some(&body)).await
        };
        let sign_in = |_| async { world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status };
        let many = futures_util::future::join_all((0..8).map(sign_in));
        let (rotated, statuses) = tokio::join!(rotate, many);
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
        assert_eq!(statuses, [StatusCode::OK; 8], "round {round}");
        assert_eq!(sign_in(0).await, StatusCode::OK, "the new secret alone serves what comes after");
    }
    assert_eq!(world.audited(Action::AppBlocked, "ok").await, 0, "no old secret was tried");
    let dump = dump(&world).await;
    assert!(dump.contains("client_secret"));
    assert!(secrets.iter().all(|secret| !dump.contains(secret.as_str())), "a secret stands in the table");
}

/// Every item of the table as text.
async fn dump(world: &World) -> String {
    let store = world.running.bridge.store();
    let mut pages = Vec::new();
    let mut start = None;
    loop {
        let scan = store.client().scan().table_name(store.table_name()).set_exclusive_start_key(start);
        let page = scan.send().await.unwrap();
        pages.push(format!("{:?}", page.items));
        start = page.last_evaluated_key;
        if start.is_none() {
            return pages.concat();
        }
    }
}

#[tokio::test]
async fn sec_03_each_state_changing_route_writes_one_entry() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let tenant = domain::ids::TenantId::parse(&other.tenant).unwrap();
    let bridge = &world.running.bridge;
    let entries = || async { bridge.store().audit(&tenant, bridge.clock().now(), None).await.unwrap().0 };
    let app = format!("/v1/apps/{}", other.app);
    let version = |page: &Page| page.json()["version"].clone();
    let seen = version(&world.api(Method::GET, &app, None).await);
    let disable = json!({ "version": seen, "enabled": false });
    let instance = json!({
        "name": "第二个 OA", "base": world.running.origin("oa"), "scim_base": world.running.origin("oa"),
        "scim_bearer": "b", "sso_landing": world.running.origin("oa"), "allowed_dest_prefixes": ["/"],
    });
    let link = json!({ "user_id": other.member, "oa_user": { "by": "login_id", "value": "lihua" } });
    let enterprise = json!({ "name": "又一家", "oa_instance": other.instance });
    let before = entries().await.len();
    let links = format!("/v1/enterprises/{}/links", other.enterprise);
    let calls: [(Method, String, Option<&Value>, Action); 5] = [
        (Method::POST, format!("/v1/tenants/{tenant}/oa-instances"), Some(&instance), Action::OaInstanceCreate),
        (Method::POST, format!("/v1/tenants/{tenant}/enterprises"), Some(&enterprise), Action::EnterpriseCreate),
        (Method::POST, links.clone(), Some(&link), Action::Bind),
        (Method::DELETE, format!("{links}/{}", other.member), None, Action::Unbind),
        (Method::PATCH, app.clone(), Some(&disable), Action::AppUpdate),
    ];
    for (number, (method, path, body, action)) in calls.into_iter().enumerate() {
        let page = world.api(method.clone(), &path, body).await;
        assert!(page.status.is_success(), "{method} {path}: {}", page.body);
        let now = entries().await;
        assert_eq!(now.len(), before + number + 1, "{method} {path} writes exactly one entry");
        assert_eq!((now[0].action, now[0].actor.as_str(), now[0].trace.as_str()), (action, "operator", page.trace()));
    }
    let secret = world.demo().welink.rotate_secret(&other.client_id).unwrap();
    let credentials = json!({ "version": 1, "client_secret": secret.expose() });
    let page = world.api(Method::PUT, &format!("{app}/credentials"), Some(&credentials)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(entries().await.len(), before + 6);
    // Creating the tenant and its first objects was audited as well: one entry each.
    let all = entries().await;
    for action in [Action::TenantCreate, Action::AppCreate, Action::AppCredentials] {
        assert_eq!(all.iter().filter(|entry| entry.action == action).count(), 1, "{action:?}");
    }
}

#[tokio::test]
async fn sec_04_logs_contain_no_planted_mobile_name_code_token_or_secret() {
    let captured = logs::capture();
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let code = world.code(LINKED);
    let mut browser = world.browser();
    let opened = browser.get(&world.homepage()).await.unwrap();
    let (action, mut fields) = opened.form("answer").unwrap();
    fields.iter_mut().filter(|(n, _)| n == "code").for_each(|(_, v)| v.clone_from(&code));
    let answered = browser.post_form(&action, &fields).await.unwrap();
    let page = browser.follow(answered).await.unwrap();
    let (landing, ticket) = page.form("handoff").unwrap();
    browser.post_cross_site(&landing, &ticket).await.unwrap();
    browser.post_form(&action, &fields).await.unwrap();
    world.api_with(Method::GET, "/v1/tenants", None, &[("authorization", "Bearer planted-operator-key")]).await;
    let person = crate::sign_in::person(&world, world.enterprise(), LINKED).await;
    let session = browser.cookie("bridge.localhost", "__Host-session").unwrap().to_owned();
    let canaries = [
        person.mobile,
        person.name_zh,
        person.email,
        code,
        known.client_secret,
        known.push_secret,
        known.pull_secret,
        known.scim_bearer,
        ticket[0].1.clone(),
        session,
        "planted-operator-key".to_owned(),
        world.running.operator_key.clone(),
        browser.cookie("bridge.localhost", "__Host-browser").unwrap().to_owned(),
    ];
    let lines = captured.text();
    assert!(lines.contains("/h/{app}") && lines.contains("/v1/tickets/redeem"), "the log was captured");
    for canary in canaries {
        assert!(canary.len() > 3 || canary.chars().any(|c| c > '\u{7f}'));
        assert!(!lines.contains(&canary), "{canary} stands in the log");
    }
}
