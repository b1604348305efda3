//! One slice of a job's work: a request that ends in time. Whatever interrupts it, the next one goes on where the table
//! says that it stopped.

use domain::link_job::{LinkJob, Phase};
use signin::Bridge;

use super::{Place, View, apply, find, resolve};
use crate::actor::Actor;
use crate::error::ApiError;

/// How long a slice works: an API Gateway gives up after 29 s, and the last calls of a slice may take a while.
const SLICE_MS: i64 = 8_000;

/// How a step of a slice ended.
pub(super) enum Step {
    /// The job as it is now.
    On(Box<LinkJob>),
    /// Another slice did it first: what is stored is newer than what we know.
    Overtaken,
    TimeUp,
}

/// Works on a job for a slice of time.
pub(crate) async fn go_on(bridge: &Bridge, actor: &Actor, job: &str) -> Result<View, ApiError> {
    let mut place = find(bridge, actor, job).await?;
    let began = bridge.clock().now();
    let until = began.plus_ms(SLICE_MS);
    let mut rows = 0;
    // A job has two passes over its chunks at most and a few changes of phase.
    for _ in 0..=place.job.chunks().saturating_mul(2).saturating_add(4) {
        if bridge.clock().now() >= until {
            break;
        }
        let before = (place.job.phase, place.job.done());
        let step = match place.job.phase {
            Phase::Resolving if place.job.next < place.job.chunks() => resolve::look_up(bridge, &place, until).await?,
            Phase::Resolving => resolve::compare(bridge, actor, &place).await?,
            Phase::Applying => apply::write(bridge, actor, &place, until).await?,
            Phase::Previewed | Phase::Done | Phase::Refused => break,
        };
        match step {
            Step::On(job) => place.job = *job,
            Step::Overtaken => {
                place = find(bridge, actor, place.job.id.as_str()).await?;
                break;
            }
            Step::TimeUp => break,
        }
        if before.0 == place.job.phase {
            rows += place.job.done().saturating_sub(before.1);
        }
    }
    let took_ms = bridge.clock().now().ms_since(began).max(1);
    Ok(view(place, rows, took_ms))
}

fn view(place: Place, rows: u32, took_ms: i64) -> View {
    let mut view = View::from(place.job);
    let left = i64::from(view.job.total.saturating_sub(view.done));
    if rows > 0 && left > 0 {
        view.seconds_left = Some((left * took_ms / i64::from(rows)).div_euclid(1000) + 1);
    }
    view
}
