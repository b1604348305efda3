//! Measures what is shipped against its naive twins (goals.md P1 to P3), both in one run on one machine, and writes the
//! figures into docs/benchmarks.md. `cargo xtask bench` builds everything and starts it.

mod report;
mod starts;
mod stats;

use std::path::PathBuf;

use anyhow::{Result, bail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binaries, python, rounds] = arguments.as_slice() else {
        bail!("usage: bench <folder of the release binaries> <python> <rounds>");
    };
    let twins = starts::Twins { binaries: PathBuf::from(binaries), python: PathBuf::from(python) };
    let starts = starts::measure(&twins, rounds.parse()?).await?;
    let sizes = starts::zipped_sizes(&twins)?;
    report::write(&starts, &sizes)
}
