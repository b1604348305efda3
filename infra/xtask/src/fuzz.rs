//! `cargo xtask fuzz --seeds N`: the simulation, each seed another order of events and faults.

use anyhow::Result;

use crate::step::{cargo, run as show, step};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 500)]
    seeds: u32,
}

pub fn run(options: &Options) -> Result<()> {
    let mut simulation = cargo(&["test", "--package", "tests", "--test", "simulation", "--", "--nocapture"]);
    simulation.env("BRIDGE_SEEDS", options.seeds.to_string());
    step("simulation", || show(&mut simulation))
}
