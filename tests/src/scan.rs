//! Scan login from both sides: a screen with a code, and a phone that scans it.

use http::{HeaderValue, Method, StatusCode, header};
use regex::Regex;
use serde_json::{Value, json};
use url::Url;

use crate::web::{Browser, Page};
use crate::world::World;

/// What a browser on a desk says of itself.
pub const DESKTOP_AGENT: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";

/// A browser that shows a code on the bridge's own page.
#[derive(Debug, Clone)]
pub struct Screen {
    pub browser: Browser,
    pub page: Page,
    /// What the code holds.
    pub code: Url,
    /// The code's id.
    pub id: String,
    poll: Url,
}

/// An attribute of the page, by its name.
pub fn attribute(page: &Page, name: &str) -> Option<String> {
    let found = Regex::new(&format!(r#"{name}="([^"]*)""#)).unwrap().captures(&page.body)?;
    Some(found[1].replace("&#38;", "&").replace("&amp;", "&"))
}

impl World {
    /// A browser on a desk.
    pub fn desktop(&self) -> Browser {
        let mut browser = self.browser();
        browser.headers.insert(header::USER_AGENT, HeaderValue::from_static(DESKTOP_AGENT));
        browser
    }

    /// The bridge's own page with a code for the demonstration's OA.
    pub fn screen_url(&self) -> Url {
        self.bridge(&format!("/qr/{}", self.demo().remembered.oa_instance))
    }

    /// Opens that page in this browser.
    pub async fn screen_in(&self, mut browser: Browser) -> Screen {
        let page = browser.get(&self.screen_url()).await.unwrap();
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let code: Url = attribute(&page, "data-code").expect("the page shows a code").parse().unwrap();
        let poll = page.url.join(&attribute(&page, "data-poll").unwrap()).unwrap();
        let id = code.path().trim_start_matches("/q/").to_owned();
        Screen { browser, page, code, id, poll }
    }

    pub async fn screen(&self) -> Screen {
        self.screen_in(self.desktop()).await
    }

    /// Opens a scanned code on this member's phone and answers with his one-time code: the confirmation, or the page
    /// that says why not.
    pub async fn scan(&self, phone: &mut Browser, code: &Url, login: &str) -> Page {
        let opened = phone.get(code).await.unwrap();
        let Some((action, mut fields)) = opened.form("answer") else { return opened };
        let welink = self.code(login);
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&welink));
        let answered = phone.post_form(&action, &fields).await.unwrap();
        phone.follow(answered).await.unwrap()
    }

    /// Answers the confirmation: submits its form of this name.
    pub async fn answer_scan(&self, phone: &mut Browser, confirmation: &Page, form: &str) -> Page {
        let (action, fields) = confirmation.form(form).unwrap_or_else(|| panic!("no {form}: {}", confirmation.body));
        let answered = phone.post_form(&action, &fields).await.unwrap();
        phone.follow(answered).await.unwrap()
    }

    /// Scans and confirms on this phone.
    pub async fn confirm(&self, phone: &mut Browser, code: &Url, login: &str) -> Page {
        let confirmation = self.scan(phone, code, login).await;
        self.answer_scan(phone, &confirmation, "approve").await
    }

    /// A second enterprise of the demonstration's tenant with an app of its own; that app's id.
    pub async fn second_enterprise(&self) -> String {
        let known = &self.demo().remembered;
        let new = sim::welink::NewApp {
            tenant_id: known.welink_tenant.clone(),
            name_zh: "分公司".to_owned(),
            name_en: "Branch".to_owned(),
            ..sim::welink::NewApp::default()
        };
        let credentials = self.demo().welink.add_app(new).unwrap();
        let path = format!("/v1/tenants/{}/enterprises", known.tenant);
        let branch = self.api(Method::POST, &path, Some(&json!({ "name": "分公司" }))).await.json();
        let path = format!("/v1/enterprises/{}/apps", branch["id"].as_str().unwrap());
        let app = json!({
            "name": "分公司应用", "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.expose(),
            "homepage": { "mode": "oa-app", "oa_app": "portal" },
        });
        let made = self.api(Method::POST, &path, Some(&app)).await;
        made.json()["id"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_owned()
    }

    /// Changes the settings of scan login.
    pub async fn set_scan_login(&self, mut change: Value) -> Value {
        let path = format!("/v1/tenants/{}/scan-login", self.tenant());
        let seen = self.api(Method::GET, &path, None).await.json();
        change["version"] = seen["version"].clone();
        if change.get("enabled").is_none() {
            change["enabled"] = json!(true);
        }
        let saved = self.api(Method::PUT, &path, Some(&change)).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
        saved.json()
    }
}

impl Screen {
    /// Asks how far the code is, after the pause that is due.
    pub async fn poll(&mut self, world: &World) -> Page {
        world.advance_s(domain::qr::POLL_S);
        self.browser.get(&self.poll).await.unwrap()
    }

    /// The same at once, from another browser.
    pub async fn poll_by(&self, browser: &mut Browser) -> Page {
        browser.get(&self.poll).await.unwrap()
    }

    /// Goes on after a confirmation, up to the OA's page or the one that says why not.
    pub async fn enter(&mut self) -> Page {
        let mut browser = self.browser.clone();
        let page = self.enter_by(&mut browser).await;
        self.browser = browser;
        page
    }

    /// The same from another browser.
    pub async fn enter_by(&self, browser: &mut Browser) -> Page {
        let (action, fields) = self.page.form("enter").expect("the page can go on");
        let answered = browser.post_form(&action, &fields).await.unwrap();
        let page = browser.follow(answered).await.unwrap();
        let Some((landing, ticket)) = page.form("handoff") else { return page };
        let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
        browser.follow(landed).await.unwrap()
    }
}
