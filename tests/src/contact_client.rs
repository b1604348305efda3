//! The bridge's WeLink client in front of the simulated WeLink, under virtual time and without a table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{AppId, ClientId, DeptCode, RANDOM_CHARS, TENANT_CHARS, TenantId};
use domain::sync::Family;
use domain::time::Timestamp;
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;
use sim::company::Company;
use sim::faults::Faults;
use sim::welink as simulated;
use welink::contact::{DepartmentCursor, DepartmentRow, PeopleCursor, PersonRow, ReadError, Submitted, poll_after_ms};
use welink::pacing::{Lease, Ledger, Limits, Refund};
use welink::{Block, BudgetKey, Claim, Credentials, Settings, Shared, TokenRecord, WeLink};

/// The company of every test.
pub const COMPANY: &str = "A8F2C3D41B6E4F0C9D7E5A1B2C3D4E5F";

/// What sandboxes share, in memory: one process alone.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    record: Option<TokenRecord>,
    ledgers: BTreeMap<BudgetKey, Ledger>,
}

impl Memory {
    fn with<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared for Memory {
    type Error = String;

    async fn token(&self, _: &AppId) -> Result<Option<TokenRecord>, String> {
        Ok(self.with(|held| held.record.clone()))
    }

    async fn claim_refresh(&self, _: &AppId, _: &str, _: Timestamp, _: Timestamp) -> Result<Claim, String> {
        Ok(Claim::Mine)
    }

    async fn save_token(
        &self,
        _: &AppId,
        _: &str,
        token: &Secret<String>,
        obtained: Timestamp,
        expires: Timestamp,
        credentials_version: u64,
    ) -> Result<(), String> {
        let token = Some(token.clone());
        let record = TokenRecord { token, obtained, expires, credentials_version, claim: None, block: None };
        self.with(|held| held.record = Some(record));
        Ok(())
    }

    async fn block(&self, _: &AppId, _: &str, _: Block) -> Result<bool, String> {
        Ok(false)
    }

    async fn lease(
        &self,
        budget: &BudgetKey,
        now: Timestamp,
        wanted: u32,
        limits: Limits,
        refund: Option<Refund>,
    ) -> Result<Lease, String> {
        let lease = |held: &mut Held| {
            held.ledgers.entry(budget.clone()).or_default().lease(now, wanted, limits, refund.as_ref())
        };
        Ok(self.with(lease))
    }
}

/// A simulated WeLink with one company, and a client of its one app.
#[derive(Debug)]
pub struct ContactClient {
    pub welink: simulated::WeLink,
    pub client: WeLink<Memory>,
    pub credentials: Credentials,
    pub app: String,
    pub clock: Clock,
}

impl ContactClient {
    /// `company` is in WeLink; `change` sets the simulator's readings.
    pub fn new(company: &Company, change: impl FnOnce(&mut simulated::Settings)) -> Self {
        let clock = Clock::virtual_from(Timestamp(1_760_000_000_000));
        let entropy = Entropy::seeded(42);
        let mut settings = simulated::Settings::default();
        change(&mut settings);
        let faults = Faults::new(entropy.clone());
        let options = simulated::Options { clock: clock.clone(), entropy: entropy.clone(), faults, settings };
        let welink = simulated::WeLink::new(options);
        let tenant = simulated::Tenant {
            tenant_id: COMPANY.to_owned(),
            name_zh: company.name_zh.clone(),
            name_en: company.name_en.clone(),
            domain: "corp.example".to_owned(),
            created: clock.now(),
        };
        welink.load(company, tenant, &[]).expect("a company");
        let new = simulated::NewApp { tenant_id: COMPANY.to_owned(), ..simulated::NewApp::default() };
        let app = welink.add_app(new).expect("an app");
        let owner = TenantId::from_random([3; TENANT_CHARS]);
        let credentials = Credentials {
            app: AppId::from_random(&owner, [7; RANDOM_CHARS]),
            client_id: ClientId::parse(&app.client_id).expect("an id"),
            client_secret: app.client_secret,
            version: 1,
        };
        let settings = Settings::new("http://welink.localhost");
        let transport = Transport::router(welink.router());
        let client = WeLink::new(settings, transport, clock.clone(), entropy, Memory::default()).expect("a client");
        Self { welink, client, credentials, app: app.client_id, clock }
    }

    /// All departments.
    pub async fn departments(&self, family: Family) -> Result<Vec<DepartmentRow>, ReadError> {
        let (mut cursor, mut rows) = (DepartmentCursor::new(family), Vec::new());
        loop {
            let page = self.client.departments_page(&self.credentials, &mut cursor).await?;
            rows.extend(page.rows);
            if page.done {
                return Ok(rows);
            }
        }
    }

    /// The direct members of a department.
    pub async fn people_of(&self, family: Family, department: DeptCode) -> Result<Vec<PersonRow>, ReadError> {
        let (mut cursor, mut rows) = (PeopleCursor::new(family, department), Vec::new());
        loop {
            let page = self.client.people_page(&self.credentials, &mut cursor).await?;
            rows.extend(page.rows);
            if page.done {
                return Ok(rows);
            }
        }
    }

    /// Everybody once, by account.
    pub async fn people(&self, family: Family) -> Result<BTreeMap<String, PersonRow>, ReadError> {
        let mut codes: Vec<DeptCode> = self.departments(family).await?.into_iter().map(|row| row.code).collect();
        codes.push(DeptCode::root());
        let mut people = BTreeMap::new();
        for code in codes {
            for row in self.people_of(family, code).await? {
                people.insert(row.user_id.as_str().to_owned(), row);
            }
        }
        Ok(people)
    }

    /// Asks until nothing is pending; panics after 40 questions.
    pub async fn settle(&self, submitted: &mut Submitted) {
        for polls in 0..40 {
            if self.client.poll(&self.credentials, submitted).await.expect("an answer") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(u64::from(poll_after_ms(polls)))).await;
        }
        panic!("still pending: {:?}", submitted.outcomes);
    }
}
