//! QRL-01 to QRL-05 with WeLink's own QR element in the place of the bridge's code (welink-api.md 3.5).

use domain::audit::Action;
use domain::ids::WeLinkUserId;
use http::{Method, StatusCode};
use serde_json::json;
use tests::element::ElementPage;
use tests::world::{LINKED, World};

/// A member of the demonstration company whom nobody has linked yet.
const UNLINKED: &str = "yinxia";

#[tokio::test]
async fn qrl_01_welinks_own_element_is_off_until_it_is_asked_for_and_takes_no_number() {
    let world = World::start().await;
    let own = world.desktop().get(&world.screen_url()).await.unwrap();
    let policy = own.header("content-security-policy").unwrap();
    assert!(own.body.contains("data-code=") && !policy.contains("login.localhost"), "{policy}");

    let path = format!("/v1/tenants/{}/scan-login", world.tenant());
    let version = world.api(Method::GET, &path, None).await.json()["version"].clone();
    let both = json!({ "version": version, "enabled": true, "welink_element": true, "number_matching": true });
    let refused = world.api(Method::PUT, &path, Some(&both)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["errors"][0]["field"], "welink_element");

    world.set_scan_login(json!({ "welink_element": true })).await;
    let shown = world.element().await;
    assert!(!shown.page.body.contains("data-code="), "no code of ours beside it");
    let policy = shown.page.header("content-security-policy").unwrap().to_owned();
    let login = world.running.origin("login");
    assert!(policy.contains(&format!("script-src 'self' {login};")), "{policy}");
    assert!(policy.contains(&format!("frame-src {login}")) && policy.contains("form-action 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(shown.onward.starts_with(&format!("{login}/sso/oauth2/sns_authorize?")), "{}", shown.onward);
    assert!(shown.onward.contains("scope=snsapi_login") && shown.onward.ends_with("&code="), "{}", shown.onward);
}

#[tokio::test]
async fn qrl_04_a_scan_of_welinks_own_element_signs_the_showing_browser_in() {
    let world = World::start().await;
    world.set_scan_login(json!({ "welink_element": true })).await;
    let mut shown = world.element().await;
    let page = shown.come_back(&world, LINKED).await;
    assert!(page.body.contains("id=\"signed-in\"") || page.url.host_str() == Some("oa.localhost"), "{}", page.body);
    assert_eq!(world.demo().oa.sessions().len(), 1);
    assert_eq!(world.audited(Action::SignIn, "ok").await, 1);
    let user = WeLinkUserId::parse(&format!("{LINKED}@welink")).unwrap();
    let person = world.running.bridge.store().person(world.enterprise(), &user).await.unwrap().unwrap();
    assert_eq!(person.sign_ins[0].device, "Chrome · Windows");
}

#[tokio::test]
async fn qrl_04_the_elements_deep_link_opens_its_page_and_no_foreign_one() {
    let world = World::start().await;
    world.set_scan_login(json!({ "welink_element": true })).await;
    for (to, want) in [("/todo", "/todo"), ("//evil.example/x", "/")] {
        let mut shown = world.element_at(&format!("?to={to}")).await;
        let page = shown.come_back(&world, LINKED).await;
        assert_eq!((page.url.host_str(), page.url.path()), (Some("oa.localhost"), want), "{to}");
    }
}

#[tokio::test]
async fn qrl_05_by_the_element_an_unlinked_person_is_told_so_and_asked_for_no_password() {
    let world = World::start().await;
    world.set_scan_login(json!({ "welink_element": true })).await;
    let mut shown = world.element().await;
    let page = shown.come_back(&world, UNLINKED).await;
    assert_eq!(page.problem().as_deref(), Some("qr-not-linked"), "{}", page.body);
    assert!(!page.body.contains("password") && world.demo().oa.sessions().is_empty());
    assert_eq!(world.audited(Action::SignInRefused, "qr-not-linked").await, 1);
}

#[tokio::test]
async fn qrl_01_what_is_switched_off_while_the_element_is_shown_lets_nobody_in() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    for (change, why) in [
        (json!({ "enabled": false, "welink_element": true }), "qr-off"),
        (json!({ "welink_element": false }), "qr-off"),
        (json!({ "welink_element": true, "networks": ["10.0.0.0/8"], "networks_only": true }), "qr-network"),
    ] {
        world.set_scan_login(json!({ "welink_element": true, "networks": [], "networks_only": false })).await;
        let mut shown = world.element().await;
        world.set_scan_login(change.clone()).await;
        let page = shown.come_back(&world, LINKED).await;
        assert_eq!(page.problem().as_deref(), Some(why), "{change}");
    }
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn qrl_11_the_elements_page_counts_as_a_code_of_its_address() {
    let world = World::start().await;
    world.set_scan_login(json!({ "welink_element": true })).await;
    for n in 0..30 {
        let page = world.desktop().get(&world.screen_url()).await.unwrap();
        assert_eq!(page.status, StatusCode::OK, "{n}");
    }
    let page = world.desktop().get(&world.screen_url()).await.unwrap();
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn qrl_03_with_several_enterprises_the_element_asks_on_the_screen_which_one() {
    let world = World::start().await;
    let second = world.second_enterprise().await;
    let first = world.demo().remembered.app.as_str();
    world.set_scan_login(json!({ "welink_element": true, "apps": [first, second] })).await;
    let mut browser = world.desktop();
    let asked = browser.get(&world.screen_url()).await.unwrap();
    assert!(asked.body.contains("id=\"choose\"") && !asked.body.contains("wlQrcodeLogin"), "{}", asked.body);
    let mut shown = ElementPage::open(browser.clone(), &format!("{}?app={first}", world.screen_url())).await;
    assert_eq!(shown.come_back(&world, LINKED).await.url.host_str(), Some("oa.localhost"));
    let other = world.other_tenant().await;
    let foreign = format!("{}?app={}", world.screen_url(), other.app).parse().unwrap();
    assert_eq!(browser.get(&foreign).await.unwrap().status, StatusCode::NOT_FOUND);
}
