//! The check of a password against OAs that judge, refuse, fail and talk nonsense.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::post;
use domain::ids::OaUserId;
use domain::model::{BindingMode, OaInstance};
use platform::secret::Secret;
use platform::transport::ConnectionLost;
use serde_json::{Value, json};

use super::tests::{NOW, PULL, instance, oa_with};
use crate::Oa;
use crate::port::{Attempt, Credential, OaError, Port as _, VerifiedUser};
use crate::webhook;

const PASSWORD: &str = "pass\"wörd\\ 1";

/// The calls that an OA has received, with their headers and raw bodies.
type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

fn checking() -> OaInstance {
    OaInstance {
        verify_url: Some("https://login.example:8443/v1/credential/verify".to_owned()),
        binding_mode: BindingMode::Password,
        ..instance()
    }
}

/// Makes the answer of an OA.
type Judge = fn() -> Response<Body>;

/// An OA that gives every attempt the same answer, after `wait`.
fn oa_that(wait: Duration, answer: Judge) -> (Oa, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let judge = move |headers: HeaderMap, body: Bytes| {
        log.lock().unwrap().push((headers, body));
        async move {
            tokio::time::sleep(wait).await;
            answer()
        }
    };
    let router = Router::new().route("/v1/credential/verify", post(judge));
    (oa_with(checking(), router).unwrap(), seen)
}

async fn attempt(oa: &Oa, login: &str, password: &str) -> Result<Credential, OaError> {
    let password = Secret::new(password.to_owned());
    oa.check_password(&Attempt { request_id: "req-1", login, password: &password, ip: "203.0.113.7" }).await
}

fn page(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap()
}

fn verdict(body: &Value) -> Response<Body> {
    page(StatusCode::OK, "application/json", body.to_string())
}

fn accepted() -> Response<Body> {
    let user = json!({ "id": "1001", "login_id": "lihua", "display_name": "李华", "work_code": "W0007", "new": 1 });
    verdict(&json!({ "result": "ok", "user": user, "new": true }))
}

#[tokio::test(start_paused = true)]
async fn a_right_password_names_the_user_in_one_signed_call() {
    let (oa, seen) = oa_that(Duration::ZERO, accepted);
    let user = VerifiedUser {
        id: OaUserId::parse("1001").unwrap(),
        login_id: "lihua".to_owned(),
        display_name: "李华".to_owned(),
        work_code: Some("W0007".to_owned()),
    };
    assert_eq!(format!("{user:?}"), "VerifiedUser { id: 1001, .. }");
    assert_eq!(attempt(&oa, "lihua", PASSWORD).await, Ok(Credential::Ok(user)));
    assert!(attempt(&oa, "lihua", PASSWORD).await.is_ok());
    let calls = seen.lock().unwrap();
    let ids = calls.iter().map(|(headers, body)| {
        assert!(!headers.contains_key(header::AUTHORIZATION), "the bearer is for GETs");
        webhook::verify(&[Secret::new(PULL.to_owned())], headers, body, NOW).unwrap()
    });
    let ids: Vec<_> = ids.collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "two tries are two calls");
    let sent: Value = serde_json::from_slice(&calls[0].1).unwrap();
    let want = json!({
        "op": "credential.verify", "request_id": "req-1", "login": "lihua", "password": PASSWORD,
        "context": { "ip": "203.0.113.7", "channel": "welink" },
    });
    assert_eq!(sent, want);
}

#[tokio::test(start_paused = true)]
async fn each_rejection_has_its_own_meaning() {
    let cases: [(Judge, Credential); 5] = [
        (|| verdict(&json!({ "result": "rejected", "reason": "invalid" })), Credential::Invalid),
        (
            || verdict(&json!({ "result": "rejected", "reason": "locked", "retry_after": 600 })),
            Credential::Locked { retry_after_s: 600 },
        ),
        (|| verdict(&json!({ "result": "rejected", "reason": "locked" })), Credential::Locked { retry_after_s: 900 }),
        (|| verdict(&json!({ "result": "rejected", "reason": "disabled" })), Credential::Disabled),
        (|| verdict(&json!({ "result": "rejected", "reason": "second_factor" })), Credential::SecondFactor),
    ];
    for (answer, want) in cases {
        assert_eq!(attempt(&oa_that(Duration::ZERO, answer).0, "lihua", PASSWORD).await, Ok(want));
    }
    let nameless = || verdict(&json!({ "result": "ok", "user": { "id": "1", "login_id": "x", "work_code": "" } }));
    let Ok(Credential::Ok(user)) = attempt(&oa_that(Duration::ZERO, nameless).0, "x", PASSWORD).await else {
        panic!("not accepted");
    };
    assert_eq!((user.display_name.as_str(), user.work_code), ("x", None));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_cannot_be_right_or_may_not_be_sent() {
    let (oa, seen) = oa_that(Duration::ZERO, accepted);
    let (long_login, long_password) = ("李".repeat(201), "x".repeat(1_001));
    for (login, password) in [
        ("", PASSWORD),
        ("  ", PASSWORD),
        ("lihua", ""),
        (long_login.as_str(), PASSWORD),
        ("lihua", long_password.as_str()),
    ] {
        assert_eq!(attempt(&oa, login, password).await, Ok(Credential::Invalid));
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
    let (login, password) = ("李".repeat(200), "x".repeat(1_000));
    assert!(matches!(attempt(&oa, &login, &password).await, Ok(Credential::Ok(_))), "the limits themselves pass");
    let to_nobody = Router::new().fallback(|| async { StatusCode::IM_A_TEAPOT });
    for unable in [
        OaInstance { verify_url: None, ..checking() },
        OaInstance { binding_mode: BindingMode::Off, ..checking() },
        OaInstance { binding_mode: BindingMode::Redirect, ..checking() },
    ] {
        let oa = oa_with(unable, to_nobody.clone()).unwrap();
        assert_eq!(attempt(&oa, "lihua", PASSWORD).await, Ok(Credential::Unsupported));
    }
    let broken = OaInstance { verify_url: Some("ftp://oa.example".to_owned()), ..checking() };
    assert!(matches!(oa_with(broken, to_nobody), Err(OaError::Refused(_))));
}

#[tokio::test(start_paused = true)]
async fn a_failing_oa_is_asked_once() {
    let answers: [Judge; 4] = [
        || (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        || StatusCode::SERVICE_UNAVAILABLE.into_response(),
        || {
            let mut lost = accepted();
            lost.extensions_mut().insert(ConnectionLost);
            lost
        },
    ];
    for answer in answers {
        let (oa, seen) = oa_that(Duration::ZERO, answer);
        assert!(matches!(attempt(&oa, "lihua", PASSWORD).await, Err(OaError::Down(_))));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
    let (slow, seen) = oa_that(Duration::from_mins(1), accepted);
    let began = tokio::time::Instant::now();
    assert!(matches!(attempt(&slow, "lihua", PASSWORD).await, Err(OaError::Down(_))));
    assert_eq!((began.elapsed().as_secs(), seen.lock().unwrap().len()), (10, 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_outside_the_contract_signs_nobody_in_and_tells_nothing() {
    let malformed: [Judge; 8] = [
        || page(StatusCode::OK, "text/html", format!("<html>{PASSWORD}</html>")),
        || page(StatusCode::OK, "application/json", "{\"result\":\"ok\",\"user\":{"),
        || verdict(&json!({ "result": "ok" })),
        || verdict(&json!({ "result": PASSWORD })),
        || verdict(&json!({ "result": "rejected", "reason": PASSWORD })),
        || verdict(&json!({ "result": "ok", "user": { "id": "", "login_id": "lihua" } })),
        || verdict(&json!({ "result": "ok", "user": { "id": "1", "login_id": "x".repeat(201) } })),
        || page(StatusCode::NO_CONTENT, "application/json", ""),
    ];
    let refused: [Judge; 4] = [
        || StatusCode::UNAUTHORIZED.into_response(),
        || StatusCode::NOT_FOUND.into_response(),
        || (StatusCode::FOUND, [(header::LOCATION, "https://evil.example")]).into_response(),
        || page(StatusCode::BAD_REQUEST, "application/problem+json", format!("{{\"detail\":{PASSWORD:?}}}")),
    ];
    let all = malformed.into_iter().map(|a| (a, true)).chain(refused.into_iter().map(|a| (a, false)));
    for (answer, is_malformed) in all {
        let (oa, seen) = oa_that(Duration::ZERO, answer);
        let error = attempt(&oa, "lihua", PASSWORD).await.unwrap_err();
        assert_eq!(matches!(error, OaError::Malformed(_)), is_malformed, "{error}");
        assert_eq!(matches!(error, OaError::Refused(_)), !is_malformed, "{error}");
        assert_eq!(seen.lock().unwrap().len(), 1);
        let told = format!("{error} {error:?}");
        assert!(!told.contains("rd\\") && !told.contains("lihua"), "{told}");
    }
    let password = Secret::new(PASSWORD.to_owned());
    let attempt = Attempt { request_id: "req-1", login: "lihua", password: &password, ip: "203.0.113.7" };
    assert_eq!(format!("{attempt:?}"), "Attempt { request_id: \"req-1\", .. }");
}
