//! Events of an OA (oa-api.md C.5, C.6, C.7; product.md PSH-07): signed, judged one by one, queued before the answer.

use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};
use tests::intake::{BATCH, Intake, ONE, event, problem, signed, without_trace};
use tests::sqs::Received;

fn headers(message: &Received) -> HeaderMap {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    names.map(|name| (HeaderName::from_static(name), message.attributes[name].parse().unwrap())).into_iter().collect()
}

#[tokio::test]
async fn psh_07_an_event_is_on_the_queue_signed_when_its_oa_reads_202() {
    let intake = Intake::start().await;
    let answer = intake.post("msg_1", ONE, &event("evt-1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.json(), json!({ "accepted": ["evt-1"], "duplicate": [], "rejected": [] }));
    let queued = intake.queued().await;
    assert_eq!(queued.len(), 1);
    let message = &queued[0];
    assert_eq!(serde_json::from_str::<Value>(&message.body).unwrap(), event("evt-1"));
    assert_eq!(message.attributes["kind"], "oa-event");
    let instance = intake.world.demo().remembered.oa_instance.clone();
    assert_eq!(message.attributes["instance"], instance.as_str());
    // Whoever reads the queue a day later believes the signature, and no other body under it.
    intake.world.advance_s(86_400);
    let bridge = &intake.world.running.bridge;
    let proved = bridge.proved_message(instance.as_str(), &headers(message), message.body.as_bytes()).await.unwrap();
    assert_eq!(proved.0.id, instance);
    let forged = message.body.replace("采购申请", "付款申请");
    assert!(bridge.proved_message(instance.as_str(), &headers(message), forged.as_bytes()).await.is_err());
}

#[tokio::test]
async fn psh_07_a_batch_is_judged_event_by_event() {
    let intake = Intake::start().await;
    let (mut untitled, mut huge) = (event("evt-2"), event("evt-3"));
    untitled["time"] = json!("now");
    huge["data"]["summary"] = json!("长".repeat(30_000));
    let batch = json!([event("evt-1"), untitled, huge, event("evt-1"), event("evt-4")]);
    let answer = intake.post("msg_1", BATCH, &batch).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let rejected = json!([
        { "id": "evt-2", "reason": "time-invalid" }, { "id": "evt-3", "reason": "event-too-large" },
    ]);
    let verdicts = json!({ "accepted": ["evt-1", "evt-4"], "duplicate": ["evt-1"], "rejected": rejected });
    assert_eq!(answer.json(), verdicts);
    let ids: Vec<Value> =
        intake.queued().await.iter().map(|m| serde_json::from_str::<Value>(&m.body).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["evt-1", "evt-4"], "one event a message");
    // A hundred at once, by the short form of the address, in more than one request to the queue.
    let many = Value::from((0..100).map(|n| event(&format!("many-{n}"))).collect::<Vec<_>>());
    let path = format!("/v1/events/{}", intake.world.demo().remembered.oa_instance);
    let secret = intake.world.demo().remembered.push_secret.clone();
    let headers = signed(&secret, "msg_2", intake.now(), &many.to_string());
    let answer = intake.post_to(&path, &headers, BATCH, &many).await;
    assert_eq!(answer.json()["accepted"].as_array().map(Vec::len), Some(100), "{}", answer.body);
    assert_eq!(intake.queued().await.len(), 100);
}

#[tokio::test]
async fn psh_07_a_repeated_call_gets_its_first_answer_and_a_repeated_event_is_a_duplicate() {
    let intake = Intake::start().await;
    let first = intake.post("msg_1", ONE, &event("evt-1")).await;
    for _ in 0..20 {
        let again = intake.post("msg_1", ONE, &event("evt-1")).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
    }
    let other = intake.post("msg_2", ONE, &event("evt-1")).await;
    assert_eq!(other.json(), json!({ "accepted": [], "duplicate": ["evt-1"], "rejected": [] }));
    assert_eq!(intake.queued().await.len(), 1);
    // The same name on another letter is a mistake of the OA's: it is told, and nothing is swallowed.
    let mistaken = intake.post("msg_1", ONE, &event("evt-2")).await;
    assert_eq!(mistaken.status, StatusCode::BAD_REQUEST, "{}", mistaken.body);
    assert_eq!(intake.post("msg_3", ONE, &event("evt-2")).await.json()["accepted"], json!(["evt-2"]));
    assert_eq!(intake.queued().await.len(), 1);
    // A call is known for 24 hours, an event for 7 days.
    intake.world.advance_s(24 * 3600 + 1);
    let later = intake.post("msg_1", ONE, &event("evt-1")).await;
    assert_eq!(later.json()["duplicate"], json!(["evt-1"]), "{}", later.body);
    intake.world.advance_s(6 * 86_400);
    assert_eq!(intake.post("msg_4", ONE, &event("evt-1")).await.json()["accepted"], json!(["evt-1"]));
    // Another OA's event of the same name is another event.
    let mut elsewhere = event("evt-2");
    elsewhere["source"] = json!("/oa/branch");
    assert_eq!(intake.post("msg_5", ONE, &elsewhere).await.json()["accepted"], json!(["evt-2"]));
}

#[tokio::test]
async fn psh_07_what_the_queue_does_not_take_is_not_accepted_and_comes_again() {
    let intake = Intake::start().await;
    intake.sqs.refuse(true);
    let refused = intake.post("msg_1", ONE, &event("evt-1")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("5"));
    intake.sqs.refuse(false);
    assert_eq!(intake.queued().await, []);
    let taken = intake.post("msg_1", ONE, &event("evt-1")).await;
    assert_eq!(taken.json()["accepted"], json!(["evt-1"]), "{}", taken.body);
    assert_eq!(intake.queued().await.len(), 1);
}

#[tokio::test]
async fn psh_07_what_cannot_be_read_or_is_too_large_is_refused_by_its_name() {
    let intake = Intake::start().await;
    for (n, (kind, body)) in [
        (ONE, json!([event("evt-1")])),
        (BATCH, event("evt-1")),
        (BATCH, json!([])),
        (BATCH, Value::from(vec![event("evt-1"); 101])),
        ("application/json", event("evt-1")),
    ]
    .iter()
    .enumerate()
    {
        let page = intake.post(&format!("msg_{n}"), kind, body).await;
        assert_eq!((page.status, problem(&page).as_str()), (StatusCode::BAD_REQUEST, "envelope-invalid"));
    }
    let huge = json!({ "data": "x".repeat(1024 * 1024) });
    let page = intake.post("msg_huge", ONE, &huge).await;
    assert_eq!((page.status, problem(&page).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
    assert_eq!(intake.queued().await, []);
    let page = intake.world.browser().get(&intake.world.bridge(&intake.events_path())).await.unwrap();
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn psh_07_an_unknown_instance_and_a_bad_signature_answer_alike() {
    let intake = Intake::start().await;
    let (body, now) = (event("evt-1"), intake.now());
    let text = body.to_string();
    let known = intake.world.demo().remembered.clone();
    let right = signed(&known.push_secret, "msg_1", now, &text);
    let wrong = signed(&known.pull_secret, "msg_1", now, &text);
    let nowhere = format!("/v1/oa/{}/events", known.oa_instance.as_str().replace(|c: char| c.is_ascii_digit(), "z"));
    let bad = without_trace(&intake.post_to(&intake.events_path(), &wrong, ONE, &body).await);
    assert_eq!(bad.0, StatusCode::UNAUTHORIZED);
    for path in [nowhere.as_str(), "/v1/oa/none/events", "/v1/events/none"] {
        assert_eq!(without_trace(&intake.post_to(path, &right, ONE, &body).await), bad, "{path}");
    }
    assert_eq!(without_trace(&intake.post_to(&intake.events_path(), &[], ONE, &body).await), bad, "no signature");
    assert_eq!(intake.queued().await, []);
}
