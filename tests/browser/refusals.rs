//! HOM-09: who is not let in reads why, what to do, and a trace id.

use domain::text::Lang;
use sim::company::CLOSED;
use tests::chromium::{Chromium, Look, PHONE};
use tests::program::Program;
use tokio::net::TcpListener;

use crate::steps::{APP, IN_BY_TICKET, LINKED, break_welink, hold, mend_welink, open_card, problem, tap, who};

/// The trace id that the page shows; the bridge's log must know it.
async fn trace(browser: &Chromium, bridge: &Program) {
    let trace = browser.text("#problem code").await;
    assert_eq!(trace.len(), 16, "{trace}");
    bridge.logs(&trace).await;
}

#[tokio::test]
async fn hom_09_browser_while_welink_is_down_a_page_says_so_and_a_second_try_gets_in() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    break_welink(&browser, &bridge, "http_5xx").await;
    hold(&browser, &bridge, LINKED).await;
    tap(&browser).await;
    let view = browser.window().await;
    assert_eq!(problem(&browser).await, "welink-down");
    assert_eq!(browser.text("h1").await, "WeLink 暂时没有回应");
    trace(&browser, &bridge).await;
    browser.picture("welink-down-360-zh").await;

    // The member keeps the page; his phone must stay open, so the operator mends it in a window of his own.
    let settings = browser.client.new_window(true).await.unwrap().handle;
    browser.switch_to(&settings).await;
    mend_welink(&browser, &bridge).await;
    browser.switch_to(&view).await;
    browser.click("#problem a.button").await;
    assert_eq!(who(&browser).await, LINKED);
}

#[tokio::test]
async fn hom_09_browser_a_second_try_keeps_the_deep_link() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    break_welink(&browser, &bridge, "reset").await;
    hold(&browser, &bridge, LINKED).await;
    open_card(&browser, &format!("{}?to=/todo/42", bridge.homepage())).await;
    let view = browser.window().await;
    assert_eq!(problem(&browser).await, "welink-down");
    let settings = browser.client.new_window(true).await.unwrap().handle;
    browser.switch_to(&settings).await;
    mend_welink(&browser, &bridge).await;
    browser.switch_to(&view).await;
    browser.click("#problem a.button").await;
    browser.find("#todo-title").await;
}

#[tokio::test]
async fn hom_09_browser_a_disabled_app_says_so_at_once() {
    let bridge = Program::start(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    let phone = browser.window().await;
    let app = bridge.remembered.app.as_str();
    bridge.command(&["app", "disable", app]).await;
    tap(&browser).await;
    let view = browser.window().await;
    assert_eq!(problem(&browser).await, "app-disabled");
    trace(&browser, &bridge).await;
    bridge.command(&["app", "enable", app]).await;
    browser.switch_to(&phone).await;
    // The phone shows an app that is open already in the same window again.
    browser.click(APP).await;
    browser.switch_to(&view).await;
    browser.find(IN_BY_TICKET).await;
}

#[tokio::test]
async fn hom_09_browser_outside_welink_the_page_says_open_it_there() {
    let bridge = Program::start(&[]).await;
    for (lang, title) in [(Lang::Zh, "请在 WeLink 中打开"), (Lang::En, "Open this page in WeLink")] {
        let browser = Chromium::start(Look { lang, ..PHONE }, bridge.port).await;
        browser.goto(&bridge.homepage()).await;
        assert_eq!(browser.text("#outside:not([hidden]) h1").await, title);
        assert!(!browser.find("#opening").await.is_displayed().await.unwrap());
        browser.is_accessible(title).await;
        browser.picture(&format!("open-in-welink-360-{}", &lang.tag()[..2])).await;
    }
}

#[tokio::test]
async fn hom_09_browser_outside_welink_nobody_waits_for_the_vendors_server() {
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let script = format!("http://phone.localhost:{}/hwh5.js", silent.local_addr().unwrap().port());
    let bridge = Program::start(&[("BRIDGE_WELINK_SCRIPT", &script)]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    browser.goto(&bridge.homepage()).await;
    browser.find("#outside:not([hidden])").await;
}

#[tokio::test]
async fn hom_09_browser_to_whom_welink_gives_no_code_reads_what_it_may_be() {
    let bridge = Program::start(&[]).await;
    for lang in [Lang::Zh, Lang::En] {
        let browser = Chromium::start(Look { lang, ..PHONE }, bridge.port).await;
        hold(&browser, &bridge, CLOSED).await;
        tap(&browser).await;
        let told = browser.text("#refused:not([hidden])").await;
        assert!(told.contains(if lang == Lang::Zh { "可见范围" } else { "visible range" }), "{told}");
        browser.is_accessible(&told).await;
        browser.picture(&format!("no-code-360-{}", &lang.tag()[..2])).await;
    }
}
