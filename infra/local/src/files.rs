//! Commands that bring and take files of links, and the jobs behind them.

#![expect(clippy::print_stderr, reason = "a command line shows its progress by printing")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use crate::client::Client;

/// Slices of one job at most: at 8 seconds each, more than a day.
const SLICES_MAX: u32 = 20_000;
/// Parts of one export at most.
const PARTS_MAX: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// Writes everybody of an enterprise into a file with an empty column for the OA user.
    Export {
        #[arg(long)]
        enterprise: String,
        #[arg(long, default_value = "csv", value_parser = ["csv", "xlsx"])]
        format: String,
        /// Where to; a large company comes in several files, `people-2.csv` and so on.
        #[arg(long, default_value = "people", value_name = "PATH")]
        out: PathBuf,
    },
    /// Shows what a file of links would do, and does it with --apply.
    Import(ImportArgs),
    /// Writes what the preview of a job shows.
    Apply { job: String },
    /// Removes all links of an enterprise.
    UnbindAll {
        #[arg(long)]
        enterprise: String,
        /// How many links there are, as a confirmation.
        #[arg(long)]
        count: u32,
    },
    /// Takes back what an import or `unbind-all` of the last 30 days did.
    Undo { job: String },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// CSV or XLSX, as `export` writes it, with the relation column filled in.
    file: PathBuf,
    #[arg(long)]
    enterprise: String,
    /// What the relation values are.
    #[arg(long, value_parser = ["mobile", "email", "work-code", "login-name"])]
    field: String,
    /// Link people anew who are linked to somebody else.
    #[arg(long)]
    overwrite: bool,
    #[arg(long, default_value = "utf8", value_parser = ["utf8", "gbk"])]
    encoding: String,
    #[arg(long)]
    apply: bool,
}

pub(crate) async fn ask(api: &Client, command: FileCommand) -> Result<Value> {
    match command {
        FileCommand::Export { enterprise, format, out } => export(api, &enterprise, &format, &out).await,
        FileCommand::Import(args) => import(api, args).await,
        FileCommand::Apply { job } => {
            let seen = api.get(&format!("/v1/link-jobs/{job}")).await?;
            apply(api, &seen).await
        }
        FileCommand::UnbindAll { enterprise, count } => {
            let body = json!({ "count": count });
            let made = api.post(&format!("/v1/enterprises/{enterprise}/bulk-unbind"), &body).await?;
            work(api, made).await
        }
        FileCommand::Undo { job } => {
            let made = api.post(&format!("/v1/link-jobs/{job}/undo"), &Value::Null).await?;
            work(api, made).await
        }
    }
}

async fn export(api: &Client, enterprise: &str, format: &str, out: &Path) -> Result<Value> {
    let mut next = Some(format!("/v1/enterprises/{enterprise}/people/export?format={format}"));
    let mut files = Vec::new();
    while let Some(path) = next {
        let (part, onward) = api.download(&path).await?;
        let number = files.len() + 1;
        if number > PARTS_MAX {
            bail!("more than {PARTS_MAX} parts");
        }
        let stem = out.with_extension("").display().to_string();
        let name = if number == 1 { format!("{stem}.{format}") } else { format!("{stem}-{number}.{format}") };
        std::fs::write(&name, part).with_context(|| format!("{name}: cannot be written"))?;
        files.push(name);
        next = onward;
    }
    Ok(json!({ "files": files }))
}

async fn import(api: &Client, args: ImportArgs) -> Result<Value> {
    let file = std::fs::read(&args.file).with_context(|| format!("{}: cannot be read", args.file.display()))?;
    let ImportArgs { enterprise, field, overwrite, encoding, .. } = &args;
    let query = format!("field={field}&overwrite={overwrite}&encoding={encoding}");
    let made = api.upload(&format!("/v1/enterprises/{enterprise}/link-imports?{query}"), file).await?;
    let previewed = work(api, made).await?;
    if args.apply { apply(api, &previewed).await } else { Ok(previewed) }
}

async fn apply(api: &Client, job: &Value) -> Result<Value> {
    let decision = json!({ "preview": job["preview"] });
    let begun = api.post(&format!("/v1/link-jobs/{}/apply", id(job)), &decision).await?;
    work(api, begun).await
}

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap_or_default()
}

/// Works on a job, slice by slice, until it waits for a decision or has ended.
async fn work(api: &Client, mut job: Value) -> Result<Value> {
    for _ in 0..SLICES_MAX {
        if job["phase"] != "resolving" && job["phase"] != "applying" {
            return Ok(job);
        }
        job = api.call(Method::POST, &format!("/v1/link-jobs/{}/continue", id(&job)), None).await?;
        eprintln!("{} {} of {}", job["phase"].as_str().unwrap_or_default(), job["done"], job["total"]);
    }
    bail!("the job {} does not end", id(&job))
}
