//! QRL-02 to QRL-10 as people meet them: a desktop's browser shows a code, a phone's scans it.

use domain::text::Lang;
use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::Program;

use crate::steps::{LINKED, UNLINKED, hold, problem, who};

const FRESH: &[(&str, &str)] = &[("BRIDGE_CONFIG_CACHE_SECONDS", "0")];

/// The bridge's own page with a code, as the OA's login page links to it.
async fn show(desktop: &Chromium, bridge: &Program) {
    desktop.goto(&format!("{}/login", bridge.origin("oa"))).await;
    desktop.click("[data-test=scan]").await;
    desktop.click("[data-test=hosted]").await;
    desktop.find("#screen[data-state=pending] svg").await;
}

/// What the code on the screen holds, read at once: the page may be about to show another.
async fn code(desktop: &Chromium) -> String {
    desktop.find("[data-code]").await;
    let code = desktop.run("return document.querySelector('[data-code]').dataset.code").await;
    code.as_str().expect("a code is shown").to_owned()
}

/// Opens the scanner of the phone that this window shows.
async fn scanner(phone: &Chromium) {
    phone.click("[data-test=scan]").await;
    phone.find("#scan-form").await;
}

/// Points the scanner at the code that was shown last, and goes on in the window that opens.
async fn scan(phone: &Chromium) {
    scanner(phone).await;
    phone.opening(phone.click(".scanner a.code")).await;
}

/// Pastes what a code holds into the scanner.
async fn paste(phone: &Chromium, text: &str) {
    scanner(phone).await;
    phone.fill("#scan-text", text).await;
    phone.opening(phone.click("#scan-form button")).await;
}

async fn state(desktop: &Chromium, state: &str) {
    let script =
        format!("const box = document.querySelector('#screen, #scan'); return box && box.dataset.state === '{state}'");
    desktop.until(state, &script).await;
}

async fn fits(browser: &Chromium, name: &str) {
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await, 0, "{name} scrolls sideways");
}

#[tokio::test]
async fn qrl_04_browser_a_scan_and_a_tap_sign_the_desktop_in() {
    let bridge = Program::start(FRESH).await;
    let desktop = Chromium::start(DESKTOP, bridge.port).await;
    let phone = Chromium::start(PHONE, bridge.port).await;
    show(&desktop, &bridge).await;
    desktop.is_accessible("the page with a code").await;
    desktop.picture("scan-screen-1600-zh").await;
    hold(&phone, &bridge, LINKED).await;
    scan(&phone).await;
    phone.find("#confirm").await;
    for (scheme, picture) in [("light", "scan-confirm-360-zh"), ("dark", "scan-confirm-360-dark-zh")] {
        phone.colours(scheme).await;
        phone.is_accessible(picture).await;
        phone.picture(picture).await;
    }
    fits(&phone, "the confirmation").await;
    assert_eq!(phone.text("[data-fact=address]").await, "127.0.0.1");
    let size = |id: &str| {
        format!(
            "const box = document.getElementById('{id}').getBoundingClientRect(); \
                                   return box.width + 'x' + box.height"
        )
    };
    assert_eq!(phone.run(&size("yes")).await, phone.run(&size("no")).await, "Cancel is the same size");
    state(&desktop, "scanned").await;
    assert_eq!(desktop.text("#who").await, "李华");
    desktop.picture("scan-scanned-1600-zh").await;
    phone.click("#yes").await;
    phone.find("#told[data-outcome=done]").await;
    phone.picture("scan-done-360-zh").await;
    assert_eq!(who(&desktop).await, LINKED);
    assert_eq!(bridge.audited("scan-login.approve").await, 1);
    // "This was not me": the OA's session ends, and this desktop may not begin again.
    phone.click("#report").await;
    phone.find("#told[data-outcome=revoked]").await;
    phone.picture("scan-revoked-360-zh").await;
    desktop.goto(&bridge.origin("oa")).await;
    desktop.find("[data-test=login-form]").await;
    desktop.click("[data-test=scan]").await;
    desktop.find("[data-test=scan-off]").await;
    desktop.click("[data-test=hosted]").await;
    assert_eq!(problem(&desktop).await, "qr-reported");
}

#[tokio::test]
async fn qrl_09_browser_the_oas_own_page_and_its_number_and_a_wrong_number() {
    let bridge = Program::start(FRESH).await;
    let tenant = bridge.remembered.tenant.as_str();
    bridge.command(&["scan-login", "--tenant", tenant, "on", "--number-matching", "on"]).await;
    let desktop = Chromium::start(DESKTOP, bridge.port).await;
    let phone = Chromium::start(PHONE, bridge.port).await;
    hold(&phone, &bridge, LINKED).await;
    let holding = phone.window().await;
    for right in [false, true] {
        desktop.goto(&format!("{}/login/scan", bridge.origin("oa"))).await;
        state(&desktop, "pending").await;
        phone.switch_to(&holding).await;
        hold(&phone, &bridge, LINKED).await;
        paste(&phone, &code(&desktop).await).await;
        phone.find("#approve button.number").await;
        state(&desktop, "scanned").await;
        desktop.until("the number is there", "return document.getElementById('number').textContent !== ''").await;
        let number = desktop.text("#number").await;
        if right {
            phone.is_accessible("the numbers").await;
            phone.picture("scan-number-360-zh").await;
            phone.click(&format!("#approve button[value='{number}']")).await;
            phone.find("#told[data-outcome=done]").await;
            assert_eq!(who(&desktop).await, LINKED);
        } else {
            phone.click(&format!("#approve button:not([value='{number}'])")).await;
            assert_eq!(problem(&phone).await, "qr-wrong-number");
            phone.picture("scan-wrong-number-360-zh").await;
            state(&desktop, "denied").await;
        }
        phone.client.close_window().await.unwrap();
    }
    assert_eq!(bridge.audited("sign-in").await, 1);
}

#[tokio::test]
async fn qrl_06_browser_cancel_a_second_phone_expiry_and_the_idle_page() {
    let bridge = Program::start(FRESH).await;
    let desktop = Chromium::start(DESKTOP, bridge.port).await;
    let phone = Chromium::start(PHONE, bridge.port).await;
    let second = Chromium::start(PHONE, bridge.port).await;
    show(&desktop, &bridge).await;
    hold(&phone, &bridge, LINKED).await;
    let holding = phone.window().await;
    scan(&phone).await;
    phone.find("#confirm").await;
    // A second phone, and a phone that opens the link outside WeLink.
    hold(&second, &bridge, "zhangwei").await;
    scan(&second).await;
    assert_eq!(problem(&second).await, "qr-used");
    second.picture("scan-used-360-zh").await;
    phone.click("#no").await;
    phone.find("#told[data-outcome=cancelled]").await;
    phone.picture("scan-cancelled-360-zh").await;
    state(&desktop, "denied").await;
    desktop.picture("scan-denied-1600-zh").await;
    desktop.click("#denied a.button").await;
    desktop.find("#screen[data-state=pending]").await;
    let outside = code(&desktop).await;
    let plain = second.client.new_window(true).await.unwrap().handle;
    second.switch_to(&plain).await;
    second.goto(&outside).await;
    second.find("#outside:not([hidden])").await;
    second.is_accessible("outside WeLink").await;
    second.picture("scan-outside-360-zh").await;
    // Its time passes: five new codes by themselves, then the idle page.
    let mut seen = std::collections::BTreeSet::from([outside]);
    for _ in 0..5 {
        desktop.run("const now = Date.now; Date.now = () => now() + 121000;").await;
        let known = code(&desktop).await;
        let fresh = format!(
            "const shown = document.querySelector('[data-code]'); return shown && shown.dataset.code !== '{known}'"
        );
        desktop.until("a new code", &fresh).await;
        seen.insert(code(&desktop).await);
    }
    assert_eq!(seen.len(), 6);
    desktop.run("const now = Date.now; Date.now = () => now() + 121000;").await;
    desktop.find("#idle").await;
    desktop.is_accessible("the idle page").await;
    desktop.picture("scan-idle-1600-zh").await;
    // An unlinked member is told so.
    desktop.click("#idle a.button").await;
    desktop.find("#screen[data-state=pending]").await;
    phone.client.close_window().await.unwrap();
    phone.switch_to(&holding).await;
    hold(&phone, &bridge, UNLINKED).await;
    scan(&phone).await;
    assert_eq!(problem(&phone).await, "qr-not-linked");
    phone.picture("scan-not-linked-360-zh").await;
    assert_eq!(bridge.audited("sign-in").await, 0);
}

#[tokio::test]
async fn qrl_08_browser_both_pages_speak_english_and_fit_360_pixels() {
    let bridge = Program::start(FRESH).await;
    let desktop = Chromium::start(Look { lang: Lang::En, phone: true }, bridge.port).await;
    let phone = Chromium::start(Look { lang: Lang::En, ..PHONE }, bridge.port).await;
    desktop.goto(&format!("{}/login/scan", bridge.origin("oa"))).await;
    state(&desktop, "pending").await;
    desktop.is_accessible("the OA's page with a code").await;
    fits(&desktop, "the OA's page").await;
    desktop.picture("scan-oa-360-en").await;
    show(&desktop, &bridge).await;
    assert_eq!(desktop.text("h1").await, "Sign in by scanning with WeLink");
    fits(&desktop, "the bridge's page").await;
    desktop.picture("scan-screen-360-en").await;
    hold(&phone, &bridge, LINKED).await;
    scanner(&phone).await;
    phone.is_accessible("the scanner").await;
    phone.picture("phone-scanner-360-en").await;
    phone.opening(phone.click(".scanner a.code")).await;
    phone.find("#confirm").await;
    assert_eq!(phone.text("h1").await, "Sign in on this computer?");
    fits(&phone, "the confirmation").await;
    for (scheme, picture) in [("dark", "scan-confirm-360-dark-en"), ("light", "scan-confirm-360-en")] {
        phone.colours(scheme).await;
        phone.picture(picture).await;
    }
    state(&desktop, "scanned").await;
    fits(&desktop, "the page after the scan").await;
    desktop.picture("scan-scanned-360-en").await;
    phone.click("#yes").await;
    phone.find("#told[data-outcome=done]").await;
    phone.is_accessible("confirmed").await;
    phone.picture("scan-done-360-en").await;
    phone.click("#report").await;
    phone.find("#told[data-outcome=revoked], #told[data-outcome=revoked-none]").await;
    phone.is_accessible("taken back").await;
    phone.picture("scan-revoked-360-en").await;
}

/// The hosted page with WeLink's own element, up to the member's scan in its frame.
async fn scan_element(desktop: &Chromium, bridge: &Program, picture: &str) {
    desktop.goto(&format!("{}/qr/{}", bridge.origin("bridge"), bridge.remembered.oa_instance)).await;
    desktop.find("#welink-code iframe").await;
    fits(desktop, picture).await;
    desktop.client.enter_frame(0).await.unwrap();
    desktop.find(".scanners button").await;
    desktop.picture(picture).await;
    desktop.fill("input[name=q]", LINKED).await;
    desktop.click(".filters button").await;
    desktop.until("one is found", "return document.querySelectorAll('.scanners button').length === 1").await;
    desktop.click(".scanners button").await;
    desktop.client.enter_parent_frame().await.unwrap();
}

#[tokio::test]
async fn qrl_04_browser_welinks_own_element_signs_the_desktop_in() {
    let bridge = Program::start(FRESH).await;
    let tenant = bridge.remembered.tenant.as_str();
    bridge.command(&["scan-login", "--tenant", tenant, "on", "--welink-element", "on"]).await;
    let desktop = Chromium::start(DESKTOP, bridge.port).await;
    scan_element(&desktop, &bridge, "scan-element-1600-zh").await;
    assert_eq!(who(&desktop).await, LINKED);
    let narrow = Chromium::start(Look { lang: Lang::En, phone: true }, bridge.port).await;
    scan_element(&narrow, &bridge, "scan-element-360-en").await;
    assert_eq!(who(&narrow).await, LINKED);
    assert_eq!(bridge.audited("sign-in").await, 2);
    // Another page's message is nobody's code.
    desktop.goto(&format!("{}/qr/{}", bridge.origin("bridge"), bridge.remembered.oa_instance)).await;
    desktop.find("#welink-code iframe").await;
    desktop.is_accessible("WeLink's own element").await;
    desktop.run("window.postMessage('STOLEN', '*')").await;
    let heard = "return new Promise(done => setTimeout(() => done(true), 200))";
    desktop.until("the message has arrived", heard).await;
    assert!(desktop.url().await.path().starts_with("/qr/"), "the page stays");
}
