//! Chromium as a person holds it: a size, a language, light or dark; driven over WebDriver.
//!
//! Dropping it ends the browser and then reads what the whole browser has logged, popups and pages long gone included:
//! a complaint on any page's console, or a request to a host that is not ours, fails the test.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "only tests call this, and they fail by panicking"
)]

mod driver;
mod trail;

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::text::Lang;
use fantoccini::elements::Element;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::tools;
use crate::web::PHONE_AGENT;
use driver::{Driver, Raw};

/// How long a page may take to become what is waited for.
const WAIT_MAX: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// Bytes of a picture at most: the guide must stay small.
const PICTURE_BYTES_MAX: usize = 250_000;

/// How the browser presents itself.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// 360 wide as a phone, with touch and WeLink's agent; or a window on a desktop.
    pub phone: bool,
    pub lang: Lang,
}

/// A phone that speaks Chinese: what most employees hold.
pub const PHONE: Look = Look { phone: true, lang: Lang::Zh };
pub const DESKTOP: Look = Look { phone: false, lang: Lang::Zh };

/// A running browser.
#[derive(Debug)]
pub struct Chromium {
    pub client: Client,
    session: String,
    driver: Driver,
    folder: TempDir,
    port: u16,
}

impl Chromium {
    /// Starts a browser without history whose only reachable hosts are those of the local bridge at `port`.
    pub async fn start(look: Look, port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let driver = Driver::start();
        let capabilities = capabilities(look, folder.path());
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = builder.connect(&driver.origin()).await.expect("Chromium starts");
        let session = client.session_id().await.unwrap().expect("a session");
        Self { client, session, driver, folder, port }
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|why| panic!("{url}: {why}"));
    }

    pub async fn url(&self) -> Url {
        self.client.current_url().await.unwrap()
    }

    /// Waits for the element.
    pub async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(WAIT_MAX).every(LOOK_AGAIN);
        match wait.for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(why) => {
                let (at, page) = (self.client.current_url().await, self.client.source().await);
                panic!("{css}: {why}\nat {at:?}\n{}", page.unwrap_or_default())
            }
        }
    }

    pub async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    /// Waits for the element and reads it.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub async fn attr(&self, css: &str, name: &str) -> Option<String> {
        self.find(css).await.attr(name).await.unwrap()
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|why| panic!("{css}: {why}"));
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Runs a script in the page: the body of a function, which gives its result by `return`.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|why| panic!("{script}: {why}"))
    }

    /// Waits until the script gives true. A page that is just being left cannot answer, and is asked again.
    pub async fn until(&self, what: &str, script: &str) {
        let waited = tokio::time::timeout(WAIT_MAX, async {
            let mut again = tokio::time::interval(LOOK_AGAIN);
            while !self.client.execute(script, Vec::new()).await.is_ok_and(|value| value == true) {
                again.tick().await;
            }
        });
        let in_time = waited.await.is_ok();
        assert!(in_time, "not in time: {what}\n{}", self.client.source().await.unwrap_or_default());
    }

    pub async fn window(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    pub async fn switch_to(&self, window: &WindowHandle) {
        self.client.switch_to_window(window.clone()).await.unwrap();
    }

    /// Does something that opens a window, and goes on in that window.
    pub async fn opening<T>(&self, act: impl Future<Output = T>) -> T {
        let before = self.client.windows().await.unwrap();
        let done = act.await;
        let opened = tokio::time::timeout(WAIT_MAX, async {
            let mut again = tokio::time::interval(LOOK_AGAIN);
            loop {
                let now = self.client.windows().await.unwrap();
                if let Some(new) = now.into_iter().find(|window| !before.contains(window)) {
                    return new;
                }
                again.tick().await;
            }
        });
        self.switch_to(&opened.await.expect("a window opens")).await;
        done
    }

    /// A command of the DevTools protocol for this window.
    pub async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        let answer = self.client.issue_cmd(Raw { path: "goog/cdp/execute", body }).await;
        answer.unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    /// Shows this window in light or dark colours.
    pub async fn colours(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        // A frame, in which the new colours begin to fade in, and then until they have.
        let drawn = "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
        self.until("the colours are drawn", drawn).await;
        self.until("the colours have changed", "return document.getAnimations().length === 0").await;
    }

    /// Takes a picture of this window as `<name>.png`: into docs/guide/img when `BRIDGE_SCREENSHOTS` is 1, else into
    /// target/screenshots.
    pub async fn picture(&self, name: &str) {
        let settled = "return document.fonts.status === 'loaded' && document.readyState === 'complete'";
        self.until("the page is drawn", settled).await;
        let taken =
            self.devtools("Page.captureScreenshot", json!({ "format": "png", "optimizeForSpeed": false })).await;
        let bytes = STANDARD.decode(taken["data"].as_str().expect("a picture")).unwrap();
        assert!(bytes.len() <= PICTURE_BYTES_MAX, "{name}: {} bytes of {PICTURE_BYTES_MAX}", bytes.len());
        let folder = pictures();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Fails when axe-core finds anything serious in this window.
    pub async fn is_accessible(&self, what: &str) {
        let axe = std::fs::read_to_string(tools::axe()).unwrap();
        self.run(&axe).await;
        let script = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(found => done(\
                      found.violations.filter(rule => ['serious', 'critical'].includes(rule.impact)).flatMap(rule => \
                      rule.nodes.map(node => `${rule.id}: ${rule.help}: ${node.html}`))), why => done([String(why)]));";
        let found = self.client.execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(found, json!([]), "{what}");
    }
}

/// Ends the browser, so that it writes its logs, and judges them.
impl Drop for Chromium {
    fn drop(&mut self) {
        self.driver.end(&self.session);
        if !std::thread::panicking() {
            let complaints = trail::complaints(self.folder.path(), self.port);
            assert!(complaints.is_empty(), "{complaints:#?}");
        }
    }
}

fn capabilities(look: Look, folder: &Path) -> Value {
    let language = match look.lang {
        Lang::Zh => "zh-CN,zh",
        Lang::En => "en-US,en",
    };
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut args: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--enable-logging",
        "--window-size=1600,1000",
        // Whatever a page asks of others fails, and stands in the log of requests.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
    ]
    .map(str::to_owned)
    .to_vec();
    args.push(format!("--user-data-dir={}", path("profile")));
    args.push(format!("--log-file={}", path(trail::CONSOLE)));
    args.push(format!("--log-net-log={}", path(trail::REQUESTS)));
    let mut options = json!({ "prefs": { "intl": { "accept_languages": language } } });
    if look.phone {
        args.push(format!("--user-agent={PHONE_AGENT}"));
        let metrics = json!({ "width": 360, "height": 780, "pixelRatio": 2, "touch": true, "mobile": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    options["args"] = json!(args);
    // Pages are waited for by what they show; what they load on the side may never come.
    json!({ "browserName": "chrome", "pageLoadStrategy": "eager", "goog:chromeOptions": options })
}

/// Where pictures go.
fn pictures() -> PathBuf {
    let wanted = std::env::var("BRIDGE_SCREENSHOTS").is_ok_and(|value| value == "1");
    let folder = if wanted { "../docs/guide/img" } else { "../target/screenshots" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}
