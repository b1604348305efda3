//! ADM-01, ADM-02: the console as an administrator meets it, from an empty bridge to a working homepage.

use domain::text::Lang;
use sim::oa::DEMO_PASSWORD;
use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::{Empty, Program};

use crate::steps::{UNLINKED, who};

const PASSWORD: &str = "a long enough password";

/// Fills the fields of a form by their ids.
async fn fill(browser: &Chromium, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        browser.fill(&format!("#{name}"), value).await;
    }
}

pub async fn sign_in(browser: &Chromium, console: &str, login: &str, password: &str) {
    browser.goto(&format!("{console}/sign-in")).await;
    fill(browser, &[("login", login), ("password", password)]).await;
    browser.click("#sign-in button").await;
    browser.find(".side").await;
}

/// The texts of all elements that match.
pub async fn texts(browser: &Chromium, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll('{css}')].map(one => one.textContent)");
    serde_json::from_value(browser.run(&script).await).unwrap()
}

/// Picture and judgement of the present page.
async fn show(browser: &Chromium, name: &str) {
    browser.is_accessible(name).await;
    browser.picture(&format!("console-{name}-1600-zh")).await;
}

async fn connect_oa(browser: &Chromium, bridge: &Empty) {
    let (console, oa) = (bridge.origin("console"), bridge.origin("oa"));
    browser.goto(&format!("{oa}/bridge")).await;
    let bearer = browser.text("#bearer").await;
    browser.goto(&format!("{console}/new-oa-instance")).await;
    show(browser, "new-oa").await;
    let address = |path: &str| format!("{oa}{path}");
    fill(browser, &[("name", "模拟 OA"), ("base", &oa), ("scim_base", &address("/scim/v2"))]).await;
    fill(browser, &[("sso_landing", &address("/sso/landing")), ("start_url", &address("/sso/start"))]).await;
    fill(browser, &[("verify_url", &address("/v1/credential/verify")), ("scim_bearer", &bearer)]).await;
    browser.click("form.stack .button.primary").await;
    browser.find("#secrets").await;
    let told = texts(browser, "#secrets code").await;
    browser.goto(&format!("{oa}/bridge")).await;
    for (name, value) in ["instance_id", "bridge_origin", "push_secret", "pull_secret"].iter().zip(&told) {
        browser.fill(&format!("input[name={name}]"), value).await;
    }
    browser.click("form[action='/bridge'] button").await;
    browser.find("#saved").await;
}

async fn add_app(browser: &Chromium, bridge: &Empty) {
    let phone = bridge.origin("phone");
    let enterprise = browser.url().await;
    browser.goto(&format!("{phone}/platform")).await;
    let (id, secret) = (browser.text(".client-id").await, browser.text(".client-secret").await);
    browser.goto(enterprise.as_str()).await;
    browser.click(".head a.primary").await;
    show(browser, "new-app").await;
    fill(browser, &[("name", "OA 门户"), ("client_id", &id), ("client_secret", &secret)]).await;
    browser.click("form.stack .button.primary").await;
    let homepage = browser.text("#homepage-url code").await;
    show(browser, "app").await;
    browser.goto(&format!("{phone}/platform")).await;
    browser.fill("input[name=mobile_url]", &homepage).await;
    browser.fill("input[name=pc_url]", &homepage).await;
    browser.click(".urls button.primary").await;
    browser.find(".saved").await;
    browser.goto(enterprise.as_str()).await;
}

#[tokio::test]
async fn adm_01_browser_a_stranger_gets_from_an_empty_bridge_to_a_working_homepage() {
    let bridge = Empty::start().await;
    let browser = Chromium::start(DESKTOP, bridge.port).await;
    browser.goto(&bridge.setup_link()).await;
    show(&browser, "setup").await;
    fill(&browser, &[("team", "远帆智造"), ("name", "李管理"), ("login", "owner"), ("password", "short")]).await;
    browser.click("#setup button").await;
    browser.find("#password-error").await;
    assert_eq!(browser.run("return document.getElementById('team').value").await, "远帆智造", "nothing typed is lost");
    browser.fill("#password", PASSWORD).await;
    browser.click("#setup button").await;
    sign_in(&browser, &bridge.origin("console"), "owner", PASSWORD).await;
    browser.find("#first-steps").await;
    show(&browser, "overview").await;

    connect_oa(&browser, &bridge).await;
    browser.goto(&format!("{}/new-enterprise", bridge.origin("console"))).await;
    fill(&browser, &[("name", "远帆智造集团")]).await;
    browser.click("form.stack .button.primary").await;
    browser.click("#authority-welink").await;
    browser.click("#checklist form .button.primary").await;
    add_app(&browser, &bridge).await;
    let open = browser.run("return document.querySelectorAll('#checklist .failed').length").await;
    assert_eq!(open, 0, "nothing fails");
    show(&browser, "enterprise").await;

    // An employee who is not linked yet opens the app, and enters his OA account once.
    let phone = Chromium::start(PHONE, bridge.port).await;
    phone.goto(&bridge.origin("phone")).await;
    phone.fill("input[name=q]", UNLINKED).await;
    phone.click(".filters button[type=submit]").await;
    phone.find(".filters a.button").await;
    phone.click(&format!("a.person[href*='/{UNLINKED}%40welink/']")).await;
    phone.opening(phone.click(crate::steps::APP)).await;
    fill(&phone, &[("login", UNLINKED), ("password", DEMO_PASSWORD)]).await;
    phone.click("#account button").await;
    assert_eq!(who(&phone).await, UNLINKED);
    let came = browser.url().await;
    browser.goto(came.as_str()).await;
    let left = browser.run("return document.querySelectorAll('#checklist li.done').length").await;
    assert!(left.as_u64().unwrap() >= 5, "the homepage's step is done too: {left}");
}

#[tokio::test]
async fn bnd_09_browser_a_person_is_bound_and_unbound_on_his_card() {
    let bridge = Program::start(&[]).await;
    let browser = Chromium::start(DESKTOP, bridge.port).await;
    let console = bridge.origin("console");
    sign_in(&browser, &console, "admin", &bridge.remembered.admin_password).await;
    let enterprise = format!("{console}/enterprises/{}", bridge.remembered.enterprise);
    browser.goto(&format!("{enterprise}/directory?q={UNLINKED}")).await;
    show(&browser, "directory-search").await;
    browser.goto(&format!("{enterprise}/directory?link=linked&q=lihua")).await;
    browser.click("#people td a").await;
    show(&browser, "person").await;
    browser.click("#link form button").await;
    browser.find("#oa_user").await;
    fill(&browser, &[("oa_user", "nobody-of-this-name")]).await;
    browser.click("#link form.stack button").await;
    browser.find("#oa_user-error").await;
    fill(&browser, &[("oa_user", "lihua")]).await;
    browser.click("#link form.stack button").await;
    browser.find("#link .tag.ok").await;
    browser.click(".head a.primary").await;
    browser.find("#trace .steps").await;
    show(&browser, "trace").await;
    assert_eq!((bridge.audited("link.unbind").await, bridge.audited("link.bind").await > 1), (1, true));
}

#[tokio::test]
async fn ui_browser_the_console_is_accessible_and_fits_every_width() {
    let bridge = Program::start(&[]).await;
    let enterprise = format!("/enterprises/{}", bridge.remembered.enterprise);
    let app = format!("/apps/{}", bridge.remembered.app);
    let pages = [
        ("start", "/".to_owned()),
        ("enterprise-page", enterprise.clone()),
        ("app-page", app),
        ("directory", format!("{enterprise}/directory")),
        ("bindings", format!("{enterprise}/bindings")),
        ("oa", "/oa-instances".to_owned()),
        ("scan-login", "/scan-login".to_owned()),
        ("network", "/network".to_owned()),
        ("history", "/settings-history".to_owned()),
        ("audit", "/audit".to_owned()),
        ("accounts", "/accounts".to_owned()),
        ("me", "/me".to_owned()),
    ];
    let english = |look: Look| Look { lang: Lang::En, ..look };
    let looks =
        [(DESKTOP, "1600"), (english(DESKTOP), "1600"), (DESKTOP, "768"), (PHONE, "360"), (english(PHONE), "360")];
    for (look, width) in looks {
        let browser = Chromium::start(look, bridge.port).await;
        if width == "768" {
            let size = serde_json::json!({ "width": 768, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
            browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        }
        sign_in(&browser, &bridge.origin("console"), "admin", &bridge.remembered.admin_password).await;
        for (name, path) in &pages {
            browser.goto(&format!("{}{path}", bridge.origin("console"))).await;
            assert_eq!(browser.attr("html", "lang").await.as_deref(), Some(look.lang.tag()));
            for scheme in ["dark", "light"] {
                browser.colours(scheme).await;
                browser.is_accessible(&format!("{name}, {width}, {scheme}")).await;
                if scheme == "dark" && width == "1600" && matches!(*name, "start" | "directory" | "scan-login") {
                    browser.picture(&format!("console-{name}-1600-dark-{}", &look.lang.tag()[..2])).await;
                }
            }
            let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.run(overflow).await, 0, "{name} scrolls sideways at {width}");
            // A day's log makes a large picture, and another one each time.
            if *name != "audit" {
                browser.picture(&format!("console-{name}-{width}-{}", &look.lang.tag()[..2])).await;
            }
        }
    }
}
