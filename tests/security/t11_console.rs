//! T11 and T2 at the console: passwords guessed by many at once, timing, and cookies that come back after a sign-out.

use std::time::Duration;

use admin::console_session::{session, sign_in};
use domain::problem::{self, Problem};
use domain::role::Role;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;
use tests::logs;
use tests::world::World;
use tokio::time::Instant;

const AT_ONCE: usize = 16;
const PER_LOGIN: usize = 5;
const WINDOW_S: i64 = 901;
const PASSWORD: &str = "correct horse battery";

async fn account(world: &World, login: &str) -> String {
    let body = json!({ "login": login, "name": login, "role": Role::Auditor, "password": PASSWORD });
    let path = format!("/v1/tenants/{}/accounts", world.tenant());
    let made = world.api(Method::POST, &path, Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// A try from an address of its own.
async fn attempt(world: &World, login: &str, password: &str, address: usize) -> Result<String, Problem> {
    let from = format!("203.0.113.{address}");
    let entered = sign_in(&world.running.bridge, login, password, &from, "x").await;
    entered.map(|(cookie, _)| cookie).map_err(|error| error.problem())
}

#[tokio::test]
async fn t11_sixteen_tries_of_a_login_at_once_get_five() {
    let world = World::start().await;
    account(&world, "victim").await;
    let (mut attempts, mut successes) = (0, 0);
    for round in 0..4 {
        for login in ["victim", "nobody.here"] {
            let tries = join_all((0..AT_ONCE).map(|n| attempt(&world, login, "guess", n))).await;
            let count = |want: Problem| tries.iter().filter(|tried| **tried == Err(want)).count();
            let counts = (count(problem::WRONG_SIGN_IN), count(problem::LOCKED));
            assert_eq!(counts, (PER_LOGIN, AT_ONCE - PER_LOGIN), "round {round}, {login}");
            let late = attempt(&world, login, PASSWORD, 99).await;
            assert_eq!(late, Err(problem::LOCKED), "a lock says nothing about the password");
            attempts += tries.len() + 1;
            successes += tries.iter().chain([&late]).filter(|tried| tried.is_ok()).count();
        }
        world.advance_s(WINDOW_S);
    }
    assert_eq!((attempts, successes), (8 * (AT_ONCE + 1), 0));
    assert!(attempt(&world, "victim", PASSWORD, 0).await.is_ok());
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

#[tokio::test]
async fn t11_an_unknown_login_takes_as_long_as_a_wrong_password() {
    const ALIKE: f64 = 0.2;

    let world = World::start().await;
    for n in 0..20 {
        account(&world, &format!("known{n:02}")).await;
    }
    let mut apart = Vec::new();
    // A busy machine may disturb one measurement; a difference that can be used is in each.
    for round in 0..3 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for n in 0..20 {
            let mut both = [(format!("known{n:02}"), &mut known), (format!("other{n:02}"), &mut unknown)];
            both.rotate_left(n % 2);
            for (login, times) in both {
                let began = Instant::now();
                let tried = attempt(&world, &login, "wrong horse battery", n).await;
                times.push(began.elapsed());
                assert_eq!(tried, Err(problem::WRONG_SIGN_IN), "round {round}, {login}");
            }
        }
        let (a, b) = (median(known), median(unknown));
        apart.push((a - b).abs() / a.max(b));
        if apart[round] < ALIKE {
            return;
        }
        world.advance_s(WINDOW_S);
    }
    panic!("the medians of the answers differ by {apart:?}");
}

#[tokio::test]
async fn t2_a_cookie_opens_nothing_after_its_session_has_ended() {
    let world = World::start().await;
    let id = account(&world, "leaver").await;
    let (bridge, mut attempts, mut opened) = (&world.running.bridge, 0, 0);
    for round in 0..10 {
        let cookie = attempt(&world, "leaver", PASSWORD, round).await.unwrap();
        let entered = session(bridge, &cookie).await.unwrap().unwrap();
        // Older than a minute, so that each request also wants to note when it came.
        world.advance_s(61);
        let before = join_all((0..AT_ONCE).map(|_| session(bridge, &cookie)));
        let path = format!("/v1/accounts/{id}/sessions/{}", entered.id.as_str());
        let (_, ended) = tokio::join!(before, world.api(Method::DELETE, &path, None));
        assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.body);
        let replayed = join_all((0..AT_ONCE).map(|_| session(bridge, &cookie))).await;
        attempts += replayed.len();
        opened += replayed.iter().filter(|found| !matches!(found, Ok(None))).count();
    }
    assert_eq!((attempts, opened), (10 * AT_ONCE, 0));
}

#[tokio::test]
async fn t11_no_password_key_or_cookie_reaches_the_log_or_the_table() {
    let captured = logs::capture();
    let world = World::start().await;
    let tenant = world.tenant();
    account(&world, "planted").await;
    let cookie = attempt(&world, "planted", PASSWORD, 1).await.unwrap();
    let made = json!({ "name": "ci", "role": "auditor" });
    let made = world.api(Method::POST, &format!("/v1/tenants/{tenant}/api-keys"), Some(&made)).await.json();
    let key = made["key"].as_str().unwrap().to_owned();
    let header = format!("Bearer {key}");
    world.api_with(Method::GET, "/v1/me", None, &[("authorization", &header)]).await;
    let typed = ["planted.password.one", "planted password two"];
    assert_eq!(attempt(&world, typed[0], "x", 2).await, Err(problem::WRONG_SIGN_IN), "in the wrong field");
    assert_eq!(attempt(&world, "planted", typed[1], 2).await, Err(problem::WRONG_SIGN_IN));
    let admin = world.demo().remembered.admin_password.clone();
    let (lines, kept) = (captured.text(), crate::t11_password::table(&world).await);
    assert!(lines.contains("/v1/me") && kept.contains("argon2id"), "log and table were read");
    let secrets =
        [PASSWORD, typed[0], typed[1], &admin, key.split_once('.').unwrap().1, cookie.split_once('.').unwrap().1];
    for secret in secrets {
        assert!(!lines.contains(secret) && !kept.contains(secret), "{secret} leaked");
    }
}
