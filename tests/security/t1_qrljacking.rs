//! T1: a stolen id, a forwarded picture, a foreign cookie, a replayed ticket. T2 for scan login: nothing is used twice.
//! Ten thousand attempts, counted; and what the person at the phone sees when somebody shows him a code of his own.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, StatusCode};
use platform::secret::Secret;
use platform::transport::Transport;
use serde_json::json;
use tests::scan::Screen;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use tower::service_fn;
use url::Url;

use crate::unpaced;

/// Attempts of one kind and how many of them succeeded.
type Tally = BTreeMap<&'static str, (usize, usize)>;

/// The employees' functions in this process, everything else by sockets: ten thousand attempts in seconds.
fn in_process(world: &World) -> Transport {
    let bridge = &world.running.bridge;
    let scan = Transport::router(qr_login::router(bridge.clone()));
    let home = Transport::router(app_home::router(bridge.clone()));
    let sockets = world.transport();
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let scans = qr_login::PATHS.iter().any(|path| request.uri().path().starts_with(path));
        let way = match request.uri().host() {
            Some("bridge.localhost") if scans => scan.clone(),
            Some("bridge.localhost") => home.clone(),
            _ => sockets.clone(),
        };
        async move { way.send(request, std::time::Duration::from_secs(10)).await }
    }))
}

/// Attempts that are under way at the same time.
const AT_ONCE: usize = 64;

/// Makes `times` attempts of a kind and counts how many say that they succeeded.
async fn attack<F: Future<Output = bool>>(
    tally: &mut Tally,
    kind: &'static str,
    times: usize,
    attempt: impl Fn(usize) -> F,
) {
    let outcomes = futures_util::stream::iter(0..times).map(attempt).buffer_unordered(AT_ONCE);
    let successes = outcomes.filter(|success| std::future::ready(*success)).count().await;
    tally.insert(kind, (times, successes));
}

/// A browser whose only cookie for the bridge is this one.
fn with_cookie(way: &Transport, name: &str, value: &str) -> Browser {
    let mut browser = Browser::new(way.clone());
    browser.set_cookie("bridge.localhost", name, value);
    browser
}

fn went_on(page: &Page) -> bool {
    page.status == StatusCode::SEE_OTHER || page.form("handoff").is_some()
}

/// Asks and enters with the public id: without a cookie, with another screen's, with a guessed one.
async fn stolen_id(world: &World, way: &Transport, screen: &Screen, tally: &mut Tally) {
    let elsewhere = world.screen_in(Browser::new(way.clone())).await.browser;
    let guess = |n: usize| with_cookie(way, "__Host-screen", &format!("{n:026}"));
    let told = |page: Page| page.status.is_success() || page.body.contains("display_name");
    let poll = async |mut thief: Browser| told(screen.poll_by(&mut thief).await);
    attack(tally, "poll without the cookie", 2_000, |_| poll(Browser::new(way.clone()))).await;
    attack(tally, "poll with a foreign cookie", 800, |_| poll(elsewhere.clone())).await;
    attack(tally, "poll with a guessed cookie", 800, |n| poll(guess(n))).await;
    let (url, fields) = screen.page.form("enter").unwrap();
    let enter = async |mut thief: Browser| went_on(&thief.post_form(&url, &fields).await.unwrap());
    attack(tally, "enter without the cookie", 1_500, |_| enter(Browser::new(way.clone()))).await;
    attack(tally, "enter with a foreign cookie", 500, |_| enter(elsewhere.clone())).await;
    attack(tally, "enter with a guessed cookie", 500, |n| enter(guess(n))).await;
}

/// A picture of the code reaches other phones, which open it and confirm it.
async fn forwarded_picture(world: &World, way: &Transport, screen: &Screen, url: &Url, tally: &mut Tally) {
    let open = async |_| {
        let page = Browser::new(way.clone()).get(&screen.code).await.unwrap();
        page.form("answer").is_some()
    };
    attack(tally, "a second phone opens it", 500, open).await;
    let approve = [("verdict".to_owned(), "approve".to_owned())];
    let confirm = async |mut phone: Browser| {
        let page = phone.post_form(url, &approve).await.unwrap();
        page.status.is_success() || page.status == StatusCode::SEE_OTHER
    };
    attack(tally, "confirm without the scan", 1_000, |_| confirm(Browser::new(way.clone()))).await;
    let guess = |n: usize| with_cookie(way, "__Host-scan", &format!("{}.{n:026}", screen.id));
    attack(tally, "confirm with a guessed scan", 600, |n| confirm(guess(n))).await;
    assert!(world.demo().oa.sessions().is_empty());
}

/// The OA's way with every token but the right one.
async fn foreign_bearer(world: &World, way: &Transport, id: &str, tally: &mut Tally) {
    let url = world.bridge(&format!("/v1/qr/sessions/{id}"));
    let known = &world.demo().remembered;
    let ask = async |n: usize| {
        let bearers = [String::new(), format!("{n:048}"), known.push_secret.clone(), known.pull_secret.clone()];
        let bearer = format!("Bearer {}", bearers[n % bearers.len()]);
        let mut thief = Browser::new(way.clone());
        thief.send(Method::GET, &url, &[("authorization", &bearer)], "").await.unwrap().status.is_success()
    };
    attack(tally, "ask without the OA's token", 1_300, ask).await;
}

/// The right browser goes on a second time, and its ticket lands again.
async fn replays(world: &World, screen: &Screen, ticket: &Secret<String>, tally: &mut Tally) {
    let (url, fields) = screen.page.form("enter").unwrap();
    let again = async |_| went_on(&screen.browser.clone().post_form(&url, &fields).await.unwrap());
    attack(tally, "enter again", 300, again).await;
    let landing: Url = format!("{}/sso/landing", world.running.origin("oa")).parse().unwrap();
    let form = [("ticket".to_owned(), ticket.expose().clone())];
    let land = async |_| {
        let page = world.browser().post_cross_site(&landing, &form).await.unwrap();
        page.status == StatusCode::SEE_OTHER
    };
    attack(tally, "the ticket lands again", 200, land).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_ten_thousand_attempts_with_stolen_ids_pictures_cookies_and_tickets_succeed_never() {
    let world = unpaced().await;
    world.set_scan_login(json!({ "life_s": 300 })).await;
    let way = in_process(&world);
    let mut tally = Tally::new();
    let screen = world.screen_in(Browser::new(way.clone())).await;
    let mut phone = Browser::new(way.clone());
    let confirmation = world.scan(&mut phone, &screen.code, LINKED).await;
    let (confirm, _) = confirmation.form("approve").unwrap();
    forwarded_picture(&world, &way, &screen, &confirm, &mut tally).await;
    world.answer_scan(&mut phone, &confirmation, "approve").await;
    stolen_id(&world, &way, &screen, &mut tally).await;
    // A code's own browser is let in all the same.
    let (owner, ticket) = let_in(&world, &way).await;
    foreign_bearer(&world, &way, &owner.id, &mut tally).await;
    let before = world.demo().oa.sessions().len();
    replays(&world, &owner, &ticket, &mut tally).await;
    let attempts: usize = tally.values().map(|(attempts, _)| attempts).sum();
    let successes: Vec<_> = tally.iter().filter(|(_, (_, successes))| *successes > 0).collect();
    assert!(successes.is_empty(), "{successes:?}");
    assert_eq!((world.demo().oa.sessions().len(), before), (1, 1), "the owner's");
    assert!(attempts >= 10_000, "{attempts}: {tally:?}");
}

/// A whole login; the screen, and the ticket that it went in with.
async fn let_in(world: &World, way: &Transport) -> (Screen, Secret<String>) {
    let mut screen = world.screen_in(Browser::new(way.clone())).await;
    world.confirm(&mut Browser::new(way.clone()), &screen.code, LINKED).await;
    let (enter, fields) = screen.page.form("enter").unwrap();
    let answered = screen.browser.post_form(&enter, &fields).await.unwrap();
    let page: Page = screen.browser.follow(answered).await.unwrap();
    let (landing, fields) = page.form("handoff").expect("a form carries the ticket");
    let landed = screen.browser.post_cross_site(&landing, &fields).await.unwrap();
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "{}", landed.body);
    let ticket = fields.into_iter().find(|(name, _)| name == "ticket").unwrap().1;
    (screen, Secret::new(ticket))
}

/// QRLjacking: the attacker shows a code of his own. Nothing technical stops him; the person sees whose screen it is.
#[tokio::test]
async fn t1_a_qrljacking_attempt_shows_the_attackers_address_and_browser_and_signs_nobody_in_before_the_tap() {
    let world = unpaced().await;
    let known = &world.demo().remembered;
    // The attacker's page fetches a code through the OA's login page, from his own address.
    let body = json!({
        "op": "qr.create", "aud": known.oa_instance, "request_id": "r",
        "client": {
            "ip": "198.51.100.23",
            "ua": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        },
    })
    .to_string();
    let id = oa::webhook::WebhookId::parse("msg_attack").unwrap();
    let (secret, now) = (Secret::new(known.push_secret.clone()), world.running.bridge.clock().now());
    let signed = oa::webhook::sign(&secret, &id, now, &body).unwrap();
    let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let made = world.browser().send(Method::POST, &world.bridge("/v1/qr/sessions"), &headers, body).await.unwrap();
    let code = made.json()["qr_text"].as_str().unwrap().parse().unwrap();
    world.advance_s(90);
    let mut victim = world.browser();
    let page = world.scan(&mut victim, &code, LINKED).await;
    for told in ["198.51.100.23", "Firefox · Linux", "公司网络以外", "只有您现在正看着这台电脑的登录页面时，才可以确认"]
    {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(world.demo().oa.sessions().is_empty(), "no session before the tap");
    let told = world.answer_scan(&mut victim, &page, "not-me").await;
    assert!(told.body.contains(r#"data-outcome="reported""#), "{}", told.body);
    // The attacker's address may not begin again for an hour.
    let body = json!({ "op": "qr.create", "aud": known.oa_instance, "client": { "ip": "198.51.100.23" } }).to_string();
    let id = oa::webhook::WebhookId::parse("msg_again").unwrap();
    let signed = oa::webhook::sign(&secret, &id, world.running.bridge.clock().now(), &body).unwrap();
    let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let refused = world.browser().send(Method::POST, &world.bridge("/v1/qr/sessions"), &headers, body).await.unwrap();
    assert_eq!(refused.json()["type"], "urn:cloudbridge:problem:qr-reported");
}
