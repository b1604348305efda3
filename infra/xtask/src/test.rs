//! `cargo xtask test`: what CI runs, the cheap checks first.

use anyhow::{Result, bail};

use crate::step::{FUNCTIONS, cargo, command, root, run as show, say, step, watch};
use crate::tools::{self, CHROMEDRIVER};

pub fn run() -> Result<()> {
    step("format", || show(&mut cargo(&["fmt", "--all", "--", "--check"])))?;
    step("lints", || {
        show(&mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
    })?;
    step("browser and fonts", || tools::debian(&["chromium", "chromium-driver", "fonts-noto-cjk"]))?;
    let tools = step("Python tools", || tools::python("venv", "checks.txt"))?;
    step("axe-core", tools::axe_core)?;
    // The database of advisories is a Git repository of its own; what is checked here needs no network.
    step("licences, sources and bans", || {
        // The crates of other targets too: their licences count, and a build of this one does not bring them.
        show(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
        let deny = ["--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
        show(&mut command(tools.join("cargo-deny"), &deny))
    })?;
    step("template", || show(&mut command(tools.join("cfn-lint"), &["template.yaml"])))?;
    step("packaged binaries", || {
        let mut build = cargo(&["build", "--quiet", "--profile", "ci"]);
        show(build.args(FUNCTIONS.iter().flat_map(|name| ["--package", name])))
    })?;
    let (python, bootstraps) = (tools.join("python"), root().join("target/ci"));
    for needed in [&python, &bootstraps.join(FUNCTIONS[0]), &CHROMEDRIVER.into()] {
        if !needed.exists() {
            bail!("{} is missing: a test that needs it could only fail", needed.display());
        }
    }
    // Built with the features of the tests, so that nothing is compiled twice.
    step("local bridge", || show(&mut cargo(&["build", "--quiet", "--workspace"])))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.env("BRIDGE_LOCAL", root().join("target/debug/bridge"));
    tests.env("BRIDGE_PYTHON", python).env("BRIDGE_BOOTSTRAP_DIR", bootstraps);
    tests.env("BRIDGE_CHROMEDRIVER", CHROMEDRIVER);
    let mut count = Count::default();
    let passed = step("tests", || watch(&mut tests, |line| count.read(line)))?;
    say(&format!("{} passed, {} failed", count.passed, count.failed));
    match (passed, count.passed) {
        (true, 1..) => Ok(()),
        (true, 0) => bail!("no test ran"),
        (false, _) => bail!("tests failed"),
    }
}

/// Tests over all binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u32,
    failed: u32,
}

impl Count {
    /// Adds a line such as `test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; …`.
    fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split(['.', ';']) {
            match part.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_added() {
        let mut count = Count::default();
        count.read("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        count.read("test flows::sso ... ok");
        count.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s");
        assert_eq!(count, Count { passed: 15, failed: 2 });
    }
}
