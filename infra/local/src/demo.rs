//! The demonstration: a simulated WeLink with a phone, a simulated OA, and at the first start a tenant that connects
//! them, set up through the same API that an administrator uses.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use domain::ids::{AppId, EnterpriseId, OaInstanceId, TenantId};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signin::Bridge;
use sim::company::{Company, OUT_OF_RANGE};
use sim::faults::{Dialect, Faults};
use sim::phone::{self, Codes, PhoneState};
use sim::{oa, welink};

use crate::client::Client;

/// Login of the demonstration's owner.
pub(crate) const ADMIN: &str = "admin";
/// Characters of his password: 80 bits.
const PASSWORD_CHARS: usize = 16;
/// The bridge's name at the simulated OA's OIDC provider.
const OIDC_CLIENT_ID: &str = "welink-bridge";

/// What the simulators must remember, so that a second start finds them as they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remembered {
    /// The port that the demonstration's addresses were made for.
    pub port: u16,
    pub welink_tenant: String,
    pub client_id: String,
    pub client_secret: String,
    pub scim_bearer: String,
    pub push_secret: String,
    pub pull_secret: String,
    /// The bridge's secret at the OA's OIDC provider; a demonstration that began without one has none.
    #[serde(default)]
    pub oidc_client_secret: String,
    pub tenant: TenantId,
    pub oa_instance: OaInstanceId,
    pub enterprise: EnterpriseId,
    pub app: AppId,
    /// Password of the account `admin`; empty where somebody else made that account.
    #[serde(default)]
    pub admin_password: String,
}

/// The running simulators with what the first start set up.
#[derive(Debug, Clone)]
pub struct Demo {
    pub welink: welink::WeLink,
    pub oa: oa::Oa,
    pub faults: Faults,
    pub company: Company,
    pub remembered: Remembered,
}

/// The simulators before anything is set up.
#[derive(Debug)]
pub(crate) struct Simulators {
    welink: welink::WeLink,
    oa: oa::Oa,
    faults: Faults,
    company: Company,
    entropy: Entropy,
    /// What the phone's scanner sees.
    pub(crate) codes: Codes,
}

impl Simulators {
    pub(crate) fn new(port: u16, clock: &Clock, entropy: &Entropy) -> Self {
        let faults = Faults::new(entropy.clone());
        let company = Company::demo();
        let welink = welink::WeLink::new(welink::Options {
            clock: clock.clone(),
            entropy: entropy.clone(),
            faults: faults.clone(),
            settings: welink::Settings::default(),
        });
        // Two accounts of the OA match one of the members (product.md Q5).
        let mut at_the_oa = company.clone();
        at_the_oa.people.extend(company.namesake());
        let oa = oa::Oa::new(oa::Options {
            clock: clock.clone(),
            entropy: entropy.clone(),
            origin: format!("http://oa.localhost:{port}"),
            company: at_the_oa,
            bridge: Transport::reqwest(vec!["bridge.localhost".to_owned()], None),
        });
        Self { welink, oa, faults, company, entropy: entropy.clone(), codes: Codes::default() }
    }

    pub(crate) fn routers(&self) -> BTreeMap<String, Router> {
        let phone = PhoneState { welink: self.welink.clone(), faults: self.faults.clone(), codes: self.codes.clone() };
        BTreeMap::from([
            ("welink.localhost".to_owned(), self.welink.router()),
            ("login.localhost".to_owned(), self.welink.login_router()),
            ("oa.localhost".to_owned(), self.faults.wrap(self.oa.router(), Dialect::Oa)),
            ("phone.localhost".to_owned(), phone::router(phone)),
        ])
    }

    /// What is there before anybody has set the bridge up: a company in WeLink with an app that leads nowhere yet, and
    /// an OA that knows no bridge.
    pub(crate) fn unconnected(&self) -> Result<()> {
        let tenant_id = self.entropy.hex(16).to_uppercase();
        self.welink.load(&self.company, self.tenant_of(&tenant_id), &[])?;
        self.welink.add_app(welink::NewApp {
            tenant_id,
            name_zh: "OA 门户".to_owned(),
            name_en: "OA portal".to_owned(),
            ..welink::NewApp::default()
        })?;
        Ok(())
    }

    fn tenant_of(&self, tenant_id: &str) -> welink::Tenant {
        welink::Tenant {
            tenant_id: tenant_id.to_owned(),
            name_zh: self.company.name_zh.clone(),
            name_en: self.company.name_en.clone(),
            domain: "corp.example".to_owned(),
            created: domain::time::Timestamp(1_767_225_600_000),
        }
    }

    /// Sets the demonstration up, or finds the one of the first start.
    pub(crate) async fn set_up(self, folder: Option<&Path>, bridge: &Bridge, port: u16, key: &str) -> Result<Demo> {
        let file = folder.map(|folder| folder.join("demo.json"));
        let known = match &file {
            Some(path) if path.exists() => {
                let text = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
                let known: Remembered = serde_json::from_slice(&text)
                    .with_context(|| format!("{}: damaged; move the data folder away to begin anew", path.display()))?;
                Some(known)
            }
            _ => None,
        };
        let mut remembered = if let Some(known) = known {
            let made_for = known.port;
            ensure!(
                made_for == port,
                "the demonstration in this data folder was made for port {made_for}: start with --port {made_for}, \
                 or with another --data-dir"
            );
            self.put_app_into_welink(&known, port)?;
            known
        } else {
            self.first_start(bridge, port, key).await?
        };
        if remembered.admin_password.is_empty() {
            remembered.admin_password = self.make_admin(&remembered.tenant, port, key).await?;
            if let Some(path) = &file {
                write_private(path, &serde_json::to_vec_pretty(&remembered)?)?;
            }
        }
        self.connect_oa(&remembered, port)?;
        let Self { welink, oa, faults, company, .. } = self;
        Ok(Demo { welink, oa, faults, company, remembered })
    }

    async fn first_start(&self, bridge: &Bridge, port: u16, key: &str) -> Result<Remembered> {
        let api = Client::new(&format!("http://console.localhost:{port}"), key.to_owned());
        let oa = format!("http://oa.localhost:{port}");
        let tenant = api.post("/v1/tenants", &json!({ "name": self.company.name_zh })).await?;
        let tenant: TenantId = serde_json::from_value(tenant["id"].clone())?;
        let (scim_bearer, oidc_client_secret) = (self.entropy.hex(24), self.entropy.hex(24));
        let instance = api
            .post(
                &format!("/v1/tenants/{tenant}/oa-instances"),
                &json!({
                    "name": "模拟 OA", "base": oa, "scim_base": format!("{oa}/scim/v2"), "scim_bearer": scim_bearer,
                    "sso_landing": format!("{oa}/sso/landing"), "start_url": format!("{oa}/sso/start"),
                    "revoke_url": format!("{oa}/v1/revoke"), "allowed_dest_prefixes": ["/"],
                    "verify_url": format!("{oa}/v1/credential/verify"), "binding_mode": "both",
                    "oidc": {
                        "issuer": oa, "client_id": OIDC_CLIENT_ID, "client_secret": oidc_client_secret,
                    },
                }),
            )
            .await?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut known = Remembered {
            port,
            welink_tenant: self.entropy.hex(16).to_uppercase(),
            client_id: "20260101080000001".to_owned(),
            client_secret: self.entropy.hex(16),
            scim_bearer,
            oidc_client_secret,
            push_secret: text(&instance["push_secret"]),
            pull_secret: text(&instance["pull_secret"]),
            oa_instance: serde_json::from_value(instance["id"].clone())?,
            enterprise: EnterpriseId::from_random(&tenant, [0; domain::ids::RANDOM_CHARS]),
            app: AppId::from_random(&tenant, [0; domain::ids::RANDOM_CHARS]),
            tenant,
            admin_password: String::new(),
        };
        // The OA must know the bridge before the app is saved: its applications are read then.
        self.connect_oa(&known, port)?;
        self.put_app_into_welink(&known, port)?;
        let enterprise = json!({ "name": self.company.name_zh });
        let enterprise = api.post(&format!("/v1/tenants/{}/enterprises", known.tenant), &enterprise).await?;
        known.enterprise = serde_json::from_value(enterprise["id"].clone())?;
        let app = json!({
            "name": "OA 门户", "client_id": known.client_id, "client_secret": known.client_secret,
            "homepage": { "mode": "oa-app", "oa_app": "portal" },
        });
        let app = api.post(&format!("/v1/enterprises/{}/apps", known.enterprise), &app).await?;
        known.app = serde_json::from_value(app["id"].clone())?;
        self.set_homepage(&known, port)?;
        let scan_login = json!({ "version": 0, "enabled": true, "apps": [known.app] });
        api.call(http::Method::PUT, &format!("/v1/tenants/{}/scan-login", known.tenant), Some(&scan_login)).await?;
        crate::demo_directory::fill(&self.company, bridge, &known).await?;
        Ok(known)
    }

    /// Makes the owner of the demonstration's team, unless there is an account of this name: his password.
    async fn make_admin(&self, tenant: &TenantId, port: u16, key: &str) -> Result<String> {
        let api = Client::new(&format!("http://console.localhost:{port}"), key.to_owned());
        let path = format!("/v1/tenants/{tenant}/accounts");
        let known = api.get(&path).await?;
        if known.as_array().into_iter().flatten().any(|account| account["login"] == ADMIN) {
            return Ok(String::new());
        }
        let password = self.entropy.token(PASSWORD_CHARS);
        let account = json!({ "login": ADMIN, "name": "管理员", "role": "owner", "password": password });
        api.post(&path, &account).await?;
        Ok(password)
    }

    fn connect_oa(&self, known: &Remembered, port: u16) -> Result<()> {
        let client = || oa::OidcClient {
            client_id: OIDC_CLIENT_ID.to_owned(),
            client_secret: Secret::new(known.oidc_client_secret.clone()),
            redirect_uri: format!("http://bridge.localhost:{port}{}", signin::OA_CALLBACK),
        };
        self.oa.register((!known.oidc_client_secret.is_empty()).then(client));
        Ok(self.oa.connect(oa::Connection {
            instance_id: known.oa_instance.as_str().to_owned(),
            bridge_origin: format!("http://bridge.localhost:{port}"),
            push_secret: Secret::new(known.push_secret.clone()),
            pull_secret: Secret::new(known.pull_secret.clone()),
            scim_bearer: Secret::new(known.scim_bearer.clone()),
        })?)
    }

    fn put_app_into_welink(&self, known: &Remembered, port: u16) -> Result<()> {
        self.welink.load(&self.company, self.tenant_of(&known.welink_tenant), &[])?;
        self.welink.load_strangers(&self.company, &known.welink_tenant)?;
        let url = format!("http://bridge.localhost:{port}/h/{}", known.app);
        self.welink.add_app(welink::NewApp {
            tenant_id: known.welink_tenant.clone(),
            name_zh: "OA 门户".to_owned(),
            name_en: "OA portal".to_owned(),
            mobile_url: url.clone(),
            pc_url: url,
            credentials: Some((known.client_id.clone(), known.client_secret.clone())),
        })?;
        // What the vendor's staff does on request (welink-api.md 3.4).
        let callback = format!("http://bridge.localhost:{port}{}", signin::OAUTH_CALLBACK);
        self.welink.register_oauth_redirect(&known.client_id, &callback)?;
        let outside = [welink::user_id_of(OUT_OF_RANGE)].into();
        Ok(self.welink.set_visible_range(&known.client_id, welink::VisibleRange::AllBut(outside))?)
    }

    /// What an administrator does by hand on WeLink's open platform: copy the homepage URL into both fields.
    fn set_homepage(&self, known: &Remembered, port: u16) -> Result<()> {
        let url = format!("http://bridge.localhost:{port}/h/{}", known.app);
        self.welink.set_homepage(&known.client_id, &url, &url)?;
        Ok(())
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
    file.write_all(content).and_then(|()| file.sync_all()).with_context(|| format!("{}", path.display()))
}
