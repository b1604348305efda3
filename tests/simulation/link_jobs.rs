//! BND-08, BND-10, BND-11: a link job that is interrupted anywhere, by a crash at any await or by lost answers of the
//! table, loses no row and writes none twice.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Map, Value, json};
use tests::simulated::{Options, Simulated};

use crate::actions::pause_ms;
use crate::campaign::in_virtual_time;
use crate::checker::text;

/// Slices of a job at most; one chunk of rows needs three.
const SLICES_MAX: u32 = 60;
/// A slice that is polled more often has ended before.
const POLLS_MAX: u32 = 2_000;
/// One poll more at a time while everything begins, and larger steps where one write is like the next.
const POLLS_STEP: u32 = 7;
const CONTINUE: &str = "/v1/link-jobs";

/// Each linked person of the first side with his OA user and the way he was linked, told from the person's side; and
/// the same told from the OA users' side.
fn links(world: &Simulated) -> (BTreeMap<String, (String, String)>, BTreeMap<String, String>) {
    let (mut people, mut backs) = (BTreeMap::new(), BTreeMap::new());
    for item in world.table.items().expect("the table can be read") {
        let (pk, sk) = (text(&item, "pk"), text(&item, "sk"));
        if !pk.starts_with(&format!("T#{}#E#", world.sides[0].tenant)) {
            continue;
        }
        match pk.split('#').nth(4) {
            Some("P") => {
                if let Some(link) = item.get("link").and_then(Value::as_object) {
                    people.insert(text(&item, "user_id"), (text(link, "oa_user"), text(link, "origin")));
                }
            }
            Some("B") => {
                backs.insert(text(&item, "person"), sk.trim_start_matches("B#").to_owned());
            }
            _ => {}
        }
    }
    (people, backs)
}

/// The people whose link this job changed, by its audit entries: sorted, repetitions and all.
fn written_by(world: &Simulated, job: &str) -> Vec<String> {
    let of_job = |item: &Map<String, Value>| {
        let is_link = ["link.bind", "link.unbind"].contains(&text(item, "action").as_str());
        is_link && item.get("detail").is_some_and(|detail| detail["job"] == job)
    };
    let items = world.table.items().expect("the table can be read");
    let mut people: Vec<String> = items.iter().filter(|item| of_job(item)).map(|item| text(item, "object")).collect();
    people.sort();
    people
}

/// Asks until there is an answer, as a page does; a job that exists is not made again.
async fn ask(world: &Simulated, method: Method, path: &str, body: &Value) -> Value {
    for _ in 0..SLICES_MAX {
        match world.api(method.clone(), path, body).await {
            Some((status, answer)) if status < 300 => return answer,
            Some((status, answer)) if status < 500 => panic!("{path}: {status} {answer}"),
            _ => pause_ms(1_000).await,
        }
    }
    panic!("{path} never answers");
}

/// Works on a job until it waits for somebody or is done.
async fn work(world: &Simulated, job: &str) -> Value {
    for _ in 0..SLICES_MAX {
        let now = ask(world, Method::POST, &format!("{CONTINUE}/{job}/continue"), &Value::Null).await;
        if now["phase"] != "resolving" && now["phase"] != "applying" {
            return now;
        }
    }
    panic!("{job} never ends");
}

async fn start(seed: u64) -> Simulated {
    Simulated::start(Options { seed, slow_pace: false, skews_ms: vec![0, 0], auto_bind: false }).await
}

/// Unbinds everybody; the answer to the request may be lost, so the newest job is the one.
async fn unbind_all(world: &Simulated, count: usize) -> String {
    let enterprise = &world.sides[0].enterprise;
    let path = format!("/v1/enterprises/{enterprise}/bulk-unbind");
    let made = ask(world, Method::POST, &path, &json!({ "count": count })).await;
    made["id"].as_str().expect("an id").to_owned()
}

/// Uploads everybody's login name.
async fn import(world: &Simulated, people: &BTreeSet<String>) -> String {
    let logins = world.members.iter().filter(|member| member.side == 0 && people.contains(member.user.as_str()));
    let rows = logins.map(|member| format!("{},{}\n", member.user, member.login));
    let file = format!("WeLink account,Relation value\n{}", rows.collect::<String>());
    let path = format!("/v1/enterprises/{}/link-imports?field=login-name", world.sides[0].enterprise);
    let (status, made) = world.upload(&path, file).await.expect("no fault yet");
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

/// Everybody is unbound, linked by a file and unlinked again by undoing it, with every slice disturbed by `disturb`.
async fn there_and_back(world: &Simulated, mut disturb: impl FnMut(&Simulated)) {
    let (before, _) = links(world);
    let people: BTreeSet<String> = before.keys().cloned().collect();
    let all: Vec<String> = people.iter().cloned().collect();
    let job = unbind_all(world, people.len()).await;
    disturb(world);
    assert_eq!(work(world, &job).await["counts"], json!({ "unlinked": people.len() }));
    world.heal();
    assert_eq!(links(world), (BTreeMap::new(), BTreeMap::new()));
    assert_eq!(written_by(world, &job), all, "each once");

    let unbound = job;
    let job = import(world, &people).await;
    disturb(world);
    let preview = work(world, &job).await;
    assert_eq!((&preview["phase"], &preview["counts"]), (&json!("previewed"), &json!({ "link": people.len() })));
    assert_eq!(links(world), (BTreeMap::new(), BTreeMap::new()), "a preview changes nothing");
    world.heal();
    let decision = json!({ "preview": preview["preview"] });
    ask(world, Method::POST, &format!("{CONTINUE}/{job}/apply"), &decision).await;
    disturb(world);
    assert_eq!(work(world, &job).await["counts"], json!({ "linked": people.len() }));
    world.heal();
    let (linked, backs) = links(world);
    assert!(linked.iter().all(|(user, (oa_user, origin))| before[user].0 == *oa_user && origin == "import"));
    assert_eq!(backs, before.iter().map(|(user, (oa_user, _))| (user.clone(), oa_user.clone())).collect());
    assert_eq!(written_by(world, &job), all, "each once");

    for job in [job, unbound] {
        let undoing = ask(world, Method::POST, &format!("{CONTINUE}/{job}/undo"), &Value::Null).await;
        let undoing = undoing["id"].as_str().expect("an id").to_owned();
        disturb(world);
        assert_eq!(work(world, &undoing).await["counts"], json!({ "restored": people.len() }));
        world.heal();
        assert_eq!(written_by(world, &undoing), all, "each once");
    }
    let (after, backs) = links(world);
    assert_eq!(after, before, "every link is as it was");
    assert_eq!(backs.len(), before.len());
    assert!(world.fleet.settle().await);
    assert_eq!(world.fleet.panics(), Vec::<String>::new());
}

#[test]
fn bnd_08_a_crash_at_any_await_of_a_slice_loses_no_row_and_doubles_none() {
    in_virtual_time(0, async {
        let world = start(0).await;
        for polls in (1..POLLS_STEP).chain((POLLS_STEP..POLLS_MAX).step_by(POLLS_STEP as usize)) {
            let before = world.knobs.fired()["function.crash"];
            there_and_back(&world, |world| world.fleet.arm_crash(CONTINUE, polls)).await;
            if world.knobs.fired()["function.crash"] == before {
                assert!(polls > 3 * POLLS_STEP, "a slice has more awaits than {polls}");
                return;
            }
        }
        panic!("a slice never ends");
    });
}

#[test]
fn bnd_08_lost_answers_and_conflicts_of_the_table_double_no_row() {
    for seed in 0..6 {
        in_virtual_time(seed, async {
            let world = start(seed).await;
            there_and_back(&world, |world| {
                for (knob, per_mille) in [("table.answer_lost", 150), ("table.conflict", 100), ("table.throttled", 50)]
                {
                    world.knobs.set(knob, per_mille);
                }
            })
            .await;
            assert!(world.knobs.fired()["table.answer_lost"] > 0, "seed {seed}");
        });
    }
}
