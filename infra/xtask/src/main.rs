//! The chores of the project: `cargo xtask test | bench | package | fuzz`, each one file, each repeatable at no cost.

mod bench;
mod fuzz;
mod package;
mod step;
mod test;
mod tools;

#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask", about = "The chores of the bridge")]
enum Chore {
    /// Everything that must hold before a change is taken: what CI runs.
    Test,
    /// Measures starts, sizes and warm calls, and writes them into docs/benchmarks.md.
    Bench(bench::Options),
    /// Builds target/lambda/<function>/bootstrap.zip for AWS and checks what it needs there.
    Package,
    /// Runs the simulation with many seeds.
    Fuzz(fuzz::Options),
}

fn main() -> anyhow::Result<()> {
    match <Chore as clap::Parser>::parse() {
        Chore::Test => test::run(),
        Chore::Bench(options) => bench::run(&options),
        Chore::Package => package::run(),
        Chore::Fuzz(options) => fuzz::run(&options),
    }
}
