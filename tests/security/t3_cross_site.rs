//! T3: another site makes a browser act. Every unsafe route of the console's host, taken from the router's own list,
//! and the sign-in callback.

use http::{Method, StatusCode};
use serde_json::json;
use tests::world::{LINKED, World};

use crate::{form_with, unpaced};

/// Its name, the headers that it sends, and the answer that it must get.
type Attack<'a> = (&'a str, Vec<(&'a str, &'a str)>, StatusCode);

#[tokio::test]
async fn t3_every_unsafe_admin_route_refuses_strangers_and_other_sites() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let right = format!("Bearer {}", world.running.operator_key);
    let attacks: [Attack<'_>; 5] = [
        ("no key", vec![], StatusCode::UNAUTHORIZED),
        ("not a bearer", vec![("authorization", "Basic b3A6b3A=")], StatusCode::UNAUTHORIZED),
        ("cross-site", vec![("authorization", &right), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        ("same-site", vec![("authorization", &right), ("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        ("origin", vec![("authorization", &right), ("origin", "https://evil.example")], StatusCode::FORBIDDEN),
    ];
    let before = world.audit().await.len();
    let (mut attempts, mut refused) = (0, 0);
    for (method, route) in tests::world::routes().filter(|(method, _)| *method != "GET") {
        let path = route
            .replace("{tenant}", known.tenant.as_str())
            .replace("{enterprise}", known.enterprise.as_str())
            .replace("{app}", known.app.as_str())
            .replace("{user}", &format!("{LINKED}@welink"));
        for (name, headers, want) in &attacks {
            let body = json!({ "name": "attack", "version": 0, "enabled": false, "client_secret": "x" });
            let page = world.api_with(method.parse::<Method>().unwrap(), &path, Some(&body), headers).await;
            attempts += 1;
            refused += usize::from(page.status == *want);
            assert_eq!(page.status, *want, "{method} {path} with {name}: {}", page.body);
        }
    }
    assert!(attempts >= 35, "{attempts}");
    assert_eq!(refused, attempts);
    assert_eq!(world.audit().await.len(), before, "nothing was changed");
}

#[tokio::test]
async fn t3_wrong_keys_lock_their_address_after_ten() {
    let world = World::start().await;
    let mut statuses = Vec::new();
    for n in 0..12 {
        let key = format!("Bearer wrong-{n}");
        statuses.push(world.api_with(Method::GET, "/v1/tenants", None, &[("authorization", &key)]).await.status);
    }
    assert_eq!(statuses[..10], [StatusCode::UNAUTHORIZED; 10]);
    assert_eq!(statuses[10..], [StatusCode::TOO_MANY_REQUESTS; 2]);
    let right = world.api(Method::GET, "/v1/tenants", None).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "also the right key waits: a lock says nothing");
    world.advance_s(901);
    assert_eq!(world.api(Method::GET, "/v1/tenants", None).await.status, StatusCode::OK, "it ends by itself");
}

#[tokio::test]
async fn t3_a_sign_in_caused_by_another_site_is_refused() {
    let world = unpaced().await;
    let mut entered = 0;
    for extra in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        // Login CSRF: the attacker's own code and state, in the victim's browser, which has its own cookie.
        let mut attacker = world.browser();
        let (action, fields) = form_with(&world, &mut attacker, &world.code(LINKED)).await;
        let mut victim = world.browser();
        victim.get(&world.homepage()).await.unwrap();
        for browser in [&mut attacker, &mut victim] {
            let headers = [("content-type", "application/x-www-form-urlencoded"), extra];
            let page = browser.send(Method::POST, &action, &headers, tests::web::encode(&fields)).await.unwrap();
            entered += usize::from(page.status == StatusCode::SEE_OTHER);
            assert_eq!(page.problem().as_deref(), Some("cross-site"), "{extra:?}");
        }
        // Without any of the browser's hints the cookie decides.
        let page = victim.post_form(&action, &fields).await.unwrap();
        assert_eq!(page.problem().as_deref(), Some("state-refused"));
    }
    assert_eq!(entered, 0);
    assert!(world.demo().oa.sessions().is_empty());
}
