//! The local bridge as a person starts it: the program `bridge` in a process of its own, on a free port, with a data
//! folder.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "only tests call this, and they fail by panicking"
)]

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::Remembered;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::tools;

/// What a trace id is looked for in: the bridge's own lines from `info` on.
const LOGGED: &str = "warn,platform=info,signin=info,app_home=info,qr_login=info";
const START_MAX: Duration = Duration::from_secs(30);
/// How long a line may take from the program to here.
const LOG_MAX: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// Lines of output that are kept, the oldest go first.
const LINES_MAX: usize = 2_000;

/// A running `bridge`; dropping it ends the process and removes its data.
#[derive(Debug)]
pub struct Program {
    pub port: u16,
    /// What the first start set up.
    pub remembered: Remembered,
    lines: Arc<Mutex<VecDeque<String>>>,
    folder: TempDir,
    _process: Child,
}

impl Program {
    /// Starts the program with settings by their `BRIDGE_…` names and returns when it says that it is ready.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().to_str().expect("a plain path");
        let (process, port, lines) = spawn(&["--data-dir", data], settings).await;
        let remembered = std::fs::read(folder.path().join("demo.json")).expect("what the first start has set up");
        let remembered = serde_json::from_slice(&remembered).expect("what the first start has set up");
        Self { port, remembered, lines, folder, _process: process }
    }

    /// The address of one of the program's hosts, e.g. `phone`.
    pub fn origin(&self, host: &str) -> String {
        format!("http://{host}.localhost:{}", self.port)
    }

    /// The address of the demonstration app's homepage.
    pub fn homepage(&self) -> String {
        format!("{}/h/{}", self.origin("bridge"), self.remembered.app)
    }

    /// Waits until the program has logged this text.
    pub async fn logs(&self, text: &str) {
        let waited = tokio::time::timeout(LOG_MAX, async {
            let mut again = tokio::time::interval(LOOK_AGAIN);
            while !self.lines.lock().unwrap().iter().any(|line| line.contains(text)) {
                again.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "{text} is not in the log: {:#?}", self.lines.lock().unwrap());
    }

    /// Runs a command as an administrator types it, e.g. `["app", "list", …]`; gives what it prints as JSON.
    pub async fn command(&self, words: &[&str]) -> Value {
        let output = self.typed(words, self.folder.path()).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "bridge {words:?}: {told}");
        serde_json::from_slice(&output.stdout).expect("the command prints JSON")
    }

    /// The same for a command that prints nothing.
    pub async fn done(&self, words: &[&str]) {
        let output = self.typed(words, self.folder.path()).await;
        assert!(output.status.success(), "bridge {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    async fn typed(&self, words: &[&str], folder: &Path) -> Output {
        let mut command = Command::new(tools::bridge().await);
        command.args(words).args(["--api", &self.origin("console"), "--data-dir"]).arg(folder);
        command.stdin(Stdio::null()).output().await.expect("the local bridge can be started")
    }

    /// How many entries of the tenant's audit log have this action.
    pub async fn audited(&self, action: &str) -> usize {
        let log = self.command(&["audit", "--tenant", self.remembered.tenant.as_str()]).await;
        let entries = log["entries"].as_array().unwrap_or_else(|| panic!("no entries: {log}"));
        entries.iter().filter(|entry| entry["action"] == action).count()
    }
}

/// A running `bridge --empty`: simulators, and nothing set up.
#[derive(Debug)]
pub struct Empty {
    pub port: u16,
    lines: Arc<Mutex<VecDeque<String>>>,
    _process: Child,
}

impl Empty {
    pub async fn start() -> Self {
        let (process, port, lines) = spawn(&["--empty"], &[]).await;
        Self { port, lines, _process: process }
    }

    /// The address of one of the program's hosts.
    pub fn origin(&self, host: &str) -> String {
        format!("http://{host}.localhost:{}", self.port)
    }

    /// Where the first account is made, as the program prints it.
    pub fn setup_link(&self) -> String {
        let lines = self.lines.lock().unwrap();
        let link = lines.iter().find(|line| line.contains("/setup?key="));
        link.expect("the program prints where the first account is made").trim().to_owned()
    }
}

type Lines = Arc<Mutex<VecDeque<String>>>;

/// Starts the program on a free port, and returns when it says that it is ready.
async fn spawn(arguments: &[&str], settings: &[(&str, &str)]) -> (Child, u16, Lines) {
    let mut process = Command::new(tools::bridge().await)
        .args(["--port", "0"])
        .args(arguments)
        .env("RUST_LOG", LOGGED)
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the local bridge can be started");
    let lines = Arc::new(Mutex::new(VecDeque::new()));
    let (found, mut port) = mpsc::unbounded_channel();
    tokio::spawn(keep(process.stdout.take().unwrap(), Arc::clone(&lines), Some(found)));
    tokio::spawn(keep(process.stderr.take().unwrap(), Arc::clone(&lines), None));
    let Ok(Some(port)) = tokio::time::timeout(START_MAX, port.recv()).await else {
        panic!("the local bridge does not get ready: {:#?}", lines.lock().unwrap());
    };
    (process, port, lines)
}

/// Keeps what comes out, and tells the port as soon as it is printed.
async fn keep(
    output: impl AsyncRead + Unpin,
    lines: Arc<Mutex<VecDeque<String>>>,
    port: Option<mpsc::UnboundedSender<u16>>,
) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        let printed = line.split_once("http://bridge.localhost:").filter(|(before, _)| before.trim().is_empty());
        if let (Some(tell), Some((_, rest))) = (&port, printed) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            // Nobody waits any more once the port is known.
            let _ = tell.send(digits.parse().expect("a port"));
        }
        let mut lines = lines.lock().unwrap();
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
