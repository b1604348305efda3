//! What happens without anybody asking: the tick, which finds due work, and the slices of runs, which come by queue.
//!
//! Both entries do a bounded piece of work and answer. What a piece leaves over is handed over in the table first and
//! by a message second, so that a lost message costs a minute and no work (design.md 5).

mod compare;
mod copy;
mod plan;
mod read_oa;
mod read_welink;
mod rows;
mod slice;
mod tick;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};
use signin::Bridge;

pub use tick::{TickError, tick};

/// Why an event was not handled; the runtime is told, and tries it again.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("neither a tick nor a batch of messages")]
    Unknown,
    #[error(transparent)]
    Tick(#[from] TickError),
    #[error("a batch cannot be read: {0}")]
    Batch(#[from] serde_json::Error),
}

/// Handles whatever event the function gets: a tick of EventBridge, or a batch of its queue.
pub async fn handle(bridge: Bridge, event: Value) -> Result<Value, EventError> {
    if event.get("Records").is_some() {
        let answer = Box::pin(messages(&bridge, serde_json::from_value(event)?)).await;
        return Ok(serde_json::to_value(answer)?);
    }
    if event["source"] != "aws.events" {
        return Err(EventError::Unknown);
    }
    Box::pin(tick(&bridge)).await?;
    Ok(json!({}))
}

/// Works on a batch of the queue; the answer names the messages that shall come again.
pub async fn messages(bridge: &Bridge, event: SqsEvent) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        let body = message.body.unwrap_or_default();
        let worked = match serde_json::from_str(&body) {
            Ok(message) => slice::work(bridge, &message).await,
            Err(error) => {
                // Sent again it would be no better; a run that waits for it is found by the tick.
                tracing::error!(message = id, %error, "a message cannot be read");
                continue;
            }
        };
        if let Err(error) = worked {
            tracing::error!(message = id, %error, "a message could not be worked on and comes again");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            answer.batch_item_failures.push(failure);
        }
    }
    answer
}
