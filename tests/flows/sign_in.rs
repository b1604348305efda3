//! HOM-01 to HOM-08: the homepage and the sign-in.

use http::StatusCode;
use tests::world::{LINKED, World};

#[tokio::test]
async fn hom_01_a_linked_member_reaches_the_configured_page_without_typing() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, &world.homepage(), LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.url.host_str(), Some("oa.localhost"));
    assert!(page.body.contains("lihua"), "{}", page.body);
    assert!(page.body.contains(r#"data-how="ticket""#), "{}", page.body);
}
