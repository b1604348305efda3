//! T7 and T9 at the console: no secret in a page, none of what is typed in the log, and headers that let nothing in.

use http::StatusCode;
use regex::Regex;
use tests::console::{Console, Things, forms, route};
use tests::logs;
use tests::web::Page;
use tests::world::World;

/// Bytes of a page with its stylesheet and its script at most (ui.md 4), as they are, without any compression.
const PAGE_BYTES_MAX: usize = 60 * 1024;

/// All that a page loads is the console's own, and nothing of it stands in the page itself.
fn is_self_contained(page: &Page) {
    let (at, policy) = (&page.url, page.header("content-security-policy").unwrap());
    for demanded in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
    {
        assert!(policy.contains(demanded), "{at}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{at}: {policy}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value), "{at}");
    }
    let tag = Regex::new("<[a-zA-Z][^>]*>").unwrap();
    let inline = Regex::new(r"\s(style|on[a-z]+)=").unwrap();
    let loaded = Regex::new(r#"\s(?:src|srcset|data|poster)="([^"]*)"|<link[^>]*\shref="([^"]*)""#).unwrap();
    for found in tag.find_iter(&page.body) {
        let tag = found.as_str();
        assert!(!inline.is_match(tag), "{at}: {tag}");
        assert!(!tag.starts_with("<script") || tag.contains(" src="), "{at}: {tag}");
        assert!(!["<style", "<iframe", "<object", "<embed"].iter().any(|name| tag.starts_with(name)), "{at}: {tag}");
        for source in loaded.captures_iter(tag) {
            let source = source.get(1).or(source.get(2)).unwrap().as_str();
            assert!(source.starts_with("/assets/") || source == "data:,", "{at} loads {source}");
        }
    }
}

#[tokio::test]
async fn t9_every_page_of_the_console_is_small_self_contained_and_without_secrets() {
    let world = World::start().await;
    let things = Things::own(&world).await;
    let mut owner = Console::owner(&world).await;
    let known = &world.demo().remembered;
    let cookie = owner.browser.cookie("console.localhost", "__Host-console").unwrap().to_owned();
    let secrets = [
        known.client_secret.as_str(),
        &known.scim_bearer,
        &known.push_secret,
        &known.pull_secret,
        &known.oidc_client_secret,
        &known.admin_password,
        tests::console::PASSWORD,
        &world.running.operator_key,
        cookie.split_once('.').unwrap().1,
        "argon2",
    ];
    assert!(secrets.iter().all(|secret| secret.len() >= 6), "every one of them is there");
    let assets = ["/assets/console.css", "/assets/console.js"];
    let mut assets_bytes = 0;
    for path in assets {
        assets_bytes += owner.get(path).await.body.len();
    }
    let (mut seen, mut largest) = (0, 0);
    let mut paths: Vec<String> = things.pages().into_iter().map(|(_, path)| path).collect();
    paths.extend(["/setup", "/sign-in", "/nowhere", "/apps/a_nobody"].map(str::to_owned));
    paths.push(things.fill("/enterprises/{enterprise}?check=all"));
    paths.push(things.fill("/enterprises/{enterprise}/directory?link=linked"));
    for path in &paths {
        let page = owner.get(path).await;
        for secret in secrets {
            assert!(!page.body.contains(secret), "{path} shows {secret}");
        }
        if page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            is_self_contained(&page);
            largest = largest.max(page.body.len());
            let bytes = page.body.len() + assets_bytes;
            assert!(bytes <= PAGE_BYTES_MAX, "{path}: {bytes} bytes");
            seen += 1;
        }
    }
    assert!(seen >= 25, "{seen}");
    assert!(largest > 4 * 1024, "{largest}");
}

#[tokio::test]
async fn t7_nothing_that_is_typed_into_the_console_reaches_the_log() {
    let captured = logs::capture();
    let world = World::start().await;
    let things = Things::own(&world).await;
    let mut owner = Console::owner(&world).await;
    let mut stranger = Console::stranger(&world);
    let mut planted = Vec::new();
    for (_, path) in things.pages() {
        for form in forms(&owner.get(&path).await.body) {
            if form.method != "POST" || form.action == "/sign-out" || form.action.ends_with("/continue") {
                continue;
            }
            let mut filled = form.clone();
            for name in form.typed.iter().chain(&form.secret) {
                let canary = format!("canary{:04}planted", planted.len());
                filled = filled.with(name, &canary);
                planted.push(canary);
            }
            // Based on no version, so that none of them is saved.
            let filled = filled.with("version", "0");
            let answer = owner.submit(&filled).await;
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}", form.action);
            assert!(route("POST", &form.action).is_some(), "{} leads nowhere", form.action);
            stranger.submit(&filled).await;
        }
    }
    for (path, fields) in [("/sign-in", ["login", "password", "kept"]), ("/setup", ["key", "team", "password"])] {
        let canaries: Vec<String> = (0..3).map(|n| format!("canary{:04}planted", planted.len() + n)).collect();
        let fields: Vec<(&str, &str)> = fields.into_iter().zip(canaries.iter().map(String::as_str)).collect();
        stranger.post(path, &fields).await;
        planted.extend(canaries);
    }
    let lines = captured.text();
    assert!(lines.contains("/accounts") && lines.contains("/sign-in"), "the log was captured");
    assert!(planted.len() >= 60, "{}", planted.len());
    let leaked: Vec<&String> = planted.iter().filter(|canary| lines.contains(canary.as_str())).collect();
    assert!(leaked.is_empty(), "{} of {} leaked: {leaked:?}", leaked.len(), planted.len());
}
