//! docs/benchmarks.md: the part between two markers is written here, the rest of the page by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use platform::clock::Clock;

use crate::starts::{FUNCTIONS, HELLO, PYTHON, Starts};
use crate::stats::Spread;

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// Prints the figures and puts them into the page.
pub fn write(starts: &Starts, sizes: &BTreeMap<&'static str, u64>) -> Result<()> {
    let figures = format!("{}\n\n{}\n{}", machine(), ratios(starts, sizes)?, times(starts)?);
    show(&figures);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let old = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    fs::write(&page, replace(&old, &figures)?)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a chore talks to the person who started it")]
fn show(text: &str) {
    println!("{text}");
}

fn replace(page: &str, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("docs/benchmarks.md has no begin marker")?;
    let (_, after) = rest.split_once(END).context("docs/benchmarks.md has no end marker")?;
    Ok(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

/// The goals, each with the ratio of the same round, so that a slow moment of the machine hits both sides.
fn ratios(starts: &Starts, sizes: &BTreeMap<&'static str, u64>) -> Result<String> {
    let mut table = String::from("| # | figure | goal | p50 | p10 to p90 | reached |\n|---|---|---|---|---|---|\n");
    let mut slowest = FUNCTIONS[0];
    for name in FUNCTIONS {
        let ratio = ratio(starts, name, HELLO)?;
        row(&mut table, "P1", &format!("{name}: start ÷ bare Rust hello's"), 1.8, ratio)?;
        if median(starts, name)? > median(starts, slowest)? {
            slowest = name;
        }
    }
    let ratio = ratio(starts, slowest, PYTHON)?;
    row(&mut table, "P2", &format!("{slowest} (the slowest): start ÷ Python hello's"), 0.08, ratio)?;
    for (name, bytes) in sizes {
        #[expect(clippy::cast_precision_loss, reason = "a size of some megabytes")]
        let size = *bytes as f64 / MEGABYTE;
        row(&mut table, "P3", &format!("{name}: zipped, MB"), 5.0, Spread { p10: size, p50: size, p90: size })?;
    }
    Ok(table)
}

fn row(table: &mut String, number: &str, figure: &str, goal: f64, spread: Spread) -> Result<()> {
    let Spread { p10, p50, p90 } = spread;
    let range = if (p90 - p10).abs() < f64::EPSILON { "-".to_owned() } else { format!("{p10:.3} to {p90:.3}") };
    let reached = if p50 <= goal { "yes" } else { "no" };
    writeln!(table, "| {number} | {figure} | ≤ {goal} | {p50:.3} | {range} | {reached} |")?;
    Ok(())
}

/// Absolute times, to be read only beside the machine that they were taken on.
fn times(starts: &Starts) -> Result<String> {
    let mut table = String::from("| start of | p50 | p10 to p90 | starts |\n|---|---|---|---|\n");
    for (name, times) in starts {
        let Spread { p10, p50, p90 } = Spread::of(times.iter().copied().map(milliseconds));
        writeln!(table, "| {name} | {p50:.2} ms | {p10:.2} to {p90:.2} ms | {} |", times.len())?;
    }
    Ok(table)
}

fn ratio(starts: &Starts, ours: &str, twin: &str) -> Result<Spread> {
    let (ours, twin) = (of(starts, ours)?, of(starts, twin)?);
    Ok(Spread::of(ours.iter().zip(twin).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64())))
}

fn median(starts: &Starts, name: &str) -> Result<f64> {
    Ok(Spread::of(of(starts, name)?.iter().copied().map(milliseconds)).p50)
}

fn of<'a>(starts: &'a Starts, name: &str) -> Result<&'a [Duration]> {
    starts.get(name).map(Vec::as_slice).with_context(|| format!("{name} was not measured"))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = model.map_or("processor of unknown name", |(_, name)| name);
    let today = jiff::Timestamp::from_millisecond(Clock::system().now().0).unwrap_or_default();
    format!("{model}, {cores} cores, {}", today.strftime("%Y-%m-%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_markers_changes() {
        let page = format!("# Head\n{BEGIN}\nold\n{END}\ntail\n");
        assert_eq!(replace(&page, "new").unwrap(), format!("# Head\n{BEGIN}\nnew\n{END}\ntail\n"));
        assert!(replace("# Head", "new").is_err());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ms = |list: &[u64]| list.iter().map(|n| Duration::from_millis(*n)).collect::<Vec<_>>();
        let starts = Starts::from([
            ("app-home", ms(&[2, 20])),
            ("admin", ms(&[3, 30])),
            (HELLO, ms(&[1, 10])),
            (PYTHON, ms(&[100, 1000])),
        ]);
        let table = ratios(&starts, &BTreeMap::from([("admin", 1_048_576)])).unwrap();
        assert!(table.contains("| P1 | app-home: start ÷ bare Rust hello's | ≤ 1.8 | 2.000 | - | no |"), "{table}");
        assert!(
            table.contains("| P2 | admin (the slowest): start ÷ Python hello's | ≤ 0.08 | 0.030 | - | yes |"),
            "{table}"
        );
        assert!(table.contains("| P3 | admin: zipped, MB | ≤ 5 | 1.000 | - | yes |"), "{table}");
    }
}
