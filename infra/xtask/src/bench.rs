//! `cargo xtask bench`: builds what is shipped and its naive twins, and has the tests' `bench` program measure them.

use anyhow::Result;

use crate::step::{FUNCTIONS, cargo, command, read, root, run as show, step};
use crate::tools::text;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Starts of each program.
    #[arg(long, default_value_t = 100)]
    starts: u32,
    /// Only the planner's figures, which need no release binaries.
    #[arg(long)]
    plan: bool,
}

pub fn run(options: &Options) -> Result<()> {
    // The interpreter itself: a launcher in front of it would be timed too.
    let find = "import sys; print(getattr(sys, '_base_executable', sys.executable))";
    let python = read(&mut command("python3", &["-c", find]))?;
    let driver = ["run", "--quiet", "--profile", "driver", "--package", "tests", "--bin", "bench", "--"];
    let mut measure = cargo(&driver);
    if options.plan {
        measure.args(["plan", python.trim()]);
        return step("measure", || show(&mut measure));
    }
    for name in FUNCTIONS.iter().chain(&["hello"]) {
        // One at a time, as they are packaged: together they would get each other's features.
        step(name, || show(&mut cargo(&["build", "--quiet", "--release", "--package", name])))?;
    }
    let release = root().join("target/release");
    measure.args([text(&release)?, python.trim(), &options.starts.to_string()]);
    step("measure", || show(&mut measure))
}
