use domain::text::Lang;
use serde_json::{Value, json};

use super::super::tests::{Bench, TENANT};
use super::super::{MessageKind, Overlong, Partial, Permission, VisibleRange};

const SEND: &str = "/api/messages/v3/send";
const CARD: &str = "/api/messages/v2/card/common";
const UPDATE: &str = "/api/messages/v1/update";
const RECALL: &str = "/api/messages/v1/recall";

fn body(to: &[&str]) -> Value {
    json!({
        "msgRange": 0, "toUserList": to, "msgOwner": "审批", "urlType": "html", "urlPath": "https://bridge/h/a_1?to=%2F",
        "msgTitle": "{\"CN\":\"采购申请\",\"EN\":\"Purchase\"}", "msgContent": "等待部门审批",
    })
}

fn with(mut body: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_seen_by_those_it_is_for() {
    let bench = Bench::new();
    let token = bench.token().await;
    let to = ["lihua@welink", "wangfang@welink", "lihua@welink"];
    let sent = bench.post(SEND, &token, &with(body(&to), &json!({"createTime": "1759999000000"}))).await;
    assert_eq!(sent, json!({"code": "0", "message": "OK"}), "a notice has no itemId");
    let seen = bench.welink.inbox(TENANT, "lihua@welink");
    assert_eq!(seen.len(), 1, "named twice, seen once");
    let message = &seen[0].message;
    assert_eq!(
        (message.kind, message.title.get(Lang::En), &*message.content.zh),
        (MessageKind::Notice, "Purchase", "等待部门审批")
    );
    assert_eq!((message.on_pc, &*message.pc_url, message.shown_at.0), (true, &*message.url, 1_759_999_000_000));
    assert!(!seen[0].copy.read && message.copies.len() == 1);
    bench.welink.read_message(message.number, "lihua@welink");
    assert!(bench.welink.inbox(TENANT, "lihua@welink")[0].copy.read);
    assert!(!bench.welink.inbox(TENANT, "wangfang@welink")[0].copy.read);
    assert!(bench.welink.inbox(TENANT, "zhangwei@welink").is_empty());
}

#[tokio::test(start_paused = true)]
async fn limits_and_codes() {
    let bench = Bench::new();
    let token = bench.token().await;
    let many: Vec<String> = (0..1001).map(|n| format!("u{n}@welink")).collect();
    let long = |bytes: usize| "x".repeat(bytes);
    for (path, change, want) in [
        (SEND, json!({"toUserList": []}), "51042"),
        (SEND, json!({"toUserList": many}), "51018"),
        (SEND, json!({"msgRange": "2"}), "51002"),
        (SEND, json!({"msgTitle": ""}), "51021"),
        (SEND, json!({"urlPath": ""}), "51021"),
        (SEND, json!({"urlPath": "javascript:alert(1)"}), "51002"),
        (SEND, json!({"msgTitle": long(129)}), "51002"),
        (SEND, json!({"msgTitle": long(128), "msgContent": long(512)}), "0"),
        (SEND, json!({"msgContent": "啊".repeat(171)}), "51002"),
        (SEND, json!({"msgContent": json!({"CN": "啊".repeat(170), "EN": long(512)}).to_string()}), "0"),
        (SEND, json!({"msgOwner": "采购审批中心处"}), "0"),
        (CARD, json!({"msgOwner": "采购审批中心处"}), "51002"),
        (CARD, json!({"msgOwner": "采购审批中心"}), "0"),
        (CARD, json!({"urlPath": "", "urlType": ""}), "0"),
        (CARD, json!({"publicAccID": "p1"}), "51010"),
        (CARD, json!({"messageStatus": "待"}), "51104"),
        (CARD, json!({"messageStatus": r#"{"CN":"待处理","EN":"pending long"}"#}), "51104"),
        (CARD, json!({"receiveDeviceType": 7}), "51002"),
    ] {
        let sent = bench.post(path, &token, &with(body(&["lihua@welink"]), &change)).await;
        assert_eq!(sent["code"], want, "{path} {change}");
    }
    bench.welink.configure(|settings| settings.overlong = Overlong::Cut);
    let title = json!({"CN": "啊".repeat(60), "EN": "x"}).to_string();
    bench.post(SEND, &token, &with(body(&["lihua@welink"]), &json!({"msgTitle": title}))).await;
    let seen = &bench.welink.inbox(TENANT, "lihua@welink")[0].message;
    assert_eq!((seen.title.zh.chars().count(), &*seen.title.en), (42, "x"), "126 of 128 bytes");
    bench.welink.revoke(&bench.app.client_id, Permission::Todo).unwrap();
    assert_eq!(bench.post(SEND, &token, &body(&["lihua@welink"])).await["code"], "501");
    assert_eq!(bench.post(SEND, "nonsense", &body(&["lihua@welink"])).await["code"], "51036");
}

#[tokio::test(start_paused = true)]
async fn some_are_not_reached_in_every_reading() {
    let bench = Bench::new();
    let token = bench.token().await;
    let absent = ["wangfang@welink".to_owned()].into();
    bench.welink.set_visible_range(&bench.app.client_id, VisibleRange::AllBut(absent)).unwrap();
    let to = ["lihua@welink", "wangfang@welink", "nobody@welink"];
    let failed = json!(["nobody@welink", "wangfang@welink"]);
    for (partial, code, item) in
        [(Partial::CodeWithItem, "51019", true), (Partial::Success, "0", true), (Partial::CodeAlone, "51019", false)]
    {
        bench.welink.configure(|settings| settings.partial = partial);
        let before = bench.welink.inbox(TENANT, "lihua@welink").len();
        let sent = bench.post(CARD, &token, &body(&to)).await;
        assert_eq!((&sent["code"], &sent["failedUserId"]), (&json!(code), &failed));
        assert_eq!(sent["itemId"].is_string(), item, "{partial:?}");
        assert_eq!(bench.welink.inbox(TENANT, "lihua@welink").len(), before + 1, "the others have it");
        assert!(bench.welink.inbox(TENANT, "wangfang@welink").is_empty());
    }
    let sent = bench.post(CARD, &token, &body(&["nobody@welink"])).await;
    assert_eq!((sent["code"].as_str(), sent.get("itemId")), (Some("51019"), None));
    assert_eq!(bench.welink.messages().len(), 3, "what reached nobody does not exist");
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_card_changes_for_those_who_are_named() {
    let bench = Bench::new();
    let token = bench.token().await;
    let pending = json!({"messageStatus": r#"{"CN":"待处理","EN":"pending"}"#, "receiveDeviceType": "1"});
    let sent = bench.post(CARD, &token, &with(body(&["lihua@welink", "wangfang@welink"]), &pending)).await;
    let item = sent["itemId"].as_str().unwrap();
    let change = |to: &str, item: &str| json!({"toUserList": [to], "itemId": item, "messageStatus": "已处理"});
    assert_eq!(bench.post(UPDATE, &token, &change("lihua@welink", item)).await, json!({"code": "0", "message": "OK"}));
    let label = |user: &str| bench.welink.inbox(TENANT, user)[0].copy.label.clone().unwrap().text.zh;
    assert_eq!((&*label("lihua@welink"), &*label("wangfang@welink")), ("已处理", "待处理"));
    let other = bench.post(UPDATE, &token, &change("zhangwei@welink", item)).await;
    assert_eq!((&other["code"], &other["failedUserId"]), (&json!("0"), &json!(["zhangwei@welink"])));
    let plain = bench.post(CARD, &token, &body(&["lihua@welink"])).await;
    for (body, want) in [
        (change("lihua@welink", ""), "51021"),
        (change("lihua@welink", "none"), "51033"),
        (change("lihua@welink", plain["itemId"].as_str().unwrap()), "51107"),
        (with(change("lihua@welink", item), &json!({"messageStatus": ""})), "51021"),
        (with(change("lihua@welink", item), &json!({"messageStatus": "已经全部处理"})), "51104"),
        (with(change("lihua@welink", item), &json!({"toUserList": []})), "51042"),
    ] {
        assert_eq!(bench.post(UPDATE, &token, &body).await["code"], want, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_is_taken_back_from_everybody() {
    let bench = Bench::new();
    let token = bench.token().await;
    let sent = bench.post(CARD, &token, &body(&["lihua@welink", "wangfang@welink"])).await;
    let recall = json!({"itemId": sent["itemId"]});
    assert_eq!(bench.post(RECALL, &token, &json!({})).await["code"], "51021");
    assert_eq!(bench.post(RECALL, &token, &recall).await["code"], "0");
    assert!(bench.welink.inbox(TENANT, "lihua@welink").is_empty());
    assert_eq!(bench.post(RECALL, &token, &recall).await["code"], "51111");
    assert!(bench.welink.messages()[0].recalled, "it is remembered who had it");
}
