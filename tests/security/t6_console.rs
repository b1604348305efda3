//! T6 at the console: ids of another tenant in every place of every page, and sessions that ended or never were.

use domain::role::{Permission, Role};
use http::{Method, StatusCode};
use tests::console::{Console, PASSWORD, Things, account};
use tests::web::Page;
use tests::world::World;

/// Fields that every form of a page would take, so that nothing but the id is wrong.
const FIELDS: [(&str, &str); 12] = [
    ("name", "crossed"),
    ("version", "0"),
    ("authority", "welink"),
    ("confirm", "crossed"),
    ("count", "1"),
    ("oa_user", "1"),
    ("by", "login_id"),
    ("preview", "x"),
    ("client_secret", "x"),
    ("client_id", "x"),
    ("role", "owner"),
    ("field", "mobile"),
];

async fn ask(console: &mut Console<'_>, method: &str, path: &str) -> Page {
    if method == "GET" { console.get(path).await } else { console.post(path, &FIELDS).await }
}

/// The names of the ids in a path.
fn places(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| segment.starts_with('{')).collect()
}

#[tokio::test]
async fn t6_every_page_with_each_kind_of_foreign_id_is_not_found() {
    let world = World::start().await;
    let own = Things::own(&world).await;
    let other = Things::other(&world, &world.other_tenant().await).await;
    let mut owner = Console::owner(&world).await;
    let before = world.audit().await.len();
    let (mut attempts, mut found) = (0, Vec::new());
    for page in admin::PAGES {
        for place in places(page.path) {
            let mut tries: Vec<(String, String)> = Vec::new();
            // The right kind of the other tenant, beside what is one's own.
            tries.push(("foreign".to_owned(), other.0[place].clone()));
            // Every other kind of the other tenant, and of one's own.
            let kinds = other.0.iter().chain(&own.0).filter(|(kind, _)| **kind != place && **kind != "{user}");
            // An account of WeLink may be any text: nobody has this one.
            tries.extend(kinds.map(|(kind, id)| (format!("{kind} as {place}"), id.clone())));
            tries.push(("nobody's".to_owned(), Things::of_nobody().0[place].clone()));
            for (what, id) in tries {
                let path = own.fill(&page.path.replace(place, &id));
                let answer = ask(&mut owner, page.method, &path).await;
                attempts += 1;
                found.extend(
                    (answer.status != StatusCode::NOT_FOUND)
                        .then(|| format!("{} {} with {what} at {place}: {}", page.method, page.path, answer.status)),
                );
            }
        }
        if page.path.contains('{') {
            let answer = ask(&mut owner, page.method, &other.fill(page.path)).await;
            attempts += 1;
            found.extend((answer.status != StatusCode::NOT_FOUND).then(|| format!("all of {}", page.path)));
        }
    }
    assert!(attempts >= 700, "{attempts}");
    assert!(found.is_empty(), "{} of {attempts}: {found:#?}", found.len());
    assert_eq!(world.audit().await.len(), before, "nothing was changed");
}

#[tokio::test]
async fn t6_a_foreign_id_is_answered_like_one_of_nobody() {
    let world = World::start().await;
    let other = Things::other(&world, &world.other_tenant().await).await;
    let nobody = Things::of_nobody();
    let mut owner = Console::owner(&world).await;
    // What differs is the address itself, and the trace.
    let plain = |page: &Page| {
        let body = page.body.replace(page.trace(), "");
        body.lines().filter(|line| !line.contains("/language?")).collect::<Vec<_>>().join("\n")
    };
    let mut compared = 0;
    for page in admin::PAGES.iter().filter(|page| page.path.contains('{')) {
        let foreign = ask(&mut owner, page.method, &other.fill(page.path)).await;
        let unknown = ask(&mut owner, page.method, &nobody.fill(page.path)).await;
        assert_eq!(plain(&foreign), plain(&unknown), "{} {}", page.method, page.path);
        compared += 1;
    }
    assert!(compared >= 35, "{compared}");
}

#[tokio::test]
async fn t6_a_cookie_opens_its_own_account_alone_and_nothing_once_that_is_gone() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let theirs = account(&world, &other.tenant, "stranger", Role::Owner).await;
    let mine = account(&world, world.tenant().as_str(), "leaver", Role::Owner).await;
    let mut leaver = Console::sign_in(&world, "leaver", PASSWORD).await;
    let cookie = leaver.browser.cookie("console.localhost", "__Host-console").unwrap().to_owned();
    let (id, secret) = cookie.split_once('.').unwrap();
    assert_eq!(mine["id"], id);
    let things = Things::own(&world).await;
    let mut attempts = 0;
    let forged = [
        format!("{}.{secret}", theirs["id"].as_str().unwrap()),
        format!("{id}."),
        format!("{id}.{}", secret.to_ascii_uppercase()),
        secret.to_owned(),
        String::new(),
    ];
    for cookie in &forged {
        let mut forger = Console::stranger(&world);
        forger.browser.set_cookie("console.localhost", "__Host-console", cookie);
        attempts += refused_everywhere(&mut forger, &things).await;
    }
    assert!(leaver.is_in().await);
    let path = format!("/v1/accounts/{id}");
    assert_eq!(world.api(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    attempts += refused_everywhere(&mut leaver, &things).await;
    assert!(attempts >= 6 * 60, "{attempts}");
}

/// Asks for every page with what the browser has; all of them send it to sign in.
async fn refused_everywhere(console: &mut Console<'_>, things: &Things) -> usize {
    let pages = admin::PAGES.iter().filter(|page| page.needs != Permission::Anybody);
    let mut attempts = 0;
    for page in pages {
        let answer = ask(console, page.method, &things.fill(page.path)).await;
        let want = if page.method == "GET" { StatusCode::SEE_OTHER } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answer.status, want, "{} {}: {}", page.method, page.path, answer.body);
        attempts += 1;
    }
    attempts
}
