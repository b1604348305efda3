//! T7: canaries planted in every input; the whole process's log at its finest level holds none of them.

use http::Method;
use serde_json::json;
use tests::logs;
use tests::world::{LINKED, World};

#[tokio::test]
async fn t7_no_canary_of_any_input_reaches_the_log() {
    let captured = logs::capture();
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let canary = |n: usize| format!("canary{n:03}planted");
    let mut planted = 0;
    let mut plant = || {
        planted += 1;
        canary(planted)
    };
    // The administrator's API: key, bodies of every unsafe route.
    let key = format!("Bearer {}", world.running.operator_key);
    for (method, route) in tests::world::routes() {
        let path = route
            .replace("{tenant}", known.tenant.as_str())
            .replace("{instance}", known.oa_instance.as_str())
            .replace("{enterprise}", known.enterprise.as_str())
            .replace("{app}", known.app.as_str())
            .replace("{user}", &format!("{LINKED}@welink"));
        let body =
            json!({ "client_secret": plant(), "scim_bearer": plant(), "push_secret": plant(), "mobile": plant() });
        let body = (method != "GET" && method != "DELETE").then_some(&body);
        let cookie = format!("__Host-session={}", plant());
        let wrong = format!("Bearer {}", plant());
        let method: Method = method.parse().unwrap();
        if method != Method::DELETE {
            world.api_with(method.clone(), &path, body, &[("authorization", &key), ("cookie", &cookie)]).await;
        }
        world.api_with(method, &path, body, &[("x-trace-id", &wrong), ("cookie", &cookie)]).await;
    }
    // The employees' pages: query, cookies, form, nonce, user agent, a signed request.
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    for _ in 0..3 {
        let mut browser = world.browser();
        browser.set_cookie("bridge.localhost", "__Host-browser", &plant());
        browser.set_cookie("bridge.localhost", "__Host-session", &plant());
        let mut url = world.homepage();
        url.query_pairs_mut().append_pair("to", &format!("/{}", plant())).append_pair("code", &plant());
        browser.get(&url).await.unwrap();
        let body = format!("state={}&code={}", plant(), plant());
        browser.send(Method::POST, &url, &form, body).await.unwrap();
        browser.get(&world.bridge(&format!("/handoff?nonce={}", plant()))).await.unwrap();
        let redeem = json!({ "op": plant(), "jti": plant(), "aud": plant() }).to_string();
        let signed = [("webhook-id", "x"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
        browser.send(Method::POST, &world.bridge("/v1/tickets/redeem"), &signed, redeem).await.unwrap();
        browser.get(&world.bridge(&format!("/nowhere/{}", plant()))).await.unwrap();
    }
    let (attempts, lines) = (planted, captured.text());
    assert!(attempts > 90, "{attempts}");
    assert!(lines.contains("/h/{app}") && lines.contains("answered 401"), "the log was captured");
    let leaked: Vec<String> = (1..=attempts).map(canary).filter(|canary| lines.contains(canary)).collect();
    assert!(leaked.is_empty(), "{} of {attempts} leaked: {leaked:?}", leaked.len());
}
