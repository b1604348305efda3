//! The envelope of what an OA sends: CloudEvents 1.0 in JSON, one or a batch (oa-api.md C.5). What an event's `data` must
//! be is the dispatcher's business.

use platform::secret::sha256_hex;
use serde::Serialize;
use serde_json::Value;

/// Events of a batch at most.
const EVENTS_MAX: usize = 100;
/// Bytes of one event at most (oa-api.md C.7).
const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an event's `id` and of its `source` at most.
const NAME_BYTES_MAX: usize = 256;

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// An event that may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// Names source and id.
    pub digest: String,
    /// The event as JSON text, as the queue gets it.
    pub text: String,
}

/// An event that may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Empty when the event has none.
    pub id: String,
    pub reason: &'static str,
}

/// The events of a body, each judged by itself; `None` when it is no envelope at all.
pub fn events(content_type: &str, body: &[u8]) -> Option<Vec<Result<Event, Rejected>>> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let sent: Value = serde_json::from_slice(body).ok()?;
    let sent = match (media_type.as_str(), sent) {
        (ONE, Value::Object(event)) => vec![Value::Object(event)],
        (BATCH, Value::Array(events)) => events,
        _ => return None,
    };
    let fits = (1..=EVENTS_MAX).contains(&sent.len()) && sent.iter().all(Value::is_object);
    fits.then(|| sent.iter().map(event).collect())
}

fn event(sent: &Value) -> Result<Event, Rejected> {
    let text = |name: &str| sent[name].as_str().unwrap_or_default();
    let (id, source) = (text("id"), text("source"));
    let json = sent.to_string();
    match reason(sent, json.len()) {
        None => Ok(Event { id: id.to_owned(), digest: sha256_hex(&format!("{source}\n{id}")), text: json }),
        Some(reason) => Err(Rejected { id: id.chars().take(NAME_BYTES_MAX).collect(), reason }),
    }
}

/// Why an event may not go on.
fn reason(sent: &Value, bytes: usize) -> Option<&'static str> {
    let text = |name: &str| sent[name].as_str().unwrap_or_default();
    let named = |name: &str| {
        let text = text(name);
        (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    let json = match &sent["datacontenttype"] {
        Value::Null => true,
        other => {
            other.as_str().is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim() == "application/json")
        }
    };
    let rules = [
        (bytes <= EVENT_BYTES_MAX, "event-too-large"),
        (text("specversion") == "1.0", "specversion-unsupported"),
        (named("id"), "id-missing"),
        (named("source"), "source-missing"),
        (named("type"), "type-missing"),
        (named("subject"), "subject-missing"),
        (text("time").parse::<jiff::Timestamp>().is_ok(), "time-invalid"),
        (json, "datacontenttype-unsupported"),
        (sent["data"].is_object(), "data-missing"),
    ];
    rules.iter().find(|(kept, _)| !kept).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "specversion": "1.0", "id": "evt-1", "source": "/oa/demo", "type": "oa.todo.created", "subject": "todo/42/1001",
            "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json", "data": { "biz_id": "42" },
        })
    }

    fn judged(event: &Value) -> Result<Event, Rejected> {
        events(ONE, event.to_string().as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn one_event_and_a_batch_are_read() {
        let one = judged(&good()).unwrap();
        assert_eq!(one.id, "evt-1");
        assert_eq!(serde_json::from_str::<Value>(&one.text).unwrap(), good(), "nothing is lost");
        let batch = json!([good(), good()]).to_string();
        let read = events("application/cloudevents-batch+json; charset=utf-8", batch.as_bytes()).unwrap();
        assert_eq!(read, [Ok(one.clone()), Ok(one)]);
    }

    #[test]
    fn what_is_no_envelope_is_nothing() {
        let (one, batch) = (good().to_string(), json!([good()]).to_string());
        for (kind, body) in [
            (ONE, "no JSON"),
            (ONE, batch.as_str()),
            (BATCH, one.as_str()),
            (BATCH, "[]"),
            (BATCH, "[1]"),
            ("application/json", one.as_str()),
            ("", one.as_str()),
        ] {
            assert_eq!(events(kind, body.as_bytes()), None, "{kind} {body}");
        }
        let many = Value::from(vec![good(); 101]).to_string();
        assert_eq!(events(BATCH, many.as_bytes()), None);
        assert!(events(BATCH, Value::from(vec![good(); 100]).to_string().as_bytes()).is_some());
    }

    #[test]
    fn every_event_is_judged_by_itself() {
        for (field, value, reason) in [
            ("specversion", json!("0.3"), "specversion-unsupported"),
            ("id", json!(""), "id-missing"),
            ("id", json!("x".repeat(257)), "id-missing"),
            ("source", Value::Null, "source-missing"),
            ("type", json!(7), "type-missing"),
            ("subject", json!("a\nb"), "subject-missing"),
            ("time", json!("yesterday"), "time-invalid"),
            ("datacontenttype", json!("text/xml"), "datacontenttype-unsupported"),
            ("data", json!("text"), "data-missing"),
            ("data", json!({ "title": "x".repeat(EVENT_BYTES_MAX) }), "event-too-large"),
        ] {
            let mut event = good();
            event[field] = value;
            assert_eq!(judged(&event).unwrap_err().reason, reason, "{field}");
        }
        let mut bare = good();
        bare.as_object_mut().unwrap().remove("datacontenttype");
        assert!(judged(&bare).is_ok(), "JSON is what CloudEvents means without it");
    }

    #[test]
    fn an_event_is_known_by_source_and_id() {
        let with = |source: &str, id: &str| {
            let mut event = good();
            event["source"] = json!(source);
            event["id"] = json!(id);
            judged(&event).unwrap().digest
        };
        assert_eq!(with("/oa/demo", "evt-1"), judged(&good()).unwrap().digest);
        assert_ne!(with("/oa/demo", "evt-2"), with("/oa/other", "evt-2"));
        assert_ne!(with("/a", "b/c"), with("/a/b", "c"));
    }
}
