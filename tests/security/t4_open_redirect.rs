//! T4: a deep link that leads out of the OA. Some 200 payloads; every one ends on the OA's own host.

use http::StatusCode;
use tests::console::Console;
use tests::web::Page;
use tests::world::{LINKED, World};

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

/// Whether a browser that gets this answer stays where it is.
fn stays(page: &Page) -> bool {
    let Some(location) = page.header("location") else { return page.status != StatusCode::SEE_OTHER };
    page.url.join(location).is_ok_and(|next| next.origin() == page.url.origin())
}

#[tokio::test]
async fn t4_no_payload_leaves_the_console() {
    let world = World::start().await;
    let (mut attempts, mut left) = (0, Vec::new());
    let mut console = Console::stranger(&world);
    for payload in payloads() {
        for path in ["/language?to=en", "/sign-in?done=saved"] {
            let mut url = console.url(path);
            url.query_pairs_mut().append_pair("back", &payload);
            let page = console.browser.get(&url).await.unwrap();
            attempts += 1;
            left.extend((!stays(&page)).then(|| format!("{url}: {:?}", page.header("location"))));
        }
    }
    // Each sign-in costs a password hash, so here one host stands for all.
    let password = world.demo().remembered.admin_password.clone();
    for payload in payloads().iter().filter(|payload| payload.contains("evil.example") && !payload.contains("%2f")) {
        let fields = [("login", "admin"), ("password", password.as_str()), ("back", payload)];
        let page = Console::stranger(&world).post("/sign-in", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        attempts += 1;
        left.extend((!stays(&page)).then(|| format!("sign-in {payload:?}: {:?}", page.header("location"))));
        if attempts % 8 == 0 {
            let fields = [("login", "admin"), ("password", &password), ("resume", payload), ("kept", "name=x")];
            let page = Console::stranger(&world).post("/sign-in", &fields).await;
            let form = tests::console::forms(&page.body).remove(0);
            attempts += 1;
            left.extend((page.url.join(&form.action).unwrap().origin() != page.url.origin()).then_some(form.action));
        }
    }
    assert!(attempts >= 450, "{attempts}");
    assert!(left.is_empty(), "{} of {attempts} left: {left:#?}", left.len());
}
