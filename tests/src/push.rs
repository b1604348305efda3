//! Messages of the demonstration's OA, brought to push-dispatch as its queue brings them, and what people see of them.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::welink::{Message, TodoRow};

use crate::intake::signed;
use crate::world::World;

/// Looks until a test gives up: the local bridge works in the machine's own time.
const LOOKS_MAX: usize = 500;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An event of the OA about this matter, of now. `sequence` 0 = the OA counts nothing.
pub fn event(world: &World, id: &str, kind: &str, biz_id: &str, sequence: u64, receivers: &[&str]) -> Value {
    let now = jiff::Timestamp::from_millisecond(world.running.bridge.clock().now().0).unwrap();
    let recipients: Vec<Value> = receivers.iter().map(|id| json!({ "by": "id", "value": id })).collect();
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "/oa/demo", "type": kind, "subject": format!("{kind}/{biz_id}"),
        "time": now.to_string(), "datacontenttype": "application/json",
        "data": {
            "biz_id": biz_id, "title": format!("采购申请 {biz_id}"), "summary": "等待部门审批",
            "recipients": recipients, "creator": { "by": "id", "value": "1002", "name": "王芳" },
            "category": "采购申请", "step": "部门审批", "dest_pc": "/workflow/42", "dest_mobile": "/m/workflow/42",
        },
    });
    if sequence > 0 {
        event["sequence"] = json!(sequence.to_string());
    }
    event
}

/// One message of the queue, signed now by the demonstration's OA.
pub fn record(world: &World, n: usize, body: &str) -> Value {
    let known = &world.demo().remembered;
    let now = world.running.bridge.clock().now();
    let mut attributes = json!({
        "kind": text("oa-event"), "instance": text(known.oa_instance.as_str()),
    });
    for (name, value) in signed(&known.push_secret, &format!("msg_{n}"), now, body) {
        attributes[name] = text(&value);
    }
    json!({
        "messageId": format!("queue-{n}"), "receiptHandle": "x", "body": body, "md5OfBody": "",
        "attributes": { "SentTimestamp": now.0.to_string() }, "messageAttributes": attributes,
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:x:0:events", "awsRegion": "x",
    })
}

fn text(value: &str) -> Value {
    json!({ "stringValue": value, "dataType": "String", "stringListValues": [], "binaryListValues": [] })
}

/// A batch of the queue.
pub fn batch(records: &[Value]) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

impl World {
    /// Makes a rule that is on, with the demonstration's app as its target, once per type.
    pub async fn rule(&self, source: &str, types: &[&str], change: Value) -> Value {
        let app = &self.demo().remembered.app;
        let targets: Vec<Value> = types.iter().map(|kind| json!({ "app": app, "type": kind })).collect();
        let mut rule =
            json!({ "name": format!("{source} {types:?}"), "source": source, "enabled": true, "targets": targets });
        for (name, value) in change.as_object().into_iter().flatten() {
            rule[name] = value.clone();
        }
        let path = format!("/v1/tenants/{}/rules", self.tenant());
        let made = self.api(Method::POST, &path, Some(&rule)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.json()
    }

    /// Brings these events, a message each, and gives the messages that shall come again.
    pub async fn push(&self, events: &[Value]) -> Vec<String> {
        let records: Vec<Value> = events.iter().enumerate().map(|(n, e)| record(self, n, &e.to_string())).collect();
        self.push_records(&records).await
    }

    pub async fn push_records(&self, records: &[Value]) -> Vec<String> {
        let answer = push_dispatch::messages(&self.running.bridge, batch(records)).await;
        answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// The log of today's deliveries, newest first.
    pub async fn pushed(&self, filter: &str) -> Vec<Value> {
        let path = format!("/v1/tenants/{}/messages{filter}", self.tenant());
        let page = self.api(Method::GET, &path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.json()["messages"].as_array().unwrap().clone()
    }

    /// The one message that there is.
    pub async fn only_pushed(&self) -> Value {
        let mut all = self.pushed("").await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Everything that was delivered as a message in WeLink, oldest first.
    pub fn delivered(&self) -> Vec<Message> {
        self.demo().welink.messages()
    }

    /// How often this member got a message.
    pub fn got(&self, login: &str) -> usize {
        let user = format!("{login}@welink");
        self.delivered().iter().filter(|message| message.copies.contains_key(&user)).count()
    }

    /// The to-dos that this member sees.
    pub fn todos(&self, login: &str) -> Vec<TodoRow> {
        self.demo().welink.todos(&self.demo().remembered.welink_tenant, &format!("{login}@welink"))
    }

    /// Lets push-dispatch look at what is due, until nothing is: the local bridge's own tick may be at it as well.
    pub async fn push_tick(&self) {
        for _ in 0..LOOKS_MAX {
            push_dispatch::tick(&self.running.bridge).await.unwrap();
            let now = self.running.bridge.clock().now().0;
            let is_busy = |delivery: &Value| match delivery["state"].as_str() {
                Some("claimed") => true,
                Some("waiting" | "held") => delivery["at"].as_i64().unwrap() <= now,
                _ => false,
            };
            let all = self.pushed("").await;
            if !all.iter().flat_map(|message| message["deliveries"].as_array().unwrap()).any(is_busy) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("something is still due after {LOOKS_MAX} looks");
    }

    /// Waits until the message of this event has come by the embedded queue and is done with.
    pub async fn settled(&self, event: &str) -> Value {
        for _ in 0..LOOKS_MAX {
            let all = self.pushed("").await;
            let done = |message: &&Value| message["event"] == event && message["standing"] != "open";
            if let Some(message) = all.iter().find(done) {
                return message.clone();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        panic!("no message of {event} after {LOOKS_MAX} looks");
    }

    /// The login of the person with this id in the OA.
    pub fn login_of(&self, id: &str) -> String {
        self.demo().company.people.iter().find(|person| person.id == id).unwrap().login.clone()
    }
}

/// States and reasons of a message's deliveries, in their order.
pub fn states(message: &Value) -> Vec<String> {
    let one = |delivery: &Value| match delivery["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", delivery["state"].as_str().unwrap()),
        None => delivery["state"].as_str().unwrap().to_owned(),
    };
    message["deliveries"].as_array().unwrap().iter().map(one).collect()
}
