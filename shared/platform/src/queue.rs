//! Queues that a function sends to. Whoever is called by a queue gets its messages as events and needs no client.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

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
}

impl Queues {
    /// The queues of the configuration, over one client.
    pub fn of(config: &Config, clock: &Clock) -> Self {
        let endpoint = config.sqs_endpoint.as_deref();
        let client = aws::sqs(&aws::sdk_config(aws::http_client(endpoint), clock), endpoint);
        let queue = |url: &Option<String>| url.as_deref().map(|url| Queue { client: client.clone(), url: url.into() });
        Self { sync: queue(&config.sync_queue) }
    }
}

impl Queue {
    /// Sends one message with text attributes. Done = the queue has it.
    pub async fn send(&self, body: &str, attributes: &[(&str, &str)]) -> Result<(), QueueError> {
        let mut all = HashMap::new();
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            all.insert((*name).to_owned(), value.map_err(|error| QueueError(error.to_string()))?);
        }
        let request = self.client.send_message().queue_url(&*self.url).message_body(body);
        let sent = request.set_message_attributes((!all.is_empty()).then_some(all)).send().await;
        sent.map(|_| ()).map_err(|error| QueueError(aws::describe(&error)))
    }
}
