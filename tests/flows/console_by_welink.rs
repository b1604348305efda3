//! C30: an administrator whose account is linked to a WeLink person signs in to the console by way of WeLink's page.

use domain::audit::Action;
use domain::role::Role;
use http::{Method, StatusCode};
use serde_json::json;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

use crate::accounts::{account, change};
use crate::browser_sign_in::switch_on;

async fn world() -> World {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world).await;
    let account = account(&world, world.tenant().as_str(), "li.hua", Role::Operator).await;
    let person = json!({ "welink": { "enterprise": world.enterprise(), "user": format!("{LINKED}@welink") } });
    assert_eq!(change(&world, &account, person).await.status, StatusCode::OK);
    world
}

fn console(world: &World, path: &str) -> Url {
    format!("{}{path}", world.running.origin("console")).parse().unwrap()
}

fn begin(world: &World) -> Url {
    console(world, &format!("/sign-in/welink?app={}", world.demo().remembered.app))
}

/// From the console's button to the address to which WeLink sends this member's browser.
async fn at_welink(world: &World, browser: &mut Browser, login: &str) -> Url {
    let sent = browser.get(&begin(world)).await.unwrap();
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let authorize: Url = sent.header("location").unwrap().parse().unwrap();
    let value = |name: &str| authorize.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let (client, redirect) = (value("client_id"), value("redirect_uri"));
    let code = world.demo().welink.issue_oauth_code(&format!("{login}@welink"), &client, &redirect).unwrap();
    let mut back: Url = redirect.parse().unwrap();
    assert_eq!(back.host_str(), Some("bridge.localhost"), "the one registered address");
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &value("state"));
    back
}

/// Goes on from WeLink's page to the console's answer.
async fn back(world: &World, browser: &mut Browser, url: &Url) -> Page {
    let relayed = browser.get(url).await.unwrap();
    assert_eq!(relayed.status, StatusCode::SEE_OTHER, "{}", relayed.body);
    let to: Url = relayed.header("location").unwrap().parse().unwrap();
    assert_eq!((to.origin(), to.path()), (console(world, "/").origin(), "/sign-in/welink/callback"));
    browser.get(&to).await.unwrap()
}

async fn is_in(world: &World, browser: &mut Browser) -> bool {
    browser.get(&console(world, "/me")).await.unwrap().status == StatusCode::OK
}

#[tokio::test]
async fn c30_the_sign_in_page_leads_by_welink_into_the_console_as_the_linked_account() {
    let world = world().await;
    let mut browser = world.browser();
    let page = browser.get(&console(&world, "/sign-in")).await.unwrap();
    assert!(page.body.contains(begin(&world).query().unwrap()), "{}", page.body);
    let url = at_welink(&world, &mut browser, LINKED).await;
    let entered = back(&world, &mut browser, &url).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, Some("/")), "{}", entered.body);
    let page = browser.get(&console(&world, "/me")).await.unwrap();
    assert!(page.body.contains("li.hua"), "{}", page.body);
    assert_eq!(world.demo().oa.sessions().len(), 0, "the OA is not entered");
    let begun = world.audit().await.into_iter().filter(|entry| entry.action == Action::SessionBegin).count();
    assert_eq!(begun, 1);
}

#[tokio::test]
async fn c30_an_answer_of_welink_opens_the_console_once_in_its_own_browser_and_for_a_linked_account_alone() {
    let world = world().await;
    // Another browser has the address, from a picture or a log.
    let mut own = world.browser();
    let url = at_welink(&world, &mut own, LINKED).await;
    let mut thief = world.browser();
    thief.get(&begin(&world)).await.unwrap();
    assert_eq!(back(&world, &mut thief, &url).await.status, StatusCode::BAD_REQUEST);
    assert!(!is_in(&world, &mut thief).await);
    // His own still works, once.
    assert_eq!(back(&world, &mut own, &url).await.status, StatusCode::SEE_OTHER);
    assert_eq!(back(&world, &mut own, &url).await.status, StatusCode::BAD_REQUEST);
    // A person without an account, and one whose way takes longer than a state lives.
    let mut other = world.browser();
    let url = at_welink(&world, &mut other, "wangfang").await;
    assert_eq!(back(&world, &mut other, &url).await.status, StatusCode::FORBIDDEN);
    assert!(!is_in(&world, &mut other).await);
    let mut late = world.browser();
    let url = at_welink(&world, &mut late, LINKED).await;
    world.advance_s(domain::session::STATE_S + 1);
    assert_eq!(back(&world, &mut late, &url).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.audited(Action::SignInRefused, "state-refused").await, 3);
    assert_eq!(world.audited(Action::SessionRefused, "no-account").await, 1);
}

#[tokio::test]
async fn c30_states_of_employees_and_of_the_console_are_not_exchanged() {
    let world = world().await;
    let code = |url: &Url| url.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
    let state = |url: &Url| url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    // An administrator's answer at the employees' callback, without its mark.
    let mut browser = world.browser();
    let url = at_welink(&world, &mut browser, LINKED).await;
    let bare = state(&url).strip_prefix("console.").unwrap().to_owned();
    let forged = world.bridge(&format!("/oauth/callback?code={}&state={bare}", code(&url)));
    assert_eq!(browser.get(&forged).await.unwrap().problem().as_deref(), Some("state-refused"));
    // An employee's answer with the console's mark.
    let employee = world.bridge(&format!("/h/{}/browser", world.demo().remembered.app));
    let sent = browser.get(&employee).await.unwrap();
    let authorize: Url = sent.header("location").unwrap().parse().unwrap();
    let forged = world.bridge(&format!("/oauth/callback?code=x&state=console.{}", state(&authorize)));
    assert_eq!(back(&world, &mut browser, &forged).await.status, StatusCode::BAD_REQUEST);
    assert!(!is_in(&world, &mut browser).await);
}

#[tokio::test]
async fn c30_the_way_by_welink_is_offered_only_where_it_is_switched_on_and_names_no_other_team() {
    let world = world().await;
    let other = world.other_tenant().await;
    let page = world.browser().get(&console(&world, "/sign-in")).await.unwrap();
    assert!(!page.body.contains("/sign-in/welink"), "with several teams none is named");
    let named = format!("/sign-in?app={}", world.demo().remembered.app);
    assert!(world.browser().get(&console(&world, &named)).await.unwrap().body.contains("/sign-in/welink"));
    for app in [other.app.as_str(), "a_nothing", ""] {
        let refused = world.browser().get(&console(&world, &format!("/sign-in/welink?app={app}"))).await.unwrap();
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{app}");
    }
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    let version = world.api(Method::GET, &app, None).await.json()["version"].clone();
    let off = json!({ "version": version, "browser_enabled": false });
    assert_eq!(world.api(Method::PATCH, &app, Some(&off)).await.status, StatusCode::OK);
    assert_eq!(world.browser().get(&begin(&world)).await.unwrap().status, StatusCode::NOT_FOUND);
}
