//! What a person types. Without a command the local bridge starts; with one, it speaks to the administrator's API of a
//! running bridge, here or on AWS.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks by printing")]

mod access;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use crate::carry::{self, AuditCommand, SettingsCommand};
use crate::checks::{self, CheckCommand};
use crate::client::Client;
use crate::files::{self, FileCommand};
use crate::scan_cli::{self, ScanLogin};
use crate::serve::{Options, Running, Systems, one_line, start};

/// The WeLink bridge (云桥): employees open the OA from WeLink, already signed in.
///
/// Without a command it runs here, with a simulated WeLink and OA to try it on. The other commands set up a running
/// bridge.
#[derive(Debug, Parser)]
#[command(
    name = "bridge",
    version,
    after_help = "Try: bridge            then open http://phone.localhost:9400 in a browser\n     bridge app \
        list --enterprise e_…"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
    /// Address of the administrator's API, for the commands.
    #[arg(
        long,
        global = true,
        env = "BRIDGE_API",
        default_value = "http://console.localhost:9400",
        value_name = "URL"
    )]
    api: String,
    /// Operator key, for the commands; by default the one in the data folder.
    #[arg(long, global = true, env = "BRIDGE_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// Where the local bridge keeps its data and keys.
    #[arg(long, global = true, default_value = "data", value_name = "FOLDER")]
    data_dir: PathBuf,
}

#[derive(Debug, Args)]
struct Serve {
    /// Port on this machine.
    #[arg(long, default_value_t = 9400)]
    port: u16,
    /// Use the real WeLink at this address instead of the simulated one; no demonstration is set up.
    #[arg(long, value_name = "URL")]
    welink: Option<String>,
    /// Simulated WeLink and OA with nothing set up, in memory: to try the setup itself.
    #[arg(long, conflicts_with = "welink")]
    empty: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// OA teams.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// OA installations of a tenant.
    #[command(subcommand)]
    Oa(OaCommand),
    /// Integrated WeLink companies.
    #[command(subcommand)]
    Enterprise(EnterpriseCommand),
    /// WeLink apps of an enterprise.
    #[command(subcommand)]
    App(AppCommand),
    /// Links between people and OA users.
    #[command(subcommand)]
    Link(LinkCommand),
    #[command(flatten)]
    Files(FileCommand),
    /// Scan login: a code on the OA's login page.
    ScanLogin(ScanLogin),
    /// The newest entries of a tenant's audit log.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Audit {
        #[arg(long, required = true)]
        tenant: Option<String>,
        #[command(subcommand)]
        command: Option<AuditCommand>,
    },
    /// Accounts of the console.
    #[command(subcommand)]
    Account(access::AccountCommand),
    /// API keys of a tenant, for programs.
    #[command(subcommand)]
    Key(access::KeyCommand),
    /// Makes a setup key for the first account, and prints the console's address with it: once, valid for 60 minutes.
    SetupKey,
    #[command(flatten)]
    Look(CheckCommand),
    /// All settings of the bridge itself with their meaning; those of a tenant are exported and imported.
    Settings {
        #[command(subcommand)]
        command: Option<SettingsCommand>,
    },
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    List,
    Add {
        name: String,
        /// Host that a custom homepage link may lead to; may be repeated.
        #[arg(long = "link-host", value_name = "HOST")]
        link_hosts: Vec<String>,
        /// IANA name of the team's time zone.
        #[arg(long, default_value = "Asia/Shanghai")]
        zone: String,
    },
}

#[derive(Debug, Subcommand)]
enum OaCommand {
    List {
        #[arg(long)]
        tenant: String,
    },
    /// Adds an OA; prints the two webhook secrets once, to be entered in the OA.
    Add(Box<NewOa>),
    /// Homepage-type applications of an OA.
    Apps {
        #[arg(long)]
        oa: String,
    },
}

#[derive(Debug, Args)]
struct NewOa {
    #[arg(long)]
    tenant: String,
    name: String,
    /// Base address of the OA.
    #[arg(long, value_name = "URL")]
    base: String,
    /// Base address of its SCIM service.
    #[arg(long, value_name = "URL")]
    scim_base: String,
    /// Where the OA takes tickets.
    #[arg(long, value_name = "URL")]
    sso_landing: String,
    /// Where the OA sets its nonce first.
    #[arg(long, value_name = "URL")]
    start_url: Option<String>,
    /// Where the OA checks an account and its password.
    #[arg(long, value_name = "URL")]
    verify_url: Option<String>,
    /// How people bind themselves. password needs --verify-url, redirect the three --oidc options, both all of them.
    #[arg(long, default_value = "off", value_parser = ["password", "redirect", "both", "off"], value_name = "MODE")]
    binding_mode: String,
    /// Issuer of the OA's OIDC provider, as its metadata spells it.
    #[arg(long, value_name = "URL", requires = "oidc_client_id", requires = "oidc_client_secret")]
    oidc_issuer: Option<String>,
    /// The bridge's client id there.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The bridge's client secret there.
    #[arg(long, env = "BRIDGE_OIDC_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
    oidc_client_secret: Option<String>,
    /// Path prefix that a sign-in may lead to; may be repeated.
    #[arg(long = "allow", default_value = "/", value_name = "PATH")]
    allowed: Vec<String>,
    /// Bearer token of the OA's SCIM service.
    #[arg(long, env = "BRIDGE_SCIM_BEARER", hide_env_values = true, value_name = "TOKEN")]
    scim_bearer: String,
}

#[derive(Debug, Subcommand)]
enum EnterpriseCommand {
    List {
        #[arg(long)]
        tenant: String,
    },
    Add {
        #[arg(long)]
        tenant: String,
        name: String,
        /// OA instance; may be left out where the tenant has one.
        #[arg(long)]
        oa: Option<String>,
    },
    /// Links people without asking when exactly one OA user matches.
    AutoBind {
        enterprise: String,
        state: Switch,
        /// WeLink field and OA field, in the order in which they are tried; may be repeated. By default as they are.
        #[arg(long = "match", value_name = "WELINK=OA")]
        pairs: Vec<String>,
        /// Ask for the OA password once all the same.
        #[arg(long)]
        require_password: bool,
    },
    /// People whom several OA users match.
    Conflicts { enterprise: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
enum AppCommand {
    List {
        #[arg(long)]
        enterprise: String,
    },
    /// Adds an app and prints the homepage URL for WeLink.
    Add {
        #[arg(long)]
        enterprise: String,
        name: String,
        #[arg(long)]
        client_id: String,
        #[arg(long, env = "BRIDGE_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
        client_secret: String,
        /// Application of the OA that opens.
        #[arg(long, value_name = "ID", required_unless_present = "link", conflicts_with = "link")]
        oa_app: Option<String>,
        /// Custom link that opens.
        #[arg(long, value_name = "URL")]
        link: Option<String>,
    },
    Enable {
        app: String,
    },
    Disable {
        app: String,
    },
    /// Begins a test of the sign-in from a browser outside WeLink, and prints the address to open.
    BrowserTest {
        app: String,
    },
    /// Switches the sign-in from a browser outside WeLink on or off; on only after its test has passed.
    Browser {
        app: String,
        state: Switch,
    },
    /// Replaces the secret, after a test that WeLink accepts it.
    Secret {
        app: String,
        #[arg(long, env = "BRIDGE_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
        client_secret: String,
    },
}

#[derive(Debug, Subcommand)]
enum LinkCommand {
    /// Links a WeLink member to the OA user with this login name.
    Add {
        #[arg(long)]
        enterprise: String,
        /// WeLink user id.
        user: String,
        /// OA login name.
        #[arg(long)]
        login: String,
    },
    Remove {
        #[arg(long)]
        enterprise: String,
        user: String,
    },
    Show {
        #[arg(long)]
        enterprise: String,
        user: String,
    },
}

/// Runs what was typed; a failure is one clear message on stderr.
pub fn main(cli: Cli) -> ExitCode {
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bridge: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        None => runtime.block_on(serve(cli.serve, cli.data_dir)),
        Some(Command::Settings { command: None }) => {
            for key in platform::config::KEYS {
                println!("{}\n    {}\n    default: {}", key.name, key.doc, key.default.unwrap_or("(must be set)"));
            }
            Ok(())
        }
        Some(command) => {
            let key = match cli.key {
                Some(key) => key,
                None => stored_key(&cli.data_dir)?,
            };
            let answer = runtime.block_on(ask(&Client::new(&cli.api, key), command))?;
            if answer != Value::Null {
                println!("{}", serde_json::to_string_pretty(&answer)?);
            }
            checks::verdict(&answer)
        }
    }
}

fn stored_key(folder: &std::path::Path) -> Result<String> {
    let path = folder.join("operator.key");
    let key = std::fs::read_to_string(&path);
    let key = key.with_context(|| {
        format!("{}: no operator key; start the bridge first, or give one with --key", path.display())
    })?;
    Ok(key.trim().to_owned())
}

async fn serve(serve: Serve, data_dir: PathBuf) -> Result<()> {
    platform::trace::init_terminal();
    let systems = match serve.welink {
        Some(welink) => Systems::Real { welink },
        None if serve.empty => Systems::Empty,
        None => Systems::Simulated,
    };
    let data_dir = (systems != Systems::Empty).then_some(data_dir);
    let settings = std::env::vars().filter(|(name, _)| platform::config::KEYS.iter().any(|key| key.name == name));
    let options = Options {
        port: serve.port,
        data_dir,
        systems,
        settings: settings.collect(),
        clock: platform::clock::Clock::system(),
    };
    let running = start(options).await?;
    // Heard from the moment on that somebody may ask for the end.
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    print_doors(&running, setup_link(&running).await?.as_deref());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = ended.recv() => {}
    }
    running.stop().await
}

/// Where the first account is made, while there is none.
async fn setup_link(running: &Running) -> Result<Option<String>> {
    if running.bridge.store().setup_closed().await? {
        return Ok(None);
    }
    let api = Client::new(&running.origin("console"), running.operator_key.clone());
    let made = api.post("/v1/setup-keys", &Value::Null).await?;
    Ok(made["url"].as_str().map(str::to_owned))
}

fn print_doors(running: &Running, setup: Option<&str>) {
    let port = running.port;
    println!("ready");
    if running.demo.is_some() {
        println!("  open  http://phone.localhost:{port}     the simulated phone: choose a member, tap the app");
        println!("        http://oa.localhost:{port}        the simulated OA");
    }
    println!("        http://console.localhost:{port}   the administrator's API (bridge --help lists its commands)");
    match &running.demo {
        Some(demo) if !demo.remembered.admin_password.is_empty() => {
            let password = &demo.remembered.admin_password;
            println!("        sign in to the console as {} / {password}", crate::demo::ADMIN);
        }
        _ => {}
    }
    if let Some(link) = setup {
        println!("  make the first account within 60 minutes, at");
        println!("        {link}");
    }
    println!("        http://bridge.localhost:{port}    what WeLink opens\n  Ctrl-C ends it; the data stays.");
}

async fn ask(api: &Client, command: Command) -> Result<Value> {
    match command {
        Command::Tenant(TenantCommand::List) => api.get("/v1/tenants").await,
        Command::Tenant(TenantCommand::Add { name, link_hosts, zone }) => {
            api.post("/v1/tenants", &json!({ "name": name, "link_hosts": link_hosts, "zone": zone })).await
        }
        Command::Oa(command) => ask_oa(api, command).await,
        Command::Enterprise(EnterpriseCommand::List { tenant }) => {
            api.get(&format!("/v1/tenants/{tenant}/enterprises")).await
        }
        Command::Enterprise(EnterpriseCommand::Add { tenant, name, oa }) => {
            let body = json!({ "name": name, "oa_instance": oa });
            api.post(&format!("/v1/tenants/{tenant}/enterprises"), &body).await
        }
        Command::Enterprise(EnterpriseCommand::Conflicts { enterprise }) => {
            api.get(&format!("/v1/enterprises/{enterprise}/conflicts")).await
        }
        Command::Enterprise(EnterpriseCommand::AutoBind { enterprise, state, pairs, require_password }) => {
            let path = format!("/v1/enterprises/{enterprise}/sign-in/auto-bind");
            let seen = api.get(&path).await?;
            let mut body = json!({
                "version": seen["version"], "enabled": state == Switch::On, "require_password": require_password,
            });
            if !pairs.is_empty() {
                let pairs = pairs.iter().map(|pair| pair.split_once('=').unwrap_or((pair, pair)));
                body["pairs"] = pairs.map(|(welink, oa)| json!({ "welink": welink, "oa": oa })).collect();
            }
            api.call(Method::PUT, &path, Some(&body)).await
        }
        Command::App(command) => ask_app(api, command).await,
        Command::Link(command) => ask_link(api, command).await,
        Command::Files(command) => files::ask(api, command).await,
        Command::Account(command) => access::ask_account(api, command).await,
        Command::Key(command) => access::ask_key(api, command).await,
        Command::Audit { command: Some(command), .. } => carry::audit(api, command).await,
        Command::Audit { tenant, command: None } => {
            api.get(&format!("/v1/tenants/{}/audit", tenant.unwrap_or_default())).await
        }
        Command::SetupKey => api.post("/v1/setup-keys", &Value::Null).await,
        Command::Look(command) => checks::ask(api, command).await,
        Command::Settings { command: Some(command) } => carry::settings(api, command).await,
        Command::Settings { command: None } => Ok(Value::Null),
        Command::ScanLogin(command) => scan_cli::ask(api, command).await,
    }
}

async fn ask_oa(api: &Client, command: OaCommand) -> Result<Value> {
    match command {
        OaCommand::List { tenant } => api.get(&format!("/v1/tenants/{tenant}/oa-instances")).await,
        OaCommand::Apps { oa } => api.get(&format!("/v1/oa-instances/{oa}/apps")).await,
        OaCommand::Add(new) => {
            let oidc = new.oidc_issuer.map(|issuer| {
                json!({
                    "issuer": issuer, "client_id": new.oidc_client_id, "client_secret": new.oidc_client_secret,
                })
            });
            let body = json!({
                "name": new.name, "base": new.base, "scim_base": new.scim_base, "scim_bearer": new.scim_bearer,
                "sso_landing": new.sso_landing, "start_url": new.start_url, "verify_url": new.verify_url,
                "binding_mode": new.binding_mode, "oidc": oidc, "allowed_dest_prefixes": new.allowed,
            });
            api.post(&format!("/v1/tenants/{}/oa-instances", new.tenant), &body).await
        }
    }
}

async fn ask_app(api: &Client, command: AppCommand) -> Result<Value> {
    match command {
        AppCommand::List { enterprise } => api.get(&format!("/v1/enterprises/{enterprise}/apps")).await,
        AppCommand::Add { enterprise, name, client_id, client_secret, oa_app, link } => {
            let homepage = match link {
                Some(link) => json!({ "mode": "custom-link", "link": link }),
                None => json!({ "mode": "oa-app", "oa_app": oa_app }),
            };
            let body = json!({
                "name": name, "client_id": client_id, "client_secret": client_secret, "homepage": homepage,
            });
            api.post(&format!("/v1/enterprises/{enterprise}/apps"), &body).await
        }
        AppCommand::Enable { app } => switch(api, &app, "enabled", true).await,
        AppCommand::Disable { app } => switch(api, &app, "enabled", false).await,
        AppCommand::BrowserTest { app } => api.post(&format!("/v1/apps/{app}/browser-test"), &Value::Null).await,
        AppCommand::Browser { app, state } => switch(api, &app, "browser_enabled", state == Switch::On).await,
        AppCommand::Secret { app, client_secret } => {
            let path = format!("/v1/apps/{app}");
            let seen = api.get(&path).await?;
            let body = json!({ "version": seen["version"], "client_secret": client_secret });
            api.call(Method::PUT, &format!("{path}/credentials"), Some(&body)).await
        }
    }
}

async fn switch(api: &Client, app: &str, setting: &str, on: bool) -> Result<Value> {
    let path = format!("/v1/apps/{app}");
    let seen = api.get(&path).await?;
    api.call(Method::PATCH, &path, Some(&json!({ "version": seen["version"], setting: on }))).await
}

async fn ask_link(api: &Client, command: LinkCommand) -> Result<Value> {
    match command {
        LinkCommand::Add { enterprise, user, login } => {
            let body = json!({ "user_id": user, "oa_user": { "by": "login_id", "value": login } });
            api.post(&format!("/v1/enterprises/{enterprise}/links"), &body).await
        }
        LinkCommand::Remove { enterprise, user } => {
            api.call(Method::DELETE, &format!("/v1/enterprises/{enterprise}/links/{user}"), None).await
        }
        LinkCommand::Show { enterprise, user } => api.get(&format!("/v1/enterprises/{enterprise}/people/{user}")).await,
    }
}
