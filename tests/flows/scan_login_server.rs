//! QRL-04, QRL-07, QRL-11 from server to server (oa-api.md C.4): the OA shows codes in its own login page.

use std::time::Duration;

use bytes::Bytes;
use domain::qr::POLL_S;
use http::{Method, Request, StatusCode};
use platform::secret::Secret;
use serde_json::{Value, json};
use tests::scan::attribute;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

/// A signed request for a code, as the OA's server sends it.
async fn create(world: &World, webhook_id: &str, change: Value) -> (StatusCode, Value) {
    let known = &world.demo().remembered;
    let mut body = json!({
        "op": "qr.create", "aud": known.oa_instance, "request_id": "r-1", "dest": "/todo/42",
        "client": { "ip": "203.0.113.66", "ua": tests::scan::DESKTOP_AGENT },
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (body, id) = (body.to_string(), oa::webhook::WebhookId::parse(webhook_id).unwrap());
    let (secret, now) = (Secret::new(known.push_secret.clone()), world.running.bridge.clock().now());
    let signed = oa::webhook::sign(&secret, &id, now, &body).unwrap();
    let url = world.bridge("/v1/qr/sessions");
    let mut request = Request::builder().method(Method::POST).uri(url.as_str()).body(Bytes::from(body)).unwrap();
    request.headers_mut().extend(signed);
    let answer = world.transport().send(request, Duration::from_secs(10)).await.unwrap();
    (answer.status(), serde_json::from_slice(answer.body()).unwrap())
}

/// The OA's question how far a code is, after the pause that is due.
async fn poll(world: &World, id: &str, bearer: &str) -> Page {
    world.advance_s(POLL_S);
    let url = world.bridge(&format!("/v1/qr/sessions/{id}"));
    let bearer = format!("Bearer {bearer}");
    world.browser().send(Method::GET, &url, &[("authorization", &bearer)], "").await.unwrap()
}

fn code_of(created: &Value) -> (Url, String) {
    (created["qr_text"].as_str().unwrap().parse().unwrap(), created["qr_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn qrl_07_from_server_to_server_the_instances_bearer_stands_for_the_cookie() {
    let world = World::start().await;
    let bearer = world.demo().remembered.scim_bearer.clone();
    let (status, created) = create(&world, "msg_1", json!({})).await;
    assert_eq!((status, &created["poll_interval_ms"]), (StatusCode::CREATED, &json!(2000)), "{created}");
    let (code, id) = code_of(&created);
    for wrong in ["", "wrong", &world.demo().remembered.push_secret] {
        let page = poll(&world, &id, wrong).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}: {}", page.body);
    }
    assert_eq!(poll(&world, &id, &bearer).await.json()["state"], "pending");
    // A code of a page is not for the server, and the server's is for no page.
    let screen = world.screen().await;
    assert_eq!(poll(&world, &screen.id, &bearer).await.status, StatusCode::NOT_FOUND);
    let path = format!("/qr/{}/poll/{id}", world.demo().remembered.oa_instance);
    assert_eq!(screen.browser.clone().get(&world.bridge(&path)).await.unwrap().status, StatusCode::NOT_FOUND);
    let mut phone = world.browser();
    let confirmation = world.scan(&mut phone, &code, LINKED).await;
    assert!(confirmation.body.contains(r#"data-fact="address">203.0.113.66<"#), "{}", confirmation.body);
    let progress = poll(&world, &id, &bearer).await.json();
    assert_eq!((&progress["state"], &progress["display_name"]), (&json!("scanned"), &json!("李华")));
    assert!(progress.get("ticket").is_none());
    world.answer_scan(&mut phone, &confirmation, "approve").await;
    let approved = poll(&world, &id, &bearer).await.json();
    let ticket = approved["ticket"].as_str().expect("a ticket").to_owned();
    assert_eq!(poll(&world, &id, &bearer).await.json()["ticket"].as_str(), Some(&*ticket), "the same until it is used");
    let claims = claims(&ticket);
    assert_eq!((&claims["qr"], &claims["dest"]), (&json!(id), &json!("/todo/42")));
    assert_eq!(claims["amr"], json!(["welink", "qr"]));
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    world.advance_s(60);
    let late = poll(&world, &id, &bearer).await.json();
    assert_eq!((&late["state"], late.get("ticket")), (&json!("expired"), None));
}

fn claims(ticket: &str) -> Value {
    use base64::Engine as _;
    let middle = ticket.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

/// The OA's login page with a code: the page, and what the code holds.
async fn login_page(world: &World, browser: &mut Browser) -> (Page, Url) {
    let url = format!("{}/login/scan?return=/workflow", world.running.origin("oa")).parse().unwrap();
    let page = browser.get(&url).await.unwrap();
    let code = attribute(&page, "data-code").expect("the page shows a code");
    (page, code.parse().unwrap())
}

async fn state(world: &World, browser: &mut Browser) -> Value {
    world.advance_s(POLL_S);
    let url = format!("{}/login/scan/state", world.running.origin("oa")).parse().unwrap();
    browser.get(&url).await.unwrap().json()
}

#[tokio::test]
async fn qrl_04_the_oas_own_login_page_signs_its_browser_in_and_no_other() {
    let world = World::start().await;
    let (mut desktop, mut other) = (world.desktop(), world.desktop());
    let login = desktop.get(&format!("{}/login", world.running.origin("oa")).parse().unwrap()).await.unwrap();
    assert!(login.body.contains(r#"data-test="scan""#), "the login page has the entry: {}", login.body);
    let (page, code) = login_page(&world, &mut desktop).await;
    assert!(page.body.contains(&format!("/qr/{}", world.demo().remembered.oa_instance)), "and the way to the bridge's");
    login_page(&world, &mut other).await;
    assert_eq!(state(&world, &mut desktop).await["state"], "pending");
    let mut phone = world.browser();
    let done = world.confirm(&mut phone, &code, LINKED).await;
    assert!(done.body.contains(r#"data-outcome="done""#), "{}", done.body);
    assert_eq!(state(&world, &mut other).await["state"], "pending", "another browser's code");
    let told = state(&world, &mut desktop).await;
    assert_eq!((&told["state"], &told["dest"]), (&json!("signed-in"), &json!("/workflow")), "{told}");
    let sessions = world.demo().oa.sessions();
    assert_eq!((sessions.len(), sessions[0].login.as_str()), (1, LINKED));
    // Redeemed: the code is consumed, and "this was not me" still ends the session.
    let id = code.path().trim_start_matches("/q/");
    let consumed = poll(&world, id, &world.demo().remembered.scim_bearer).await.json();
    assert_eq!((&consumed["state"], consumed.get("ticket")), (&json!("consumed"), None));
    let told = world.answer_scan(&mut phone, &done, "not-me").await;
    assert!(told.body.contains(r#"data-outcome="revoked""#), "{}", told.body);
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn qrl_11_from_server_to_server_the_address_is_the_browsers_and_not_the_oas() {
    let world = World::start().await;
    let client = |ip: &str| json!({ "client": { "ip": ip, "ua": "" } });
    for n in 0..30 {
        assert_eq!(create(&world, &format!("msg_a{n}"), client("203.0.113.66")).await.0, StatusCode::CREATED);
    }
    let (status, problem) = create(&world, "msg_a30", client("203.0.113.66")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(problem["type"], "urn:cloudbridge:problem:rate-limited");
    assert_eq!(create(&world, "msg_b", client("203.0.113.67")).await.0, StatusCode::CREATED);
    assert_eq!(create(&world, "msg_c", client("somewhere")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn qrl_06_the_same_signed_request_is_for_the_same_code_and_a_forged_one_for_none() {
    let world = World::start().await;
    let first = create(&world, "msg_same", json!({})).await;
    let again = create(&world, "msg_same", json!({})).await;
    assert_eq!(first.1["qr_id"], again.1["qr_id"], "a lost answer costs no second code");
    assert_ne!(create(&world, "msg_next", json!({})).await.1["qr_id"], first.1["qr_id"]);
    let other = world.other_tenant().await;
    for (change, want) in [
        (json!({ "op": "ticket.redeem" }), StatusCode::UNAUTHORIZED),
        (json!({ "aud": other.instance }), StatusCode::UNAUTHORIZED),
        (json!({ "aud": "o_nobody" }), StatusCode::UNAUTHORIZED),
        (json!({ "dest": "//evil.example" }), StatusCode::BAD_REQUEST),
        (json!({ "client": {} }), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(create(&world, "msg_x", change.clone()).await.0, want, "{change}");
    }
    world.set_scan_login(json!({ "enabled": false })).await;
    assert_eq!(create(&world, "msg_off", json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn qrl_08_only_listed_networks_may_begin_where_the_tenant_says_so() {
    let world = World::start().await;
    world.set_scan_login(json!({ "networks": ["203.0.113.0/24"], "networks_only": true })).await;
    let page = world.desktop().get(&world.screen_url()).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::FORBIDDEN, Some("qr-network")));
    let (status, created) = create(&world, "msg_1", json!({})).await;
    assert_eq!(status, StatusCode::CREATED);
    let page = world.scan(&mut world.browser(), &code_of(&created).0, LINKED).await;
    assert!(page.body.contains(r#"data-fact="place">公司网络<"#), "{}", page.body);
}
