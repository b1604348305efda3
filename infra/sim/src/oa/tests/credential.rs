//! The check of a password: who is believed, what each rejection needs, and when an account is locked.

use std::time::Duration;

use platform::transport::TransportError;

use super::*;
use crate::faults::{Dialect, Faults, Knob, Rule};
use crate::oa::{DEMO_PASSWORD, signature};

const PATH: &str = "/v1/credential/verify";

fn question(login: &str, password: &str) -> Value {
    json!({
        "op": "credential.verify", "request_id": "req-1", "login": login, "password": password,
        "context": { "ip": "203.0.113.7", "channel": "welink" },
    })
}

fn request(oa: &Oa, secret: &str, id: &str, body: &str) -> Request<Bytes> {
    let timestamp_s = oa.now().epoch_s();
    let signed = signature::sign(&Secret::new(secret.to_owned()), id, timestamp_s, body.as_bytes()).unwrap();
    Request::post(format!("http://oa.localhost:9400{PATH}"))
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp_s)
        .header("webhook-signature", signed.expose())
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

/// Every call has an id of its own unless a test gives one.
async fn ask(oa: &Oa, login: &str, password: &str) -> Value {
    let id = format!("msg_{}", oa.0.entropy.hex(8));
    let answer = ask_as(oa, PULL, &id, &question(login, password).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn ask_as(oa: &Oa, secret: &str, id: &str, body: &str) -> Answer {
    send(oa, request(oa, secret, id, body).map(Body::from)).await
}

fn rejected(reason: &str) -> Value {
    json!({ "result": "rejected", "reason": reason })
}

#[tokio::test(start_paused = true)]
async fn a_person_is_known_by_login_name_mobile_email_or_work_code() {
    let (oa, _) = oa();
    let lihua = oa.accounts().into_iter().find(|account| account.login == "lihua").unwrap();
    let user = json!({
        "id": lihua.id, "login_id": "lihua", "display_name": lihua.name_zh, "work_code": lihua.work_code,
    });
    let national = lihua.mobile.trim_start_matches("+86").to_owned();
    let spaced = format!("+86 {}-{}", &national[..3], &national[3..]);
    let (long, loud) = (format!("86{national}"), lihua.email.to_uppercase());
    for login in ["lihua", " LiHua ", &lihua.mobile, &national, &spaced, &long, &lihua.email, &loud, &lihua.work_code] {
        assert_eq!(ask(&oa, login, DEMO_PASSWORD).await, json!({ "result": "ok", "user": user }), "{login}");
    }
    let (nobody, endless) = ("x".repeat(200), "x".repeat(201));
    for login in ["nobody", "", " ", "+86", &lihua.id, &nobody, &endless] {
        assert_eq!(ask(&oa, login, DEMO_PASSWORD).await, rejected("invalid"), "{login}");
    }
    let twin = oa.accounts().into_iter().find(|account| account.login != "lihua").unwrap();
    oa.change_account(&twin.id, |account| account.mobile.clone_from(&lihua.mobile));
    assert_eq!(ask(&oa, &national, DEMO_PASSWORD).await, rejected("invalid"), "two people share the number");
}

#[tokio::test(start_paused = true)]
async fn only_a_right_password_learns_more_than_wrong() {
    let (oa, _) = oa();
    oa.change_account("1001", |account| account.active = false);
    oa.set(|settings| settings.second_factor = vec!["1002".to_owned()]);
    let login = |id: &str| oa.accounts().into_iter().find(|account| account.id == id).unwrap().login;
    for (id, reason) in [("1001", "disabled"), ("1002", "second_factor")] {
        assert_eq!(ask(&oa, &login(id), DEMO_PASSWORD).await, rejected(reason));
        for wrong in ["", "demo1235", "DEMO1234", "--------", "demo12345", &"x".repeat(10_000)] {
            assert_eq!(ask(&oa, &login(id), wrong).await, rejected("invalid"));
        }
    }
    assert_eq!(ask(&oa, "nobody", "--------").await, rejected("invalid"), "the stand-in is nobody's password");
}

#[tokio::test(start_paused = true)]
async fn ten_wrong_tries_lock_an_account_and_a_name_that_is_nobodys_alike() {
    let (oa, _) = oa();
    let mobile = oa.accounts().into_iter().find(|account| account.login == "lihua").unwrap().mobile;
    for login in ["lihua", "nobody"] {
        for _ in 0..10 {
            assert_eq!(ask(&oa, login, "wrong").await, rejected("invalid"));
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        let locked = ask(&oa, login, DEMO_PASSWORD).await;
        assert_eq!(locked, json!({ "result": "rejected", "reason": "locked", "retry_after": 300 }), "{login}");
    }
    assert_eq!(ask(&oa, "wangfang", DEMO_PASSWORD).await["result"], "ok", "others are not locked");
    let (oa, _) = super::oa();
    for login in ["lihua", &mobile].repeat(5) {
        assert_eq!(ask(&oa, login, "wrong").await, rejected("invalid"));
    }
    assert_eq!(ask(&oa, "lihua", DEMO_PASSWORD).await["reason"], "locked", "an account has one count");
    tokio::time::advance(Duration::from_millis(15 * 60_000 - 1)).await;
    assert_eq!(ask(&oa, &mobile, DEMO_PASSWORD).await["retry_after"], 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(ask(&oa, &mobile, DEMO_PASSWORD).await["result"], "ok");
    for _ in 0..9 {
        ask(&oa, "lihua", "wrong").await;
    }
    assert_eq!(ask(&oa, "lihua", DEMO_PASSWORD).await["result"], "ok");
    assert_eq!(ask(&oa, "lihua", "wrong").await, rejected("invalid"));
    assert_eq!(ask(&oa, "lihua", DEMO_PASSWORD).await["result"], "ok", "a right password begins the count anew");
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_from_memory_for_a_day_and_counts_once() {
    let (oa, _) = oa();
    let wrong = question("lihua", "wrong").to_string();
    for _ in 0..20 {
        assert_eq!(ask_as(&oa, PULL, "msg_1", &wrong).await.json(), rejected("invalid"));
    }
    let right = question("lihua", DEMO_PASSWORD).to_string();
    assert_eq!(ask_as(&oa, PULL, "msg_2", &right).await.json()["result"], "ok", "twenty repeats were one try");
    oa.change_account("1001", |account| account.active = false);
    let lihua = oa.accounts().into_iter().find(|account| account.login == "lihua").unwrap();
    oa.change_account(&lihua.id, |account| account.active = false);
    tokio::time::advance(Duration::from_secs(24 * 3_600 - 1)).await;
    assert_eq!(ask_as(&oa, PULL, "msg_2", &right).await.json()["result"], "ok", "the stored answer");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask_as(&oa, PULL, "msg_2", &right).await.json(), rejected("disabled"));
}

#[tokio::test(start_paused = true)]
async fn only_the_bridges_own_question_is_believed_here() {
    let (oa, _) = oa();
    let right = question("lihua", DEMO_PASSWORD);
    let with = |field: &str, value: Value| {
        let mut other = right.clone();
        other[field] = value;
        other.to_string()
    };
    let text = right.to_string();
    for (secret, body) in
        [(PUSH, text.as_str()), (PULL, &with("op", json!("session.revoke"))), (PULL, &with("op", json!("")))]
    {
        let answer = ask_as(&oa, secret, "msg_a", body).await;
        assert_eq!(
            (answer.status, answer.json()["type"].clone()),
            (401, json!("urn:cloudbridge:problem:signature-invalid"))
        );
    }
    for body in [
        "not json".to_owned(),
        "[]".to_owned(),
        with("op", json!(1)),
        with("login", json!(null)),
        with("password", json!(7)),
        with("request_id", json!("")),
        with("context", json!({ "ip": "203.0.113.7" })),
        with("context", json!({ "ip": "203.0.113.7", "channel": "other" })),
        with("context", json!({ "ip": "1".repeat(129), "channel": "welink" })),
    ] {
        let answer = ask_as(&oa, PULL, "msg_b", &body).await;
        assert_eq!(
            (answer.status, answer.json()["type"].clone()),
            (400, json!("urn:cloudbridge:problem:envelope-invalid"))
        );
    }
    let endless = question("lihua", &"x".repeat(65 * 1024)).to_string();
    let answer = ask_as(&oa, PULL, "msg_c", &endless).await;
    assert_eq!((answer.status, answer.json()["type"].clone()), (413, json!("urn:cloudbridge:problem:body-too-large")));
    let mut changed = request(&oa, PULL, "msg_d", &text);
    *changed.body_mut() = Bytes::from(text.replace("lihua", "admin"));
    assert_eq!(send(&oa, changed.map(Body::from)).await.status, 401);
    let late = request(&oa, PULL, "msg_e", &text);
    tokio::time::advance(Duration::from_secs(301)).await;
    assert_eq!(send(&oa, late.map(Body::from)).await.json()["type"], "urn:cloudbridge:problem:timestamp-skew");
    assert_eq!(oa.sessions().len(), 0, "a checked password opens no session");
}

#[tokio::test(start_paused = true)]
async fn a_stored_answer_is_given_at_its_own_address_only() {
    let (oa, _) = oa();
    let text = question("lihua", DEMO_PASSWORD).to_string();
    let signed = request(&oa, PULL, "msg_1", &text);
    assert_eq!(send(&oa, signed.clone().map(Body::from)).await.json()["result"], "ok");
    let mut elsewhere = signed;
    *elsewhere.uri_mut() = "/v1/revoke".parse().unwrap();
    assert_eq!(send(&oa, elsewhere.map(Body::from)).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn the_check_can_be_slow_and_can_answer_with_a_page() {
    let (oa, _) = oa();
    let faults = Faults::new(Entropy::seeded(1));
    let wire = Transport::router(faults.wrap(oa.router(), Dialect::Oa));
    let text = question("lihua", DEMO_PASSWORD).to_string();
    faults.set(Knob::Html, Rule::next(1).under(PATH));
    let page = wire.send(request(&oa, PULL, "msg_1", &text), Duration::from_secs(10)).await.unwrap();
    assert_eq!((page.status(), page.body().starts_with(b"<")), (StatusCode::OK, true));
    faults.set(Knob::Delay, Rule::next(1).under(PATH).delaying(11_000));
    let slow = wire.send(request(&oa, PULL, "msg_2", &text), Duration::from_secs(10)).await;
    assert_eq!(slow.unwrap_err(), TransportError::Timeout);
    let next = wire.send(request(&oa, PULL, "msg_3", &text), Duration::from_secs(10)).await.unwrap();
    assert_eq!(next.status(), StatusCode::OK);
}
