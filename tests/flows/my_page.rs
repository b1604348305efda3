//! HOM-10: a member's own page.

use domain::audit::Action;
use http::StatusCode;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};

async fn opened(world: &World, browser: &mut Browser, login: &str) -> Page {
    let url = world.bridge(&format!("/me/{}", world.demo().remembered.app));
    let answered = world.answer(browser, &url, login).await;
    browser.follow(answered).await.unwrap()
}

#[tokio::test]
async fn hom_10_a_member_sees_his_link_and_last_ten_sign_ins_and_can_ask_to_be_unlinked() {
    let world = World::start().await;
    for _ in 0..12 {
        assert_eq!(world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await.status, StatusCode::OK);
        world.advance_s(60);
    }
    let mut browser = world.browser();
    let page = opened(&world, &mut browser, LINKED).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/me"), "{}", page.body);
    assert!(page.body.contains(&format!("id=\"linked\">{LINKED}<")), "{}", page.body);
    assert_eq!(page.body.matches("<tr><td>").count(), 10);
    assert_eq!(page.body.matches("127.0.0.1").count(), 10, "each says where it came from");
    let (action, fields) = page.form("ask").unwrap();
    let stolen = browser.post_cross_site(&action, &fields).await.unwrap();
    assert_eq!(stolen.problem().as_deref(), Some("cross-site"));
    let stranger = world.browser().post_form(&action, &fields).await.unwrap();
    assert_eq!(stranger.problem().as_deref(), Some("state-refused"));
    assert_eq!(world.audited(Action::UnbindAsked, "ok").await, 0);
    let asked = browser.post_form(&action, &fields).await.unwrap();
    let page = browser.follow(asked).await.unwrap();
    assert!(page.body.contains("id=\"asked\""), "{}", page.body);
    assert_eq!(world.audited(Action::UnbindAsked, "ok").await, 1);
    let person = crate::sign_in::person(&world, world.enterprise(), LINKED).await;
    assert!(person.link.is_some() && person.unlink_asked.is_some(), "asking unlinks nobody");
    // Looking at one's page is no sign-in to the OA.
    assert_eq!(world.demo().oa.sessions().len(), 12);
}

#[tokio::test]
async fn hom_10_whoever_is_not_linked_sees_that_and_a_visit_ends() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = opened(&world, &mut browser, sim::company::UNLINKED[0]).await;
    assert!(page.body.contains("尚未关联") && page.form("ask").is_none(), "{}", page.body);
    world.advance_s(domain::session::BIND_S + 1);
    let page = browser.get(&world.bridge("/me")).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("state-refused"));
}
