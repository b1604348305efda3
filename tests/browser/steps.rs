//! What a person does, step by step.

use serde_json::Value;
use tests::chromium::Chromium;
use tests::program::Program;

/// A linked member, and his OA login.
pub const LINKED: &str = "lihua";
/// A member whom nobody has linked yet.
pub const UNLINKED: &str = "yinxia";

/// The app on the workbench.
pub const APP: &str = "a.app[data-client]";
/// The OA's home page, as somebody whom a ticket let in.
pub const IN_BY_TICKET: &str = "#how[data-how=ticket]";

/// Chooses a member on the simulated phone: the window then shows his workbench.
pub async fn hold(browser: &Chromium, bridge: &Program, login: &str) {
    browser.goto(&bridge.origin("phone")).await;
    browser.fill("input[name=q]", login).await;
    browser.click(".filters button[type=submit]").await;
    browser.find(".filters a.button").await;
    browser.click(&format!("a.person[href*='/{login}%40welink/']")).await;
    browser.find(APP).await;
}

/// Taps the app and goes on in its window.
pub async fn tap(browser: &Chromium) {
    browser.opening(browser.click(APP)).await;
}

/// Opens an address in a web view of this phone, as a push card does, and goes on in its window. The phone gives codes
/// to windows that it opened; a card of the app counts as its newest one.
pub async fn open_card(browser: &Chromium, url: &str) {
    let script = format!(
        "const app = document.querySelector('{APP}').dataset;
         const known = {{ clientId: app.client, userId: document.body.dataset.user, name: app.name }};
         sessionStorage.setItem('app ' + new URL('{url}').origin, JSON.stringify(known));
         window.open('{url}', 'card', 'popup,width=390,height=780');"
    );
    browser.opening(browser.run(&script)).await;
}

/// A fresh one-time code of the member whose phone the current window shows.
pub async fn code(browser: &Chromium) -> String {
    let script = format!(
        "const done = arguments[0];
         const clientId = document.querySelector('{APP}').dataset.client;
         const wish = {{ userId: document.body.dataset.user, clientId }};
         fetch('/sim/authcode', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }}, \
         body: JSON.stringify(wish) }}).then(answer => answer.json()).then(answer => done(answer.code));"
    );
    let code = browser.client.execute_async(&script, Vec::new()).await.unwrap();
    code.as_str().expect("the phone gives a code").to_owned()
}

/// Who is signed in, read from the OA's home page.
pub async fn who(browser: &Chromium) -> String {
    browser.find(IN_BY_TICKET).await;
    browser.text("#who").await
}

/// The name of the problem that the window shows; waits for one.
pub async fn problem(browser: &Chromium) -> String {
    browser.attr("#problem", "data-problem").await.expect("the page names its problem")
}

/// Switches a fault on by the phone's settings page, for every call of WeLink.
pub async fn break_welink(browser: &Chromium, bridge: &Program, fault: &str) {
    browser.goto(&format!("{}/settings", bridge.origin("phone"))).await;
    browser.fill(&format!("input[name='per_mille.{fault}']"), "1000").await;
    browser.click(".buttons button.primary").await;
    browser.find(".saved").await;
}

/// Switches all faults off by the phone's settings page.
pub async fn mend_welink(browser: &Chromium, bridge: &Program) {
    browser.goto(&format!("{}/settings", bridge.origin("phone"))).await;
    browser.click("button[name=clear]").await;
    browser.find(".saved").await;
}

/// The state that the opening page in this window holds.
pub async fn state(browser: &Chromium) -> Value {
    browser.run("return document.getElementById('answer').elements.state.value").await
}
