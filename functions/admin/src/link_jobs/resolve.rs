//! Making the preview: each row is looked up, then all are compared with each other. Nothing but the job is written.

use std::time::Duration;

use domain::audit::Action;
use domain::ids::WeLinkUserId;
use domain::link_job::{Claims, Counts, LinkJob, Phase, Plan, Row, Status, decide, target};
use domain::matching::key;
use domain::time::Timestamp;
use futures_util::{StreamExt as _, stream};
use platform::secret::sha256_hex;
use signin::Bridge;

use super::slice::Step;
use super::{AT_ONCE, Place, chunks, entry, next};
use crate::actor::Actor;
use crate::error::ApiError;
use crate::input;

/// Looks up the rows of the next chunk. What was found until `until` is kept, even when the OA fails for one of them.
pub(super) async fn look_up(bridge: &Bridge, place: &Place, until: Timestamp) -> Result<Step, ApiError> {
    let job = &place.job;
    let mut rows = bridge.store().link_job_rows(&job.id, job.next).await?;
    let open = rows.iter().enumerate().filter(|(_, row)| row.plan.is_none());
    let look = |(index, row)| async move {
        let left_ms = u64::try_from(until.ms_since(bridge.clock().now())).unwrap_or_default();
        (index, tokio::time::timeout(Duration::from_millis(left_ms), plan(bridge, place, row)).await)
    };
    let looks: Vec<_> = open.map(look).collect();
    let found: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    let (mut failed, mut progress) = (None, false);
    for (index, found) in found {
        match found {
            Ok(Ok(plan)) => {
                rows[index].plan = Some(plan);
                progress = true;
            }
            Ok(Err(error)) => failed = Some(error),
            // The time of this slice is up.
            Err(_) => {}
        }
    }
    let complete = rows.iter().all(|row| row.plan.is_some());
    let mut after = next(job);
    after.next += u32::from(complete);
    let saved = !(progress || complete) || bridge.store().save_link_job(&after, Some((job.next, &rows)), None).await?;
    match failed {
        Some(error) => Err(error),
        None if !saved => Ok(Step::Overtaken),
        None if complete => Ok(Step::On(Box::new(after))),
        None => Ok(Step::TimeUp),
    }
}

async fn plan(bridge: &Bridge, place: &Place, row: &Row) -> Result<Plan, ApiError> {
    if let Some(plan) = row.at_sight() {
        return Ok(plan);
    }
    let (job, enterprise) = (&place.job, &place.enterprise.id);
    let person = match WeLinkUserId::parse(row.user.trim()) {
        Ok(user) => bridge.store().person(enterprise, &user).await?,
        Err(_) => None,
    };
    let Some(person) = person else { return Ok(Plan::left(Status::UnknownPerson)) };
    let asked = job.field.and_then(|field| Some((field, key(field, &row.value)?)));
    let Some((field, key)) = asked else { return Ok(Plan::left(Status::UnknownValue)) };
    let instance = place.config.oa_instance(&place.enterprise.oa_instance).ok_or_else(input::missing)?;
    let found = bridge.oa_candidates(instance, enterprise, (field, &key), &person.user_id).await?;
    Ok(decide(job, &person, target(field, &key, &found)))
}

/// Compares all rows: whoever claims what another claims is an error. Then the preview is complete.
pub(super) async fn compare(bridge: &Bridge, actor: &Actor, place: &Place) -> Result<Step, ApiError> {
    let mut job = place.job.clone();
    let mut all = chunks(bridge.store(), &job).await?;
    let mut claims = Claims::default();
    all.iter().flatten().for_each(|row| claims.add(row));
    let mut counts = Counts::new();
    let mut preview = String::new();
    for (chunk, rows) in (0..).zip(&mut all) {
        let mut changed = false;
        for row in rows.iter_mut() {
            if let Some(plan) = claims.against(row) {
                row.plan = Some(plan);
                changed = true;
            }
            if let Some(status) = row.status(None) {
                *counts.entry(status).or_default() += 1;
            }
        }
        // Each chunk's name contains those before it, so the last one names them all.
        preview = sha256_hex(&format!("{preview}{}", serde_json::to_string(rows).unwrap_or_default()));
        if changed {
            job = LinkJob { next: job.chunks() + chunk + 1, ..next(&job) };
            if !bridge.store().save_link_job(&job, Some((chunk, rows)), None).await? {
                return Ok(Step::Overtaken);
            }
        }
    }
    let now = bridge.clock().now();
    job = LinkJob { phase: Phase::Previewed, next: 0, counts, preview, previewed: Some(now), ..next(&job) };
    let told = entry(bridge, actor, Action::LinkJobPreview, &job);
    let saved = bridge.store().save_link_job(&job, None, Some(&told)).await?;
    Ok(if saved { Step::On(Box::new(job)) } else { Step::Overtaken })
}
