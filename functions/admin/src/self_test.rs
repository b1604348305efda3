//! `GET /v1/self-test`: what the installation stands on, part by part (product.md OPS-07).
//!
//! A part that fails names a problem with what to do; its inner cause is in the log.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::model::App;
use domain::problem;
use domain::text::Text;
use serde::Serialize;
use signin::{Bridge, Refusal};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::network::both;

/// Tickets live a minute: with half of it lost to a wrong clock they begin to be refused.
const SKEW_MS_MAX: i64 = 30_000;
/// How long the tokens of all apps are tested; the gateway waits 30 s.
const TOKENS_MAX: Duration = Duration::from_secs(18);
/// Apps tested at once.
const AT_ONCE: usize = 8;

/// What was tested.
#[derive(Debug, Serialize)]
pub(crate) struct SelfTest {
    pub ok: bool,
    /// The parts that fail, for a line of a terminal.
    pub failing: Vec<String>,
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    #[serde(rename = "part")]
    pub name: Name,
    /// Which one, where there are several: an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    pub ok: bool,
    /// The problem's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
    #[serde(serialize_with = "both")]
    pub text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    /// It takes a conditional write.
    Table,
    /// It gives the master key.
    Vault,
    /// Every signing key opens.
    Keys,
    /// It agrees with the table's.
    Clock,
    /// WeLink takes the token of an app.
    Token,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Vault => "vault",
            Self::Keys => "keys",
            Self::Clock => "clock",
            Self::Token => "token",
        }
    }
}

const WELL: Text = Text::new("正常。", "Well.");

impl Part {
    fn new(name: Name, of: Option<String>, tested: Result<(), Refusal>) -> Self {
        match tested {
            Ok(()) => Self { name, of, ok: true, problem: None, text: WELL },
            Err(refusal) => {
                refusal.log();
                let problem = refusal.problem;
                Self { name, of, ok: false, problem: Some(problem.name), text: problem.advice }
            }
        }
    }

    fn label(&self) -> String {
        self.of.as_ref().map_or_else(|| self.name.text().to_owned(), |of| format!("{} ({of})", self.name.text()))
    }
}

pub async fn test(State(bridge): State<Bridge>, actor: Actor) -> Response {
    match run(&bridge).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Tests every part; fails only when the apps cannot be listed.
pub(crate) async fn run(bridge: &Bridge) -> Result<SelfTest, ApiError> {
    let table = bridge.store().probe().await.map_err(Refusal::from);
    let vault = bridge.sealer().await.map(|_| ());
    let mut parts = vec![
        Part::new(Name::Table, None, table),
        Part::new(Name::Vault, None, vault),
        Part::new(Name::Keys, None, bridge.test_signing_keys().await),
        Part::new(Name::Clock, None, clock(bridge).await),
    ];
    parts.extend(tokens(bridge, enabled_apps(bridge).await?).await);
    let failing: Vec<String> = parts.iter().filter(|part| !part.ok).map(Part::label).collect();
    Ok(SelfTest { ok: failing.is_empty(), failing, parts })
}

async fn clock(bridge: &Bridge) -> Result<(), Refusal> {
    let before = bridge.clock().now();
    let there = bridge.store().table_time().await?;
    let here = bridge.clock().now();
    let Some(there) = there else {
        return Err(Refusal::because(problem::CLOCK_WRONG, "the table's answer has no date"));
    };
    // The header has whole seconds and was written at some moment of the request.
    let behind = before.ms_since(there.plus_s(1)).max(0);
    let ahead = there.ms_since(here).max(0);
    if behind.max(ahead) > SKEW_MS_MAX {
        return Err(Refusal::because(problem::CLOCK_WRONG, format!("{behind} ms after, {ahead} ms before the table")));
    }
    Ok(())
}

async fn enabled_apps(bridge: &Bridge) -> Result<Vec<App>, ApiError> {
    let mut apps = Vec::new();
    for tenant in bridge.store().tenants().await? {
        if let Some(config) = bridge.store().config_now(&tenant.id).await? {
            apps.extend(config.apps.iter().filter(|app| app.enabled).cloned());
        }
    }
    Ok(apps)
}

/// The tokens of all apps, some at a time. Those that are not done in time fail.
async fn tokens(bridge: &Bridge, apps: Vec<App>) -> Vec<Part> {
    let end = Instant::now() + TOKENS_MAX;
    let mut waiting: VecDeque<App> = apps.into();
    let (mut parts, mut testing) = (Vec::new(), JoinSet::new());
    loop {
        while testing.len() < AT_ONCE
            && let Some(app) = waiting.pop_front()
        {
            let bridge = bridge.clone();
            testing.spawn(async move {
                let late = || Refusal::because(problem::WELINK_DOWN, "no token in time");
                let tested = tokio::time::timeout_at(end, token(&bridge, &app)).await;
                Part::new(Name::Token, Some(app.id.to_string()), tested.unwrap_or_else(|_| Err(late())))
            });
        }
        match testing.join_next().await {
            Some(Ok(part)) => parts.push(part),
            Some(Err(error)) => {
                let refusal = Refusal::because(problem::UNAVAILABLE, error);
                parts.push(Part::new(Name::Token, None, Err(refusal)));
            }
            None => break,
        }
    }
    parts.sort_by(|a, b| a.of.cmp(&b.of));
    parts
}

async fn token(bridge: &Bridge, app: &App) -> Result<(), Refusal> {
    let credentials = bridge.credentials(app).await?;
    Ok(bridge.welink().token_works(&credentials).await?)
}
