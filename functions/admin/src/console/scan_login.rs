//! Scan login: is it on, for whom, how strict, and what goes on the OA's login page (product.md M86 to M89, QRL-01).

use axum::extract::State;
use axum::response::Response;
use domain::ids::AppId;
use domain::model::{App, OaInstance};
use domain::problem;
use domain::qr::{REFRESHES_MAX, ScanLogin};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;
use state::config::TenantConfig;

use super::blocks::{Card, Html, Tone, button_link, copy, empty_box, facts, html, link, quiet, stack, tag, text, time};
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::oa_instances::{done, refused_or_not};
use super::page::{Page, Section, refusal_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::error::ApiError;
use crate::input::Sent;
use crate::scan_login::{self as service, Change};

/// Texts of this page.
pub mod words {
    domain::texts! {
        LEAD = "员工用手机 WeLink 扫描 OA 登录页上的二维码，确认后电脑就登录 OA。"
            / "An employee scans the code on the OA's login page with WeLink, confirms, and the computer is signed in.";
        ENABLED = "开启扫码登录" / "Scan login is on";
        ENABLED_HINT = "关闭后入口立即消失，入口地址返回 404"
            / "Switched off, the entry disappears at once and answers 404";
        APPS = "集成的应用" / "Integrated apps";
        APPS_HINT = "用哪个应用确认扫码人的身份；每个企业最多选一个，选了多个企业时由员工选择"
            / "The app that says who scans: one per enterprise at most; with several the employee chooses";
        LIFE = "二维码有效期（秒）" / "Life of a code (seconds)";
        LIFE_HINT = "30 至 300 秒" / "30 to 300 seconds";
        NUMBER = "数字确认：手机上要选出电脑显示的数字" / "Number matching: the phone asks which number the computer shows";
        NUMBER_HINT = "选错即终止，可防止把别人的二维码当成自己的"
            / "A wrong number ends the attempt; it keeps people from confirming a stranger's code";
        NETWORKS = "公司网段" / "The company's networks";
        NETWORKS_HINT = "每行一个，例如 10.0.0.0/8；确认页据此显示“公司网络”或“公司网络以外”"
            / "One a line, for example 10.0.0.0/8; the confirmation says “office network” or “outside” by them";
        NETWORKS_ONLY = "只有公司网段里的电脑可以扫码登录" / "Only computers in these networks may sign in by scanning";
        REFRESHES = "页面自动更换二维码的次数" / "How often the page shows a new code by itself";
        REFRESHES_HINT = "之后停止更新，要点按钮才显示新的" / "After that it waits until somebody asks for one";
        ELEMENT = "改用 WeLink 自带的二维码" / "Show WeLink's own QR element instead";
        ELEMENT_HINT = "仅当手机扫码打开的页面取不到身份时使用。由 WeLink 询问员工，没有云桥的确认页、数字确认和“不是我”"
            / "Only where a scanned page gets no identity from WeLink. WeLink asks the employee; the bridge's \
                confirmation, number and “this was not me” do not take part";
        SAVE = "保存扫码登录设置" / "Save the scan login settings";
        SETTINGS = "设置" / "Settings";
        NO_APP = "没有选择" / "None chosen";
        ENTRY = "OA 登录页上的入口" / "The entry on the OA's login page";
        ENTRY_LEAD = "把链接放在 OA 登录页的右上角。这个页面不能嵌入其他网页。"
            / "Put the link at the top right of the OA's login page. The page cannot be framed by another one.";
        ADDRESS = "页面地址" / "Address of the page";
        SNIPPET = "登录页代码" / "Code for the login page";
        SNIPPET_TEXT = "用 WeLink 扫码登录" / "Sign in with WeLink";
        TRY = "打开看看" / "Open it";
        OPEN = "可用" / "Open";
        CLOSED = "扫码登录已关闭" / "Scan login is switched off";
        NOBODY = "没有选择这套 OA 的应用" / "No app of this OA is chosen";
        ADD = "添加应用" / "Add an app";
    }
}

/// `GET /scan-login`.
pub async fn show(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    match service::find(&bridge, &visitor.actor, visitor.session.tenant.as_str()).await {
        Ok(config) => page(&bridge, &visitor, &config, &Given::fresh(fields_of(&config.scan_login))).answer(),
        Err(error) if error.problem() == problem::ADD_WELINK_FIRST => welink_first(&visitor, &error),
        Err(error) => visitor.problem(&error),
    }
}

/// Before there is an app there is nothing to set up: the page says what comes first (请先添加welink).
fn welink_first(visitor: &Visitor, error: &ApiError) -> Response {
    let lang = visitor.lang();
    let problem = error.problem();
    let (href, label) = match visitor.config.enterprises.first() {
        Some(enterprise) => (format!("/enterprises/{}/new-app", enterprise.id), words::ADD),
        None => ("/new-enterprise".to_owned(), w::NAV_NEW_ENTERPRISE),
    };
    let next = visitor.may(Permission::Operate).then(|| button_link(&href, label.get(lang), "primary"));
    let told = empty_box(problem.title.get(lang), problem.advice.get(lang), next);
    frame(visitor)
        .block(html(&Card { id: "welink-first", blocks: vec![told], ..Card::default() }))
        .answer_with(status_of(error))
}

fn frame(visitor: &Visitor) -> Page {
    Page::new(visitor, Section::ScanLogin, None, w::NAV_SCAN_LOGIN.get(visitor.lang()))
}

fn page(bridge: &Bridge, visitor: &Visitor, config: &TenantConfig, given: &Given) -> Page {
    let lang = visitor.lang();
    let setting = &config.scan_login;
    let may = visitor.may(Permission::Operate);
    let form = form(visitor, config, given);
    let page = if may { refused_or_not(visitor, given, &form, frame(visitor)) } else { frame(visitor) };
    let body = if may { form.html() } else { told(lang, config) };
    let settings = Card {
        id: "scan-login",
        title: words::SETTINGS.get(lang).to_owned(),
        lead: words::LEAD.get(lang).to_owned(),
        more: setting.changed.as_ref().map(|stamp| time(visitor.zone(), stamp.at).and(&quiet(&stamp.by))),
        blocks: vec![body],
        ..Card::default()
    };
    let entries = config.oa_instances.iter().map(|oa| entry(bridge, lang, config, oa)).collect();
    let entries = Card {
        id: "entries",
        title: words::ENTRY.get(lang).to_owned(),
        lead: words::ENTRY_LEAD.get(lang).to_owned(),
        blocks: entries,
        ..Card::default()
    };
    page.block(html(&settings)).block(html(&entries))
}

/// What goes on one OA's login page, and whether it works now.
fn entry(bridge: &Bridge, lang: Lang, config: &TenantConfig, oa: &OaInstance) -> Html {
    let t = |text: Text| text.get(lang);
    let address = address(bridge, oa);
    let state = if !config.scan_login.enabled {
        tag(Tone::Plain, t(words::CLOSED))
    } else if config.scan_login.apps.iter().any(|app| serves(config, app, oa)) {
        tag(Tone::Ok, t(words::OPEN)).and(&super::blocks::outside(&address, t(words::TRY)))
    } else {
        tag(Tone::Warn, t(words::NOBODY))
    };
    facts(&[
        (t(w::NAV_OA), link(&format!("/oa-instances/{}", oa.id), &oa.name)),
        (t(w::STATE), state),
        (t(words::ADDRESS), copy(lang, &address)),
        (t(words::SNIPPET), copy(lang, &format!("<a href=\"{address}\">{}</a>", t(words::SNIPPET_TEXT)))),
    ])
}

/// The bridge's own page with a code, for this OA's login page.
pub fn address(bridge: &Bridge, oa: &OaInstance) -> String {
    format!("{}/qr/{}", bridge.config().origin, oa.id)
}

/// Whether this app identifies people of this OA now.
fn serves(config: &TenantConfig, app: &AppId, oa: &OaInstance) -> bool {
    let app = config.app(app).filter(|app| app.enabled);
    let enterprise = app.and_then(|app| config.enterprise(&app.enterprise));
    enterprise.is_some_and(|enterprise| enterprise.oa_instance == oa.id)
}

/// An app with its enterprise, as employees know both.
fn named(config: &TenantConfig, app: &App) -> String {
    let enterprise = config.enterprise(&app.enterprise).map_or("", |enterprise| enterprise.name.as_str());
    format!("{enterprise} · {}", app.name)
}

fn form(visitor: &Visitor, config: &TenantConfig, given: &Given) -> Form {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let hinted = |name: &'static str, label: Text, hint: Text| Field::new(name, t(label)).hint(t(hint));
    // In the order in which they are offered; the others follow.
    let chosen = config.scan_login.apps.iter().filter_map(|id| config.app(id));
    let others = config.apps.iter().filter(|app| !config.scan_login.apps.contains(&app.id));
    let apps = chosen.chain(others).map(|app| Choice::new(app.id.as_str(), named(config, app))).collect();
    let times = (0..=REFRESHES_MAX).map(|n| Choice::new(n.to_string(), n.to_string())).collect();
    Form::post("/scan-login", visitor.csrf(), t(words::SAVE))
        .hidden("version", config.scan_login.version.to_string())
        .field(hinted("enabled", words::ENABLED, words::ENABLED_HINT).kind(Kind::Check), given)
        .field(hinted("apps", words::APPS, words::APPS_HINT).kind(Kind::Checks(apps)), given)
        .field(hinted("number_matching", words::NUMBER, words::NUMBER_HINT).kind(Kind::Check), given)
        .field(hinted("networks", words::NETWORKS, words::NETWORKS_HINT).kind(Kind::Area), given)
        .field(Field::new("networks_only", t(words::NETWORKS_ONLY)).kind(Kind::Check), given)
        .field(hinted("life_s", words::LIFE, words::LIFE_HINT), given)
        .field(hinted("refreshes", words::REFRESHES, words::REFRESHES_HINT).kind(Kind::Select(times)), given)
        .field(hinted("welink_element", words::ELEMENT, words::ELEMENT_HINT).kind(Kind::Check), given)
}

fn fields_of(setting: &ScanLogin) -> Fields {
    let yes = |on: bool| if on { "yes" } else { "" };
    let apps: Vec<&str> = setting.apps.iter().map(AppId::as_str).collect();
    let networks: Vec<String> = setting.networks.iter().map(ToString::to_string).collect();
    Fields::default()
        .with("enabled", yes(setting.enabled))
        .with("apps", apps.join("\n"))
        .with("number_matching", yes(setting.number_matching))
        .with("networks", networks.join("\n"))
        .with("networks_only", yes(setting.networks_only))
        .with("life_s", setting.life_s.to_string())
        .with("refreshes", setting.refreshes.to_string())
        .with("welink_element", yes(setting.welink_element))
}

/// The settings, for whoever may only read them.
fn told(lang: Lang, config: &TenantConfig) -> Html {
    let t = |text: Text| text.get(lang);
    let setting = &config.scan_login;
    let switch = |on: bool| tag(if on { Tone::Ok } else { Tone::Plain }, t(if on { w::ON } else { w::OFF }));
    let lines = |texts: Vec<String>, none: Text| {
        if texts.is_empty() { quiet(t(none)) } else { stack(&texts.iter().map(|line| text(line)).collect::<Vec<_>>()) }
    };
    let apps = setting.apps.iter().filter_map(|id| config.app(id)).map(|app| named(config, app)).collect();
    let networks = setting.networks.iter().map(ToString::to_string).collect();
    facts(&[
        (t(w::STATE), switch(setting.enabled)),
        (t(words::APPS), lines(apps, words::NO_APP)),
        (t(words::NUMBER), switch(setting.number_matching)),
        (t(words::NETWORKS), lines(networks, w::NONE)),
        (t(words::NETWORKS_ONLY), switch(setting.networks_only)),
        (t(words::LIFE), text(&setting.life_s.to_string())),
        (t(words::REFRESHES), text(&setting.refreshes.to_string())),
        (t(words::ELEMENT), switch(setting.welink_element)),
    ])
}

/// `POST /scan-login`.
pub async fn save(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let change = Change {
        version: fields.number("version"),
        enabled: fields.checked("enabled"),
        apps: Some(fields.lines("apps")),
        // What is no number is none that is allowed.
        life_s: Some(fields.number("life_s").try_into().unwrap_or_default()),
        number_matching: Some(fields.checked("number_matching")),
        networks: Some(fields.lines("networks")),
        networks_only: Some(fields.checked("networks_only")),
        welink_element: Some(fields.checked("welink_element")),
        refreshes: Some(fields.get("refreshes").trim().parse().unwrap_or(u8::MAX)),
    };
    let tenant = visitor.session.tenant.clone();
    let Err(error) = service::apply(&bridge, &visitor.actor, tenant.as_str(), Sent::Form(change)).await else {
        return done("/scan-login", "saved");
    };
    error.log();
    let given = Given::refused(fields, &error, visitor.lang());
    let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
    let config = service::find(&bridge, &visitor.actor, tenant.as_str()).await;
    visitor
        .answer(config.map(|config| page(&bridge, &visitor, &config, &given).told(told).answer_with(status_of(&error))))
}
