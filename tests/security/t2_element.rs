//! T1 and T2 at WeLink's own QR element: a callback is replayed, brought by a foreign browser, or made for another way
//! in. No session but the showing browser's one.

use futures_util::future::join_all;
use serde_json::json;
use tests::element::land;
use tests::web::Page;
use tests::world::{LINKED, World};

use crate::unpaced;

const ROUNDS: usize = 25;
const AT_ONCE: usize = 16;

async fn world() -> World {
    let world = unpaced().await;
    world.set_scan_login(json!({ "welink_element": true })).await;
    world
}

fn is_refused(page: &Page) -> bool {
    page.problem().as_deref() == Some("state-refused")
}

#[tokio::test]
async fn t2_an_elements_callback_replayed_by_sixteen_at_once_signs_in_once() {
    let world = world().await;
    let (mut attempts, mut entered) = (0, 0);
    for _ in 0..ROUNDS {
        let shown = world.element().await;
        let callback = shown.callback(&world, LINKED).await;
        let tries = (0..AT_ONCE).map(|_| {
            let (mut browser, callback) = (shown.browser.clone(), callback.clone());
            async move { browser.get(&callback).await.unwrap() }
        });
        let pages = join_all(tries).await;
        attempts += pages.len();
        entered += pages.iter().filter(|page| page.problem().is_none()).count();
        assert!(pages.iter().all(|page| page.problem().is_none() || is_refused(page)));
        // The limit of one person's scans a minute is another matter.
        world.advance_s(10);
    }
    assert_eq!((attempts, entered), (ROUNDS * AT_ONCE, ROUNDS), "each state enters exactly once");
}

#[tokio::test]
async fn t1_an_elements_callback_in_a_foreign_browser_or_of_another_way_in_signs_nobody_in() {
    let world = world().await;
    let (mut attempts, mut entered) = (0, 0);
    let mut judge = |page: Page| {
        attempts += 1;
        entered += usize::from(!is_refused(&page));
    };
    for _ in 0..ROUNDS {
        let shown = world.element().await;
        let callback = shown.callback(&world, LINKED).await;
        // The victim's browser with and without a page of its own: an attacker's callback signs him in as nobody.
        judge(land(&mut world.desktop(), &callback).await);
        judge(land(&mut world.element().await.browser, &callback).await);
        // The frame's one-time code under another state of the same browser, and under none.
        let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        for state in ["", "s_00000000000000000000000000000000000000"] {
            let mut forged = callback.clone();
            forged.query_pairs_mut().clear().append_pair("code", &code).append_pair("state", state);
            judge(land(&mut shown.browser.clone(), &forged).await);
        }
        // A state of the homepage's way is none of this one.
        let mut phone = world.browser();
        let opened = phone.get(&world.homepage()).await.unwrap();
        let (_, fields) = opened.form("answer").unwrap();
        let state = &fields.iter().find(|(name, _)| name == "state").unwrap().1;
        let mut other = callback.clone();
        other.query_pairs_mut().clear().append_pair("code", &code).append_pair("state", state);
        judge(land(&mut phone, &other).await);
        world.advance_s(10);
    }
    assert_eq!((attempts, entered), (ROUNDS * 5, 0));
    assert!(world.demo().oa.sessions().is_empty());
}
