//! Commands that look at a running bridge: network, permissions, visible range, the installation itself, signing keys.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use crate::client::Client;

/// Slices of one check of the visible range at most: 10,000 of some hundred people each.
const SLICES_MAX: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Whether WeLink, our own public address and a tenant's OAs can be reached; fails when one cannot.
    Check {
        /// Checks the OAs of this tenant too.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Tests table, vault, keys, clock and the token of every app; fails when a part does.
    SelfTest,
    /// Which WeLink permissions an app has.
    Permissions { app: String },
    /// Linked people whom an app cannot see.
    VisibleRange { app: String },
    /// The keys that sign tickets.
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyCommand {
    List,
    /// Publishes a new key, which signs ten minutes later.
    Rotate,
    /// Removes an old key, after its last ticket has expired.
    Retire {
        kid: String,
    },
}

pub(crate) async fn ask(api: &Client, command: CheckCommand) -> Result<Value> {
    match command {
        CheckCommand::Check { tenant: None } => api.get("/v1/network-check").await,
        CheckCommand::Check { tenant: Some(tenant) } => api.get(&format!("/v1/tenants/{tenant}/network-check")).await,
        CheckCommand::SelfTest => self_test(api).await,
        CheckCommand::Permissions { app } => api.post(&format!("/v1/apps/{app}/permission-probe"), &json!({})).await,
        CheckCommand::VisibleRange { app } => visible_range(api, &app).await,
        CheckCommand::SigningKey(SigningKeyCommand::List) => api.get("/v1/signing-keys").await,
        CheckCommand::SigningKey(SigningKeyCommand::Rotate) => api.post("/v1/signing-keys/rotate", &json!({})).await,
        CheckCommand::SigningKey(SigningKeyCommand::Retire { kid }) => {
            api.call(Method::DELETE, &format!("/v1/signing-keys/{kid}"), None).await
        }
    }
}

/// A report with `ok: false` ends the command as a failure that names what fails.
pub(crate) fn verdict(answer: &Value) -> Result<()> {
    if answer["ok"] == json!(false) {
        let failing = answer["failing"].as_array().into_iter().flatten().filter_map(Value::as_str);
        bail!("failing: {}", failing.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

/// Whoever asks is let in by what the table says of his address and of nothing else: when that cannot be read, the
/// table is the part that fails.
async fn self_test(api: &Client) -> Result<Value> {
    match api.answer(Method::GET, "/v1/self-test", None).await? {
        Ok(report) => Ok(report),
        Err(problem) if problem["type"] == "urn:cloudbridge:problem:unavailable" => {
            let advice = domain::problem::UNAVAILABLE.advice;
            let text = json!({ "zh": advice.zh, "en": advice.en });
            Ok(json!({
                "ok": false, "failing": ["table"],
                "parts": [{ "part": "table", "ok": false, "problem": "unavailable", "text": text }],
            }))
        }
        Err(problem) => bail!("{}", crate::client::told(&problem)),
    }
}

/// Asks slice by slice until everybody has been asked about.
async fn visible_range(api: &Client, app: &str) -> Result<Value> {
    let path = format!("/v1/apps/{app}/visible-range-check");
    let (mut checked, mut unseen, mut cursor) = (0, Vec::new(), Value::Null);
    for _ in 0..SLICES_MAX {
        let slice = api.post(&path, &json!({ "cursor": cursor })).await?;
        checked += slice["checked"].as_u64().unwrap_or_default();
        unseen.extend(slice["unseen"].as_array().cloned().unwrap_or_default());
        cursor = slice["next"].clone();
        if cursor.is_null() {
            return Ok(json!({ "checked": checked, "unseen": unseen }));
        }
        if let Some(wait_s) = slice["retry_after_s"].as_u64() {
            tokio::time::sleep(Duration::from_secs(wait_s.min(60))).await;
        }
    }
    bail!("there are more people than this command asks about")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_report_that_is_not_ok_fails() {
        for fine in [json!(null), json!([]), json!({ "ok": true, "failing": [] }), json!({ "id": "x" })] {
            verdict(&fine).unwrap();
        }
        let told = verdict(&json!({ "ok": false, "failing": ["table", "keys"] })).unwrap_err().to_string();
        assert_eq!(told, "failing: table, keys");
    }
}
