//! docs/benchmarks.md: the part between two markers is written here, the rest of the page by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use ::tests::tap::Seen;
use anyhow::{Context as _, Result};
use platform::clock::Clock;

use crate::starts::{FUNCTIONS, HELLO, PYTHON, Starts};
use crate::stats::Spread;
use crate::warm::SignIn;

/// The section of this page that the figures of starts and sign-ins go into.
const SECTION: &str = "measured";
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// Everything that a run has measured.
#[derive(Debug)]
pub struct Measured {
    pub starts: Starts,
    /// Bytes of each function's zip.
    pub sizes: BTreeMap<&'static str, u64>,
    pub sign_ins: Vec<SignIn>,
}

/// Prints the figures and puts them into the page.
pub fn write(measured: &Measured) -> Result<()> {
    let figures = format!("{}\n\n{}\n{}\n{}", machine(), ratios(measured)?, times(measured)?, calls(measured)?);
    put(SECTION, &figures)
}

/// Prints figures and puts them between the markers of a section.
pub fn put(section: &str, figures: &str) -> Result<()> {
    show(figures);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let old = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    fs::write(&page, replace(&old, section, figures)?)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a chore talks to the person who started it")]
fn show(text: &str) {
    println!("{text}");
}

fn replace(page: &str, section: &str, figures: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {section}: begin -->"), format!("<!-- {section}: end -->"));
    let (before, rest) = page.split_once(&begin).context("docs/benchmarks.md has no begin marker")?;
    let (_, after) = rest.split_once(&end).context("docs/benchmarks.md has no end marker")?;
    Ok(format!("{before}{begin}\n{figures}\n{end}{after}"))
}

/// The goals, each with the ratio of the same round, so that a slow moment of the machine hits both sides.
fn ratios(measured: &Measured) -> Result<String> {
    let Measured { starts, sizes, sign_ins } = measured;
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
    let own = Spread::of(sign_ins.iter().map(|one| one.own.as_secs_f64() / one.hello.as_secs_f64()));
    row(&mut table, "P4", "warm sign-in ÷ bare Rust hello's answer, servers answering at once", 6.0, own)?;
    let reads = Spread::of(sign_ins.iter().map(|one| f64::from(reads(&one.table))));
    row(&mut table, "P20", "reads of the table in a warm sign-in", 1.0, reads)?;
    Ok(table)
}

/// Calls that only read.
fn reads(table: &Seen) -> u32 {
    let reading = |name: &str| ["GetItem", "BatchGetItem", "Query", "TransactGetItems", "Scan"].contains(&name);
    table.calls.iter().filter(|(name, _)| reading(name)).map(|(_, count)| count).sum()
}

/// What one warm sign-in asks of others, the median call by call.
fn calls(measured: &Measured) -> Result<String> {
    let mut lines = String::from("| a warm sign-in asks | how often |\n|---|---|\n");
    for server in ["table", "WeLink"] {
        let all = || measured.sign_ins.iter().map(|one| if server == "table" { &one.table } else { &one.welink });
        let names: BTreeSet<&String> = all().flat_map(|seen| seen.calls.keys()).collect();
        for name in names {
            let often = Spread::of(all().map(|seen| f64::from(seen.calls.get(name).copied().unwrap_or(0))));
            writeln!(lines, "| {server}: {name} | {} (p90 {}) |", often.p50, often.p90)?;
        }
    }
    Ok(lines)
}

fn row(table: &mut String, number: &str, figure: &str, goal: f64, spread: Spread) -> Result<()> {
    let Spread { p10, p50, p90 } = spread;
    let range = if (p90 - p10).abs() < f64::EPSILON { "-".to_owned() } else { format!("{p10:.3} to {p90:.3}") };
    let reached = if p50 <= goal { "yes" } else { "no" };
    writeln!(table, "| {number} | {figure} | ≤ {goal} | {p50:.3} | {range} | {reached} |")?;
    Ok(())
}

/// Absolute times, to be read only beside the machine that they were taken on.
fn times(measured: &Measured) -> Result<String> {
    let mut table = String::from("| time of | p50 | p10 to p90 | times |\n|---|---|---|---|\n");
    let mut line = |name: &str, times: &[Duration]| {
        let Spread { p10, p50, p90 } = Spread::of(times.iter().copied().map(milliseconds));
        writeln!(table, "| {name} | {p50:.2} ms | {p10:.2} to {p90:.2} ms | {} |", times.len())
    };
    for (name, times) in &measured.starts {
        line(&format!("a start of {name}"), times)?;
    }
    let sign_ins = &measured.sign_ins;
    line("a warm answer of hello", &sign_ins.iter().map(|one| one.hello).collect::<Vec<_>>())?;
    line("a warm sign-in without its servers' time", &sign_ins.iter().map(|one| one.own).collect::<Vec<_>>())?;
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

/// What an absolute time means anything beside.
pub fn machine() -> String {
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
        let page = |figures: &str| {
            format!(
                "# Head\n<!-- a: begin -->\n{figures}\n<!-- a: end -->\n<!-- b: begin -->\nb\n<!-- b: end -->\ntail\n"
            )
        };
        assert_eq!(replace(&page("old"), "a", "new").unwrap(), page("new"));
        assert!(replace("# Head", "a", "new").is_err());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ms = |list: &[u64]| list.iter().map(|n| Duration::from_millis(*n)).collect::<Vec<_>>();
        let starts = Starts::from([
            ("app-home", ms(&[2, 20])),
            ("admin", ms(&[3, 30])),
            ("qr-login", ms(&[2, 20])),
            (HELLO, ms(&[1, 10])),
            (PYTHON, ms(&[100, 1000])),
        ]);
        let table =
            Seen { calls: BTreeMap::from([("GetItem".to_owned(), 2), ("PutItem".to_owned(), 1)]), ..Seen::default() };
        let sign_in = SignIn {
            own: Duration::from_micros(300),
            hello: Duration::from_micros(100),
            table,
            welink: Seen::default(),
        };
        let sizes = BTreeMap::from([("admin", 1_048_576)]);
        let measured = Measured { starts, sizes, sign_ins: vec![sign_in] };
        assert!(calls(&measured).unwrap().contains("| table: GetItem | 2 (p90 2) |"));
        let table = ratios(&measured).unwrap();
        assert!(table.contains("≤ 6 | 3.000 | - | yes |"), "{table}");
        assert!(table.contains("| P20 | reads of the table in a warm sign-in | ≤ 1 | 2.000 | - | no |"), "{table}");
        assert!(table.contains("| P1 | app-home: start ÷ bare Rust hello's | ≤ 1.8 | 2.000 | - | no |"), "{table}");
        assert!(
            table.contains("| P2 | admin (the slowest): start ÷ Python hello's | ≤ 0.08 | 0.030 | - | yes |"),
            "{table}"
        );
        assert!(table.contains("| P3 | admin: zipped, MB | ≤ 5 | 1.000 | - | yes |"), "{table}");
    }
}
