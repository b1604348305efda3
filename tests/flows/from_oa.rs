//! D.6, from the OA: simulated runs, through the API, the embedded queue and org-sync's entry points.

use std::collections::BTreeSet;

use domain::ids::DeptCode;
use domain::model::Department;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::sync::notes;
use tests::world::World;

/// Calls of WeLink's contact interfaces that write.
fn writes(world: &World) -> u64 {
    let writing =
        |name: &str| ["create", "update", "delete", "bulk", "batch", "valid"].iter().any(|word| name.contains(word));
    world.demo().welink.call_counts().iter().filter(|(name, _)| writing(name)).map(|(_, count)| count).sum()
}

async fn simulate(world: &World) -> Value {
    let body = json!({ "kind": "from-oa", "simulate": true });
    let begun = world.api(Method::POST, &world.enterprise_path("/runs"), Some(&body)).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    world.end_of_run(begun.json()["id"].as_str().unwrap()).await
}

async fn plan_of(world: &World, run: &Value) -> Vec<Value> {
    let (mut entries, mut next) = (Vec::new(), Some(0));
    while let Some(at) = next {
        let path = format!("/v1/runs/{}/plan?cursor={at}", run["id"].as_str().unwrap());
        let page = world.api(Method::GET, &path, None).await.json();
        entries.extend(page["entries"].as_array().unwrap().iter().cloned());
        next = page["next"].as_u64();
    }
    entries
}

fn everybody(world: &World) {
    let known = &world.demo().remembered;
    world.demo().welink.set_visible_range(&known.client_id, sim::welink::VisibleRange::Everyone).unwrap();
}

#[tokio::test]
async fn twl_08_a_simulation_shows_every_object_in_its_colour_and_writes_nothing() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("oa").await;
    let before = writes(&world);
    let run = simulate(&world).await;
    assert_eq!(run["simulate"], true);
    let plan = &run["plan"];
    assert_eq!(plan["hash"].as_str().map(str::len), Some(32), "{run}");
    let entries = plan_of(&world, &run).await;
    let count = |object: &str, change: &str| {
        let fits = |entry: &&Value| entry["object"] == object && entry["change"] == change;
        u64::try_from(entries.iter().filter(fits).count()).unwrap()
    };
    for colour in ["matched", "new", "changed", "delete", "held"] {
        assert_eq!(plan["departments"][colour].as_u64(), Some(count("department", colour)), "{colour}: {run}");
        if colour != "matched" {
            assert_eq!(plan["people"][colour].as_u64(), Some(count("person", colour)), "{colour}: {run}");
        }
    }
    let parents: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["parent"].as_str()).collect();
    let ids: BTreeSet<&str> = entries
        .iter()
        .filter(|entry| entry["object"] == "department")
        .filter_map(|entry| entry["id"].as_str())
        .collect();
    assert!(parents.iter().all(|parent| ids.contains(parent) || *parent == "0"), "the tree is whole");
    assert_eq!(writes(&world), before, "zero WeLink writes");
    let again = simulate(&world).await;
    assert_eq!(again["plan"]["hash"], plan["hash"], "the same sides and settings: the same plan");
    let saved = world.save_sync(json!({ "from_oa": { "plan": { "decrease_max": 21 } } })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    assert_ne!(simulate(&world).await["plan"]["hash"], plan["hash"], "other settings, another plan");
}

#[tokio::test]
async fn twl_02_read_only_refuses_by_hand_before_any_call_and_a_simulation_still_works() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    let before = world.demo().welink.call_counts();
    let refused = world.ask_for_run("from-oa").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(refused.json()["type"].as_str().unwrap().ends_with("read-only"), "{}", refused.body);
    assert_eq!(world.demo().welink.call_counts(), before, "before any call");
    assert!(simulate(&world).await["plan"].is_object());
}

#[tokio::test]
async fn twl_04_roots_of_different_names_abort_with_both_names_and_nothing_is_written() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("oa").await;
    let before = writes(&world);
    let root = world.demo().oa.units().into_iter().find(|unit| unit.parent.is_none()).unwrap();
    assert!(world.demo().oa.change_unit(&root.id, |unit| unit.name_zh = "另一个集团".to_owned()));
    // A link beats the name; without one the names decide.
    assert!(simulate(&world).await["plan"].is_object(), "the demonstration's root is linked");
    let store = world.running.bridge.store();
    let own = store.department(world.enterprise(), &DeptCode::root()).await.unwrap().unwrap();
    assert!(store.put_department(&Department { link: None, version: own.version + 1, ..own }).await.unwrap());
    let run = simulate(&world).await;
    assert_eq!((run["status"].as_str(), notes(&run)), (Some("aborted"), vec!["root-mismatch"]), "{run}");
    let told = run["notes"][0]["zh"].as_str().unwrap();
    assert!(told.contains("另一个集团") && told.contains(&world.demo().company.name_zh), "{told}");
    assert!(run["plan"].is_null());
    assert_eq!(writes(&world), before);
}

#[tokio::test]
async fn twl_01_a_from_welink_that_fails_ends_the_run_before_the_oa_is_read() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("oa").await;
    let client = &world.demo().remembered.client_id;
    world.demo().welink.revoke(client, sim::welink::Permission::Departments).unwrap();
    let before = (writes(&world), world.demo().oa.calls().len());
    let run = simulate(&world).await;
    assert_eq!(
        (run["status"].as_str(), notes(&run)),
        (Some("aborted"), vec!["permission", "from-welink-failed"]),
        "{run}"
    );
    assert_eq!((writes(&world), world.demo().oa.calls().len()), before);
    assert!(run["plan"].is_null());
}

#[tokio::test]
async fn twl_13_a_plan_that_removes_more_than_the_cap_is_blocked_with_its_numbers() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("oa").await;
    // Only one branch is in scope: whoever is linked and elsewhere would be removed.
    let scope = json!({ "departments": ["subcompany:s-2"] });
    let saved = world.save_sync(json!({ "from_oa": { "plan": { "scope": scope } } })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let run = simulate(&world).await;
    assert_eq!(run["status"], "blocked", "{run}");
    let (plan, blocked) = (&run["plan"], notes(&run));
    assert!(blocked.contains(&"cap-people"), "{run}");
    let told = run["notes"][0]["en"].as_str().unwrap();
    assert!(told.contains(&plan["people"]["delete"].to_string()), "{told}");
    assert!(told.contains(&plan["linked_people"].to_string()), "{told}");
    assert_eq!(writes(&world), 0);
}
