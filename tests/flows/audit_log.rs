//! SEC-03, C26, OPS-09: what the audit log holds, how it is searched and taken away, and how long it is kept.

use domain::audit::{Action, Entry};
use domain::time::Timestamp;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::TWO_CANDIDATES;
use tests::web::Page;
use tests::world::{LINKED, World};

const DAY_S: i64 = 86_400;
const PASSWORD: &str = "correct horse battery";

async fn get(world: &World, path: &str) -> Value {
    let page = world.api(Method::GET, path, None).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page.json()
}

async fn made(world: &World, path: &str, body: Value) -> String {
    let page = world.api(Method::POST, path, Some(&body)).await;
    assert_eq!(page.status, StatusCode::CREATED, "{path}: {}", page.body);
    page.json()["id"].as_str().unwrap().to_owned()
}

/// Entries of all tenants that stand in the table.
async fn entries_in_the_table(world: &World) -> usize {
    let store = world.running.bridge.store();
    let (mut count, mut start) = (0, None);
    loop {
        let scan = store.client().scan().table_name(store.table_name()).set_exclusive_start_key(start);
        let page = scan.send().await.unwrap();
        count += page.items().iter().filter(|item| item["pk"].as_s().unwrap().contains("#A#")).count();
        start = page.last_evaluated_key;
        if start.is_none() {
            return count;
        }
    }
}

/// Routes that do not write exactly one entry, and why.
const NOT_ONE_ENTRY: [&str; 10] = [
    // It takes a session instead of a key, and begins another one: tests/flows/accounts.rs.
    "/v1/me/password",
    // A setup key is made before there is a tenant whose log could hold it.
    "/v1/setup-keys",
    // They ask WeLink and change nothing.
    "/v1/apps/{app}/permission-probe",
    "/v1/apps/{app}/visible-range-check",
    // One entry for each stage of a job and one for each link that it writes: tests/flows/link_jobs.rs counts them.
    "/v1/enterprises/{enterprise}/link-imports",
    "/v1/enterprises/{enterprise}/bulk-unbind",
    "/v1/link-jobs/{job}/continue",
    "/v1/link-jobs/{job}/apply",
    "/v1/link-jobs/{job}/undo",
    // One entry when it begins and one when it has ended: tests/flows/from_welink.rs counts them.
    "/v1/enterprises/{enterprise}/runs",
];

/// A request to this route that succeeds, with all that it needs set up; `None` = no row of this table.
pub async fn request(world: &World, method: &str, route: &str) -> Option<(String, Option<Value>)> {
    let known = world.demo().remembered.clone();
    let (tenant, enterprise) = (known.tenant.as_str(), known.enterprise.as_str());
    let path = route
        .replace("{tenant}", tenant)
        .replace("{enterprise}", enterprise)
        .replace("{instance}", known.oa_instance.as_str())
        .replace("{app}", known.app.as_str());
    let oa = json!({
        "name": format!("OA {method}"), "base": "https://oa.example", "scim_base": "https://oa.example/scim",
        "scim_bearer": "x", "sso_landing": "https://oa.example/sso", "allowed_dest_prefixes": ["/"],
    });
    let member = world.demo().company.people.last().unwrap().login.clone();
    let versioned = async |of: &str, mut body: Value| {
        body["version"] = get(world, of).await["version"].clone();
        Some(body)
    };
    let body = match (method, route) {
        ("POST", "/v1/tenants") => Some(json!({ "name": "新团队" })),
        (
            "PATCH",
            "/v1/tenants/{tenant}" | "/v1/oa-instances/{instance}" | "/v1/enterprises/{enterprise}" | "/v1/apps/{app}",
        ) => versioned(&path, json!({ "name": "改名" })).await,
        ("POST", "/v1/tenants/{tenant}/oa-instances") => Some(oa),
        ("DELETE", "/v1/oa-instances/{instance}") => {
            let id = made(world, &format!("/v1/tenants/{tenant}/oa-instances"), oa).await;
            return Some((format!("/v1/oa-instances/{id}?confirm=OA+DELETE"), None));
        }
        ("PUT", "/v1/oa-instances/{instance}/secrets") => {
            versioned(path.trim_end_matches("/secrets"), json!({ "end_rotation": true })).await
        }
        ("POST", "/v1/tenants/{tenant}/enterprises") => {
            Some(json!({ "name": "新企业", "oa_instance": known.oa_instance }))
        }
        ("DELETE", "/v1/enterprises/{enterprise}") => {
            let body = json!({ "name": "gone", "oa_instance": known.oa_instance });
            let id = made(world, &format!("/v1/tenants/{tenant}/enterprises"), body).await;
            return Some((format!("/v1/enterprises/{id}?confirm=gone"), None));
        }
        ("PUT", "/v1/enterprises/{enterprise}/authority") => {
            versioned(path.trim_end_matches("/authority"), json!({ "authority": "welink" })).await
        }
        ("PUT", route) if route.ends_with("/auto-bind") => versioned(&path, json!({ "enabled": true })).await,
        ("POST", "/v1/enterprises/{enterprise}/apps") => Some(new_app(world)),
        ("DELETE", "/v1/apps/{app}") => {
            let id = made(world, &format!("/v1/enterprises/{enterprise}/apps"), new_app(world)).await;
            return Some((format!("/v1/apps/{id}?confirm=app"), None));
        }
        ("PUT", "/v1/apps/{app}/credentials") => {
            let renewed = world.demo().welink.rotate_secret(&known.client_id).unwrap();
            versioned(path.trim_end_matches("/credentials"), json!({ "client_secret": renewed.expose() })).await
        }
        ("POST", "/v1/apps/{app}/browser-test" | "/v1/enterprises/{enterprise}/directory/reindex") => None,
        ("POST", "/v1/enterprises/{enterprise}/links") => {
            let oa_user = json!({ "by": "login_id", "value": member });
            Some(json!({ "user_id": format!("{member}@welink"), "oa_user": oa_user }))
        }
        ("DELETE", "/v1/enterprises/{enterprise}/links/{user}") => {
            return Some((path.replace("{user}", &format!("{member}@welink")), None));
        }
        _ => return request_of_history(world, method, route, &path).await,
    };
    Some((path, body))
}

/// The same for what is written down of settings, and for people's marks.
async fn request_of_history(world: &World, method: &str, route: &str, path: &str) -> Option<(String, Option<Value>)> {
    let known = world.demo().remembered.clone();
    let tenant = known.tenant.as_str();
    match (method, route) {
        ("POST", "/v1/tenants/{tenant}/settings-history/{entry}/roll-back") => {
            let app = format!("/v1/apps/{}", known.app);
            let version = get(world, &app).await["version"].clone();
            let change = Some(json!({ "name": "又改", "version": version }));
            assert_eq!(world.api(Method::PATCH, &app, change.as_ref()).await.status, StatusCode::OK);
            let history = get(world, &format!("/v1/tenants/{tenant}/settings-history")).await;
            let entry = history["entries"][0]["id"].as_str().unwrap();
            Some((path.replace("{entry}", entry), Some(json!({}))))
        }
        ("POST", "/v1/tenants/{tenant}/settings/import") => {
            let id = made(world, "/v1/tenants", json!({ "name": "空的" })).await;
            let document = get(world, &format!("/v1/tenants/{id}/settings/export")).await;
            Some((format!("/v1/tenants/{id}/settings/import"), Some(document)))
        }
        ("PUT" | "DELETE", "/v1/enterprises/{enterprise}/people/{user}/no-auto-bind") => {
            Some((path.replace("{user}", &format!("{LINKED}@welink")), None))
        }
        _ => request_of_accounts(world, method, route, path).await,
    }
}

/// The same for accounts and keys.
async fn request_of_accounts(world: &World, method: &str, route: &str, path: &str) -> Option<(String, Option<Value>)> {
    let tenant = world.tenant();
    let body = match (method, route) {
        ("POST", "/v1/tenants/{tenant}/accounts") => Some(account("one")),
        ("PATCH", "/v1/accounts/{account}") => {
            let id = made(world, &format!("/v1/tenants/{tenant}/accounts"), account("two")).await;
            let path = format!("/v1/accounts/{id}");
            let version = get(world, &path).await["version"].clone();
            return Some((path, Some(json!({ "version": version, "name": "改名" }))));
        }
        ("DELETE", "/v1/accounts/{account}") => {
            let id = made(world, &format!("/v1/tenants/{tenant}/accounts"), account("three")).await;
            return Some((format!("/v1/accounts/{id}"), None));
        }
        ("DELETE", "/v1/accounts/{account}/sessions/{session}") => {
            let id = made(world, &format!("/v1/tenants/{tenant}/accounts"), account("four")).await;
            let entered = admin::console_session::sign_in(&world.running.bridge, "four", PASSWORD, "", "").await;
            assert!(entered.is_ok());
            let sessions = get(world, &format!("/v1/accounts/{id}/sessions")).await;
            return Some((format!("/v1/accounts/{id}/sessions/{}", sessions[0]["id"].as_str().unwrap()), None));
        }
        ("POST", "/v1/tenants/{tenant}/api-keys") => Some(json!({ "name": "key", "role": "auditor" })),
        ("DELETE", "/v1/api-keys/{key}") => {
            let body = json!({ "name": "gone", "role": "auditor" });
            return Some((
                format!("/v1/api-keys/{}", made(world, &format!("/v1/tenants/{tenant}/api-keys"), body).await),
                None,
            ));
        }
        ("PUT", "/v1/tenants/{tenant}/scan-login") => {
            let version = get(world, path).await["version"].clone();
            Some(json!({ "version": version, "enabled": true, "apps": [world.demo().remembered.app] }))
        }
        ("PUT", "/v1/enterprises/{enterprise}/sync-settings") => {
            let version = get(world, path).await["version"].clone();
            Some(json!({ "version": version, "app": world.demo().remembered.app }))
        }
        (_, "/v1/tenants/{tenant}/rules" | "/v1/rules/{rule}" | "/v1/messages/{message}/resend") => {
            return Some(request_of_push(world, method, path).await);
        }
        ("POST", "/v1/signing-keys/rotate") => {
            world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
            Some(json!({}))
        }
        ("DELETE", "/v1/signing-keys/{kid}") => {
            world.advance_s(3600);
            let keys = get(world, "/v1/signing-keys").await;
            let oldest = keys.as_array().unwrap().last().unwrap()["kid"].as_str().unwrap().to_owned();
            return Some((format!("/v1/signing-keys/{oldest}"), None));
        }
        ("POST", "/v1/enterprises/{enterprise}/conflicts/{user}/settle") => {
            // Settings are kept 30 s, and auto-bind was switched on by a row above.
            world.advance_s(31);
            world.sign_in(&mut world.browser(), &world.homepage(), TWO_CANDIDATES).await;
            let conflicts = get(world, path.trim_end_matches("/{user}/settle")).await;
            let body = json!({ "oa_user": conflicts[0]["candidates"][0] });
            return Some((path.replace("{user}", &format!("{TWO_CANDIDATES}@welink")), Some(body)));
        }
        _ => return None,
    };
    Some((path.to_owned(), body))
}

/// The same for push.
async fn request_of_push(world: &World, method: &str, path: &str) -> (String, Option<Value>) {
    let rule = json!({ "name": "rule", "source": "all" });
    if path.ends_with("/rules") {
        return (path.to_owned(), Some(rule));
    }
    if path.ends_with("/resend") {
        world.rule("todo", &["notice"], json!({})).await;
        world.push(&[tests::push::event(world, "e1", "oa.todo.created", "1", 1, &["1001"])]).await;
        let message = world.only_pushed().await["id"].as_str().unwrap().to_owned();
        return (path.replace("{message}", &message), Some(json!({ "force": true })));
    }
    let id = made(world, &format!("/v1/tenants/{}/rules", world.tenant()), rule.clone()).await;
    let path = path.replace("{rule}", &id);
    match method {
        "PUT" => (path, Some(json!({ "version": 1, "name": "rule", "source": "todo" }))),
        _ => (format!("{path}?confirm=rule"), None),
    }
}

fn account(login: &str) -> Value {
    json!({ "login": login, "name": login, "role": "auditor", "password": PASSWORD })
}

/// An app that WeLink knows and the bridge does not.
fn new_app(world: &World) -> Value {
    let app = sim::welink::NewApp {
        tenant_id: world.demo().remembered.welink_tenant.clone(),
        name_zh: "应用".to_owned(),
        name_en: "app".to_owned(),
        mobile_url: String::new(),
        pc_url: String::new(),
        credentials: None,
    };
    let credentials = world.demo().welink.add_app(app).unwrap();
    json!({
        "name": "app", "client_id": credentials.client_id, "client_secret": credentials.client_secret.expose(),
        "homepage": { "mode": "oa-app", "oa_app": "portal" },
    })
}

#[tokio::test]
async fn sec_03_every_state_changing_route_is_tried_and_writes_one_entry() {
    let world = World::start().await;
    let mut called = 0;
    let counted = |(method, route): &(&str, &str)| *method != "GET" && !NOT_ONE_ENTRY.contains(route);
    for (method, route) in tests::world::routes().filter(counted) {
        let request = request(&world, method, route).await;
        let (path, body) = request.unwrap_or_else(|| unreachable!("{method} {route} has no row in this test's table"));
        let before = entries_in_the_table(&world).await;
        let page = world.api(method.parse().unwrap(), &path, body.as_ref()).await;
        assert!(page.status.is_success(), "{method} {path}: {}", page.body);
        assert_eq!(entries_in_the_table(&world).await - before, 1, "{method} {path}");
        let refused = world.api_with(method.parse().unwrap(), &path, body.as_ref(), &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            entries_in_the_table(&world).await - before,
            1,
            "a refused request changes nothing: {method} {path}"
        );
        called += 1;
    }
    assert!(called >= 20, "{called}");
}

/// Writes an entry of another time.
async fn write(world: &World, at: Timestamp, action: Action, actor: &str, object: &str) {
    let bridge = &world.running.bridge;
    let entry = Entry { at, ..bridge.entry(world.tenant().clone(), action, actor, object, "") };
    bridge.store().append_audit(&entry).await.unwrap();
}

/// All pages of a search.
async fn search(world: &World, query: &str) -> Vec<Value> {
    let (mut found, mut before) = (Vec::new(), String::new());
    for _ in 0..50 {
        let page = get(world, &format!("/v1/tenants/{}/audit?{query}{before}", world.tenant())).await;
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 100);
        found.extend(entries.iter().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={}", next.replace('#', "%23")),
            None => return found,
        }
    }
    unreachable!("the search does not end")
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()
}

#[tokio::test]
async fn c26_the_log_is_searched_by_action_actor_object_and_time_over_months() {
    let world = World::start().await;
    let began = world.running.bridge.clock().now();
    let all_before = search(&world, "").await.len();
    // Half a year, one entry a day.
    world.advance_s(190 * DAY_S);
    for day in 0..180 {
        let (actor, object) = (format!("welink:{}", day % 3), if day % 2 == 0 { "even" } else { "odd" });
        write(&world, began.plus_s((day + 5) * DAY_S), Action::SignIn, &actor, object).await;
    }
    assert_eq!(search(&world, "").await.len(), all_before + 180);
    for (query, want) in [
        ("action=sign-in", 180),
        ("action=sign-in&actor=welink:1", 60),
        ("actor=welink:1&object=even", 30),
        ("object=nothing", 0),
        ("action=ticket.issue", 0),
    ] {
        assert_eq!(search(&world, query).await.len(), want, "{query}");
    }
    let (from, to) = (began.plus_s(20 * DAY_S), began.plus_s(80 * DAY_S));
    let found = search(&world, &format!("from={}&to={}", rfc3339(from), rfc3339(to))).await;
    assert_eq!(found.len(), 60);
    let times: Vec<i64> = found.iter().map(|entry| entry["at"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a > b), "newest first, none twice");
    assert!(times.iter().all(|at| (from.0..to.0).contains(at)));
    let month = &rfc3339(from)[..7];
    let of_month = search(&world, &format!("month={month}")).await;
    assert!((28..=31).contains(&of_month.len()), "{}", of_month.len());
    for wrong in ["from=yesterday", "month=11", "action=nonsense"] {
        let page = world.api(Method::GET, &format!("/v1/tenants/{}/audit?{wrong}", world.tenant()), None).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let far = search(&world, "from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z&action=sign-in").await;
    assert_eq!(far.len(), 180, "however wide the range, the search ends");
    for junk in ["~~~~", "9999999999999", "x", "%E4%BA%91%E4%BA%91%E4%BA%91%E4%BA%91%E4%BA%91"] {
        let path = format!("/v1/tenants/{}/audit?before={junk}", world.tenant());
        assert_eq!(world.api(Method::GET, &path, None).await.status, StatusCode::OK, "{junk}");
    }
}

/// All parts of an export.
async fn export(world: &World, format: &str, month: &str) -> Vec<Page> {
    let mut path = format!("/v1/tenants/{}/audit/export?format={format}&month={month}", world.tenant());
    let mut parts = Vec::new();
    for _ in 0..20 {
        let page = world.api(Method::GET, &path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(page.body.len() <= 4 * 1024 * 1024, "{}", page.body.len());
        let next = page.header("link").map(|link| link[1..link.find('>').unwrap()].to_owned());
        parts.push(page);
        match next {
            Some(next) => path = next,
            None => return parts,
        }
    }
    unreachable!("the export does not end")
}

#[tokio::test]
async fn c26_a_month_is_exported_in_parts_whose_cells_no_spreadsheet_runs() {
    let world = World::start().await;
    let bridge = &world.running.bridge;
    let now = bridge.clock().now();
    for n in 0..520 {
        let mut entry = bridge.entry(world.tenant().clone(), Action::SignIn, "welink:x", "=HYPERLINK(1)", "@from");
        entry.detail.insert("n".to_owned(), n.to_string());
        entry.detail.insert("quotes".to_owned(), "\"".repeat(8_000));
        bridge.store().append_audit(&entry).await.unwrap();
    }
    // The month may have ended while the entries were written.
    let month = rfc3339(now)[..7].to_owned();
    let expected = search(&world, &format!("month={month}")).await.len();
    let parts = export(&world, "jsonl", &month).await;
    assert!(parts.len() > 1, "{}", parts.len());
    let lines: Vec<Value> =
        parts.iter().flat_map(|part| part.body.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), expected);
    assert!(lines.is_sorted_by_key(|line| line["at"].as_i64()), "oldest first");
    let parts = export(&world, "csv", &month).await;
    assert!(parts.len() > 1 && parts[0].header("content-type").unwrap().starts_with("text/csv"));
    let file: String = parts.iter().map(|part| part.body.as_str()).collect();
    let header = "\u{feff}at,action,actor,object,result,from,trace,detail\n";
    assert!(file.starts_with(header) && file.matches("at,action,actor").count() == 1);
    assert_eq!(file.lines().count(), expected + 1, "one line an entry");
    assert!(file.contains(",'=HYPERLINK(1),") && file.contains(",'@from,"));
    assert!(!file.contains(",=") && !file.contains(",@"), "no cell begins like a formula");
    let empty = export(&world, "csv", "2001-01").await;
    assert_eq!(empty[0].body, header, "a month without entries");
    for wrong in ["format=csv&month=x", "format=csv", "format=xml&month=2026-11"] {
        let path = format!("/v1/tenants/{}/audit/export?{wrong}", world.tenant());
        let refused = world.api(Method::GET, &path, None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", refused.body);
    }
}

#[tokio::test]
async fn ops_09_an_audit_entry_is_kept_400_days() {
    let world = World::start().await;
    let at = world.running.bridge.clock().now();
    let month = rfc3339(at)[..7].to_owned();
    write(&world, at, Action::SignIn, "welink:kept", "x").await;
    let found = async || {
        let searched = search(&world, "actor=welink:kept").await.len();
        let exported: String = export(&world, "jsonl", &month).await.iter().map(|part| part.body.as_str()).collect();
        (searched, exported.matches("welink:kept").count())
    };
    assert_eq!(found().await, (1, 1));
    world.advance_s(400 * DAY_S - 60);
    assert_eq!(found().await, (1, 1), "on its last day");
    world.advance_s(120);
    assert_eq!(found().await, (0, 0), "gone with its time, whatever the table still holds");
    let store = world.running.bridge.store();
    let scan = store.client().scan().table_name(store.table_name()).send().await.unwrap();
    let kept = |item: &&std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
        item.get("actor").is_some_and(|actor| actor.as_s().unwrap() == "welink:kept")
    };
    let item = scan.items().iter().find(kept).expect("the table's own clock has not moved");
    let ttl: i64 = item["ttl"].as_n().unwrap().parse().unwrap();
    assert_eq!(ttl, at.plus_s(400 * DAY_S).epoch_s() + 1, "the table may drop it from then on");
}
