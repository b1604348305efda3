//! ADM-08: every action of the console has a documented route, and the document says what the router does.

use std::collections::{BTreeMap, BTreeSet};

use admin::{PAGES, ROUTES, Route};
use domain::role::{Permission, Role};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::TWO_CANDIDATES;
use tests::web::Page;
use tests::world::{LINKED, World};

use crate::accounts::{PASSWORD, enter, problem_of};
use crate::audit_log;
use crate::link_jobs::preview;

/// The document as an API client gets it.
async fn document(world: &World) -> Value {
    let page = world.api(Method::GET, "/v1/openapi.json", None).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, Some("application/json")));
    page.json()
}

fn named(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

fn operation<'a>(document: &'a Value, route: &Route) -> &'a Value {
    &document["paths"][route.path][route.method.to_lowercase()]
}

fn takes_json(operation: &Value) -> bool {
    operation["requestBody"]["content"].get("application/json").is_some()
}

/// The status of success, and its media types.
fn success(operation: &Value) -> (u16, Vec<&str>) {
    let responses = operation["responses"].as_object().unwrap();
    let (status, response) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
    let kinds = response["content"].as_object().map(|kinds| kinds.keys().map(String::as_str).collect());
    (status.parse().unwrap(), kinds.unwrap_or_default())
}

#[tokio::test]
async fn adm_08_the_document_has_every_route_of_the_router_and_no_other() {
    let world = World::start().await;
    let document = document(&world).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path = parameters.filter(|parameter| parameter["in"] == "path");
            let in_path: Vec<String> =
                in_path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect();
            let wanted: Vec<&str> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
            assert_eq!(in_path, wanted, "{method} {path}");
        }
    }
    assert_eq!(described, ROUTES.iter().map(named).collect());
    for route in ROUTES {
        let operation = operation(&document, route);
        let texts = (operation["summary"].as_str(), operation["x-summary-zh"].as_str());
        assert_eq!(texts, (Some(route.summary.en), Some(route.summary.zh)));
        let needs = format!("{:?}", route.needs).to_lowercase();
        assert_eq!(operation["x-permission"], needs, "{}", named(route));
    }
    let unsigned = world.api_with(Method::GET, "/v1/openapi.json", None, &[]).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn adm_08_every_page_and_action_of_the_console_names_a_documented_route() {
    let world = World::start().await;
    let document = document(&world).await;
    let mut changing_but_reading = Vec::new();
    let mut of_browsers = Vec::new();
    for page in PAGES {
        let Some((method, path)) = page.api.split_once(' ') else {
            of_browsers.push(page.path);
            continue;
        };
        let known = document["paths"][path].get(method.to_lowercase());
        assert!(known.is_some(), "{} {} names {}", page.method, page.path, page.api);
        if page.method != "GET" && method == "GET" {
            changing_but_reading.push(page.path);
        }
    }
    assert!(changing_but_reading.is_empty(), "{changing_but_reading:?}");
    // Sessions and languages are what a browser has in the place of a key and a header.
    of_browsers.dedup();
    let callback = signin::CONSOLE_CALLBACK;
    assert_eq!(of_browsers, ["/setup", "/sign-in", "/sign-in/welink", callback, "/sign-out", "/language"]);
    assert!(PAGES.len() >= 60, "{}", PAGES.len());
}

/// One of each thing that a path can name, by its name there.
async fn things(world: &World) -> BTreeMap<&'static str, String> {
    let known = world.demo().remembered.clone();
    let (tenant, enterprise) = (known.tenant.as_str(), known.enterprise.as_str());
    let first = |value: &Value, field: &str| value[0][field].as_str().unwrap().to_owned();
    let auto_bind = format!("/v1/enterprises/{enterprise}/sign-in/auto-bind");
    let version = world.api(Method::GET, &auto_bind, None).await.json()["version"].clone();
    let on = json!({ "version": version, "enabled": true });
    assert_eq!(world.api(Method::PUT, &auto_bind, Some(&on)).await.status, StatusCode::OK);
    // Settings are kept 30 s. Signing in makes a conflict, and a signing key.
    world.advance_s(31);
    for person in [LINKED, TWO_CANDIDATES] {
        world.sign_in(&mut world.browser(), &world.homepage(), person).await;
    }
    let account = json!({ "login": "described", "name": "x", "role": "auditor", "password": PASSWORD });
    let account = world.api(Method::POST, &format!("/v1/tenants/{tenant}/accounts"), Some(&account)).await.json();
    enter(world, "described", PASSWORD).await.unwrap();
    let account = account["id"].as_str().unwrap().to_owned();
    let sessions = world.api(Method::GET, &format!("/v1/accounts/{account}/sessions"), None).await.json();
    let key = json!({ "name": "spare", "role": "auditor" });
    let key = world.api(Method::POST, &format!("/v1/tenants/{tenant}/api-keys"), Some(&key)).await.json();
    let job = preview(world, "field=mobile", format!("WeLink account,Relation value\n{LINKED}@welink,\n")).await;
    world.set_up_sync("welink").await;
    let run = world.run_sync("from-welink").await;
    let rule = world.rule("todo", &["notice"], json!({})).await;
    world.push(&[tests::push::event(world, "e1", "oa.todo.created", "1", 1, &["1001"])]).await;
    let message = world.only_pushed().await;
    let history = world.api(Method::GET, &format!("/v1/tenants/{tenant}/settings-history"), None).await.json();
    let signing = world.api(Method::GET, "/v1/signing-keys", None).await.json();
    BTreeMap::from([
        ("{tenant}", tenant.to_owned()),
        ("{instance}", known.oa_instance.to_string()),
        ("{enterprise}", enterprise.to_owned()),
        ("{app}", known.app.to_string()),
        ("{department}", "0".to_owned()),
        ("{session}", first(&sessions, "id")),
        ("{account}", account),
        ("{key}", key["id"].as_str().unwrap().to_owned()),
        ("{job}", job["id"].as_str().unwrap().to_owned()),
        ("{rule}", rule["id"].as_str().unwrap().to_owned()),
        ("{message}", message["id"].as_str().unwrap().to_owned()),
        ("{run}", run["id"].as_str().unwrap().to_owned()),
        ("{entry}", first(&history["entries"], "id")),
        ("{kid}", first(&signing, "kid")),
    ])
}

/// An answer is one that the document promises.
fn keeps_its_word(document: &Value, route: &Route, page: &Page) {
    let name = named(route);
    let (status, kinds) = success(operation(document, route));
    let kind = page.header("content-type").unwrap_or_default();
    if page.status.is_success() {
        assert_eq!(page.status.as_u16(), status, "{name}");
        let promised = kinds.iter().any(|known| kind.starts_with(known)) || (kinds.is_empty() && page.body.is_empty());
        assert!(promised, "{name} answers with {kind}, not one of {kinds:?}");
        return;
    }
    assert!(!["not-found", "method-not-allowed"].contains(&problem_of(page).as_str()), "{name}: {}", page.body);
    assert_eq!(kind, "application/problem+json", "{name}");
    let problem = &document["components"]["schemas"]["Problem"];
    let answered = page.json();
    let keys: BTreeSet<&String> = answered.as_object().unwrap().keys().collect();
    let properties = problem["properties"].as_object().unwrap().keys().collect();
    assert!(keys.is_subset(&properties), "{name}: {keys:?}");
    for required in problem["required"].as_array().unwrap() {
        assert!(answered.get(required.as_str().unwrap()).is_some(), "{name}: {required}");
    }
}

#[tokio::test]
async fn adm_08_every_route_answers_an_owner_as_the_document_says() {
    let world = World::start().await;
    let document = document(&world).await;
    let things = things(&world).await;
    let owner = json!({ "name": "owner", "role": Role::Owner });
    let path = format!("/v1/tenants/{}/api-keys", world.tenant());
    let owner = world.api(Method::POST, &path, Some(&owner)).await.json();
    // What concerns the installation is the operator key's.
    let (owner, operator) = (owner["key"].as_str().unwrap(), world.running.operator_key.as_str());
    let mut routes: Vec<&Route> = ROUTES.iter().collect();
    // Deletions last, what stands below another thing before it.
    routes.sort_by_key(|route| (route.method == "DELETE", std::cmp::Reverse(route.path.len())));
    let (mut json_bodies, mut done) = (0, 0);
    for route in routes {
        let user = if route.path.contains("/conflicts/") { TWO_CANDIDATES } else { LINKED };
        let path = things.iter().fold(route.path.to_owned(), |path, (name, id)| path.replace(name, id));
        let month = if route.path.ends_with("/audit/export") { "?month=2026-01" } else { "" };
        let path = path.replace("{user}", &format!("{user}@welink")) + month;
        let key = if route.needs == Permission::Install { operator } else { owner };
        let headers = [("authorization", format!("Bearer {key}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        // No body has this field: who reads a body refuses it, who reads none does not see it.
        let body = json!({ "no such field": 1 });
        let page = world.api_with(route.method.parse().unwrap(), &path, Some(&body), &headers).await;
        keeps_its_word(&document, route, &page);
        let refused = page.status == StatusCode::BAD_REQUEST && page.json()["errors"][0]["field"] == "body";
        let operation = operation(&document, route);
        // No key opens it, so that no body of one is read.
        let for_keys = route.path != "/v1/me/password";
        assert_eq!(refused, takes_json(operation) && for_keys, "{} {path}: {}", route.method, page.body);
        json_bodies += usize::from(refused);
        done += usize::from(page.status.is_success());
    }
    assert!(json_bodies >= 24 && done >= 40, "{json_bodies} took JSON, {done} succeeded");
}

#[tokio::test]
async fn adm_08_a_route_that_succeeds_takes_and_gives_what_the_document_says() {
    let world = World::start().await;
    let document = document(&world).await;
    let mut called = 0;
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let Some((path, body)) = audit_log::request(&world, route.method, route.path).await else { continue };
        let operation = operation(&document, route);
        assert_eq!(body.is_some(), takes_json(operation), "{}", named(route));
        let page = world.api(route.method.parse().unwrap(), &path, body.as_ref()).await;
        assert_eq!(page.status.as_u16(), success(operation).0, "{}: {}", named(route), page.body);
        keeps_its_word(&document, route, &page);
        let Some(body) = body else { continue };
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let schema = &document["components"]["schemas"][schema.rsplit('/').next().unwrap()];
        for field in body.as_object().unwrap().keys() {
            assert!(schema["properties"].get(field).is_some(), "{}: {field}", named(route));
        }
        for field in schema["required"].as_array().into_iter().flatten() {
            assert!(body.get(field.as_str().unwrap()).is_some(), "{}: {field}", named(route));
        }
        called += 1;
    }
    assert!(called >= 20, "{called}");
}
