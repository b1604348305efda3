//! The commands about who may use the console and its API.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Role {
    /// Everything.
    Owner,
    /// Settings, runs and approvals.
    Operator,
    /// Links alone.
    Binder,
    /// Reads.
    Auditor,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Binder => "binder",
            Self::Auditor => "auditor",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    List {
        #[arg(long)]
        tenant: String,
    },
    Add {
        #[arg(long)]
        tenant: String,
        /// What the person signs in with: a short name or an e-mail address.
        login: String,
        /// The person's name.
        name: String,
        #[arg(long)]
        role: Role,
        #[arg(long, env = "BRIDGE_ACCOUNT_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
        password: String,
    },
    /// Gives an account another role; its sessions end.
    Role {
        account: String,
        role: Role,
    },
    Enable {
        account: String,
    },
    /// Disables an account; its sessions end.
    Disable {
        account: String,
    },
    /// Sets a new password; the account's sessions end.
    Password {
        account: String,
        #[arg(long, env = "BRIDGE_ACCOUNT_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
        password: String,
    },
    /// Where an account is signed in.
    Sessions {
        account: String,
    },
    Remove {
        account: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    List {
        #[arg(long)]
        tenant: String,
    },
    /// Adds an API key, and prints it once.
    Add {
        #[arg(long)]
        tenant: String,
        name: String,
        #[arg(long)]
        role: Role,
    },
    Remove {
        key: String,
    },
}

pub(super) async fn ask_account(api: &Client, command: AccountCommand) -> Result<Value> {
    match command {
        AccountCommand::List { tenant } => api.get(&format!("/v1/tenants/{tenant}/accounts")).await,
        AccountCommand::Add { tenant, login, name, role, password } => {
            let body = json!({ "login": login, "name": name, "role": role.name(), "password": password });
            api.post(&format!("/v1/tenants/{tenant}/accounts"), &body).await
        }
        AccountCommand::Role { account, role } => change(api, &account, json!({ "role": role.name() })).await,
        AccountCommand::Enable { account } => change(api, &account, json!({ "enabled": true })).await,
        AccountCommand::Disable { account } => change(api, &account, json!({ "enabled": false })).await,
        AccountCommand::Password { account, password } => change(api, &account, json!({ "password": password })).await,
        AccountCommand::Sessions { account } => api.get(&format!("/v1/accounts/{account}/sessions")).await,
        AccountCommand::Remove { account } => api.call(Method::DELETE, &format!("/v1/accounts/{account}"), None).await,
    }
}

async fn change(api: &Client, account: &str, mut change: Value) -> Result<Value> {
    let path = format!("/v1/accounts/{account}");
    change["version"] = api.get(&path).await?["version"].clone();
    api.call(Method::PATCH, &path, Some(&change)).await
}

pub(super) async fn ask_key(api: &Client, command: KeyCommand) -> Result<Value> {
    match command {
        KeyCommand::List { tenant } => api.get(&format!("/v1/tenants/{tenant}/api-keys")).await,
        KeyCommand::Add { tenant, name, role } => {
            let body = json!({ "name": name, "role": role.name() });
            api.post(&format!("/v1/tenants/{tenant}/api-keys"), &body).await
        }
        KeyCommand::Remove { key } => api.call(Method::DELETE, &format!("/v1/api-keys/{key}"), None).await,
    }
}
