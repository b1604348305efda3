//! The client against small servers written here, and a store in memory; all in virtual time.

mod breaker;
mod browser;
mod calls;
mod contact;
mod messages;
mod pace;
mod tokens;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use domain::breaker::Change;
use domain::ids::{AppId, ClientId, TenantId, WeLinkUserId};
use domain::time::Timestamp;
use http::{Response, StatusCode};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;

use crate::pacing::{Lease, Ledger, Limits, Refund};
use crate::{Block, BudgetKey, Claim, Credentials, Settings, Shared, TokenRecord, WeLink};

pub(super) const TICKETS: &str = "/api/auth/v2/tickets";
pub(super) const USER_ID: &str = "/api/auth/v2/userid";
pub(super) const OAUTH: &str = "/api/oauth2/v1/token";
pub(super) const OWNER: &str = "/api/auth/v1/userid";
pub(super) const DETAIL: &str = "/api/contact/v2/user/detail";
pub(super) const USERS: &str = "/api/contact/v1/users";
pub(super) const TENANTS: &str = "/api/tenant/v1/tenants";

/// A store in memory whose every request takes `latency_ms`.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Store>);

#[derive(Default)]
pub(super) struct Store {
    latency_ms: u64,
    pub(super) down: AtomicBool,
    pub(super) leases: AtomicU32,
    pub(super) records: Mutex<BTreeMap<AppId, TokenRecord>>,
    ledgers: Mutex<BTreeMap<BudgetKey, Ledger>>,
}

impl std::ops::Deref for Memory {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Memory {
    pub(super) fn with_latency(latency_ms: u64) -> Self {
        Self(Arc::new(Store { latency_ms, ..Store::default() }))
    }

    async fn request(&self) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(self.latency_ms)).await;
        if self.down.load(Ordering::Relaxed) { Err("table away".to_owned()) } else { Ok(()) }
    }
}

fn nothing() -> TokenRecord {
    let zero = Timestamp(0);
    TokenRecord { token: None, obtained: zero, expires: zero, credentials_version: 0, claim: None, block: None }
}

impl Shared for Memory {
    type Error = String;

    async fn token(&self, app: &AppId) -> Result<Option<TokenRecord>, String> {
        self.request().await?;
        Ok(self.records.lock().unwrap().get(app).cloned())
    }

    async fn claim_refresh(&self, app: &AppId, owner: &str, now: Timestamp, until: Timestamp) -> Result<Claim, String> {
        self.request().await?;
        let mut records = self.records.lock().unwrap();
        let record = records.entry(app.clone()).or_insert_with(nothing);
        match &record.claim {
            Some((holder, ends)) if holder != owner && now < *ends => Ok(Claim::Others(record.clone())),
            _ => {
                record.claim = Some((owner.to_owned(), until));
                Ok(Claim::Mine)
            }
        }
    }

    async fn save_token(
        &self,
        app: &AppId,
        owner: &str,
        token: &Secret<String>,
        obtained: Timestamp,
        expires: Timestamp,
        credentials_version: u64,
    ) -> Result<(), String> {
        self.request().await?;
        let mut records = self.records.lock().unwrap();
        let record = records.get_mut(app).filter(|r| r.claim.as_ref().is_some_and(|(holder, _)| holder == owner));
        let record = record.ok_or("the claim is lost")?;
        *record = TokenRecord {
            token: Some(token.clone()),
            obtained,
            expires,
            credentials_version,
            claim: None,
            block: None,
        };
        Ok(())
    }

    async fn block(&self, app: &AppId, _owner: &str, block: Block) -> Result<bool, String> {
        self.request().await?;
        let mut records = self.records.lock().unwrap();
        let record = records.entry(app.clone()).or_insert_with(nothing);
        match block.change(record.block.as_ref()) {
            Change::Keep => Ok(false),
            Change::Store { newly } => {
                record.block = Some(block);
                Ok(newly)
            }
        }
    }

    async fn lease(
        &self,
        budget: &BudgetKey,
        now: Timestamp,
        wanted: u32,
        limits: Limits,
        refund: Option<Refund>,
    ) -> Result<Lease, String> {
        self.request().await?;
        self.leases.fetch_add(1, Ordering::Relaxed);
        let mut ledgers = self.ledgers.lock().unwrap();
        Ok(ledgers.entry(budget.clone()).or_default().lease(now, wanted, limits, refund.as_ref()))
    }
}

/// One request as the server saw it.
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) path: String,
    pub(super) query: String,
    /// A form, not JSON.
    pub(super) form: bool,
    pub(super) token: String,
    pub(super) body: String,
    /// How many requests to this path came before.
    pub(super) before: usize,
}

/// Everything that the server saw.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<(Timestamp, String)>>>);

impl Log {
    pub(super) fn count(&self, path: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, seen)| seen == path).count()
    }

    pub(super) fn times(&self, path: Option<&str>) -> Vec<i64> {
        let log = self.0.lock().unwrap();
        log.iter().filter(|(_, seen)| path.is_none_or(|path| seen == path)).map(|(at, _)| at.0).collect()
    }
}

/// A WeLink that answers by `answer`: HTTP status and body.
pub(super) fn server(
    clock: &Clock,
    answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static,
) -> (Transport, Log) {
    let log = Log::default();
    let (seen_by, clock, answer) = (log.clone(), clock.clone(), Arc::new(answer));
    let router = Router::new().fallback(move |request: Request| {
        let (log, clock, answer) = (seen_by.clone(), clock.clone(), Arc::clone(&answer));
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let header = |name: &str| parts.headers.get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
            let form = header("content-type") == "application/x-www-form-urlencoded";
            assert!(form || header("content-type") == "application/json");
            let path = parts.uri.path().to_owned();
            let seen = Seen {
                at: clock.now(),
                before: log.count(&path),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                form,
                token: header("x-wlk-authorization"),
                body: String::from_utf8(body.to_vec()).unwrap(),
                path,
            };
            log.0.lock().unwrap().push((seen.at, seen.path.clone()));
            let (status, body) = answer(&seen);
            Response::builder()
                .status(StatusCode::from_u16(status).unwrap())
                .body(axum::body::Body::from(body))
                .unwrap()
        }
    });
    (Transport::router(router), log)
}

/// The usual answers; token `t1`, `t2`, ... by order of fetching.
pub(super) fn usual(seen: &Seen) -> (u16, String) {
    let body = match seen.path.as_str() {
        TICKETS => ticket(seen.before + 1, 7_200),
        OAUTH => r#"{"code":"60001","message":"success","access_token":"u1","expires_in":7200}"#.to_owned(),
        OWNER => r#"{"code":"0","message":"ok","userId":"zhangsan@welink"}"#.to_owned(),
        USER_ID => r#"{"code":"0","message":"ok","userId":"zhangsan@welink","tenantId":"AB12"}"#.to_owned(),
        DETAIL | USERS => r#"{"code":"0","userId":"zhangsan@welink","userStatus":"3"}"#.to_owned(),
        TENANTS => r#"{"code":"0","data":{"tenantId":"AB12","companyNameCn":"某公司"}}"#.to_owned(),
        other => panic!("unexpected {other}"),
    };
    (200, body)
}

pub(super) fn ticket(number: usize, life_s: u32) -> String {
    format!(r#"{{"code":"0","message":"ok","access_token":"t{number}","expires_in":{life_s}}}"#)
}

pub(super) fn code(code: &str) -> (u16, String) {
    (200, format!(r#"{{"code":"{code}","message":"text {code}"}}"#))
}

pub(super) fn clock() -> Clock {
    Clock::virtual_from(Timestamp(1_750_000_000_000))
}

pub(super) fn credentials(version: u64) -> Credentials {
    app_credentials(7, version)
}

pub(super) fn app_credentials(app: u8, version: u64) -> Credentials {
    let tenant = TenantId::from_random([3; domain::ids::TENANT_CHARS]);
    Credentials {
        app: AppId::from_random(&tenant, [app; domain::ids::RANDOM_CHARS]),
        client_id: ClientId::parse(&format!("client{app}")).unwrap(),
        client_secret: Secret::new(format!("secret-v{version}")),
        version,
    }
}

pub(super) fn settings() -> Settings {
    Settings::new("https://welink.test/api")
}

pub(super) fn client(
    settings: Settings,
    transport: Transport,
    clock: &Clock,
    shared: &Memory,
    seed: u64,
) -> WeLink<Memory> {
    WeLink::new(settings, transport, clock.clone(), Entropy::seeded(seed), shared.clone()).unwrap()
}

/// One client with the default settings.
pub(super) fn world(
    answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static,
) -> (WeLink<Memory>, Log, Memory, Clock) {
    let clock = clock();
    let (transport, log) = server(&clock, answer);
    let shared = Memory::with_latency(3);
    (client(settings(), transport, &clock, &shared, 1), log, shared, clock)
}

pub(super) fn zhangsan() -> WeLinkUserId {
    WeLinkUserId::parse("zhangsan@welink").unwrap()
}

pub(super) async fn sleep_s(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
