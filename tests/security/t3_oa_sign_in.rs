//! T2, T3 at the way over the OA's own sign-in page: states that are missing, foreign, of another purpose or used
//! before, and codes put into somebody else's way. Attempts are counted, links and successes must be 0.

use futures_util::future::join_all;
use http::StatusCode;
use sim::company::UNLINKED;
use sim::oa::DEMO_PASSWORD;
use tests::logs;
use tests::own_page::{at_the_door, denied, leave, newcomers, query, sign_in_there, with_query};
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

use crate::unpaced;

const ROUNDS: usize = 25;
const AT_ONCE: usize = 16;

/// Whoever is in is moved on to the OA.
fn is_in(page: &Page) -> bool {
    page.next().is_some() || page.form("handoff").is_some() || page.status.is_redirection()
}

fn refused(page: &Page) -> bool {
    page.status == StatusCode::BAD_REQUEST
        && (denied(page) == Some("state-refused") || page.problem().as_deref() == Some("state-refused"))
}

async fn linked(world: &World, login: &str) -> bool {
    let user = domain::ids::WeLinkUserId::parse(&format!("{login}@welink")).unwrap();
    let person = world.running.bridge.store().person(world.enterprise(), &user).await.unwrap();
    person.is_some_and(|person| person.link.is_some())
}

/// A way that has come back from the OA and waits to be taken.
async fn way(world: &World, browser: &mut Browser, account: &str) -> Url {
    let authorize = leave(world, browser).await;
    sign_in_there(browser, &authorize, account, DEMO_PASSWORD).await
}

fn exchanges(world: &World) -> usize {
    world.demo().oa.calls().iter().filter(|call| call.path == "/oidc/token").count()
}

#[tokio::test]
async fn t2_a_return_from_the_oa_replayed_by_sixteen_at_once_is_taken_once() {
    let world = unpaced().await;
    let (mut attempts, mut taken) = (0, 0);
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    for round in 1..=ROUNDS {
        // Somebody else's account, so that each round may be tried on the same person.
        let back = way(&world, &mut browser, LINKED).await;
        let gets = (0..AT_ONCE).map(|_| {
            let (mut browser, back) = (browser.clone(), back.clone());
            async move { browser.get(&back).await.unwrap() }
        });
        let pages = join_all(gets).await;
        attempts += pages.len();
        taken += pages.iter().filter(|page| denied(page) == Some("oa-user-taken")).count();
        assert!(pages.iter().all(|page| refused(page) || denied(page) == Some("oa-user-taken")), "round {round}");
        assert_eq!(exchanges(&world), round, "one exchange a round");
    }
    assert_eq!((attempts, taken), (ROUNDS * AT_ONCE, ROUNDS), "each return is taken exactly once");
    // One that succeeds, by sixteen at once: one link, one success.
    let back = way(&world, &mut browser, UNLINKED[0]).await;
    let gets = (0..AT_ONCE).map(|_| {
        let (mut browser, back) = (browser.clone(), back.clone());
        async move { browser.get(&back).await.unwrap() }
    });
    let pages = join_all(gets).await;
    assert_eq!(pages.iter().filter(|page| is_in(page)).count(), 1);
    assert!(linked(&world, UNLINKED[0]).await);
}

#[tokio::test]
async fn t3_a_return_with_a_state_that_is_not_his_links_nobody() {
    let world = unpaced().await;
    let other = world.other_tenant().await;
    let members = newcomers(&world, 10);
    let mut attacker = at_the_door(&world, UNLINKED[1]).await;
    let (mut attempts, mut successes) = (0, 0);
    for member in &members {
        let mut victim = at_the_door(&world, member).await;
        // What the attacker holds: a whole return of his own with a good code, unspent.
        let his = way(&world, &mut attacker, UNLINKED[1]).await;
        let (code, state) = (query(&his, "code").unwrap(), query(&his, "state").unwrap());
        let page = victim.get(&world.homepage()).await.unwrap();
        let in_app = page.form("answer").unwrap().1.into_iter().find(|(name, _)| name == "state").unwrap().1;
        let elsewhere = format!("s_{}{}", other.tenant, &state[12..]);
        let invented = format!("{}{}", &state[..12], "0".repeat(26));
        let states = [None, Some(""), Some(&*state), Some(&*in_app), Some(&*elsewhere), Some(&*invented), Some("s_")];
        for state in states {
            let back = with_query(&with_query(&his, "state", state), "code", Some(&code));
            let pages = [victim.get(&back).await.unwrap(), world.browser().get(&back).await.unwrap()];
            attempts += pages.len();
            successes += pages.iter().filter(|page| is_in(page)).count();
            assert!(pages.iter().all(refused), "{state:?}: {} {}", pages[0].body, pages[1].body);
        }
        // Twice in one address: no parser's choice decides.
        let twice = Url::parse(&format!("{his}&state={state}")).unwrap();
        let page = victim.get(&twice).await.unwrap();
        attempts += 1;
        successes += usize::from(is_in(&page));
        assert!(refused(&page), "{}", page.body);
        // The other door does not take this one's state either.
        let oauth = world.bridge(&format!("/oauth/callback?code={code}&state={state}"));
        let page = attacker.get(&oauth).await.unwrap();
        attempts += 1;
        successes += usize::from(is_in(&page));
        assert_eq!(page.problem().as_deref(), Some("state-refused"));
        assert!(!linked(&world, member).await);
    }
    assert_eq!((attempts, successes), (members.len() * 16, 0));
    assert_eq!(exchanges(&world), 0, "no code was even exchanged");
    // A visit is looked up in its own tenant alone; only a browser without one leaves a trace where its state points.
    let store = world.running.bridge.store();
    let theirs = domain::ids::TenantId::parse(&other.tenant).unwrap();
    let audit = store.audit(&theirs, store.clock().now(), None).await.unwrap().0;
    let traces = audit.iter().filter(|entry| entry.action == domain::audit::Action::BindRefused);
    assert_eq!(traces.filter(|entry| entry.actor == "anonymous").count(), members.len());
    assert!(audit.iter().all(|entry| !entry.actor.starts_with("welink:")));
}

#[tokio::test]
async fn t3_a_code_put_into_somebody_elses_way_links_nobody() {
    let captured = logs::capture();
    let world = unpaced().await;
    let mut attacker = at_the_door(&world, UNLINKED[1]).await;
    let mut victim = at_the_door(&world, UNLINKED[0]).await;
    let (mut attempts, mut successes, mut secrets) = (0, 0, Vec::new());
    for _ in 0..ROUNDS {
        let his = query(&way(&world, &mut attacker, UNLINKED[1]).await, "code").unwrap();
        let long = "x".repeat(2001);
        // His code, one that nobody has given, none, and one of absurd length, each in a fresh way of the victim.
        for code in [Some(&*his), Some("invented"), Some(""), None, Some(&*long)] {
            let mine = way(&world, &mut victim, UNLINKED[0]).await;
            secrets.push(query(&mine, "code").unwrap());
            let page = victim.get(&with_query(&mine, "code", code)).await.unwrap();
            attempts += 1;
            successes += usize::from(is_in(&page));
            assert_eq!(denied(&page), Some("oa-not-proved"), "{}", page.body);
            // The right code comes too late: its state is spent.
            let page = victim.get(&mine).await.unwrap();
            attempts += 1;
            successes += usize::from(is_in(&page));
            assert!(refused(&page), "{}", page.body);
        }
        // An answer in the name of another provider (RFC 9207).
        let mine = way(&world, &mut victim, UNLINKED[0]).await;
        let page = victim.get(&with_query(&mine, "iss", Some("https://evil.example"))).await.unwrap();
        attempts += 1;
        successes += usize::from(is_in(&page));
        assert_eq!(denied(&page), Some("oa-not-proved"), "{}", page.body);
        secrets.push(his);
    }
    assert_eq!((attempts, successes), (ROUNDS * 11, 0));
    assert!(!linked(&world, UNLINKED[0]).await && !linked(&world, UNLINKED[1]).await);
    secrets.push(world.demo().remembered.oidc_client_secret.clone());
    let lines = captured.text();
    assert!(lines.contains("/bind/callback"), "the log was captured");
    let leaked = secrets.iter().filter(|secret| lines.contains(*secret)).count();
    assert_eq!(leaked, 0, "of {} codes and secrets", secrets.len());
}
