//! Applying exactly what was shown, or nothing (product.md BND-08).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::audit::{Action, Entry};
use domain::ids::{OaUserId, WeLinkUserId};
use domain::link_job::{CHUNK_ROWS, Change, Counts, LinkJob, Phase, Row, add_counts};
use domain::model::Person;
use domain::problem;
use domain::time::Timestamp;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use signin::Bridge;
use state::link_job::RowWrite;
use utoipa::ToSchema;

use super::slice::Step;
use super::{AT_ONCE, Place, View, chunks, demand, each_person, entry, find, next};
use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::Sent;

/// Rows that a refusal names at most.
const NAMED_MAX: usize = 20;

/// Which preview is to be applied.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// `preview` of the job as it was shown.
    pub preview: String,
}

/// Begins to write what the preview shows, if it still holds. Otherwise the job ends here, and nothing is written.
pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    job: &str,
    sent: Sent<'_, Decision>,
) -> Result<View, ApiError> {
    let place = find(bridge, actor, job).await?;
    let decision = sent.read()?;
    demand(&place.job, Phase::Previewed)?;
    if decision.preview != place.job.preview {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    let changed = changed_rows(bridge, &place).await?;
    if !changed.is_empty() || !place.job.is_fresh(bridge.clock().now()) {
        return Err(refuse(bridge, actor, &place.job, &changed).await?);
    }
    let applied = Some(actor.stamp(bridge));
    let job = LinkJob { phase: Phase::Applying, next: 0, applied, ..next(&place.job) };
    let told = entry(bridge, actor, Action::LinkJobApply, &job);
    let job = LinkJob { counts: Counts::new(), ..job };
    if bridge.store().save_link_job(&job, None, Some(&told)).await? {
        Ok(job.into())
    } else {
        Err(problem::CHANGED_MEANWHILE.into())
    }
}

async fn refuse(bridge: &Bridge, actor: &Actor, job: &LinkJob, changed: &[u32]) -> Result<ApiError, ApiError> {
    let refused = LinkJob { phase: Phase::Refused, finished: Some(bridge.clock().now()), ..next(job) };
    let mut told = entry(bridge, actor, Action::LinkJobRefused, &refused);
    problem::PREVIEW_STALE.name.clone_into(&mut told.result);
    if !bridge.store().save_link_job(&refused, None, Some(&told)).await? {
        return Ok(problem::CHANGED_MEANWHILE.into());
    }
    let error = ApiError::from(problem::PREVIEW_STALE);
    if changed.is_empty() {
        return Ok(error.about("preview", "older than 24 hours / 预览已超过 24 小时"));
    }
    let named: Vec<String> = changed.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = if changed.len() > NAMED_MAX { ", …" } else { "" };
    let rows = format!("{}{more}", named.join(", "));
    Ok(error.about("rows", format!("{rows}: changed since the preview / 第 {rows} 行在预览之后有变化")))
}

/// The numbers of the rows whose person or link is no longer as the preview saw it.
async fn changed_rows(bridge: &Bridge, place: &Place) -> Result<Vec<u32>, ApiError> {
    let rows: Vec<Row> = chunks(bridge.store(), &place.job).await?.into_iter().flatten().collect();
    let mut named: BTreeMap<&str, Option<Person>> = rows.iter().map(|row| (row.user.trim(), None)).collect();
    let claims = rows.iter().filter_map(|row| row.plan.as_ref()?.claim.as_ref());
    let mut owners: BTreeMap<&OaUserId, Option<WeLinkUserId>> = claims.map(|user| (user, None)).collect();
    let see = |person: Person| {
        if let Some(owner) = person.link.as_ref().and_then(|link| owners.get_mut(&link.oa_user)) {
            *owner = Some(person.user_id.clone());
        }
        if let Some(known) = named.get_mut(person.user_id.as_str()) {
            *known = Some(Person { sign_ins: Vec::new(), ..person });
        }
    };
    each_person(bridge.store(), &place.enterprise, see).await?;
    let holds = |row: &Row| {
        let Some(plan) = &row.plan else { return false };
        let owner = plan.claim.as_ref().and_then(|user| owners.get(user)?.as_ref());
        let taken = owner.is_some_and(|owner| owner.as_str() != row.user.trim());
        plan.holds(named.get(row.user.trim()).and_then(Option::as_ref), taken)
    };
    Ok(rows.iter().filter(|row| !holds(row)).map(|row| row.number).collect())
}

/// Writes the rows of the next chunk that have no ending yet.
pub(super) async fn write(bridge: &Bridge, actor: &Actor, place: &Place, until: Timestamp) -> Result<Step, ApiError> {
    let job = &place.job;
    let mut counts = Counts::new();
    if job.next < job.chunks() {
        let rows = bridge.store().link_job_rows(&job.id, job.next).await?;
        match write_chunk(bridge, actor, job, &rows, until).await? {
            Some(chunk) => add_counts(&mut counts, &chunk),
            None => return Ok(Step::TimeUp),
        }
    }
    let mut after = next(job);
    add_counts(&mut after.counts, &counts);
    after.next = job.next + 1;
    let done = after.next >= job.chunks();
    if done {
        (after.phase, after.finished) = (Phase::Done, Some(bridge.clock().now()));
    }
    let told = done.then(|| entry(bridge, actor, Action::LinkJobDone, &after));
    let saved = bridge.store().save_link_job(&after, None, told.as_ref()).await?;
    Ok(if saved { Step::On(Box::new(after)) } else { Step::Overtaken })
}

/// `None` = the time was up before every row had its ending.
async fn write_chunk(
    bridge: &Bridge,
    actor: &Actor,
    job: &LinkJob,
    rows: &[Row],
    until: Timestamp,
) -> Result<Option<Counts>, ApiError> {
    let first = job.next.saturating_mul(CHUNK_ROWS);
    let mut endings = bridge.store().link_job_endings(&job.id, first, first + CHUNK_ROWS).await?;
    let open = (first..).zip(rows).filter(|(position, _)| !endings.contains_key(position));
    let open = open.filter_map(|(position, row)| {
        let change = row.plan.as_ref()?.change.as_ref()?;
        Some((position, WeLinkUserId::parse(row.user.trim()).ok()?, change))
    });
    let write = |(position, user, change)| async move {
        let told = link_entry(bridge, actor, job, &user, change);
        let row = RowWrite { job, position, user: &user, change };
        let left_ms = u64::try_from(until.ms_since(bridge.clock().now())).unwrap_or_default();
        // A write that is cut off here has happened or not; its ending says which, to the next slice.
        let written = bridge.store().write_link_row(row, &told);
        (position, tokio::time::timeout(Duration::from_millis(left_ms), written).await)
    };
    let writes: Vec<_> = open.map(write).collect();
    let written: Vec<_> = stream::iter(writes).buffer_unordered(AT_ONCE).collect().await;
    let mut time_up = false;
    for (position, ending) in written {
        match ending {
            Ok(ending) => {
                endings.insert(position, ending?);
            }
            Err(_) => time_up = true,
        }
    }
    if time_up {
        return Ok(None);
    }
    let mut counts = Counts::new();
    for (position, row) in (first..).zip(rows) {
        if let Some(status) = row.status(endings.get(&position).copied()) {
            *counts.entry(status).or_default() += 1;
        }
    }
    Ok(Some(counts))
}

fn link_entry(bridge: &Bridge, actor: &Actor, job: &LinkJob, user: &WeLinkUserId, change: &Change) -> Entry {
    let action = if change.after.is_some() { Action::Bind } else { Action::Unbind };
    let mut entry = actor.entry(bridge, job.id.tenant(), action, user.as_str());
    let oa_user = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} -> {}", before.oa_user, after.oa_user),
        (Some(link), None) | (None, Some(link)) => link.oa_user.as_str().to_owned(),
        (None, None) => String::new(),
    };
    entry.detail.insert("oa_user".to_owned(), oa_user);
    entry.detail.insert("job".to_owned(), job.id.as_str().to_owned());
    entry
}
