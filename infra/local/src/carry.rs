//! Commands that carry something away from a bridge, or to another one.

#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::Value;

use crate::client::Client;

/// Parts of one export at most: 4 GB.
const PARTS_MAX: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Prints all settings of a tenant as one document, without secrets.
    Export {
        #[arg(long)]
        tenant: String,
    },
    /// Imports such a document into an empty tenant; the secrets are entered afterwards.
    Import {
        #[arg(long)]
        tenant: String,
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Prints a whole month, oldest entry first.
    Export {
        #[arg(long)]
        tenant: String,
        /// E.g. 2026-11.
        #[arg(long)]
        month: String,
        #[arg(long, default_value = "csv", value_parser = ["csv", "jsonl"])]
        format: String,
    },
}

pub(crate) async fn settings(api: &Client, command: SettingsCommand) -> Result<Value> {
    match command {
        SettingsCommand::Export { tenant } => api.get(&format!("/v1/tenants/{tenant}/settings/export")).await,
        SettingsCommand::Import { tenant, file } => {
            let named = || format!("{}", file.display());
            let text = std::fs::read(&file).with_context(named)?;
            let document: Value = serde_json::from_slice(&text).with_context(named)?;
            api.post(&format!("/v1/tenants/{tenant}/settings/import"), &document).await
        }
    }
}

/// Prints the parts as they come.
pub(crate) async fn audit(api: &Client, command: AuditCommand) -> Result<Value> {
    let AuditCommand::Export { tenant, month, format } = command;
    let mut next = Some(format!("/v1/tenants/{tenant}/audit/export?format={format}&month={month}"));
    for _ in 0..PARTS_MAX {
        let Some(path) = next else { break };
        let (file, following) = api.download(&path).await?;
        let text = std::str::from_utf8(&file).context("the answer is no text; is this the bridge?")?;
        print!("{text}");
        next = following;
    }
    Ok(Value::Null)
}
