//! BND-05 to BND-11 as an administrator meets them: a file in the real file input, its preview, what it writes, and the
//! way back; a conflict; everybody unbound; and the way from the sign-in to a link by the keyboard alone.

use domain::text::Lang;
use serde_json::{Value, json};
use sim::company::{Company, TWO_CANDIDATES, UNKNOWN_TO_OA};
use tests::chromium::{Chromium, DESKTOP, Look, PHONE};
use tests::program::Program;

use crate::console::{sign_in, texts};
use crate::steps::{LINKED, UNLINKED, hold, tap};

const FRESH: &[(&str, &str)] = &[("BRIDGE_CONFIG_CACHE_SECONDS", "0")];
/// Presses of the tab key within which everything of a page is reached.
const TABS_MAX: usize = 80;

/// Each of them opens the app once: they are known from then on, and not linked.
async fn visit(bridge: &Program, logins: &[&str]) {
    let phone = Chromium::start(PHONE, bridge.port).await;
    let window = phone.window().await;
    for login in logins {
        hold(&phone, bridge, login).await;
        tap(&phone).await;
        phone.find("#bind").await;
        phone.client.close_window().await.unwrap();
        phone.switch_to(&window).await;
    }
}

async fn console(bridge: &Program, look: Look) -> (Chromium, String) {
    let browser = Chromium::start(look, bridge.port).await;
    sign_in(&browser, &bridge.origin("console"), "admin", &bridge.remembered.admin_password).await;
    let enterprise = format!("{}/enterprises/{}", bridge.origin("console"), bridge.remembered.enterprise);
    (browser, enterprise)
}

/// Judges the present page in both colours, at this width.
async fn judge(browser: &Chromium, name: &str) {
    for scheme in ["dark", "light"] {
        browser.colours(scheme).await;
        browser.is_accessible(&format!("{name}, {scheme}")).await;
    }
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await, 0, "{name} scrolls sideways");
    browser.picture(name).await;
}

/// Puts a file into the file input, as a person who has chosen it, and submits.
async fn import(browser: &Chromium, enterprise: &str, file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.csv");
    std::fs::write(&path, file).unwrap();
    browser.goto(&format!("{enterprise}/bindings")).await;
    browser.find("#file").await.send_keys(path.to_str().unwrap()).await.unwrap();
    browser.click("#import button").await;
    browser.find("#rows, #file-error, #import .notice").await;
}

/// What became of each row, as the page shows it.
async fn outcomes(browser: &Chromium) -> Vec<String> {
    texts(browser, "#rows tbody td:last-child")
        .await
        .iter()
        .map(|text| text.trim_start_matches('✕').trim().to_owned())
        .collect()
}

async fn done(browser: &Chromium) {
    browser
        .until(
            "it is done",
            "return Boolean(document.querySelector('#next .danger, #rows')) \
                                 && !document.querySelector('form[data-continue]')",
        )
        .await;
}

fn file(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(user, value)| format!("{user},某人,{value}"));
    ["WeLink 账号,姓名,关联值".to_owned()].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// Lets an undoing or unbinding that was asked for come to its end, by way of its preview where it has one.
async fn see_through(browser: &Chromium) {
    done(browser).await;
    if browser.has("#next button.primary").await {
        browser.click("#next button.primary").await;
        done(browser).await;
    }
}

/// What the preview says of the eight rows of the imported file, in their order.
const OUTCOMES: [&str; 8] = [
    "将关联",
    "没有匹配的 OA 用户",
    "匹配到多个 OA 用户",
    "此人已关联到另一个 OA 用户",
    "该 OA 用户已关联到他人",
    "云桥中没有此 WeLink 账号",
    "缺少 WeLink 账号",
    "关联值为空，跳过",
];

#[tokio::test]
async fn bnd_07_browser_a_file_is_previewed_row_by_row_applied_and_undone() {
    let bridge = Program::start(FRESH).await;
    let company = Company::demo();
    let mobile = |login: &str| company.person(login).unwrap().mobile.as_str();
    visit(&bridge, &["qinfeng", TWO_CANDIDATES, UNLINKED, UNKNOWN_TO_OA]).await;
    let (browser, enterprise) = console(&bridge, DESKTOP).await;
    import(&browser, &enterprise, b"\x89PNG\r\n\x1a\n\0\0\0").await;
    judge(&browser, "console-import-refused-1600-zh").await;
    assert!(browser.has("#file-error").await, "the reason stands at the field");

    // Two people who claim one OA user, and one person twice.
    let (free, other) = (mobile("qinfeng"), mobile(UNLINKED));
    let (claim, person) = ("多行指向同一个 OA 用户", "同一个 WeLink 账号出现多次");
    for (rows, want) in [
        ([("qinfeng@welink", free), ("mengfan@welink", free)], claim),
        ([("chengyu@welink", free), ("chengyu@welink", other)], person),
    ] {
        import(&browser, &enterprise, file(&rows).as_bytes()).await;
        assert_eq!(outcomes(&browser).await, [want, want]);
    }

    let rows = [
        ("yinxia@welink", mobile(UNLINKED)),
        ("qinfeng@welink", "13900000000"),
        ("mengfan@welink", mobile(TWO_CANDIDATES)),
        ("lihua@welink", mobile("qinfeng")),
        ("chengyu@welink", mobile("zhangwei")),
        ("nobody@welink", mobile("qinfeng")),
        ("", mobile("qinfeng")),
        ("zhangwei@welink", ""),
    ];
    let before = bridge.audited("link.bind").await;
    import(&browser, &enterprise, file(&rows).as_bytes()).await;
    assert_eq!(outcomes(&browser).await, OUTCOMES);
    judge(&browser, "console-import-preview-1600-zh").await;
    assert_eq!(bridge.audited("link.bind").await, before, "a preview changes nothing");
    let job = browser.url().await;

    let (phone, _) = console(&bridge, Look { lang: Lang::En, ..PHONE }).await;
    phone.goto(job.as_str()).await;
    judge(&phone, "console-import-preview-360-en").await;

    browser.click("#next button.primary").await;
    browser.find("#next button.danger").await;
    judge(&browser, "console-import-done-1600-zh").await;
    assert_eq!(bridge.audited("link.bind").await, before + 1, "the one good row");
    let saved = browser
        .client
        .execute_async(
            "const done = arguments[0]; fetch(document.querySelector('#rows a').href).then(a => a.text()).then(done);",
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(saved.as_str().unwrap().lines().count(), OUTCOMES.len() + 1, "{saved}");

    browser.click("#next button.danger").await;
    see_through(&browser).await;
    browser.goto(&format!("{enterprise}/people/{UNLINKED}@welink")).await;
    browser.find("#oa_user").await;
    assert_eq!(bridge.audited("link.unbind").await, 1, "taken back");
}

#[tokio::test]
async fn bnd_10_browser_everybody_is_unbound_by_the_typed_count_and_bound_again() {
    let bridge = Program::start(FRESH).await;
    let (browser, enterprise) = console(&bridge, DESKTOP).await;
    browser.goto(&format!("{enterprise}/bindings")).await;
    browser.fill("#count", "99").await;
    browser.click("#bulk-unbind button").await;
    browser.find("#count-error").await;
    judge(&browser, "console-bulk-refused-1600-zh").await;
    let now: String = browser.text("#bulk-unbind .more").await.chars().filter(char::is_ascii_digit).collect();
    browser.fill("#count", &now).await;
    browser.click("#bulk-unbind button").await;
    see_through(&browser).await;
    browser.find("#next button.danger").await;
    judge(&browser, "console-bulk-done-1600-zh").await;
    let person = format!("{enterprise}/people/{LINKED}@welink");
    let job = browser.url().await;
    browser.goto(&person).await;
    browser.find("#oa_user").await;
    browser.goto(job.as_str()).await;
    browser.click("#next button.danger").await;
    see_through(&browser).await;
    browser.goto(&person).await;
    browser.find("#link .tag.ok").await;
}

#[tokio::test]
async fn bnd_05_browser_a_conflict_is_settled_by_a_choice_and_the_setting_is_one_everywhere() {
    let bridge = Program::start(FRESH).await;
    let (browser, enterprise) = console(&bridge, DESKTOP).await;
    browser.goto(&format!("{enterprise}/bindings")).await;
    browser.click("#auto-bind #enabled").await;
    browser.run("document.querySelector('#auto-bind #pair1').value = 'mobile=mobile'").await;
    browser.click("#auto-bind button.primary").await;
    browser.find(".notice.ok").await;
    browser.goto(&enterprise).await;
    assert_eq!(browser.run("return document.querySelector('#auto-bind #enabled').checked").await, true);
    visit(&bridge, &[TWO_CANDIDATES]).await;
    browser.goto(&format!("{enterprise}/bindings")).await;
    assert_eq!(texts(&browser, "#conflicts tbody tr").await.len(), 1);
    judge(&browser, "console-conflict-1600-zh").await;
    let (phone, _) = console(&bridge, Look { lang: Lang::En, ..PHONE }).await;
    phone.goto(&format!("{enterprise}/bindings")).await;
    judge(&phone, "console-conflict-360-en").await;
    browser.click("#conflicts form button").await;
    browser.until("the case is closed", "return !document.querySelector('#conflicts tbody form')").await;
    browser.goto(&format!("{enterprise}/people/{TWO_CANDIDATES}@welink")).await;
    browser.find("#link .tag.ok").await;
}

/// Presses a key, as a person without a mouse does.
async fn press(browser: &Chromium, key: &str, code: u8, text: &str) {
    for (kind, text) in [("keyDown", text), ("keyUp", "")] {
        let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        browser.devtools("Input.dispatchKeyEvent", event).await;
    }
}

/// Presses the tab key until the element has the focus, which must be seen.
async fn tab_to(browser: &Chromium, css: &str) {
    browser.find(css).await;
    let script = format!(
        "const at = document.activeElement; if (!at.matches('{css}')) return null; \
         const style = getComputedStyle(at); return style.outlineStyle !== 'none' && style.outlineWidth !== '0px';"
    );
    for _ in 0..TABS_MAX {
        let focus = browser.run(&script).await;
        if focus != Value::Null {
            assert_eq!(focus, true, "{css}: the focus is not seen");
            return;
        }
        press(browser, "Tab", 9, "").await;
    }
    unreachable!("the keyboard does not reach {css}");
}

async fn write(browser: &Chromium, css: &str, text: &str) {
    tab_to(browser, css).await;
    browser.devtools("Input.insertText", json!({ "text": text })).await;
}

async fn enter(browser: &Chromium) {
    press(browser, "Enter", 13, "\r").await;
}

#[tokio::test]
async fn ui_browser_from_the_sign_in_to_a_link_by_the_keyboard_alone() {
    let bridge = Program::start(FRESH).await;
    visit(&bridge, &[UNLINKED]).await;
    let before = bridge.audited("link.bind").await;
    let browser = Chromium::start(DESKTOP, bridge.port).await;
    browser.goto(&format!("{}/sign-in", bridge.origin("console"))).await;
    write(&browser, "#login", "admin").await;
    write(&browser, "#password", &bridge.remembered.admin_password).await;
    enter(&browser).await;
    let enterprise = format!("/enterprises/{}", bridge.remembered.enterprise);
    tab_to(&browser, &format!(".side a[href=\"{enterprise}\"]")).await;
    enter(&browser).await;
    tab_to(&browser, &format!(".side a[href=\"{enterprise}/directory\"]")).await;
    enter(&browser).await;
    write(&browser, "#q", UNLINKED).await;
    enter(&browser).await;
    tab_to(&browser, "#people td a").await;
    enter(&browser).await;
    write(&browser, "#oa_user", UNLINKED).await;
    enter(&browser).await;
    browser.find("#link .tag.ok").await;
    assert_eq!(bridge.audited("link.bind").await, before + 1);
}
