//! P1 and P2: from the start of a process to its first request for an event. P3: what a bootstrap weighs in a zip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tests::runtime_api::{Bootstrap, RuntimeApi};

/// What is shipped.
pub const FUNCTIONS: [&str; 3] = ["app-home", "admin", "qr-login"];
/// The naive twins.
pub const HELLO: &str = "hello";
pub const PYTHON: &str = "python";

/// Rounds that fill the page cache and are not counted.
const WARM_UP: usize = 3;

/// What the functions need to start. No endpoint is set, so that they build the clients with which they would reach
/// AWS.
const SETTINGS: [(&str, &str); 4] = [
    ("BRIDGE_TABLE", "bridge"),
    ("BRIDGE_ORIGIN", "https://bridge.example"),
    ("BRIDGE_CONSOLE_ORIGIN", "https://console.example"),
    ("BRIDGE_VAULT_SECRET", "master-key"),
];

/// Where the programs are.
#[derive(Debug)]
pub struct Twins {
    pub binaries: PathBuf,
    pub python: PathBuf,
}

/// The times of each program, round by round.
pub type Starts = BTreeMap<&'static str, Vec<Duration>>;

/// Starts every program once a round. The order rotates: whoever starts first in a round finds cold caches.
pub async fn measure(twins: &Twins, rounds: usize) -> Result<Starts> {
    let mut programs = [FUNCTIONS[0], HELLO, FUNCTIONS[1], PYTHON, FUNCTIONS[2]];
    let mut starts = Starts::new();
    for round in 0..rounds + WARM_UP {
        for program in programs {
            let time = start(twins, program).await?;
            if round >= WARM_UP {
                starts.entry(program).or_default().push(time);
            }
        }
        programs.rotate_left(1);
    }
    Ok(starts)
}

async fn start(twins: &Twins, program: &str) -> Result<Duration> {
    let api = RuntimeApi::start().await?;
    let mut command = Command::new(if program == PYTHON { twins.python.clone() } else { twins.binaries.join(program) });
    if program == PYTHON {
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/hello.py"));
    }
    let mut bootstrap = Bootstrap::spawn_command(command, &api, SETTINGS).with_context(|| program.to_owned())?;
    bootstrap.ready(&api).await.map_err(|why| anyhow!("{program} {why}"))
}

/// Bytes of each function in a zip of its own, compressed as `cargo lambda` compresses it.
pub fn zipped_sizes(twins: &Twins) -> Result<BTreeMap<&'static str, u64>> {
    let script = "import io, sys, zipfile\nbuffer = io.BytesIO()\n\
                  zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED).write(sys.argv[1], 'bootstrap')\n\
                  print(buffer.tell())";
    let size = |name| {
        let output = Command::new(&twins.python).args(["-c", script]).arg(twins.binaries.join(name)).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok((name, String::from_utf8(output.stdout)?.trim().parse()?))
    };
    FUNCTIONS.into_iter().map(size).collect()
}
