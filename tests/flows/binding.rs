//! HOM-04, HOM-05, BND-01 to BND-04: whoever is not linked yet.

use domain::audit::Action;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::{TWO_CANDIDATES, UNLINKED};
use sim::oa::DEMO_PASSWORD;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};

/// Opens the homepage as an unlinked member: he stands before the binding page.
async fn at_the_door(world: &World, login: &str) -> (Browser, Page) {
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, &world.homepage(), login).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/bind"), "{}", page.body);
    (browser, page)
}

/// Enters an account on the binding page; follows a success to the OA.
async fn enter(world: &World, browser: &mut Browser, login: &str, password: &str) -> Page {
    let fields = [("login", login), ("password", password)].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let answered = browser.post_form(&world.bridge("/bind"), &fields).await.unwrap();
    let page = browser.follow(answered).await.unwrap();
    let Some((landing, ticket)) = page.form("handoff") else { return page };
    let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
    browser.follow(landed).await.unwrap()
}

fn denied(page: &Page) -> Option<&str> {
    page.body.split("data-denied=\"").nth(1)?.split('"').next()
}

fn checks(world: &World) -> usize {
    world.demo().oa.calls().iter().filter(|call| call.path == "/v1/credential/verify").count()
}

async fn link_of(world: &World, login: &str) -> Option<domain::model::Link> {
    crate::sign_in::person(world, world.enterprise(), login).await.link
}

#[tokio::test]
async fn hom_04_the_right_password_writes_one_link_and_signs_in() {
    let world = World::start().await;
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let page = enter(&world, &mut browser, UNLINKED[0], DEMO_PASSWORD).await;
    assert_eq!((page.status, page.url.host_str()), (StatusCode::OK, Some("oa.localhost")), "{}", page.body);
    assert_eq!(link_of(&world, UNLINKED[0]).await.unwrap().login_id, UNLINKED[0]);
    assert_eq!(world.audited(Action::Bind, "ok").await, world.demo().company.people.len() - 3 + 1);
    // The next visit asks nothing.
    let page = world.sign_in(&mut world.browser(), &world.homepage(), UNLINKED[0]).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"));
}

#[tokio::test]
async fn hom_04_a_wrong_password_writes_nothing_and_the_sixth_try_is_refused_unseen() {
    let world = World::start().await;
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    for attempt in 1..=5 {
        let page = enter(&world, &mut browser, UNLINKED[0], "wrong").await;
        assert_eq!((page.status, denied(&page)), (StatusCode::FORBIDDEN, Some("wrong-password")), "{attempt}");
        assert!(page.body.contains(page.trace()));
        assert_eq!(checks(&world), attempt);
    }
    for password in ["wrong", DEMO_PASSWORD] {
        let page = enter(&world, &mut browser, UNLINKED[0], password).await;
        assert_eq!((page.status, denied(&page)), (StatusCode::TOO_MANY_REQUESTS, Some("locked")));
    }
    assert_eq!(checks(&world), 5, "the OA never saw the sixth");
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
    assert_eq!(world.audited(Action::BindRefused, "wrong-password").await, 5);
    world.advance_s(901);
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let page = enter(&world, &mut browser, UNLINKED[0], DEMO_PASSWORD).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "the lock ends by itself: {}", page.body);
}

#[tokio::test]
async fn hom_04_unknown_user_and_wrong_password_are_one_answer() {
    let world = World::start().await;
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let bodies: Vec<String> = {
        let unknown = enter(&world, &mut browser, "nobody", "wrong").await;
        let wrong = enter(&world, &mut browser, UNLINKED[0], "wrong").await;
        [unknown, wrong].map(|page| page.body.replace(page.trace(), "").replace("nobody", UNLINKED[0])).to_vec()
    };
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn hom_04_an_oa_account_of_somebody_else_is_not_taken_over() {
    let world = World::start().await;
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let page = enter(&world, &mut browser, LINKED, DEMO_PASSWORD).await;
    assert_eq!(denied(&page), Some("oa-user-taken"), "{}", page.body);
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
    assert_eq!(link_of(&world, LINKED).await.unwrap().login_id, LINKED);
}

#[tokio::test]
async fn hom_04_bad_input_at_the_binding_page_ends_in_a_sentence() {
    use sim::faults::{Knob, Rule};

    let world = World::start().await;
    let (mut browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let long = enter(&world, &mut browser, UNLINKED[0], &"x".repeat(10_000)).await;
    assert_eq!(denied(&long), Some("wrong-password"));
    assert_eq!(checks(&world), 0, "a password of 10 kB is sent nowhere");
    for knob in [Knob::Html, Knob::Http5xx, Knob::Reset] {
        world.demo().faults.set(knob, Rule::per_mille(1000).under("/v1/credential/verify"));
        let page = enter(&world, &mut browser, UNLINKED[0], DEMO_PASSWORD).await;
        assert_eq!((page.status, denied(&page)), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-down")), "{knob:?}");
        world.demo().faults.clear();
    }
    // None of these counted as a wrong try.
    for _ in 0..4 {
        assert_eq!(denied(&enter(&world, &mut browser, UNLINKED[0], "wrong").await), Some("wrong-password"));
    }
    // Without cookies, in another browser, after the visit's time, and caused by another site.
    let mut stranger = world.browser();
    let page = enter(&world, &mut stranger, UNLINKED[0], DEMO_PASSWORD).await;
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
    let fields = [("login", UNLINKED[0]), ("password", DEMO_PASSWORD)].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let page = browser.post_cross_site(&world.bridge("/bind"), &fields).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("cross-site"));
    world.advance_s(domain::session::BIND_S + 1);
    let page = enter(&world, &mut browser, UNLINKED[0], DEMO_PASSWORD).await;
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
}

#[tokio::test]
async fn hom_04_two_tabs_and_the_back_button_end_in_one_link() {
    let world = World::start().await;
    let (browser, _) = at_the_door(&world, UNLINKED[0]).await;
    let tabs = (0..4).map(|_| {
        let (mut tab, world) = (browser.clone(), &world);
        async move { enter(world, &mut tab, UNLINKED[0], DEMO_PASSWORD).await }
    });
    let pages = futures_util::future::join_all(tabs).await;
    assert!(pages.iter().any(|page| page.url.host_str() == Some("oa.localhost")));
    assert!(pages.iter().all(|page| denied(page).is_none()), "nobody is told that he is somebody else");
    // Back to the binding page, and once more: he is linked and goes on.
    let mut back = browser.clone();
    let page = enter(&world, &mut back, UNLINKED[0], "whatever").await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "{}", page.body);
    assert_eq!(link_of(&world, UNLINKED[0]).await.unwrap().login_id, UNLINKED[0]);
}

fn setting(version: u64, enabled: bool, pairs: &[(&str, &str)]) -> Value {
    let pairs: Vec<Value> = pairs.iter().map(|(welink, oa)| json!({ "welink": welink, "oa": oa })).collect();
    json!({ "version": version, "enabled": enabled, "pairs": pairs })
}

const PLACES: [&str; 3] = ["sign-in", "from-welink", "from-oa"];

async fn switch_on(world: &World, pairs: &[(&str, &str)]) {
    let path = format!("/v1/enterprises/{}/sign-in/auto-bind", world.enterprise());
    let page = world.api(Method::PUT, &path, Some(&setting(0, true, pairs))).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[tokio::test]
async fn bnd_01_one_setting_is_read_and_written_at_three_places() {
    let world = World::start().await;
    let path = |place: &str| format!("/v1/enterprises/{}/{place}/auto-bind", world.enterprise());
    for (version, place) in PLACES.iter().enumerate() {
        let version = u64::try_from(version).unwrap();
        let saved =
            world.api(Method::PUT, &path(place), Some(&setting(version, version != 1, &[("email", "email")]))).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
        assert_eq!(saved.json()["changed"]["by"], "operator");
        assert!(saved.json()["changed"]["at"].as_i64().unwrap() > 0);
        for other in PLACES {
            assert_eq!(world.api(Method::GET, &path(other), None).await.json(), saved.json(), "{place} -> {other}");
        }
    }
    let stale = world.api(Method::PUT, &path("from-oa"), Some(&setting(1, true, &[("email", "email")]))).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    for bad in [json!([]), json!([{ "welink": "mobile", "oa": "email" }]), json!("x")] {
        let body = json!({ "version": 3, "enabled": true, "pairs": bad });
        let page = world.api(Method::PUT, &path("sign-in"), Some(&body)).await;
        assert!(page.status.is_client_error(), "{bad}: {}", page.body);
    }
}

#[tokio::test]
async fn hom_05_one_match_is_linked_and_opened_without_asking() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world, &[("mobile", "mobile")]).await;
    let page = world.sign_in(&mut world.browser(), &world.homepage(), UNLINKED[0]).await;
    assert_eq!((page.status, page.url.host_str()), (StatusCode::OK, Some("oa.localhost")), "{}", page.body);
    let link = link_of(&world, UNLINKED[0]).await.unwrap();
    assert_eq!((link.login_id.as_str(), link.origin), (UNLINKED[0], domain::model::LinkOrigin::AutoBind));
    let binds = world.audit().await.into_iter().filter(|entry| entry.action == Action::Bind);
    assert!(binds.into_iter().any(|entry| entry.detail.get("origin").is_some_and(|origin| origin == "AutoBind")));
}

#[tokio::test]
async fn hom_05_two_candidates_open_the_manual_page_and_record_one_conflict() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world, &[("mobile", "mobile")]).await;
    for _ in 0..2 {
        at_the_door(&world, TWO_CANDIDATES).await;
    }
    assert_eq!(link_of(&world, TWO_CANDIDATES).await, None);
    let path = format!("/v1/enterprises/{}/conflicts", world.enterprise());
    let conflicts = world.api(Method::GET, &path, None).await.json();
    assert_eq!(conflicts.as_array().unwrap().len(), 1, "he appears once: {conflicts}");
    assert_eq!(conflicts[0]["candidates"].as_array().unwrap().len(), 2);
    // His own password settles it.
    let (mut browser, _) = at_the_door(&world, TWO_CANDIDATES).await;
    let page = enter(&world, &mut browser, TWO_CANDIDATES, DEMO_PASSWORD).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"));
    assert_eq!(world.api(Method::GET, &path, None).await.json(), json!([]));
}

#[tokio::test]
async fn bnd_02_the_first_unique_pair_wins_in_order() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    // Two accounts share his mobile; his e-mail is his own.
    switch_on(&world, &[("mobile", "mobile"), ("email", "email")]).await;
    let page = world.sign_in(&mut world.browser(), &world.homepage(), TWO_CANDIDATES).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "{}", page.body);
    assert_eq!(link_of(&world, TWO_CANDIDATES).await.unwrap().login_id, TWO_CANDIDATES);
}

#[tokio::test]
async fn bnd_03_mobiles_are_compared_without_their_spelling() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    // The simulated WeLink writes +86-138…, the simulated OA 138…: hom_05 matches because of it. An empty one never
    // matches.
    switch_on(&world, &[("mobile", "mobile")]).await;
    at_the_door(&world, sim::company::UNKNOWN_TO_OA).await;
    assert_eq!(link_of(&world, sim::company::UNKNOWN_TO_OA).await, None);
}

#[tokio::test]
async fn bnd_04_existing_links_and_explicit_unbindings_are_never_changed_by_matching() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    switch_on(&world, &[("mobile", "mobile"), ("email", "email")]).await;
    let before = link_of(&world, LINKED).await;
    world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(link_of(&world, LINKED).await, before);
    // Q26: after an explicit unbinding matching does not link again.
    let path = format!("/v1/enterprises/{}/links/{LINKED}@welink", world.enterprise());
    assert_eq!(world.api(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    at_the_door(&world, LINKED).await;
    assert_eq!(link_of(&world, LINKED).await, None);
}

#[tokio::test]
async fn q05_a_denied_oa_user_and_one_with_roles_are_never_linked_automatically() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let path = format!("/v1/enterprises/{}/sign-in/auto-bind", world.enterprise());
    let id = world.demo().company.person(UNLINKED[0]).unwrap().id.clone();
    let body =
        json!({ "version": 0, "enabled": true, "pairs": [{ "welink": "mobile", "oa": "mobile" }], "deny": [id] });
    assert_eq!(world.api(Method::PUT, &path, Some(&body)).await.status, StatusCode::OK);
    at_the_door(&world, UNLINKED[0]).await;
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
}
