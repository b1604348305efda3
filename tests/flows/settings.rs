//! ENT-01 to ENT-05: enterprises and apps, through the administrator's API.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::web::Page;
use tests::world::{LINKED, World};

fn problem(page: &Page) -> String {
    page.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

fn field(page: &Page) -> String {
    page.json()["errors"][0]["field"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ent_01_a_name_alone_creates_an_enterprise() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/enterprises", world.tenant());
    let made = world.api(Method::POST, &path, Some(&json!({ "name": " 远帆华南 " }))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.json()["name"], "远帆华南");
    let before = world.api(Method::GET, &path, None).await.json();
    for (name, status, what) in [
        ("", StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        ("   ", StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        ("远帆华南", StatusCode::CONFLICT, "name-taken"),
    ] {
        let page = world.api(Method::POST, &path, Some(&json!({ "name": name }))).await;
        assert_eq!((page.status, problem(&page).as_str()), (status, what), "{name:?}");
    }
    assert_eq!(world.api(Method::GET, &path, None).await.json(), before, "nothing is stored");
}

#[tokio::test]
async fn ent_02_every_list_returns_only_data_of_the_named_enterprise() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/enterprises", world.tenant());
    let second = world.api(Method::POST, &path, Some(&json!({ "name": "第二家" }))).await.json();
    let second = second["id"].as_str().unwrap();
    let apps = |enterprise: String| {
        let world = &world;
        async move { world.api(Method::GET, &format!("/v1/enterprises/{enterprise}/apps"), None).await.json() }
    };
    assert_eq!(apps(second.to_owned()).await, json!([]));
    assert_eq!(apps(world.enterprise().to_string()).await.as_array().unwrap().len(), 1);
    // A person of the first is none of the second.
    let person = |enterprise: &str| format!("/v1/enterprises/{enterprise}/people/{LINKED}@welink");
    let first = world.enterprise().to_string();
    assert_eq!(world.api(Method::GET, &person(&first), None).await.status, StatusCode::OK);
    assert_eq!(world.api(Method::GET, &person(second), None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ent_03_no_read_of_the_app_contains_the_secret() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let mut bodies = Vec::new();
    for path in [
        "/v1/tenants".to_owned(),
        format!("/v1/tenants/{}", known.tenant),
        format!("/v1/tenants/{}/audit", known.tenant),
        format!("/v1/tenants/{}/oa-instances", known.tenant),
        format!("/v1/tenants/{}/enterprises", known.tenant),
        format!("/v1/oa-instances/{}", known.oa_instance),
        format!("/v1/enterprises/{}", known.enterprise),
        format!("/v1/enterprises/{}/apps", known.enterprise),
        format!("/v1/apps/{}", known.app),
    ] {
        let page = world.api(Method::GET, &path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        bodies.push(page.body);
    }
    let all = bodies.concat();
    for secret in [&known.client_secret, &known.push_secret, &known.pull_secret, &known.scim_bearer] {
        assert!(!all.contains(secret.as_str()));
    }
    let app: Value = world.api(Method::GET, &format!("/v1/apps/{}", known.app), None).await.json();
    assert_eq!(app["secret_set"]["by"], "operator");
    assert!(app["secret_set"]["at"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn ent_04_an_unknown_oa_app_or_a_foreign_link_is_refused_at_save_with_that_reason() {
    let world = World::start().await;
    let path = format!("/v1/apps/{}", world.demo().remembered.app);
    let before = world.api(Method::GET, &path, None).await.json();
    for (homepage, wrong) in [
        (json!({ "mode": "oa-app", "oa_app": "gone" }), "homepage.oa_app"),
        (json!({ "mode": "custom-link", "link": "https://evil.example/" }), "homepage.link"),
        (json!({ "mode": "custom-link", "link": "http://portal.example/" }), "homepage.link"),
    ] {
        let change = json!({ "version": before["version"], "homepage": homepage });
        let page = world.api(Method::PATCH, &path, Some(&change)).await;
        assert_eq!((page.status, field(&page).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, wrong), "{}", page.body);
        assert!(!page.json()["errors"][0]["reason"].as_str().unwrap().is_empty());
    }
    assert_eq!(world.api(Method::GET, &path, None).await.json(), before);
    let change = json!({ "version": before["version"], "homepage": { "mode": "oa-app", "oa_app": "workflow" } });
    assert_eq!(world.api(Method::PATCH, &path, Some(&change)).await.status, StatusCode::OK);
    let stale = world.api(Method::PATCH, &path, Some(&change)).await;
    assert_eq!((stale.status, problem(&stale).as_str()), (StatusCode::CONFLICT, "changed-meanwhile"));
}

#[tokio::test]
async fn ent_04_a_custom_link_on_an_allowed_host_is_where_the_app_leads() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let tenant = json!({ "name": "有链接的团队", "link_hosts": ["portal.example"] });
    let tenant = world.api(Method::POST, "/v1/tenants", Some(&tenant)).await.json();
    assert_eq!(tenant["link_hosts"], json!(["portal.example"]));
    let bad = json!({ "name": "x", "link_hosts": ["https://portal.example/x"] });
    let bad = world.api(Method::POST, "/v1/tenants", Some(&bad)).await;
    assert_eq!((bad.status, field(&bad).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "link_hosts"));
}

#[tokio::test]
async fn ent_05_the_homepage_url_works_as_copied_and_outlives_the_secret() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    let path = format!("/v1/apps/{}", known.app);
    let app = world.api(Method::GET, &path, None).await.json();
    let url: url::Url = app["homepage_url"].as_str().unwrap().parse().unwrap();
    assert!(!url.as_str().contains(&known.client_secret));
    for agent in [tests::web::PHONE_AGENT, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) WeLink/7.40"] {
        let mut browser = world.browser();
        browser.headers.insert(http::header::USER_AGENT, agent.parse().unwrap());
        assert_eq!(world.sign_in(&mut browser, &url, LINKED).await.status, StatusCode::OK, "{agent}");
    }
    let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    let body = json!({ "version": app["version"], "client_secret": renewed.expose() });
    let page = world.api(Method::PUT, &format!("{path}/credentials"), Some(&body)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.json()["homepage_url"], app["homepage_url"]);
    world.demo().welink.expire_tokens(&known.client_id);
    let page = world.sign_in(&mut world.browser(), &url, LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    // A secret that WeLink refuses replaces nothing.
    let wrong = json!({ "version": page_version(&world, &path).await, "client_secret": "wrong" });
    let refused = world.api(Method::PUT, &format!("{path}/credentials"), Some(&wrong)).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "credentials-refused"));
}

async fn page_version(world: &World, path: &str) -> Value {
    world.api(Method::GET, path, None).await.json()["version"].clone()
}
