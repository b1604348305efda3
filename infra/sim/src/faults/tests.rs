use axum::Router;
use axum::body::to_bytes;
use axum::routing::get;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

fn wrapped(faults: &Faults) -> Router {
    let inner = Router::new()
        .route("/api/contact/x", get(|| async { axum::Json(json!({"code": "0", "n": 7, "data": {"a": "1"}})) }))
        .route("/api/auth/v2/tickets", get(|| async { axum::Json(json!({"code": "0"})) }))
        .route("/api/oauth2/v1/token", get(|| async { axum::Json(json!({"code": "60001"})) }));
    faults.wrap(inner, Dialect::WeLink)
}

async fn call(router: &Router, path: &str) -> (u16, Option<Vec<u8>>, Vec<Knob>) {
    let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let fired = answer.extensions().get::<Fired>().cloned().unwrap_or_default().0;
    let body = to_bytes(answer.into_body(), 1 << 20).await.ok().map(|bytes| bytes.to_vec());
    (status, body, fired)
}

async fn json_of(router: &Router, path: &str) -> Value {
    serde_json::from_slice(&call(router, path).await.1.unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_knob_fires_once_when_armed_once_and_is_counted() {
    for knob in Knob::ALL {
        let faults = Faults::new(Entropy::seeded(1));
        let router = wrapped(&faults);
        faults.set(knob, Rule::next(1).delaying(50));
        let (_, _, fired) = call(&router, "/api/contact/x").await;
        assert_eq!(fired, vec![knob]);
        let (status, body, fired) = call(&router, "/api/contact/x").await;
        assert_eq!((status, fired), (200, vec![]), "{knob:?} must not fire twice");
        assert!(body.is_some());
        assert_eq!(faults.fired()[knob.name()], 1);
        assert_eq!(faults.fired().values().sum::<u64>(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn faults_speak_the_words_of_the_family() {
    let faults = Faults::new(Entropy::seeded(1));
    let router = wrapped(&faults);
    faults.set(Knob::ExpiredToken, Rule::next(1));
    assert_eq!(json_of(&router, "/api/auth/v2/tickets").await["code"], "0", "a ticket call carries no token");
    assert_eq!(json_of(&router, "/api/oauth2/v1/token").await["code"], "60001");
    assert_eq!(json_of(&router, "/api/contact/x").await["code"], "47103");
    faults.set(Knob::RateLimited, Rule::next(1));
    assert_eq!(json_of(&router, "/api/contact/x").await["code"], "48503");
    faults.set(Knob::WrongTypes, Rule::next(1));
    assert_eq!(json_of(&router, "/api/contact/x").await, json!({"code": 0, "n": "7", "data": {"a": 1}}));
    faults.set(Knob::ExtraFields, Rule::next(1));
    assert_eq!(json_of(&router, "/api/contact/x").await["data"]["xSimulated"], "extra");
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_marked_and_its_body_fails() {
    let faults = Faults::new(Entropy::seeded(1));
    let router = wrapped(&faults);
    for knob in [Knob::Reset, Knob::AnswerLost, Knob::Hang] {
        faults.set(knob, Rule::next(1));
        let request = Request::get("/api/contact/x").body(axum::body::Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert!(answer.extensions().get::<ConnectionLost>().is_some());
        assert!(to_bytes(answer.into_body(), 1 << 20).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_and_a_share_limit_what_is_hit() {
    let faults = Faults::new(Entropy::seeded(7));
    let router = wrapped(&faults);
    faults.set(Knob::UnknownCode, Rule::per_mille(200).under("/api/contact/"));
    for _ in 0..500 {
        assert!(call(&router, "/api/auth/v2/tickets").await.2.is_empty());
        call(&router, "/api/contact/x").await;
    }
    let hits = faults.fired()["unknown_code"];
    assert!((60..=140).contains(&hits), "{hits} of 500");
}
