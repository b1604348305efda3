//! How the pages look: pictures for the guide, and axe-core's judgement on each.

use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::Program;

use crate::steps::{LINKED, hold, tap, who};

#[tokio::test]
async fn ui_browser_the_phone_and_the_oa_are_accessible_and_fit_every_width() {
    let bridge = Program::start(&[]).await;
    for (look, width) in [(PHONE, "360"), (DESKTOP, "1600")] {
        let browser = Chromium::start(look, bridge.port).await;
        browser.goto(&bridge.origin("phone")).await;
        judge(&browser, &format!("phone-people-{width}")).await;
        hold(&browser, &bridge, LINKED).await;
        judge(&browser, &format!("phone-workbench-{width}")).await;
        tap(&browser).await;
        who(&browser).await;
        if !look.phone {
            // The phone gives its web view the size of a phone; the guide shows what a desktop sees.
            browser.client.set_window_size(1600, 1000).await.unwrap();
        }
        judge(&browser, &format!("oa-signed-in-{width}")).await;
    }
}

#[tokio::test]
async fn ui_browser_the_workbench_and_the_oa_speak_english() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(Look { lang: domain::text::Lang::En, ..PHONE }, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    browser.picture("phone-workbench-360-en").await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, LINKED);
    assert_eq!(browser.attr("html", "lang").await.as_deref(), Some("en"));
    browser.picture("oa-signed-in-360-en").await;
}

/// The guide shows these in dark colours as well.
const IN_DARK: [&str; 1] = ["phone-workbench-1600"];

/// Both schemes are judged; all but the list of people, which changes, is photographed.
async fn judge(browser: &Chromium, name: &str) {
    for (scheme, picture) in [("light", format!("{name}-zh")), ("dark", format!("{name}-dark-zh"))] {
        browser.colours(scheme).await;
        browser.is_accessible(&format!("{name}, {scheme}")).await;
        if !name.starts_with("phone-people") && (scheme == "light" || IN_DARK.contains(&name)) {
            browser.picture(&picture).await;
        }
    }
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await, 0, "{name} scrolls sideways");
}

#[tokio::test]
async fn ui_browser_the_fault_switches_are_accessible() {
    let bridge = Program::start(&[]).await;
    let look = Look { lang: domain::text::Lang::En, ..DESKTOP };
    let browser = Chromium::start(look, bridge.port).await;
    browser.goto(&format!("{}/settings", bridge.origin("phone"))).await;
    assert_eq!(browser.attr("html", "lang").await.as_deref(), Some("en"));
    browser.is_accessible("settings").await;
    browser.picture("phone-settings-1600-en").await;
}

#[tokio::test]
async fn ui_browser_the_opening_sign_is_calm() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    // The phone never answers: the page keeps asking, for as long as its patience lasts.
    browser.run("window.fetch = () => new Promise(() => {})").await;
    tap(&browser).await;
    let opacity = "return getComputedStyle(document.getElementById('opening')).opacity === '1'";
    let delayed = "return getComputedStyle(document.getElementById('opening')).animationDelay === '0.4s'";
    browser.until("the sign waits 400 ms", delayed).await;
    browser.until("the sign appears", opacity).await;
    browser.picture("opening-360-zh").await;
    browser.find("#outside:not([hidden])").await;
}

/// What the other tests rely on: nothing that a page complains of goes unseen.
#[tokio::test]
#[should_panic(expected = "Uncaught Error: seen")]
async fn ui_browser_an_error_of_a_script_fails_its_test() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    browser.goto(&bridge.homepage()).await;
    browser.run("setTimeout(() => { document.title = 'thrown'; throw new Error('seen'); })").await;
    browser.until("the error is thrown", "return document.title === 'thrown'").await;
}

#[tokio::test]
#[should_panic(expected = "metrics.example")]
async fn ui_browser_a_request_to_others_fails_its_test() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    browser.goto(&bridge.homepage()).await;
    let script = "const image = new Image(); image.onerror = () => { document.title = 'refused'; };
                  image.src = 'https://metrics.example/';";
    browser.run(script).await;
    browser.until("the request is refused", "return document.title === 'refused'").await;
}
