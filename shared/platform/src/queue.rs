//! Queues that a function sends to. Whoever is called by a queue gets its messages as events and needs no client.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

use crate::aws;
use crate::clock::Clock;
use crate::config::Config;

/// The queue did not take a message: it may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue does not take a message: {0}")]
pub struct QueueError(String);

/// One queue. Cloning shares the client.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    url: Arc<str>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({})", self.url)
    }
}

/// The queues that this process sends to; an absent one is not configured.
#[derive(Debug, Clone, Default)]
pub struct Queues {
    /// Slices of runs, for org-sync.
    pub sync: Option<Queue>,
    /// Events of OAs and hints of WeLink, for push-dispatch (docs/decisions/0011-queue-messages.md).
    pub events: Option<Queue>,
}

impl Queues {
    /// The queues of the configuration, over one client.
    pub fn of(config: &Config, clock: &Clock) -> Self {
        let endpoint = config.sqs_endpoint.as_deref();
        let client = aws::sqs(&aws::sdk_config(aws::http_client(endpoint), clock), endpoint);
        let queue = |url: &Option<String>| url.as_deref().map(|url| Queue { client: client.clone(), url: url.into() });
        Self { sync: queue(&config.sync_queue), events: queue(&config.events_queue) }
    }
}

/// Messages of one request at most, a limit of SQS.
const BATCH_MAX: usize = 10;
/// Bytes of one request's messages at most: what every SQS takes, also one of before 2025.
const BATCH_BYTES_MAX: usize = 240 * 1024;

/// A message with its text attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub body: String,
    pub attributes: Vec<(&'static str, String)>,
}

impl Message {
    fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }
}

impl Queue {
    /// Sends many messages. Done = the queue has all of them; after an error it may have some.
    pub async fn send_all(&self, messages: &[Message]) -> Result<(), QueueError> {
        for some in batches(messages) {
            let entries: Result<Vec<_>, _> = some.iter().enumerate().map(|(n, message)| entry(n, message)).collect();
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(entries?));
            let sent = request.send().await.map_err(|error| QueueError(aws::describe(&error)))?;
            if let Some(failed) = sent.failed.first() {
                return Err(QueueError(failed.code.clone()));
            }
        }
        Ok(())
    }

    /// Sends one message with text attributes. Done = the queue has it.
    pub async fn send(&self, body: &str, attributes: &[(&str, &str)]) -> Result<(), QueueError> {
        let all = texts(attributes.iter().copied())?;
        let request = self.client.send_message().queue_url(&*self.url).message_body(body);
        let sent = request.set_message_attributes((!all.is_empty()).then_some(all)).send().await;
        sent.map(|_| ()).map_err(|error| QueueError(aws::describe(&error)))
    }
}

fn texts<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<HashMap<String, MessageAttributeValue>, QueueError> {
    let mut all = HashMap::new();
    for (name, value) in attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
        all.insert(name.to_owned(), value.map_err(|error| QueueError(error.to_string()))?);
    }
    Ok(all)
}

/// As many at a time as fit into one request.
fn batches(messages: &[Message]) -> Vec<&[Message]> {
    let (mut batches, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |message: &&Message| {
            bytes += message.bytes();
            bytes <= BATCH_BYTES_MAX
        };
        // One that fits nowhere goes alone, for the queue to refuse.
        let count = rest.iter().take(BATCH_MAX).take_while(fits).count().max(1);
        let (some, others) = rest.split_at(count);
        batches.push(some);
        rest = others;
    }
    batches
}

/// `n` tells the entries of one request apart.
fn entry(n: usize, message: &Message) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let attributes = texts(message.attributes.iter().map(|(name, value)| (*name, value.as_str())))?;
    let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(&message.body);
    let entry = entry.set_message_attributes((!attributes.is_empty()).then_some(attributes)).build();
    entry.map_err(|error| QueueError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_ten_messages_and_240_kilobytes_at_most() {
        let sizes = |bytes: &[usize]| -> Vec<usize> {
            let message = |bytes: &usize| Message { body: "x".repeat(*bytes), attributes: Vec::new() };
            let messages: Vec<Message> = bytes.iter().map(message).collect();
            batches(&messages).iter().map(|some| some.len()).collect()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 25]), [10, 10, 5]);
        assert_eq!(sizes(&[64 * 1024; 8]), [3, 3, 2]);
        assert_eq!(sizes(&[1, 300 * 1024, 1]), [1, 1, 1], "one that fits nowhere goes alone");
    }
}
