//! The way over the OA's own sign-in page, step by step: to the binding page, away, back with an answer.

use http::StatusCode;
use sim::welink::Member;
use url::Url;

use crate::web::{Browser, Page};
use crate::world::World;

/// Adds so many members to the company whom nobody has linked; gives their logins.
pub fn newcomers(world: &World, count: usize) -> Vec<String> {
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

/// A browser of this member in front of the binding page of the demonstration's app.
pub async fn at_the_door(world: &World, member: &str) -> Browser {
    at_the_door_of(world, &world.homepage(), member).await
}

/// The same for another app.
pub async fn at_the_door_of(world: &World, homepage: &Url, member: &str) -> Browser {
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, homepage, member).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/bind"), "{}", page.body);
    browser
}

/// Presses the button; gives the answer as it is.
pub async fn press(world: &World, browser: &mut Browser) -> Page {
    browser.post_form(&world.bridge("/bind/oa"), &[]).await.unwrap()
}

/// Presses the button and gives the address of the OA's sign-in page that it leads to.
pub async fn leave(world: &World, browser: &mut Browser) -> Url {
    let page = press(world, browser).await;
    let next = page.next().unwrap_or_else(|| panic!("the button leads nowhere: {}", page.body));
    Url::parse(&next).unwrap()
}

/// Signs in at the simulated OA's page; gives the address that it sends the browser back to.
pub async fn sign_in_there(browser: &mut Browser, authorize: &Url, login: &str, password: &str) -> Url {
    let fields = [("account", login), ("password", password)].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let answered = browser.post_form(authorize, &fields).await.unwrap();
    Url::parse(answered.header("location").unwrap_or_else(|| panic!("not signed in: {}", answered.body))).unwrap()
}

/// Follows a success on to the OA; any other page is given as it is.
pub async fn go_on(browser: &mut Browser, page: Page) -> Page {
    let page = browser.follow(page).await.unwrap();
    let Some((landing, ticket)) = page.form("handoff") else { return page };
    let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
    browser.follow(landed).await.unwrap()
}

/// Why the binding page shows itself again.
pub fn denied(page: &Page) -> Option<&str> {
    page.body.split("data-denied=\"").nth(1)?.split('"').next()
}

/// A field of an address's query.
pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The address with this field of its query changed, or left out.
pub fn with_query(url: &Url, name: &str, value: Option<&str>) -> Url {
    let rest: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| key != name).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(rest).extend_pairs(value.map(|value| (name, value)));
    changed
}
