//! Where the programs are that tests drive. `cargo xtask test` installs and builds them and says where; a test that
//! needs one and has none fails.

use std::path::PathBuf;

/// Python with the packages of infra/xtask/tools/checks.txt.
pub fn python() -> PathBuf {
    from_environment("BRIDGE_PYTHON")
}

pub fn chromedriver() -> PathBuf {
    from_environment("BRIDGE_CHROMEDRIVER")
}

/// The packaged binary of a function, e.g. `app-home`.
pub fn bootstrap(function: &str) -> PathBuf {
    from_environment("BRIDGE_BOOTSTRAP_DIR").join(function)
}

#[expect(clippy::panic, reason = "only tests call this, and one without its tool must fail")]
fn from_environment(name: &str) -> PathBuf {
    std::env::var_os(name).map_or_else(|| panic!("{name} is not set: run `cargo xtask test`"), PathBuf::from)
}
