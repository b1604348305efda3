//! HOM-02, HOM-04, HOM-05: whoever is not linked yet, and whoever opens the homepage outside WeLink.

use domain::text::Lang;
use sim::company::TWO_CANDIDATES;
use sim::oa::DEMO_PASSWORD;
use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::Program;

use crate::steps::{LINKED, UNLINKED, hold, open_card, problem, tap, who};

const FRESH: &[(&str, &str)] = &[("BRIDGE_CONFIG_CACHE_SECONDS", "0")];

/// Enters an account on the binding page, and waits for the page that answers.
async fn enter(browser: &Chromium, login: &str, password: &str) {
    let asked = browser.text("#bind .trace code").await;
    browser.fill("#login", login).await;
    browser.fill("#password", password).await;
    browser.click("#account button").await;
    let answered = format!(
        "const trace = document.querySelector('#bind .trace code');
         return document.readyState === 'complete' && (!trace || trace.textContent !== '{asked}');"
    );
    browser.until("the bridge answers", &answered).await;
}

/// Finds a member on WeLink's own sign-in page and signs in as him.
async fn choose(browser: &Chromium, login: &str) {
    browser.fill("input[name=q]", login).await;
    browser.click(".filters button[type=submit]").await;
    browser.click(&format!("button.person[value='{login}@welink']")).await;
}

/// Waits until the page says that this try was denied for this reason.
async fn denied(browser: &Chromium, reason: &str) {
    let script =
        format!("const told = document.getElementById('denied'); return told && told.dataset.denied === '{reason}'");
    browser.until(reason, &script).await;
}

#[tokio::test]
async fn hom_04_browser_a_member_binds_himself_once() {
    let bridge = Program::start(FRESH).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, UNLINKED).await;
    let phone = browser.window().await;
    tap(&browser).await;
    enter(&browser, UNLINKED, "wrong").await;
    denied(&browser, "wrong-password").await;
    browser.is_accessible("bind, denied").await;
    browser.picture("bind-wrong-360-zh").await;
    enter(&browser, UNLINKED, DEMO_PASSWORD).await;
    assert_eq!(who(&browser).await, UNLINKED);
    browser.client.close_window().await.unwrap();
    // The next tap asks nothing.
    browser.switch_to(&phone).await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, UNLINKED);
    assert_eq!(bridge.audited("link.refused").await, 1);
}

#[tokio::test]
async fn hom_04_browser_the_sixth_wrong_password_is_refused_in_both_languages() {
    let bridge = Program::start(FRESH).await;
    for (lang, title, locked) in
        [(Lang::Zh, "关联您的 OA 账号", "15 分钟"), (Lang::En, "Link your OA account", "15 minutes")]
    {
        let browser = Chromium::start(Look { lang, ..PHONE }, bridge.port).await;
        hold(&browser, &bridge, UNLINKED).await;
        tap(&browser).await;
        browser.find("#bind").await;
        assert_eq!(browser.text("h1").await, title);
        assert_eq!(browser.attr("html", "lang").await.as_deref(), Some(lang.tag()));
        for (scheme, picture) in [("light", "bind-360"), ("dark", "bind-360-dark")] {
            browser.colours(scheme).await;
            browser.is_accessible(&format!("{picture}, {}", lang.tag())).await;
            browser.picture(&format!("{picture}-{}", &lang.tag()[..2])).await;
        }
        if lang == Lang::Zh {
            for attempt in 1..=5 {
                enter(&browser, &format!("{UNLINKED}{attempt}"), "wrong").await;
                let typed = browser.run("return document.getElementById('login').value").await;
                assert_eq!(typed, format!("{UNLINKED}{attempt}"), "what was typed is still there");
                denied(&browser, "wrong-password").await;
            }
        }
        enter(&browser, UNLINKED, DEMO_PASSWORD).await;
        denied(&browser, "locked").await;
        assert!(browser.text("#denied").await.contains(locked));
    }
    assert_eq!(bridge.audited("sign-in").await, 0);
}

#[tokio::test]
async fn hom_04_browser_a_member_confirms_himself_at_the_oas_own_page() {
    let bridge = Program::start(FRESH).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, UNLINKED).await;
    tap(&browser).await;
    // Each step by a real browser: form policies, redirects and cookies between the two sites hold.
    browser.click("#at-oa button").await;
    // Both pages have an `#account`: only the OA's has this button.
    browser.find("[data-test=sign-in]").await;
    browser.fill("#account", UNLINKED).await;
    browser.fill("#password", DEMO_PASSWORD).await;
    browser.click("[data-test=sign-in]").await;
    assert_eq!(who(&browser).await, UNLINKED);
    assert_eq!(bridge.audited("link.refused").await, 0);
}

#[tokio::test]
async fn hom_05_browser_one_match_opens_the_oa_and_two_candidates_ask() {
    let bridge = Program::start(FRESH).await;
    let enterprise = bridge.remembered.enterprise.as_str();
    bridge.command(&["enterprise", "auto-bind", enterprise, "on", "--match", "mobile=mobile"]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, UNLINKED).await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, UNLINKED);
    let other = Chromium::start(PHONE, bridge.port).await;
    hold(&other, &bridge, TWO_CANDIDATES).await;
    tap(&other).await;
    other.find("#bind").await;
    let conflicts = bridge.command(&["enterprise", "conflicts", enterprise]).await;
    assert_eq!(conflicts.as_array().map(Vec::len), Some(1), "{conflicts}");
}

#[tokio::test]
async fn hom_02_browser_a_pc_signs_in_by_welinks_own_page() {
    let bridge = Program::start(FRESH).await;
    let app = bridge.remembered.app.as_str();
    let test = bridge.command(&["app", "browser-test", app]).await;
    let browser = Chromium::start(DESKTOP, bridge.port).await;
    // Without the switch a browser outside WeLink is told where to open the app.
    browser.goto(&bridge.homepage()).await;
    browser.find("#outside:not([hidden])").await;
    assert!(!browser.has("#by-browser").await);
    // The administrator's test, by WeLink's sign-in page.
    browser.goto(test["url"].as_str().unwrap()).await;
    choose(&browser, LINKED).await;
    browser.find("#tested").await;
    bridge.command(&["app", "browser", app, "on"]).await;
    // From the PC's workbench, in a tab of its own.
    browser.goto(&format!("{}?to=/todo/42", bridge.homepage())).await;
    browser.find("#outside:not([hidden])").await;
    browser.is_accessible("outside, by browser").await;
    browser.picture("outside-by-browser-1600-zh").await;
    browser.click("#by-browser").await;
    choose(&browser, LINKED).await;
    browser.find("#todo-title").await;
    assert_eq!(browser.url().await.path(), "/todo/42");
    assert_eq!(bridge.audited("sign-in").await, 1);
}

#[tokio::test]
async fn hom_04_browser_a_link_that_an_administrator_removes_between_two_clicks_ends_in_a_sentence() {
    let bridge = Program::start(FRESH).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    let phone = browser.window().await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, LINKED);
    let enterprise = bridge.remembered.enterprise.as_str();
    let user = format!("{LINKED}@welink");
    bridge.done(&["link", "remove", "--enterprise", enterprise, &user]).await;
    browser.client.close_window().await.unwrap();
    browser.switch_to(&phone).await;
    tap(&browser).await;
    browser.find("#bind").await;
    // And the other way round: an account that belongs to somebody else.
    enter(&browser, "wangfang", DEMO_PASSWORD).await;
    denied(&browser, "oa-user-taken").await;
    browser.goto(&format!("{}/handoff?nonce=12345678", bridge.origin("bridge"))).await;
    assert_eq!(problem(&browser).await, "state-refused");
}

#[tokio::test]
async fn hom_10_browser_a_member_sees_his_own_page_and_asks_to_be_unlinked() {
    let bridge = Program::start(FRESH).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    let phone = browser.window().await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, LINKED);
    browser.client.close_window().await.unwrap();
    browser.switch_to(&phone).await;
    open_card(&browser, &format!("{}/me/{}", bridge.origin("bridge"), bridge.remembered.app)).await;
    assert_eq!(browser.text("#linked").await, LINKED);
    browser.find("#sign-ins td").await;
    browser.is_accessible("me").await;
    browser.picture("me-360-zh").await;
    browser.click("#ask button").await;
    browser.find("#asked").await;
    assert_eq!(bridge.audited("link.unbind-asked").await, 1);
}
