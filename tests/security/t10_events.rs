//! T10: forged and replayed events.

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tests::intake::{Intake, ONE, event, problem, signed};

const REPLAYS: usize = 1_000;
const AT_ONCE: usize = 20;

#[tokio::test]
async fn t10_a_captured_call_replayed_a_thousand_times_brings_nothing() {
    let intake = Intake::start().await;
    let (body, path) = (event("evt-1"), intake.events_path());
    let captured = signed(&intake.world.demo().remembered.push_secret, "msg_1", intake.now(), &body.to_string());
    let first = intake.post_to(&path, &captured, ONE, &body).await;
    assert_eq!((first.status, intake.queued().await.len()), (StatusCode::ACCEPTED, 1));
    for _ in 0..REPLAYS / AT_ONCE {
        let replays = join_all((0..AT_ONCE).map(|_| intake.post_to(&path, &captured, ONE, &body))).await;
        assert!(replays.iter().all(|page| (page.status, &page.body) == (first.status, &first.body)));
    }
    assert_eq!(intake.queued().await.len(), 0, "of {REPLAYS} replays");
    intake.world.advance_s(301);
    let late = intake.post_to(&path, &captured, ONE, &body).await;
    assert_eq!(problem(&late).as_str(), "timestamp-skew");
}

#[tokio::test]
async fn t10_no_forged_event_is_taken() {
    let intake = Intake::start().await;
    let other = intake.world.other_tenant().await;
    let known = intake.world.demo().remembered.clone();
    let (body, path, now) = (event("evt-1"), intake.events_path(), intake.now());
    let text = body.to_string();
    let genuine = signed(&known.push_secret, "msg_1", now, &text);
    let with = |name: &str, value: String| {
        let mut headers = genuine.clone();
        headers.iter_mut().filter(|(header, _)| header == name).for_each(|(_, kept)| kept.clone_from(&value));
        headers
    };
    let signature = genuine.iter().find(|(name, _)| name == "webhook-signature").unwrap().1.clone();
    let mut attempts: Vec<(Vec<(String, String)>, Value)> = Vec::new();
    // The signature of another body, call, time, secret, instance and direction.
    for n in 0..100 {
        let mut forged = event("evt-1");
        forged["data"]["biz_id"] = json!(format!("forged-{n}"));
        attempts.push((genuine.clone(), forged));
        attempts.push((with("webhook-id", format!("msg_x{n}")), body.clone()));
        attempts.push((with("webhook-timestamp", (now.epoch_s() + 1 + n).to_string()), body.clone()));
        let mut altered = signature.clone().into_bytes();
        let place = 3 + usize::try_from(n).unwrap() % 42;
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        attempts.push((with("webhook-signature", String::from_utf8(altered).unwrap()), body.clone()));
    }
    for secret in [&other.push_secret, &known.pull_secret] {
        attempts.push((signed(secret, "msg_1", now, &text), body.clone()));
    }
    for kept in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        attempts.push((genuine.iter().filter(|(name, _)| name != kept).cloned().collect(), body.clone()));
    }
    // The future one stays out of reach for as long as this test takes.
    for offset_s in [-301, 900] {
        attempts.push((signed(&known.push_secret, "msg_1", now.plus_s(offset_s), &text), body.clone()));
    }
    let mut taken = 0;
    for (headers, body) in &attempts {
        let page = intake.post_to(&path, headers, ONE, body).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.body);
        taken += intake.queued().await.len();
    }
    assert_eq!(taken, 0, "of {} attempts", attempts.len());
    // What one OA has signed is not another's either.
    let theirs = format!("/v1/oa/{}/events", other.instance);
    assert_eq!(intake.post_to(&theirs, &genuine, ONE, &body).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(intake.post_to(&path, &genuine, ONE, &body).await.status, StatusCode::ACCEPTED, "the genuine one is");
}
