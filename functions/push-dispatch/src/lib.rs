//! Messages and to-dos of the OAs to WeLink: event, rules, targets, receivers, links, calls, and an outcome for each
//! receiver (product.md A.9, D.6).
//!
//! [`arrival`] believes an event and makes a message of it; [`work`] takes a message as far as it gets; [`receivers`]
//! knows who is meant; [`send`] and [`todos`] call WeLink. What is to be tried later lies in the table and is found by
//! the tick.
//!
//! A message of the queue is done when every delivery has ended or waits in the table. One that somebody else is at
//! comes again: if he dies, somebody has to know.

mod arrival;
mod outcome;
mod receivers;
mod send;
mod todos;
mod work;

use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use signin::{Bridge, Refusal};
use state::StoreError;

/// Messages of a batch that are worked on at once: as many as one sandbox needs to use an app's allowed rate.
const AT_ONCE: usize = 10;
/// Messages that one tick goes on with per tenant; the next one goes on.
const DUE_MAX: i32 = 100;

/// Why a message has to come again.
#[derive(Debug, thiserror::Error)]
pub enum Again {
    /// Not to be believed; after a few times it is parked.
    #[error("refused: {0}")]
    Refused(&'static str),
    #[error("somebody else is at it")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it panics")]
    Panic,
}

impl From<Refusal> for Again {
    fn from(refusal: Refusal) -> Self {
        refusal.log();
        Self::Refused(refusal.problem.name)
    }
}

/// Why an event was not handled; the runtime is told, and tries it again.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("neither a tick nor a batch of messages")]
    Unknown,
    #[error("a batch cannot be read: {0}")]
    Batch(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handles whatever event the function gets: a tick of EventBridge, or a batch of its queue.
pub async fn handle(bridge: Bridge, event: Value) -> Result<Value, EventError> {
    if event.get("Records").is_some() {
        let answer = messages(&bridge, serde_json::from_value(event)?).await;
        return Ok(serde_json::to_value(answer)?);
    }
    if event["source"] != "aws.events" {
        return Err(EventError::Unknown);
    }
    tick(&bridge).await?;
    Ok(json!({}))
}

/// Works on a batch of the queue; the answer names the messages that shall come again. Each fails for itself, a panic
/// too.
pub async fn messages(bridge: &Bridge, event: SqsEvent) -> SqsBatchResponse {
    let each = event.records.into_iter().map(|message| async move {
        let id = message.message_id.clone().unwrap_or_default();
        let worked = AssertUnwindSafe(one(bridge, &message)).catch_unwind().await;
        (id, worked.unwrap_or(Err(Again::Panic)))
    });
    let ended: Vec<_> = stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
    let mut answer = SqsBatchResponse::default();
    for (id, worked) in ended {
        let Err(again) = worked else { continue };
        match again {
            Again::Taken => tracing::info!(message = id, "a message is being worked on and comes again"),
            error => tracing::error!(message = id, %error, "a message could not be worked on and comes again"),
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        answer.batch_item_failures.push(failure);
    }
    answer
}

async fn one(bridge: &Bridge, message: &SqsMessage) -> Result<(), Again> {
    for stored in arrival::take(bridge, message).await? {
        // Boxed: by itself the future is nested deeper than the compiler looks.
        work::go_on(bridge, stored).boxed().await?;
    }
    Ok(())
}

/// Goes on with what is due, of every tenant. One message's failure is not another's.
pub async fn tick(bridge: &Bridge) -> Result<(), StoreError> {
    let mut failed = None;
    for tenant in bridge.store().tenants().await? {
        let now = bridge.clock().now();
        for due in bridge.store().push_due(&tenant.id, now, DUE_MAX).await? {
            match resume(bridge, &due).await {
                Ok(()) | Err(Again::Taken) => {}
                Err(Again::Store(error)) => failed = Some(error),
                Err(error) => tracing::error!(message = %due.message, %error, "a message cannot be gone on with"),
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The note goes last: a crash leaves it, and the message is looked at once more.
async fn resume(bridge: &Bridge, due: &state::push::PushDue) -> Result<(), Again> {
    if let Some(stored) = bridge.store().message(&due.message).await? {
        let worked = AssertUnwindSafe(work::go_on(bridge, stored).boxed()).catch_unwind().await;
        worked.unwrap_or(Err(Again::Panic))?;
    }
    Ok(bridge.store().finish_push(due).await?)
}
