//! `cargo xtask bench`: builds what is shipped and its naive twins, and has the tests' `bench` program measure them.

use anyhow::Result;

use crate::step::{FUNCTIONS, cargo, command, read, root, run as show, step};
use crate::tools::text;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Starts of each program.
    #[arg(long, default_value_t = 100)]
    starts: u32,
}

pub fn run(options: &Options) -> Result<()> {
    for name in FUNCTIONS.iter().chain(&["hello"]) {
        // One at a time, as they are packaged: together they would get each other's features.
        step(name, || show(&mut cargo(&["build", "--quiet", "--release", "--package", name])))?;
    }
    // The interpreter itself: a launcher in front of it would be timed too.
    let find = "import sys; print(getattr(sys, '_base_executable', sys.executable))";
    let python = read(&mut command("python3", &["-c", find]))?;
    let release = root().join("target/release");
    let starts = options.starts.to_string();
    let driver = ["run", "--quiet", "--profile", "driver", "--package", "tests", "--bin", "bench", "--"];
    let mut measure = cargo(&driver);
    measure.args([text(&release)?, python.trim(), &starts]);
    step("measure", || show(&mut measure))
}
