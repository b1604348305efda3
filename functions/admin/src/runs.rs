//! `/v1/enterprises/{enterprise}/runs` and `/v1/runs/{run}`: runs of a sync, how far they are and what they did.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::ids::RunId;
use domain::model::{Enterprise, InterfaceMode};
use domain::problem;
use domain::run::{CopyCounts, Entry, Kind, Note, Planned, Run, Status, Step};
use domain::time::Timestamp;
use platform::http::FieldError;
use serde::{Deserialize, Serialize};
use signin::{Bridge, Started, Starter};
use utoipa::{IntoParams, ToSchema};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;
use crate::openapi::values;
use crate::{enterprises, input};

/// The kinds of chunk that a run's journal and its plan are stored as.
const JOURNAL: &str = "O";
const PLAN: &str = "T";

/// What is to be run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRun {
    #[schema(value_type = values::RunKind)]
    pub(crate) kind: Kind,
    /// Stop when the plan is judged, and write nothing to WeLink. From-OA runs so alone, so far.
    #[serde(default)]
    pub(crate) simulate: bool,
}

/// Which part of a journal.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// `next` of the page before.
    #[serde(default)]
    pub(crate) cursor: Option<u32>,
}

/// A run as a client reads it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    id: RunId,
    kind: Kind,
    simulate: bool,
    status: Status,
    step: Step,
    /// Of the step: how much is done, of how much; 0 of 0 = not known.
    done: u32,
    total: u32,
    began: Timestamp,
    by: String,
    ended: Option<Timestamp>,
    /// What happened and what to do, in both languages.
    notes: Vec<Note>,
    copy: CopyCounts,
    /// What from-OA would write.
    plan: Option<Planned>,
    slices: u32,
}

impl From<Run> for View {
    fn from(run: Run) -> Self {
        let Run { id, kind, simulate, status, step, done, total, began, ended, notes, copy, plan, slices, .. } = run;
        let (began, by) = (began.at, began.by);
        Self { id, kind, simulate, status, step, done, total, began, by, ended, notes, copy, plan, slices }
    }
}

/// A part of a run's journal, in the order in which it was written.
#[derive(Debug, Serialize)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
    next: Option<u32>,
}

pub async fn create(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    body: input::Body,
) -> Response {
    match start(&bridge, &actor, &enterprise, Sent::Json(&body)).await {
        Ok(run) => (StatusCode::CREATED, Json(run)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn start(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, NewRun>,
) -> Result<View, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let asked = sent.read()?;
    if asked.kind == Kind::FromOa && !asked.simulate && is_read_write(&enterprise) {
        return Err(ApiError::field("simulate", "from-OA can be simulated only / 从 OA 同步目前只能模拟"));
    }
    if asked.kind == Kind::FromWelink && asked.simulate {
        return Err(ApiError::field("simulate", "only from-OA is simulated / 只有从 OA 同步可以模拟"));
    }
    let starter = Starter::Hand { by: actor.name(), from: &actor.from };
    match bridge.start_run(&config, &enterprise.id, (asked.kind, asked.simulate), starter).await? {
        Started::Begun(run) => Ok(run.into()),
        Started::Skipped(run) => {
            let skipped = FieldError { field: "run".to_owned(), reason: run.id.as_str().to_owned() };
            Err(ApiError::listing(problem::RUN_UNDER_WAY, vec![skipped]))
        }
    }
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(enterprise): Path<String>) -> Response {
    match newest(&bridge, &actor, &enterprise).await {
        Ok(runs) => Json(runs).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The newest runs, newest first.
pub(crate) async fn newest(bridge: &Bridge, actor: &Actor, enterprise: &str) -> Result<Vec<View>, ApiError> {
    let enterprise = enterprises::known(bridge, actor, enterprise).await?;
    Ok(bridge.store().runs(&enterprise.id).await?.into_iter().map(View::from).collect())
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(run): Path<String>) -> Response {
    match find(&bridge, &actor, &run).await {
        Ok(run) => Json(View::from(run)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

fn is_read_write(enterprise: &Enterprise) -> bool {
    enterprise.authority.is_some_and(|authority| authority.mode() == InterfaceMode::ReadWrite)
}

pub async fn journal(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(run): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match entries(&bridge, &actor, &run, (JOURNAL, &asked)).await {
        Ok(journal) => Json(journal).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// What a plan would do, object by object: departments with their parents first, then people.
pub async fn plan(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(run): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match entries(&bridge, &actor, &run, (PLAN, &asked)).await {
        Ok(journal) => Json(journal).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn entries(
    bridge: &Bridge,
    actor: &Actor,
    run: &str,
    (kind, asked): (&str, &Asked),
) -> Result<Journal, ApiError> {
    let run = find(bridge, actor, run).await?;
    let (at, stored) = (asked.cursor.unwrap_or_default(), run.stored(kind));
    if at >= stored {
        return Ok(Journal { entries: Vec::new(), next: None });
    }
    let entries = bridge.store().run_chunk(&run.id, kind, at).await?;
    Ok(Journal { entries, next: Some(at + 1).filter(|next| *next < stored) })
}

async fn find(bridge: &Bridge, actor: &Actor, run: &str) -> Result<Run, ApiError> {
    let id = RunId::parse(run).map_err(|_| input::missing())?;
    actor.known_config(bridge, &id.tenant()).await?;
    bridge.store().sync_run(&id).await?.ok_or_else(input::missing)
}
