//! The rules of scan login, where settings, table and OA meet; the routes only read requests and write answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::agent;
use domain::audit::Action;
use domain::destination::Destination;
use domain::ids::{AppId, OaInstanceId, QrId, RANDOM_CHARS, WeLinkUserId};
use domain::lockout::{QR_CREATE, QR_REPORTED};
use domain::model::{App, Enterprise, OaInstance, SignInNote};
use domain::problem::{self, Problem};
use domain::qr::{Approval, Desktop, Pace, QrSession, Refused, Scan, ScanLogin, Shown};
use domain::session::Scanned;
use domain::time::Timestamp;
use platform::secret::sha256_hex;
use signin::{Bridge, Refusal, Visit};
use state::config::TenantConfig;
use state::lockout::Subject;

/// Codes whose pace a sandbox remembers; one that meets more starts over.
const PACES_MAX: usize = 4096;
/// Characters of what a browser says of itself that are looked at.
const AGENT_CHARS_MAX: usize = 512;

/// The shared services of this function; cloning shares them.
#[derive(Debug, Clone)]
pub struct Qr {
    pub bridge: Bridge,
    paces: Arc<Mutex<HashMap<QrId, Pace>>>,
}

/// An OA whose login page shows codes, with everything that its codes depend on.
#[derive(Debug)]
pub struct Site {
    config: Arc<TenantConfig>,
    pub instance: OaInstance,
    /// Apps that may identify who scans, with their enterprises, in the order in which they are offered.
    pub offered: Vec<(App, Enterprise)>,
}

impl Site {
    pub fn setting(&self) -> &ScanLogin {
        &self.config.scan_login
    }

    /// The team (租户/团队) that the page belongs to.
    pub fn team(&self) -> &str {
        &self.config.tenant.name
    }

    pub fn offer(&self, app: &AppId) -> Option<&(App, Enterprise)> {
        self.offered.iter().find(|(offered, _)| offered.id == *app)
    }
}

/// A code to show.
#[derive(Debug)]
pub struct Wanted {
    pub id: QrId,
    pub shown: Shown,
    pub dest: Option<Destination>,
    pub desktop: Desktop,
}

impl Qr {
    pub fn new(bridge: Bridge) -> Self {
        Self { bridge, paces: Arc::default() }
    }

    /// The OA with its settings, at most 30 s old. Switched off, or with nobody who could be identified, it answers
    /// like an address that is not there (product.md M88).
    pub async fn site(&self, instance: &OaInstanceId) -> Result<Site, Refusal> {
        let config = self.bridge.store().config(&instance.tenant()).await?.ok_or(problem::NOT_FOUND)?;
        let instance = config.oa_instance(instance).cloned().ok_or(problem::NOT_FOUND)?;
        let setting = &config.scan_login;
        let offer = |id: &AppId| {
            let app = config.app(id).filter(|app| app.enabled)?;
            let enterprise = config.enterprise(&app.enterprise)?;
            (enterprise.oa_instance == instance.id).then(|| (app.clone(), enterprise.clone()))
        };
        let offered: Vec<_> = setting.apps.iter().filter_map(offer).collect();
        if !setting.enabled || offered.is_empty() {
            return Err(problem::QR_OFF.into());
        }
        Ok(Site { config: Arc::clone(&config), instance, offered })
    }

    /// The OA itself, whatever its settings are.
    pub async fn instance(&self, id: &OaInstanceId) -> Result<OaInstance, Refusal> {
        let config = self.bridge.store().config(&id.tenant()).await?.ok_or(problem::NOT_FOUND)?;
        Ok(config.oa_instance(id).cloned().ok_or(problem::NOT_FOUND)?)
    }

    pub fn new_id(&self, instance: &OaInstanceId) -> QrId {
        QrId::from_random(&instance.tenant(), self.bridge.entropy().bytes::<RANDOM_CHARS>())
    }

    /// Lets a browser begin, unless it or its address has been reported, comes from a network that may not, or is too
    /// fast.
    pub async fn admit(&self, site: &Site, desktop: &Desktop, shown: &Shown) -> Result<(), Refusal> {
        let tenant = site.instance.id.tenant();
        for subject in reported(&desktop.address, shown) {
            let subject = Subject::Tenant(&tenant, &subject);
            if let Some(seconds) = self.bridge.store().locked_for_s(subject, QR_REPORTED).await? {
                return Err(Refusal { retry_after_s: Some(seconds), ..problem::QR_REPORTED.into() });
            }
        }
        if site.setting().networks_only && !site.setting().is_office(&desktop.address) {
            return Err(problem::QR_NETWORK.into());
        }
        let address = format!("qr-create#{}", sha256_hex(&desktop.address));
        let attempt = self.bridge.store().take_attempt(Subject::Tenant(&tenant, &address), QR_CREATE);
        if let Err(seconds) = attempt.await? {
            return Err(Refusal { retry_after_s: Some(seconds), ..problem::RATE_LIMITED.into() });
        }
        Ok(())
    }

    /// Begins a code, for a browser that may.
    pub async fn begin(&self, site: &Site, wanted: Wanted) -> Result<QrSession, Refusal> {
        self.admit(site, &wanted.desktop, &wanted.shown).await?;
        let now = self.bridge.clock().now();
        let code = QrSession {
            id: wanted.id,
            instance: site.instance.id.clone(),
            shown: wanted.shown,
            dest: wanted.dest,
            desktop: wanted.desktop,
            created: now,
            expires: now.plus_s(site.setting().life_s),
            scan: None,
            approved: None,
            denied: None,
            revoked: None,
        };
        Ok(self.bridge.store().put_qr(&code).await?)
    }

    /// Blocks what showed this code for an hour: its address, and its browser where the bridge knows it.
    pub async fn report(&self, code: &QrSession) -> Result<(), Refusal> {
        let tenant = code.id.tenant();
        for subject in reported(&code.desktop.address, &code.shown) {
            self.bridge.store().count_failure(Subject::Tenant(&tenant, &subject), QR_REPORTED).await?;
        }
        Ok(())
    }

    /// Slows down whoever asks about a code too often (product.md QRL-11). Each sandbox counts for itself: the
    /// gateway's throttle bounds all of them together, and a counter in the table would cost more than the question.
    pub fn keep_pace(&self, id: &QrId) -> Result<(), Refusal> {
        let now = self.bridge.clock().now();
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= PACES_MAX {
            paces.clear();
        }
        match paces.get_mut(id) {
            None => {
                paces.insert(id.clone(), Pace::begun(now));
                Ok(())
            }
            Some(pace) => pace.ask(now).map_err(|s| Refusal { retry_after_s: Some(s), ..problem::SLOW_DOWN.into() }),
        }
    }

    /// The ids that a confirmation opens.
    pub fn approval(&self, code: &QrId) -> Approval {
        let (tenant, entropy) = (code.tenant(), self.bridge.entropy());
        Approval {
            at: self.bridge.clock().now(),
            session: domain::ids::SessionId::from_random(&tenant, entropy.bytes::<RANDOM_CHARS>()),
            ticket: domain::ids::TicketId::from_random(&tenant, entropy.bytes::<RANDOM_CHARS>()),
        }
    }

    /// The person on his way into the OA, as his confirmation said, while he is still linked to the same account.
    pub async fn visit(&self, site: &Site, code: &QrSession, now: Timestamp) -> Result<(Visit, Scanned), Refusal> {
        let (scan, approval) = code.may_enter(now).map_err(told)?;
        let (app, enterprise) = site.offer(&scan.app).ok_or(problem::QR_OFF)?;
        let person = self.bridge.store().person(&enterprise.id, &scan.user).await?.ok_or(problem::LINK_GONE)?;
        let note = SignInNote { at: now, from: code.desktop.address.clone(), device: device(&code.desktop) };
        let scanned = Scanned { qr: code.id.clone(), approval: approval.clone() };
        let visit = Visit {
            app: app.clone(),
            instance: site.instance.clone(),
            user: scan.user.clone(),
            oa_user: scan.oa_user.clone(),
            login_id: scan.login_id.clone(),
            dest: code.dest.clone().unwrap_or_else(|| app.desktop_page()),
            auth_time: scan.at,
            sign_ins: Some(person.sign_ins_with(note)),
            from: code.desktop.address.clone(),
            scanned: Some(scanned.clone()),
        };
        Ok((visit, scanned))
    }

    /// An audit entry of somebody at his phone, with the screen that it is about.
    pub fn entry(&self, code: &QrSession, user: &WeLinkUserId, action: Action, from: &str) -> domain::audit::Entry {
        let actor = format!("welink:{user}");
        let mut entry = self.bridge.entry(code.id.tenant(), action, &actor, code.id.as_str(), from);
        entry.detail.insert("screen_address".to_owned(), code.desktop.address.clone());
        entry.detail.insert("screen".to_owned(), device(&code.desktop));
        entry
    }

    /// Audits a step that was refused, and says it to the person.
    pub async fn refuse(&self, code: &QrSession, scan: &Scan, why: Refused, from: &str) -> Result<Refusal, Refusal> {
        let problem = told(why);
        let mut entry = self.entry(code, &scan.user, Action::ScanRefused, from);
        problem.name.clone_into(&mut entry.result);
        self.bridge.store().append_audit(&entry).await?;
        Ok(problem.into())
    }
}

/// `Chrome · Windows`.
pub fn device(desktop: &Desktop) -> String {
    let known: Vec<&str> =
        [desktop.browser.as_str(), desktop.system.as_str()].into_iter().filter(|name| !name.is_empty()).collect();
    known.join(" · ")
}

/// What is known of the browser in front of a code.
pub fn desktop(address: &str, agent: &str) -> Desktop {
    let agent: String = agent.chars().take(AGENT_CHARS_MAX).collect();
    Desktop {
        address: address.to_owned(),
        browser: agent::browser(&agent).unwrap_or_default().to_owned(),
        system: agent::system(&agent).unwrap_or_default().to_owned(),
    }
}

/// What "this was not me" blocks, as the counters name it. Hashed: neither belongs into a key.
fn reported(address: &str, shown: &Shown) -> Vec<String> {
    let address = format!("qr-address#{}", sha256_hex(address));
    match shown {
        Shown::Page { screen } => vec![address, format!("qr-screen#{screen}")],
        Shown::Server => vec![address],
    }
}

/// What a person is told of a refused step.
pub fn told(why: Refused) -> Problem {
    match why {
        Refused::Unknown => problem::QR_UNKNOWN,
        Refused::Expired => problem::QR_EXPIRED,
        Refused::Used | Refused::Foreign => problem::QR_USED,
        Refused::Denied => problem::QR_DENIED,
        Refused::NotYet => problem::BAD_REQUEST,
    }
}
