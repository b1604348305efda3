//! The embedded queues: the SQS API on a loopback port of its own. The engine keeps messages in memory; here each one
//! is on disk before its sender gets an answer, and is put back at the next start until it has been worked on.
//!
//! What has failed too often lies in the dead-letter queue until the program ends, and is tried again after the next
//! start.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::SqsHandler as _;
use rustack_sqs_http::response::{error_to_response, json_response};
use rustack_sqs_http::router::resolve_operation;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    CreateQueueInput, DeleteMessageInput, ReceiveMessageInput, SendMessageBatchInput, SendMessageInput,
};
use rustack_sqs_model::operations::SqsOperation;
use rustack_sqs_model::output::SendMessageOutput;
use rustack_sqs_model::types::Message;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// Names of the queues; each has a dead-letter queue beside it.
pub(crate) const SYNC: &str = "sync";
/// Events of the OAs and hints of WeLink.
pub(crate) const EVENTS: &str = "events";
const ALL: [&str; 2] = [SYNC, EVENTS];

/// As in template.yaml: six times what a function may take, and how often a message is tried.
const VISIBLE_AGAIN_S: u32 = 540;
const TRIES_MAX: u32 = 5;
/// How long a question for messages waits; the engine wakes it when one comes.
const WAIT_S: i32 = 20;
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// The running queues. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Queues {
    provider: Arc<RustackSqs>,
    handler: Arc<RustackSqsHandler>,
    pub endpoint: String,
    /// Where messages are kept; `None` = in memory only. Whoever holds it writes or removes a message.
    kept: Arc<Mutex<Option<PathBuf>>>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queues({})", self.endpoint)
    }
}

/// Starts the queues, with the messages that are left in `folder`.
pub(crate) async fn start(
    folder: Option<&Path>,
    mut stop: watch::Receiver<bool>,
) -> Result<(Queues, JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port for the embedded queues")?;
    let address = listener.local_addr()?;
    let config = SqsConfig {
        host: "127.0.0.1".to_owned(),
        port: address.port(),
        account_id: ACCOUNT.to_owned(),
        default_region: REGION.to_owned(),
        ..SqsConfig::default()
    };
    let provider = Arc::new(RustackSqs::new(config));
    let queues = Queues {
        handler: Arc::new(RustackSqsHandler::new(Arc::clone(&provider))),
        provider,
        endpoint: format!("http://{address}"),
        kept: Arc::new(Mutex::new(folder.map(Path::to_owned))),
    };
    for name in ALL {
        queues.create(name).await.map_err(|error| anyhow!("the queue {name}: {error:?}"))?;
    }
    queues.put_back().await?;
    let router = Router::new().fallback(serve).with_state(queues.clone());
    let shutdown = async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let server = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(shutdown).await });
    Ok((queues, server))
}

async fn serve(State(queues): State<Queues>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let answer = match resolve_operation(&headers) {
        Ok(operation) => queues.handle(operation, body).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| error_to_response(&error, "local")).map(Body::new)
}

impl Queues {
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint)
    }

    async fn create(&self, name: &str) -> Result<(), SqsError> {
        let dead = format!("{name}-dead");
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{dead}");
        let redrive = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": TRIES_MAX }).to_string();
        let attributes = HashMap::from([
            ("VisibilityTimeout".to_owned(), VISIBLE_AGAIN_S.to_string()),
            ("RedrivePolicy".to_owned(), redrive),
        ]);
        for (queue_name, attributes) in [(dead, HashMap::new()), (name.to_owned(), attributes)] {
            self.provider.create_queue(CreateQueueInput { queue_name, attributes, tags: HashMap::new() }).await?;
        }
        Ok(())
    }

    /// Messages are on disk before this answers.
    async fn handle(&self, operation: SqsOperation, body: Bytes) -> Result<Response<SqsResponseBody>, SqsError> {
        match operation {
            SqsOperation::SendMessage => {
                let sent = self.send(parsed(&body)?).await?;
                let json = serde_json::to_vec(&sent).map_err(|error| SqsError::internal_error(error.to_string()))?;
                Ok(json_response(json, "local"))
            }
            SqsOperation::SendMessageBatch => {
                let batch: SendMessageBatchInput = parsed(&body)?;
                let kept = self.kept.lock().await;
                let output = self.provider.send_message_batch(batch.clone()).await?;
                for sent in &output.successful {
                    let entry = batch.entries.iter().find(|entry| entry.id == sent.id);
                    if let (Some(folder), Some(entry)) = (kept.as_deref(), entry) {
                        let one = SendMessageInput {
                            queue_url: batch.queue_url.clone(),
                            message_body: entry.message_body.clone(),
                            delay_seconds: entry.delay_seconds,
                            message_attributes: entry.message_attributes.clone(),
                            ..SendMessageInput::default()
                        };
                        keep(folder, &sent.message_id, &one).map_err(|e| SqsError::internal_error(e.to_string()))?;
                    }
                }
                let json = serde_json::to_vec(&output).map_err(|error| SqsError::internal_error(error.to_string()))?;
                Ok(json_response(json, "local"))
            }
            other => self.handler.handle_operation(other, body).await,
        }
    }

    async fn send(&self, message: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        // Held over both, so that nobody has worked on the message before it is on disk.
        let kept = self.kept.lock().await;
        let sent = self.provider.send_message(message.clone()).await?;
        if let (Some(folder), Some(id)) = (kept.as_deref(), &sent.message_id) {
            keep(folder, id, &message).map_err(|error| SqsError::internal_error(error.to_string()))?;
        }
        Ok(sent)
    }

    /// Sends again what the last process has left; a message has a new id then.
    async fn put_back(&self) -> Result<()> {
        let Some(folder) = self.kept.lock().await.clone() else { return Ok(()) };
        fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|end| end != "json") {
                // A message that was being written when the process ended: its sender has no answer and sends again.
                fs::remove_file(&path)?;
                continue;
            }
            let text = fs::read(&path)?;
            let damaged = || format!("{}: not a message; move it away to start without it", path.display());
            let mut message: SendMessageInput = serde_json::from_slice(&text).with_context(damaged)?;
            let name = message.queue_url.rsplit('/').next().unwrap_or_default();
            message.queue_url = self.url(name);
            self.send(message).await.map_err(|error| anyhow!("{}: {error:?}", path.display()))?;
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Waits for messages, at most `batch` of them.
    pub(crate) async fn receive(&self, name: &str, batch: i32) -> Result<Vec<Message>> {
        let asked = ReceiveMessageInput {
            queue_url: self.url(name),
            max_number_of_messages: Some(batch),
            wait_time_seconds: Some(WAIT_S),
            attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        let answer =
            self.provider.receive_message(asked).await.map_err(|error| anyhow!("the queue {name}: {error:?}"))?;
        Ok(answer.messages)
    }

    /// Removes a message that has been worked on.
    pub(crate) async fn done(&self, name: &str, message: &Message) -> Result<()> {
        let kept = self.kept.lock().await;
        let receipt_handle = message.receipt_handle.clone().unwrap_or_default();
        let input = DeleteMessageInput { queue_url: self.url(name), receipt_handle };
        self.provider.delete_message(input).await.map_err(|error| anyhow!("the queue {name}: {error:?}"))?;
        if let (Some(folder), Some(id)) = (kept.as_deref(), &message.message_id) {
            fs::remove_file(file(folder, id))?;
        }
        Ok(())
    }
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| SqsError::internal_error(error.to_string()))
}

fn file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Writes a message so that it is there whole, or not at all.
fn keep(folder: &Path, id: &str, message: &SendMessageInput) -> std::io::Result<()> {
    let unfinished = folder.join(format!("{id}.part"));
    let mut written = fs::File::create(&unfinished)?;
    written.write_all(&serde_json::to_vec(message)?)?;
    written.sync_all()?;
    fs::rename(unfinished, file(folder, id))?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use platform::clock::Clock;
    use platform::config::Config;

    use super::*;

    fn sender(queues: &Queues) -> platform::queue::Queue {
        let settings = [
            ("BRIDGE_TABLE", "bridge"),
            ("BRIDGE_ORIGIN", "http://bridge.localhost"),
            ("BRIDGE_CONSOLE_ORIGIN", "http://console.localhost"),
            ("BRIDGE_SQS_ENDPOINT", &queues.endpoint),
            ("BRIDGE_SYNC_QUEUE", &queues.url(SYNC)),
        ];
        let config = Config::read(settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        platform::queue::Queues::of(&config, &Clock::system()).sync.unwrap()
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test]
    async fn a_message_is_on_disk_until_it_has_been_worked_on_whatever_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("queue");
        let (stop, stopped) = watch::channel(false);
        let (queues, server) = start(Some(&kept), stopped).await.unwrap();
        sender(&queues).send("one", &[("instance", "o_1")]).await.unwrap();
        sender(&queues).send("two", &[]).await.unwrap();
        assert_eq!(files(&kept), 2, "before the sender has its answer");
        let got = queues.receive(SYNC, 1).await.unwrap();
        let worked_on = got[0].body.clone().unwrap();
        queues.done(SYNC, &got[0]).await.unwrap();
        assert_eq!(files(&kept), 1);
        let received = queues.receive(SYNC, 1).await.unwrap();
        assert_ne!(received[0].body.as_deref(), Some(worked_on.as_str()), "and the process ends while it works on it");
        fs::write(kept.join("half.part"), "{\"Queue").unwrap();
        stop.send(true).unwrap();
        server.await.unwrap().unwrap();

        let (_stop, stopped) = watch::channel(false);
        let (queues, _server) = start(Some(&kept), stopped).await.unwrap();
        let again = queues.receive(SYNC, 10).await.unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!(
            (&again[0].body, &again[0].message_attributes.len()),
            (&received[0].body, &received[0].message_attributes.len())
        );
        queues.done(SYNC, &again[0]).await.unwrap();
        assert_eq!(files(&kept), 0);
    }
}
