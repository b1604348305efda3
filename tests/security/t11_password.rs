//! T11: passwords guessed on the binding page (product.md C18). Whoever tries has proved that he is a WeLink person.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use sim::company::UNLINKED;
use sim::faults::{Knob, Rule};
use sim::oa::DEMO_PASSWORD;
use sim::welink::Member;
use tests::logs;
use tests::web::{Browser, Page, encode};
use tests::world::World;
use tokio::time::Instant;

use crate::unpaced;

const AT_ONCE: usize = 16;
const PER_PERSON: usize = 5;
const PER_LOGIN: usize = 10;
/// After this every lock has ended.
const WINDOW_S: i64 = 901;
/// Pages of the table that are read at most.
const PAGES_MAX: usize = 100;

/// Adds so many members to the company whom nobody has linked; gives their logins.
fn newcomers(world: &World, count: usize) -> Vec<String> {
    let (welink, company) = (&world.demo().welink, &world.demo().remembered.welink_tenant);
    let add = |n| {
        let login = format!("newcomer{n:02}");
        let name = format!("新人{n:02}");
        let member = Member::named(&format!("{login}@welink"), &name, &login, world.running.bridge.clock().now());
        welink.add_member(company, member).unwrap();
        login
    };
    (0..count).map(add).collect()
}

/// A browser of this member, in front of the binding page.
async fn at_the_door(world: &World, member: &str) -> Browser {
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, &world.homepage(), member).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/bind"), "{}", page.body);
    browser
}

async fn all_at_the_door(world: &World, members: &[String]) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for member in members {
        browsers.push(at_the_door(world, member).await);
    }
    browsers
}

fn account(login: &str, password: &str) -> Vec<(String, String)> {
    [("login", login), ("password", password)].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

async fn attempt(world: &World, browser: &mut Browser, login: &str, password: &str) -> Page {
    browser.post_form(&world.bridge("/bind"), &account(login, password)).await.unwrap()
}

/// Whoever is in is sent on: a form with a ticket, or the OA's start address.
fn is_in(page: &Page) -> bool {
    page.status == StatusCode::SEE_OTHER || page.form("handoff").is_some()
}

fn denied(page: &Page) -> &str {
    page.body.split("data-denied=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

/// How many passwords the OA was asked about.
fn checks(world: &World) -> usize {
    world.demo().oa.calls().iter().filter(|call| call.path == "/v1/credential/verify").count()
}

fn count(pages: &[Page], why: &str) -> usize {
    pages.iter().filter(|page| denied(page) == why).count()
}

#[tokio::test]
async fn t11_sixteen_tries_of_a_person_at_once_bring_five_to_the_oa() {
    let world = unpaced().await;
    let (mut attempts, mut successes) = (0, 0);
    for round in 1..=4 {
        let browser = at_the_door(&world, UNLINKED[0]).await;
        let posts = (0..AT_ONCE).map(|n| {
            let (mut browser, world) = (browser.clone(), &world);
            async move { attempt(world, &mut browser, &format!("victim{n}"), "guess").await }
        });
        let pages = join_all(posts).await;
        assert_eq!(count(&pages, "wrong-password"), PER_PERSON, "round {round}");
        assert_eq!(count(&pages, "locked"), AT_ONCE - PER_PERSON, "round {round}");
        // Neither another browser nor the right password gets past the lock.
        let mut another = at_the_door(&world, UNLINKED[0]).await;
        let late = attempt(&world, &mut another, UNLINKED[0], DEMO_PASSWORD).await;
        assert_eq!((late.status, denied(&late)), (StatusCode::TOO_MANY_REQUESTS, "locked"));
        attempts += pages.len() + 1;
        successes += pages.iter().chain([&late]).filter(|page| is_in(page)).count();
        assert_eq!(checks(&world), round * PER_PERSON, "the OA never saw the others");
        world.advance_s(WINDOW_S);
    }
    assert_eq!((attempts, successes), (4 * (AT_ONCE + 1), 0));
}

#[tokio::test]
async fn t11_a_login_name_is_locked_after_ten_tries_of_several_persons() {
    let world = unpaced().await;
    let members = newcomers(&world, 4);
    let mut browsers = all_at_the_door(&world, &members).await;
    let spellings = [UNLINKED[0].to_owned(), UNLINKED[0].to_uppercase(), format!("  {} ", UNLINKED[0])];
    let mut pages = Vec::new();
    for turn in 0..4 {
        for browser in &mut browsers {
            pages.push(attempt(&world, browser, &spellings[turn % spellings.len()], "guess").await);
        }
    }
    assert_eq!((count(&pages, "wrong-password"), count(&pages, "locked")), (PER_LOGIN, AT_ONCE - PER_LOGIN));
    let right = attempt(&world, &mut browsers[0], UNLINKED[0], DEMO_PASSWORD).await;
    assert_eq!(denied(&right), "locked", "a lock says nothing about the password");
    pages.push(right);
    assert_eq!(checks(&world), PER_LOGIN);
    assert_eq!((pages.len(), pages.iter().filter(|page| is_in(page)).count()), (AT_ONCE + 1, 0));
    // What the lock refused did not count against the person: one has made two real tries and has three left.
    for _ in 0..3 {
        let page = attempt(&world, &mut browsers[3], UNLINKED[1], "guess").await;
        assert_eq!(denied(&page), "wrong-password");
    }
    assert_eq!(denied(&attempt(&world, &mut browsers[3], UNLINKED[1], "guess").await), "locked");
    // The lock ends by itself.
    world.advance_s(WINDOW_S);
    let mut owner = at_the_door(&world, UNLINKED[0]).await;
    assert!(is_in(&attempt(&world, &mut owner, UNLINKED[0], DEMO_PASSWORD).await));
}

#[tokio::test]
async fn t11_sixteen_persons_at_once_bring_ten_tries_of_a_login_name_to_the_oa() {
    let world = unpaced().await;
    let members = newcomers(&world, AT_ONCE);
    let (mut attempts, mut successes) = (0, 0);
    for round in 1..=3 {
        let posts = all_at_the_door(&world, &members).await.into_iter().map(|mut browser| {
            let world = &world;
            async move { attempt(world, &mut browser, UNLINKED[0], "guess").await }
        });
        let pages = join_all(posts).await;
        attempts += pages.len();
        successes += pages.iter().filter(|page| is_in(page)).count();
        assert_eq!((count(&pages, "wrong-password"), count(&pages, "locked")), (PER_LOGIN, AT_ONCE - PER_LOGIN));
        assert_eq!(checks(&world), round * PER_LOGIN);
        world.advance_s(WINDOW_S);
    }
    assert_eq!((attempts, successes), (3 * AT_ONCE, 0));
}

#[tokio::test]
async fn t11_an_address_alone_is_never_locked() {
    let world = unpaced().await;
    let members = newcomers(&world, 30);
    let mut browsers = all_at_the_door(&world, &members).await;
    let mut pages = Vec::new();
    for _ in 0..PER_PERSON - 1 {
        for (browser, member) in browsers.iter_mut().zip(&members) {
            pages.push(attempt(&world, browser, member, "guess").await);
        }
    }
    assert_eq!(count(&pages, "wrong-password"), pages.len(), "one office shares an address");
    assert_eq!(checks(&world), 30 * (PER_PERSON - 1));
    let mut owner = at_the_door(&world, UNLINKED[0]).await;
    assert!(is_in(&attempt(&world, &mut owner, UNLINKED[0], DEMO_PASSWORD).await), "and its next person gets in");
}

/// How much the medians of two kinds of answers differ, in parts of the larger one.
fn difference(mut one: Vec<Duration>, mut other: Vec<Duration>) -> f64 {
    one.sort_unstable();
    other.sort_unstable();
    let [a, b] = [one, other].map(|times| times[times.len() / 2].as_secs_f64());
    (a - b).abs() / a.max(b)
}

#[tokio::test]
async fn t11_an_unknown_user_takes_as_long_as_a_wrong_password() {
    const ALIKE: f64 = 0.35;

    let world = unpaced().await;
    let members = newcomers(&world, 20);
    let accounts: Vec<String> = world.demo().company.people.iter().map(|person| person.login.clone()).collect();
    let mut apart = Vec::new();
    // A busy machine may disturb one measurement; a difference that can be used is in each.
    for round in 0..3 {
        let mut browsers = all_at_the_door(&world, &members).await;
        let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
        for pair in 0..2 * browsers.len() {
            let browser = &mut browsers[pair / 2];
            let known = &accounts[pair % accounts.len()];
            let nobody = format!("{}0", &known[..known.len() - 1]);
            let mut both = [(known, &mut wrong), (&nobody, &mut unknown)];
            // A person's first try begins his counter, which costs a step: each kind is first equally often.
            both.rotate_left((pair + pair / 2) % 2);
            for (login, times) in both {
                let began = Instant::now();
                let page = attempt(&world, browser, login, "guess").await;
                times.push(began.elapsed());
                assert_eq!(denied(&page), "wrong-password", "round {round}, {login}");
            }
        }
        assert_eq!((unknown.len(), wrong.len()), (40, 40));
        apart.push(difference(unknown, wrong));
        if apart[round] < ALIKE {
            return;
        }
        world.advance_s(WINDOW_S);
    }
    panic!("the medians of the answers differ by {apart:?}");
}

/// All texts and bytes in a value of the table.
fn texts(value: &AttributeValue, into: &mut String) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => into.push_str(text),
        AttributeValue::B(bytes) => into.push_str(&String::from_utf8_lossy(bytes.as_ref())),
        AttributeValue::Ss(all) => all.iter().for_each(|text| into.push_str(text)),
        AttributeValue::L(all) => all.iter().for_each(|value| texts(value, into)),
        AttributeValue::M(all) => all.iter().for_each(|(name, value)| {
            into.push_str(name);
            texts(value, into);
        }),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => {}
        other => panic!("the table holds a kind of value that this test does not read: {other:?}"),
    }
    into.push('\n');
}

/// Everything that the table holds.
pub async fn table(world: &World) -> String {
    let (store, mut from, mut all) = (world.running.bridge.store(), None, String::new());
    for _ in 0..PAGES_MAX {
        let scan = store.client().scan().table_name(store.table_name()).set_exclusive_start_key(from);
        let page = scan.send().await.unwrap();
        page.items().iter().flatten().for_each(|(name, value)| {
            all.push_str(name);
            texts(value, &mut all);
        });
        from = page.last_evaluated_key;
        if from.is_none() {
            return all;
        }
    }
    panic!("the table has more than {PAGES_MAX} pages");
}

#[tokio::test]
async fn t11_no_password_reaches_the_log_or_the_table() {
    let captured = logs::capture();
    let world = unpaced().await;
    let mut planted = Vec::new();
    let mut plant = || {
        planted.push(format!("password{:03}planted", planted.len()));
        planted[planted.len() - 1].clone()
    };
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    for login in [UNLINKED[0], "nobody"] {
        assert_eq!(denied(&attempt(&world, &mut browser, login, &plant()).await), "wrong-password");
    }
    // Typed into the wrong field, too long for the OA, as part of the address, too large or damaged as a form.
    assert_eq!(denied(&attempt(&world, &mut browser, &plant(), "x").await), "wrong-password");
    attempt(&world, &mut browser, UNLINKED[0], &plant().repeat(100)).await;
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let address = world.bridge(&format!("/bind?login=x&password={}", plant()));
    let bodies =
        [encode(&account("x", &plant())), encode(&account("x", &plant().repeat(5_000))), format!("{}=%zz&", plant())];
    for body in bodies {
        browser.send(Method::POST, &address, &headers, body).await.unwrap();
    }
    world.advance_s(WINDOW_S);
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    for knob in [Knob::Http5xx, Knob::Html, Knob::Malformed, Knob::Truncated, Knob::WrongTypes, Knob::Reset] {
        world.demo().faults.set(knob, Rule::per_mille(1000).under("/v1/credential/verify"));
        attempt(&world, &mut browser, UNLINKED[0], &plant()).await;
        world.demo().faults.clear();
    }
    for _ in 0..=PER_PERSON {
        attempt(&world, &mut browser, UNLINKED[0], &plant()).await;
    }
    assert_eq!(denied(&attempt(&world, &mut browser, UNLINKED[0], &plant()).await), "locked");
    browser.post_cross_site(&address, &account(UNLINKED[0], &plant())).await.unwrap();
    attempt(&world, &mut world.browser(), UNLINKED[0], &plant()).await;
    world.advance_s(WINDOW_S);
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    assert!(is_in(&attempt(&world, &mut browser, UNLINKED[0], DEMO_PASSWORD).await));
    planted.push(DEMO_PASSWORD.to_owned());
    assert!(planted.len() > 20, "{}", planted.len());
    let (lines, kept) = (captured.text(), table(&world).await);
    assert!(lines.contains("/bind"), "the log was captured");
    assert!(kept.contains(UNLINKED[0]) && kept.contains("wrong-password"), "the table was read");
    let leaked: Vec<&String> =
        planted.iter().filter(|password| lines.contains(*password) || kept.contains(*password)).collect();
    assert!(leaked.is_empty(), "{} of {} leaked: {leaked:?}", leaked.len(), planted.len());
}
