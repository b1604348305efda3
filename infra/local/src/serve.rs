//! Starting and stopping the local bridge.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use platform::aws;
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::secret::sha256_hex;
use platform::transport::{Transport, WayOut};
use platform::vault::Vault;
use signin::{Bridge, Parts};
use state::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::demo::{Demo, Simulators};
use crate::engine::{self, Engine};
use crate::front::{self, Front};
use crate::queue::{self, Queues};
use crate::triggers;

const TABLE: &str = "bridge";
/// Characters of the operator key: 260 random bits.
const OPERATOR_KEY_CHARS: usize = 52;

/// Which WeLink the bridge speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Systems {
    /// The simulated WeLink and OA.
    Simulated,
    /// The simulated WeLink and OA, with nothing set up: to try the setup itself.
    Empty,
    /// A real WeLink at this base address; OAs as they are configured.
    Real { welink: String },
}

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// 0 = any free port.
    pub port: u16,
    /// Where data and keys are kept; `None` = in memory, for tests.
    pub data_dir: Option<PathBuf>,
    pub systems: Systems,
    /// Settings by their `BRIDGE_…` names, beside those that the local bridge sets itself.
    pub settings: BTreeMap<String, String>,
    /// The time that the bridge and its simulators live in.
    pub clock: Clock,
}

/// A running local bridge.
#[derive(Debug)]
pub struct Running {
    pub port: u16,
    pub operator_key: String,
    /// The services, for tests that look into the table.
    pub bridge: Bridge,
    /// The simulators and what the first start set up, unless real systems are used.
    pub demo: Option<Demo>,
    pub table_endpoint: String,
    stop: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    engine: Engine,
    queues: JoinHandle<std::io::Result<()>>,
    triggers: Vec<JoinHandle<()>>,
}

impl Running {
    pub fn origin(&self, host: &str) -> String {
        format!("http://{host}.localhost:{}", self.port)
    }

    /// Ends all parts and waits for them.
    pub async fn stop(self) -> Result<()> {
        // Nobody listens any more when everything has ended by itself.
        let _ = self.stop.send(true);
        for trigger in self.triggers {
            trigger.await?;
        }
        self.server.await??;
        self.queues.await??;
        self.engine.ended().await
    }
}

/// Starts everything and returns when it can be used.
pub async fn start(options: Options) -> Result<Running> {
    let (entropy, clock) = (Entropy::system(), options.clock.clone());
    if let Some(folder) = &options.data_dir {
        let made = tokio::fs::create_dir_all(folder).await;
        made.with_context(|| format!("{}: the data folder cannot be made", folder.display()))?;
    }
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await;
    let listener = listener.with_context(|| {
        format!("port {} is taken: end the other program, or choose another one with --port", options.port)
    })?;
    let port = listener.local_addr()?.port();
    let (stop, stopped) = watch::channel(false);
    let file = options.data_dir.as_ref().map(|folder| folder.join("bridge.db"));
    let engine = engine::start(file.as_deref(), stopped.clone()).await?;
    let operator_key = operator_key(options.data_dir.as_deref(), &entropy)?;
    let kept = options.data_dir.as_ref().map(|folder| folder.join("queue"));
    let (queues, queue_server) = queue::start(kept.as_deref(), stopped.clone()).await?;
    let config = config(&options, port, (&engine.endpoint, &queues), &operator_key)?;
    let vault = match &options.data_dir {
        Some(folder) => Vault::file(&folder.join("master.key"), entropy.clone())?,
        None => Vault::with_key(&platform::secret::Secret::new(entropy.bytes::<32>().to_vec()), entropy.clone())?,
    };
    let bridge = bridge(config, vault, &clock, &entropy)?;
    state::table::create(bridge.store().client(), TABLE).await?;
    bridge.store().reindex_all().await?;

    let simulators = match &options.systems {
        Systems::Simulated | Systems::Empty => Some(Simulators::new(port, &clock, &entropy)),
        Systems::Real { .. } => None,
    };
    let mut routers = BTreeMap::from([
        ("bridge.localhost".to_owned(), front::employees(&bridge)),
        ("console.localhost".to_owned(), admin::router(bridge.clone())),
    ]);
    if let Some(simulators) = &simulators {
        routers.extend(simulators.routers());
        for host in ["bridge.localhost", "oa.localhost"] {
            if let Some(router) = routers.remove(host) {
                routers.insert(host.to_owned(), crate::camera::watched(router, &simulators.codes));
            }
        }
    }
    let front = Front { routers: Arc::new(routers), port }.router();
    let server = tokio::spawn(serve(listener, front, stopped.clone()));
    let demo = match simulators {
        Some(simulators) if options.systems == Systems::Empty => {
            simulators.unconnected()?;
            None
        }
        Some(simulators) => Some(simulators.set_up(options.data_dir.as_deref(), &bridge, port, &operator_key).await?),
        None => None,
    };
    let table_endpoint = engine.endpoint.clone();
    let triggers = triggers::start(&bridge, &queues, &stopped);
    let queues = queue_server;
    Ok(Running { port, operator_key, bridge, demo, table_endpoint, stop, server, engine, queues, triggers })
}

fn bridge(config: Config, vault: Vault, clock: &Clock, entropy: &Entropy) -> Result<Bridge> {
    let endpoint = config.dynamodb_endpoint.as_deref();
    let client = aws::dynamodb(&aws::sdk_config(aws::http_client(endpoint), clock), endpoint);
    let store = Store::new(client, &config.table, clock.clone(), entropy.clone(), config.config_cache_s);
    let loopback_names = ["welink", "oa"].map(|name| format!("{name}.localhost")).to_vec();
    let way = WayOut { loopback_names, proxy: config.proxy.clone(), ..WayOut::default() };
    let welink = Transport::by_way_of(way.clone());
    let oa = Transport::by_way_of(WayOut { extra_roots_pem: config.extra_roots_pem.clone(), ..way });
    Ok(Bridge::new(Parts { config, store, vault, welink, oa, clock: clock.clone(), entropy: entropy.clone() })?)
}

fn config(options: &Options, port: u16, parts: (&str, &Queues), operator_key: &str) -> Result<Config> {
    let local = |host: &str| format!("http://{host}.localhost:{port}");
    let (table, queues) = parts;
    let mut settings = BTreeMap::from([
        ("BRIDGE_TABLE".to_owned(), TABLE.to_owned()),
        ("BRIDGE_ORIGIN".to_owned(), local("bridge")),
        ("BRIDGE_CONSOLE_ORIGIN".to_owned(), local("console")),
        ("BRIDGE_DYNAMODB_ENDPOINT".to_owned(), table.to_owned()),
        ("BRIDGE_SQS_ENDPOINT".to_owned(), queues.endpoint.clone()),
        ("BRIDGE_SYNC_QUEUE".to_owned(), queues.url(queue::SYNC)),
        ("BRIDGE_EVENTS_QUEUE".to_owned(), queues.url(queue::EVENTS)),
        ("BRIDGE_OPERATOR_KEY_SHA256".to_owned(), sha256_hex(operator_key)),
    ]);
    match &options.systems {
        Systems::Simulated | Systems::Empty => {
            settings.insert("BRIDGE_WELINK_BASE".to_owned(), local("welink"));
            settings.insert("BRIDGE_WELINK_LOGIN_BASE".to_owned(), local("login"));
            settings.insert("BRIDGE_WELINK_SCRIPT".to_owned(), format!("{}/hwh5.js", local("phone")));
        }
        Systems::Real { welink } => {
            settings.insert("BRIDGE_WELINK_BASE".to_owned(), welink.clone());
        }
    }
    settings.extend(options.settings.clone());
    Ok(Config::read(settings)?)
}

/// The operator key of this data folder, made at the first start.
fn operator_key(folder: Option<&Path>, entropy: &Entropy) -> Result<String> {
    let Some(folder) = folder else { return Ok(entropy.token(OPERATOR_KEY_CHARS)) };
    let path = folder.join("operator.key");
    if path.exists() {
        let key = std::fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        return Ok(key.trim().to_owned());
    }
    let key = entropy.token(OPERATOR_KEY_CHARS);
    crate::demo::write_private(&path, key.as_bytes())?;
    Ok(key)
}

async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let shutdown = async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await
}

/// What went wrong, on one line, for a person at a terminal.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    anyhow!(causes.join(": ")).to_string().replace('\n', "; ")
}
