//! `bridge scan-login`: the settings of scan login from a terminal.

use anyhow::Result;
use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::cli::Switch;
use crate::client::Client;

/// Shows the settings of scan login, or changes what is named and leaves the rest.
#[derive(Debug, Args)]
pub(crate) struct ScanLogin {
    #[arg(long)]
    tenant: String,
    /// Switches it on or off; without it the settings are shown.
    state: Option<Switch>,
    /// App that identifies who scans, one per enterprise; may be repeated.
    #[arg(long = "app", value_name = "ID")]
    apps: Vec<String>,
    /// Life of a code.
    #[arg(long, value_name = "SECONDS")]
    life: Option<i64>,
    /// Ask on the phone which number the screen shows.
    #[arg(long)]
    number_matching: Option<Switch>,
    /// Network of the company, e.g. 10.0.0.0/8; may be repeated.
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// Let only screens in these networks begin.
    #[arg(long)]
    networks_only: Option<Switch>,
    /// How often a page shows a new code by itself.
    #[arg(long, value_name = "TIMES")]
    refreshes: Option<u8>,
    /// Show WeLink's own element instead of the bridge's code.
    #[arg(long)]
    welink_element: Option<Switch>,
}

pub(crate) async fn ask(api: &Client, command: ScanLogin) -> Result<Value> {
    let path = format!("/v1/tenants/{}/scan-login", command.tenant);
    let seen = api.get(&path).await?;
    let Some(state) = command.state else { return Ok(seen) };
    let mut body = json!({ "version": seen["version"], "enabled": state == Switch::On });
    for (name, list) in [("apps", command.apps), ("networks", command.networks)] {
        if !list.is_empty() {
            body[name] = json!(list);
        }
    }
    let switches = [
        ("number_matching", command.number_matching),
        ("networks_only", command.networks_only),
        ("welink_element", command.welink_element),
    ];
    for (name, switch) in switches {
        if let Some(switch) = switch {
            body[name] = json!(switch == Switch::On);
        }
    }
    if let Some(seconds) = command.life {
        body["life_s"] = json!(seconds);
    }
    if let Some(times) = command.refreshes {
        body["refreshes"] = json!(times);
    }
    api.call(Method::PUT, &path, Some(&body)).await
}
