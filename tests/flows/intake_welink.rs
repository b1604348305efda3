//! C22: callbacks of WeLink (welink-api.md 10).

use http::{Method, StatusCode};
use platform::secret::Secret;
use serde_json::{Value, json};
use tests::intake::{Intake, problem, without_trace};
use tests::world::LINKED;
use welink::callback::CallbackKey;

fn body(encrypt: &str) -> String {
    json!({ "encrypt": encrypt }).to_string()
}

/// That this member of the demonstration's company has changed.
fn edited(intake: &Intake, user: &str) -> Value {
    json!({ "data": [{ "userId": user, "tenantId": intake.world.demo().remembered.welink_tenant }] })
}

#[tokio::test]
async fn c22_a_test_is_answered_and_a_change_becomes_a_hint() {
    let intake = Intake::start().await;
    let (key, app) = (intake.callback_key(), intake.world.demo().remembered.app.clone());
    let company = intake.world.demo().remembered.welink_tenant.clone();
    intake.sqs.refuse(true);
    let tested = intake.call_back(app.as_str(), body(&intake.callback(&key, "test", json!({})))).await;
    assert_eq!(tested.status, StatusCode::OK, "a test needs no queue: {}", tested.body);
    intake.sqs.refuse(false);
    assert!(tested.json()["encrypt"].as_str().unwrap().len() > 24 && !tested.body.contains("success"));
    let member = format!("{LINKED}@welink");
    let mut named = edited(&intake, &member);
    named["data"].as_array_mut().unwrap().push(json!({ "userId": "x@other", "tenantId": "0".repeat(32) }));
    let changed = intake.callback(&key, "corpEditUser", named);
    assert_eq!(intake.call_back(app.as_str(), body(&changed)).await.status, StatusCode::OK);
    let departments = json!({ "data": [{ "deptCode": "10001", "tenantId": company }] });
    let gone = intake.callback(&key, "corpDelDept", departments);
    assert_eq!(intake.call_back(app.as_str(), body(&gone)).await.status, StatusCode::OK);
    // What the bridge has no use for is answered all the same.
    let other = intake.callback(&key, "corpAuth", json!({ "tenantId": company }));
    assert_eq!(intake.call_back(app.as_str(), body(&other)).await.status, StatusCode::OK);
    let queued = intake.queued().await;
    let hints: Vec<Value> = queued.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    let enterprise = intake.world.enterprise();
    let hint = |event: &str| json!({ "kind": "welink-hint", "app": app, "enterprise": enterprise, "event": event });
    let (mut changed, mut deleted) = (hint("corpEditUser"), hint("corpDelDept"));
    changed["people"] = json!([member]);
    deleted["departments"] = json!(["10001"]);
    assert_eq!(hints, [changed, deleted]);
    assert!(queued.iter().all(|message| message.attributes["kind"] == "welink-hint"));
}

#[tokio::test]
async fn c22_forged_stale_foreign_and_oversized_callbacks_change_nothing() {
    let intake = Intake::start().await;
    let (key, app) = (intake.callback_key(), intake.world.demo().remembered.app.clone());
    let member = edited(&intake, "lihua@welink");
    let foreign = CallbackKey::of(&Secret::new("another app's secret".to_owned()));
    let forged = intake.call_back(app.as_str(), body(&intake.callback(&foreign, "corpEditUser", member.clone()))).await;
    let alike = without_trace(&forged);
    assert_eq!((alike.0, problem(&forged).as_str()), (StatusCode::UNAUTHORIZED, "signature-invalid"));
    // One character changed, anywhere; no JSON; nothing encrypted; apps that do not exist.
    let genuine = intake.callback(&key, "corpEditUser", member.clone());
    for place in (0..genuine.len()).step_by(7) {
        let mut damaged = genuine.clone().into_bytes();
        damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).unwrap();
        if damaged != genuine {
            assert_eq!(without_trace(&intake.call_back(app.as_str(), body(&damaged)).await), alike, "{place}");
        }
    }
    for bad in ["", "{}", "[]", r#"{"encrypt":7}"#, r#"{"eventType":"test","timestamp":"1562752619"}"#] {
        assert_eq!(without_trace(&intake.call_back(app.as_str(), bad.to_owned()).await), alike, "{bad}");
    }
    let unknown = app.as_str().replace(|c: char| c.is_ascii_digit(), "z");
    for nobody in [unknown.as_str(), "none", "a_"] {
        assert_eq!(without_trace(&intake.call_back(nobody, body(&genuine)).await), alike, "{nobody}");
    }
    for offset_s in [-1802, 1802] {
        let mut old = member.clone();
        old["timestamp"] = json!((intake.now().epoch_s() + offset_s).to_string());
        let page = intake.call_back(app.as_str(), body(&intake.callback(&key, "corpEditUser", old))).await;
        assert_eq!(problem(&page).as_str(), "timestamp-skew", "{offset_s}");
    }
    let large = intake.call_back(app.as_str(), body(&"A".repeat(1024 * 1024))).await;
    assert_eq!((large.status, problem(&large).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
    assert_eq!(intake.queued().await, []);
    assert_eq!(intake.call_back(app.as_str(), body(&genuine)).await.status, StatusCode::OK, "the genuine one is taken");
    assert_eq!(intake.queued().await.len(), 1);
}

#[tokio::test]
async fn c22_a_repeated_callback_is_answered_and_makes_no_second_hint() {
    let intake = Intake::start().await;
    let (key, app) = (intake.callback_key(), intake.world.demo().remembered.app.clone());
    // Of the future by a little less than is allowed: it stays fresh for nearly an hour.
    let mut change = edited(&intake, "lihua@welink");
    change["timestamp"] = json!((intake.now().epoch_s() + 1790).to_string());
    let callback = intake.callback(&key, "corpEditUser", change);
    intake.sqs.refuse(true);
    let lost = intake.call_back(app.as_str(), body(&callback)).await;
    assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE, "{}", lost.body);
    intake.sqs.refuse(false);
    for _ in 0..20 {
        let page = intake.call_back(app.as_str(), body(&callback)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    }
    assert_eq!(intake.queued().await.len(), 1, "what was lost came again, and nothing twice");
    intake.world.advance_s(3500);
    assert_eq!(intake.call_back(app.as_str(), body(&callback)).await.status, StatusCode::OK);
    intake.world.advance_s(100);
    let late = intake.call_back(app.as_str(), body(&callback)).await;
    assert_eq!(problem(&late).as_str(), "timestamp-skew");
    assert_eq!(intake.queued().await, [], "remembered for as long as it is fresh");
}

#[tokio::test]
async fn c22_the_key_follows_the_secret_and_a_switched_off_app_takes_nothing() {
    let intake = Intake::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let (old, known) = (intake.callback_key(), intake.world.demo().remembered.clone());
    let app = known.app.as_str();
    let path = format!("/v1/apps/{app}");
    let renewed = intake.world.demo().welink.rotate_secret(&known.client_id).unwrap();
    let version = intake.world.api(Method::GET, &path, None).await.json()["version"].clone();
    let new = json!({ "version": version, "client_secret": renewed.expose() });
    let page = intake.world.api(Method::PUT, &format!("{path}/credentials"), Some(&new)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let renewed = CallbackKey::of(&Secret::new(renewed.expose().clone()));
    let refused = intake.call_back(app, body(&intake.callback(&old, "test", json!({})))).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(intake.call_back(app, body(&intake.callback(&renewed, "test", json!({})))).await.status, StatusCode::OK);
    let version = intake.world.api(Method::GET, &path, None).await.json()["version"].clone();
    let off = json!({ "version": version, "enabled": false });
    assert_eq!(intake.world.api(Method::PATCH, &path, Some(&off)).await.status, StatusCode::OK);
    let off = intake.call_back(app, body(&intake.callback(&renewed, "test", json!({})))).await;
    assert_eq!(without_trace(&off), without_trace(&refused));
}
