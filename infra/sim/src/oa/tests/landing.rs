//! Tickets: the check value of the contract, every refusal, the nonce, the redemption and its repetition.

use super::*;
use crate::oa::{ConnectError, SessionInfo};

const CHECK_VALUE: &str = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiZGVtby0xIiwidHlwIjoib2EtdGlja2V0K2p3dCJ9.eyJpc3MiOiJodHR\
    wczovL2JyaWRnZS5leGFtcGxlIiwiYXVkIjoib2EtZGVtbyIsInN1YiI6IjEwMDEiLCJqdGkiOiJ0a19kZW1vXzAwMDEiLCJpYXQiOjE3NjcyMjU\
    2MDAsImV4cCI6MTc2NzIyNTY2MCwiZGVzdCI6Ii90b2RvLzQyIiwibG9naW5faWQiOiJsaWh1YSJ9.ZxH0nZCyEMrBTWFScAb7HFGkm80yJmpgZ\
    zLpqQ5OkHcvd4jAAEnQFlfOycebZ32nlbvir25RCa77ygWNrlznBg";

fn header() -> Value {
    json!({ "alg": "Ed25519", "kid": "demo-1", "typ": "oa-ticket+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": BRIDGE, "aud": "oa-demo", "sub": "1001", "jti": "tk_demo_0002", "iat": START_S, "exp": START_S + 60,
        "dest": "/todo/42", "amr": ["welink"], "tenant": "0123456789", "enterprise": "e_0123456789abcdefghjkmnpqrstv",
    })
}

fn with(mut value: Value, key: &str, member: Value) -> Value {
    value[key] = member;
    value
}

fn without(mut value: Value, key: &str) -> Value {
    value.as_object_mut().unwrap().remove(key);
    value
}

fn redeemed() -> Reply {
    Reply::Json(200, json!({ "sub": "1001", "dest": "/todo/42", "redeemed_at": "2026-01-01T00:00:01Z" }))
}

async fn land(oa: &Oa, ticket: &str, cookie: &str) -> Answer {
    submit(oa, "/sso/landing", cookie, &[("ticket", ticket)]).await
}

/// The code that the error page shows.
fn code(answer: &Answer) -> &str {
    let (_, rest) = answer.body.split_once("data-code=\"").unwrap_or_default();
    rest.split_once('"').map_or("", |(code, _)| code)
}

#[tokio::test(start_paused = true)]
async fn the_check_value_of_the_contract_opens_one_session() {
    let (oa, bridge) = oa();
    bridge.script(|script| script.replies.push_back(redeemed()));
    let answer = land(&oa, CHECK_VALUE, "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/todo/42"), "{}", answer.body);
    let cookie = answer.set_cookie("__Host-oa_session").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    let opened = SessionInfo { login: "lihua".to_owned(), jti: Some("tk_demo_0001".to_owned()), amr: vec![] };
    assert_eq!(oa.sessions(), [opened]);
    let (headers, body) = bridge.script(|script| script.redeemed[0].clone());
    let said: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said, json!({ "op": "ticket.redeem", "jti": "tk_demo_0001", "aud": "oa-demo" }));
    let id = headers["webhook-id"].to_str().unwrap();
    let webhook = standardwebhooks::Webhook::new(PUSH).unwrap();
    assert_eq!(headers["webhook-timestamp"], START_S.to_string().as_str());
    assert_eq!(headers["webhook-signature"], webhook.sign(id, START_S, &body).unwrap().as_str());
    let page = visit(&oa, "/todo/42", &answer.session()).await;
    assert!(page.body.contains("id=\"todo-title\""), "{}", page.body);
}

#[tokio::test(start_paused = true)]
async fn every_wrong_ticket_is_refused_before_it_is_redeemed() {
    let (oa, bridge) = oa();
    let none = with(header(), "alg", json!("none"));
    let unsigned = signed(&none, &claims());
    let unsigned = unsigned.rsplit_once('.').unwrap().0.to_owned() + ".";
    let good = signed(&header(), &claims());
    let other_payload = signed(&header(), &with(claims(), "sub", json!("1002")));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let mixed = format!("{}.{}.{}", parts(&good)[0], parts(&other_payload)[1], parts(&good)[2]);
    let head = |key: &str, value: Value| signed(&with(header(), key, value), &claims());
    let body = |key: &str, value: Value| signed(&header(), &with(claims(), key, value));
    for (want, ticket) in [
        ("ticket-missing", String::new()),
        ("ticket-malformed", "not a ticket".to_owned()),
        ("ticket-malformed", "a.b.c".to_owned()),
        ("ticket-malformed", "x".repeat(9000)),
        ("ticket-algorithm", unsigned),
        ("ticket-algorithm", head("alg", json!("HS256"))),
        ("ticket-algorithm", head("alg", json!("EdDSA"))),
        ("ticket-algorithm", head("alg", json!("RS256"))),
        ("ticket-foreign-key", head("jku", json!("https://evil.example/jwks.json"))),
        ("ticket-foreign-key", head("jwk", json!({ "kty": "OKP" }))),
        ("ticket-foreign-key", head("crit", json!(["exp"]))),
        ("ticket-type", head("typ", json!("JWT"))),
        ("ticket-type", signed(&without(header(), "typ"), &claims())),
        ("ticket-unknown-key", head("kid", json!("demo-9"))),
        ("ticket-unknown-key", head("kid", json!("for-oidc"))),
        ("ticket-signature", mixed),
        ("ticket-signature", good[..good.len() - 8].to_owned() + "AAAAAAAA"),
        ("ticket-issuer", body("iss", json!("https://evil.example"))),
        ("ticket-audience", body("aud", json!("oa-other"))),
        ("ticket-malformed", body("aud", json!(["oa-demo"]))),
        ("ticket-malformed", signed(&header(), &without(claims(), "exp"))),
        ("ticket-expired", signed(&header(), &times(-91, -31))),
        ("ticket-lifetime", signed(&header(), &times(31, 91))),
        ("ticket-lifetime", signed(&header(), &times(0, 61))),
        ("ticket-lifetime", signed(&header(), &times(0, 0))),
        ("ticket-destination", body("dest", json!("https://evil.example/"))),
        ("ticket-destination", body("dest", json!("//evil.example/"))),
        ("ticket-destination", body("dest", json!("/\\evil.example"))),
        ("ticket-destination", body("dest", json!("/a\r\nSet-Cookie: x=y"))),
        ("ticket-nonce", body("nonce", json!("somebody-elses"))),
        ("account-unavailable", body("sub", json!("9999"))),
    ] {
        let answer = land(&oa, &ticket, "").await;
        assert_eq!(code(&answer), want, "{ticket}");
        assert!(answer.status >= 400, "{want}");
        assert!(answer.set_cookie("__Host-oa_session").is_none());
        assert!(answer.body.contains("id=\"error-todo\""));
    }
    assert_eq!(bridge.script(|script| script.redeemed.len()), 0);
    assert!(oa.sessions().is_empty());
    bridge.script(|script| script.replies.extend([redeemed(), redeemed()]));
    for claims in [times(-90, -30), times(30, 90)] {
        assert_eq!(land(&oa, &signed(&header(), &claims), "").await.status, 303, "30 s of skew are allowed");
    }
}

fn times(from: i64, until: i64) -> Value {
    with(with(claims(), "iat", json!(START_S + from)), "exp", json!(START_S + until))
}

#[tokio::test(start_paused = true)]
async fn what_the_bridge_says_about_a_ticket_is_what_counts() {
    for (replies, want, calls) in [
        (vec![Reply::Json(409, json!({}))], "ticket-used", 1),
        (vec![Reply::Json(410, json!({}))], "ticket-expired", 1),
        (vec![Reply::Json(404, json!({}))], "ticket-unknown", 1),
        (vec![Reply::Json(401, json!({}))], "redeem-not-authorised", 1),
        (vec![Reply::Json(429, json!({}))], "bridge-unreachable", 1),
        (vec![Reply::Json(200, json!({ "sub": "1002" }))], "redeem-answer", 1),
        (vec![Reply::Json(200, json!("<html>"))], "redeem-answer", 1),
        (vec![Reply::Json(302, json!({}))], "redeem-answer", 1),
        (vec![Reply::Json(503, json!({})), Reply::Json(503, json!({}))], "bridge-unreachable", 2),
        (vec![Reply::Lost, Reply::Lost], "bridge-unreachable", 2),
        (vec![Reply::Lost, Reply::Json(409, json!({}))], "ticket-used", 2),
        (vec![Reply::Lost, redeemed()], "", 2),
        (vec![redeemed()], "", 1),
    ] {
        let (oa, bridge) = oa();
        bridge.script(|script| script.replies.extend(replies.clone()));
        let answer = land(&oa, &signed(&header(), &claims()), "").await;
        assert_eq!(code(&answer), want, "{replies:?}");
        assert_eq!(oa.sessions().len(), usize::from(want.is_empty()), "{replies:?}");
        let sent = bridge.script(|script| script.redeemed.clone());
        assert_eq!(sent.len(), calls, "{replies:?}");
        let same = sent.iter().all(|one| one.0["webhook-id"] == sent[0].0["webhook-id"] && one.1 == sent[0].1);
        assert!(same, "a repetition is the same signed request");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_belongs_to_the_browser_that_began() {
    let (oa, bridge) = oa();
    let start =
        visit(&oa, "/sso/start?return_to=https%3A%2F%2Fbridge.example%2Fh%2Fa%3Fstate%3Ds&dest=%2Ftodo%2F42", "");
    let start = start.await;
    let (back, nonce) = start.header("location").split_once("&nonce=").unwrap();
    assert_eq!((start.status, back), (303, "https://bridge.example/h/a?state=s"));
    let cookie = start.set_cookie("__Host-oa_nonce").unwrap();
    assert!(cookie.contains("; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=600"), "{cookie}");
    let held = cookie.split(';').next().unwrap();
    let bound = signed(&header(), &with(claims(), "nonce", json!(nonce)));
    let unbound = signed(&header(), &claims());
    for (ticket, cookie) in [(&bound, ""), (&bound, "__Host-oa_nonce=other"), (&unbound, held)] {
        let answer = land(&oa, ticket, cookie).await;
        assert_eq!(code(&answer), "ticket-nonce", "{cookie}");
        assert!(answer.set_cookie("__Host-oa_nonce").unwrap().contains("Max-Age=0"), "the nonce is spent");
    }
    bridge.script(|script| script.replies.push_back(redeemed()));
    assert_eq!(land(&oa, &bound, held).await.status, 303);
    oa.set(|settings| settings.nonce_required = true);
    assert_eq!(code(&land(&oa, &unbound, "").await), "ticket-nonce");
}

#[tokio::test(start_paused = true)]
async fn the_start_returns_to_the_bridge_only() {
    let (oa, _) = oa();
    for query in [
        "",
        "return_to=https%3A%2F%2Fbridge.example.evil%2F",
        "return_to=https%3A%2F%2Fbridge.example%40evil.example%2F",
        "return_to=http%3A%2F%2Fbridge.example%2F",
        "return_to=%2Fh",
        "return_to=javascript%3Aalert(1)",
        "return_to=https%3A%2F%2Fbridge.example%2F&dest=%2F%2Fevil",
    ] {
        let answer = visit(&oa, &format!("/sso/start?{query}"), "").await;
        assert_eq!((answer.status, answer.set_cookie("__Host-oa_nonce")), (400, None), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_cached_for_300_s_and_looked_up_once_more_after_a_rotation() {
    let (oa, bridge) = oa();
    bridge.script(|script| script.replies.extend([redeemed(), redeemed(), redeemed(), redeemed()]));
    let mut passed_s = 0;
    for (advance_s, kid, fetched) in [(0, "demo-1", 1), (299, "demo-1", 1), (2, "demo-1", 2), (0, "demo-2", 3)] {
        tokio::time::advance(std::time::Duration::from_secs(advance_s)).await;
        passed_s += i64::try_from(advance_s).unwrap();
        let claims = times(passed_s, passed_s + 60);
        bridge.script(|script| script.jwks = key_set(kid));
        let answer = land(&oa, &signed(&with(header(), "kid", json!(kid)), &claims), "").await;
        assert_eq!(
            (answer.status, bridge.script(|script| script.keys_fetched)),
            (303, fetched),
            "{kid} {}",
            answer.body
        );
    }
    bridge.script(|script| script.jwks = json!("not a key set"));
    let answer = land(&oa, &signed(&with(header(), "kid", json!("demo-3")), &times(passed_s, passed_s + 60)), "").await;
    assert_eq!((code(&answer), oa.sessions().len()), ("redeem-answer", 4));
}

#[tokio::test(start_paused = true)]
async fn the_query_form_is_a_setting() {
    let (oa, bridge) = oa();
    let path = format!("/sso/landing?ticket={}", signed(&header(), &claims()));
    assert_eq!(code(&visit(&oa, &path, "").await), "ticket-missing");
    oa.set(|settings| settings.ticket_by_query = true);
    bridge.script(|script| script.replies.push_back(redeemed()));
    let answer = visit(&oa, &path, "").await;
    assert_eq!((answer.status, answer.header("referrer-policy")), (303, "no-referrer"));
    assert!(oa.calls().iter().all(|call| !call.path.contains("ticket")), "the log holds no ticket");
}

async fn revoke(oa: &Oa, secret: &str, id: &str, body: &str) -> Answer {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    let now_s = oa.now().epoch_s();
    let request = Request::post("/v1/revoke")
        .header("webhook-id", id)
        .header("webhook-timestamp", now_s)
        .header("webhook-signature", webhook.sign(id, now_s, body.as_bytes()).unwrap());
    send(oa, request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn the_bridge_ends_the_session_that_a_ticket_opened() {
    let (oa, bridge) = oa();
    bridge.script(|script| script.replies.push_back(redeemed()));
    let session = land(&oa, &signed(&header(), &claims()), "").await.session();
    let order = r#"{"op":"session.revoke","jti":"tk_demo_0002"}"#;
    let foreign = r#"{"op":"ticket.redeem","jti":"tk_demo_0002"}"#;
    for (secret, body, status) in [(PUSH, order, 401), (PULL, foreign, 401), (PULL, "{}", 400)] {
        let answer = revoke(&oa, secret, "msg_0", body).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"));
    }
    assert_eq!(oa.sessions().len(), 1);
    assert_eq!(revoke(&oa, PULL, "msg_1", order).await.json(), json!({ "ended": 1 }));
    assert!(oa.sessions().is_empty());
    assert_eq!(visit(&oa, "/", &session).await.status, 303);
    assert_eq!(revoke(&oa, PULL, "msg_1", order).await.json(), json!({ "ended": 1 }), "a repeat gets the same answer");
    assert_eq!(revoke(&oa, PULL, "msg_2", order).await.status, 404, "there is nothing left to end");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_keeps_the_pull_secret_before_it() {
    let (oa, _) = oa();
    let order = r#"{"op":"session.revoke","jti":"none"}"#;
    let renewed = |pull: &str| Connection { pull_secret: Secret::new(pull.to_owned()), ..connection() };
    let second = "whsec_c2Vjb25kLXNlY3JldC1vZi10aGUtdGVzdC0zMmJ5dGU=";
    let third = "whsec_dGhpcmQtc2VjcmV0LW9mLXRoZS10ZXN0LTMyYnl0ZXM=";
    oa.connect(renewed(second)).unwrap();
    assert_eq!(revoke(&oa, PULL, "a", order).await.status, 404, "believed: there is only no such session");
    assert_eq!(revoke(&oa, second, "b", order).await.status, 404);
    oa.connect(renewed(third)).unwrap();
    assert_eq!(revoke(&oa, PULL, "c", order).await.status, 401);
    assert_eq!(oa.connect(renewed("whsec_short")), Err(ConnectError::Secret));
    let elsewhere = Connection { bridge_origin: format!("{BRIDGE}/path"), ..connection() };
    assert_eq!(oa.connect(elsewhere), Err(ConnectError::Origin));
}

#[tokio::test(start_paused = true)]
async fn an_oa_without_a_connection_says_so() {
    let (_, bridge) = oa();
    let oa = Oa::new(Options {
        clock: Clock::virtual_from(Timestamp(START_S * 1000)),
        entropy: Entropy::seeded(1),
        origin: "http://oa.localhost:9400".to_owned(),
        company: Company::demo(),
        bridge: Transport::router(bridge.router()),
    });
    assert_eq!(code(&land(&oa, CHECK_VALUE, "").await), "not-connected");
    assert_eq!(revoke(&oa, PULL, "a", "{}").await.status, 401);
}
