//! The shared services, wired together once per process.

use std::sync::{Arc, OnceLock};

use domain::audit::{Action, Entry};
use domain::ids::{AppId, OaInstanceId, RANDOM_CHARS, SessionId, StateId, TenantId, TicketId};
use oa::Oa;
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::envelope::Sealer;
use platform::queue::Queues;
use platform::secret::Secret;
use platform::trace::TraceId;
use platform::transport::Transport;
use platform::vault::Vault;
use state::Store;
use welink::callback::CallbackKey;
use welink::{Credentials, WeLink};

use crate::keyring::Keyring;
use crate::memo::Memo;
use crate::refusal::Refusal;
use crate::shared_state::SharedState;

/// Where the employees' host says that it is well.
pub const HEALTH: &str = "/health";

/// What a bridge is made of.
#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub store: Store,
    pub vault: Vault,
    /// The way to WeLink.
    pub welink: Transport,
    /// The way to the OAs.
    pub oa: Transport,
    pub clock: Clock,
    pub entropy: Entropy,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub config: Config,
    pub store: Store,
    pub vault: Vault,
    pub welink: WeLink<SharedState>,
    pub oa_transport: Transport,
    pub clock: Clock,
    pub entropy: Entropy,
    pub keyring: Keyring,
    pub credentials: Memo<AppId, Credentials>,
    pub oas: Memo<OaInstanceId, Arc<Oa>>,
    pub push_secrets: Memo<OaInstanceId, Arc<crate::oas::PushSecrets>>,
    pub bearers: Memo<OaInstanceId, Arc<Secret<String>>>,
    pub callback_keys: Memo<AppId, Arc<CallbackKey>>,
    pub queues: OnceLock<Queues>,
}

/// State, WeLink, the OAs and the keys. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct Bridge(pub(crate) Arc<Inner>);

impl Bridge {
    /// Fails only on a WeLink address that is none.
    pub fn new(parts: Parts) -> Result<Self, welink::BadBase> {
        let Parts { config, store, vault, welink: transport, oa, clock, entropy } = parts;
        let shared = SharedState::new(store.clone(), vault.clone());
        let settings = welink::Settings {
            calls_per_second: config.calls_per_second,
            calls_per_minute: config.calls_per_minute,
            calls_per_address: config.calls_per_address,
            login_base: config.welink_login_base.clone(),
            egress_name: config.egress_name.clone(),
            ..welink::Settings::new(&config.welink_base)
        };
        let welink = WeLink::new(settings, transport, clock.clone(), entropy.clone(), shared)?;
        Ok(Self(Arc::new(Inner {
            config,
            store,
            vault,
            welink,
            oa_transport: oa,
            clock,
            entropy,
            keyring: Keyring::default(),
            credentials: Memo::default(),
            oas: Memo::default(),
            push_secrets: Memo::default(),
            bearers: Memo::default(),
            callback_keys: Memo::default(),
            queues: OnceLock::new(),
        })))
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn welink(&self) -> &WeLink<SharedState> {
        &self.0.welink
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn entropy(&self) -> &Entropy {
        &self.0.entropy
    }

    /// The queues that it sends to, made when first needed: a function that sends nothing carries no client.
    pub fn queues(&self) -> &Queues {
        self.0.queues.get_or_init(|| Queues::of(&self.0.config, &self.0.clock))
    }

    /// What [`HEALTH`] answers when all is well: nobody else's document names this origin.
    pub fn health_document(&self) -> serde_json::Value {
        serde_json::json!({ "service": "welink-bridge", "origin": self.0.config.origin.as_str() })
    }

    pub async fn sealer(&self) -> Result<Sealer, Refusal> {
        Ok(self.0.vault.sealer().await?)
    }

    /// An audit entry of now, within the current trace.
    pub fn entry(&self, tenant: TenantId, action: Action, actor: &str, object: &str, from: &str) -> Entry {
        Entry {
            tenant,
            at: self.0.clock.now(),
            action,
            actor: actor.to_owned(),
            object: object.to_owned(),
            result: "ok".to_owned(),
            from: from.to_owned(),
            trace: TraceId::current().as_str().to_owned(),
            detail: std::collections::BTreeMap::new(),
        }
    }

    pub(crate) fn new_state_id(&self, tenant: &TenantId) -> StateId {
        StateId::from_random(tenant, self.0.entropy.bytes::<RANDOM_CHARS>())
    }

    pub(crate) fn new_session_id(&self, tenant: &TenantId) -> SessionId {
        SessionId::from_random(tenant, self.0.entropy.bytes::<RANDOM_CHARS>())
    }

    pub(crate) fn new_ticket_id(&self, tenant: &TenantId) -> TicketId {
        TicketId::from_random(tenant, self.0.entropy.bytes::<RANDOM_CHARS>())
    }
}
