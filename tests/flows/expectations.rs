//! product.md section C, as far as the sign-in of this release: what it must withstand.

use http::{Method, StatusCode};
use tests::world::{LINKED, World};

#[tokio::test]
async fn c01_the_state_is_long_random_and_bound_to_a_host_cookie() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get(&world.homepage()).await.unwrap();
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-browser="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    let (_, fields) = page.form("answer").unwrap();
    let state = &fields.iter().find(|(name, _)| name == "state").unwrap().1;
    // 26 characters of 5 bits beside the tenant.
    assert_eq!(state.len(), 2 + 10 + 26);
    let again = browser.get(&world.homepage()).await.unwrap();
    assert_ne!(&again.form("answer").unwrap().1, &fields);
    const { assert!(domain::session::STATE_S <= 600) };
}

#[tokio::test]
async fn c02_c16_the_ticket_repeats_the_nonce_of_the_oa_and_the_oa_refuses_another() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let page = browser.follow(answered).await.unwrap();
    let (landing, ticket) = page.form("handoff").unwrap();
    // Another browser, with a nonce of its own from the OA, lands with this ticket.
    let mut thief = world.browser();
    let start =
        format!("{}/sso/start?return_to={}/handoff&dest=/", world.running.origin("oa"), world.running.origin("bridge"));
    thief.get(&start.parse().unwrap()).await.unwrap();
    let refused = thief.post_cross_site(&landing, &ticket).await.unwrap();
    assert!(refused.status.is_client_error(), "{}", refused.status);
    assert!(world.demo().oa.sessions().is_empty());
    // The right one still gets in: the ticket was not spent.
    let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
    assert_eq!(browser.follow(landed).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn c03_a_code_works_once_and_is_neither_stored_nor_sent_again() {
    let world = World::start().await;
    let code = world.code(LINKED);
    for expected in [StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST] {
        let mut browser = world.browser();
        let opened = browser.get(&world.homepage()).await.unwrap();
        let (action, mut fields) = opened.form("answer").unwrap();
        fields.iter_mut().filter(|(n, _)| n == "code").for_each(|(_, v)| v.clone_from(&code));
        let page = browser.post_form(&action, &fields).await.unwrap();
        assert_eq!(page.status, expected, "{}", page.body);
        if expected == StatusCode::BAD_REQUEST {
            assert_eq!(page.problem().as_deref(), Some("code-refused"));
            assert!(page.body.contains("重新打开应用"), "it says to open the app again");
        }
    }
    let exchanged = world.demo().welink.request_log();
    assert_eq!(
        exchanged.iter().filter(|entry| entry.path.starts_with("/api/auth/v2/userid")).count(),
        2,
        "never repeated by us"
    );
}

#[tokio::test]
async fn c04_a_member_of_another_company_is_turned_away() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    // The pinned tenant is another one than WeLink reports: as if the credentials had been moved to another company.
    let store = world.running.bridge.store();
    let known = &world.demo().remembered;
    let update = store.client().update_item().table_name(store.table_name());
    update
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S(format!("T#{}", known.tenant)))
        .key("sk", aws_sdk_dynamodb::types::AttributeValue::S(format!("ENT#{}#APP#{}", known.enterprise, known.app)))
        .update_expression("SET welink_tenant = :other")
        .expression_attribute_values(":other", aws_sdk_dynamodb::types::AttributeValue::S("F".repeat(32)))
        .send()
        .await
        .unwrap();
    store.config_now(&known.tenant).await.unwrap();
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.problem().as_deref(), Some("wrong-enterprise"), "{}", page.body);
    assert!(world.demo().oa.sessions().is_empty());
    assert_eq!(world.audited(domain::audit::Action::SignInRefused, "wrong-enterprise").await, 1);
    drop(other);
}

#[tokio::test]
async fn c17_each_sign_in_begins_a_new_session_that_ends_with_the_link() {
    let world = World::start().await;
    let mut browser = world.browser();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        assert_eq!(world.sign_in(&mut browser, &world.homepage(), LINKED).await.status, StatusCode::OK);
        sessions.push(browser.cookie("bridge.localhost", "__Host-session").unwrap().to_owned());
    }
    assert_ne!(sessions[0], sessions[1]);
    let before = world.demo().oa.sessions();
    // Unbound between the homepage and the ticket.
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let path = format!("/v1/enterprises/{}/links/{LINKED}@welink", world.enterprise());
    assert_eq!(world.api(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    let page = browser.follow(answered).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("link-gone"), "{}", page.body);
    assert_eq!(world.demo().oa.sessions(), before, "no further session");
}

#[tokio::test]
async fn c17_a_waiting_hand_off_is_taken_once_and_ends_by_itself() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let page = browser.follow(answered.clone()).await.unwrap();
    assert!(page.form("handoff").is_some());
    let again = browser.get(&page.url).await.unwrap();
    assert_eq!(again.problem().as_deref(), Some("state-refused"), "{}", again.body);
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    world.advance_s(domain::session::HANDOFF_S + 1);
    let late = browser.follow(answered).await.unwrap();
    assert_eq!(late.problem().as_deref(), Some("state-refused"), "{}", late.body);
}

#[tokio::test]
async fn c23_c29_pages_are_never_framed_and_only_the_opening_page_loads_the_vendors_script() {
    let world = World::start().await;
    let mut browser = world.browser();
    let opening = browser.get(&world.homepage()).await.unwrap();
    let policy = opening.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        policy.contains("script-src 'self' http://phone.localhost") && !policy.contains("unsafe-inline"),
        "{policy}"
    );
    assert!(!opening.body.contains("<script>"), "no inline script");
    for (name, value) in
        [("cache-control", "no-store"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(opening.header(name), Some(value));
    }
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let handoff = browser.follow(answered).await.unwrap();
    let policy = handoff.header("content-security-policy").unwrap();
    assert!(!policy.contains("phone.localhost") && policy.contains("form-action http://oa.localhost"), "{policy}");
}

#[tokio::test]
async fn c27_bad_requests_have_their_own_problem_a_trace_and_no_session() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let long = format!("state=x&code={}", "A".repeat(2001));
    let huge = format!("state=x&code={}", "A".repeat(9000));
    for (body, problem) in [
        ("state=x&code=", "code-refused"),
        (long.as_str(), "code-refused"),
        (huge.as_str(), "body-too-large"),
        ("%zz=%", "code-refused"),
        ("state=x&code=ABC", "state-refused"),
    ] {
        let page = world.browser().send(Method::POST, &world.homepage(), &form, body.to_owned()).await.unwrap();
        assert_eq!(page.problem().as_deref(), Some(problem), "{body:.40}: {}", page.body);
        assert!(page.status.is_client_error() && page.body.contains(page.trace()));
    }
    let json = [("content-type", "application/json")];
    let page = world.browser().send(Method::POST, &world.homepage(), &json, "{}").await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("bad-request"));
    let key = format!("Bearer {}", world.running.operator_key);
    let page = world.api_with(Method::POST, "/v1/tenants", None, &[("authorization", &key)]).await;
    assert_eq!(
        (page.status, page.json()["type"].as_str()),
        (StatusCode::BAD_REQUEST, Some("urn:cloudbridge:problem:bad-request"))
    );
    let page = world.browser().send(Method::DELETE, &world.homepage(), &[], "").await.unwrap();
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    // A disabled app, and WeLink answering with a page of HTML.
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    let version = world.api(Method::GET, &app, None).await.json()["version"].as_u64().unwrap();
    let switch = |version: u64, enabled: bool| serde_json::json!({ "version": version, "enabled": enabled });
    world.api(Method::PATCH, &app, Some(&switch(version, false))).await;
    let page = world.browser().get(&world.homepage()).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::FORBIDDEN, Some("app-disabled")));
    world.api(Method::PATCH, &app, Some(&switch(version + 1, true))).await;
    let html = sim::faults::Rule::per_mille(1000).under("/api/auth/v2/userid");
    world.demo().faults.set(sim::faults::Knob::Html, html);
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.problem().as_deref(), Some("welink-down"), "{}", page.body);
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn c28_without_the_table_nobody_is_signed_in() {
    let world = World::start().await;
    let store = world.running.bridge.store();
    let mut browser = world.browser();
    let opened = browser.get(&world.homepage()).await.unwrap();
    store.client().delete_table().table_name(store.table_name()).send().await.unwrap();
    let (action, mut fields) = opened.form("answer").unwrap();
    let code = world.code(LINKED);
    fields.iter_mut().filter(|(n, _)| n == "code").for_each(|(_, v)| v.clone_from(&code));
    let page = browser.post_form(&action, &fields).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("unavailable")));
    assert!(!page.body.contains("ResourceNotFound"), "no inner message");
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn each_host_refuses_the_others_routes() {
    let world = World::start().await;
    let swap = |url: &str| url.replace("bridge.localhost", "console.localhost").parse::<url::Url>().unwrap();
    let page = world.browser().get(&swap(world.homepage().as_str())).await.unwrap();
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = world.browser().get(&world.bridge("/v1/tenants")).await.unwrap();
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn c27_what_the_framework_refuses_is_said_in_our_words_with_a_trace_id() {
    let world = World::start().await;
    let app = &world.demo().remembered.app;
    for path in [
        "/oauth/callback?state=a&state=b".to_owned(),
        format!("/h/{app}?to=/a&to=/b"),
        "/handoff?nonce=1&nonce=2".to_owned(),
        format!("/qr/{}?to=/a&to=/b", world.demo().remembered.oa_instance),
    ] {
        let page = world.browser().get(&world.bridge(&path)).await.unwrap();
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}: {}", page.body);
        assert!(page.body.contains("请求无法识别") && page.body.contains(page.trace()), "{path}: {}", page.body);
    }
    let audit = format!("/v1/tenants/{}/audit?action=sign-in&action=bind", world.tenant());
    let page = world.api(Method::GET, &audit, None).await;
    assert_eq!(page.json()["type"], "urn:cloudbridge:problem:bad-request", "{}", page.body);
}
