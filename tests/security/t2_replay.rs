//! T2: a code, a state or a ticket is used a second time, also by sixteen at once.

use futures_util::future::join_all;
use http::StatusCode;
use tests::world::LINKED;

use crate::{form_with, unpaced, with_ticket};

const ROUNDS: usize = 25;
const AT_ONCE: usize = 16;

#[tokio::test]
async fn t2_a_callback_replayed_by_sixteen_at_once_signs_in_once() {
    let world = unpaced().await;
    let (mut attempts, mut entered) = (0, 0);
    for _ in 0..ROUNDS {
        let mut browser = world.browser();
        let (action, fields) = form_with(&world, &mut browser, &world.code(LINKED)).await;
        let posts = (0..AT_ONCE).map(|_| {
            let (mut browser, action, fields) = (browser.clone(), action.clone(), fields.clone());
            async move { browser.post_form(&action, &fields).await.unwrap().status }
        });
        let statuses = join_all(posts).await;
        attempts += statuses.len();
        entered += statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
        assert!(statuses.iter().all(|s| matches!(*s, StatusCode::SEE_OTHER | StatusCode::BAD_REQUEST)), "{statuses:?}");
    }
    assert_eq!((attempts, entered), (ROUNDS * AT_ONCE, ROUNDS), "each state enters exactly once");
}

#[tokio::test]
async fn t2_a_code_under_fresh_states_signs_in_once() {
    let world = unpaced().await;
    let code = world.code(LINKED);
    let mut entered = 0;
    for _ in 0..300 {
        let mut browser = world.browser();
        let (action, fields) = form_with(&world, &mut browser, &code).await;
        let page = browser.post_form(&action, &fields).await.unwrap();
        entered += usize::from(page.status == StatusCode::SEE_OTHER);
    }
    assert_eq!(entered, 1, "of 300 attempts");
}

#[tokio::test]
async fn t2_a_ticket_posted_by_sixteen_at_once_opens_one_session() {
    let world = unpaced().await;
    for round in 1..=ROUNDS {
        let mut browser = world.browser();
        let (landing, ticket) = with_ticket(&world, &mut browser).await;
        let posts = (0..AT_ONCE).map(|_| {
            let (mut browser, landing, ticket) = (browser.clone(), landing.clone(), ticket.clone());
            async move { browser.post_cross_site(&landing, &ticket).await.unwrap().status }
        });
        let statuses = join_all(posts).await;
        let opened = statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
        assert_eq!(opened, 1, "round {round}: {statuses:?}");
        assert_eq!(world.demo().oa.sessions().len(), round);
    }
}
