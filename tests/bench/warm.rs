//! P4: what a warm sign-in costs beside its servers, and P20: what it asks of the table.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use axum::routing::post;
use axum::{Json, Router};
use platform::transport::Transport;
use serde_json::json;
use tests::gateway;
use tests::runtime_api::{Bootstrap, RuntimeApi};
use tests::tap::{Seen, Tap};
use tests::world::{LINKED, World};

/// Sign-ins that fill caches, connections and the budget's lease, and are not counted.
const WARM_UP: usize = 5;
/// Between two sign-ins, so that the configured 30 calls a second to WeLink are never what is measured.
const PAUSE: Duration = Duration::from_millis(60);

/// One sign-in: the answer of the page, from the event to the redirect.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Without the time in which table and WeLink were answering.
    pub own: Duration,
    /// The bare function's answer to the same event.
    pub hello: Duration,
    /// Calls to the table by operation, those of the page before included.
    pub table: Seen,
    /// Calls to WeLink.
    pub welink: Seen,
}

struct Stage {
    world: World,
    api: Arc<RuntimeApi>,
    table: Tap,
    welink: Tap,
    /// Kept so that they run until the end.
    _running: (Bootstrap, Tap, tempfile::TempDir),
}

/// Signs the same member in again and again, the bare function taking its turn with the same event.
pub async fn measure(binaries: &Path, rounds: usize) -> Result<Vec<SignIn>> {
    let stage = Stage::set(&binaries.join("app-home")).await?;
    let hello_api = RuntimeApi::start().await?;
    let none: [(&str, &str); 0] = [];
    let mut hello = Bootstrap::spawn(&binaries.join("hello"), &hello_api, none)?;
    hello.ready(&hello_api).await.map_err(|why| anyhow!(why))?;
    let mut sign_ins = Vec::with_capacity(rounds);
    for round in 0..rounds + WARM_UP {
        let sign_in = stage.sign_in(&hello_api).await?;
        if round >= WARM_UP {
            sign_ins.push(sign_in);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(sign_ins)
}

impl Stage {
    /// The shipped binary over the table and the simulators of a local bridge, a tap in front of each.
    async fn set(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let world = World::in_folder(folder.path(), &[]).await;
        let plain = || Transport::reqwest(Vec::new(), None);
        let table = Tap::start(plain(), &world.running.table_endpoint).await?;
        let welink = Tap::start(Transport::router(world.demo().welink.router()), "http://welink.localhost").await?;
        let key =
            json!({ "Name": "master", "SecretString": std::fs::read_to_string(folder.path().join("master.key"))? });
        let secrets = Router::new().route("/", post(|| async { Json(key) }));
        let vault = Tap::start(Transport::router(secrets), "http://vault.localhost").await?;
        let api = Arc::new(RuntimeApi::start().await?);
        let settings = [
            ("BRIDGE_TABLE", "bridge"),
            ("BRIDGE_ORIGIN", &world.running.origin("bridge")),
            ("BRIDGE_CONSOLE_ORIGIN", &world.running.origin("console")),
            ("BRIDGE_DYNAMODB_ENDPOINT", &table.origin),
            ("BRIDGE_VAULT_SECRET", "master"),
            ("BRIDGE_VAULT_ENDPOINT", &vault.origin),
            ("BRIDGE_WELINK_BASE", &welink.origin),
        ];
        let mut bootstrap = Bootstrap::spawn(binary, &api, settings)?;
        bootstrap.ready(&api).await.map_err(|why| anyhow!(why))?;
        Ok(Self { world, api, table, welink, _running: (bootstrap, vault, folder) })
    }

    async fn sign_in(&self, hello: &RuntimeApi) -> Result<SignIn> {
        let Self { world, api, .. } = self;
        let mut browser =
            tests::web::Browser::new(gateway::transport("bridge.localhost", Arc::clone(api), world.transport()));
        self.table.take();
        let opened = browser.get(&world.homepage()).await?;
        let (action, mut fields) = opened.form("answer").context("the page asks for a code")?;
        let code = world.code(LINKED);
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
        let mut table = self.table.take();
        self.welink.take();
        let answer = browser.post_form(&action, &fields).await?;
        ensure!(answer.status == http::StatusCode::SEE_OTHER, "{} {}", answer.status, answer.body);
        let whole = api.last_latency().context("an event was answered")?;
        let (of_answer, welink) = (self.table.take(), self.welink.take());
        let own = whole.saturating_sub(of_answer.served + welink.served);
        for (name, count) in of_answer.calls {
            *table.calls.entry(name).or_default() += count;
        }
        table.served += of_answer.served;
        let hello = hello.invoke_timed(json!({ "rawPath": action.path() })).await.map_err(|why| anyhow!("{why:?}"))?;
        Ok(SignIn { own, hello: hello.latency, table, welink })
    }
}
