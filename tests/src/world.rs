//! A whole local bridge in memory, on real sockets, with its simulators: what most tests begin with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::ids::{EnterpriseId, TenantId};
use http::{Method, StatusCode};
use local::{Options, Running, Systems};
use platform::clock::Clock;
use platform::transport::Transport;
use serde_json::{Value, json};
use sim::welink;
use url::Url;

use crate::web::{Browser, Page};

/// A linked member of the demonstration company, and his OA login.
pub const LINKED: &str = "lihua";

/// The running bridge.
#[derive(Debug)]
pub struct World {
    pub running: Running,
    /// How far the world's clock is ahead of the machine's, milliseconds.
    ahead_ms: Arc<AtomicI64>,
}

/// A second tenant with everything below it, over the same simulators.
#[derive(Debug)]
pub struct OtherTenant {
    pub tenant: String,
    pub instance: String,
    pub push_secret: String,
    pub enterprise: String,
    pub app: String,
    pub client_id: String,
    /// A member of its company.
    pub member: String,
}

/// Method and path of each route of the administrator's API.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    admin::ROUTES.iter().map(|route| (route.method, route.path))
}

impl World {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with settings by their `BRIDGE_…` names.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::at(None, 0, settings).await
    }

    /// Starts without simulators and without an account, as with real systems.
    pub async fn without_accounts(settings: &[(&str, &str)]) -> Self {
        let real = Systems::Real { welink: "https://welink.invalid".to_owned() };
        Self::over(real, None, 0, settings).await
    }

    /// Starts with its data in this folder.
    pub async fn in_folder(folder: &Path, settings: &[(&str, &str)]) -> Self {
        Self::at(Some(folder.to_owned()), 0, settings).await
    }

    /// Starts on a port that was used before, with its data in this folder.
    pub async fn again(folder: &Path, port: u16) -> Self {
        Self::at(Some(folder.to_owned()), port, &[]).await
    }

    /// Starts in front of a WeLink of the test's own at this address; nothing is set up.
    pub async fn in_front_of(welink: &str, settings: &[(&str, &str)]) -> Self {
        Self::over(Systems::Real { welink: welink.to_owned() }, None, 0, settings).await
    }

    async fn at(data_dir: Option<PathBuf>, port: u16, settings: &[(&str, &str)]) -> Self {
        Self::over(Systems::Simulated, data_dir, port, settings).await
    }

    async fn over(systems: Systems, data_dir: Option<PathBuf>, port: u16, settings: &[(&str, &str)]) -> Self {
        let settings: BTreeMap<_, _> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let (system, ahead) = (Clock::system(), Arc::clone(&ahead_ms));
        let clock = Clock::new(move || system.now().plus_ms(ahead.load(Ordering::Relaxed)));
        let options = Options { port, data_dir, systems, settings, clock };
        Self { running: local::start(options).await.expect("the local bridge starts"), ahead_ms }
    }

    /// Moves the time of the bridge and its simulators on.
    pub fn advance_s(&self, seconds: i64) {
        self.ahead_ms.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    pub fn demo(&self) -> &local::Demo {
        self.running.demo.as_ref().expect("the simulators run")
    }

    pub fn tenant(&self) -> &TenantId {
        &self.demo().remembered.tenant
    }

    pub fn enterprise(&self) -> &EnterpriseId {
        &self.demo().remembered.enterprise
    }

    /// The address of the demonstration app's homepage.
    pub fn homepage(&self) -> Url {
        self.bridge(&format!("/h/{}", self.demo().remembered.app))
    }

    pub fn bridge(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.running.origin("bridge"))).unwrap()
    }

    /// Sockets, with every name of the local bridge known.
    pub fn transport(&self) -> Transport {
        let names = ["bridge", "console", "phone", "oa", "welink", "login"].map(|name| format!("{name}.localhost"));
        Transport::reqwest(names.to_vec(), None)
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.transport())
    }

    /// A one-time code as the phone of this member gets it.
    pub fn code(&self, login: &str) -> String {
        let client = &self.demo().remembered.client_id;
        self.demo().welink.issue_auth_code(&format!("{login}@welink"), client).expect("the member may open the app")
    }

    /// Opens the homepage and posts this member's code; stops before any redirect.
    pub async fn answer(&self, browser: &mut Browser, homepage: &Url, login: &str) -> Page {
        let opened = browser.get(homepage).await.unwrap();
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.body);
        let (action, mut fields) = opened.form("answer").expect("the page asks for a code");
        let code = self.code(login);
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
        browser.post_form(&action, &fields).await.unwrap()
    }

    /// The whole way from the homepage to the page of the OA, or to the page that says why not.
    pub async fn sign_in(&self, browser: &mut Browser, homepage: &Url, login: &str) -> Page {
        let answered = self.answer(browser, homepage, login).await;
        let page = browser.follow(answered).await.unwrap();
        let Some((landing, ticket)) = page.form("handoff") else { return page };
        let landed = browser.post_cross_site(&landing, &ticket).await.unwrap();
        browser.follow(landed).await.unwrap()
    }

    /// Calls the administrator's API with the operator key.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Page {
        let key = self.running.operator_key.clone();
        self.api_with(method, path, body, &[("authorization", &format!("Bearer {key}"))]).await
    }

    /// Runs a command of the program `bridge` against this bridge.
    pub async fn command(&self, words: &[&str]) -> std::process::Output {
        let api = self.running.origin("console");
        let mut program = tokio::process::Command::new(crate::tools::bridge().await);
        program.args(words).args(["--api", &api, "--key", &self.running.operator_key]);
        program.kill_on_drop(true).output().await.expect("the program runs")
    }

    /// Calls the administrator's API with these headers.
    pub async fn api_with(&self, method: Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Page {
        let url = Url::parse(&format!("{}{path}", self.running.origin("console"))).unwrap();
        let bytes = body.map(|value| serde_json::to_vec(value).unwrap()).unwrap_or_default();
        let mut extra = vec![("content-type", "application/json")];
        extra.extend_from_slice(headers);
        self.browser().send(method, &url, &extra, bytes).await.unwrap()
    }

    /// The audit log of this month, newest first.
    pub async fn audit(&self) -> Vec<domain::audit::Entry> {
        let store = self.running.bridge.store();
        store.audit(self.tenant(), store.clock().now(), None).await.unwrap().0
    }

    /// How many entries of this action and result there are.
    pub async fn audited(&self, action: domain::audit::Action, result: &str) -> usize {
        self.audit().await.iter().filter(|entry| entry.action == action && entry.result == result).count()
    }

    /// Sets up a second tenant through the API, with a WeLink company of its own.
    pub async fn other_tenant(&self) -> OtherTenant {
        let oa = self.running.origin("oa");
        let welink = &self.demo().welink;
        let company = "0".repeat(31) + "B";
        welink.add_tenant(welink::Tenant {
            tenant_id: company.clone(),
            name_zh: "另一家公司".to_owned(),
            name_en: "Another company".to_owned(),
            domain: "other.example".to_owned(),
            created: self.running.bridge.clock().now(),
        });
        let member = "stranger@welink".to_owned();
        let person = welink::Member::named(&member, "陌生人", "Stranger", self.running.bridge.clock().now());
        welink.add_member(&company, person).unwrap();
        let app = welink::NewApp {
            tenant_id: company,
            name_zh: "另一个应用".to_owned(),
            name_en: "Another app".to_owned(),
            mobile_url: String::new(),
            pc_url: String::new(),
            credentials: None,
        };
        let credentials = welink.add_app(app).unwrap();
        let made = |page: Page| {
            assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
            page.json()
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tenant = made(self.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "另一个团队" }))).await);
        let tenant = text(&tenant["id"]);
        let instance = json!({
            "name": "另一个 OA", "base": oa, "scim_base": format!("{oa}/scim/v2"), "allowed_dest_prefixes": ["/"],
            "scim_bearer": self.demo().remembered.scim_bearer, "sso_landing": format!("{oa}/sso/landing"),
        });
        let path = format!("/v1/tenants/{tenant}/oa-instances");
        let instance = made(self.api(Method::POST, &path, Some(&instance)).await);
        let path = format!("/v1/tenants/{tenant}/enterprises");
        let enterprise = made(self.api(Method::POST, &path, Some(&json!({ "name": "另一家企业" }))).await);
        let enterprise = text(&enterprise["id"]);
        let app = json!({
            "name": "另一个应用", "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.expose(), "homepage": { "mode": "oa-app", "oa_app": "portal" },
        });
        let path = format!("/v1/enterprises/{enterprise}/apps");
        let app = made(self.api(Method::POST, &path, Some(&app)).await);
        OtherTenant {
            tenant,
            instance: text(&instance["id"]),
            push_secret: text(&instance["push_secret"]),
            enterprise,
            app: text(&app["id"]),
            client_id: credentials.client_id,
            member,
        }
    }
}
