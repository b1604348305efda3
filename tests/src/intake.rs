//! A bridge whose events go to a queue of the test's own, and the two who bring them: an OA and WeLink.

use domain::time::Timestamp;
use http::Method;
use oa::webhook::{self, WebhookId};
use platform::secret::Secret;
use serde_json::{Value, json};
use welink::callback::CallbackKey;

use crate::sqs::{Received, Sqs};
use crate::web::Page;
use crate::world::World;

pub const ONE: &str = "application/cloudevents+json";
pub const BATCH: &str = "application/cloudevents-batch+json";

#[derive(Debug)]
pub struct Intake {
    pub world: World,
    pub sqs: Sqs,
}

/// An event as the contract's example has it (oa-api.md C.5).
pub fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/oa/demo", "type": "oa.todo.created", "subject": "todo/42/1001",
        "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json", "sequence": "17",
        "data": {
            "biz_id": "42", "title": "采购申请-李华-2026-03-01", "recipients": [{ "by": "id", "value": "1001" }],
            "state": "pending", "dest_pc": "/workflow/42",
        },
    })
}

impl Intake {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let sqs = Sqs::start().await;
        let (endpoint, url) = (sqs.endpoint.clone(), sqs.url());
        let queue = [("BRIDGE_SQS_ENDPOINT", endpoint.as_str()), ("BRIDGE_EVENTS_QUEUE", url.as_str())];
        Self { world: World::with(&[&queue, settings].concat()).await, sqs }
    }

    pub fn now(&self) -> Timestamp {
        self.world.running.bridge.clock().now()
    }

    /// The address that the contract names, of the demonstration's OA.
    pub fn events_path(&self) -> String {
        format!("/v1/oa/{}/events", self.world.demo().remembered.oa_instance)
    }

    /// Posts what the demonstration's OA has signed now.
    pub async fn post(&self, call: &str, kind: &str, body: &Value) -> Page {
        let secret = self.world.demo().remembered.push_secret.clone();
        self.post_to(&self.events_path(), &signed(&secret, call, self.now(), &body.to_string()), kind, body).await
    }

    /// Posts with these headers of a signature.
    pub async fn post_to(&self, path: &str, signed: &[(String, String)], kind: &str, body: &Value) -> Page {
        let mut headers = vec![("content-type", kind)];
        headers.extend(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let url = self.world.bridge(path);
        self.world.browser().send(Method::POST, &url, &headers, body.to_string()).await.unwrap()
    }

    /// What opens the demonstration app's callbacks.
    pub fn callback_key(&self) -> CallbackKey {
        CallbackKey::of(&Secret::new(self.world.demo().remembered.client_secret.clone()))
    }

    /// A callback of WeLink with what belongs to every one; `change` is the rest.
    pub fn callback(&self, key: &CallbackKey, event_type: &str, change: Value) -> String {
        let mut plain = change;
        plain["eventType"] = json!(event_type);
        if plain.get("timestamp").is_none() {
            plain["timestamp"] = json!(self.now().epoch_s().to_string());
        }
        key.seal(self.world.running.bridge.entropy().bytes(), &plain.to_string()).unwrap()
    }

    /// Posts a callback to this app's address.
    pub async fn call_back(&self, app: &str, body: impl Into<bytes::Bytes>) -> Page {
        let url = self.world.bridge(&format!("/v1/welink/{app}"));
        let headers = [("content-type", "application/json")];
        self.world.browser().send(Method::POST, &url, &headers, body).await.unwrap()
    }

    pub async fn queued(&self) -> Vec<Received> {
        self.sqs.drain().await
    }
}

/// The headers of a signature (oa-api.md C.6).
pub fn signed(secret: &str, call: &str, at: Timestamp, body: &str) -> Vec<(String, String)> {
    let id = WebhookId::parse(call).unwrap();
    let headers = webhook::sign(&Secret::new(secret.to_owned()), &id, at, body).unwrap();
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

/// The name of the problem that an answer is.
pub fn problem(page: &Page) -> String {
    let kind = page.json()["type"].as_str().unwrap_or_default().to_owned();
    kind.trim_start_matches("urn:cloudbridge:problem:").to_owned()
}

/// A problem document without what differs from one request to the next.
pub fn without_trace(page: &Page) -> (http::StatusCode, Value) {
    let mut problem = page.json();
    problem.as_object_mut().unwrap().remove("trace").expect("a trace");
    (page.status, problem)
}
