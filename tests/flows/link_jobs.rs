//! BND-05, BND-07, BND-08, BND-10, BND-11 and BND-12: many links at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::audit::Action;
use domain::ids::WeLinkUserId;
use domain::model::{Link, LinkOrigin, Person, PersonSource};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use sim::company::{TWO_CANDIDATES, UNLINKED};
use sim::oa::Account;
use tests::web::Page;
use tests::world::{LINKED, World};

/// Slices of a job at most.
const SLICES_MAX: usize = 200;

/// A person of the bridge copy without a link.
pub async fn add_person(world: &World, login: &str) {
    let bridge = &world.running.bridge;
    let user_id = WeLinkUserId::parse(&format!("{login}@welink")).unwrap();
    let entry = bridge.entry(world.tenant().clone(), Action::PersonCreate, "test", user_id.as_str(), "");
    let mut person = Person::new(world.enterprise().clone(), user_id, PersonSource::Sso, bridge.clock().now());
    "测试员".clone_into(&mut person.name_zh);
    assert!(bridge.store().create_person(&person, &entry).await.unwrap());
}

/// An account of the OA with this login name and mobile.
fn add_account(world: &World, login: &str, mobile: &str, change: impl FnOnce(&mut Account)) {
    let mut account = world.demo().oa.accounts()[0].clone();
    account.id = format!("id-{login}");
    login.clone_into(&mut account.login);
    account.mobile = format!("+86{mobile}");
    account.email = format!("{login}@corp.example");
    account.work_code = format!("C-{login}");
    change(&mut account);
    assert!(world.demo().oa.add_account(account));
}

/// Posts a file with a query.
pub async fn upload(world: &World, query: &str, file: impl Into<Bytes>) -> Page {
    let path =
        format!("{}/v1/enterprises/{}/link-imports?{query}", world.running.origin("console"), world.enterprise());
    let key = format!("Bearer {}", world.running.operator_key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/octet-stream")];
    world.browser().send(Method::POST, &path.parse().unwrap(), &headers, file).await.unwrap()
}

/// A file as it comes, byte for byte.
pub async fn download(world: &World, path: &str) -> (HeaderMap, Bytes) {
    let request = Request::get(format!("{}{path}", world.running.origin("console")))
        .header("authorization", format!("Bearer {}", world.running.operator_key));
    let minute = std::time::Duration::from_mins(1);
    let answer = world.transport().send(request.body(Bytes::new()).unwrap(), minute).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}: {:?}", answer.body());
    let (parts, body) = answer.into_parts();
    (parts.headers, body)
}

async fn post(world: &World, path: &str, body: &Value) -> Page {
    world.api(Method::POST, path, Some(body)).await
}

/// Works on a job until it waits for a decision or has ended.
pub async fn work(world: &World, job: &str) -> Value {
    for _ in 0..SLICES_MAX {
        let page = post(world, &format!("/v1/link-jobs/{job}/continue"), &Value::Null).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let job = page.json();
        assert!(job["done"].as_u64() <= job["total"].as_u64());
        if job["phase"] != "resolving" && job["phase"] != "applying" {
            return job;
        }
    }
    unreachable!("{job} never ends")
}

/// Uploads a file and works on it until it is previewed.
pub async fn preview(world: &World, query: &str, file: impl Into<Bytes>) -> Value {
    let made = upload(world, query, file).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let previewed = work(world, made.json()["id"].as_str().unwrap()).await;
    assert_eq!(previewed["phase"], "previewed", "{previewed}");
    previewed
}

fn path_of(job: &Value, what: &str) -> String {
    format!("/v1/link-jobs/{}/{what}", job["id"].as_str().unwrap())
}

async fn decide(world: &World, job: &Value) -> Page {
    post(world, &path_of(job, "apply"), &json!({ "preview": job["preview"] })).await
}

/// Applies a preview to its end.
async fn apply(world: &World, job: &Value) -> Value {
    let page = decide(world, job).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    work(world, job["id"].as_str().unwrap()).await
}

/// The outcome of each row, by its number in the file.
async fn outcomes(world: &World, job: &Value) -> BTreeMap<u32, String> {
    let (_, file) = download(world, &path_of(job, "result?format=csv")).await;
    let text = String::from_utf8(file.to_vec()).unwrap();
    let rows = text.strip_prefix('\u{feff}').unwrap().lines().skip(1);
    let cell = |row: &str, at: usize| row.split(',').nth(at).unwrap().to_owned();
    rows.map(|row| (cell(row, 0).parse().unwrap(), cell(row, 3))).collect()
}

async fn link_of(world: &World, login: &str) -> Option<Link> {
    crate::sign_in::person(world, world.enterprise(), login).await.link
}

/// Every person's link, by his user id.
async fn links(world: &World) -> BTreeMap<String, Option<Link>> {
    let store = world.running.bridge.store();
    let (mut all, mut at) = (BTreeMap::new(), Some(state::people::PeopleCursor::default()));
    while let Some(cursor) = at {
        let (people, next) = store.people(world.enterprise(), &cursor, 100).await.unwrap();
        all.extend(people.into_iter().map(|person| (person.user_id.as_str().to_owned(), person.link)));
        at = next;
    }
    all
}

fn linked(all: &BTreeMap<String, Option<Link>>) -> usize {
    all.values().flatten().count()
}

/// The people of the tables below, and their accounts.
async fn cast(world: &World) {
    for login in ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
        add_person(world, login).await;
    }
    add_account(world, "b1", "13911110001", |_| ());
    add_account(world, "b2", "13911110002", |_| ());
    add_account(world, "b3", "13911110003", |_| ());
    add_account(world, "left", "13911110004", |account| account.active = false);
    add_account(world, "main", "13911110005", |_| ());
    add_account(world, "second", "13911110006", |account| account.main_account = Some("id-main".to_owned()));
}

const EVERY_CASE: &str = "\
WeLink 账号 / WeLink account,姓名,关联值 / Relation value
b@welink,B,139-1111-0001
c@welink,C,13900000000
d@welink,D,13800000059
lihua@welink,李华,13911110002
e@welink,E,13911110003
f@welink,F,+86 13911110003
g@welink,G,13800000001
h@welink,H,
nobody@welink,N,13911110002
,X,13911110002
i@welink,I,13911110004
j@welink,J,13800000058
j@welink,J,13800000060
k@welink,K,13911110006
";

#[tokio::test]
async fn bnd_07_the_manuals_example_links_and_each_wrong_row_is_an_error_of_its_own() {
    let world = World::start().await;
    cast(&world).await;
    let two = world.demo().company.person(TWO_CANDIDATES).unwrap().mobile.clone();
    assert_eq!(two, "13800000059", "the table's person with two accounts");
    let job = preview(&world, "field=mobile", EVERY_CASE).await;
    let done = apply(&world, &job).await;
    let want = [
        (2, "linked"),
        (3, "unknown-value"),
        (4, "ambiguous-value"),
        (5, "already-linked"),
        (6, "duplicate-claim"),
        (7, "duplicate-claim"),
        (8, "oa-user-taken"),
        (9, "skipped"),
        (10, "unknown-person"),
        (11, "no-user-id"),
        (12, "inactive-oa-user"),
        (13, "duplicate-person"),
        (14, "duplicate-person"),
        (15, "linked"),
    ];
    let want: BTreeMap<u32, String> = want.into_iter().map(|(row, status)| (row, status.to_owned())).collect();
    assert_eq!(outcomes(&world, &job).await, want);
    assert_eq!((&done["counts"]["linked"], &done["phase"]), (&json!(2), &json!("done")));
    let link = link_of(&world, "b").await.unwrap();
    assert_eq!((link.oa_user.as_str(), link.login_id.as_str(), link.origin), ("id-b1", "b1", LinkOrigin::Import));
    assert_eq!(link.bound.by, "operator");
    assert_eq!(
        link_of(&world, "k").await.unwrap().oa_user.as_str(),
        "id-main",
        "the main account of the secondary one"
    );
    assert_eq!(link_of(&world, LINKED).await.unwrap().login_id, LINKED, "left as it was");
    for login in ["c", "d", "e", "f", "g", "h", "i", "j"] {
        assert_eq!(link_of(&world, login).await, None, "{login}");
    }
    let entries = world.audit().await;
    let of_job = |entry: &&domain::audit::Entry| entry.detail.get("job").is_some_and(|id| job["id"] == id.as_str());
    assert_eq!(entries.iter().filter(of_job).count(), 2, "one entry per link");
    for action in [Action::LinkJobBegin, Action::LinkJobPreview, Action::LinkJobApply, Action::LinkJobDone] {
        assert_eq!(entries.iter().filter(|entry| entry.action == action).count(), 1, "{action:?}");
    }
}

#[tokio::test]
async fn bnd_07_overwriting_relinks_and_every_relation_field_works() {
    let world = World::start().await;
    cast(&world).await;
    let file = |value: &str| format!("WeLink account,Relation value\nlihua@welink,{value}\n");
    for (field, value, oa_user) in [
        ("mobile", "13911110001", "id-b1"),
        ("email", "B2@corp.example", "id-b2"),
        ("work-code", "C-b3", "id-b3"),
        ("login-name", "b1", "id-b1"),
    ] {
        let job = preview(&world, &format!("field={field}&overwrite=true"), file(value)).await;
        assert_eq!(job["counts"], json!({ "relink": 1 }), "{field}");
        assert_eq!(apply(&world, &job).await["counts"], json!({ "relinked": 1 }), "{field}");
        assert_eq!(link_of(&world, LINKED).await.unwrap().oa_user.as_str(), oa_user);
        let again = preview(&world, &format!("field={field}"), file(value)).await;
        assert_eq!(again["counts"], json!({ "unchanged": 1 }), "{field}");
    }
    // The account that he had is free, and the one he has is not.
    let taken =
        preview(&world, "field=login-name", "WeLink account,Relation value\nb@welink,b1\nc@welink,lihua\n").await;
    assert_eq!(taken["counts"], json!({ "link": 1, "oa-user-taken": 1 }));
    for bad in ["", "field=name", "field=mobile&overwrite=perhaps", "field=mobile&x=1"] {
        let page = upload(&world, bad, file("1")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", page.body);
    }
}

#[tokio::test]
async fn bnd_08_a_preview_changes_nothing_and_is_applied_exactly_or_not_at_all() {
    let world = World::start().await;
    cast(&world).await;
    let before = links(&world).await;
    let file = "WeLink account,Relation value\nb@welink,13911110001\nc@welink,13911110002\nlihua@welink,13800000001\n";
    let job = preview(&world, "field=mobile", file).await;
    assert_eq!(job["counts"], json!({ "link": 2, "unchanged": 1 }));
    assert_eq!(links(&world).await, before);
    let result = outcomes(&world, &job).await;
    assert_eq!(result.values().collect::<Vec<_>>(), ["link", "link", "unchanged"]);
    // Another preview than the one that was shown.
    let page = post(&world, &path_of(&job, "apply"), &json!({ "preview": "x" })).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
    // An administrator links one of them, by hand, to another account.
    let link = json!({ "user_id": "c@welink", "oa_user": { "by": "login_id", "value": "b3" } });
    let bound = post(&world, &format!("/v1/enterprises/{}/links", world.enterprise()), &link).await;
    assert_eq!(bound.status, StatusCode::CREATED, "{}", bound.body);
    let before = links(&world).await;
    let refused = decide(&world, &job).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert_eq!(refused.json()["type"], "urn:cloudbridge:problem:preview-stale");
    assert!(refused.json()["errors"][0]["reason"].as_str().unwrap().starts_with("3:"), "row 3: {}", refused.body);
    assert_eq!(links(&world).await, before, "nothing was written, not even the row that still holds");
    let ended = world.api(Method::GET, &format!("/v1/link-jobs/{}", job["id"].as_str().unwrap()), None).await.json();
    assert_eq!(ended["phase"], "refused");
    assert_eq!(decide(&world, &job).await.status, StatusCode::CONFLICT, "and it stays so");
    assert_eq!(post(&world, &path_of(&job, "undo"), &Value::Null).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn bnd_08_a_row_that_was_only_reported_counts_as_changed_too_and_an_old_preview_is_refused() {
    let world = World::start().await;
    cast(&world).await;
    let file = "WeLink account,Relation value\nb@welink,13911110001\nlihua@welink,13800000001\n";
    let job = preview(&world, "field=mobile", file).await;
    let unbind = format!("/v1/enterprises/{}/links/lihua@welink", world.enterprise());
    assert_eq!(world.api(Method::DELETE, &unbind, None).await.status, StatusCode::NO_CONTENT);
    let refused = decide(&world, &job).await;
    assert_eq!(refused.json()["type"], "urn:cloudbridge:problem:preview-stale", "lihua was to stay linked");
    // The account that a row claims was taken by somebody else.
    let job = preview(&world, "field=mobile", file).await;
    let link = json!({ "user_id": "c@welink", "oa_user": { "by": "login_id", "value": "b1" } });
    post(&world, &format!("/v1/enterprises/{}/links", world.enterprise()), &link).await;
    assert_eq!(decide(&world, &job).await.status, StatusCode::CONFLICT);
    let job = preview(&world, "field=mobile", "WeLink account,Relation value\nd@welink,13911110002\n").await;
    world.advance_s(domain::link_job::PREVIEW_S + 1);
    let refused = decide(&world, &job).await;
    assert_eq!(refused.json()["errors"][0]["field"], "preview", "{}", refused.body);
    assert_eq!(link_of(&world, "d").await, None);
    world.advance_s(domain::link_job::KEPT_S);
    let gone = world.api(Method::GET, &format!("/v1/link-jobs/{}", job["id"].as_str().unwrap()), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "a job is kept for 31 days");
}

#[tokio::test]
async fn bnd_08_a_row_that_changes_while_others_are_written_is_left_alone() {
    let world = World::start().await;
    cast(&world).await;
    let file = "WeLink account,Relation value\nb@welink,13911110001\nc@welink,13911110002\nd@welink,13911110003\n";
    let job = preview(&world, "field=mobile", file).await;
    assert_eq!(decide(&world, &job).await.status, StatusCode::OK);
    // Between the decision and the writing one person is linked, and one account is taken.
    let path = format!("/v1/enterprises/{}/links", world.enterprise());
    for (user, login) in [("c@welink", "main"), ("e@welink", "b3")] {
        let link = json!({ "user_id": user, "oa_user": { "by": "login_id", "value": login } });
        assert_eq!(post(&world, &path, &link).await.status, StatusCode::CREATED);
    }
    let done = work(&world, job["id"].as_str().unwrap()).await;
    assert_eq!(done["counts"], json!({ "linked": 1, "changed": 2 }));
    let result = outcomes(&world, &job).await;
    assert_eq!(result.values().collect::<Vec<_>>(), ["linked", "changed", "changed"]);
    assert_eq!(link_of(&world, "c").await.unwrap().oa_user.as_str(), "id-main");
    assert_eq!(link_of(&world, "d").await, None);
    assert_eq!(link_of(&world, "e").await.unwrap().oa_user.as_str(), "id-b3");
}

#[tokio::test]
async fn bnd_08_while_the_oa_is_down_the_rows_wait_and_nothing_is_lost() {
    let world = World::start().await;
    cast(&world).await;
    let file = "WeLink account,Relation value\nb@welink,13911110001\nh@welink,\n";
    let made = upload(&world, "field=mobile", file).await.json();
    world.demo().oa.set(|settings| settings.down = true);
    let page = post(&world, &path_of(&made, "continue"), &Value::Null).await;
    assert!(page.status == StatusCode::SERVICE_UNAVAILABLE || page.json()["phase"] == "resolving", "{}", page.body);
    world.demo().oa.set(|settings| settings.down = false);
    assert_eq!(work(&world, made["id"].as_str().unwrap()).await["counts"], json!({ "link": 1, "skipped": 1 }));
}

async fn unbind_all(world: &World, count: usize) -> Page {
    post(world, &format!("/v1/enterprises/{}/bulk-unbind", world.enterprise()), &json!({ "count": count })).await
}

#[tokio::test]
async fn bnd_10_bulk_unbinding_needs_the_count_and_leaves_every_person_without_a_link() {
    let world = World::start().await;
    add_person(&world, "b").await;
    let before = links(&world).await;
    let count = linked(&before);
    assert!(count > 50, "{count}");
    let path = format!("/v1/enterprises/{}/bulk-unbind", world.enterprise());
    assert_eq!(world.api(Method::GET, &path, None).await.json(), json!({ "count": count }));
    for wrong in [0, count - 1, count + 1] {
        let page = unbind_all(&world, wrong).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        assert!(page.body.contains(&count.to_string()));
    }
    assert_eq!(links(&world).await, before);
    let accounts = world.demo().oa.accounts().len();
    let made = unbind_all(&world, count).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let job = made.json();
    assert_eq!(work(&world, job["id"].as_str().unwrap()).await["counts"], json!({ "unlinked": count }));
    let after = links(&world).await;
    assert_eq!((linked(&after), after.len()), (0, before.len()));
    assert_eq!(world.demo().oa.accounts().len(), accounts);
    let listed = world.running.bridge.store().unlinked(world.enterprise(), None).await.unwrap();
    assert!(listed.people.iter().any(|row| row.user_id.as_str() == "chenjing@welink"), "the directory lists him so");
    let person = crate::sign_in::person(&world, world.enterprise(), LINKED).await;
    assert!(!person.no_auto_bind, "Q26: a bulk unbinding sets no marks");
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.url.path(), "/bind", "his way in is gone at once");
    let listed = world.api(Method::GET, &format!("/v1/enterprises/{}/link-jobs", world.enterprise()), None).await;
    assert_eq!(listed.json()[0]["id"], job["id"]);
    assert_eq!(linked(&links(&world).await), 0);
    assert_eq!(work(&world, unbind_all(&world, 0).await.json()["id"].as_str().unwrap()).await["phase"], "done");
}

#[tokio::test]
async fn bnd_11_undoing_a_bulk_unbinding_restores_each_link_but_those_changed_since() {
    let world = World::start().await;
    let before = links(&world).await;
    let count = linked(&before);
    let job = unbind_all(&world, count).await.json();
    work(&world, job["id"].as_str().unwrap()).await;
    // Since then one was linked anew to his own account, and one to somebody else's.
    let path = format!("/v1/enterprises/{}/links", world.enterprise());
    for (user, login) in [("lihua@welink", "lihua"), ("wangfang@welink", "zhangwei")] {
        let link = json!({ "user_id": user, "oa_user": { "by": "login_id", "value": login } });
        assert_eq!(post(&world, &path, &link).await.status, StatusCode::CREATED);
    }
    let since = links(&world).await;
    world.advance_s(29 * 86_400);
    let undoing = post(&world, &path_of(&job, "undo"), &Value::Null).await;
    assert_eq!(undoing.status, StatusCode::CREATED, "{}", undoing.body);
    let undoing = undoing.json();
    let done = work(&world, undoing["id"].as_str().unwrap()).await;
    // zhangwei's account is taken, so he cannot have it back: three links are left as they are.
    assert_eq!(done["counts"], json!({ "restored": count - 3, "changed": 3 }));
    let after = links(&world).await;
    for (user, link) in &before {
        let changed = ["lihua@welink", "wangfang@welink", "zhangwei@welink"].contains(&user.as_str());
        assert_eq!(&after[user], if changed { &since[user] } else { link }, "{user}");
    }
    let (_, file) = download(&world, &path_of(&undoing, "result")).await;
    let listed = String::from_utf8(file.to_vec()).unwrap();
    assert_eq!(listed.matches(",changed,").count(), 3, "{listed}");
    let again = post(&world, &path_of(&job, "undo"), &Value::Null).await.json();
    assert_eq!(again["id"], undoing["id"], "once");
    let of_undoing = post(&world, &path_of(&undoing, "undo"), &Value::Null).await;
    assert_eq!(of_undoing.json()["type"], "urn:cloudbridge:problem:link-job-phase");
}

#[tokio::test]
async fn bnd_11_undoing_an_import_takes_back_its_links_within_thirty_days() {
    let world = World::start().await;
    cast(&world).await;
    let before = links(&world).await;
    let file = "WeLink account,Relation value\nb@welink,13911110001\nlihua@welink,13911110002\nc@welink,13911110003\n";
    let job = preview(&world, "field=mobile&overwrite=true", file).await;
    assert_eq!(post(&world, &path_of(&job, "undo"), &Value::Null).await.status, StatusCode::CONFLICT, "not yet");
    apply(&world, &job).await;
    let unbind = format!("/v1/enterprises/{}/links/c@welink", world.enterprise());
    assert_eq!(world.api(Method::DELETE, &unbind, None).await.status, StatusCode::NO_CONTENT);
    let undoing = post(&world, &path_of(&job, "undo"), &Value::Null).await.json();
    let done = work(&world, undoing["id"].as_str().unwrap()).await;
    assert_eq!(done["counts"], json!({ "restored": 2, "changed": 1 }));
    assert_eq!(links(&world).await, before);
    let late = preview(&world, "field=mobile", "WeLink account,Relation value\nb@welink,13911110001\n").await;
    apply(&world, &late).await;
    world.advance_s(domain::link_job::UNDO_S + 1);
    assert_eq!(post(&world, &path_of(&late, "undo"), &Value::Null).await.status, StatusCode::CONFLICT, "too late");
}

#[tokio::test]
async fn bnd_05_choosing_a_candidate_writes_the_link_and_closes_the_case() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let enterprise = format!("/v1/enterprises/{}", world.enterprise());
    let setting = json!({ "version": 0, "enabled": true, "pairs": [{ "welink": "mobile", "oa": "mobile" }] });
    let saved = world.api(Method::PUT, &format!("{enterprise}/sign-in/auto-bind"), Some(&setting)).await;
    assert_eq!(saved.status, StatusCode::OK);
    world.sign_in(&mut world.browser(), &world.homepage(), TWO_CANDIDATES).await;
    let conflicts = world.api(Method::GET, &format!("{enterprise}/conflicts"), None).await.json();
    let candidates = conflicts[0]["candidates"].as_array().unwrap().clone();
    assert_eq!((conflicts.as_array().unwrap().len(), candidates.len()), (1, 2));
    let settle = format!("{enterprise}/conflicts/{TWO_CANDIDATES}@welink/settle");
    let stranger = world.demo().company.person(UNLINKED[0]).unwrap().id.clone();
    let page = post(&world, &settle, &json!({ "oa_user": stranger })).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
    let page = post(&world, &settle, &json!({ "oa_user": candidates[1] })).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
    assert_eq!(candidates[1], link_of(&world, TWO_CANDIDATES).await.unwrap().oa_user.as_str());
    assert_eq!(world.audited(Action::ConflictSettle, "ok").await, 1);
    // The case is gone for good, even when the link goes.
    let unbind = format!("{enterprise}/links/{TWO_CANDIDATES}@welink");
    assert_eq!(world.api(Method::DELETE, &unbind, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.api(Method::GET, &format!("{enterprise}/conflicts"), None).await.json(), json!([]));
    assert_eq!(post(&world, &settle, &json!({ "oa_user": candidates[0] })).await.status, StatusCode::NOT_FOUND);
}
