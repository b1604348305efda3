//! How a job begins: from a file, from all links there are, or from a job that is to be taken back.

use domain::audit::Action;
use domain::ids::{LinkJobId, RANDOM_CHARS};
use domain::link_job::{CHUNK_ROWS, Counts, KEPT_S, Kind, LinkJob, Phase, Plan, Row};
use domain::matching::OaField;
use domain::model::{Enterprise, Link};
use domain::problem;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use signin::Bridge;
use utoipa::{IntoParams, ToSchema};

use super::{AT_ONCE, View, chunks, each_person, entry, find, next};
use crate::actor::Actor;
use crate::enterprises;
use crate::error::ApiError;
use crate::input::Sent;
use crate::openapi::values;
use crate::sheet::{self, Encoding};

/// What an import is asked to do, beside its file.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportAsked {
    /// The relation field: what of the OA user the file's values are.
    #[param(value_type = values::OaField)]
    pub field: OaField,
    /// Link people anew who are linked to somebody else.
    #[serde(default)]
    pub overwrite: bool,
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// The typed confirmation of a bulk unbinding (product.md Q7).
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkUnbindConfirmation)]
pub(crate) struct Confirmation {
    /// How many links there are, as the administrator says.
    pub count: u32,
}

/// Takes a file in: nothing is written but the job, which then resolves its rows.
pub(crate) async fn import(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    file: &[u8],
    asked: impl FnOnce() -> Result<ImportAsked, ApiError>,
) -> Result<View, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let asked = asked()?;
    let rows = sheet::read(file, asked.encoding)?;
    let rows: Vec<Row> =
        rows.into_iter().map(|row| Row { number: row.number, user: row.user, value: row.value, plan: None }).collect();
    let mut job = begin(bridge, actor, &enterprise, Kind::Import, rows.len())?;
    job.field = Some(asked.field);
    job.overwrite = asked.overwrite;
    store(bridge, actor, job, &rows, None).await
}

/// Begins to remove all links that there are now; the count says that they are meant.
pub(crate) async fn bulk_unbind(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    sent: Sent<'_, Confirmation>,
) -> Result<View, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let Confirmation { count } = sent.read()?;
    let mut links = links(bridge, &enterprise).await?;
    let there = links.len();
    if usize::try_from(count) != Ok(there) {
        let reason = format!("there are {there} links now / 当前共有 {there} 条关联");
        return Err(ApiError::field("count", reason));
    }
    links.sort_by(|a, b| a.0.cmp(&b.0));
    let row = |(number, (user, link)): (u32, (String, Link))| Row {
        number,
        user,
        value: String::new(),
        plan: Some(Plan::unbind(link)),
    };
    let rows: Vec<Row> = (1..).zip(links).map(row).collect();
    let job = begin(bridge, actor, &enterprise, Kind::BulkUnbind, rows.len())?;
    store(bridge, actor, decided(bridge, actor, job), &rows, None).await
}

/// How many links the enterprise has: what a bulk unbinding has to be confirmed with.
pub(crate) async fn count_links(bridge: &Bridge, actor: &Actor, enterprise: &str) -> Result<u64, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    Ok(bridge.store().count_links(&enterprise.id).await?)
}

async fn links(bridge: &Bridge, enterprise: &Enterprise) -> Result<Vec<(String, Link)>, ApiError> {
    let mut links = Vec::new();
    let see = |person: domain::model::Person| {
        links.extend(person.link.map(|link| (person.user_id.as_str().to_owned(), link)));
    };
    each_person(bridge.store(), enterprise, see).await?;
    Ok(links)
}

/// Begins to take back what a job wrote. Asked again, it is the same undoing.
pub(crate) async fn undo(bridge: &Bridge, actor: &Actor, job: &str) -> Result<View, ApiError> {
    let place = find(bridge, actor, job).await?;
    let before = place.job;
    if let Some(known) = &before.undone_by {
        return super::show(bridge, actor, known.as_str()).await;
    }
    if !before.may_be_undone(bridge.clock().now()) {
        return Err(problem::LINK_JOB_PHASE.into());
    }
    let store_of = bridge.store();
    let endings = store_of.link_job_endings(&before.id, 0, before.total).await?;
    let applied = |position: u32| endings.get(&position) == Some(&domain::link_job::Ending::Applied);
    let all = chunks(store_of, &before).await?.into_iter().flatten();
    let undone = |(position, row): (u32, Row)| {
        let change = row.plan.as_ref()?.change.as_ref().filter(|_| applied(position))?;
        let plan = Some(Plan::undo(&before, change));
        Some(Row { plan, ..row })
    };
    let rows: Vec<Row> = (0..).zip(all).filter_map(undone).collect();
    let mut job = begin(bridge, actor, &place.enterprise, Kind::Undo, rows.len())?;
    job.undo_of = Some(before.id.clone());
    let before = LinkJob { undone_by: Some(job.id.clone()), ..next(&before) };
    store(bridge, actor, decided(bridge, actor, job), &rows, Some(&before)).await
}

fn begin(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &Enterprise,
    kind: Kind,
    rows: usize,
) -> Result<LinkJob, ApiError> {
    let created = actor.stamp(bridge);
    let too_many = || ApiError::field("rows", "too many rows / 行数过多");
    Ok(LinkJob {
        id: LinkJobId::from_random(&enterprise.id.tenant(), bridge.entropy().bytes::<RANDOM_CHARS>()),
        enterprise: enterprise.id.clone(),
        kind,
        phase: Phase::Resolving,
        field: None,
        overwrite: false,
        total: u32::try_from(rows).map_err(|_| too_many())?,
        next: 0,
        counts: Counts::new(),
        preview: String::new(),
        previewed: None,
        applied: None,
        finished: None,
        undo_of: None,
        undone_by: None,
        expires: created.at.plus_s(KEPT_S),
        created,
        version: 0,
    })
}

/// A job whose rows are decided from the beginning needs no preview: what it does was confirmed.
fn decided(bridge: &Bridge, actor: &Actor, job: LinkJob) -> LinkJob {
    LinkJob { phase: Phase::Applying, applied: Some(actor.stamp(bridge)), ..job }
}

/// Stores the rows, then the head that makes them a job.
async fn store(
    bridge: &Bridge,
    actor: &Actor,
    job: LinkJob,
    rows: &[Row],
    before: Option<&LinkJob>,
) -> Result<View, ApiError> {
    let chunk_rows = usize::try_from(CHUNK_ROWS).unwrap_or(usize::MAX);
    let chunks = (0..).zip(rows.chunks(chunk_rows));
    let puts: Vec<_> = chunks.map(|(chunk, rows)| bridge.store().put_link_job_rows(&job, chunk, rows)).collect();
    stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let begun = entry(bridge, actor, Action::LinkJobBegin, &job);
    if bridge.store().create_link_job(&job, before, &begun).await? {
        Ok(job.into())
    } else {
        Err(problem::CHANGED_MEANWHILE.into())
    }
}
