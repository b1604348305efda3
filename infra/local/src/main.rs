//! `cargo run`: the local bridge, and the command line of the administrator's API.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    local::cli::main(local::cli::Cli::parse())
}
