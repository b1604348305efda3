use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp(1_772_352_000_000);

fn good() -> Value {
    json!({
        "specversion": "1.0", "id": "evt-1", "source": "/oa/demo", "type": "oa.todo.created", "subject": "todo/42/1001",
        "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json", "sequence": "17",
        "data": {
            "biz_id": "42", "title": "采购申请", "summary": "等待部门审批", "recipients": [{ "by": "id", "value": "1001" }],
            "creator": { "by": "id", "value": "1002", "name": "王芳" }, "dest_pc": "/workflow/42",
            "dest_mobile": "/m/workflow/42", "priority": "important", "state": "pending",
        },
    })
}

#[test]
fn an_event_of_the_contract_is_read() {
    let event = Event::read(&good(), NOW).unwrap();
    assert_eq!((event.kind, event.sequence, event.time), (Kind::TodoCreated, 17, NOW));
    assert!(event.opens() && !event.closes_all());
    let content = event.content.unwrap();
    assert_eq!(
        (content.source.as_str(), content.biz_id.as_str(), content.priority),
        ("todo", "42", Priority::Important)
    );
    assert_eq!(content.creator_name, "王芳");
    assert_eq!(event.recipients, [Named { by: By::Id, value: "1001".to_owned() }]);
}

#[test]
fn each_fault_has_its_name() {
    let check = |change: &dyn Fn(&mut Value), want: BadEvent| {
        let mut event = good();
        change(&mut event);
        assert_eq!(Event::read(&event, NOW), Err(want), "{event}");
    };
    let many: Vec<Value> = (0..501).map(|n| json!({ "by": "id", "value": n.to_string() })).collect();
    let table: Vec<(&str, Value, BadEvent)> = vec![
        ("/specversion", json!("0.3"), BadEvent::Version),
        ("/id", json!(""), BadEvent::Id),
        ("/id", json!("x".repeat(257)), BadEvent::Id),
        ("/source", Value::Null, BadEvent::Source),
        ("/type", json!(7), BadEvent::Type),
        ("/subject", json!("a\nb"), BadEvent::Subject),
        ("/time", json!("yesterday"), BadEvent::Time),
        ("/time", json!("2026-03-01T08:05:01Z"), BadEvent::Future),
        ("/datacontenttype", json!("text/xml"), BadEvent::ContentType),
        ("/sequence", json!("x"), BadEvent::Sequence),
        ("/sequence", json!(17), BadEvent::Sequence),
        ("/data", json!("text"), BadEvent::Data),
        ("/data/biz_id", json!(" "), BadEvent::BizId),
        ("/data/title", json!(""), BadEvent::TitleMissing),
        ("/data/title", json!("题".repeat(201)), BadEvent::TitleLong),
        ("/data/summary", json!("字".repeat(1001)), BadEvent::SummaryLong),
        ("/data/recipients", json!([]), BadEvent::RecipientsMissing),
        ("/data/recipients", json!(many), BadEvent::RecipientsMany),
        ("/data/recipients", json!([{ "by": "name", "value": "李华" }]), BadEvent::Recipients),
        ("/data/recipients", json!([{ "by": "id", "value": "" }]), BadEvent::Recipients),
        ("/data/creator", json!("1002"), BadEvent::Creator),
        ("/data/dest_pc", json!("https://evil.example/"), BadEvent::Dest),
        ("/data/dest_mobile", json!("//evil.example/"), BadEvent::Dest),
        ("/data/priority", json!("huge"), BadEvent::Field),
        ("/data/state", json!("lost"), BadEvent::Field),
    ];
    for (pointer, value, want) in table {
        check(&|event| *event.pointer_mut(pointer).unwrap() = value.clone(), want);
    }
    assert_eq!(Event::parse("no JSON", NOW), Err(BadEvent::NotJson));
    assert_eq!(Event::parse("[]", NOW), Err(BadEvent::NotJson));
    assert_eq!(Event::parse(&"x".repeat(EVENT_BYTES_MAX + 1), NOW), Err(BadEvent::TooLarge));
}

#[test]
fn what_is_no_message_needs_no_receivers() {
    for (kind, want) in [("oa.user.changed", Kind::Hint), ("oa.ping", Kind::Ping), ("oa.new.thing", Kind::Unknown)] {
        let mut event = good();
        event["type"] = json!(kind);
        event["data"] = json!({ "id": "1001" });
        let read = Event::read(&event, NOW).unwrap();
        assert_eq!((read.kind, read.content), (want, None));
    }
}

#[test]
fn links_stay_within_what_the_oa_allows() {
    let event = Event::read(&good(), NOW).unwrap();
    let prefixes = |paths: &[&str]| paths.iter().map(|path| DestPrefix::parse(path).unwrap()).collect::<Vec<_>>();
    assert_eq!(event.within(&prefixes(&["/"])), Ok(()));
    assert_eq!(event.within(&prefixes(&["/workflow"])), Err(BadEvent::DestNotAllowed));
}

#[test]
fn faults_speak_both_languages_and_have_names_of_their_own() {
    let names: std::collections::BTreeSet<&str> = BadEvent::ALL.iter().map(|bad| bad.name()).collect();
    assert_eq!(names.len(), BadEvent::ALL.len());
    assert!(BadEvent::ALL.iter().all(|bad| bad.text().zh != bad.text().en));
}

#[test]
fn a_debug_text_shows_no_person() {
    let mut event = good();
    event["data"]["recipients"] = json!([{ "by": "mobile", "value": "13800000001" }]);
    let shown = format!("{:?}", Event::read(&event, NOW).unwrap());
    assert!(!shown.contains("13800000001") && !shown.contains("采购") && !shown.contains("王芳"), "{shown}");
}

/// The published schema says what the code demands.
#[test]
fn the_schema_has_the_codes_types_names_and_limits() {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/schemas/event.json")).unwrap();
    let listed: Vec<&str> =
        schema["if"]["properties"]["type"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(listed.iter().all(|kind| Kind::of(kind).source().is_some()), "{listed:?}");
    assert_eq!(listed.len(), 11);
    let message = &schema["$defs"]["message"]["properties"];
    assert_eq!(message["recipients"]["maxItems"], RECIPIENTS_MAX);
    assert_eq!(message["title"]["maxLength"], TITLE_CHARS_MAX);
    assert_eq!(message["summary"]["maxLength"], SUMMARY_CHARS_MAX);
    assert_eq!(message["dest_pc"]["maxLength"], crate::destination::DEST_BYTES_MAX);
    assert_eq!(schema["properties"]["id"]["maxLength"], NAME_BYTES_MAX);
    for name in schema["$defs"]["person"]["properties"]["by"]["enum"].as_array().unwrap() {
        assert!(By::of(name.as_str().unwrap()).is_some(), "{name}");
    }
    for name in schema["required"].as_array().unwrap() {
        let mut event = good();
        event.as_object_mut().unwrap().remove(name.as_str().unwrap());
        assert!(Event::read(&event, NOW).is_err(), "{name} is required");
    }
    for name in schema["$defs"]["message"]["required"].as_array().unwrap() {
        let mut event = good();
        event["data"].as_object_mut().unwrap().remove(name.as_str().unwrap());
        assert!(Event::read(&event, NOW).is_err(), "{name} is required");
    }
}
