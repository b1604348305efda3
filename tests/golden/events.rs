//! The sample events are what the gateway sends: `cargo lambda invoke --data-file events/<name>.json` takes them.

use serde_json::Value;

const SAMPLES: [&str; 5] =
    ["admin.json", "app-home.get.json", "app-home.post.json", "oa-intake.post.json", "qr-login.get.json"];
/// What org-sync gets; it takes them as they are.
const TICK: &str = "org-sync.tick.json";
const MESSAGE: &str = "org-sync.message.json";
/// What push-dispatch gets.
const EVENT: &str = "push-dispatch.message.json";

fn sample(name: &str) -> Value {
    let path = format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn each_sample_is_an_http_request_that_agrees_with_itself() {
    for name in SAMPLES {
        let event = sample(name);
        let context = &event["requestContext"];
        assert_eq!(event["version"], "2.0", "{name}");
        assert_eq!(event["rawPath"], context["http"]["path"], "{name}");
        assert_eq!(event["headers"]["host"], context["domainName"], "{name}");
        assert_eq!(event["headers"]["user-agent"], context["http"]["userAgent"], "{name}");
        assert_eq!(event["headers"]["x-forwarded-for"], context["http"]["sourceIp"], "{name}");
        assert_eq!(event.get("body").is_some(), context["http"]["method"] == "POST", "{name}");
    }
}

#[test]
fn no_sample_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();
    let mut known: Vec<&str> = SAMPLES.into_iter().chain([TICK, MESSAGE, EVENT]).collect();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn a_sample_message_is_one_that_the_bridge_sends() {
    let event: aws_lambda_events::event::sqs::SqsEvent = serde_json::from_value(sample(MESSAGE)).unwrap();
    let body = event.records[0].body.as_deref().unwrap();
    let message: signin::RunMessage = serde_json::from_str(body).unwrap();
    assert_eq!(serde_json::to_string(&message).unwrap(), body);
    assert_eq!(sample(TICK)["source"], "aws.events");
}

/// The secret of the contract's check value (oa-api.md C.6).
const SECRET: &str = "whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=";

#[test]
fn a_sample_event_is_one_of_the_contract_and_signed() {
    let event: aws_lambda_events::event::sqs::SqsEvent = serde_json::from_value(sample(EVENT)).unwrap();
    let message = &event.records[0];
    let body = message.body.as_deref().unwrap();
    let sent = domain::time::Timestamp(message.attributes["SentTimestamp"].parse().unwrap());
    assert!(domain::push::event::Event::parse(body, sent).unwrap().opens());
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = message.message_attributes[name].string_value.as_deref().unwrap();
        headers.insert(http::HeaderName::from_static(name), value.parse().unwrap());
    }
    let secrets = [platform::secret::Secret::new(SECRET.to_owned())];
    assert!(oa::webhook::verify(&secrets, &headers, body.as_bytes(), sent).is_ok());
}
