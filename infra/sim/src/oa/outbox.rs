//! What the OA tells the bridge: CloudEvents 1.0 about to-dos (oa-api.md C.5), signed as Standard Webhooks (C.6), and
//! the list of what is open, against which the bridge compares every night.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use domain::text::Lang;
use domain::time::Timestamp;
use platform::secret::Secret;
use serde_json::{Map, Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::machine::{answer, problem};
use super::todo::{self, Todo};
use super::{Oa, lock, scim, signature};

/// Events kept at once; the oldest go first.
const EVENTS_MAX: usize = 100_000;
/// One call takes so long at most (oa-api.md C.7).
const TOTAL: Duration = Duration::from_secs(10);
/// To-dos on one page of the open list at most.
const PAGE_MAX: usize = 100;

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Updated,
    /// This person is through with it; it may wait for others.
    Done,
    /// It is closed for everybody (办结).
    Closed,
    Deleted,
}

impl What {
    fn kind(self) -> &'static str {
        match self {
            Self::Created => "oa.todo.created",
            Self::Updated => "oa.todo.updated",
            Self::Done | Self::Closed => "oa.todo.done",
            Self::Deleted => "oa.todo.deleted",
        }
    }

    fn state(self) -> &'static str {
        match self {
            Self::Created | Self::Updated => "pending",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Deleted => "deleted",
        }
    }
}

/// One event that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// The CloudEvent as it goes over the wire.
    pub body: String,
}

/// The three headers of a signed event.
#[derive(Debug, Clone)]
pub struct SignedEvent {
    pub id: String,
    /// Epoch seconds.
    pub timestamp_s: i64,
    pub signature: Secret<String>,
}

/// What a delivery came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Taken by the bridge.
    pub sent: usize,
    /// Refused for good: the event's id and the HTTP status.
    pub refused: Vec<(String, u16)>,
    /// Still waiting: the bridge did not answer, or said 429 or 5xx.
    pub waiting: usize,
}

/// Events in the order in which things happened.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Event>,
    events: u64,
    sequence: u64,
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_string()).unwrap_or_default()
}

fn person(id: &str) -> Value {
    json!({ "by": "id", "value": id })
}

/// The `data` of an event about an open to-do; also a row of the open list.
fn open_data(todo: &Todo) -> Map<String, Value> {
    let dest = format!("/todo/{}", todo.id);
    let facts: Vec<String> =
        todo.facts(Lang::Zh).into_iter().map(|(label, value)| format!("{label}：{value}")).collect();
    let mut data = Map::new();
    for (name, value) in [
        ("title", todo.title(Lang::Zh).into()),
        ("summary", facts.join("；").into()),
        ("recipients", json!([person(&todo.owner)])),
        ("creator", json!({ "by": "id", "value": todo.applicant, "name": todo.applicant(Lang::Zh) })),
        ("category", todo.kind.name().zh.into()),
        ("step", todo.kind.step().zh.into()),
        ("priority", if todo.urgent { "urgent" } else { "normal" }.into()),
        ("state", "pending".into()),
        ("dest_pc", dest.clone().into()),
        ("dest_mobile", dest.into()),
        ("received_at", rfc3339(todo.received).into()),
        ("biz_id", todo.id.to_string().into()),
    ] {
        data.insert(name.to_owned(), value);
    }
    data
}

fn data(todo: &Todo, what: What) -> Value {
    let whole = matches!(what, What::Created | What::Updated);
    let mut data = open_data(todo);
    if !whole {
        data.retain(|name, _| matches!(name.as_str(), "biz_id" | "title" | "recipients"));
    }
    data.insert("state".to_owned(), what.state().into());
    if what == What::Closed {
        data.insert("final".to_owned(), true.into());
    }
    Value::Object(data)
}

/// Puts an event about this to-do into the outbox.
pub(super) fn put(oa: &Oa, todo: &Todo, what: What) {
    let now = oa.now();
    let mut outbox = lock(&oa.0.outbox);
    outbox.events += 1;
    // Larger than every earlier one, of earlier runs too.
    outbox.sequence = (outbox.sequence + 1).max(u64::try_from(now.0).unwrap_or(0));
    let sequence = outbox.sequence;
    let id = format!("evt-{}-{}", oa.0.started.0, outbox.events);
    let body = json!({
        "specversion": "1.0", "id": id, "source": "/oa/demo", "type": what.kind(),
        "subject": format!("todo/{}/{}", todo.id, todo.owner), "time": rfc3339(now),
        "datacontenttype": "application/json", "dataschema": "urn:cloudbridge:schema:todo:1",
        "sequence": sequence.to_string(), "data": data(todo, what),
    });
    if outbox.waiting.len() >= EVENTS_MAX {
        outbox.waiting.pop_front();
    }
    outbox.waiting.push_back(Event { id, body: body.to_string() });
    drop(outbox);
    lock(&oa.0.flows).told(todo.id, sequence);
}

impl Oa {
    /// Takes all waiting events out, oldest first; they will not be sent.
    pub fn take_events(&self) -> Vec<Event> {
        lock(&self.0.outbox).waiting.drain(..).collect()
    }

    /// Tells of every open to-do anew, as an OA does when it is first connected; says how many there are.
    pub fn announce_open(&self) -> usize {
        let open: Vec<Todo> = todo::all(self).into_iter().filter(|todo| todo.decision.is_none()).collect();
        for todo in &open {
            put(self, todo, What::Created);
        }
        open.len()
    }

    /// Signs an event with the push secret, as of now; `None` while no bridge is connected.
    pub fn sign_event(&self, event: &Event) -> Option<SignedEvent> {
        let connection = self.link()?.connection;
        let timestamp_s = self.now().epoch_s();
        let signature = signature::sign(&connection.push_secret, &event.id, timestamp_s, event.body.as_bytes()).ok()?;
        Some(SignedEvent { id: event.id.clone(), timestamp_s, signature })
    }

    /// Sends what waits, oldest first, until the bridge does not take one; that one and those behind it wait for the
    /// next time. A repeated event keeps its id, so the bridge knows it (oa-api.md C.5, C.6).
    pub async fn deliver_events(&self) -> Delivery {
        let mut delivery = Delivery::default();
        for _ in 0..EVENTS_MAX {
            let Some(event) = lock(&self.0.outbox).waiting.front().cloned() else { break };
            match self.deliver(&event).await {
                Some(status) if status.is_success() => delivery.sent += 1,
                Some(status) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => break,
                Some(status) => delivery.refused.push((event.id.clone(), status.as_u16())),
                None => break,
            }
            let mut outbox = lock(&self.0.outbox);
            if outbox.waiting.front().is_some_and(|front| front.id == event.id) {
                outbox.waiting.pop_front();
            }
        }
        delivery.waiting = lock(&self.0.outbox).waiting.len();
        delivery
    }

    /// The bridge's answer to one event; `None` when there was none.
    async fn deliver(&self, event: &Event) -> Option<StatusCode> {
        let connection = self.link()?.connection;
        let signed = self.sign_event(event)?;
        let url = format!("{}/v1/oa/{}/events", connection.bridge_origin, connection.instance_id);
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header(HEADER_WEBHOOK_ID, &signed.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, signed.timestamp_s)
            .header(HEADER_WEBHOOK_SIGNATURE, signed.signature.expose())
            .body(Bytes::from(event.body.clone()))
            .ok()?;
        self.0.bridge.send(request, TOTAL).await.ok().map(|answer| answer.status())
    }
}

/// `GET /v1/todos/open?after=&count=`: every open to-do by its number, for the nightly comparison. The contract names
/// no interface for it; this is the demonstration's: the rows are the `data` of `oa.todo.created` with the `sequence`
/// of the last event, `next` is the `after` of the next page.
pub(super) async fn open_list(
    State(oa): State<Oa>,
    headers: HeaderMap,
    Query(params): Query<BTreeMap<String, String>>,
) -> Response {
    if !scim::is_bridge(&oa, &headers) {
        return problem(&oa, StatusCode::UNAUTHORIZED, "unauthorized", "The bearer token is missing or unknown.");
    }
    let number = |name: &str| params.get(name).and_then(|value| value.parse::<u32>().ok());
    let after = number("after").unwrap_or(0);
    let count = number("count").and_then(|count| usize::try_from(count).ok()).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let open: Vec<Todo> = todo::all(&oa).into_iter().filter(|todo| todo.decision.is_none()).collect();
    let page: Vec<&Todo> = open.iter().filter(|todo| todo.id > after).take(count).collect();
    let row = |todo: &&Todo| {
        let mut row = open_data(todo);
        row.insert("sequence".to_owned(), lock(&oa.0.flows).sequence(todo).to_string().into());
        Value::Object(row)
    };
    let mut body = json!({ "total": open.len(), "todos": page.iter().map(row).collect::<Vec<Value>>() });
    let last = page.last().map(|todo| todo.id);
    if let Some(last) = last.filter(|last| open.iter().any(|todo| todo.id > *last)) {
        body["next"] = last.to_string().into();
    }
    answer(StatusCode::OK, "application/json", &body)
}
