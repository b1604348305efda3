//! D.6, push: events of the OA, through push-dispatch's entry point, to what people see in WeLink.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::faults::{Knob, Rule};
use sim::welink::{Permission, VisibleRange};
use tests::push::{batch, event, record, states};
use tests::world::World;

const CREATED: &str = "oa.todo.created";
const DONE: &str = "oa.todo.done";

/// Ten people who can be told apart by their ids in the OA; the last three are not linked.
fn ten(world: &World) -> Vec<String> {
    let people = &world.demo().company.people;
    let linked = people.iter().take(7).map(|person| person.id.clone());
    linked.chain(people.iter().rev().take(3).map(|person| person.id.clone())).collect()
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn psh_01_a_message_fires_the_enabled_rules_of_its_tenant_with_its_source_or_all() {
    let world = World::start().await;
    world.rule("todo", &["notice"], json!({})).await;
    world.rule("approval", &["card"], json!({})).await;
    let off = json!({ "enabled": false });
    world.rule("todo", &["card"], off).await;
    let other = world.other_tenant().await;
    let targets = json!([{ "app": other.app, "type": "notice" }]);
    let rule = json!({ "name": "other", "source": "all", "enabled": true, "targets": targets });
    let made = world.api(Method::POST, &format!("/v1/tenants/{}/rules", other.tenant), Some(&rule)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert!(world.push(&[event(&world, "e1", CREATED, "42", 1, &["1001"])]).await.is_empty());
    let message = world.only_pushed().await;
    assert_eq!((message["standing"].as_str(), states(&message)), (Some("sent"), vec!["sent".to_owned()]), "{message}");
    assert_eq!(message["deliveries"][0]["type"], "notice");
    assert_eq!(world.delivered().len(), 1);
}

#[tokio::test]
async fn psh_02_an_approval_reaches_the_rule_with_all_and_not_the_one_with_todo() {
    let world = World::start().await;
    let all = world.rule("all", &["notice"], json!({})).await;
    world.rule("todo", &["card"], json!({})).await;
    let approval = event(&world, "e1", "oa.approval.requested", "7", 0, &["1001"]);
    let hint = json!({
        "specversion": "1.0", "id": "e2", "source": "/oa/demo", "type": "oa.user.changed", "subject": "user/1001",
        "time": approval["time"], "data": { "id": "1001" },
    });
    assert!(world.push(&[approval, hint]).await.is_empty());
    let sent = world.pushed("?standing=sent").await;
    assert_eq!(sent.len(), 1, "a hint is no message: {sent:?}");
    assert_eq!(sent[0]["deliveries"][0]["rules"], json!([all["id"]]));
    assert_eq!(world.delivered().len(), 1);
}

#[tokio::test]
async fn psh_03_the_three_types_are_the_calls_of_the_golden_file() {
    let world = World::start().await;
    world.rule("todo", &["notice", "card", "todo"], json!({})).await;
    assert!(world.push(&[event(&world, "e1", CREATED, "42", 1, &["1001"])]).await.is_empty());
    let login = world.login_of("1001");
    let plain = |url: &str| {
        let bridge = world.running.origin("bridge");
        url.replace(&bridge, "{bridge}").replace(world.demo().remembered.app.as_str(), "{app}")
    };
    let mut messages: Vec<Value> = world
        .delivered()
        .iter()
        .map(|message| {
            let label = message.copies[&format!("{login}@welink")].label.as_ref();
            json!({
                "kind": format!("{:?}", message.kind), "owner": message.owner, "title": message.title.zh,
                "content": message.content.zh, "url": plain(&message.url), "pc_url": plain(&message.pc_url),
                "label": label.map(|label| format!("{} / {}", label.text.zh, label.text.en)),
            })
        })
        .collect();
    messages.sort_by_key(|message| message["kind"] == "Card");
    let todos: Vec<Value> = world
        .todos(&login)
        .iter()
        .map(|row| {
            json!({
                "title": row.title, "module": row.app_name, "url": plain(&row.url), "pc_url": plain(&row.pc_url),
                "applicant": row.applicant_zh, "request": row.applicant_id,
            })
        })
        .collect();
    let counts = world.demo().welink.call_counts();
    let sent = counts.iter().filter(|(name, _)| name.contains("/messages/") || name.contains("/todo/"));
    let sent: serde_json::Map<String, Value> =
        sent.filter(|(_, count)| **count > 0).map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    let made = json!({ "calls": sent, "messages": messages, "todos": todos });
    let kept: Value = serde_json::from_str(include_str!("golden/push.json")).unwrap();
    assert_eq!(made, kept, "{made:#}");
}

#[tokio::test]
async fn psh_04_what_is_saved_counts_and_nothing_else() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/rules", world.tenant());
    assert_eq!(world.api(Method::GET, &path, None).await.json(), json!([]), "a new tenant has no rules");
    let bare = json!({ "name": "空", "source": "todo", "enabled": true, "targets": [] });
    let refused = world.api(Method::POST, &path, Some(&bare)).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a rule without target cannot be on: {}",
        refused.body
    );
    let rule = world.rule("todo", &["notice"], json!({})).await;
    let one = format!("/v1/rules/{}", rule["id"].as_str().unwrap());
    let app = &world.demo().remembered.app;
    let mut more = rule.clone();
    let known = ["id", "created", "version", "name", "source", "enabled", "targets", "when_unknown", "hold_s"];
    more.as_object_mut().unwrap().retain(|name, _| known[2..].contains(&name.as_str()));
    more["targets"] = json!([{ "app": app, "type": "notice" }, { "app": app, "type": "card" }]);
    // Until it is saved the old form counts.
    world.push(&[event(&world, "e1", CREATED, "1", 1, &["1001"])]).await;
    assert_eq!(world.delivered().len(), 1);
    let saved = world.api(Method::PUT, &one, Some(&more)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let stale = world.api(Method::PUT, &one, Some(&more)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "the version that it is based on has gone: {}", stale.body);
    world.push(&[event(&world, "e2", CREATED, "2", 1, &["1001"])]).await;
    assert_eq!(world.delivered().len(), 3);
    // A target keeps its app from being deleted.
    let name =
        world.api(Method::GET, &format!("/v1/apps/{app}"), None).await.json()["name"].as_str().unwrap().to_owned();
    let confirm: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let kept = world.api(Method::DELETE, &format!("/v1/apps/{app}?confirm={confirm}"), None).await;
    assert!(kept.status == StatusCode::CONFLICT && kept.body.contains("used_by.rule"), "{}", kept.body);
}

#[tokio::test]
async fn psh_05_only_linked_receivers_get_it() {
    let world = World::start().await;
    world.rule("todo", &["notice"], json!({})).await;
    let ten = ten(&world);
    assert!(world.push(&[event(&world, "e1", CREATED, "42", 1, &refs(&ten))]).await.is_empty());
    let message = world.only_pushed().await;
    let states = states(&message);
    assert_eq!(states.iter().filter(|state| *state == "sent").count(), 7, "{states:?}");
    assert_eq!(states.iter().filter(|state| *state == "skipped: not-linked").count(), 3, "{states:?}");
    let delivered = world.delivered();
    assert_eq!((delivered.len(), delivered[0].copies.len()), (1, 7), "one call for all of them");
}

#[tokio::test]
async fn psh_06_whoever_is_out_of_range_fails_alone() {
    let world = World::start().await;
    world.rule("todo", &["card"], json!({})).await;
    let known = &world.demo().remembered;
    let in_range: BTreeSet<String> = ["1001", "1003"].map(|id| format!("{}@welink", world.login_of(id))).into();
    world.demo().welink.set_visible_range(&known.client_id, VisibleRange::Members(in_range)).unwrap();
    assert!(world.push(&[event(&world, "e1", CREATED, "42", 1, &["1001", "1002", "1003"])]).await.is_empty());
    let message = world.only_pushed().await;
    assert_eq!(message["standing"], "partial");
    assert_eq!(states(&message), ["sent", "failed: not-in-visible-range", "sent"]);
    assert_eq!((world.got(&world.login_of("1001")), world.got(&world.login_of("1002"))), (1, 0));
}

#[tokio::test]
async fn psh_07_twenty_times_the_same_event_is_one_message() {
    let world = World::start().await;
    world.rule("all", &["notice", "card", "todo"], json!({})).await;
    let event = event(&world, "e1", CREATED, "42", 1, &["1001", "1002"]);
    for _ in 0..10 {
        assert!(world.push(std::slice::from_ref(&event)).await.is_empty());
    }
    // Ten more at once: whoever is not first comes again until the first one is done.
    let records: Vec<Value> = (0..10).map(|n| record(&world, n, &event.to_string())).collect();
    assert!(world.push_records(&records).await.is_empty());
    assert_eq!(world.delivered().len(), 2, "a notice and a card");
    assert_eq!(world.todos(&world.login_of("1001")).len(), 1);
    assert_eq!(world.demo().welink.call_counts()["POST /api/todo/v3/addtask"], 2);
    world.only_pushed().await;
}

#[tokio::test]
async fn psh_08_two_rules_with_one_target_send_once() {
    let world = World::start().await;
    let first = world.rule("todo", &["notice"], json!({})).await;
    let second = world.rule("all", &["notice", "card"], json!({})).await;
    // The same receiver by two of his names.
    let mut event = event(&world, "e1", CREATED, "42", 1, &["1001"]);
    let login = world.login_of("1001");
    event["data"]["recipients"].as_array_mut().unwrap().push(json!({ "by": "login_id", "value": login }));
    assert!(world.push(&[event]).await.is_empty());
    assert_eq!(world.got(&login), 2, "a notice and a card");
    let message = world.only_pushed().await;
    assert_eq!(states(&message), ["sent", "skipped: named-twice", "sent", "skipped: named-twice"]);
    let rules: BTreeSet<&str> =
        message["deliveries"][0]["rules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(rules, [first["id"].as_str().unwrap(), second["id"].as_str().unwrap()].into());
}

#[tokio::test]
async fn psh_09_each_class_of_failure_has_its_next_step() {
    let world = World::start().await;
    world.rule("todo", &["notice"], json!({})).await;
    let faults = world.demo().welink.faults();
    let one = |id: &str| event(&world, id, CREATED, id, 1, &["1001"]);
    let standing = |message: &Value| states(message).remove(0);
    // Never taken: tried again, later.
    faults.set(Knob::Http5xx, Rule::next(1).under("/api/messages"));
    world.push(&[one("e1")]).await;
    assert_eq!(standing(&world.only_pushed().await), "waiting: welink-down");
    world.push_tick().await;
    assert_eq!(world.delivered().len(), 0, "not before its time");
    world.advance_s(80);
    world.push_tick().await;
    assert_eq!(standing(&world.pushed("").await[0]), "sent");
    // The answer was lost: nobody knows, and it stays so.
    faults.set(Knob::AnswerLost, Rule::next(1).under("/api/messages"));
    world.push(&[one("e2")]).await;
    assert_eq!(standing(&world.pushed("").await[0]), "unknown: answer-lost");
    world.advance_s(86_400);
    world.push_tick().await;
    assert_eq!(world.delivered().len(), 2, "no second time");
    // The permission is missing: only an administrator can help.
    world.demo().welink.revoke(&world.demo().remembered.client_id, Permission::Todo).unwrap();
    world.push(&[one("e3")]).await;
    assert_eq!(standing(&world.pushed("").await[0]), "failed: no-permission");
}

#[tokio::test]
async fn psh_10_a_retry_sends_to_those_alone_who_did_not_get_it() {
    let world = World::start().await;
    world.rule("todo", &["todo"], json!({})).await;
    // Of three calls the last one meets a WeLink that is down.
    let event = event(&world, "e1", CREATED, "42", 1, &["1001", "1002"]);
    world.push(std::slice::from_ref(&event)).await;
    let mut third = event.clone();
    third["id"] = json!("e2");
    third["sequence"] = json!("2");
    third["data"]["recipients"] =
        json!([{ "by": "id", "value": "1001" }, { "by": "id", "value": "1002" }, { "by": "id", "value": "1003" }]);
    world.demo().welink.faults().set(Knob::Http5xx, Rule::next(1).under("/api/todo"));
    world.push(&[third]).await;
    let message = &world.pushed("").await[0];
    assert_eq!(states(message), ["sent", "sent", "waiting: welink-down"]);
    let before = world.demo().welink.call_counts()["POST /api/todo/v3/addtask"];
    world.advance_s(80);
    world.push_tick().await;
    assert_eq!(states(&world.pushed("").await[0]), ["sent", "sent", "sent"]);
    assert_eq!(world.demo().welink.call_counts()["POST /api/todo/v3/addtask"] - before, 1);
}

#[tokio::test]
async fn psh_11_todos_are_what_is_open_in_the_oa_in_whatever_order_events_come() {
    let world = World::start().await;
    world.rule("todo", &["todo"], json!({})).await;
    let seen = |id: &str| world.todos(&world.login_of(id)).len();
    let made = event(&world, "e1", CREATED, "42", 1, &["1001", "1002", "1003"]);
    let moved = event(&world, "e2", DONE, "42", 2, &["1001"]);
    let next = event(&world, "e3", CREATED, "42", 3, &["1004"]);
    let mut closed = event(&world, "e4", DONE, "42", 4, &["1004"]);
    closed["data"]["final"] = json!(true);
    world.push(std::slice::from_ref(&made)).await;
    assert_eq!([seen("1001"), seen("1002"), seen("1003")], [1, 1, 1]);
    // Done before anything else is said of him, and everything twice.
    world.push(&[next.clone(), moved.clone(), made.clone(), moved]).await;
    assert_eq!([seen("1001"), seen("1002"), seen("1003"), seen("1004")], [0, 1, 1, 1], "done closes whom it lists");
    world.push(&[closed]).await;
    assert_eq!([seen("1001"), seen("1002"), seen("1003"), seen("1004")], [0, 0, 0, 0], "final closes all");
    world.advance_s(5);
    let mut late = event(&world, "e5", CREATED, "42", 2, &["1005"]);
    late["time"] = made["time"].clone();
    world.push(&[late]).await;
    assert_eq!(seen("1005"), 0, "what was said before the end comes too late");
    let mut old = event(&world, "e6", CREATED, "43", 1, &["1001"]);
    old["time"] = json!("2026-03-01T08:00:00Z");
    world.push(&[old]).await;
    assert_eq!(states(&world.pushed("").await[0]), ["skipped: stale"]);
    let adds = world.demo().welink.call_counts()["POST /api/todo/v3/addtask"];
    assert_eq!(adds, 4, "nobody saw one twice");
}

#[tokio::test]
async fn psh_11_a_lost_answer_makes_no_second_row() {
    let world = World::start().await;
    world.rule("todo", &["todo"], json!({})).await;
    world.demo().welink.faults().set(Knob::AnswerLost, Rule::next(1).under("/api/todo"));
    world.push(&[event(&world, "e1", CREATED, "42", 1, &["1001"])]).await;
    assert_eq!(states(&world.only_pushed().await), ["waiting: answer-lost"]);
    assert_eq!(world.todos(&world.login_of("1001")).len(), 1, "it had arrived");
    world.advance_s(80);
    world.push_tick().await;
    assert_eq!(states(&world.only_pushed().await), ["sent"], "it is there already, by our own attempt");
    assert_eq!(world.todos(&world.login_of("1001")).len(), 1);
}

#[tokio::test]
async fn psh_13_what_failed_is_found_and_sent_again() {
    let world = World::start().await;
    let rule = world.rule("todo", &["notice"], json!({})).await;
    let client = world.demo().remembered.client_id.clone();
    world.demo().welink.revoke(&client, Permission::Todo).unwrap();
    world.push(&[event(&world, "e1", CREATED, "42", 1, &["1001"])]).await;
    world.demo().welink.grant(&client, Permission::Todo).unwrap();
    world.demo().welink.expire_tokens(&client);
    world.push(&[event(&world, "e2", CREATED, "43", 1, &["1002"])]).await;
    let failed = world.pushed("?standing=failed").await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    let of_rule = world.pushed(&format!("?receiver=1002&rule={}", rule["id"].as_str().unwrap())).await;
    assert_eq!(of_rule.len(), 1);
    let again = |message: &Value| format!("/v1/messages/{}/resend", message["id"].as_str().unwrap());
    let refused = world.api(Method::POST, &again(&of_rule[0]), Some(&json!({}))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "what was delivered is not sent again");
    let resent = world.api(Method::POST, &again(&failed[0]), Some(&json!({}))).await;
    assert_eq!(resent.status, StatusCode::OK, "{}", resent.body);
    world.advance_s(1);
    world.push_tick().await;
    assert_eq!((world.got(&world.login_of("1001")), world.got(&world.login_of("1002"))), (1, 1));
    let forced = world.api(Method::POST, &again(&of_rule[0]), Some(&json!({ "force": true }))).await;
    assert_eq!(forced.status, StatusCode::OK, "{}", forced.body);
    world.advance_s(1);
    world.push_tick().await;
    assert_eq!(world.got(&world.login_of("1002")), 2);
}

#[tokio::test]
async fn psh_14_a_held_message_follows_the_link_within_a_minute_and_is_dropped_after_its_time() {
    let world = World::start().await;
    world.rule("todo", &["notice"], json!({ "hold_s": 3600 })).await;
    let mut people = world.demo().company.people.iter().rev();
    let (linked_later, never) = (people.next().unwrap(), people.next().unwrap());
    world.push(&[event(&world, "e1", CREATED, "42", 1, &[&linked_later.id, &never.id])]).await;
    assert_eq!(states(&world.only_pushed().await), ["held: not-linked", "held: not-linked"]);
    let oa_user = json!({ "by": "login_id", "value": linked_later.login });
    let link = json!({ "user_id": format!("{}@welink", linked_later.login), "oa_user": oa_user });
    let bound = world.api(Method::POST, &world.enterprise_path("/links"), Some(&link)).await;
    assert!(bound.status.is_success(), "{}", bound.body);
    world.advance_s(60);
    world.push_tick().await;
    assert_eq!(states(&world.only_pushed().await), ["sent", "held: not-linked"]);
    assert_eq!(world.got(&linked_later.login), 1);
    world.advance_s(3600);
    world.push_tick().await;
    assert_eq!(states(&world.only_pushed().await), ["sent", "skipped: not-linked-in-time"]);
}

#[tokio::test]
async fn psh_05_an_event_posted_by_the_oa_is_seen_on_the_phone() {
    let world = World::start().await;
    world.rule("todo", &["todo", "notice"], json!({})).await;
    let body = event(&world, "e1", CREATED, "42", 1, &["1001"]).to_string();
    let known = &world.demo().remembered;
    let signed = tests::intake::signed(&known.push_secret, "msg_1", world.running.bridge.clock().now(), &body);
    let mut headers = vec![("content-type", tests::intake::ONE)];
    headers.extend(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let url = world.bridge(&format!("/v1/oa/{}/events", known.oa_instance));
    let answer = world.browser().send(Method::POST, &url, &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    // From here on the embedded queue brings it to push-dispatch by itself.
    world.settled("e1").await;
    let login = world.login_of("1001");
    assert_eq!((world.got(&login), world.todos(&login).len()), (1, 1));
}

#[tokio::test]
async fn ops_06_a_poisoned_message_fails_alone_and_a_bad_event_is_written_down() {
    let world = World::start().await;
    world.rule("todo", &["notice"], json!({})).await;
    let good = |id: &str| event(&world, id, CREATED, id, 1, &["1001"]).to_string();
    let mut forged = record(&world, 1, &good("e1"));
    forged["body"] = json!(good("e2"));
    let mut unsigned = record(&world, 2, &good("e3"));
    unsigned["messageAttributes"] = json!({});
    let mut delayed = record(&world, 3, &good("e4"));
    delayed["attributes"]["SentTimestamp"] = json!((world.running.bridge.clock().now().0 + 301_000).to_string());
    let mut untitled = event(&world, "e5", CREATED, "5", 1, &["1001"]);
    untitled["data"]["title"] = json!("");
    let records = [
        forged,
        unsigned,
        delayed,
        record(&world, 4, "no JSON"),
        record(&world, 5, &untitled.to_string()),
        record(&world, 6, &good("e6")),
    ];
    let again = push_dispatch::messages(&world.running.bridge, batch(&records)).await;
    let again: BTreeSet<String> = again.batch_item_failures.into_iter().map(|one| one.item_identifier).collect();
    assert_eq!(again, ["queue-1", "queue-2", "queue-3"].map(str::to_owned).into(), "nobody's messages are parked");
    let refused = world.pushed("?standing=refused").await;
    let reasons: BTreeSet<&str> = refused.iter().map(|message| message["refused"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["not-json", "title-missing"].into());
    assert_eq!(world.delivered().len(), 1, "the good one behind them arrived");
}
