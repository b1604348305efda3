//! D.5, from WeLink: the runs of the sync, through the API, the embedded queue and org-sync's entry points.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::Action;
use domain::ids::{DeptCode, WeLinkUserId};
use domain::model::{Person, PersonSource, PersonStatus};
use http::{Method, StatusCode};
use serde_json::json;
use sim::company::TWO_CANDIDATES;
use sim::faults::{Knob, Rule};
use sim::welink::{Member, Permission, VisibleRange};
use state::people::PeopleCursor;
use tests::sync::notes;
use tests::world::{LINKED, World};

const DAY_S: i64 = 86_400;

/// Everybody in the bridge copy, by account.
async fn copied(world: &World) -> BTreeMap<String, Person> {
    let (mut all, mut at) = (BTreeMap::new(), Some(PeopleCursor::default()));
    while let Some(cursor) = at {
        let (page, next) = world.running.bridge.store().people(world.enterprise(), &cursor, 1_000).await.unwrap();
        all.extend(page.into_iter().map(|person| (person.user_id.as_str().to_owned(), person)));
        at = next;
    }
    all
}

async fn person(world: &World, login: &str) -> Option<Person> {
    let user = WeLinkUserId::parse(&format!("{login}@welink")).unwrap();
    world.running.bridge.store().person(world.enterprise(), &user).await.unwrap()
}

fn everybody(world: &World) {
    let known = &world.demo().remembered;
    world.demo().welink.set_visible_range(&known.client_id, VisibleRange::Everyone).unwrap();
}

fn members(world: &World) -> Vec<Member> {
    world.demo().welink.members(&world.demo().remembered.welink_tenant)
}

fn leave(world: &World, login: &str) -> Member {
    let tenant = &world.demo().remembered.welink_tenant;
    world.demo().welink.remove_member(tenant, &format!("{login}@welink")).unwrap()
}

fn join(world: &World, member: Member) {
    world.demo().welink.add_member(&world.demo().remembered.welink_tenant, member).unwrap();
}

#[tokio::test]
async fn fwl_01_departments_and_people_arrive_complete_and_the_oa_is_only_read() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["status"], "success", "{run}");
    let opened: Vec<Member> =
        members(&world).into_iter().filter(|member| member.status != sim::welink::MemberStatus::Closed).collect();
    let copy = copied(&world).await;
    assert!(opened.iter().any(|member| member.dept_codes.len() > 1), "somebody is in several departments");
    for member in &opened {
        let person = &copy[&member.user_id];
        let codes: BTreeSet<&str> = person.departments.iter().map(DeptCode::as_str).collect();
        assert_eq!(codes, member.dept_codes.iter().map(String::as_str).collect(), "{}", member.user_id);
        assert_eq!(person.departments[0].as_str(), member.dept_codes[0], "the main one first");
        assert_eq!((&person.name_zh, person.status, person.synced), (&member.name_zh, PersonStatus::Active, true));
    }
    let synced = copy.values().filter(|person| person.synced).count();
    assert_eq!(synced, opened.len(), "each once");
    let departments = world.running.bridge.store().all_departments(world.enterprise()).await.unwrap();
    let there = world.demo().welink.departments(&world.demo().remembered.welink_tenant);
    for department in &there {
        let own = departments.iter().find(|own| own.code.as_str() == department.dept_code).expect("it is copied");
        let parent = own.parent.as_ref().map(DeptCode::as_str);
        assert_eq!((own.name_zh.as_str(), parent), (department.name_zh.as_str(), Some(&*department.parent_code)));
    }
    assert_eq!(departments.len(), there.len() + 1, "and the company itself");
    let depth = |code: &str| {
        let parent = |code: &&str| there.iter().find(|one| one.dept_code == **code).map(|one| &*one.parent_code);
        std::iter::successors(Some(code), parent).count() - 1
    };
    assert_eq!(there.iter().map(|one| depth(&one.dept_code)).max(), Some(3), "below the company: four levels in all");
    let calls = world.demo().oa.calls();
    assert!(calls.iter().all(|call| call.method == "GET"), "the OA receives no write");
    let journal = world.journal(&run).await;
    let counts = &run["copy"];
    let total: u64 = ["departments", "people"]
        .iter()
        .flat_map(|kind| counts[kind].as_object().unwrap().values())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(u64::try_from(journal.len()).unwrap(), total, "counts equal the journal");
    assert_eq!(world.audited(Action::RunEnd, "ok").await, 1);
    let again = world.run_sync("from-welink").await;
    assert_eq!(again["status"], "success");
    assert!(world.journal(&again).await.is_empty(), "nothing changed, nothing is written");
}

#[tokio::test]
async fn fwl_02_a_timer_starts_a_run_in_its_zone_and_a_second_one_is_skipped() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    // 02:00 in Shanghai, whatever the time is now.
    let timer = json!({ "every": "day", "minute": 120 });
    let saved = world.save_sync(json!({ "from_welink": { "timer": timer } })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let now = world.running.bridge.clock().now();
    let timer = domain::sync_settings::Timer { every: domain::sync_settings::Every::Day, minute: 120 };
    let due = timer.next(now, &domain::zone::Zone::default());
    world.advance_s(due.ms_since(now) / 1000 - 5);
    assert!(world.api(Method::GET, &world.enterprise_path("/runs"), None).await.json().as_array().unwrap().is_empty());
    world.advance_s(6);
    let run = world.runs(1).await.remove(0);
    let (by, began) = (run["by"].as_str(), domain::time::Timestamp(run["began"].as_i64().unwrap()));
    assert_eq!(by, Some("timer"));
    assert!((0..60_000).contains(&began.ms_since(due)), "within 60 s: {}", began.ms_since(due));
    assert_eq!(world.end_of_run(run["id"].as_str().unwrap()).await["status"], "success");
    // The next day it meets a run that waits for WeLink.
    world.demo().faults.set(Knob::Http5xx, Rule::per_mille(1_000).under("/api/contact"));
    world.advance_s(DAY_S - 3_600);
    let waiting = world.ask_for_run("from-welink").await.json();
    world.advance_s(3_600);
    let runs = world.runs(3).await;
    assert_eq!((&runs[0]["status"], &runs[0]["by"]), (&json!("skipped"), &json!("timer")), "{runs:?}");
    assert_eq!(notes(&runs[0]), ["busy"]);
    assert_eq!(runs[1]["id"], waiting["id"]);
    let second = world.ask_for_run("from-welink").await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.json()["type"].as_str().unwrap().ends_with("run-under-way"), "{}", second.body);
}

#[tokio::test]
async fn fwl_03_without_app_or_mode_nothing_begins_and_welink_is_not_called() {
    let world = World::start().await;
    let before = world.demo().welink.call_counts();
    let refused = |page: tests::web::Page| {
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
        assert!(page.json()["type"].as_str().unwrap().ends_with("sync-not-set-up"), "{}", page.body);
    };
    refused(world.ask_for_run("from-welink").await);
    world.authority("welink").await;
    refused(world.ask_for_run("from-welink").await);
    let other = world.other_tenant().await;
    let foreign = world.save_sync(json!({ "app": other.app })).await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", foreign.body);
    refused(world.ask_for_run("from-oa").await);
    let contacts = |counts: &BTreeMap<&'static str, u64>| -> u64 {
        counts.iter().filter(|(name, _)| name.contains("contact")).map(|(_, count)| count).sum()
    };
    assert_eq!(contacts(&world.demo().welink.call_counts()), contacts(&before));
    assert!(world.api(Method::GET, &world.enterprise_path("/runs"), None).await.json().as_array().unwrap().is_empty());
}

async fn auto_bind(world: &World, enabled: bool) {
    let path = world.enterprise_path("/sign-in/auto-bind");
    let now = world.api(Method::GET, &path, None).await.json();
    let pairs = json!([{ "welink": "mobile", "oa": "mobile" }]);
    let change = json!({ "version": now["version"], "enabled": enabled, "pairs": pairs });
    let saved = world.api(Method::PUT, &path, Some(&change)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
}

#[tokio::test]
async fn fwl_04_only_new_people_are_matched_unless_it_says_otherwise() {
    let world = World::start().await;
    everybody(&world);
    let unlinked: Vec<String> = {
        let copy = copied(&world).await;
        let logins = world.demo().company.people.iter().map(|person| person.login.clone());
        let free = logins.filter(|login| !copy.contains_key(&format!("{login}@welink")));
        free.filter(|login| login != TWO_CANDIDATES).collect()
    };
    let (new, old) = (&unlinked[0], &unlinked[1]);
    world.set_up_sync("welink").await;
    // Without auto-bind: the second of them comes into the copy, and is not new any more.
    let hidden = leave(&world, new);
    world.run_sync("from-welink").await;
    join(&world, hidden);
    auto_bind(&world, true).await;
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["copy"]["linked"], 1, "{run}");
    assert!(person(&world, new).await.unwrap().link.is_some());
    assert!(person(&world, old).await.unwrap().link.is_none(), "he was there before");
    let saved = world.save_sync(json!({ "from_welink": { "bind_new_only": false } })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    world.run_sync("from-welink").await;
    assert!(person(&world, old).await.unwrap().link.is_some());
}

#[tokio::test]
async fn fwl_05_a_shrunken_or_empty_read_changes_nothing_and_says_the_numbers() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    world.run_sync("from-welink").await;
    let before = copied(&world).await;
    let shown = before.values().filter(|person| person.synced).count();
    let logins: Vec<String> = world.demo().company.people.iter().map(|person| person.login.clone()).collect();
    let gone: Vec<Member> = logins.iter().take(6).map(|login| leave(&world, login)).collect();
    let run = world.run_sync("from-welink").await;
    assert_eq!((run["status"].as_str(), notes(&run)), (Some("blocked"), vec!["shrunken"]), "{run}");
    let told = run["notes"][0]["en"].as_str().unwrap();
    assert!(told.contains("6 people") && told.contains(&format!("before {shown}, allowed 5")), "{told}");
    assert_eq!(copied(&world).await, before, "the copy is unchanged");
    assert!(world.journal(&run).await.is_empty());
    // One comes back: five may go.
    join(&world, gone[0].clone());
    let run = world.run_sync("from-welink").await;
    assert_eq!((run["status"].as_str(), &run["copy"]["people"]["missing"]), (Some("success"), &json!(5)), "{run}");
    let before = copied(&world).await;
    for member in members(&world) {
        world.demo().welink.remove_member(&world.demo().remembered.welink_tenant, &member.user_id).unwrap();
    }
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["status"], "blocked", "nobody at all: {run}");
    assert_eq!(copied(&world).await, before);
}

#[tokio::test]
async fn fwl_06_who_has_vanished_is_kept_for_30_days_with_his_link_and_then_both_go() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    world.run_sync("from-welink").await;
    let link = person(&world, LINKED).await.unwrap().link.expect("he is linked");
    let member = leave(&world, LINKED);
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["copy"]["people"]["missing"], 1, "{run}");
    let missing = person(&world, LINKED).await.unwrap();
    assert!(matches!(missing.status, PersonStatus::Missing { .. }));
    assert_eq!(missing.link.as_ref(), Some(&link), "suspended, not removed");
    world.advance_s(29 * DAY_S);
    join(&world, member.clone());
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["copy"]["people"]["returned"], 1, "{run}");
    let back = person(&world, LINKED).await.unwrap();
    assert_eq!((back.status, back.link.as_ref()), (PersonStatus::Active, Some(&link)));
    leave(&world, LINKED);
    world.run_sync("from-welink").await;
    world.advance_s(30 * DAY_S + 60);
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["copy"]["people"]["dropped"], 1, "{run}");
    assert_eq!(person(&world, LINKED).await, None);
    assert_eq!(world.running.bridge.store().linked_to(world.enterprise(), &link.oa_user).await.unwrap(), None);
    assert_eq!(world.audited(Action::Unbind, "ok").await, 1);
}

#[tokio::test]
async fn fwl_06_who_has_signed_in_since_he_vanished_from_the_lists_keeps_his_link() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    world.run_sync("from-welink").await;
    let member = leave(&world, LINKED);
    world.run_sync("from-welink").await;
    // The lists do not show him, as outside a narrow range; WeLink signs him in all the same.
    world.advance_s(10 * DAY_S);
    join(&world, member);
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "{}", page.body);
    leave(&world, LINKED);
    world.advance_s(20 * DAY_S + 60);
    let run = world.run_sync("from-welink").await;
    assert_eq!(run["copy"]["people"]["dropped"], 0, "{run}");
    let kept = person(&world, LINKED).await.unwrap();
    assert!(matches!(kept.status, PersonStatus::Missing { .. }) && kept.link.is_some());
}

#[tokio::test]
async fn fwl_09_a_read_that_was_denied_or_is_narrow_is_a_warning_with_its_reason() {
    let world = World::start().await;
    everybody(&world);
    world.set_up_sync("welink").await;
    world.run_sync("from-welink").await;
    let before = copied(&world).await;
    let (welink, client) = (&world.demo().welink, world.demo().remembered.client_id.clone());
    welink.revoke(&client, Permission::Departments).unwrap();
    let run = world.run_sync("from-welink").await;
    assert_eq!((run["status"].as_str(), notes(&run)), (Some("warning"), vec!["permission"]), "{run}");
    assert_eq!(copied(&world).await, before);
    welink.grant(&client, Permission::Departments).unwrap();
    // Somebody signs in whom the app is not shown in the lists.
    let stranger = "newcomer@welink";
    join(&world, Member::named(stranger, "新人", "Newcomer", world.running.bridge.clock().now()));
    let mut met = Person::new(
        world.enterprise().clone(),
        WeLinkUserId::parse(stranger).unwrap(),
        PersonSource::Sso,
        world.running.bridge.clock().now(),
    );
    met.sign_ins.push(domain::model::SignInNote {
        at: world.running.bridge.clock().now(),
        from: String::new(),
        device: String::new(),
    });
    let entry = world.running.bridge.entry(world.tenant().clone(), Action::PersonCreate, "test", stranger, "");
    assert!(world.running.bridge.store().create_person(&met, &entry).await.unwrap());
    welink.set_visible_range(&client, VisibleRange::AllBut(BTreeSet::from([stranger.to_owned()]))).unwrap();
    let run = world.run_sync("from-welink").await;
    assert_eq!((run["status"].as_str(), notes(&run)), (Some("warning"), vec!["narrow-range"]), "{run}");
    assert_eq!(copied(&world).await[stranger].source, PersonSource::Sso, "kept as he is (Q24)");
}
