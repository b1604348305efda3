//! What guards a run: one of an enterprise at a time, one slice of it at a time, and numbers that decide (goals.md R9,
//! R16). At the table, without anybody who works on it.

use domain::audit::Action;
use domain::ids::{RANDOM_CHARS, RunId, WeLinkUserId};
use domain::model::{Person, PersonSource, Stamp};
use domain::run::{CopyCounts, Kind, Run, Status, Step};
use futures_util::future::join_all;
use serde_json::{Value, json};
use state::copy::Copied;
use state::run::{Begun, Claimed, expiry, pack};
use tests::world::World;

fn run(world: &World) -> Run {
    let bridge = &world.running.bridge;
    let at = bridge.clock().now();
    Run {
        id: RunId::from_random(world.tenant(), bridge.entropy().bytes::<RANDOM_CHARS>()),
        enterprise: world.enterprise().clone(),
        kind: Kind::FromWelink,
        app: world.demo().remembered.app.clone(),
        began: Stamp { at, by: "test".to_owned() },
        ended: None,
        status: Status::Running,
        simulate: false,
        notes: Vec::new(),
        step: Step::Departments,
        done: 0,
        total: 0,
        fence: 0,
        holder: String::new(),
        slices: 0,
        tries: 0,
        chunks: std::collections::BTreeMap::new(),
        copy: CopyCounts::default(),
        plan: None,
        expires: expiry(at),
    }
}

async fn begin(world: &World) -> Begun {
    let run = run(world);
    let bridge = &world.running.bridge;
    let entry = bridge.entry(world.tenant().clone(), Action::RunBegin, "test", run.id.as_str(), "");
    bridge.store().begin_run(&run, &entry).await.unwrap()
}

async fn begun(world: &World) -> Run {
    let run = if let Begun::Done(run) = begin(world).await { Some(*run) } else { None };
    run.expect("nothing is under way")
}

async fn claim(world: &World, run: &Run) -> Option<Run> {
    match world.running.bridge.store().claim_run(&run.id, run.fence).await.unwrap() {
        Claimed::Mine(run) => Some(*run),
        Claimed::NotMine => None,
    }
}

#[tokio::test]
async fn of_many_who_begin_a_run_or_take_it_one_does() {
    let world = World::start().await;
    let all = join_all((0..6).map(|_| begin(&world))).await;
    let mut done: Vec<Run> =
        all.into_iter().filter_map(|one| if let Begun::Done(run) = one { Some(*run) } else { None }).collect();
    assert_eq!(done.len(), 1, "one run of an enterprise at a time");
    let run = done.remove(0);
    let taken = join_all((0..6).map(|_| claim(&world, &run))).await;
    // The tick of the local bridge may have been faster: then nobody here has it.
    let mine = taken.into_iter().flatten().count();
    assert!(mine <= 1, "{mine} slices have the run");
}

#[tokio::test]
async fn twl_22_a_slice_that_comes_back_late_changes_nothing() {
    let world = World::start().await;
    let store = world.running.bridge.store();
    let first = begun(&world).await;
    let Some(mut late) = claim(&world, &first).await else { return };
    let next = claim(&world, &late).await.expect("told the newest number, the next slice goes on");
    assert!(next.fence > late.fence);
    assert!(!store.holds_run(&late).await.unwrap());
    let rows = pack(&["read by the late one"]).unwrap();
    let after = Run { done: 9, ..late.clone() };
    assert!(!store.save_run(&mut late, after, "P", rows).await.unwrap());
    let entry = world.running.bridge.entry(world.tenant().clone(), Action::RunEnd, "test", late.id.as_str(), "");
    assert!(!store.end_run(&late, &entry).await.unwrap());
    let kept = store.sync_run(&next.id).await.unwrap().unwrap();
    assert_eq!((kept.done, kept.stored("P"), kept.status), (0, 0, Status::Running));
    // What the later slice has written stays.
    let user = WeLinkUserId::parse("late@welink").unwrap();
    let person = |name: &str| Person {
        name_zh: name.to_owned(),
        ..Person::new(world.enterprise().clone(), user.clone(), PersonSource::Sync, world.running.bridge.clock().now())
    };
    assert_eq!(store.copy_person(&person("新"), next.fence).await.unwrap(), Copied::Done);
    assert_eq!(store.copy_person(&person("旧"), late.fence).await.unwrap(), Copied::Overtaken);
    assert_eq!(store.copy_person(&person("新"), next.fence).await.unwrap(), Copied::Done, "its own repetition");
    assert_eq!(store.person(world.enterprise(), &user).await.unwrap().unwrap().name_zh, "新");
    // The next run's numbers are above all of this one's.
    let mut ended = next.clone();
    ended.end(Status::Success, world.running.bridge.clock().now());
    assert!(store.end_run(&ended, &entry).await.unwrap());
    assert!(begun(&world).await.fence > next.fence);
}

#[tokio::test]
async fn twl_22_a_run_whose_slice_fell_silent_is_carried_on_by_the_tick() {
    let world = World::start().await;
    let store = world.running.bridge.store();
    let first = begun(&world).await;
    let Some(silent) = claim(&world, &first).await else { return };
    assert_eq!(store.run_under_way(world.enterprise()).await.unwrap(), Some(silent.id.clone()));
    // Nobody hears of that slice again; its lease ends.
    world.advance_s(domain::run::LEASE_S + 60);
    let ended = world.end_of_run(silent.id.as_str()).await;
    assert_ne!(ended["status"], "running");
    assert!(ended["slices"].as_u64().unwrap() > 1);
    assert_eq!(store.run_under_way(world.enterprise()).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_is_a_tick_or_a_batch_and_what_cannot_be_read_does_not_come_again() {
    let world = World::start().await;
    let bridge = || world.running.bridge.clone();
    let sample = |name: &str| -> Value {
        let path = format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    assert_eq!(org_sync::handle(bridge(), sample("org-sync.tick.json")).await.unwrap(), json!({}));
    let none_failed = json!({ "batchItemFailures": [] });
    // A run that nobody began.
    let mut batch = sample("org-sync.message.json");
    assert_eq!(org_sync::handle(bridge(), batch.clone()).await.unwrap(), none_failed);
    for bad in ["", "{}", "[1]", "{\"run\":\"r_x\",\"fence\":1}"] {
        batch["Records"][0]["body"] = bad.into();
        assert_eq!(org_sync::handle(bridge(), batch.clone()).await.unwrap(), none_failed, "{bad}");
    }
    assert!(org_sync::handle(bridge(), json!({ "hello": 1 })).await.is_err());
}
