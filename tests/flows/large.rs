//! ADM-02 with 100,000 people in 5,000 departments: what a page costs does not depend on how many there are.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue as Sdk;
use bytes::Bytes;
use domain::audit::{Action, Entry};
use domain::ids::{DeptCode, EnterpriseId, OaInstanceId, OaUserId, RANDOM_CHARS, TENANT_CHARS, TenantId, WeLinkUserId};
use domain::model::{
    Department, Enterprise, Link, LinkOrigin, OaInstance, Person, PersonSource, PersonStatus, Stamp, Tenant,
};
use domain::time::Timestamp;
use domain::zone::Zone;
use dynoxide::{AttributeValue, Database, ImportOptions};
use http::{Request, StatusCode};
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::secret::{Secret, sha256_hex};
use platform::transport::Transport;
use platform::vault::Vault;
use serde_json::Value;
use signin::{Bridge, Parts};
use state::Store;
use state::config::Saved;
use tests::tap::Tap;
use tower::ServiceExt as _;

const PEOPLE: usize = 100_000;
const DEPARTMENTS: usize = 5_000;
const KEY: &str = "the operator's key of this test";
const TABLE: &str = "bridge";
/// People that are written at once.
const CHUNK: usize = 5_000;
/// One department is as large as a factory hall.
const HALL: usize = 3_000;

type Item = std::collections::HashMap<String, AttributeValue>;

/// An item of the SDK as the engine has it.
fn engine(value: Sdk) -> AttributeValue {
    match value {
        Sdk::S(text) => AttributeValue::S(text),
        Sdk::N(number) => AttributeValue::N(number),
        Sdk::Bool(yes) => AttributeValue::BOOL(yes),
        Sdk::Null(yes) => AttributeValue::NULL(yes),
        Sdk::L(list) => AttributeValue::L(list.into_iter().map(engine).collect()),
        Sdk::M(map) => AttributeValue::M(map.into_iter().map(|(name, value)| (name, engine(value))).collect()),
        other => unreachable!("no item has a {other:?}"),
    }
}

fn person(enterprise: &EnterpriseId, n: usize) -> Person {
    const FAMILY: [&str; 20] = [
        "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高",
        "林", "罗",
    ];
    const GIVEN: [&str; 16] =
        ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明"];
    let bound = Stamp { at: Timestamp(1), by: "operator".to_owned() };
    let oa_user = OaUserId::parse(&format!("{n}")).unwrap();
    let link = Link { oa_user, login_id: format!("user{n}"), origin: LinkOrigin::Card, bound };
    let department = if n < HALL { 1 } else { 1 + n % (DEPARTMENTS - 1) };
    let user = WeLinkUserId::parse(&format!("user{n:06}@welink")).unwrap();
    Person {
        name_zh: format!("{}{}{}", FAMILY[n % 20], GIVEN[n / 20 % 16], GIVEN[n / 320 % 16]),
        mobile: format!("+86-138{n:08}"),
        departments: vec![DeptCode::parse(&department.to_string()).unwrap()],
        link: (!n.is_multiple_of(50)).then_some(link),
        ..Person::new(enterprise.clone(), user, PersonSource::Admin, Timestamp(1))
    }
}

fn department(enterprise: &EnterpriseId, n: usize) -> Department {
    Department {
        enterprise: enterprise.clone(),
        code: DeptCode::parse(&n.to_string()).unwrap(),
        // Each has ten children, the root included.
        parent: Some(DeptCode::parse(&(n / 10).to_string()).unwrap()),
        name_zh: format!("部门{n}"),
        name_en: String::new(),
        corp_code: String::new(),
        order: u32::try_from(n).unwrap(),
        link: None,
        status: PersonStatus::Active,
        updated: Timestamp(1),
        version: 0,
    }
}

/// The console over a table behind a tap.
struct Console {
    router: axum::Router,
    /// The same, with settings kept for 30 seconds as in a release.
    pages: axum::Router,
    /// The cookie of an owner's session.
    cookie: String,
    tap: Tap,
    enterprise: EnterpriseId,
}

/// A bridge that keeps settings for so many seconds.
fn bridge(endpoint: &str, cache_s: i64) -> Bridge {
    let settings = [
        ("BRIDGE_TABLE", TABLE),
        ("BRIDGE_ORIGIN", "http://bridge.localhost"),
        ("BRIDGE_CONSOLE_ORIGIN", "http://console.localhost"),
        ("BRIDGE_WELINK_BASE", "http://welink.localhost"),
        ("BRIDGE_DYNAMODB_ENDPOINT", endpoint),
        ("BRIDGE_OPERATOR_KEY_SHA256", &sha256_hex(KEY)),
    ];
    let config = Config::read(settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let http = platform::aws::http_client(Some(endpoint));
    let client = platform::aws::dynamodb(&platform::aws::sdk_config(http, &clock), Some(endpoint));
    let store = Store::new(client, TABLE, clock.clone(), entropy.clone(), cache_s);
    let vault = Vault::with_key(&Secret::new(vec![7; 32]), entropy.clone()).unwrap();
    let nowhere = || Transport::router(axum::Router::new());
    Bridge::new(Parts { config, store, vault, welink: nowhere(), oa: nowhere(), clock, entropy }).unwrap()
}

async fn console() -> Console {
    let database = Database::memory().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database.clone(), std::future::pending()));
    let tap = Tap::start(Transport::reqwest(Vec::new(), None), &endpoint).await.unwrap();
    let (bridge, keeping) = (bridge(&tap.origin, 0), bridge(&tap.origin, 30));
    let store = bridge.store();
    state::table::create(store.client(), TABLE).await.unwrap();
    let tenant = TenantId::from_random([1; TENANT_CHARS]);
    let enterprise = EnterpriseId::from_random(&tenant, [2; RANDOM_CHARS]);
    let stamp = Stamp { at: Timestamp(1), by: "test".to_owned() };
    let entry = |action| -> Entry { bridge.entry(tenant.clone(), action, "test", "test", "") };
    let new = Tenant {
        id: tenant.clone(),
        name: "大".to_owned(),
        link_hosts: Vec::new(),
        zone: Zone::default(),
        created: stamp.clone(),
        version: 0,
    };
    store.create_tenant(&new, &entry(Action::TenantCreate)).await.unwrap();
    let instance = OaInstanceId::from_random(&tenant, [3; RANDOM_CHARS]);
    let new: OaInstance = serde_json::from_value(serde_json::json!({
        "id": instance, "name": "OA", "base": "https://oa.example", "scim_base": "https://oa.example/scim",
        "sso_landing": "https://oa.example/sso", "allowed_dest_prefixes": ["/"], "created": stamp,
    }))
    .unwrap();
    let sealed = serde_json::json!("v1.AAAA");
    let secrets = serde_json::json!({ "scim_bearer": sealed, "pull": sealed, "push": [sealed] });
    let secrets = serde_json::from_value(secrets).unwrap();
    let made = store.create_oa_instance(&new, &secrets, &entry(Action::OaInstanceCreate)).await.unwrap();
    assert_eq!(made, Saved::Done);
    let new: Enterprise = serde_json::from_value(serde_json::json!({
        "id": enterprise, "name": "大企业", "created": stamp, "oa_instance": instance,
    }))
    .unwrap();
    assert_eq!(store.create_enterprise(&new, &entry(Action::EnterpriseCreate)).await.unwrap(), Saved::Done);
    import(&database, &enterprise);
    let router = admin::router(bridge.clone());
    let cookie = signed_in(&router, &bridge, &tenant).await;
    Console { router, pages: admin::router(keeping), cookie, tap, enterprise }
}

/// The cookie of an owner who has just signed in.
async fn signed_in(router: &axum::Router, bridge: &Bridge, tenant: &TenantId) -> String {
    let password = "correct horse battery";
    let new = serde_json::json!({ "login": "owner", "name": "x", "role": "owner", "password": password });
    let request = Request::post(format!("/v1/tenants/{tenant}/accounts")).header("host", "console.localhost");
    let request =
        request.header("authorization", format!("Bearer {KEY}")).body(axum::body::Body::from(new.to_string())).unwrap();
    assert_eq!(router.clone().oneshot(request).await.unwrap().status(), StatusCode::CREATED);
    let entered = admin::console_session::sign_in(bridge, "owner", password, "", "").await;
    entered.map(|(cookie, _)| cookie).map_err(|error| error.problem()).unwrap()
}

/// Writes everybody past the API; items are made on one processor while the other writes.
fn import(database: &Database, enterprise: &EnterpriseId) {
    let (made, ready) = std::sync::mpsc::sync_channel::<Vec<Item>>(2);
    let enterprise = enterprise.clone();
    let maker = std::thread::spawn(move || {
        let items = |items: Vec<std::collections::HashMap<String, Sdk>>| {
            let item = |item: std::collections::HashMap<String, Sdk>| item.into_iter().map(|(k, v)| (k, engine(v)));
            made.send(items.into_iter().map(|one| item(one).collect()).collect()).unwrap();
        };
        for first in (0..PEOPLE).step_by(CHUNK) {
            let chunk = first..first + CHUNK;
            items(chunk.map(|n| state::index::person_item(&person(&enterprise, n)).unwrap()).collect());
        }
        let departments = 1..DEPARTMENTS;
        items(departments.map(|n| state::index::department_item(&department(&enterprise, n)).unwrap()).collect());
    });
    database.enable_bulk_loading().unwrap();
    for items in ready {
        database.import_items(TABLE, items, ImportOptions::default()).unwrap();
    }
    maker.join().unwrap();
}

impl Console {
    /// A page of the console, once it is seen to have taken at most `most` requests, none of them over a megabyte.
    async fn page(&self, rest: &str, most: u32) -> String {
        self.tap.take();
        let request = Request::get(format!("/enterprises/{}{rest}", self.enterprise));
        let request =
            request.header("host", "console.localhost").header("cookie", format!("__Host-console={}", self.cookie));
        let answer = self.pages.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body: Bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{rest}: {body:?}");
        let seen = self.tap.take();
        assert!(seen.calls.values().sum::<u32>() <= most, "{rest}: {:?}", seen.calls);
        assert!(seen.answer_bytes_max <= 1 << 20, "{rest}: {} bytes", seen.answer_bytes_max);
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// The answer, once it is seen to have taken at most three requests, none of them over a megabyte.
    async fn get(&self, rest: &str) -> Value {
        self.tap.take();
        let uri = format!("/v1/enterprises/{}{rest}", self.enterprise);
        let request = Request::get(uri).header("host", "console.localhost");
        let request = request.header("authorization", format!("Bearer {KEY}")).body(axum::body::Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body: Bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{rest}: {body:?}");
        let seen = self.tap.take();
        // One more: before any tenant is known, wrong keys of this address are counted.
        let mut calls = seen.calls.clone();
        let first = calls.remove("GetItem").unwrap_or_default();
        let asked = calls.values().sum::<u32>() + first - 1;
        assert!(asked <= 3, "{rest}: {:?}", seen.calls);
        assert!(seen.answer_bytes_max <= 1 << 20, "{rest}: {} bytes", seen.answer_bytes_max);
        serde_json::from_slice(&body).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adm_02_with_100_000_people_a_page_takes_three_requests_and_less_than_a_megabyte() {
    let console = Arc::new(console().await);
    let count = |value: &Value, name: &str| value[name].as_array().unwrap().len();
    let root = console.get("/departments/0").await;
    assert_eq!((count(&root, "departments"), count(&root, "people")), (9, 0));
    let hall = console.get("/departments/1").await;
    assert_eq!((count(&hall, "departments"), count(&hall, "people")), (10, 40));
    let next = hall["next"].as_str().unwrap();
    let second = console.get(&format!("/departments/1?cursor={next}")).await;
    assert_eq!((count(&second, "departments"), count(&second, "people")), (0, 50));
    let unlinked = console.get("/departments/1?link=unlinked").await;
    assert_eq!(count(&unlinked, "departments"), 10);
    for (query, expected) in [
        ("", 50),
        ("?q=user0123", 50),
        ("?q=user012345", 1),
        ("?q=user012345%40welink", 1),
        ("?q=%E7%8E%8B", 50),
        ("?q=%E7%8E%8B%E4%BC%9F%E4%BC%9F", 20),
        ("?link=unlinked", 50),
        ("?link=linked&q=user0", 50),
        ("?q=nobody", 0),
    ] {
        let page = console.get(&format!("/people{query}")).await;
        assert_eq!(count(&page, "people"), expected, "{query}");
    }
    let card = console.get("/people/user012345@welink").await;
    assert_eq!(card["department_names"][0]["name_zh"], format!("部门{}", 1 + 12_345 % (DEPARTMENTS - 1)));
    pages(&console).await;
}

/// The console's own pages of the same.
async fn pages(console: &Console) {
    // The settings are read once in 30 seconds, by whichever page comes first: one request more for that one.
    console.page("/directory", 4).await;
    let rows = |page: &str| page.split("id=\"people\"").nth(1).unwrap().matches("<tr>").count().saturating_sub(1);
    for (rest, expected) in [
        ("/directory", 0),
        ("/directory?department=1", 40),
        ("/directory?q=user0123", 50),
        ("/directory?q=user012345", 1),
        ("/directory?q=%E7%8E%8B%E4%BC%9F%E4%BC%9F", 20),
        ("/directory?link=unlinked", 50),
        ("/directory?link=linked&q=user0", 50),
    ] {
        assert_eq!(rows(&console.page(rest, 3).await), expected, "{rest}");
    }
    let card = console.page("/people/user012345@welink", 3).await;
    assert!(card.contains(&format!("部门{}", 1 + 12_345 % (DEPARTMENTS - 1))), "{card}");
}
