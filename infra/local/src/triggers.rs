//! What AWS does by itself: messages of a queue become calls of the function that reads it, and a tick comes once a
//! minute.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use domain::time::Timestamp;
use platform::clock::Clock;
use rustack_sqs_model::types::Message;
use serde_json::{Value, json};
use signin::Bridge;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::queue::{EVENTS, Queues, SYNC};

/// How often the clock is looked at for a new minute: a test moves it on.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After an error of the embedded queue itself.
const REST: Duration = Duration::from_secs(1);
const MINUTE_MS: i64 = 60_000;

type Answer = Pin<Box<dyn Future<Output = SqsBatchResponse> + Send>>;

/// Who reads a queue.
struct Reader {
    queue: &'static str,
    /// Messages of one call, as in template.yaml.
    batch: i32,
    handle: Box<dyn Fn(SqsEvent) -> Answer + Send + Sync>,
}

fn readers(bridge: &Bridge) -> Vec<Reader> {
    let sync = bridge.clone();
    let handle = move |event| -> Answer {
        let bridge = sync.clone();
        Box::pin(async move { org_sync::messages(&bridge, event).await })
    };
    let sync = Reader { queue: SYNC, batch: 1, handle: Box::new(handle) };
    let push = bridge.clone();
    let handle = move |event| -> Answer {
        let bridge = push.clone();
        Box::pin(async move { push_dispatch::messages(&bridge, event).await })
    };
    vec![sync, Reader { queue: EVENTS, batch: 10, handle: Box::new(handle) }]
}

/// Starts all triggers; they end with `stop`.
pub(crate) fn start(bridge: &Bridge, queues: &Queues, stop: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let mut tasks = vec![tokio::spawn(ticks(bridge.clone(), stop.clone()))];
    for reader in readers(bridge) {
        tasks.push(tokio::spawn(consume(queues.clone(), reader, stop.clone())));
    }
    tasks
}

async fn consume(queues: Queues, reader: Reader, mut stop: watch::Receiver<bool>) {
    let reader = Arc::new(reader);
    loop {
        let received = tokio::select! {
            received = queues.receive(reader.queue, reader.batch) => received,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let worked = match received {
            Ok(messages) if messages.is_empty() => continue,
            Ok(messages) => deliver(&queues, &reader, &messages).await,
            Err(error) => Err(error),
        };
        if let Err(error) = worked {
            tracing::error!(queue = reader.queue, %error, "the embedded queue failed");
            tokio::time::sleep(REST).await;
        }
    }
}

/// One call of the function. What did not fail is done; the rest comes again when it is visible again.
async fn deliver(queues: &Queues, reader: &Arc<Reader>, messages: &[Message]) -> Result<()> {
    let event: SqsEvent = serde_json::from_value(event(reader.queue, messages))?;
    let called = Arc::clone(reader);
    // A task of its own: a panic ends this call and not the queue, as on AWS.
    let answer = match tokio::spawn(async move { (called.handle)(event).await }).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(queue = reader.queue, %error, "a call ended without an answer");
            return Ok(());
        }
    };
    let failed: Vec<&str> = answer.batch_item_failures.iter().map(|one| one.item_identifier.as_str()).collect();
    for message in messages {
        if !failed.contains(&message.message_id.as_deref().unwrap_or_default()) {
            queues.done(reader.queue, message).await?;
        }
    }
    Ok(())
}

fn event(queue: &str, messages: &[Message]) -> Value {
    let records = messages.iter().map(|message| {
        let attributes = message.message_attributes.iter().map(|(name, value)| {
            let value = json!({
                "stringValue": value.string_value, "dataType": value.data_type,
                "stringListValues": [], "binaryListValues": [],
            });
            (name.clone(), value)
        });
        json!({
            "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
            "md5OfBody": message.md5_of_body, "attributes": message.attributes,
            "messageAttributes": attributes.collect::<serde_json::Map<_, _>>(), "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"), "awsRegion": "us-east-1",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

async fn ticks(bridge: Bridge, mut stop: watch::Receiver<bool>) {
    let minute = |clock: &Clock| {
        let Timestamp(now) = clock.now();
        now.div_euclid(MINUTE_MS)
    };
    // The first tick comes at once: it finds what the last process has left.
    let mut last = None;
    loop {
        let now = minute(bridge.clock());
        if last != Some(now) {
            last = Some(now);
            if let Err(error) = org_sync::tick(&bridge).await {
                tracing::error!(%error, "a tick failed; the next one comes in a minute");
            }
            if let Err(error) = push_dispatch::tick(&bridge).await {
                tracing::error!(%error, "a tick of push failed; the next one comes in a minute");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
