//! T9: what a client learns of a failure: a problem, a trace id, nothing of the inside. The headers of every answer in
//! all tests are held against an allow-list (`tests::web`).

use http::StatusCode;
use sim::faults::{Knob, Rule};
use tests::world::{LINKED, World};

/// Words of the inside that no answer may hold.
const INSIDE: [&str; 16] = [
    "reqwest",
    "hyper",
    "dynoxide",
    "sqlite",
    "SdkError",
    "Exception",
    "127.0.0.1",
    "panicked",
    "RUST_BACKTRACE",
    "src/",
    "welink.localhost",
    "/api/auth",
    "access_token",
    "serde",
    "expected value",
    "Simulat",
];

#[tokio::test]
async fn t9_failures_of_every_neighbour_tell_nothing_of_the_inside() {
    let world = World::start().await;
    let mut told = 0;
    for knob in
        [Knob::Http5xx, Knob::Html, Knob::Malformed, Knob::Truncated, Knob::UnknownCode, Knob::Reset, Knob::WrongTypes]
    {
        world.demo().faults.set(knob, Rule::per_mille(1000).under("/api/auth/v2/userid"));
        let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
        world.demo().faults.clear();
        if page.status == StatusCode::OK {
            continue; // the client survives this one (wrong types)
        }
        told += 1;
        assert!(page.problem().is_some() && page.body.contains(page.trace()), "{knob:?}: {}", page.body);
        for word in INSIDE {
            assert!(!page.body.contains(word), "{knob:?} tells {word}: {}", page.body);
        }
    }
    assert!(told >= 6, "{told}");
    let key = format!("Bearer {}", world.running.operator_key);
    for body in ["", "{", "[]", "{\"name\": 1}", "null"] {
        let url = format!("{}/v1/tenants", world.running.origin("console")).parse().unwrap();
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        let page = world.browser().send(http::Method::POST, &url, &headers, body.to_owned()).await.unwrap();
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{body}");
        let problem = page.json();
        assert!(problem["trace"].as_str().is_some_and(|trace| trace == page.trace()));
        for word in ["src/", "serde_json", "panicked"] {
            assert!(!page.body.contains(word), "{}", page.body);
        }
    }
}
