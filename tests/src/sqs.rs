//! A queue of the test's own: the SQS API on a socket, whose messages the test reads and which can refuse to take any.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::SqsHandler as _;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use rustack_sqs_model::input::{CreateQueueInput, DeleteMessageInput, ReceiveMessageInput};

const ACCOUNT: &str = "000000000000";

/// A running queue named `events`.
#[derive(Clone)]
pub struct Sqs {
    provider: Arc<RustackSqs>,
    handler: Arc<RustackSqsHandler>,
    refuses: Arc<AtomicBool>,
    pub endpoint: String,
}

impl std::fmt::Debug for Sqs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sqs({})", self.endpoint)
    }
}

/// A message as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub body: String,
    pub attributes: BTreeMap<String, String>,
}

impl Sqs {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = SqsConfig {
            host: "127.0.0.1".to_owned(),
            port: address.port(),
            account_id: ACCOUNT.to_owned(),
            ..SqsConfig::default()
        };
        let provider = Arc::new(RustackSqs::new(config));
        let handler = Arc::new(RustackSqsHandler::new(Arc::clone(&provider)));
        let sqs = Self { provider, handler, refuses: Arc::default(), endpoint: format!("http://{address}") };
        let queue =
            CreateQueueInput { queue_name: "events".to_owned(), attributes: HashMap::new(), tags: HashMap::new() };
        sqs.provider.create_queue(queue).await.expect("a queue");
        let router = Router::new().fallback(serve).with_state(sqs.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        sqs
    }

    pub fn url(&self) -> String {
        format!("{}/{ACCOUNT}/events", self.endpoint)
    }

    /// From now on the queue answers that it is out of order, or works again.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// All messages that nobody has read yet.
    pub async fn drain(&self) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            let asked = ReceiveMessageInput {
                queue_url: self.url(),
                max_number_of_messages: Some(10),
                message_attribute_names: vec!["All".to_owned()],
                ..ReceiveMessageInput::default()
            };
            let some = self.provider.receive_message(asked).await.expect("messages").messages;
            if some.is_empty() {
                return all;
            }
            for message in some {
                let receipt_handle = message.receipt_handle.unwrap();
                let done = DeleteMessageInput { queue_url: self.url(), receipt_handle };
                self.provider.delete_message(done).await.expect("deleted");
                let attributes = message.message_attributes.into_iter();
                let attributes = attributes.map(|(name, value)| (name, value.string_value.unwrap())).collect();
                all.push(Received { body: message.body.unwrap(), attributes });
            }
        }
    }
}

async fn serve(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    if sqs.refuses.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let answer = match resolve_operation(&headers) {
        Ok(operation) => sqs.handler.handle_operation(operation, body).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| error_to_response(&error, "test")).map(Body::new)
}
