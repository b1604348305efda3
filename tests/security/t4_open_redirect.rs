//! T4: a deep link that leads out of the OA. Some 200 payloads; every one ends on the OA's own host.

use tests::world::LINKED;

use crate::unpaced;

/// Ways in which addresses have been smuggled past checks, each with hosts of an attacker.
fn payloads() -> Vec<String> {
    let hosts =
        ["evil.example", "evil.example%2f", "oa.localhost.evil.example", "xn--vil-lma.example", "127.0.0.1", "[::1]"];
    let shapes = [
        "//{}",
        "///{}",
        "////{}",
        "/\\{}",
        "\\/{}",
        "\\\\{}",
        "https://{}",
        "http:{}",
        "https:{}",
        "https:///{}",
        "/%2f{}",
        "/%2F%2F{}",
        "/%5c{}",
        "/%5C%5C{}",
        "/%252f{}",
        "/%09/{}",
        "/\t/{}",
        "/\n/{}",
        "/\r/{}",
        " //{}",
        "/ /{}",
        "//oa.localhost@{}",
        "https://oa.localhost@{}",
        "https://oa.localhost:pass@{}/",
        "/.//{}",
        "/..//{}",
        "/%2e%2e//{}",
        "/./%2f{}",
        "javascript:alert('{}')",
        "data:text/html,{}",
        "//{}#/todo",
        "//{}?/todo",
        "/\u{2028}//{}",
        "/\u{ff0f}/{}\u{0}",
        "ftp://{}",
    ];
    hosts.iter().flat_map(|host| shapes.iter().map(move |shape| shape.replace("{}", host))).collect()
}

#[tokio::test]
async fn t4_no_payload_leaves_the_allow_list() {
    let world = unpaced().await;
    let payloads = payloads();
    assert!(payloads.len() >= 200, "{}", payloads.len());
    let mut left = Vec::new();
    for payload in &payloads {
        let mut url = world.homepage();
        url.query_pairs_mut().append_pair("to", payload);
        let page = world.sign_in(&mut world.browser(), &url, LINKED).await;
        let inside =
            page.url.host_str() == Some("oa.localhost") && page.status.is_success() | page.status.is_client_error();
        if !inside {
            left.push((payload.clone(), page.url.clone()));
        }
    }
    assert!(left.is_empty(), "{} of {} left: {left:?}", left.len(), payloads.len());
}
