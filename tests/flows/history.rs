//! ADM-07: the history of the settings, the way back, and the way to another bridge.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::web::Page;
use tests::world::{LINKED, World};

fn problem(page: &Page) -> String {
    page.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

async fn get(world: &World, path: &str) -> Value {
    let page = world.api(Method::GET, path, None).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page.json()
}

async fn patch(world: &World, path: &str, mut change: Value) -> Value {
    change["version"] = get(world, path).await["version"].clone();
    let page = world.api(Method::PATCH, path, Some(&change)).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page.json()
}

/// The entries of a tenant's history, newest first, over all pages.
async fn entries(world: &World, tenant: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = get(world, &format!("/v1/tenants/{tenant}/settings-history{cursor}")).await;
        all.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => return all,
        }
    }
    unreachable!("the history does not end");
}

async fn newest(world: &World) -> Value {
    entries(world, world.tenant().as_str()).await.remove(0)
}

async fn roll_back(world: &World, entry: &Value, force: bool) -> Page {
    let id = entry["id"].as_str().unwrap();
    let path = format!("/v1/tenants/{}/settings-history/{id}/roll-back", world.tenant());
    world.api(Method::POST, &path, Some(&json!({ "force": force }))).await
}

#[tokio::test]
async fn adm_07_every_save_is_in_the_history_with_what_it_changed_and_no_secret() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let (app, enterprise) = (format!("/v1/apps/{}", known.app), format!("/v1/enterprises/{}", known.enterprise));
    patch(&world, &app, json!({ "name": "门户二", "enabled": false })).await;
    patch(&world, &enterprise, json!({ "name": "改名" })).await;
    patch(&world, &format!("/v1/tenants/{}", known.tenant), json!({ "link_hosts": ["a.example"] })).await;
    patch(&world, &format!("/v1/oa-instances/{}", known.oa_instance), json!({ "name": "改名 OA" })).await;
    let bind = json!({ "version": 0, "enabled": true });
    let bound = world.api(Method::PUT, &format!("{enterprise}/from-oa/auto-bind"), Some(&bind)).await;
    assert_eq!(bound.status, StatusCode::OK, "{}", bound.body);
    let all = entries(&world, known.tenant.as_str()).await;
    let seen: Vec<_> = all
        .iter()
        .map(|entry| {
            let fields = entry["changes"].as_array().unwrap().iter().map(|c| c["field"].as_str().unwrap().to_owned());
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("action"), text("what"), fields.collect::<Vec<_>>().join(","))
        })
        .collect();
    let text = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
    let want = [
        ("auto-bind.update", "changed", "auto_bind.enabled"),
        ("oa-instance.update", "changed", "name"),
        ("tenant.update", "changed", "link_hosts"),
        ("enterprise.update", "changed", "name"),
        ("app.update", "changed", "enabled,name"),
    ];
    assert_eq!(seen[..5], want.map(text));
    let created: Vec<_> = seen[5..].iter().map(|(action, what, _)| (action.as_str(), what.as_str())).collect();
    let made = ["app.create", "enterprise.create", "oa-instance.create", "tenant.create"].map(|a| (a, "created"));
    let want: Vec<_> = [("scan-login.update", "changed")].into_iter().chain(made).collect();
    assert_eq!(created, want);
    let id = all[4]["id"].as_str().unwrap();
    let shown = get(&world, &format!("/v1/tenants/{}/settings-history/{id}", known.tenant)).await;
    assert_eq!(shown["changes"][1], json!({ "field": "name", "before": "OA 门户", "after": "门户二" }));
    assert_eq!((shown["by"].as_str(), shown["kind"].as_str()), (Some("operator"), Some("app")));
    let told = json!(all).to_string();
    for secret in [&known.client_secret, &known.push_secret, &known.pull_secret, &known.scim_bearer] {
        assert!(!told.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn adm_07_an_entry_is_rolled_back_as_a_new_version() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let enterprise = format!("/v1/enterprises/{}", known.enterprise);
    let name = get(&world, &enterprise).await["name"].clone();
    let renamed = patch(&world, &enterprise, json!({ "name": "改名" })).await;
    let entry = newest(&world).await;
    let back = roll_back(&world, &entry, false).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.body);
    assert_eq!(back.json()["name"], name);
    assert_eq!(back.json()["version"].as_u64(), renamed["version"].as_u64().map(|version| version + 1));
    let made = json!({ "name": "改名" });
    let made = world.api(Method::POST, &format!("/v1/tenants/{}/enterprises", known.tenant), Some(&made)).await;
    assert_eq!(made.status, StatusCode::CREATED, "the name moved back as well: {}", made.body);
    let own = entries(&world, known.tenant.as_str()).await.remove(1);
    assert_eq!((own["action"].as_str(), own["what"].as_str()), (Some("settings.roll-back"), Some("changed")));
    assert_eq!(world.audited(domain::audit::Action::SettingsRollBack, "ok").await, 1);
    // The roll-back is an entry itself; its name is taken by now, which is checked as at any save.
    let taken = roll_back(&world, &own, false).await;
    assert_eq!((taken.status, problem(&taken).as_str()), (StatusCode::CONFLICT, "name-taken"));
    // Scan login is one of the tenant's settings, and a save of it is taken back as well.
    let path = format!("/v1/tenants/{}/scan-login", known.tenant);
    let version = get(&world, &path).await["version"].as_u64().unwrap();
    let scan = json!({ "version": version, "enabled": false, "apps": [known.app] });
    world.api(Method::PUT, &path, Some(&scan)).await;
    let back = roll_back(&world, &newest(&world).await, false).await.json();
    assert_eq!((&back["enabled"], &back["version"]), (&json!(true), &json!(version + 2)), "{back}");
    // Auto-bind has a version of its own, which goes on.
    let bind = json!({ "version": 0, "enabled": true });
    world.api(Method::PUT, &format!("{enterprise}/sign-in/auto-bind"), Some(&bind)).await;
    let back = roll_back(&world, &newest(&world).await, false).await;
    assert_eq!(back.json()["auto_bind"]["enabled"], false, "{}", back.body);
    assert_eq!(back.json()["auto_bind"]["version"], 2);
}

#[tokio::test]
async fn adm_07_what_others_changed_since_is_overwritten_by_force_only() {
    let world = World::start().await;
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    patch(&world, &app, json!({ "name": "一", "enabled": false })).await;
    let entry = newest(&world).await;
    patch(&world, &app, json!({ "homepage": { "mode": "oa-app", "oa_app": "workflow" } })).await;
    let homepage = newest(&world).await;
    patch(&world, &app, json!({ "name": "二" })).await;
    let refused = roll_back(&world, &entry, false).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::CONFLICT, "changed-meanwhile"));
    assert_eq!(refused.json()["errors"][0]["field"], "name");
    assert_eq!(get(&world, &app).await["name"], "二", "nothing is changed");
    let forced = roll_back(&world, &entry, true).await.json();
    assert_eq!((&forced["name"], &forced["enabled"]), (&json!("OA 门户"), &json!(true)));
    assert_eq!(forced["homepage"]["oa_app"], "workflow", "other settings stay");
    let back = roll_back(&world, &homepage, false).await.json();
    assert_eq!(back["homepage"]["oa_app"], "portal", "what nobody changed since needs no force");
}

#[tokio::test]
async fn adm_07_a_roll_back_is_checked_like_any_save_and_brings_nothing_back_to_life() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let (app, tenant) = (format!("/v1/apps/{}", known.app), format!("/v1/tenants/{}", known.tenant));
    patch(&world, &tenant, json!({ "link_hosts": ["a.example"] })).await;
    patch(&world, &app, json!({ "homepage": { "mode": "custom-link", "link": "https://a.example/" } })).await;
    patch(&world, &app, json!({ "homepage": { "mode": "oa-app", "oa_app": "portal" } })).await;
    let away = newest(&world).await;
    patch(&world, &tenant, json!({ "link_hosts": [] })).await;
    let refused = roll_back(&world, &away, true).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "the host is not allowed any more");
    assert_eq!(refused.json()["errors"][0]["field"], "homepage.link");
    let created = entries(&world, known.tenant.as_str()).await.pop().unwrap();
    assert_eq!(created["what"], "created");
    let refused = roll_back(&world, &created, true).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::CONFLICT, "not-restorable"));
    // A secret is no setting: its replacement is told of, but not undone.
    let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
    let body = json!({ "version": get(&world, &app).await["version"], "client_secret": renewed.expose() });
    world.api(Method::PUT, &format!("{app}/credentials"), Some(&body)).await;
    let replaced = newest(&world).await;
    assert_eq!((replaced["action"].as_str(), &replaced["changes"]), (Some("app.credentials"), &json!([])));
    assert_eq!(problem(&roll_back(&world, &replaced, true).await), "not-restorable");
    // An entry of another tenant is nobody's.
    let other = world.other_tenant().await;
    let path = format!("/v1/tenants/{}/settings-history/{}", other.tenant, away["id"].as_str().unwrap());
    assert_eq!(world.api(Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn adm_07_the_history_is_kept_400_days() {
    let world = World::start().await;
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    let before = entries(&world, world.tenant().as_str()).await.len();
    world.advance_s(399 * 86_400);
    assert_eq!(entries(&world, world.tenant().as_str()).await.len(), before);
    patch(&world, &app, json!({ "name": "新" })).await;
    world.advance_s(2 * 86_400);
    let left = entries(&world, world.tenant().as_str()).await;
    assert_eq!(left.len(), 1, "only the new one is left");
}

#[tokio::test]
async fn adm_07_the_history_has_pages() {
    let world = World::start().await;
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    for n in 0..60 {
        patch(&world, &app, json!({ "enabled": n % 2 == 0 })).await;
    }
    let all = entries(&world, world.tenant().as_str()).await;
    assert_eq!(all.len(), 65);
    let ids: std::collections::BTreeSet<_> = all.iter().map(|entry| entry["id"].to_string()).collect();
    assert_eq!(ids.len(), 65, "none twice");
    assert!(all.windows(2).all(|pair| pair[0]["at"].as_i64() >= pair[1]["at"].as_i64()));
}

/// Fills the demonstration's tenant with one of everything that can be set.
async fn furnish(world: &World) {
    let known = world.demo().remembered.clone();
    patch(world, &format!("/v1/tenants/{}", known.tenant), json!({ "link_hosts": ["portal.example"] })).await;
    let enterprise = format!("/v1/enterprises/{}", known.enterprise);
    let bind = json!({
        "version": 0, "enabled": true, "deny": ["9", "1"], "require_password": true,
        "pairs": [{ "welink": "email", "oa": "email" }, { "welink": "mobile", "oa": "mobile" }],
    });
    let page = world.api(Method::PUT, &format!("{enterprise}/sign-in/auto-bind"), Some(&bind)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let authority = json!({ "version": get(world, &enterprise).await["version"], "authority": "oa" });
    let page = world.api(Method::PUT, &format!("{enterprise}/authority"), Some(&authority)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let path = format!("/v1/tenants/{}/scan-login", known.tenant);
    let scan = json!({
        "version": get(world, &path).await["version"], "enabled": true, "apps": [known.app], "life_s": 90,
        "networks": ["10.0.0.0/8"], "number_matching": true,
    });
    let page = world.api(Method::PUT, &path, Some(&scan)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let list = format!("/v1/tenants/{}/enterprises", known.tenant);
    for name in ["乙", "甲", "Zeta"] {
        world.api(Method::POST, &list, Some(&json!({ "name": name }))).await;
    }
}

#[tokio::test]
async fn adm_07_an_export_has_no_secret_and_is_the_same_after_an_import_elsewhere() {
    let world = World::start().await;
    furnish(&world).await;
    let known = world.demo().remembered.clone();
    let exported = world.api(Method::GET, &format!("/v1/tenants/{}/settings/export", known.tenant), None).await;
    assert_eq!(exported.status, StatusCode::OK, "{}", exported.body);
    for hidden in [&known.client_secret, &known.push_secret, &known.pull_secret, &known.scim_bearer] {
        assert!(!exported.body.contains(hidden.as_str()), "a secret is in it");
    }
    for id in [known.tenant.as_str(), known.oa_instance.as_str(), known.enterprise.as_str(), known.app.as_str()] {
        assert!(!exported.body.contains(id), "{id} means nothing elsewhere");
    }
    // Another bridge, whose own app gives the client_id free; its WeLink knows the same app.
    let elsewhere = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let own = &elsewhere.demo().remembered;
    let scan = format!("/v1/tenants/{}/scan-login", own.tenant);
    let off = json!({ "version": get(&elsewhere, &scan).await["version"], "enabled": false, "apps": [] });
    assert_eq!(elsewhere.api(Method::PUT, &scan, Some(&off)).await.status, StatusCode::OK);
    let page =
        elsewhere.api(Method::DELETE, &format!("/v1/apps/{}?confirm=OA+%E9%97%A8%E6%88%B7", own.app), None).await;
    assert_eq!(page.status, StatusCode::NO_CONTENT, "{}", page.body);
    let tenant = elsewhere.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "空的" }))).await.json();
    let tenant = format!("/v1/tenants/{}", tenant["id"].as_str().unwrap());
    let document = exported.json();
    let imported = elsewhere.api(Method::POST, &format!("{tenant}/settings/import"), Some(&document)).await;
    assert_eq!(imported.status, StatusCode::OK, "{}", imported.body);
    assert_eq!(imported.json(), json!({ "oa_instances": 1, "enterprises": 4, "apps": 1 }));
    let again = elsewhere.api(Method::GET, &format!("{tenant}/settings/export"), None).await;
    assert_eq!(again.body, exported.body, "byte by byte");
    let twice = elsewhere.api(Method::POST, &format!("{tenant}/settings/import"), Some(&document)).await;
    assert_eq!((twice.status, problem(&twice).as_str()), (StatusCode::CONFLICT, "not-empty"));
    without_secrets(&elsewhere, &tenant, &known).await;
}

/// What was imported lets nobody in until its secrets are there.
async fn without_secrets(world: &World, tenant: &str, exported: &local::Remembered) {
    let enterprises = get(world, &format!("{tenant}/enterprises")).await;
    let mut apps = Vec::new();
    for enterprise in enterprises.as_array().unwrap() {
        let list = get(world, &format!("/v1/enterprises/{}/apps", enterprise["id"].as_str().unwrap())).await;
        apps.extend(list.as_array().unwrap().clone());
    }
    let app = &apps[0];
    assert_eq!((&app["credentials_version"], &app["secret_set"]), (&json!(0), &Value::Null));
    assert_eq!(app["enabled"], true, "as it was exported");
    let homepage: url::Url = app["homepage_url"].as_str().unwrap().parse().unwrap();
    let page = world.browser().get(&homepage).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("secret-missing")));
    let instance = get(world, &format!("{tenant}/oa-instances")).await[0].clone();
    assert_eq!(instance["secrets"]["scim_bearer"], Value::Null);
    let oa = format!("/v1/oa-instances/{}", instance["id"].as_str().unwrap());
    let asked = world.api(Method::GET, &format!("{oa}/apps"), None).await;
    assert_eq!(problem(&asked), "secret-missing");
    let body = json!({ "version": 0, "scim_bearer": exported.scim_bearer });
    let set = world.api(Method::PUT, &format!("{oa}/secrets"), Some(&body)).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    assert!(set.json()["push_secret"].as_str().unwrap().starts_with("whsec_"), "made by the bridge, shown once");
    assert_eq!(world.api(Method::GET, &format!("{oa}/apps"), None).await.status, StatusCode::OK);
    // The secret belongs to another WeLink company than the one that was exported.
    let path = format!("/v1/apps/{}", app["id"].as_str().unwrap());
    let body = json!({ "version": 0, "client_secret": world.demo().remembered.client_secret });
    let foreign = world.api(Method::PUT, &format!("{path}/credentials"), Some(&body)).await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", foreign.body);
}

#[tokio::test]
async fn adm_07_an_imported_app_works_once_its_secrets_are_there() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    let document = get(&world, &format!("/v1/tenants/{}/settings/export", known.tenant)).await;
    // People scan by it; only then can it be deleted.
    let scan = format!("/v1/tenants/{}/scan-login", known.tenant);
    let off = json!({ "version": get(&world, &scan).await["version"], "enabled": false, "apps": [] });
    assert_eq!(world.api(Method::PUT, &scan, Some(&off)).await.status, StatusCode::OK);
    let page = world.api(Method::DELETE, &format!("/v1/apps/{}?confirm=OA+%E9%97%A8%E6%88%B7", known.app), None).await;
    assert_eq!(page.status, StatusCode::NO_CONTENT, "{}", page.body);
    let tenant = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "空的" }))).await.json();
    let tenant = format!("/v1/tenants/{}", tenant["id"].as_str().unwrap());
    let imported = world.api(Method::POST, &format!("{tenant}/settings/import"), Some(&document)).await;
    assert_eq!(imported.status, StatusCode::OK, "{}", imported.body);
    let enterprise = get(&world, &format!("{tenant}/enterprises")).await[0]["id"].as_str().unwrap().to_owned();
    let app = get(&world, &format!("/v1/enterprises/{enterprise}/apps")).await[0].clone();
    let body = json!({ "version": 0, "client_secret": known.client_secret });
    let path = format!("/v1/apps/{}/credentials", app["id"].as_str().unwrap());
    let set = world.api(Method::PUT, &path, Some(&body)).await;
    assert_eq!((set.status, &set.json()["credentials_version"]), (StatusCode::OK, &json!(1)), "{}", set.body);
    let homepage: url::Url = app["homepage_url"].as_str().unwrap().parse().unwrap();
    let page = world.browser().get(&homepage).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    // Nobody is linked here yet, and the OA's secrets are still missing: that is what the page says.
    let page = world.sign_in(&mut world.browser(), &homepage, LINKED).await;
    assert!(page.status == StatusCode::OK || page.problem().as_deref() == Some("secret-missing"), "{}", page.body);
}

#[tokio::test]
async fn adm_07_a_document_that_is_wrong_anywhere_imports_nothing() {
    let world = World::start().await;
    furnish(&world).await;
    let document = get(&world, &format!("/v1/tenants/{}/settings/export", world.tenant())).await;
    let tenant = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "空的" }))).await.json();
    let tenant = format!("/v1/tenants/{}", tenant["id"].as_str().unwrap());
    let empty = world.api(Method::GET, &format!("{tenant}/settings/export"), None).await.body;
    let mut attempts = 0;
    for (pointer, value, field) in [
        ("/format", json!(2), "format"),
        ("/tenant/name", json!(" "), "tenant.name"),
        ("/tenant/link_hosts", json!(["https://x/"]), "tenant.link_hosts"),
        ("/oa_instances/0/base", json!("ftp://x"), "oa_instances[0].base"),
        ("/oa_instances/0/allowed_dest_prefixes", json!(["/elsewhere"]), "oa_instances[0].allowed_dest_prefixes"),
        ("/oa_instances/0/verify_url", json!(null), "oa_instances[0].verify_url"),
        ("/enterprises/0/oa_instance", json!("nobody"), "enterprises[0].oa_instance"),
        ("/enterprises/1/name", document["enterprises"][0]["name"].clone(), "enterprises[1].name"),
        ("/enterprises/0/auto_bind/misspelt", json!(true), "enterprises[0].auto_bind"),
        ("/enterprises/0/id", json!("e_1"), "enterprises[0].id"),
        ("/apps/0/enterprise", json!("nobody"), "apps[0].enterprise"),
        ("/apps/0/credentials_version", json!(7), "apps[0].credentials_version"),
        ("/apps/0/client_secret", json!("x"), "apps[0].client_secret"),
        ("/scan_login/apps", json!(["nobody"]), "scan_login.apps"),
        ("/scan_login/life_s", json!(1), "scan_login.life_s"),
    ] {
        let mut wrong = document.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[name] = value;
        let page = world.api(Method::POST, &format!("{tenant}/settings/import"), Some(&wrong)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{pointer}: {}", page.body);
        assert_eq!(page.json()["errors"][0]["field"], field, "{}", page.body);
        attempts += 1;
    }
    // The demonstration's tenant has the app.
    let page = world.api(Method::POST, &format!("{tenant}/settings/import"), Some(&document)).await;
    assert_eq!((page.status, problem(&page).as_str()), (StatusCode::CONFLICT, "client-id-taken"));
    assert_eq!(world.api(Method::GET, &format!("{tenant}/settings/export"), None).await.body, empty);
    assert_eq!(attempts, 15);
}

#[tokio::test]
async fn adm_07_a_large_import_takes_several_transactions_and_can_be_repeated() {
    let world = World::start().await;
    let mut document = get(&world, &format!("/v1/tenants/{}/settings/export", world.tenant())).await;
    let enterprise = document["enterprises"][0].clone();
    document["apps"] = json!([]);
    document["scan_login"] = json!({});
    let many = (0..120).map(|n| {
        let mut one = enterprise.clone();
        one["name"] = json!(format!("企业 {n:03}"));
        one
    });
    document["enterprises"] = many.collect();
    let tenant = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "空的" }))).await.json();
    let id = domain::ids::TenantId::parse(tenant["id"].as_str().unwrap()).unwrap();
    let path = format!("/v1/tenants/{id}/settings");
    let import = async || world.api(Method::POST, &format!("{path}/import"), Some(&document)).await;
    // Stopped on the way: what is in the way of one of the last names ends the run there.
    let store = world.running.bridge.store();
    let key = state::keys::enterprise_name(&id, "企业 110");
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = store.client().put_item().table_name(store.table_name());
    put.item("pk", text(&key.pk)).item("sk", text(&key.sk)).item("owner", text("x")).send().await.unwrap();
    let stopped = import().await;
    assert_eq!((stopped.status, problem(&stopped).as_str()), (StatusCode::CONFLICT, "name-taken"));
    let written = get(&world, &format!("/v1/tenants/{id}/enterprises")).await.as_array().unwrap().len();
    assert!((60..110).contains(&written), "{written}");
    let mut other = document.clone();
    other["tenant"]["name"] = json!("另一份");
    let refused = world.api(Method::POST, &format!("{path}/import"), Some(&other)).await;
    assert_eq!(problem(&refused), "not-empty", "another document continues nothing");
    let remove = store.client().delete_item().table_name(store.table_name());
    remove.key("pk", text(&key.pk)).key("sk", text(&key.sk)).send().await.unwrap();
    let done = import().await;
    assert_eq!((done.status, &done.json()["enterprises"]), (StatusCode::OK, &json!(120)), "{}", done.body);
    let mut exported = get(&world, &format!("{path}/export")).await;
    exported["scan_login"] = json!({});
    assert_eq!(exported, document, "nothing is missing, nothing is there twice");
    assert_eq!(problem(&import().await), "not-empty", "it has ended");
}

#[tokio::test]
async fn adm_07_the_command_line_carries_settings_and_audit_away() {
    let program = tests::tools::bridge().await;
    let world = World::start().await;
    let bridge = async |args: &[&str]| {
        let mut command = tokio::process::Command::new(program);
        command.args(args).args(["--api", &world.running.origin("console"), "--key", &world.running.operator_key]);
        let done = command.output().await.unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let exported = bridge(&["settings", "export", "--tenant", world.tenant().as_str()]).await;
    let document: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(document["apps"].as_array().unwrap().len(), 1);
    let mut document = document;
    document["apps"] = json!([]);
    document["scan_login"] = json!({});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document.to_string()).unwrap();
    let tenant = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "空的" }))).await.json();
    let tenant = tenant["id"].as_str().unwrap();
    let path = file.path().to_str().unwrap();
    let told: Value = serde_json::from_str(&bridge(&["settings", "import", "--tenant", tenant, path]).await).unwrap();
    assert_eq!(told, json!({ "oa_instances": 1, "enterprises": 1, "apps": 0 }));
    let month = jiff::Timestamp::from_millisecond(world.running.bridge.clock().now().0).unwrap().to_string();
    let export = ["audit", "export", "--tenant", tenant, "--month", &month[..7]];
    let csv = bridge(&export).await;
    assert!(csv.contains(",settings.import,operator,"), "{csv}");
    let listed = bridge(&["audit", "--tenant", tenant]).await;
    assert!(listed.contains("settings.import"), "{listed}");
}
