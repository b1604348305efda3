//! An event that comes by the queue: believed by its signature alone, whoever put it there (oa-api.md C.6).

use aws_lambda_events::event::sqs::SqsMessage;
use domain::ids::{MessageId, RANDOM_CHARS};
use domain::model::OaInstance;
use domain::problem;
use domain::push::delivery::Message;
use domain::push::event::{BadEvent, Event};
use domain::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};
use platform::secret::{sha256_hex, unhex};
use platform::trace::TraceId;
use serde_json::Value;
use signin::{Bridge, Refusal};
use state::push::Stored;

use crate::Again;

/// The headers of a signature, which are attributes of a message (docs/decisions/0011-queue-messages.md).
const SIGNED: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
/// How far the signature may lie from the moment when the queue took the message, seconds.
const SKEW_S_MAX: i64 = 300;

fn attribute<'m>(message: &'m SqsMessage, name: &str) -> &'m str {
    message.message_attributes.get(name).and_then(|value| value.string_value.as_deref()).unwrap_or_default()
}

/// The messages that this one makes, or has made before. A hint is none of ours.
pub async fn take(bridge: &Bridge, message: &SqsMessage) -> Result<Vec<Stored>, Again> {
    if attribute(message, "kind") == "welink-hint" {
        return Ok(Vec::new());
    }
    let body = message.body.as_deref().unwrap_or_default();
    let instance = proved(bridge, message, body).await?;
    let events = match serde_json::from_str::<Value>(body) {
        Ok(Value::Array(events)) => events,
        Ok(event) => vec![event],
        Err(_) => vec![Value::Null],
    };
    let mut made = Vec::with_capacity(events.len());
    for event in &events {
        made.extend(known(bridge, &instance, event).await?);
    }
    Ok(made)
}

/// The OA that signed it, no earlier and no later than it was put on the queue.
async fn proved(bridge: &Bridge, message: &SqsMessage, body: &str) -> Result<OaInstance, Refusal> {
    let mut headers = HeaderMap::new();
    for name in SIGNED {
        let value = HeaderValue::from_str(attribute(message, name));
        let value = value.map_err(|_| Refusal::because(problem::SIGNATURE_INVALID, "not a header's value"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let (instance, _, signed) =
        bridge.proved_message(attribute(message, "instance"), &headers, body.as_bytes()).await?;
    let taken = message.attributes.get("SentTimestamp").and_then(|at| at.parse().ok()).map(Timestamp);
    let taken = taken.unwrap_or_else(|| bridge.clock().now());
    if taken.ms_since(signed).abs() > SKEW_S_MAX * 1000 {
        return Err(Refusal::because(problem::TIMESTAMP_SKEW, "signed at another time than it was sent"));
    }
    Ok(instance)
}

/// The message of an event: as it is known, or made now. `None` = there is nothing to be sent.
async fn known(bridge: &Bridge, instance: &OaInstance, event: &Value) -> Result<Option<Stored>, Again> {
    let id = id_of(instance, event);
    if let Some(stored) = bridge.store().message(&id).await? {
        return Ok(Some(stored));
    }
    let now = bridge.clock().now();
    let read = Event::read(event, now).and_then(|read| read.within(&instance.allowed_dest_prefixes).map(|()| read));
    let mut message = match read {
        Ok(read) => {
            let config = bridge.store().config(&instance.id.tenant()).await?;
            let source = read.content.as_ref().map(|content| content.source.as_str());
            let aims = source.zip(config).map(|(source, config)| config.rules.aims(source)).unwrap_or_default();
            Message::new(id, instance.id.clone(), read, aims, now)
        }
        Err(bad) => refused(id, instance, bad, now),
    };
    TraceId::current().as_str().clone_into(&mut message.trace);
    Ok(Some(Stored::new(message)))
}

fn refused(id: MessageId, instance: &OaInstance, bad: BadEvent, now: Timestamp) -> Message {
    tracing::info!(message = %id, instance = %instance.id, reason = bad.name(), "an event is refused");
    Message::refused(id, instance.id.clone(), bad, now)
}

/// The same event is the same message: by source and id, or by its text where it has neither.
fn id_of(instance: &OaInstance, event: &Value) -> MessageId {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let (source, id) = (text("source"), text("id"));
    let name = if source.is_empty() || id.is_empty() { event.to_string() } else { format!("{source}\n{id}") };
    let digest = unhex(&sha256_hex(&format!("{}\n{name}", instance.id))).unwrap_or_default();
    let mut bytes = [0; RANDOM_CHARS];
    bytes.iter_mut().zip(digest).for_each(|(byte, drawn)| *byte = drawn);
    MessageId::from_random(&instance.id.tenant(), bytes)
}
