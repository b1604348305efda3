//! Measures what is shipped against its naive twins (goals.md P1 to P9, P20), both in one run on one machine, and
//! writes the figures into docs/benchmarks.md. `cargo xtask bench` builds everything and starts it.

mod organisation;
mod plan;
mod plan_report;
mod report;
mod starts;
mod stats;
mod warm;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (binaries, python, rounds) = match arguments.as_slice() {
        // What a process of its own needs to be asked for its memory.
        ["plan-memory", folder] => return plan::print_peak(Path::new(folder)),
        ["plan", python] => return plan_report::write(&plan::measure(Path::new(python))?),
        [binaries, python, rounds] => (binaries, python, rounds),
        _ => bail!("usage: bench <folder of the release binaries> <python> <rounds> | bench plan <python>"),
    };
    let twins = starts::Twins { binaries: PathBuf::from(binaries), python: PathBuf::from(python) };
    let rounds = rounds.parse()?;
    let measured = report::Measured {
        starts: starts::measure(&twins, rounds).await?,
        sizes: starts::zipped_sizes(&twins)?,
        sign_ins: warm::measure(&twins.binaries, rounds).await?,
    };
    report::write(&measured)?;
    plan_report::write(&plan::measure(&twins.python)?)
}
