//! The envelope of what an OA sends: CloudEvents 1.0 in JSON, one or a batch (oa-api.md C.5). What an event must be is
//! [`domain::push::event`]'s business, for whoever reads the queue judges by the same rules.

use domain::destination::DestPrefix;
use domain::push::event::{BadEvent, EVENT_BYTES_MAX, Event};
use domain::time::Timestamp;
use platform::secret::sha256_hex;
use serde::Serialize;
use serde_json::Value;

/// Events of a batch at most.
const EVENTS_MAX: usize = 100;
/// Characters of a rejected event's id that are told back.
const TOLD_CHARS_MAX: usize = 256;

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// An event that may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptable {
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

/// The events of a body; `None` when it is no envelope at all.
pub fn events(content_type: &str, body: &[u8]) -> Option<Vec<Value>> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let sent: Value = serde_json::from_slice(body).ok()?;
    let events = match (media_type.as_str(), sent) {
        (ONE, Value::Object(event)) => vec![Value::Object(event)],
        (BATCH, Value::Array(events)) => events,
        _ => return None,
    };
    let fits = (1..=EVENTS_MAX).contains(&events.len()) && events.iter().all(Value::is_object);
    fits.then_some(events)
}

/// Judges one event of an OA whose links lie within `allowed`.
pub fn judge(sent: &Value, allowed: &[DestPrefix], now: Timestamp) -> Result<Acceptable, Rejected> {
    let text = sent.to_string();
    let read = match text.len() {
        0..=EVENT_BYTES_MAX => Event::read(sent, now),
        _ => Err(BadEvent::TooLarge),
    };
    match read.and_then(|event| event.within(allowed).map(|()| event)) {
        Ok(event) => {
            let digest = sha256_hex(&format!("{}\n{}", event.source, event.id));
            Ok(Acceptable { id: event.id, digest, text })
        }
        Err(bad) => {
            let id = sent["id"].as_str().unwrap_or_default();
            Err(Rejected { id: id.chars().take(TOLD_CHARS_MAX).collect(), reason: bad.name() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp(1_772_400_000_000);

    fn good() -> Value {
        json!({
            "specversion": "1.0", "id": "evt-1", "source": "/oa/demo", "type": "oa.todo.created",
            "subject": "todo/42/1001", "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json",
            "data": {
                "biz_id": "42", "title": "采购申请", "recipients": [{ "by": "id", "value": "1001" }],
                "dest_pc": "/workflow/42",
            },
        })
    }

    fn judged(event: &Value) -> Result<Acceptable, Rejected> {
        judge(event, &[DestPrefix::parse("/workflow").unwrap()], NOW)
    }

    #[test]
    fn one_event_and_a_batch_are_read() {
        assert_eq!(events(ONE, good().to_string().as_bytes()), Some(vec![good()]));
        let batch = json!([good(), good()]).to_string();
        let read = events("application/cloudevents-batch+json; charset=utf-8", batch.as_bytes());
        assert_eq!(read, Some(vec![good(), good()]));
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
    fn an_event_is_judged_by_the_contract_and_by_what_its_oa_may_link_to() {
        let one = judged(&good()).unwrap();
        assert_eq!(one.id, "evt-1");
        assert_eq!(serde_json::from_str::<Value>(&one.text).unwrap(), good(), "nothing is lost");
        let with = |name: &str, value: Value| {
            let mut event = good();
            event["data"][name] = value;
            judged(&event).unwrap_err().reason
        };
        assert_eq!(with("title", Value::Null), "title-missing");
        assert_eq!(with("dest_pc", json!("/salaries")), "dest-not-allowed");
        assert_eq!(with("summary", json!("x".repeat(EVENT_BYTES_MAX))), "event-too-large");
        let mut nameless = good();
        nameless["id"] = json!(7);
        assert_eq!(judged(&nameless), Err(Rejected { id: String::new(), reason: "id-missing" }));
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
