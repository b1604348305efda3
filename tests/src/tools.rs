//! Where the programs are that tests drive. `cargo xtask test` installs and builds them and says where; a test that
//! needs one and has none fails.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;

/// Python with the packages of infra/xtask/tools/checks.txt.
pub fn python() -> PathBuf {
    from_environment("BRIDGE_PYTHON")
}

/// What drives Chromium; where Debian puts it, unless `BRIDGE_CHROMEDRIVER` says otherwise.
pub fn chromedriver() -> PathBuf {
    std::env::var_os("BRIDGE_CHROMEDRIVER").map_or_else(|| PathBuf::from("/usr/bin/chromedriver"), PathBuf::from)
}

/// The script of axe-core, which judges a page's accessibility; in `target/tools`, unless `BRIDGE_AXE` says otherwise.
pub fn axe() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/axe-core/package/axe.min.js");
    let path = std::env::var_os("BRIDGE_AXE").map_or_else(usual, PathBuf::from);
    assert!(path.is_file(), "{} is missing: run `cargo xtask test`, which fetches axe-core", path.display());
    path
}

/// The program `bridge`: the one that `BRIDGE_LOCAL` names, else built once by the cargo that runs the tests.
pub async fn bridge() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT
        .get_or_init(async || match std::env::var_os("BRIDGE_LOCAL") {
            Some(path) => PathBuf::from(path),
            None => build_bridge().await,
        })
        .await
}

/// Builds beside this test, `target/<profile>/deps/<test>`, with the features that the tests give to what they share.
#[expect(clippy::expect_used, reason = "only tests call this, and one without its tool must fail")]
async fn build_bridge() -> PathBuf {
    let test = std::env::current_exe().expect("where this test is");
    let folder = test.ancestors().nth(2).expect("the test is in the target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };
    let target = folder.parent().expect("the test is in the target folder");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let cargo = cargo.args(["build", "--quiet", "--profile", profile, "-p", "tests", "-p", "local", "--bin", "bridge"]);
    let cargo = cargo.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().await.expect("cargo can be started");
    assert!(output.status.success(), "the local bridge cannot be built: {}", String::from_utf8_lossy(&output.stderr));
    folder.join("bridge")
}

/// The packaged binary of a function, e.g. `app-home`.
pub fn bootstrap(function: &str) -> PathBuf {
    from_environment("BRIDGE_BOOTSTRAP_DIR").join(function)
}

#[expect(clippy::panic, reason = "only tests call this, and one without its tool must fail")]
fn from_environment(name: &str) -> PathBuf {
    std::env::var_os(name).map_or_else(|| panic!("{name} is not set: run `cargo xtask test`"), PathBuf::from)
}
