//! WeLink's own QR element on the bridge's page, and what its frame does after a scan.

use http::StatusCode;
use url::Url;

use crate::scan::attribute;
use crate::web::{Browser, Page};
use crate::world::World;

/// A browser that shows the element.
#[derive(Debug, Clone)]
pub struct ElementPage {
    pub browser: Browser,
    pub page: Page,
    /// Where the page goes with the frame's code.
    pub onward: String,
    client_id: String,
}

impl ElementPage {
    pub async fn open(mut browser: Browser, url: &str) -> Self {
        let page = browser.get(&url.parse().unwrap()).await.unwrap();
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let onward = attribute(&page, "data-onward").expect("the page shows the element");
        let client_id = attribute(&page, "data-client-id").unwrap();
        Self { browser, page, onward, client_id }
    }

    /// The address with which WeLink sends the browser back after this member's scan.
    pub async fn callback(&self, world: &World, login: &str) -> Url {
        let code = world.demo().welink.scan_element(&format!("{login}@welink"), &self.client_id).unwrap();
        // A visit of WeLink's own host: none of the bridge's cookies go there.
        let answered = world.browser().get(&format!("{}{code}", self.onward).parse().unwrap()).await.unwrap();
        assert_eq!(answered.status, StatusCode::FOUND, "{}", answered.body);
        answered.header("location").unwrap().parse().unwrap()
    }

    /// The whole way after this member's scan, up to the OA's page or the one that says why not.
    pub async fn come_back(&mut self, world: &World, login: &str) -> Page {
        let callback = self.callback(world, login).await;
        let mut browser = self.browser.clone();
        let page = land(&mut browser, &callback).await;
        self.browser = browser;
        page
    }
}

/// Opens a callback in this browser and goes on as far as it leads.
pub async fn land(browser: &mut Browser, callback: &Url) -> Page {
    let answered = browser.get(callback).await.unwrap();
    let page = browser.follow(answered).await.unwrap();
    let Some((landing, ticket)) = page.form("handoff") else { return page };
    let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
    browser.follow(landed).await.unwrap()
}

impl World {
    pub async fn element(&self) -> ElementPage {
        self.element_at("").await
    }

    /// The same page with this query.
    pub async fn element_at(&self, query: &str) -> ElementPage {
        ElementPage::open(self.desktop(), &format!("{}{query}", self.screen_url())).await
    }
}
