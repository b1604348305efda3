//! ADM-06, C30, SEC-06: who may use the console and its API, as what, and how often somebody may be wrong.

use admin::console_session::{change_own_password, session, sign_in, sign_in_by_welink};
use domain::account::ConsoleSession;
use domain::audit::Action;
use domain::ids::{TenantId, WeLinkUserId};
use domain::problem::{self, Problem};
use domain::role::{Permission, Role};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::UNLINKED;
use tests::web::Page;
use tests::world::World;

pub const PASSWORD: &str = "correct horse battery";
pub const HERE: &str = "203.0.113.7";
const AGENT: &str = "Firefox";

/// An API key of this role: the value of its header.
async fn bearer(world: &World, tenant: &str, role: Role) -> String {
    let body = json!({ "name": format!("{} key", role.name()), "role": role });
    let made = world.api(Method::POST, &format!("/v1/tenants/{tenant}/api-keys"), Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    format!("Bearer {}", made.json()["key"].as_str().unwrap())
}

async fn call(world: &World, bearer: &str, method: &str, path: &str, body: Option<&Value>) -> Page {
    world.api_with(method.parse().unwrap(), path, body, &[("authorization", bearer)]).await
}

pub async fn account(world: &World, tenant: &str, login: &str, role: Role) -> Value {
    let body = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
    let made = world.api(Method::POST, &format!("/v1/tenants/{tenant}/accounts"), Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.json()
}

pub async fn change(world: &World, account: &Value, change: Value) -> Page {
    let path = format!("/v1/accounts/{}", account["id"].as_str().unwrap());
    let mut body = change;
    body["version"] = world.api(Method::GET, &path, None).await.json()["version"].clone();
    world.api(Method::PATCH, &path, Some(&body)).await
}

pub async fn enter(world: &World, login: &str, password: &str) -> Result<(String, ConsoleSession), Problem> {
    let entered = sign_in(&world.running.bridge, login, password, HERE, AGENT).await;
    entered.map_err(|error| error.problem())
}

async fn is_live(world: &World, cookie: &str) -> bool {
    session(&world.running.bridge, cookie).await.unwrap().is_some()
}

/// A route with ids that nobody has.
fn of_nobody(route: &str) -> String {
    let id = |kind: &str| format!("{kind}_{}", "z".repeat(36));
    route
        .replace("{tenant}", &"z".repeat(10))
        .replace("{instance}", &id("o"))
        .replace("{enterprise}", &id("e"))
        .replace("{app}", &id("a"))
        .replace("{account}", &id("u"))
        .replace("{key}", &id("y"))
        .replace("{session}", &"0".repeat(64))
        .replace("{user}", "nobody@welink")
}

pub fn problem_of(page: &Page) -> String {
    page.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn adm_06_a_binder_may_link_but_gets_403_on_settings_and_an_auditor_on_every_write() {
    let world = World::start().await;
    let tenant = world.tenant().as_str();
    let enterprise = world.enterprise();
    let (binder, auditor) = (bearer(&world, tenant, Role::Binder).await, bearer(&world, tenant, Role::Auditor).await);
    let link = json!({
        "user_id": format!("{}@welink", UNLINKED[0]), "oa_user": { "by": "login_id", "value": UNLINKED[0] },
    });
    let links = format!("/v1/enterprises/{enterprise}/links");
    let refused = call(&world, &auditor, "POST", &links, Some(&link)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let linked = call(&world, &binder, "POST", &links, Some(&link)).await;
    assert_eq!(linked.status, StatusCode::CREATED, "{}", linked.body);
    for at in ["sign-in", "from-welink", "from-oa"] {
        let path = format!("/v1/enterprises/{enterprise}/{at}/auto-bind");
        let seen = call(&world, &binder, "GET", &path, None).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        let body = json!({ "version": seen.json()["version"], "enabled": true });
        let refused = call(&world, &binder, "PUT", &path, Some(&body)).await;
        assert_eq!((refused.status, problem_of(&refused).as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{path}");
    }
    let before = world.audit().await.len();
    let mut asked = 0;
    for (method, route) in tests::world::routes().filter(|(method, _)| *method != "GET") {
        let own = route
            .replace("{tenant}", tenant)
            .replace("{instance}", world.demo().remembered.oa_instance.as_str())
            .replace("{enterprise}", enterprise.as_str())
            .replace("{app}", world.demo().remembered.app.as_str());
        let body = json!({ "name": "x", "version": 0, "enabled": false });
        let page = call(&world, &auditor, method, &of_nobody(&own), Some(&body)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{method} {route}: {}", page.body);
        asked += 1;
    }
    assert!(asked >= 18, "{asked}");
    assert_eq!(world.audit().await.len(), before, "nothing was changed");
}

#[tokio::test]
async fn c30_each_role_meets_403_exactly_where_its_table_says() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let theirs = account(&world, &other.tenant, "stranger", Role::Owner).await;
    let theirs = format!("/v1/accounts/{}", theirs["id"].as_str().unwrap());
    let mut asked = 0;
    for role in Role::ALL {
        let key = bearer(&world, world.tenant().as_str(), role).await;
        // One's own password is changed by a session: no key may.
        for route in admin::ROUTES.iter().filter(|route| route.path != "/v1/me/password") {
            let page = call(&world, &key, route.method, &of_nobody(route.path), Some(&json!({}))).await;
            let refused = page.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !role.may(route.needs), "{role:?} {} {}: {}", route.method, route.path, page.body);
            assert!(refused || page.status == StatusCode::NOT_FOUND || page.status == StatusCode::OK, "{}", page.body);
            asked += 1;
        }
        // What another tenant has does not exist for him.
        for path in [format!("/v1/tenants/{}", other.tenant), format!("/v1/apps/{}", other.app)] {
            assert_eq!(call(&world, &key, "GET", &path, None).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        if role == Role::Owner {
            for (method, path) in
                [("GET", theirs.clone()), ("DELETE", theirs.clone()), ("GET", format!("{theirs}/sessions"))]
            {
                assert_eq!(call(&world, &key, method, &path, None).await.status, StatusCode::NOT_FOUND, "{path}");
            }
        }
        let me = call(&world, &key, "GET", "/v1/me", None).await.json();
        assert_eq!(me["role"], role.name());
        assert_eq!(
            (me["tenant"].as_str(), me["name"].as_str().unwrap().starts_with("key:")),
            (Some(world.tenant().as_str()), true)
        );
    }
    assert!(asked >= 160 && admin::ROUTES.iter().any(|route| route.needs == Permission::Install));
    let me = world.api(Method::GET, "/v1/me", None).await.json();
    assert_eq!(me, json!({ "name": "operator" }));
}

#[tokio::test]
async fn c30_an_api_key_is_shown_once_and_ends_with_its_time_or_its_deletion() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/api-keys", world.tenant());
    let soon = world.running.bridge.clock().now().plus_s(600);
    let made = world.api(Method::POST, &path, Some(&json!({ "name": "短", "role": "auditor", "expires": soon }))).await;
    let short = format!("Bearer {}", made.json()["key"].as_str().unwrap());
    let kept = bearer(&world, world.tenant().as_str(), Role::Operator).await;
    let past = json!({ "name": "x", "role": "auditor", "expires": soon.plus_s(-601) });
    assert_eq!(world.api(Method::POST, &path, Some(&past)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for key in [&short, &kept] {
        assert_eq!(call(&world, key, "GET", "/v1/me", None).await.status, StatusCode::OK);
    }
    let listed = world.api(Method::GET, &path, None).await;
    assert_eq!(listed.json().as_array().unwrap().len(), 2);
    assert_eq!(listed.json()[0]["last_used_day"].as_str().unwrap().len(), "2026-11-25".len());
    for key in [&short, &kept] {
        let secret = key.split_once('.').unwrap().1;
        assert!(secret.len() >= 26 && !listed.body.contains(secret));
    }
    world.advance_s(601);
    assert_eq!(call(&world, &short, "GET", "/v1/me", None).await.status, StatusCode::UNAUTHORIZED, "expired");
    assert_eq!(call(&world, &kept, "GET", "/v1/me", None).await.status, StatusCode::OK);
    let id = kept.trim_start_matches("Bearer ").split_once('.').unwrap().0;
    assert_eq!(world.api(Method::DELETE, &format!("/v1/api-keys/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.api(Method::DELETE, &format!("/v1/api-keys/{id}"), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(call(&world, &kept, "GET", "/v1/me", None).await.status, StatusCode::UNAUTHORIZED, "deleted");
    let audited = [world.audited(Action::ApiKeyCreate, "ok").await, world.audited(Action::ApiKeyDelete, "ok").await];
    assert_eq!(audited, [2, 1]);
    // Wrong secrets count as wrong operator keys do: two failures so far.
    let wrong = format!("{}x", bearer(&world, world.tenant().as_str(), Role::Auditor).await);
    for _ in 0..8 {
        assert_eq!(call(&world, &wrong, "GET", "/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    }
    let locked = call(&world, &wrong, "GET", "/v1/me", None).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn c30_whatever_changes_an_account_ends_its_sessions() {
    let world = World::start().await;
    let tenant = world.tenant().as_str();
    let enterprise = world.enterprise();
    let made = account(&world, tenant, "li.hua@corp.example", Role::Operator).await;
    let person = json!({ "enterprise": enterprise, "user": "lihua@welink" });
    for (number, step) in [
        json!({ "role": "binder" }),
        json!({ "name": "李华" }),
        json!({ "welink": person }),
        json!({ "welink": null }),
        json!({ "password": "another horse battery" }),
        json!({ "enabled": false }),
    ]
    .into_iter()
    .enumerate()
    {
        let password = if number < 5 { PASSWORD } else { "another horse battery" };
        let (first, _) = enter(&world, "Li.Hua@Corp.example", password).await.unwrap();
        let (second, shown) = enter(&world, "li.hua@corp.example", password).await.unwrap();
        assert!(is_live(&world, &first).await && is_live(&world, &second).await);
        if number == 1 {
            assert_eq!(shown.role, Role::Binder, "a new session shows the account as it is");
        }
        let changed = change(&world, &made, step.clone()).await;
        assert_eq!(changed.status, StatusCode::OK, "{step}: {}", changed.body);
        assert!(!changed.body.contains("argon2") && !changed.body.contains(password));
        assert!(!is_live(&world, &first).await && !is_live(&world, &second).await, "{step}");
    }
    let refused = enter(&world, "li.hua@corp.example", "another horse battery").await.unwrap_err();
    assert_eq!(refused, problem::WRONG_SIGN_IN, "a disabled account answers as a wrong password does");
    change(&world, &made, json!({ "enabled": true })).await;
    let (cookie, _) = enter(&world, "li.hua@corp.example", "another horse battery").await.unwrap();
    let path = format!("/v1/accounts/{}", made["id"].as_str().unwrap());
    assert_eq!(world.api(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert!(!is_live(&world, &cookie).await);
    assert_eq!(world.api(Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
    // Its login is free again.
    account(&world, tenant, "li.hua@corp.example", Role::Auditor).await;
}

#[tokio::test]
async fn sec_03_each_change_of_an_account_writes_one_entry() {
    let world = World::start().await;
    let tenant = world.tenant().as_str();
    let before = world.audit().await.len();
    let made = account(&world, tenant, "audited", Role::Binder).await;
    change(&world, &made, json!({ "role": "auditor" })).await;
    change(&world, &made, json!({ "password": "another horse battery" })).await;
    enter(&world, "audited", "another horse battery").await.unwrap();
    enter(&world, "audited", "wrong horse battery").await.unwrap_err();
    let path = format!("/v1/accounts/{}", made["id"].as_str().unwrap());
    let sessions = world.api(Method::GET, &format!("{path}/sessions"), None).await.json();
    world.api(Method::DELETE, &format!("{path}/sessions/{}", sessions[0]["id"].as_str().unwrap()), None).await;
    world.api(Method::DELETE, &path, None).await;
    let audit = world.audit().await;
    let told: Vec<_> = audit.iter().take(audit.len() - before).map(|entry| entry.action).collect();
    let wanted = [
        Action::AccountDelete,
        Action::SessionEnd,
        Action::SessionRefused,
        Action::SessionBegin,
        Action::AccountPassword,
        Action::AccountUpdate,
        Action::AccountCreate,
    ];
    assert_eq!(told, wanted);
    assert_eq!(audit[5].detail["role"], "binder -> auditor");
    assert!(audit[..7].iter().all(|entry| entry.object == made["id"].as_str().unwrap()));
}

#[tokio::test]
async fn c30_no_session_slips_through_between_sign_in_and_change() {
    let world = World::start().await;
    for round in 0..4 {
        let login = format!("racer{round}");
        let made = account(&world, world.tenant().as_str(), &login, Role::Operator).await;
        let enters = join_all((0..6).map(|_| enter(&world, &login, PASSWORD)));
        let (entered, changed) = tokio::join!(enters, change(&world, &made, json!({ "enabled": false })));
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        for (cookie, _) in entered.into_iter().flatten() {
            assert!(!is_live(&world, &cookie).await, "round {round}");
        }
        let sessions = format!("/v1/accounts/{}/sessions", made["id"].as_str().unwrap());
        assert_eq!(world.api(Method::GET, &sessions, None).await.json(), json!([]));
    }
}

#[tokio::test]
async fn c30_sessions_end_by_themselves_and_can_be_listed_and_ended() {
    let world = World::start().await;
    let made = account(&world, world.tenant().as_str(), "wang", Role::Operator).await;
    let sessions = format!("/v1/accounts/{}/sessions", made["id"].as_str().unwrap());
    let (idle, _) = enter(&world, "wang", PASSWORD).await.unwrap();
    let (used, _) = enter(&world, "wang", PASSWORD).await.unwrap();
    for _ in 0..24 {
        world.advance_s(29 * 60);
        assert!(is_live(&world, &used).await);
    }
    assert!(!is_live(&world, &idle).await, "unused for 30 minutes");
    world.advance_s(25 * 60);
    assert!(!is_live(&world, &used).await, "12 hours are over");
    let (cookie, opened) = enter(&world, "wang", PASSWORD).await.unwrap();
    let listed = world.api(Method::GET, &sessions, None).await;
    let shown = listed.json();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{}", listed.body);
    assert_eq!((shown[0]["from"].as_str(), shown[0]["agent"].as_str()), (Some(HERE), Some(AGENT)));
    let secret = cookie.split_once('.').unwrap().1;
    assert!(!listed.body.contains(secret) && !listed.body.contains(opened.csrf.expose()));
    let one = format!("{sessions}/{}", shown[0]["id"].as_str().unwrap());
    assert_eq!(world.api(Method::DELETE, &one, None).await.status, StatusCode::NO_CONTENT);
    assert!(!is_live(&world, &cookie).await);
    assert_eq!(world.api(Method::DELETE, &one, None).await.status, StatusCode::NOT_FOUND);
    // The oldest goes when there are too many.
    let mut cookies = Vec::new();
    for _ in 0..22 {
        cookies.push(enter(&world, "wang", PASSWORD).await.unwrap().0);
        world.advance_s(1);
    }
    assert_eq!(world.api(Method::GET, &sessions, None).await.json().as_array().unwrap().len(), 20);
    assert!(!is_live(&world, &cookies[1]).await && is_live(&world, &cookies[2]).await);
    for cookie in ["", ".", "u_x.y", &cookies[21][..40], &format!("{}0", cookies[21])] {
        assert!(!is_live(&world, cookie).await, "{cookie}");
    }
}

#[tokio::test]
async fn c30_an_own_password_is_changed_after_the_present_one() {
    let world = World::start().await;
    let bridge = &world.running.bridge;
    account(&world, world.tenant().as_str(), "zhao", Role::Binder).await;
    let (before, session) = enter(&world, "zhao", PASSWORD).await.unwrap();
    let (other, _) = enter(&world, "zhao", PASSWORD).await.unwrap();
    for (current, new, field) in [
        (PASSWORD, "short", "password"),
        (PASSWORD, "zhao", "password"),
        ("wrong horse battery", "new horse battery", "current_password"),
    ] {
        let refused = change_own_password(bridge, &session, current, new, HERE, AGENT).await.unwrap_err();
        assert_eq!(refused.fields_in(domain::text::Lang::En)[0].0, field);
        assert!(is_live(&world, &before).await);
    }
    let changed = change_own_password(bridge, &session, PASSWORD, "new horse battery", HERE, AGENT).await.unwrap();
    assert!(is_live(&world, &changed.0).await);
    assert!(!is_live(&world, &before).await && !is_live(&world, &other).await);
    assert_eq!(enter(&world, "zhao", PASSWORD).await.unwrap_err(), problem::WRONG_SIGN_IN);
    assert!(enter(&world, "zhao", "new horse battery").await.is_ok());
}

#[tokio::test]
async fn c30_the_last_enabled_owner_stays_also_when_many_try_at_once() {
    let world = World::start().await;
    let tenant = world.other_tenant().await.tenant;
    let path = format!("/v1/tenants/{tenant}/accounts");
    let only = account(&world, &tenant, "first.owner", Role::Owner).await;
    for step in [json!({ "role": "operator" }), json!({ "enabled": false })] {
        let refused = change(&world, &only, step).await;
        assert_eq!((refused.status, problem_of(&refused).as_str()), (StatusCode::CONFLICT, "last-owner"));
    }
    let one = format!("/v1/accounts/{}", only["id"].as_str().unwrap());
    let refused = world.api(Method::DELETE, &one, None).await;
    assert_eq!((refused.status, problem_of(&refused).as_str()), (StatusCode::CONFLICT, "last-owner"));
    for round in 0..4 {
        let mut owners = Vec::new();
        for n in 0..3 {
            owners.push(account(&world, &tenant, &format!("owner{round}{n}"), Role::Owner).await);
        }
        let all: Vec<Value> = world.api(Method::GET, &path, None).await.json().as_array().unwrap().clone();
        let world = &world;
        let demote = |(n, account): (usize, &Value)| {
            let account = account.clone();
            async move {
                match n % 3 {
                    0 => change(world, &account, json!({ "role": "auditor" })).await,
                    1 => change(world, &account, json!({ "enabled": false })).await,
                    _ => {
                        let path = format!("/v1/accounts/{}", account["id"].as_str().unwrap());
                        world.api(Method::DELETE, &path, None).await
                    }
                }
            }
        };
        let owners: Vec<&Value> = all.iter().filter(|a| a["role"] == "owner" && a["enabled"] == true).collect();
        let pages = join_all(owners.iter().copied().enumerate().map(demote)).await;
        let refused = pages.iter().filter(|page| page.status == StatusCode::CONFLICT).count();
        assert_eq!(refused, 1, "round {round}: {:?}", pages.iter().map(|page| &page.body).collect::<Vec<_>>());
        let left = world.api(Method::GET, &path, None).await.json();
        let left = left.as_array().unwrap().iter().filter(|a| a["role"] == "owner" && a["enabled"] == true).count();
        assert_eq!(left, 1, "round {round}");
    }
}

#[tokio::test]
async fn c30_a_linked_person_signs_in_by_welink_as_his_account_alone() {
    let world = World::start().await;
    let (bridge, enterprise) = (&world.running.bridge, world.enterprise());
    let user = WeLinkUserId::parse("lihua@welink").unwrap();
    let enter = || sign_in_by_welink(bridge, enterprise, &user, HERE, AGENT);
    assert_eq!(enter().await.unwrap_err().problem(), problem::NO_ACCOUNT);
    let one = account(&world, world.tenant().as_str(), "li.hua", Role::Operator).await;
    let two = account(&world, world.tenant().as_str(), "li.hua.too", Role::Operator).await;
    let person = json!({ "welink": { "enterprise": enterprise, "user": user } });
    assert_eq!(change(&world, &one, person.clone()).await.status, StatusCode::OK);
    let taken = change(&world, &two, person).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY, "one account per person: {}", taken.body);
    let theirs = world.other_tenant().await.enterprise;
    let crossed = json!({ "welink": { "enterprise": theirs, "user": user } });
    assert_eq!(change(&world, &two, crossed).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (cookie, session) = enter().await.unwrap();
    assert_eq!((session.login.as_str(), is_live(&world, &cookie).await), ("li.hua", true));
    change(&world, &one, json!({ "enabled": false })).await;
    assert!(!is_live(&world, &cookie).await);
    assert_eq!(enter().await.unwrap_err().problem(), problem::NO_ACCOUNT);
    change(&world, &one, json!({ "enabled": true, "welink": null })).await;
    assert_eq!(enter().await.unwrap_err().problem(), problem::NO_ACCOUNT);
    assert_eq!(world.audited(Action::SessionRefused, "no-account").await, 3);
}

#[tokio::test]
async fn c30_logins_are_unique_over_all_tenants_and_name_theirs() {
    let world = World::start().await;
    let other = world.other_tenant().await.tenant;
    account(&world, world.tenant().as_str(), "Chen.Wei", Role::Owner).await;
    let body = json!({ "login": " CHEN.wei ", "name": "陈伟", "role": "owner", "password": PASSWORD });
    let taken = world.api(Method::POST, &format!("/v1/tenants/{other}/accounts"), Some(&body)).await;
    assert_eq!((taken.status, problem_of(&taken).as_str()), (StatusCode::CONFLICT, "name-taken"));
    account(&world, &other, "chen.wei@other", Role::Owner).await;
    for (login, tenant) in [("chen.wei", world.tenant().as_str()), ("chen.wei@other", other.as_str())] {
        let (_, session) = enter(&world, login, PASSWORD).await.unwrap();
        assert_eq!(session.tenant.as_str(), tenant);
        assert_eq!(session.role, Role::Owner);
    }
    let listed = world.api(Method::GET, &format!("/v1/tenants/{other}/accounts"), None).await;
    assert_eq!(listed.json().as_array().unwrap().len(), 1, "{}", listed.body);
    assert!(!listed.body.contains("argon2"));
    // What the demonstration prints works.
    let password = &world.demo().remembered.admin_password;
    assert_eq!(enter(&world, "admin", password).await.unwrap().1.role, Role::Owner);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_06_lockouts_survive_restarts_are_per_tenant_and_end_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::in_folder(folder.path(), &[]).await;
    let (tenant, port) = (world.tenant().clone(), world.running.port);
    let other = TenantId::parse(&world.other_tenant().await.tenant).unwrap();
    account(&world, tenant.as_str(), "sun.li", Role::Operator).await;
    account(&world, other.as_str(), "sun.li.2", Role::Operator).await;
    for n in 0..5 {
        let login = if n % 2 == 0 { "sun.li" } else { " SUN.LI " };
        assert_eq!(enter(&world, login, "wrong horse battery").await.unwrap_err(), problem::WRONG_SIGN_IN);
        assert_eq!(enter(&world, "nobody.here", PASSWORD).await.unwrap_err(), problem::WRONG_SIGN_IN);
    }
    assert_eq!(enter(&world, "sun.li", PASSWORD).await.unwrap_err(), problem::LOCKED, "also the right password waits");
    assert_eq!(enter(&world, "nobody.here", PASSWORD).await.unwrap_err(), problem::LOCKED, "as for nobody");
    assert!(enter(&world, "sun.li.2", PASSWORD).await.is_ok(), "another tenant is not touched");
    assert_eq!(world.audited(Action::SessionRefused, "wrong-sign-in").await, 5);
    assert_eq!(world.audited(Action::SessionRefused, "locked").await, 1);
    world.running.stop().await.unwrap();

    let again = World::again(folder.path(), port).await;
    assert_eq!(enter(&again, "sun.li", PASSWORD).await.unwrap_err(), problem::LOCKED, "after a restart");
    assert!(enter(&again, "sun.li.2", PASSWORD).await.is_ok());
    again.advance_s(901);
    assert!(enter(&again, "sun.li", PASSWORD).await.is_ok(), "it ends by itself");
    let password = &again.demo().remembered.admin_password;
    assert!(enter(&again, "admin", password).await.is_ok(), "the password of the first start is kept");
}

#[tokio::test]
async fn sec_06_an_address_is_locked_after_thirty_wrong_tries_of_any_login() {
    let world = World::start().await;
    account(&world, world.tenant().as_str(), "he.fang", Role::Auditor).await;
    for n in 0..30 {
        assert_eq!(enter(&world, &format!("guess{n}"), PASSWORD).await.unwrap_err(), problem::WRONG_SIGN_IN, "{n}");
    }
    assert_eq!(enter(&world, "he.fang", PASSWORD).await.unwrap_err(), problem::LOCKED);
    let elsewhere = sign_in(&world.running.bridge, "he.fang", PASSWORD, "198.51.100.9", AGENT).await;
    assert!(elsewhere.is_ok(), "another address is not touched");
    world.advance_s(901);
    assert!(enter(&world, "he.fang", PASSWORD).await.is_ok());
}
