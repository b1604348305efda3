//! What people do with to-dos, and what the bridge is told of it (oa-api.md C.5, C.6).

use super::*;
use crate::oa::{DEMO_PASSWORD, Delivery};

async fn sign_in(oa: &Oa, account: &str) -> String {
    submit(oa, "/login", "", &[("account", account), ("password", DEMO_PASSWORD), ("return", "/")]).await.session()
}

fn told(oa: &Oa) -> Vec<Value> {
    oa.take_events().iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect()
}

/// Type, receiver and state of each.
fn kinds(events: &[Value]) -> Vec<(&str, &str, &str)> {
    let text = Value::as_str;
    let kind = events.iter().map(|event| text(&event["type"]).unwrap());
    let receiver = events.iter().map(|event| text(&event["data"]["recipients"][0]["value"]).unwrap());
    let state = events.iter().map(|event| text(&event["data"]["state"]).unwrap());
    kind.zip(receiver).zip(state).map(|((kind, receiver), state)| (kind, receiver, state)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_from_hand_to_hand_and_every_step_is_told() {
    let (oa, _) = oa();
    let lihua = sign_in(&oa, "lihua").await;
    assert!(visit(&oa, "/workflow/new", &lihua).await.body.contains("<option value=\"1002\">"));
    let asked = submit(&oa, "/workflow/new", &lihua, &[("kind", "leave"), ("to", "1002")]).await;
    let path = asked.header("location").to_owned();
    let mine = visit(&oa, &path, &lihua).await;
    assert!(mine.body.contains("data-test=\"withdraw\"") && !mine.body.contains("data-test=\"approve\""));
    submit(&oa, &path, &lihua, &[("verdict", "remind")]).await;
    let wangfang = sign_in(&oa, "wangfang").await;
    assert!(visit(&oa, "/", &wangfang).await.body.contains(&path));
    assert_eq!(submit(&oa, &path, &wangfang, &[("verdict", "withdraw")]).await.status, 403, "not hers to withdraw");
    assert_eq!(submit(&oa, &path, &lihua, &[("verdict", "approve")]).await.status, 403, "not his to approve");
    submit(&oa, &path, &wangfang, &[("verdict", "pass"), ("to", "1003")]).await;
    assert_eq!(visit(&oa, &path, &wangfang).await.status, 403, "out of her hands");
    let zhangwei = sign_in(&oa, "zhangwei").await;
    assert_eq!(submit(&oa, &path, &zhangwei, &[("verdict", "approve")]).await.status, 303);
    submit(&oa, &path, &lihua, &[("verdict", "withdraw")]).await;
    let events = told(&oa);
    assert_eq!(
        kinds(&events),
        [
            ("oa.todo.created", "1002", "pending"),
            ("oa.todo.updated", "1002", "pending"),
            ("oa.todo.done", "1002", "done"),
            ("oa.todo.created", "1003", "pending"),
            ("oa.todo.done", "1003", "closed"),
        ],
        "the first end stands"
    );
    let sequences: Vec<u64> = events.iter().map(|e| e["sequence"].as_str().unwrap().parse().unwrap()).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{sequences:?}");
    let finals: Vec<bool> = events.iter().map(|event| event["data"]["final"] == true).collect();
    assert_eq!(finals, [false, false, false, false, true]);
    let first = &events[0];
    assert_eq!((&first["specversion"], &first["source"]), (&json!("1.0"), &json!("/oa/demo")));
    assert_eq!(first["subject"], format!("todo/{}/1002", first["data"]["biz_id"].as_str().unwrap()));
    assert_eq!((&first["time"], &first["data"]["dest_mobile"]), (&json!("2026-01-01T00:00:00Z"), &json!(path)));
    assert_eq!(first["data"]["creator"], json!({"by": "id", "value": "1001", "name": "李华"}));
    assert_eq!(events[1]["data"]["priority"], "urgent");
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_is_deleted_and_nobody_unknown_is_asked() {
    let (oa, _) = oa();
    let lihua = sign_in(&oa, "lihua").await;
    for (kind, to) in [("leave", "9999"), ("gift", "1002"), ("leave", "")] {
        assert_eq!(submit(&oa, "/workflow/new", &lihua, &[("kind", kind), ("to", to)]).await.status, 404);
    }
    assert_eq!(submit(&oa, "/todo/42", &lihua, &[("verdict", "pass"), ("to", "9999")]).await.status, 404);
    assert!(told(&oa).is_empty());
    let path = submit(&oa, "/workflow/new", &lihua, &[("kind", "contract"), ("to", "1002")]).await;
    let path = path.header("location").to_owned();
    submit(&oa, &path, &lihua, &[("verdict", "withdraw")]).await;
    assert!(visit(&oa, &path, &lihua).await.body.contains("Withdrawn"));
    let wangfang = sign_in(&oa, "wangfang").await;
    assert!(!visit(&oa, "/workflow", &wangfang).await.body.contains(&path));
    assert_eq!(kinds(&told(&oa))[1], ("oa.todo.deleted", "1002", "deleted"));
}

#[tokio::test(start_paused = true)]
async fn events_are_signed_and_sent_in_order_until_the_bridge_stops_taking_them() {
    let (oa, bridge) = oa();
    let lihua = sign_in(&oa, "lihua").await;
    for id in [42, 43, 44] {
        submit(&oa, &format!("/todo/{id}"), &lihua, &[("verdict", "approve")]).await;
    }
    let replies = [Reply::Json(202, json!({})), Reply::Json(400, json!({})), Reply::Json(503, json!({}))];
    bridge.script(|script| script.replies = replies.into());
    let delivery = oa.deliver_events().await;
    assert_eq!((delivery.sent, delivery.refused.len(), delivery.waiting), (1, 1, 1));
    bridge.script(|script| script.replies = [Reply::Lost, Reply::Json(202, json!({}))].into());
    assert_eq!(oa.deliver_events().await, Delivery { sent: 0, refused: vec![], waiting: 1 });
    assert_eq!(oa.deliver_events().await, Delivery { sent: 1, refused: vec![], waiting: 0 });
    let calls = bridge.script(|script| script.redeemed.clone());
    let ids: Vec<&str> = calls.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[2]), (5, ids[4]), "a repeated event keeps its id");
    for (headers, body) in &calls {
        assert_eq!(headers["content-type"], "application/cloudevents+json");
        let webhook = standardwebhooks::Webhook::new(PUSH).unwrap();
        let at: i64 = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let id = headers["webhook-id"].to_str().unwrap();
        assert_eq!(headers["webhook-signature"].to_str().unwrap(), webhook.sign(id, at, body).unwrap());
        assert_eq!((serde_json::from_slice::<Value>(body).unwrap()["id"].as_str(), at), (Some(id), START_S));
    }
}

#[tokio::test(start_paused = true)]
async fn the_open_list_is_what_waits_page_by_page() {
    let (oa, _) = oa();
    let lihua = sign_in(&oa, "lihua").await;
    submit(&oa, "/todo/43", &lihua, &[("verdict", "return")]).await;
    submit(&oa, "/workflow/new", &lihua, &[("kind", "purchase"), ("to", "1002")]).await;
    let page = async |query: &str, bearer: &str| {
        let request =
            Request::get(format!("/v1/todos/open{query}")).header("authorization", format!("Bearer {bearer}"));
        send(&oa, request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(page("", "wrong").await.status, 401);
    let (mut seen, mut after) = (Vec::new(), "0".to_owned());
    for _ in 0..10 {
        let answer = page(&format!("?after={after}&count=50"), BEARER).await.json();
        assert_eq!(answer["total"], 180);
        seen.extend(answer["todos"].as_array().unwrap().clone());
        match answer["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let ids: std::collections::BTreeSet<&str> = seen.iter().map(|todo| todo["biz_id"].as_str().unwrap()).collect();
    assert_eq!((seen.len(), ids.len(), ids.contains("43")), (180, 180, false));
    assert!(seen.iter().all(|todo| todo["sequence"].is_string() && todo["state"] == "pending"));
    assert_eq!(oa.announce_open(), 180);
    let announced = told(&oa);
    assert_eq!(announced.len(), 182, "the decision, the request, and every open one");
}
