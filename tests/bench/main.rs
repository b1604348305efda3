//! Measures what is shipped against its naive twins (goals.md P1 to P4, P20), both in one run on one machine, and
//! writes the figures into docs/benchmarks.md. `cargo xtask bench` builds everything and starts it.

mod report;
mod starts;
mod stats;
mod warm;

use std::path::PathBuf;

use anyhow::{Result, bail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binaries, python, rounds] = arguments.as_slice() else {
        bail!("usage: bench <folder of the release binaries> <python> <rounds>");
    };
    let twins = starts::Twins { binaries: PathBuf::from(binaries), python: PathBuf::from(python) };
    let rounds = rounds.parse()?;
    let measured = report::Measured {
        starts: starts::measure(&twins, rounds).await?,
        sizes: starts::zipped_sizes(&twins)?,
        sign_ins: warm::measure(&twins.binaries, rounds).await?,
    };
    report::write(&measured)
}
