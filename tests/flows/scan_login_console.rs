//! QRL-01 in the console: the settings of scan login as an administrator meets them.

use domain::audit::Action;
use domain::role::Role;
use http::{Method, StatusCode};
use regex::Regex;
use serde_json::json;
use tests::web::{Browser, Page};
use tests::world::World;
use url::Url;

const PASSWORD: &str = "correct horse battery";

fn console(world: &World, path: &str) -> Url {
    format!("{}{path}", world.running.origin("console")).parse().unwrap()
}

/// A browser that is signed in to the console.
async fn signed_in(world: &World, login: &str, password: &str) -> Browser {
    let mut browser = world.desktop();
    let fields = [("login", login), ("password", password)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let entered = browser.post_form(&console(world, "/sign-in"), &fields).await.unwrap();
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.body);
    browser
}

async fn owner(world: &World) -> Browser {
    signed_in(world, "admin", &world.demo().remembered.admin_password).await
}

/// What a form of the page sends along without being shown, with these fields.
fn filled(page: &Page, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let hidden = Regex::new(r#"<input type="hidden" name="(csrf|version)" value="([^"]*)">"#).unwrap();
    let form = page.body.split_once(r#"action="/scan-login""#).expect("the page has the form").1;
    let hidden = hidden.captures_iter(form).map(|found| (found[1].to_owned(), found[2].to_owned())).take(2);
    hidden.chain(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}

#[tokio::test]
async fn qrl_01_the_console_switches_scan_login_and_says_what_goes_on_the_login_page() {
    let world = World::start().await;
    let mut browser = owner(&world).await;
    let here = console(&world, "/scan-login");
    let page = browser.get(&here).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let entry = world.screen_url();
    assert!(page.body.contains(&format!("data-copy=\"{entry}\"")), "the address can be copied");
    assert!(page.body.contains("data-copy=\"&#60;a href="), "and the code for the login page");
    let instance = format!("/oa-instances/{}", world.demo().remembered.oa_instance);
    let oa = browser.get(&console(&world, &instance)).await.unwrap();
    assert!(oa.body.contains("href=\"/scan-login\"") && oa.body.contains(entry.as_str()), "the OA's page leads here");

    let app = world.demo().remembered.app.as_str();
    let strict = [
        ("enabled", "yes"),
        ("apps", app),
        ("number_matching", "yes"),
        ("networks", "10.0.0.0/8\n127.0.0.0/8"),
        ("networks_only", "yes"),
        ("life_s", "60"),
        ("refreshes", "2"),
    ];
    let saved = browser.post_form(&here, &filled(&page, &strict)).await.unwrap();
    assert_eq!((saved.status, saved.next().as_deref()), (StatusCode::SEE_OTHER, Some("/scan-login?done=saved")));
    let setting = world.api(Method::GET, &format!("/v1/tenants/{}/scan-login", world.tenant()), None).await.json();
    let told = ["enabled", "apps", "number_matching", "networks", "networks_only", "life_s", "refreshes"]
        .map(|name| setting[name].clone());
    let networks = json!(["10.0.0.0/8", "127.0.0.0/8"]);
    assert_eq!(told, [json!(true), json!([app]), json!(true), networks, json!(true), json!(60), json!(2)]);
    assert_eq!(setting["changed"]["by"], "admin");

    let page = browser.get(&here).await.unwrap();
    let off = browser.post_form(&here, &filled(&page, &[("apps", app), ("life_s", "60"), ("refreshes", "2")])).await;
    assert_eq!(off.unwrap().status, StatusCode::SEE_OTHER);
    assert_eq!(world.desktop().get(&entry).await.unwrap().status, StatusCode::NOT_FOUND, "the entry disappears");
    assert_eq!(world.audited(Action::ScanLoginUpdate, "ok").await, 3, "the demonstration's own one, strict, off");
}

#[tokio::test]
async fn qrl_01_the_consoles_form_keeps_what_was_typed_and_says_what_is_wrong_where() {
    let world = World::start().await;
    let mut browser = owner(&world).await;
    let here = console(&world, "/scan-login");
    let page = browser.get(&here).await.unwrap();
    let app = world.demo().remembered.app.as_str();
    let good = [("enabled", "yes"), ("apps", app), ("life_s", "120"), ("refreshes", "5"), ("networks", "")];
    for (field, value) in [
        ("life_s", "soon"),
        ("life_s", "301"),
        ("refreshes", "6"),
        ("apps", ""),
        ("networks", "10.1.2.3/8"),
        ("networks_only", "yes"),
    ] {
        let mut fields = filled(&page, &good);
        fields.retain(|(name, _)| name != field);
        fields.push((field.to_owned(), value.to_owned()));
        let refused = browser.post_form(&here, &fields).await.unwrap();
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}: {}", refused.body);
        let place = if field == "networks_only" { "networks" } else { field };
        assert!(refused.body.contains(&format!("id=\"{place}-error\"")), "{field}={value}: {}", refused.body);
        if !value.is_empty() && field != "refreshes" {
            assert!(refused.body.contains(value), "{field}={value} is still there");
        }
    }
    let mut stale = filled(&page, &good);
    stale.iter_mut().filter(|(name, _)| name == "version").for_each(|(_, version)| "0".clone_into(version));
    assert_eq!(browser.post_form(&here, &stale).await.unwrap().status, StatusCode::CONFLICT);
    let mut forged = filled(&page, &good);
    forged.retain(|(name, _)| name != "csrf");
    assert_eq!(browser.post_form(&here, &forged).await.unwrap().status, StatusCode::FORBIDDEN);
    assert_eq!(world.audited(Action::ScanLoginUpdate, "ok").await, 1, "only the demonstration's own one");
}

#[tokio::test]
async fn qrl_01_the_console_says_add_welink_first_and_an_auditor_only_reads() {
    let world = World::start().await;
    let made = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "新团队" }))).await.json();
    let account = json!({ "login": "new@corp.example", "name": "n", "role": Role::Owner, "password": PASSWORD });
    let path = format!("/v1/tenants/{}/accounts", made["id"].as_str().unwrap());
    let headers = [("authorization", &*format!("Bearer {}", world.running.operator_key))];
    let created = world.api_with(Method::POST, &path, Some(&account), &headers).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let mut browser = signed_in(&world, "new@corp.example", PASSWORD).await;
    let page = browser.get(&console(&world, "/scan-login?lang=zh-CN")).await.unwrap();
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("请先添加welink") && page.body.contains("href=\"/new-enterprise\""), "{}", page.body);

    let account = json!({ "login": "reader", "name": "r", "role": Role::Auditor, "password": PASSWORD });
    let path = format!("/v1/tenants/{}/accounts", world.tenant());
    assert_eq!(world.api(Method::POST, &path, Some(&account)).await.status, StatusCode::CREATED);
    let mut browser = signed_in(&world, "reader", PASSWORD).await;
    let page = browser.get(&console(&world, "/scan-login")).await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("action=\"/scan-login\""), "nothing to submit: {}", page.body);
    let csrf = Regex::new(r#"name="csrf" value="([^"]*)""#).unwrap().captures(&page.body).unwrap()[1].to_owned();
    let forced = [("csrf".to_owned(), csrf), ("version".to_owned(), "1".to_owned())];
    assert_eq!(
        browser.post_form(&console(&world, "/scan-login"), &forced).await.unwrap().status,
        StatusCode::FORBIDDEN
    );
}
