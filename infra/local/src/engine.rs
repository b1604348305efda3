//! The embedded table: the DynamoDB API over SQLite, on a loopback port of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often expired items are swept; the engine does not do it by itself.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// A running engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub endpoint: String,
    server: JoinHandle<Result<(), String>>,
    sweeper: JoinHandle<()>,
}

/// Starts the engine on `file`, or in memory.
pub(crate) async fn start(file: Option<&Path>, mut stop: watch::Receiver<bool>) -> Result<Engine> {
    let database = open(file)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port for the embedded table")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let sweeper = tokio::spawn(sweep(database.clone(), stop.clone()));
    let shutdown = async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let server = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, shutdown));
    Ok(Engine { endpoint, server, sweeper })
}

impl Engine {
    /// Waits until the engine has ended, which the `stop` signal asks for.
    pub(crate) async fn ended(self) -> Result<()> {
        self.sweeper.await?;
        self.server.await?.map_err(|e| anyhow!(e))
    }
}

fn open(file: Option<&Path>) -> Result<Database> {
    let Some(path) = file else { return Database::memory().map_err(|e| anyhow!("the embedded table: {e}")) };
    let name = path.to_str().ok_or_else(|| anyhow!("{}: not a UTF-8 path", path.display()))?;
    Database::new(name).map_err(|error| {
        // The engine's own words speak of its build options; only a file that is not a database is told apart.
        let why = if error.to_string().contains("not a valid") {
            "damaged, or not a database".to_owned()
        } else {
            error.to_string()
        };
        anyhow!("{}: cannot be opened ({why}); restore it from a backup, or move it away to begin anew", path.display())
    })
}

async fn sweep(database: Database, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = database.sweep_ttl() {
            tracing::warn!(%error, "expired items could not be swept");
        }
    }
}
