//! `/v1/link-jobs`: many links at once, in slices that end before the gateway loses patience
//! (docs/decisions/0007-link-jobs.md).

pub(crate) mod apply;
pub(crate) mod make;
mod resolve;
mod result;
mod routes;
mod slice;

use std::sync::Arc;

use domain::audit::{Action, Entry};
use domain::ids::LinkJobId;
use domain::link_job::{Kind, LinkJob, Phase};
use domain::model::Enterprise;
use domain::problem;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use signin::Bridge;
use state::config::TenantConfig;
use state::people::PeopleCursor;
use state::{Store, StoreError};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::{enterprises, input};

pub(crate) use apply::apply;
pub(crate) use make::{bulk_unbind, count_links, import, undo};
pub(crate) use result::result;
pub(crate) use routes::*;
pub(crate) use slice::go_on;

/// Calls to the table or the OA at the same time.
const AT_ONCE: usize = 8;
/// People of one Query; a page has 1 MB at most whatever is asked.
const PEOPLE_PAGE: i32 = 1_000;

/// A job as clients see it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    pub job: LinkJob,
    /// Rows of `total` that the present phase is through with.
    pub done: u32,
    /// Seconds that are left at the pace of the slice that has just ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<i64>,
}

impl From<LinkJob> for View {
    fn from(job: LinkJob) -> Self {
        Self { done: job.done(), job, seconds_left: None }
    }
}

/// A job with the settings that it works under.
struct Place {
    config: Arc<TenantConfig>,
    enterprise: Enterprise,
    job: LinkJob,
}

/// One job.
pub(crate) async fn show(bridge: &Bridge, actor: &Actor, job: &str) -> Result<View, ApiError> {
    Ok(find(bridge, actor, job).await?.job.into())
}

/// The newest jobs of an enterprise, newest first.
pub(crate) async fn list(bridge: &Bridge, actor: &Actor, enterprise: &str) -> Result<Vec<View>, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    Ok(bridge.store().link_jobs(&enterprise.id).await?.into_iter().map(View::from).collect())
}

async fn find(bridge: &Bridge, actor: &Actor, job: &str) -> Result<Place, ApiError> {
    let id = LinkJobId::parse(job).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    let job = bridge.store().link_job(&id).await?.ok_or_else(input::missing)?;
    let enterprise = config.enterprise(&job.enterprise).cloned().ok_or_else(input::missing)?;
    Ok(Place { config, enterprise, job })
}

/// An audit entry of a job's phase: its kind and how many rows have which status.
fn entry(bridge: &Bridge, actor: &Actor, action: Action, job: &LinkJob) -> Entry {
    let mut entry = actor.entry(bridge, job.id.tenant(), action, job.id.as_str());
    let mut tell = |name: &str, value: String| entry.detail.insert(name.to_owned(), value);
    tell("enterprise", job.enterprise.as_str().to_owned());
    tell("kind", kind_name(job.kind).to_owned());
    tell("rows", job.total.to_string());
    for (status, count) in &job.counts {
        tell(status.name(), count.to_string());
    }
    if let Some(before) = &job.undo_of {
        tell("undo_of", before.as_str().to_owned());
    }
    entry
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Import => "import",
        Kind::BulkUnbind => "bulk-unbind",
        Kind::Undo => "undo",
    }
}

/// The job with its next version, to be changed and saved.
fn next(job: &LinkJob) -> LinkJob {
    LinkJob { version: job.version + 1, ..job.clone() }
}

/// Refuses what a job in this phase cannot do.
fn demand(job: &LinkJob, phase: Phase) -> Result<(), ApiError> {
    if job.phase == phase { Ok(()) } else { Err(problem::LINK_JOB_PHASE.into()) }
}

/// All chunks of a job, in order.
async fn chunks(store: &Store, job: &LinkJob) -> Result<Vec<Vec<domain::link_job::Row>>, StoreError> {
    let read = |chunk| store.link_job_rows(&job.id, chunk);
    stream::iter(0..job.chunks()).map(read).buffered(AT_ONCE).try_collect().await
}

/// Shows every person of an enterprise to `see`, several partitions at a time.
async fn each_person(
    store: &Store,
    enterprise: &Enterprise,
    mut see: impl FnMut(domain::model::Person),
) -> Result<(), StoreError> {
    let (seen, mut people) = tokio::sync::mpsc::channel(AT_ONCE);
    let reading = async move {
        let partition = |from| read_partition(store, enterprise, from, seen.clone());
        let all = stream::iter(PeopleCursor::partitions()).map(partition).buffer_unordered(AT_ONCE);
        all.try_collect::<()>().await
    };
    let showing = async {
        while let Some(page) = people.recv().await {
            Vec::into_iter(page).for_each(&mut see);
        }
    };
    let (read, ()) = tokio::join!(reading, showing);
    read
}

async fn read_partition(
    store: &Store,
    enterprise: &Enterprise,
    from: PeopleCursor,
    seen: tokio::sync::mpsc::Sender<Vec<domain::model::Person>>,
) -> Result<(), StoreError> {
    let mut at = Some(from.clone());
    // A partition ends, and each page moves on in it.
    while let Some(cursor) = at.filter(|cursor| cursor.is_beside(&from)) {
        let (people, next) = store.people(&enterprise.id, &cursor, PEOPLE_PAGE).await?;
        if seen.send(people).await.is_err() {
            return Err(StoreError::Unavailable("nobody looks at the people any more".to_owned()));
        }
        at = next;
    }
    Ok(())
}
