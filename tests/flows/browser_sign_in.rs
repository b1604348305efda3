//! HOM-02: from a PC or a browser outside WeLink, by way of WeLink's own sign-in page.

use domain::audit::Action;
use http::{Method, StatusCode};
use serde_json::json;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

fn app(world: &World) -> String {
    format!("/v1/apps/{}", world.demo().remembered.app)
}

fn by_browser(world: &World, query: &str) -> Url {
    world.bridge(&format!("/h/{}/browser{query}", world.demo().remembered.app))
}

/// Chooses this member on WeLink's sign-in page; stops at the first answer of the bridge's callback.
async fn through_welink(world: &World, browser: &mut Browser, start: &Url, login: &str) -> Page {
    let sent = browser.get(start).await.unwrap();
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let authorize: Url = sent.header("location").unwrap().parse().unwrap();
    assert_eq!((authorize.host_str(), authorize.path()), (Some("login.localhost"), "/sso/oauth2/authorize"));
    let query: Vec<(String, String)> = authorize.query_pairs().into_owned().collect();
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!((value("response_type").as_str(), value("scope").as_str()), ("code", "backendlogin"));
    assert!(!value("redirect_uri").contains('?'), "a redirect address has no query");
    let user = format!("{login}@welink");
    let code = world.demo().welink.issue_oauth_code(&user, &value("client_id"), &value("redirect_uri")).unwrap();
    let mut back: Url = value("redirect_uri").parse().unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &value("state"));
    browser.get(&back).await.unwrap()
}

/// The whole way into the OA.
async fn sign_in(world: &World, browser: &mut Browser, start: &Url, login: &str) -> Page {
    let answered = through_welink(world, browser, start, login).await;
    let page = browser.follow(answered).await.unwrap();
    let Some((landing, ticket)) = page.form("handoff") else { return page };
    let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
    browser.follow(landed).await.unwrap()
}

pub async fn switch_on(world: &World) {
    let test = world.api(Method::POST, &format!("{}/browser-test", app(world)), None).await.json();
    let url: Url = test["url"].as_str().unwrap().parse().unwrap();
    let page = through_welink(world, &mut world.browser(), &url, LINKED).await;
    assert!(page.body.contains("id=\"tested\""), "{}", page.body);
    let version = world.api(Method::GET, &app(world), None).await.json()["version"].clone();
    let change = json!({ "version": version, "browser_enabled": true });
    let page = world.api(Method::PATCH, &app(world), Some(&change)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[tokio::test]
async fn hom_02_the_switch_stays_off_until_its_test_has_passed() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    for query in ["", "?test=1"] {
        let page = world.browser().get(&by_browser(&world, query)).await.unwrap();
        assert_eq!(page.problem().as_deref(), Some("not-in-welink"), "{query}");
    }
    let change = json!({ "version": 0, "browser_enabled": true });
    let page = world.api(Method::PATCH, &app(&world), Some(&change)).await;
    assert_eq!(
        (page.status, page.json()["errors"][0]["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("browser_enabled"))
    );
    let opened = world.browser().get(&world.homepage()).await.unwrap();
    assert!(!opened.body.contains("by-browser"));
    switch_on(&world).await;
    let opened = world.browser().get(&world.homepage()).await.unwrap();
    assert!(opened.body.contains("by-browser"), "{}", opened.body);
    assert!(world.demo().oa.sessions().is_empty(), "the test signs nobody in");
}

#[tokio::test]
async fn hom_02_a_browser_signs_in_with_the_same_result_and_keeps_its_deep_link() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world).await;
    let page = sign_in(&world, &mut world.browser(), &by_browser(&world, ""), LINKED).await;
    assert_eq!((page.status, page.url.host_str()), (StatusCode::OK, Some("oa.localhost")), "{}", page.body);
    let page = sign_in(&world, &mut world.browser(), &by_browser(&world, "?to=/todo/42"), LINKED).await;
    assert_eq!(page.url.path(), "/todo/42");
    assert_eq!(world.demo().oa.sessions().len(), 2);
    let unlinked = sim::company::UNLINKED[0];
    let page = sign_in(&world, &mut world.browser(), &by_browser(&world, ""), unlinked).await;
    assert_eq!(page.url.path(), "/bind");
}

#[tokio::test]
async fn hom_03_a_browser_callback_with_a_bad_state_or_code_gives_400_and_one_audit_entry() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world).await;
    let callback = |query: &str| world.bridge(&format!("/oauth/callback?{query}"));
    let page = world.browser().get(&callback("code=X")).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::BAD_REQUEST, Some("state-refused")));
    // Foreign: a state that another browser began. Then the right browser, and the same callback again.
    let mut browser = world.browser();
    let sent = browser.get(&by_browser(&world, "")).await.unwrap();
    let authorize: Url = sent.header("location").unwrap().parse().unwrap();
    let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = format!("code=AAAA&state={state}");
    for (mut who, problem) in
        [(world.browser(), "state-refused"), (browser.clone(), "code-refused"), (browser, "state-refused")]
    {
        let page = who.get(&callback(&query)).await.unwrap();
        assert_eq!((page.status, page.problem().as_deref()), (StatusCode::BAD_REQUEST, Some(problem)), "{}", page.body);
    }
    let audit = world.audit().await;
    let reasons: Vec<_> = audit.iter().filter_map(|entry| entry.detail.get("reason").map(String::as_str)).collect();
    assert_eq!(reasons, ["repeated", "foreign"]);
    assert_eq!(audit.iter().filter(|entry| entry.action == Action::SignInRefused).count(), 3);
    // A state of one's own page is none of a browser's.
    let mut browser = world.browser();
    let me = browser.get(&world.bridge(&format!("/me/{}", world.demo().remembered.app))).await.unwrap();
    let (_, fields) = me.form("answer").unwrap();
    let page = browser.get(&callback(&format!("code=AAAA&state={}", fields[0].1))).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
    // An in-app state is none of a browser's.
    let mut browser = world.browser();
    let opened = browser.get(&world.homepage()).await.unwrap();
    let (_, fields) = opened.form("answer").unwrap();
    let page = browser.get(&callback(&format!("code=AAAA&state={}", fields[0].1))).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn hom_02_what_welink_refuses_has_its_own_page() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world).await;
    let mut browser = world.browser();
    let sent = browser.get(&by_browser(&world, "")).await.unwrap();
    let authorize: Url = sent.header("location").unwrap().parse().unwrap();
    let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let page =
        browser.get(&world.bridge(&format!("/oauth/callback?code=41500&message=no&state={state}"))).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("left-company"), "{}", page.body);
    assert!(page.body.contains(page.trace()) && !page.body.contains("41500"));
}
