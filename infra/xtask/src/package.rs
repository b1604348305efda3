//! `cargo xtask package`: one zip a function for AWS, and a look at what each needs there.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::step::{FUNCTIONS, command, read, root, run as show, say, step};
use crate::tools::{self, text};

/// What `provided.al2023` has.
const GLIBC_MAX: (u32, u32) = (2, 34);
/// goals.md P3.
const ZIP_BYTES_MAX: u64 = 5 * 1024 * 1024;
const ARM: &str = "aarch64-unknown-linux-gnu";

pub fn run() -> Result<()> {
    let tools = step("tools", || tools::python("package", "package.txt"))?;
    let path = env::join_paths(
        std::iter::once(tools.clone()).chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    let arm = has_arm_target();
    if !arm {
        say("The Rust target for arm64 cannot be had here: building for x86_64 (deploy with Architecture=x86_64).");
    }
    let mut rows = Vec::new();
    for name in FUNCTIONS {
        // One at a time: built together, each would get the union of the features that all of them ask for.
        let mut args = vec!["lambda", "build", "--release", "--quiet", "--output-format", "zip"];
        args.extend(["--package", name, "--bin", name]);
        args.extend(arm.then_some("--arm64"));
        let mut build = command(tools.join("cargo-lambda"), &args);
        step(name, || show(build.env("PATH", &path)))?;
        rows.push(inspect(name, &tools)?);
    }
    say("| function | processor | zip | highest glibc symbol |\n|---|---|---|---|");
    for row in &rows {
        let (megabytes, glibc) = (megabytes(row.zip_bytes), row.glibc.0.to_string() + "." + &row.glibc.1.to_string());
        say(&format!("| {} | {} | {megabytes} | {glibc} |", row.name, if arm { "arm64" } else { "x86_64" }));
    }
    match rows.iter().find(|row| row.zip_bytes > ZIP_BYTES_MAX || row.glibc > GLIBC_MAX) {
        Some(row) => bail!("{} needs more than {} or glibc 2.34", row.name, megabytes(ZIP_BYTES_MAX)),
        None => Ok(()),
    }
}

struct Row {
    name: &'static str,
    zip_bytes: u64,
    glibc: (u32, u32),
}

fn inspect(name: &'static str, tools: &Path) -> Result<Row> {
    let folder = root().join("target/lambda").join(name);
    let zip = folder.join("bootstrap.zip");
    let (zip_text, folder_text) = (text(&zip)?, text(&folder)?);
    read(&mut command(tools.join("python"), &["-m", "zipfile", "--extract", zip_text, folder_text]))?;
    let bootstrap = folder.join("bootstrap");
    let versions = read(&mut command("readelf", &["--wide", "--version-info", text(&bootstrap)?]))?;
    let glibc = highest_glibc(&versions).with_context(|| format!("{name} is not linked to glibc"))?;
    Ok(Row { name, zip_bytes: fs::metadata(&zip)?.len(), glibc })
}

fn has_arm_target() -> bool {
    read(&mut command("rustup", &["target", "add", ARM])).is_ok()
}

/// The highest `GLIBC_x.y` that readelf names.
fn highest_glibc(versions: &str) -> Option<(u32, u32)> {
    let names = versions.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    let numbers = names.filter_map(|name| name.strip_prefix("GLIBC_"));
    let parsed = numbers.filter_map(|number| {
        let mut parts = number.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    parsed.max()
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_048_576, bytes % 1_048_576 * 100 / 1_048_576)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_symbol_is_by_number_not_by_text() {
        let versions = "0x0010:   Name: GLIBC_2.9  Flags: none  Version: 7\n0x0020:   Name: GLIBC_2.30  Flags: none\n\
                        0x0030:   Name: GLIBC_2.2.5  Flags: none  Version: 5";
        assert_eq!(highest_glibc(versions), Some((2, 30)));
        assert_eq!(highest_glibc("Name: GCC_3.0"), None);
        assert_eq!(megabytes(5 * 1024 * 1024 + 524_288), "5.50 MB");
    }
}
