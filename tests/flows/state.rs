//! The state crate against the embedded table, by the real SDK: claims, counters, paging, what happens once.

use domain::audit::{Action, Entry};
use domain::breaker::Block;
use domain::ids::AppId;
use domain::lockout::Policy;
use domain::pacing::{Lease, Limits};
use domain::time::Timestamp;
use futures_util::future::join_all;
use platform::envelope::Envelope;
use state::Store;
use state::budget::Budget;
use state::due::Due;
use state::lockout::Subject;
use state::token::NewToken;
use tests::world::World;

fn store(world: &World) -> &Store {
    world.running.bridge.store()
}

fn app(world: &World) -> AppId {
    AppId::from_random(world.tenant(), [7; domain::ids::RANDOM_CHARS])
}

fn envelope() -> Envelope {
    serde_json::from_value(serde_json::json!("v1.AAAA")).unwrap()
}

#[tokio::test]
async fn a_token_claim_is_held_by_one_and_ends_with_its_time_or_its_save() {
    let world = World::start().await;
    let (store, app) = (store(&world), app(&world));
    let at = Timestamp(1_000_000);
    let claims = (0..8).map(|n| {
        let app = app.clone();
        async move { store.claim_token(&app, &format!("owner-{n}"), at, at.plus_s(10)).await.unwrap().is_ok() }
    });
    assert_eq!(join_all(claims).await.into_iter().filter(|mine| *mine).count(), 1);
    let holder = store.token(&app).await.unwrap().unwrap().claim_owner.unwrap();
    assert!(store.claim_token(&app, &holder, at, at.plus_s(10)).await.unwrap().is_ok(), "our own repeated claim");
    let later = at.plus_s(11);
    assert!(
        store.claim_token(&app, "late", later, later.plus_s(10)).await.unwrap().is_ok(),
        "an ended claim is taken over"
    );
    let new = || NewToken { token: envelope(), obtained: later, expires: later.plus_s(7200), credentials_version: 1 };
    assert!(!store.save_token(&app, &holder, new()).await.unwrap(), "who lost the claim saves nothing");
    assert!(store.save_token(&app, "late", new()).await.unwrap());
    let saved = store.token(&app).await.unwrap().unwrap();
    assert_eq!((saved.claim_owner, saved.expires), (None, later.plus_s(7200)));
    assert!(store.save_token(&app, "late", new()).await.unwrap(), "our own save whose answer was lost");
}

#[tokio::test]
async fn a_breaker_opens_once_per_step_however_many_open_it() {
    let world = World::start().await;
    let (store, app) = (store(&world), app(&world));
    let bridge = &world.running.bridge;
    let first = Block::after(None, "10007", Timestamp(0), 1);
    let opened = join_all((0..8).map(|_| {
        let (app, first) = (app.clone(), first.clone());
        async move {
            let entry = bridge.entry(app.tenant(), Action::AppBlocked, "bridge", app.as_str(), "");
            store.block_app(&app, &first, &entry).await.unwrap()
        }
    }))
    .await;
    assert_eq!(opened.into_iter().filter(|newly| *newly).count(), 1);
    assert_eq!(world.audited(Action::AppBlocked, "ok").await, 1);
    let second = Block::after(Some(&first), "10007", first.until, 1);
    let entry = bridge.entry(app.tenant(), Action::AppBlocked, "bridge", app.as_str(), "");
    assert!(store.block_app(&app, &second, &entry).await.unwrap());
    assert!(!store.block_app(&app, &first, &entry).await.unwrap(), "an older block changes nothing");
}

#[tokio::test]
async fn a_budget_is_never_leased_twice_by_many_at_once() {
    let world = World::start().await;
    let (store, app) = (store(&world), app(&world));
    let limits = Limits::interface(30, 60, 0);
    let leased = join_all((0..10).map(|_| {
        let app = app.clone();
        async move {
            let budget = Budget::App { app: &app, interface: "/api/x" };
            match store.lease(&budget, Timestamp(60_000), 30, limits, None).await.unwrap() {
                Lease::Granted(grant) => grant.count,
                Lease::NotBefore { .. } => 0,
            }
        }
    }))
    .await;
    assert!(leased.iter().sum::<u32>() <= 60, "{leased:?}");
    assert!(leased.iter().sum::<u32>() >= 30, "{leased:?}");
}

#[tokio::test]
async fn failures_are_counted_by_all_and_end_with_their_window() {
    let world = World::start().await;
    let store = store(&world);
    let policy = Policy { failures_max: 5, window_s: 60 };
    let subject = Subject::Tenant(world.tenant(), "login#someone");
    join_all((0..5).map(|_| async move { store.count_failure(subject, policy).await.unwrap() })).await;
    assert!(store.locked_for_s(subject, policy).await.unwrap().is_some_and(|wait| (1..=60).contains(&wait)));
    world.advance_s(61);
    assert_eq!(store.locked_for_s(subject, policy).await.unwrap(), None);
    store.count_failure(subject, policy).await.unwrap();
    assert_eq!(store.locked_for_s(subject, policy).await.unwrap(), None, "a new window begins at one");
}

#[tokio::test]
async fn audit_pages_are_newest_first_and_complete() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let tenant = domain::ids::TenantId::parse(&other.tenant).unwrap();
    let (store, bridge) = (store(&world), &world.running.bridge);
    for n in 0..250 {
        let entry: Entry = bridge.entry(tenant.clone(), Action::SignIn, &format!("welink:{n}"), "x", "");
        store.append_audit(&entry).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    for _ in 0..10 {
        let (entries, next) = store.audit(&tenant, bridge.clock().now(), before.as_deref()).await.unwrap();
        assert!(entries.len() <= 100);
        seen.extend(entries.into_iter().filter(|entry| entry.action == Action::SignIn));
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 250);
    assert!(seen.windows(2).all(|pair| pair[0].at >= pair[1].at));
}

#[tokio::test]
async fn due_work_is_found_from_its_time_on_and_finished_by_one() {
    let world = World::start().await;
    let store = store(&world);
    let minute = Timestamp(1_800_000_000_000);
    let due = |offset_s: i64, id: &str| Due {
        tenant: world.tenant().clone(),
        at: minute.plus_s(offset_s),
        kind: "probe".to_owned(),
        id: id.to_owned(),
    };
    for (offset, id) in [(30, "b"), (5, "a"), (59, "c"), (61, "next minute")] {
        store.schedule(&due(offset, id)).await.unwrap();
        store.schedule(&due(offset, id)).await.unwrap();
    }
    let found = store.due(world.tenant(), minute.plus_s(40), 10).await.unwrap();
    assert_eq!(
        found.iter().map(|due| due.id.as_str()).collect::<Vec<_>>(),
        ["a", "b"],
        "earliest first, not before its time"
    );
    let finished = join_all((0..4).map(|_| async { store.finish(&found[0]).await.unwrap() })).await;
    assert_eq!(finished.into_iter().filter(|mine| *mine).count(), 1);
    assert_eq!(store.due(world.tenant(), minute.plus_s(60), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn links_are_one_to_one_on_both_sides_at_every_moment() {
    use domain::ids::{OaUserId, WeLinkUserId};
    use domain::model::{Link, LinkOrigin, Stamp};
    use state::link::Bound;

    let world = World::start().await;
    let (store, bridge) = (store(&world), &world.running.bridge);
    let link = |oa_user: &str| Link {
        oa_user: OaUserId::parse(oa_user).unwrap(),
        login_id: String::new(),
        origin: LinkOrigin::Card,
        bound: Stamp { at: Timestamp(0), by: "test".to_owned() },
    };
    let people = &world.demo().company.people;
    let free: Vec<_> =
        people.iter().rev().take(3).map(|p| WeLinkUserId::parse(&format!("{}@welink", p.login)).unwrap()).collect();
    let entry = |user: &WeLinkUserId| bridge.entry(world.tenant().clone(), Action::Bind, "test", user.as_str(), "");
    let attempts = free.iter().map(|user| async {
        let person = bridge.new_person(world.enterprise(), user, domain::model::PersonSource::Admin, None);
        store.create_linked_person(&person, &link("9001"), &entry(user)).await.unwrap()
    });
    let outcomes = join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Bound::Done).count(), 1, "{outcomes:?}");
    let winner = store.linked_to(world.enterprise(), &link("9001").oa_user).await.unwrap().unwrap();
    let again = store.bind(world.enterprise(), &winner, &link("9002"), &entry(&winner)).await.unwrap();
    assert_eq!(again, Bound::PersonRefused, "a linked person is not linked again");
    assert_eq!(store.linked_to(world.enterprise(), &link("9002").oa_user).await.unwrap(), None, "nothing half done");
    let oa_user = link("9001").oa_user;
    assert_eq!(store.unbind(world.enterprise(), &winner, &oa_user, &entry(&winner)).await.unwrap(), Bound::Done);
    assert_eq!(store.linked_to(world.enterprise(), &oa_user).await.unwrap(), None);
    assert_eq!(store.bind(world.enterprise(), &winner, &link("9002"), &entry(&winner)).await.unwrap(), Bound::Done);
}
