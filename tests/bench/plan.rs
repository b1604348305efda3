//! P5 to P9: the planner beside a straightforward twin in Python, on the same two inputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use domain::sync::{Directory, OaSide, Settings, plan};
use domain::time::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use crate::organisation;

/// People of the small and of the large company.
pub const SMALL: u32 = 100_000;
pub const LARGE: u32 = 1_000_000;
/// Turns of the twins; each takes Python more than a second.
const ROUNDS: usize = 15;
/// Turns of the large company; the small one takes its turn as often as makes up for its size.
const GROWTH_ROUNDS: usize = 9;

/// One turn, seconds.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each name")]
pub struct Round {
    pub python_parse_s: f64,
    pub python_plan_s: f64,
    pub parse_s: f64,
    pub plan_s: f64,
    /// One pass over the bytes of both inputs.
    pub pass_s: f64,
}

#[derive(Debug)]
pub struct Plans {
    pub rounds: Vec<Round>,
    /// Seconds of a plan of the small and of the large company, turn by turn.
    pub growth: Vec<(f64, f64)>,
    /// The most memory of a process that reads and plans, by people, megabytes.
    pub memory: BTreeMap<u32, f64>,
    /// Bytes of both inputs of the small company.
    pub input_bytes: usize,
}

/// What the twin says.
#[derive(Debug, Deserialize)]
struct Twin {
    parse_s: f64,
    plan_s: f64,
    #[serde(flatten)]
    counts: BTreeMap<String, u32>,
}

fn settings() -> Settings {
    Settings { add_people: true, ..Settings::default() }
}

fn counts(oa: &OaSide, copy: &Directory) -> (f64, BTreeMap<String, u32>) {
    let settings = settings();
    let begin = Instant::now();
    let (plan, complaints) = plan(copy, oa, &settings, Timestamp(0));
    let seconds = begin.elapsed().as_secs_f64();
    let (people, departments) = (plan.person_counts, plan.department_counts);
    drop(complaints);
    let counts = [
        ("unchanged", people.matched),
        ("changed", people.changed),
        ("new", people.new),
        ("removed", people.delete),
        ("new_departments", departments.new),
        ("changed_departments", departments.changed),
    ];
    (seconds, counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
}

pub fn measure(python: &Path) -> Result<Plans> {
    let folder = tempfile::tempdir()?;
    let company = |people: u32| -> Result<PathBuf> {
        let path = folder.path().join(people.to_string());
        std::fs::create_dir_all(&path)?;
        organisation::write(&path, people)?;
        Ok(path)
    };
    let small = company(SMALL)?;
    let (oa, copy) = (std::fs::read(small.join("oa.jsonl"))?, std::fs::read(small.join("copy.jsonl"))?);
    let rounds = (0..ROUNDS).map(|_| round(python, &small, (&oa, &copy))).collect::<Result<Vec<_>>>()?;
    let input_bytes = oa.len() + copy.len();
    drop((oa, copy));
    let large = company(LARGE)?;
    let memory = BTreeMap::from([(SMALL, peak_of_child(&small)?), (LARGE, peak_of_child(&large)?)]);
    let (few, many) = (organisation::read(&small)?, organisation::read(&large)?);
    let times = LARGE / SMALL;
    let of_few = || (0..times).map(|_| counts(&few.0, &few.1).0).sum::<f64>() / f64::from(times);
    let growth = (0..GROWTH_ROUNDS).map(|_| (of_few(), counts(&many.0, &many.1).0)).collect();
    Ok(Plans { rounds, growth, memory, input_bytes })
}

fn round(python: &Path, folder: &Path, (oa, copy): (&[u8], &[u8])) -> Result<Round> {
    let twin = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/plan_twin.py");
    let output = Command::new(python).arg(twin).arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let twin: Twin = serde_json::from_slice(&output.stdout).context("the twin's figures")?;
    let begin = Instant::now();
    let (ours, theirs) = organisation::parse(oa, copy)?;
    let parse_s = begin.elapsed().as_secs_f64();
    let (plan_s, counts) = counts(&ours, &theirs);
    ensure!(counts == twin.counts, "the twins plan alike: {counts:?} {:?}", twin.counts);
    let begin = Instant::now();
    std::hint::black_box(sum(oa).wrapping_add(sum(copy)));
    let pass_s = begin.elapsed().as_secs_f64();
    Ok(Round { python_parse_s: twin.parse_s, python_plan_s: twin.plan_s, parse_s, plan_s, pass_s })
}

fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word)).fold(0, u64::wrapping_add);
    rest.iter().fold(words, |sum, byte| sum.wrapping_add(u64::from(*byte)))
}

/// A process of its own, which does nothing else.
fn peak_of_child(folder: &Path) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg("plan-memory").arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// What that process does: reads page by page, plans, and prints its peak.
#[expect(clippy::print_stdout, reason = "its parent reads it")]
pub fn print_peak(folder: &Path) -> Result<()> {
    let (oa, copy) = organisation::read(folder)?;
    let (_, counts) = counts(&oa, &copy);
    ensure!(counts.get("changed").is_some_and(|count| *count > 0), "{counts:?}");
    println!("{}", organisation::peak_mb()?);
    Ok(())
}
