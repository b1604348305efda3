//! The file with one outcome per row: what will become of it, and later what became of it (product.md Q6).

use domain::link_job::{CHUNK_ROWS, Ending, Row, Status};
use domain::model::Link;
use signin::Bridge;

use super::find;
use crate::actor::Actor;
use crate::error::ApiError;
use crate::sheet::{Format, Part, Writer, bilingual, heading};

/// One part of a job's result; `part` is [`Part::next`] of the one before.
pub(crate) async fn result(
    bridge: &Bridge,
    actor: &Actor,
    job: &str,
    format: Format,
    part: Option<&str>,
) -> Result<Part, ApiError> {
    let job = find(bridge, actor, job).await?.job;
    let mut chunk: u32 = match part {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::field("part", "no such part / 没有这一部分"))?,
    };
    let mut file = Writer::new(
        format,
        &[
            heading::ROW,
            heading::USER,
            heading::RELATION,
            heading::OUTCOME,
            heading::EXPLANATION,
            heading::LINK_BEFORE,
            heading::LINK_AFTER,
        ],
    )?;
    while chunk < job.chunks() && !file.is_full() {
        let first = chunk.saturating_mul(CHUNK_ROWS);
        let rows = bridge.store().link_job_rows(&job.id, chunk).await?;
        let endings = bridge.store().link_job_endings(&job.id, first, first + CHUNK_ROWS).await?;
        for (position, row) in (first..).zip(&rows) {
            write(&mut file, row, endings.get(&position).copied())?;
        }
        chunk += 1;
    }
    let next = (chunk < job.chunks()).then(|| chunk.to_string());
    Part::new(format, file, next)
}

fn write(file: &mut Writer, row: &Row, ending: Option<Ending>) -> Result<(), ApiError> {
    let status = row.status(ending);
    let change = row.plan.as_ref().and_then(|plan| plan.change.as_ref());
    let name = |link: Option<&Link>| link.map(|link| link.oa_user.as_str().to_owned()).unwrap_or_default();
    let claim = row.plan.as_ref().and_then(|plan| plan.claim.as_ref());
    let after = match change {
        Some(change) => name(change.after.as_ref()),
        None => claim.map(|user| user.as_str().to_owned()).unwrap_or_default(),
    };
    file.row(&[
        &row.number.to_string(),
        &row.user,
        &row.value,
        status.map(Status::name).unwrap_or_default(),
        &status.map(|status| bilingual(status.text())).unwrap_or_default(),
        &name(change.and_then(|change| change.before.as_ref())),
        &after,
    ])
}
