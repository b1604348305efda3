//! OPS-07: one command tests what the installation stands on and says which part fails.

use aws_sdk_dynamodb::types::AttributeValue;
use http::{Method, StatusCode};
use serde_json::Value;
use tests::world::{LINKED, World};

/// What the command prints, and the parts that it says fail; none when it ends well.
async fn self_test(world: &World) -> (Value, Vec<String>) {
    let told = world.command(&["self-test"]).await;
    let report: Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    let failing = report["failing"].as_array().into_iter().flatten();
    let failing: Vec<String> = failing.map(|part| part.as_str().unwrap().to_owned()).collect();
    let line = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.success(), failing.is_empty(), "{line}");
    assert!(failing.iter().all(|part| line.contains(part)), "{line}");
    (report, failing)
}

#[tokio::test]
async fn ops_07_one_command_tests_each_part_and_exits_non_zero_with_the_failing_one() {
    let world = World::start().await;
    world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    let (report, failing) = self_test(&world).await;
    assert_eq!(failing, [""; 0], "{report}");
    let parts: Vec<&str> = report["parts"].as_array().unwrap().iter().map(|p| p["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["table", "vault", "keys", "clock", "token"]);
    let page = world.api(Method::GET, "/v1/self-test", None).await;
    assert_eq!((page.status, page.json()), (StatusCode::OK, report), "the command shows what the API answers");

    let known = world.demo().remembered.clone();
    let _ = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    world.demo().welink.expire_tokens(&known.client_id);
    let (report, failing) = self_test(&world).await;
    assert_eq!(failing, [format!("token ({})", known.app)]);
    let token = report["parts"].as_array().unwrap().iter().find(|part| part["part"] == "token").unwrap();
    assert_eq!((&token["problem"], token["text"]["en"].is_string()), (&"welink-credentials".into(), true));
}

#[tokio::test]
async fn ops_07_a_clock_that_is_off_either_way_is_named() {
    let world = World::start().await;
    world.advance_s(20);
    assert_eq!(self_test(&world).await.1, [""; 0], "so much does no harm");
    world.advance_s(40);
    assert_eq!(self_test(&world).await.1, ["clock"]);
    world.advance_s(-120);
    assert!(self_test(&world).await.1.contains(&"clock".to_owned()));
}

#[tokio::test]
async fn ops_07_a_damaged_key_and_a_table_that_is_away_are_named() {
    let world = World::start().await;
    world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    let store = world.running.bridge.store();
    let kid = store.signing_keys().await.unwrap()[0].kid.clone();
    let damage = store.client().update_item().table_name(store.table_name());
    damage
        .key("pk", AttributeValue::S("R#SIGNING".to_owned()))
        .key("sk", AttributeValue::S(kid))
        .update_expression("SET seed = :damaged")
        .expression_attribute_values(":damaged", AttributeValue::S("v1.AAAA".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(self_test(&world).await.1, ["keys"]);
    store.client().delete_table().table_name(store.table_name()).send().await.unwrap();
    let (report, failing) = self_test(&world).await;
    assert_eq!(failing, ["table"], "{report}");
    assert!(report["parts"][0]["text"]["zh"].is_string());
}
