//! Changing and deleting what was created, and its secrets: ENT-01 (rename), ENT-10, C21.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::web::Page;
use tests::world::{LINKED, OtherTenant, World};

fn problem(page: &Page) -> String {
    page.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

/// The fields of a problem document.
fn fields(page: &Page) -> Vec<String> {
    let errors = page.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

async fn get(world: &World, path: &str) -> Value {
    let page = world.api(Method::GET, path, None).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page.json()
}

/// Changes what is at `path` on the version that it has now.
async fn patch(world: &World, path: &str, mut change: Value) -> Page {
    change["version"] = get(world, path).await["version"].clone();
    world.api(Method::PATCH, path, Some(&change)).await
}

async fn delete(world: &World, path: &str, name: &str) -> Page {
    let confirm: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    world.api(Method::DELETE, &format!("{path}?confirm={confirm}"), None).await
}

#[tokio::test]
async fn ent_01_a_renamed_enterprise_frees_its_name_and_takes_no_other_ones() {
    let world = World::start().await;
    let list = format!("/v1/tenants/{}/enterprises", world.tenant());
    let second = world.api(Method::POST, &list, Some(&json!({ "name": "Second" }))).await.json();
    let second = format!("/v1/enterprises/{}", second["id"].as_str().unwrap());
    let first = format!("/v1/enterprises/{}", world.enterprise());
    let taken = patch(&world, &first, json!({ "name": "second" })).await;
    assert_eq!((taken.status, problem(&taken).as_str()), (StatusCode::CONFLICT, "name-taken"));
    let empty = patch(&world, &first, json!({ "name": " " })).await;
    assert_eq!((empty.status, fields(&empty)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["name".to_owned()]));
    assert_eq!(patch(&world, &second, json!({ "name": "SECOND" })).await.json()["name"], "SECOND", "its own name");
    assert_eq!(patch(&world, &second, json!({ "name": "Third" })).await.json()["name"], "Third");
    assert_eq!(patch(&world, &first, json!({ "name": "second" })).await.status, StatusCode::OK, "the name is free");
    let again = world.api(Method::POST, &list, Some(&json!({ "name": "third" }))).await;
    assert_eq!(problem(&again), "name-taken");
}

#[tokio::test]
async fn c27_the_second_of_two_administrators_is_told_and_overwrites_nothing() {
    let world = World::start().await;
    let known = &world.demo().remembered;
    for path in [
        format!("/v1/tenants/{}", known.tenant),
        format!("/v1/oa-instances/{}", known.oa_instance),
        format!("/v1/enterprises/{}", known.enterprise),
        format!("/v1/apps/{}", known.app),
    ] {
        let version = get(&world, &path).await["version"].clone();
        let change = |name: &str| json!({ "version": version, "name": name });
        let both = [change("first"), change("second")];
        let [a, b] = &both;
        let (a, b) = tokio::join!(world.api(Method::PATCH, &path, Some(a)), world.api(Method::PATCH, &path, Some(b)));
        let mut statuses = [a.status, b.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT], "{path}: {} {}", a.body, b.body);
        let (won, told) = if a.status == StatusCode::OK { (a, b) } else { (b, a) };
        assert_eq!(problem(&told), "changed-meanwhile");
        assert_eq!(get(&world, &path).await["name"], won.json()["name"], "{path}");
    }
}

#[tokio::test]
async fn q4_every_setting_of_an_oa_instance_can_be_changed_and_is_checked() {
    let world = World::start().await;
    let path = format!("/v1/oa-instances/{}", world.demo().remembered.oa_instance);
    let change = json!({
        "name": "总部 OA", "ticket_delivery": "query", "start_url": null, "revoke_url": "", "binding_mode": "off",
        "verify_url": null, "allowed_dest_prefixes": ["/"], "sso_landing": "https://oa.example/sso",
    });
    let changed = patch(&world, &path, change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let now = get(&world, &path).await;
    for (field, want) in [
        ("name", json!("总部 OA")),
        ("ticket_delivery", json!("query")),
        ("start_url", Value::Null),
        ("revoke_url", Value::Null),
        ("verify_url", Value::Null),
        ("binding_mode", json!("off")),
        ("sso_landing", json!("https://oa.example/sso")),
    ] {
        assert_eq!(now[field], want, "{field}");
    }
    for (change, field) in [
        (json!({ "base": "http://oa.example" }), "base"),
        (json!({ "scim_base": "nonsense" }), "scim_base"),
        (json!({ "binding_mode": "password" }), "verify_url"),
        // The demonstration's app opens a page of the OA: it stays allowed.
        (json!({ "allowed_dest_prefixes": ["/elsewhere"] }), "allowed_dest_prefixes"),
        (json!({ "name": "" }), "name"),
    ] {
        let refused = patch(&world, &path, change.clone()).await;
        let told = (refused.status, fields(&refused));
        assert_eq!(told, (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()]), "{change}");
    }
    assert_eq!(get(&world, &path).await, now, "nothing is stored");
    let unknown = patch(&world, &path, json!({ "scim_bearer": "x" })).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "secrets have a route of their own");
}

#[tokio::test]
async fn q4_link_hosts_are_bounded_and_stay_while_a_homepage_leads_there() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}", world.tenant());
    let many: Vec<String> = (0..101).map(|n| format!("h{n}.example")).collect();
    let refused = patch(&world, &path, json!({ "link_hosts": many })).await;
    assert_eq!(fields(&refused), ["link_hosts"]);
    assert_eq!(patch(&world, &path, json!({ "link_hosts": many[..100] })).await.status, StatusCode::OK);
    let app = format!("/v1/apps/{}", world.demo().remembered.app);
    let link = json!({ "homepage": { "mode": "custom-link", "link": "https://h7.example/x" } });
    assert_eq!(patch(&world, &app, link).await.status, StatusCode::OK);
    let refused = patch(&world, &path, json!({ "link_hosts": ["h8.example"] })).await;
    assert_eq!(fields(&refused), ["link_hosts"]);
    assert_eq!(patch(&world, &path, json!({ "link_hosts": ["h7.example"] })).await.status, StatusCode::OK);
    let listed = get(&world, "/v1/tenants").await;
    let own = listed.as_array().unwrap().iter().find(|tenant| tenant["id"] == world.tenant().as_str()).unwrap();
    assert_eq!(own["link_hosts"], json!(["h7.example"]), "the list of tenants agrees");
}

#[tokio::test]
async fn q9_a_team_has_a_time_zone_and_what_is_none_is_refused() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}", world.tenant());
    assert_eq!(get(&world, &path).await["zone"], "Asia/Shanghai");
    for bad in ["Mars/Olympus", "UTC+8", ""] {
        assert_eq!(fields(&patch(&world, &path, json!({ "zone": bad })).await), ["zone"], "{bad}");
    }
    assert_eq!(patch(&world, &path, json!({ "zone": "europe/berlin" })).await.status, StatusCode::OK);
    assert_eq!(get(&world, &path).await["zone"], "Europe/Berlin");
}

#[tokio::test]
async fn q27_an_enterprise_keeps_its_oa_while_links_are_made_of_its_ids() {
    let world = World::start().await;
    let oa = world.running.origin("oa");
    let instance = json!({
        "name": "第二个 OA", "base": oa, "scim_base": format!("{oa}/scim/v2"), "allowed_dest_prefixes": ["/"],
        "scim_bearer": world.demo().remembered.scim_bearer, "sso_landing": format!("{oa}/sso/landing"),
    });
    let path = format!("/v1/tenants/{}/oa-instances", world.tenant());
    let instance_made = world.api(Method::POST, &path, Some(&instance)).await;
    assert_eq!(instance_made.status, StatusCode::CREATED, "{}", instance_made.body);
    let twice = world.api(Method::POST, &path, Some(&instance)).await;
    assert_eq!(problem(&twice), "name-taken", "names tell OA instances apart, in an export too");
    let change = json!({ "oa_instance": instance_made.json()["id"] });
    let refused = patch(&world, &format!("/v1/enterprises/{}", world.enterprise()), change.clone()).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::CONFLICT, "in-use"));
    assert_eq!(fields(&refused), ["used_by.app", "used_by.links"]);
    let body = json!({ "name": "空的", "oa_instance": world.demo().remembered.oa_instance });
    let path = format!("/v1/tenants/{}/enterprises", world.tenant());
    let fresh = world.api(Method::POST, &path, Some(&body)).await;
    let fresh = format!("/v1/enterprises/{}", fresh.json()["id"].as_str().unwrap());
    assert_eq!(patch(&world, &fresh, change.clone()).await.json()["oa_instance"], change["oa_instance"]);
}

#[tokio::test]
async fn ent_10_what_is_in_use_is_not_deleted_and_its_users_are_listed() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let enterprise = format!("/v1/enterprises/{}", known.enterprise);
    let name = get(&world, &enterprise).await["name"].as_str().unwrap().to_owned();
    let refused = delete(&world, &enterprise, &name).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::CONFLICT, "in-use"));
    assert_eq!(fields(&refused), ["used_by.app", "used_by.links", "used_by.people", "used_by.departments"]);
    let errors = refused.json()["errors"].clone();
    assert!(errors[0]["reason"].as_str().unwrap().contains(known.app.as_str()), "{errors}");
    assert!(errors[1]["reason"].as_str().unwrap().parse::<u32>().unwrap() > 10, "{errors}");
    let instance = format!("/v1/oa-instances/{}", known.oa_instance);
    let oa = get(&world, &instance).await["name"].as_str().unwrap().to_owned();
    let refused = delete(&world, &instance, &oa).await;
    assert_eq!(fields(&refused), ["used_by.enterprise"], "{}", refused.body);
    assert!(refused.body.contains(known.enterprise.as_str()));
    for path in [&enterprise, &instance] {
        assert_eq!(world.api(Method::GET, path, None).await.status, StatusCode::OK, "it is still there");
    }
}

#[tokio::test]
async fn ent_10_an_app_by_which_people_scan_is_not_deleted() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let scan = format!("/v1/tenants/{}/scan-login", known.tenant);
    let version = get(&world, &scan).await["version"].as_u64().unwrap();
    let on = json!({ "version": version, "enabled": true, "apps": [known.app] });
    assert_eq!(world.api(Method::PUT, &scan, Some(&on)).await.status, StatusCode::OK);
    let app = format!("/v1/apps/{}", known.app);
    let name = get(&world, &app).await["name"].as_str().unwrap().to_owned();
    let refused = delete(&world, &app, &name).await;
    assert_eq!((refused.status, fields(&refused)), (StatusCode::CONFLICT, vec!["used_by.scan-login".to_owned()]));
    let off = json!({ "version": version + 1, "enabled": false, "apps": [] });
    assert_eq!(world.api(Method::PUT, &scan, Some(&off)).await.status, StatusCode::OK);
    assert_eq!(delete(&world, &app, &name).await.status, StatusCode::NO_CONTENT);
}

/// Deletes the second tenant's app, enterprise and OA instance, in this order.
async fn delete_all(world: &World, other: &OtherTenant) {
    for (path, name) in [
        (format!("/v1/apps/{}", other.app), "另一个应用"),
        (format!("/v1/enterprises/{}", other.enterprise), "另一家企业"),
        (format!("/v1/oa-instances/{}", other.instance), "另一个 OA"),
    ] {
        for wrong in ["", "另一"] {
            let refused = delete(world, &path, wrong).await;
            assert_eq!(fields(&refused), ["confirm"], "{path}: {}", refused.body);
        }
        let gone = delete(world, &path, name).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{path}: {}", gone.body);
        assert_eq!(world.api(Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(delete(world, &path, name).await.status, StatusCode::NOT_FOUND, "only once");
    }
}

#[tokio::test]
async fn ent_10_a_deletion_takes_secrets_along_frees_every_claim_and_never_calls_welink() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let asked = world.demo().welink.request_log().len();
    delete_all(&world, &other).await;
    assert_eq!(world.demo().welink.request_log().len(), asked, "WeLink is not called");
    let store = world.running.bridge.store();
    let left = store.client().scan().table_name(store.table_name()).send().await.unwrap();
    for item in left.items() {
        let key = |name: &str| item[name].as_s().unwrap().clone();
        let (pk, sk) = (key("pk"), key("sk"));
        // The log and the history tell of it; nothing else remembers it.
        let told = pk.contains("#A#") || pk.ends_with("#V");
        let names = [&other.app, &other.enterprise, &other.instance, &other.client_id];
        assert!(told || names.iter().all(|id| !pk.contains(id.as_str()) && !sk.contains(id.as_str())), "{pk} {sk}");
        assert!(!pk.starts_with(&format!("T#{}#N", other.tenant)), "a name is still claimed: {sk}");
    }
    assert!(left.last_evaluated_key().is_none(), "the whole table was looked at");
    // The names are free again.
    let made = world
        .api(
            Method::POST,
            &format!("/v1/tenants/{}/oa-instances", other.tenant),
            Some(&json!({
                "name": "另一个 OA", "base": "https://oa.example", "scim_base": "https://oa.example/scim",
                "allowed_dest_prefixes": ["/"], "scim_bearer": "x", "sso_landing": "https://oa.example/sso",
            })),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
}

#[tokio::test]
async fn ent_10_nobody_slips_in_while_an_enterprise_or_an_oa_is_deleted() {
    let world = World::start().await;
    let oa = world.running.origin("oa");
    let tenant = world.tenant().to_string();
    for round in 0..6 {
        let instance = json!({
            "name": format!("OA {round}"), "base": oa, "scim_base": format!("{oa}/scim/v2"),
            "allowed_dest_prefixes": ["/"], "scim_bearer": "x", "sso_landing": format!("{oa}/sso/landing"),
        });
        let path = format!("/v1/tenants/{tenant}/oa-instances");
        let instance = world.api(Method::POST, &path, Some(&instance)).await.json();
        let id = instance["id"].as_str().unwrap();
        let create = json!({ "name": format!("企业 {round}"), "oa_instance": id });
        let (list, path) = (format!("/v1/tenants/{tenant}/enterprises"), format!("/v1/oa-instances/{id}"));
        let name = format!("OA {round}");
        let (made, gone) = tokio::join!(world.api(Method::POST, &list, Some(&create)), delete(&world, &path, &name));
        let one = (made.status == StatusCode::CREATED) != (gone.status == StatusCode::NO_CONTENT);
        assert!(one, "an enterprise without its OA, or neither: {} {}", made.body, gone.body);
    }
}

#[tokio::test]
async fn c21_oa_secrets_are_replaced_after_a_test_and_never_shown() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    let path = format!("/v1/oa-instances/{}", known.oa_instance);
    let secrets = format!("{path}/secrets");
    let put = |mut body: Value| {
        let (world, path, secrets) = (&world, &path, &secrets);
        async move {
            body["version"] = get(world, path).await["version"].clone();
            world.api(Method::PUT, secrets, Some(&body)).await
        }
    };
    let refused = put(json!({ "scim_bearer": "wrong" })).await;
    assert_eq!((refused.status, problem(&refused).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "oa-refused"));
    let unknown = format!("whsec_{}", "A".repeat(44));
    let refused = put(json!({ "pull_secret": unknown })).await;
    assert_eq!(problem(&refused), "oa-refused", "the OA does not know it: {}", refused.body);
    assert_eq!(fields(&put(json!({ "push_secret": "short" })).await), ["push_secret"]);
    // The OA gets new ones, then the bridge.
    let mut connection = sim::oa::Connection {
        instance_id: known.oa_instance.as_str().to_owned(),
        bridge_origin: world.running.origin("bridge"),
        push_secret: platform::secret::Secret::new(known.push_secret.clone()),
        pull_secret: platform::secret::Secret::new(unknown.clone()),
        scim_bearer: platform::secret::Secret::new("new-bearer".to_owned()),
    };
    world.demo().oa.connect(connection.clone()).unwrap();
    world.advance_s(5);
    let replaced = put(json!({ "scim_bearer": "new-bearer", "pull_secret": unknown })).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.body);
    assert!(!replaced.body.contains("new-bearer") && !replaced.body.contains(&unknown));
    let now = replaced.json()["secrets"].clone();
    assert_eq!(now["scim_bearer"]["by"], "operator");
    assert!(now["scim_bearer"]["at"].as_i64() > now["push"]["at"].as_i64(), "set on, by: {now}");
    // A new push secret: both are taken until the rotation ends.
    let push = format!("whsec_{}", "B".repeat(44));
    assert_eq!(put(json!({ "push_secret": push })).await.json()["secrets"]["push_rotating"], true);
    let sign_in = async || world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(sign_in().await.status, StatusCode::OK, "the OA still signs with the old one");
    connection.push_secret = platform::secret::Secret::new(push);
    world.demo().oa.connect(connection.clone()).unwrap();
    assert_eq!(sign_in().await.status, StatusCode::OK, "the new one is taken as well");
    assert_eq!(put(json!({ "end_rotation": true })).await.json()["secrets"]["push_rotating"], false);
    assert_eq!(sign_in().await.status, StatusCode::OK);
    connection.push_secret = platform::secret::Secret::new(known.push_secret);
    world.demo().oa.connect(connection).unwrap();
    assert_ne!(sign_in().await.status, StatusCode::OK, "the old one verifies no more");
}
