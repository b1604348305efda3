//! C30: the first account of an installation, made with a setup key.

use admin::setup::{self, First, Stage};
use domain::audit::Action;
use domain::ids::TenantId;
use domain::problem::{self, Problem};
use domain::role::Role;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use tests::world::World;

use crate::accounts::{HERE, PASSWORD, enter, problem_of};

async fn setup_key(world: &World) -> String {
    let made = world.api(Method::POST, "/v1/setup-keys", None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let url = format!("{}/setup?key={key}", world.running.origin("console"));
    assert_eq!(made.json()["url"].as_str(), Some(url.as_str()));
    key
}

async fn set_up(world: &World, key: &str, password: &str) -> Result<TenantId, Problem> {
    let first = First { key, team: "第一个团队", login: "owner@corp.example", name: "所有者", password };
    let made = setup::begin(&world.running.bridge, &first, HERE).await;
    made.map(|(tenant, _)| tenant.id).map_err(|error| error.problem())
}

async fn stage(world: &World) -> Stage {
    setup::stage(&world.running.bridge).await.unwrap()
}

#[tokio::test]
async fn c30_a_setup_key_makes_the_first_owner_once() {
    let world = World::without_accounts(&[]).await;
    assert_eq!(stage(&world).await, Stage::NoKey);
    assert_eq!(set_up(&world, "", PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED);
    let old = setup_key(&world).await;
    let key = setup_key(&world).await;
    assert_eq!(stage(&world).await, Stage::Open);
    assert_eq!(set_up(&world, &old, PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED, "replaced");
    for _ in 0..6 {
        let short = set_up(&world, &key, "short").await.unwrap_err();
        assert_eq!(short, problem::NOT_ACCEPTABLE_FIELD, "costs no try");
    }
    let made = join_all((0..4).map(|_| set_up(&world, &key, PASSWORD))).await;
    let done: Vec<&TenantId> = made.iter().flatten().collect();
    assert_eq!(done.len(), 1, "{made:?}");
    let store = world.running.bridge.store();
    let tenants = store.tenants().await.unwrap();
    assert_eq!(tenants.iter().map(|tenant| &tenant.id).collect::<Vec<_>>(), done);
    let (_, session) = enter(&world, "owner@corp.example", PASSWORD).await.unwrap();
    assert_eq!((session.role, &session.tenant), (Role::Owner, done[0]));
    let audit = store.audit(done[0], store.clock().now(), None).await.unwrap().0;
    assert_eq!(audit.iter().filter(|entry| entry.action == Action::Setup).count(), 1);
    assert_eq!(stage(&world).await, Stage::Closed);
    assert_eq!(set_up(&world, &key, PASSWORD).await.unwrap_err(), problem::SETUP_CLOSED);
    let refused = world.api(Method::POST, "/v1/setup-keys", None).await;
    assert_eq!((refused.status, problem_of(&refused).as_str()), (StatusCode::CONFLICT, "setup-closed"));
}

#[tokio::test]
async fn c30_a_setup_key_ends_after_five_wrong_tries_or_sixty_minutes() {
    let world = World::without_accounts(&[]).await;
    let key = setup_key(&world).await;
    let wrong = join_all((0..5).map(|_| set_up(&world, "wrong", PASSWORD))).await;
    assert!(wrong.iter().all(|made| *made == Err(problem::SETUP_KEY_REFUSED)), "{wrong:?}");
    assert_eq!(stage(&world).await, Stage::NoKey);
    assert_eq!(set_up(&world, &key, PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED);
    let key = setup_key(&world).await;
    world.advance_s(3600);
    assert_eq!(set_up(&world, &key, PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED, "too late");
    let key = setup_key(&world).await;
    world.advance_s(3590);
    assert!(set_up(&world, &key, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn c30_a_setup_key_of_the_deployment_lives_sixty_minutes_from_the_first_request() {
    let key = "deployed".repeat(6);
    let digest = platform::secret::sha256_hex(&key);
    let setting = [("BRIDGE_SETUP_KEY_SHA256", digest.as_str())];
    let world = World::without_accounts(&setting).await;
    assert_eq!(stage(&world).await, Stage::NoKey, "nobody has asked yet");
    world.api_with(Method::GET, "/", None, &[]).await;
    assert_eq!(stage(&world).await, Stage::Open);
    world.advance_s(3600);
    assert_eq!(set_up(&world, &key, PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED);
    // Another sandbox of the same deployment does not begin its time anew.
    let store = world.running.bridge.store();
    store.meet_setup_key(&digest, store.clock().now().plus_s(3600)).await.unwrap();
    assert_eq!(set_up(&world, &key, PASSWORD).await.unwrap_err(), problem::SETUP_KEY_REFUSED);

    let world = World::without_accounts(&setting).await;
    world.api_with(Method::GET, "/", None, &[]).await;
    world.advance_s(3590);
    assert!(set_up(&world, &key, PASSWORD).await.is_ok());
    // An account that the operator made closes the set-up as well.
    let world = World::start().await;
    assert_eq!(stage(&world).await, Stage::Closed);
}
