//! C30, ADM-08: whoever is signed in changes his own password, in the console and by the API.

use domain::audit::Action;
use domain::role::Role;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::console::{Console, PASSWORD, account, forms};
use tests::web::Page;
use tests::world::World;

use crate::accounts::problem_of;

const OTHER: &str = "another long password";

async fn change(console: &mut Console<'_>, headers: &[(&str, &str)], body: &Value) -> Page {
    let url = console.url("/v1/me/password");
    let headers: Vec<(&str, &str)> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
    console.browser.send(Method::POST, &url, &headers, body.to_string()).await.unwrap()
}

fn passwords(current: &str, new: &str) -> Value {
    json!({ "current_password": current, "password": new })
}

#[tokio::test]
async fn adm_08_the_own_password_is_changed_by_the_api_as_by_the_console() {
    let world = World::start().await;
    account(&world, world.tenant().as_str(), "li.hua", Role::Auditor).await;
    let mut here = Console::sign_in(&world, "li.hua", PASSWORD).await;
    let mut there = Console::sign_in(&world, "li.hua", PASSWORD).await;
    for (body, field) in
        [(passwords("wrong horse battery", OTHER), "current_password"), (passwords(PASSWORD, "short"), "password")]
    {
        let refused = change(&mut here, &[], &body).await;
        let at = refused.json()["errors"][0]["field"].clone();
        assert_eq!((refused.status, at.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{}", refused.body);
    }
    let unknown = json!({ "current_password": PASSWORD, "password": OTHER, "role": "owner" });
    assert_eq!(change(&mut here, &[], &unknown).await.status, StatusCode::BAD_REQUEST);
    assert!(here.is_in().await && there.is_in().await, "nothing has changed yet");
    let changed = change(&mut here, &[], &passwords(PASSWORD, OTHER)).await;
    assert_eq!((changed.status, changed.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(here.is_in().await, "the answer brings the cookie of a new session");
    assert!(!there.is_in().await, "all others have ended");
    assert_eq!(world.audited(Action::AccountPassword, "ok").await, 1);
    // The console's own form, with the same outcome.
    here.learn_token().await;
    let form = here.form("/me", "/me/password").await.with("current_password", OTHER);
    let again = here.submit(&form.with("password", PASSWORD)).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
    assert!(here.is_in().await);
    assert_eq!(world.audited(Action::AccountPassword, "ok").await, 2);
    Console::sign_in(&world, "li.hua", PASSWORD).await;
}

#[tokio::test]
async fn adm_08_a_key_has_no_password_and_another_site_changes_none() {
    let world = World::start().await;
    let key = json!({ "name": "k", "role": "owner" });
    let path = format!("/v1/tenants/{}/api-keys", world.tenant());
    let key = world.api(Method::POST, &path, Some(&key)).await.json();
    let key = format!("Bearer {}", key["key"].as_str().unwrap());
    let operator = format!("Bearer {}", world.running.operator_key);
    let mut owner = Console::owner(&world).await;
    let body = passwords(&world.demo().remembered.admin_password, OTHER);
    for (headers, want) in [
        (vec![("authorization", key.as_str())], "no-password"),
        (vec![("authorization", operator.as_str())], "no-password"),
        (vec![("authorization", "Bearer nonsense")], "unauthenticated"),
        (vec![("sec-fetch-site", "cross-site")], "cross-site"),
        (vec![("sec-fetch-site", "same-site")], "cross-site"),
        (vec![("origin", "https://evil.example")], "cross-site"),
        (vec![("origin", "null")], "cross-site"),
    ] {
        let refused = change(&mut owner, &headers, &body).await;
        assert_eq!(problem_of(&refused), want, "{headers:?}");
    }
    let stranger = change(&mut Console::stranger(&world), &[], &body).await;
    assert_eq!((stranger.status, problem_of(&stranger).as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    assert!(owner.is_in().await);
    assert_eq!(world.audited(Action::AccountPassword, "ok").await, 0);
    let page = owner.get("/me").await;
    let form = forms(&page.body).into_iter().find(|form| form.action == "/me/password").unwrap();
    assert_eq!(form.value("username"), Some("admin"), "for whoever keeps passwords");
}
