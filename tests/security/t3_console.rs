//! T3 at the console: another site makes an administrator's browser act. Every unsafe page, taken from the router's own
//! list.

use admin::PageRoute;
use domain::audit::Action;
use domain::role::{Permission, Role};
use http::{Method, StatusCode};
use tests::console::{Console, PASSWORD, Things, Values, account, forms};
use tests::web::Page;
use tests::world::World;

/// What a browser sends with a form of the console's own page.
const OWN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];
/// Every field that holds a secret, in any form.
const SECRETS: [&str; 8] = [
    "client_secret",
    "scim_bearer",
    "push_secret",
    "pull_secret",
    "oidc_secret",
    "password",
    "current_password",
    "key",
];

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Its name, the token that it brings, and what the browser says of it.
type Attack<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

/// Pages that change something for whoever is signed in.
fn unsafe_pages() -> impl Iterator<Item = &'static PageRoute> {
    admin::PAGES.iter().filter(|page| page.method != "GET" && page.needs != Permission::Anybody)
}

/// A form that would be taken, were it not for what is wrong with it.
fn form(token: Option<&str>) -> Values {
    let mut form = values(&[("name", "attack"), ("version", "1"), ("authority", "oa"), ("confirm", "attack")]);
    form.extend(values(&[("login", "attack"), ("role", "owner"), ("count", "0"), ("oa_user", "lihua")]));
    form.extend(token.map(|token| ("csrf".to_owned(), token.to_owned())));
    form
}

#[tokio::test]
async fn t3_every_unsafe_page_refuses_strangers_other_sites_and_tokens_that_are_not_its_own() {
    let world = World::start().await;
    let things = Things::own(&world).await;
    let mut owner = Console::owner(&world).await;
    let token = owner.csrf.clone();
    let twin = Console::owner(&world).await.csrf;
    let other = Console::of_role(&world, Role::Auditor).await.csrf;
    assert!(twin != token && other != token);
    let attacks: [Attack<'_>; 11] = [
        ("no token", None, &OWN),
        ("an empty token", Some(""), &OWN),
        ("a wrong token", Some("00000000000000000000000000"), &OWN),
        ("the token of another session of his", Some(&twin), &OWN),
        ("the token of somebody else", Some(&other), &OWN),
        ("no token and a silent browser", None, &[]),
        ("cross-site", Some(&token), &[("sec-fetch-site", "cross-site")]),
        ("same-site", Some(&token), &[("sec-fetch-site", "same-site")]),
        ("origin", Some(&token), &[("origin", "https://evil.example")]),
        ("origin under the same name", Some(&token), &[("origin", "http://bridge.localhost")]),
        ("origin null", Some(&token), &[("origin", "null")]),
    ];
    let before = world.audit().await.len();
    let (mut attempts, mut refused) = (0, 0);
    for page in unsafe_pages() {
        let path = things.fill(page.path);
        for (name, token, headers) in &attacks {
            let answer = owner.post_as(&path, &form(*token), headers).await;
            attempts += 1;
            refused += usize::from(answer.status == StatusCode::FORBIDDEN);
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {name}: {}", answer.body);
            assert!(answer.header("set-cookie").is_none(), "{path} with {name}");
        }
    }
    assert!(attempts >= 11 * 35, "{attempts}");
    assert_eq!(refused, attempts);
    assert_eq!(world.audit().await.len(), before, "nothing was changed");
    assert!(owner.is_in().await, "nobody was signed out");
}

/// The form in which what was typed waits for its author.
fn kept(page: &Page) -> Values {
    let sign_in = forms(&page.body).into_iter().find(|form| form.action == "/sign-in").expect("a way in");
    let kept = sign_in.value("kept").unwrap_or_default().to_owned();
    url::form_urlencoded::parse(kept.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn t3_a_form_of_nobody_changes_nothing_and_is_given_back_without_its_secrets() {
    let world = World::start().await;
    let things = Things::own(&world).await;
    let typed = ["name", "key_name", "require_password", "link_hosts", "document"];
    let mut sent = values(&[("csrf", "planted-token")]);
    sent.extend(typed.iter().map(|name| ((*name).to_owned(), format!("typed {name} 云"))));
    sent.extend(SECRETS.iter().map(|name| ((*name).to_owned(), format!("planted-{name}"))));
    let before = world.audit().await.len();
    let mut attempts = 0;
    for page in unsafe_pages() {
        let path = things.fill(page.path);
        for cookie in [None, Some("nonsense"), Some("u_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.abc")] {
            let mut stranger = Console::stranger(&world);
            if let Some(cookie) = cookie {
                stranger.browser.set_cookie("console.localhost", "__Host-console", cookie);
            }
            let answer = stranger.post_as(&path, &sent, &OWN).await;
            attempts += 1;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.body);
            assert!(!answer.body.contains("planted-"), "{path} gives a secret back: {}", answer.body);
            let kept = kept(&answer);
            if page.path.ends_with("}/import") {
                assert!(kept.is_empty(), "what a file was sent with is asked for once more");
                continue;
            }
            for name in typed {
                let value = kept.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
                assert_eq!(value, Some(format!("typed {name} 云")), "{path}");
            }
        }
    }
    assert!(attempts >= 3 * 35, "{attempts}");
    assert_eq!(world.audit().await.len(), before, "nothing was changed");
    // Pages that are only looked at lead to the sign-in, and back.
    for (_, path) in things.pages() {
        let answer = Console::stranger(&world).get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/sign-in"), "{path}");
    }
}

#[tokio::test]
async fn t3_another_site_signs_nobody_in_and_sets_no_bridge_up() {
    let world = World::start().await;
    account(&world, world.tenant().as_str(), "attacker", Role::Owner).await;
    let strange: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let mut attempts = 0;
    for headers in strange {
        // Login CSRF: the attacker's own account, in the victim's browser.
        let fields = values(&[("login", "attacker"), ("password", PASSWORD)]);
        let mut victim = Console::stranger(&world);
        let answer = victim.post_as("/sign-in", &fields, headers).await;
        attempts += 1;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}: {}", answer.body);
        assert!(answer.header("set-cookie").is_none() && !victim.is_in().await, "{headers:?}");
    }
    assert_eq!(world.audited(Action::SessionBegin, "ok").await, 0);
    let empty = World::without_accounts(&[]).await;
    let made = empty.api(Method::POST, "/v1/setup-keys", None).await.json();
    let fields = [("key", made["key"].as_str().unwrap()), ("team", "x"), ("name", "x"), ("login", "attacker")];
    let mut fields = values(&fields);
    fields.extend(values(&[("password", PASSWORD)]));
    for headers in strange {
        let answer = Console::stranger(&empty).post_as("/setup", &fields, headers).await;
        attempts += 1;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}: {}", answer.body);
    }
    assert_eq!(attempts, 8);
    assert!(empty.running.bridge.store().tenants().await.unwrap().is_empty(), "nothing was set up");
    let own = Console::stranger(&empty).post_as("/setup", &fields, &OWN).await;
    assert_eq!(own.header("location"), Some("/sign-in?done=created"), "the same form from its own page: {}", own.body);
}

#[tokio::test]
async fn t3_a_page_of_the_console_outside_the_list_is_its_files_alone() {
    let world = World::start().await;
    let mut owner = Console::owner(&world).await;
    for path in ["/assets/console.css", "/assets/console.js"] {
        assert_eq!(owner.get(path).await.status, StatusCode::OK, "{path}");
    }
    let signed_out = owner.post("/sign-out", &[]).await;
    assert_eq!(signed_out.header("location"), Some("/sign-in?done=signed-out"), "{}", signed_out.body);
    assert!(!owner.is_in().await);
}
