//! The planner's figures as a section of docs/benchmarks.md.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::plan::{LARGE, Plans, Round, SMALL};
use crate::report;
use crate::stats::Spread;

const SECTION: &str = "planned";
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// Prints the figures and puts them into the page.
pub fn write(plans: &Plans) -> Result<()> {
    report::put(SECTION, &format!("{}\n\n{}\n{}", report::machine(), ratios(plans)?, times(plans)?))
}

fn ratios(plans: &Plans) -> Result<String> {
    let mut table = String::from("| # | figure | goal | p50 | p10 to p90 | reached |\n|---|---|---|---|---|---|\n");
    let mut row = |number: &str, figure: &str, goal: Goal, spread: Spread| {
        let Spread { p10, p50, p90 } = spread;
        let (sign, limit, is_reached) = match goal {
            Goal::AtLeast(limit) => ("≥", limit, p50 >= limit),
            Goal::AtMost(limit) => ("≤", limit, p50 <= limit),
        };
        let range = if (p90 - p10).abs() < f64::EPSILON { "-".to_owned() } else { format!("{p10:.2} to {p90:.2}") };
        let reached = if is_reached { "yes" } else { "no" };
        writeln!(table, "| {number} | {figure} | {sign} {limit} | {p50:.2} | {range} | {reached} |")
    };
    let of = |ratio: fn(&Round) -> f64| Spread::of(plans.rounds.iter().map(ratio));
    row("P5", "plan: Python ÷ ours", Goal::AtLeast(7.0), of(|one| one.python_plan_s / one.plan_s))?;
    let both = of(|one| (one.python_parse_s + one.python_plan_s) / (one.parse_s + one.plan_s));
    row("P6", "parse and plan: Python ÷ ours", Goal::AtLeast(8.0), both)?;
    row("P7", "plan ÷ one pass over the bytes of both inputs", Goal::AtMost(20.0), of(|one| one.plan_s / one.pass_s))?;
    let tenfold = f64::from(LARGE) / f64::from(SMALL);
    let growth = Spread::of(plans.growth.iter().map(|(few, many)| (many / few).ln() / tenfold.ln()));
    row("P8", "growth of a plan from 100,000 to 1,000,000 people, exponent", Goal::AtMost(1.12), growth)?;
    for (people, limit) in [(SMALL, 100.0), (LARGE, 512.0)] {
        let peak = *plans.memory.get(&people).context("a peak was measured")?;
        let figure = format!("most memory with {people} people, read page by page, MB");
        row("P9", &figure, Goal::AtMost(limit), Spread { p10: peak, p50: peak, p90: peak })?;
    }
    Ok(table)
}

/// Absolute times, to be read only beside the machine that they were taken on.
fn times(plans: &Plans) -> Result<String> {
    let mut table = String::from("| time of | p50 | p10 to p90 | times |\n|---|---|---|---|\n");
    let mut line = |name: &str, of: fn(&Round) -> f64| {
        let Spread { p10, p50, p90 } = Spread::of(plans.rounds.iter().map(|one| of(one) * 1000.0));
        let times = plans.rounds.len();
        writeln!(table, "| {name} | {p50:.1} ms | {p10:.1} to {p90:.1} ms | {times} |")
    };
    line("a plan of 100,000 people", |one| one.plan_s)?;
    line("parsing them", |one| one.parse_s)?;
    line("Python's plan", |one| one.python_plan_s)?;
    line("Python's parsing", |one| one.python_parse_s)?;
    line("one pass over the bytes", |one| one.pass_s)?;
    #[expect(clippy::cast_precision_loss, reason = "a size of some megabytes")]
    let megabytes = plans.input_bytes as f64 / MEGABYTE;
    writeln!(table, "\nInputs: {megabytes:.0} MB of JSON for 100,000 people.")?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn goals_are_compared_in_their_own_direction() {
        let round = Round { python_parse_s: 8.0, python_plan_s: 1.0, parse_s: 0.8, plan_s: 0.1, pass_s: 0.004 };
        let memory = BTreeMap::from([(SMALL, 40.0), (LARGE, 600.0)]);
        let plans = Plans { rounds: vec![round], growth: vec![(1.0, 10.0)], memory, input_bytes: 1 };
        let table = ratios(&plans).unwrap();
        for line in [
            "| P5 | plan: Python ÷ ours | ≥ 7 | 10.00 | - | yes |",
            "| P6 | parse and plan: Python ÷ ours | ≥ 8 | 10.00 | - | yes |",
            "| P7 | plan ÷ one pass over the bytes of both inputs | ≤ 20 | 25.00 | - | no |",
            "| P8 | growth of a plan from 100,000 to 1,000,000 people, exponent | ≤ 1.12 | 1.00 | - | yes |",
            "| P9 | most memory with 100000 people, read page by page, MB | ≤ 100 | 40.00 | - | yes |",
            "| P9 | most memory with 1000000 people, read page by page, MB | ≤ 512 | 600.00 | - | no |",
        ] {
            assert!(table.contains(line), "{line}\n{table}");
        }
    }
}
