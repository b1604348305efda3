//! HOM-01 and HOM-08: from a tap on the workbench to a page of the OA.

use tests::chromium::{Chromium, DESKTOP, PHONE};
use tests::program::Program;

use crate::steps::{IN_BY_TICKET, LINKED, code, hold, open_card, problem, state, tap, who};

/// From the tap to the OA, milliseconds at most (ui.md 1), here with an unoptimised bridge beside other tests.
const TAP_TO_OA_MS_MAX: f64 = 1000.0;

#[tokio::test]
async fn hom_01_browser_a_tap_on_the_workbench_leads_to_the_oa_signed_in() {
    for look in [PHONE, DESKTOP] {
        let bridge = Program::start(&[]).await;
        let browser = Chromium::start(look, bridge.port).await;
        hold(&browser, &bridge, LINKED).await;
        let watch = "document.addEventListener('click', () => { window.tapped = Date.now(); }, true)";
        browser.run(watch).await;
        let phone = browser.window().await;
        tap(&browser).await;
        assert_eq!(who(&browser).await, LINKED);
        assert_eq!(browser.url().await.host_str(), Some("oa.localhost"));
        assert_eq!(bridge.audited("sign-in").await, 1);
        let script = "const [page] = performance.getEntriesByType('navigation');
                      return performance.timeOrigin + page.domContentLoadedEventEnd;";
        let shown = browser.run(script).await.as_f64().unwrap();
        browser.switch_to(&phone).await;
        let took_ms = shown - browser.run("return window.tapped").await.as_f64().unwrap();
        assert!(took_ms < TAP_TO_OA_MS_MAX, "{took_ms} ms from the tap to the OA");
    }
}

#[tokio::test]
async fn hom_08_browser_a_deep_link_opens_its_page_and_a_foreign_one_the_homepage() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    let phone = browser.window().await;
    let oa = bridge.origin("oa");

    open_card(&browser, &format!("{}?to=/todo/42", bridge.homepage())).await;
    assert!(!browser.text("#todo-title").await.is_empty());
    assert_eq!(browser.url().await.as_str(), format!("{oa}/todo/42"));
    browser.goto(&oa).await;
    assert_eq!(who(&browser).await, LINKED);
    browser.client.close_window().await.unwrap();

    for foreign in ["https://evil.example/", "//evil.example/", "/%5Cevil.example"] {
        browser.switch_to(&phone).await;
        open_card(&browser, &format!("{}?to={foreign}", bridge.homepage())).await;
        assert_eq!(who(&browser).await, LINKED, "{foreign}");
        assert_eq!(browser.url().await.as_str(), format!("{oa}/"), "{foreign}");
        browser.client.close_window().await.unwrap();
    }
}

#[tokio::test]
async fn hom_01_browser_back_is_no_dead_end() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    tap(&browser).await;
    assert_eq!(who(&browser).await, LINKED);
    browser.click("nav.nav a[href='/attendance']").await;
    browser.find("[data-test=attendance]").await;
    // Back from a page of the OA is the OA's home page; further back lies the sign-in, which begins anew if it is
    // there.
    for _ in 0..3 {
        browser.client.back().await.unwrap();
        assert_eq!(who(&browser).await, LINKED);
    }
    assert!(!browser.has("#problem").await);
}

#[tokio::test]
async fn hom_03_browser_an_answer_is_good_once() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(PHONE, bridge.port).await;
    hold(&browser, &bridge, LINKED).await;
    let phone = browser.window().await;
    let (first, second) = (code(&browser).await, code(&browser).await);
    let opened = browser.client.new_window(true).await.unwrap();
    browser.switch_to(&opened.handle).await;

    // The same form sent twice: the first one signs in, the second one is refused in clear words.
    browser.goto(&bridge.homepage()).await;
    browser.find("#outside:not([hidden])").await;
    let used = state(&browser).await;
    let send = |state: &str, code: &str| {
        format!(
            "const form = document.getElementById('answer'); form.target = '_blank';
             form.elements.state.value = '{state}'; form.elements.code.value = '{code}'; form.submit();"
        )
    };
    let page = browser.window().await;
    browser.opening(browser.run(&send(used.as_str().unwrap(), &first))).await;
    assert_eq!(who(&browser).await, LINKED);
    browser.switch_to(&page).await;
    browser.opening(browser.run(&send(used.as_str().unwrap(), &first))).await;
    assert_eq!(problem(&browser).await, "state-refused");

    // Back, and sent again from there: a fresh state with a spent code, and a spent state with a fresh code.
    browser.switch_to(&page).await;
    browser.goto(&bridge.origin("oa")).await;
    browser.client.back().await.unwrap();
    browser.find("#outside:not([hidden])").await;
    let fresh = state(&browser).await;
    assert_ne!(fresh, used);
    for (state, code, want) in [(&fresh, &first, "code-refused"), (&used, &second, "state-refused")] {
        browser.switch_to(&page).await;
        browser.opening(browser.run(&send(state.as_str().unwrap(), code))).await;
        assert_eq!(problem(&browser).await, want);
        assert!(!browser.text("#problem code").await.is_empty(), "a trace id");
    }
    assert_eq!(bridge.audited("sign-in").await, 1, "one session only");
    assert_eq!(bridge.audited("sign-in.refused").await, 3);

    // And the member himself is not locked out by any of this.
    browser.switch_to(&phone).await;
    tap(&browser).await;
    browser.find(IN_BY_TICKET).await;
}
