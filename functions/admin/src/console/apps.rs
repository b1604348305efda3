//! A WeLink app: is it connected, with which rights, what URL do I paste where?

use axum::extract::{Path, State};
use axum::response::Response;
use domain::model::{App, Enterprise, Homepage};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Tone, button_link, code, columns, copy, facts, folded, html, notice, outside, quiet, stack, tag,
    text, time,
};
use super::enterprises::step_up;
use super::form::{Choice, Field, Fields, Form, Given, Kind, button};
use super::oa_instances::{done, refused_or_not};
use super::overview::Answered;
use super::page::{Page, Section, refusal_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::apps::{self as service, Change, NewApp, NewSecret};
use crate::error::ApiError;
use crate::input::{HomepageInput, Sent};
use crate::{enterprises, oa_instances};

/// Texts of these pages.
pub mod words {
    domain::texts! {
        NEW = "添加应用" / "Add an app";
        LEAD = "在 WeLink 开放平台打开轻应用的【基本信息】，复制 client_id 和 client_secret。保存时会立即用它们向 WeLink 测试。"
            / "Open 基本信息 (basic information) of the light app on the WeLink open platform and copy client_id and \
                client_secret. They are tested with WeLink when you save.";
        NAME_HINT = "员工在打开页面时看到的名称" / "The name that employees see while it opens";
        SECRET_HINT = "只写不读：保存后任何页面都不会再显示它" / "Write-only: no page shows it again once it is saved";
        MODE = "应用主页" / "Homepage";
        MODE_OA = "打开应用：OA 里的一个应用" / "Open an application of the OA";
        MODE_LINK = "自定义链接" / "A custom link";
        OA_APP = "OA 应用" / "OA application";
        CUSTOM = "自定义链接" / "Custom link";
        CUSTOM_HINT = "https 地址，主机名须在团队的允许列表中" / "An https address whose host is on the team's allow-list";
        NO_OA_APPS = "OA 没有返回可选的应用，请使用自定义链接。" / "The OA lists no applications; use a custom link.";
        CREATE = "测试并添加应用" / "Test and add this app";
        CALLBACK_URL = "回调地址（事件订阅）" / "Callback address (events)";
        HOMEPAGE_URL = "主页地址" / "Homepage address";
        HOMEPAGE_URL_LEAD = "填入 WeLink 轻应用的手机端主页和电脑端主页，两处相同。更换密钥后地址不变。"
            / "Goes into both homepage fields of the light app, phone and PC. It stays the same when the secret is \
                replaced.";
        COMPANY = "WeLink 上的企业" / "Company at WeLink";
        SETTINGS = "设置" / "Settings";
        SAVE = "保存应用设置" / "Save the app's settings";
        ENABLED = "启用这个应用" / "This app is switched on";
        BROWSER = "允许在 WeLink 之外用浏览器登录" / "Allow sign-in from a browser outside WeLink";
        BROWSER_HINT = "需要先通过测试" / "Its test has to pass first";
        BROWSER_TITLE = "浏览器登录" / "Browser sign-in";
        BROWSER_LEAD = "先请 WeLink 厂商为应用登记下面的回调地址，再测试一次。"
            / "Have the vendor register this redirect address for the app, then test it once.";
        REDIRECT = "回调地址" / "Redirect address";
        BEGIN_TEST = "开始测试" / "Begin a test";
        TEST_BEGUN = "测试已开始，10 分钟内有效" / "The test has begun; it can be run for ten minutes";
        RUN_TEST = "在浏览器中打开测试" / "Open the test";
        TESTED = "最近一次通过" / "Last passed";
        NEVER_TESTED = "尚未通过测试" / "Not tested yet";
        SECRET_TITLE = "更换密钥" / "Replace the secret";
        SECRET_LEAD = "新密钥先用 WeLink 测试，通过后才生效；正在进行的登录不受影响。"
            / "The new secret is tested with WeLink before it counts; sign-ins under way are not affected.";
        NEW_SECRET = "新的 client_secret" / "New client_secret";
        REPLACE = "测试并更换密钥" / "Test and replace the secret";
        SET_ON = "设置于" / "Set on";
        SECRET_MISSING = "尚未设置密钥" / "Secret missing";
        DELETE = "删除这个应用" / "Delete this app";
    }
}

/// What opening the app leads to, in a line.
pub fn homepage_label(app: &App) -> String {
    match &app.homepage {
        Homepage::OaApp { name, .. } => name.clone(),
        Homepage::CustomLink { link } => link.to_string(),
    }
}

pub async fn new(State(bridge): State<Bridge>, visitor: Visitor, Path(enterprise): Path<String>) -> Response {
    let given = Given::fresh(Fields::default().with("mode", "oa-app"));
    let page = new_page(&bridge, &visitor, &enterprise, &given).await;
    visitor.answer(page.map(Page::answer))
}

async fn new_page(bridge: &Bridge, visitor: &Visitor, enterprise: &str, given: &Given) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let (_, enterprise) = enterprises::find(bridge, &visitor.actor, enterprise).await?;
    let form = Form::post(format!("/enterprises/{}/apps", enterprise.id), visitor.csrf(), t(words::CREATE))
        .field(Field::new("name", t(w::NAME)).hint(t(words::NAME_HINT)).focus(), given)
        .field(Field::new("client_id", "client_id"), given)
        .field(Field::new("client_secret", "client_secret").hint(t(words::SECRET_HINT)).kind(Kind::Secret), given);
    let form = homepage_fields(bridge, visitor, &enterprise, form, given).await?;
    let form = form.cancel(Link::new(format!("/enterprises/{}", enterprise.id), t(w::CANCEL)));
    let page = Page::new(visitor, Section::Apps, Some(&enterprise.id), t(words::NEW));
    Ok(refused_or_not(visitor, given, &form, page)
        .trail(step_up(&enterprise.id, &enterprise.name))
        .block(html(&Card { lead: t(words::LEAD).to_owned(), blocks: vec![form.html()], ..Card::default() })))
}

/// The fields of a homepage: one of the OA's applications as they are now, or a link.
async fn homepage_fields(
    bridge: &Bridge,
    visitor: &Visitor,
    enterprise: &Enterprise,
    form: Form,
    given: &Given,
) -> Result<Form, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let modes = vec![Choice::new("oa-app", t(words::MODE_OA)), Choice::new("custom-link", t(words::MODE_LINK))];
    let apps = oa_instances::read_apps(bridge, &visitor.actor, enterprise.oa_instance.as_str()).await;
    let (choices, hint) = match apps {
        Ok(apps) => {
            let label =
                |app: &oa_instances::AppView| if lang == Lang::Zh { app.name_zh.clone() } else { app.name_en.clone() };
            let choices: Vec<Choice> = apps.iter().map(|app| Choice::new(&app.id, label(app))).collect();
            let hint = if choices.is_empty() { t(words::NO_OA_APPS) } else { "" };
            (choices, hint.to_owned())
        }
        // The link can still be chosen; the OA's own trouble is told where the list would be.
        Err(error) => {
            error.log();
            (Vec::new(), error.problem().title.get(lang).to_owned())
        }
    };
    Ok(form
        .field(Field::new("mode", t(words::MODE)).kind(Kind::Radio(modes)), given)
        .field(Field::new("oa_app", t(words::OA_APP)).hint(hint).kind(Kind::Select(choices)), given)
        .field(Field::new("link", t(words::CUSTOM)).hint(t(words::CUSTOM_HINT)), given))
}

fn homepage_input(fields: &Fields) -> HomepageInput {
    if fields.get("mode") == "custom-link" {
        HomepageInput::CustomLink { link: fields.text("link").trim().to_owned() }
    } else {
        HomepageInput::OaApp { oa_app: fields.text("oa_app") }
    }
}

/// The service names a homepage's fields by their place in the JSON.
fn in_place(mut given: Given) -> Given {
    for (field, _) in &mut given.errors {
        if let Some(short) = field.strip_prefix("homepage.") {
            *field = short.to_owned();
        }
    }
    given
}

pub async fn create(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewApp {
        name: fields.text("name"),
        client_id: fields.text("client_id"),
        client_secret: fields.text("client_secret"),
        homepage: homepage_input(&fields),
    };
    match service::make(&bridge, &visitor.actor, &enterprise, Sent::Form(new)).await {
        Ok(app) => done(&format!("/apps/{}", app.id), "created"),
        Err(error) => {
            error.log();
            let given = in_place(Given::refused(fields, &error, visitor.lang()));
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            let page = new_page(&bridge, &visitor, &enterprise, &given).await;
            visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
        }
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(app): Path<String>) -> Response {
    let page = one(&bridge, &visitor, &app, None).await;
    visitor.answer(page.map(Page::answer))
}

/// When and by whom the secret was set, or that it is not.
pub(super) fn secret(visitor: &Visitor, app: &App) -> Html {
    let lang = visitor.lang();
    match &app.secret_set {
        Some(set) => quiet(words::SET_ON.get(lang)).and(&time(visitor.zone(), set.at)).and(&quiet(&set.by)),
        None => tag(Tone::Bad, words::SECRET_MISSING.get(lang)),
    }
}

async fn one(bridge: &Bridge, visitor: &Visitor, app: &str, refused: Option<Given>) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let place = service::find(bridge, &visitor.actor, app).await?;
    let app = &place.app;
    let url = html(&Card {
        id: "homepage-url",
        title: t(words::HOMEPAGE_URL).to_owned(),
        lead: t(words::HOMEPAGE_URL_LEAD).to_owned(),
        blocks: vec![copy(lang, &service::homepage_url(bridge, app))],
        ..Card::default()
    });
    let state = if app.enabled {
        tag(Tone::Ok, t(super::enterprises::words::ENABLED))
    } else {
        tag(Tone::Warn, t(super::enterprises::words::DISABLED))
    };
    let about = facts(&[
        (t(w::STATE), state),
        ("client_id", copy(lang, app.client_id.as_str())),
        (t(words::COMPANY), text(&app.welink_company)),
        (t(words::MODE), text(&homepage_label(app))),
        (t(super::enterprises::words::SECRET), secret(visitor, app)),
        (t(words::CALLBACK_URL), copy(lang, &service::callback_url(bridge, app))),
        (t(w::CREATED), time(visitor.zone(), app.created.at).and(&quiet(&app.created.by))),
    ]);
    let about = html(&Card { title: t(w::DETAIL).to_owned(), blocks: vec![about], ..Card::default() });
    let mut page = Page::new(visitor, Section::Apps, Some(&place.enterprise.id), &app.name)
        .trail(step_up(&place.enterprise.id, &place.enterprise.name));
    if visitor.may(Permission::Operate) {
        page = page.block_if(test_begun(bridge, visitor, app));
    }
    page = page.block(url).block(columns(&[about, super::app_checks::card(visitor, app)]));
    if visitor.may(Permission::Operate) {
        let settings = settings_card(bridge, visitor, &place, refused).await?;
        page = page.block(columns(&[settings, stack_of(visitor, bridge, app)]));
    }
    Ok(page)
}

fn stack_of(visitor: &Visitor, bridge: &Bridge, app: &App) -> Html {
    let mut cards = vec![browser_card(visitor, bridge, app)];
    if visitor.may(Permission::Own) {
        cards.push(secret_card(visitor, app, &Given::default()));
        let delete = words::DELETE.get(visitor.lang());
        cards.push(super::danger::card(visitor, delete, format!("/apps/{}/delete", app.id), &Given::default()));
    }
    stack(&cards)
}

pub async fn delete(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let outcome = service::remove(&bridge, &visitor.actor, &app, &super::danger::confirmation(&fields)).await;
    let action = format!("/apps/{app}/delete");
    super::danger::answer(&visitor, words::DELETE.get(visitor.lang()), (action, "/"), outcome)
}

async fn settings_card(
    bridge: &Bridge,
    visitor: &Visitor,
    place: &service::Place,
    refused: Option<Given>,
) -> Result<Html, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let given = refused.unwrap_or_else(|| Given::fresh(fields_of(&place.app)));
    let form = Form::post(format!("/apps/{}", place.app.id), visitor.csrf(), t(words::SAVE))
        .hidden("version", place.app.version.to_string())
        .field(Field::new("name", t(w::NAME)), &given);
    let form = homepage_fields(bridge, visitor, &place.enterprise, form, &given).await?;
    let form = form
        .field(Field::new("enabled", t(words::ENABLED)).kind(Kind::Check), &given)
        .field(Field::new("browser_enabled", t(words::BROWSER)).hint(t(words::BROWSER_HINT)).kind(Kind::Check), &given);
    let lines = form.elsewhere(&given);
    let told = (!given.errors.is_empty()).then(|| notice(Tone::Bad, t(w::CHECK_FIELDS), &lines.join(" ")));
    let blocks = told.into_iter().chain([form.html()]).collect();
    Ok(html(&Card { id: "settings", title: t(words::SETTINGS).to_owned(), blocks, ..Card::default() }))
}

fn fields_of(app: &App) -> Fields {
    let yes = |on: bool| if on { "yes" } else { "" };
    let fields = Fields::default()
        .with("name", &app.name)
        .with("enabled", yes(app.enabled))
        .with("browser_enabled", yes(app.browser.enabled));
    match &app.homepage {
        Homepage::OaApp { oa_app, .. } => fields.with("mode", "oa-app").with("oa_app", oa_app.as_str()),
        Homepage::CustomLink { link } => fields.with("mode", "custom-link").with("link", link.to_string()),
    }
}

pub async fn save(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let answer = saved(&bridge, &visitor, &app, &fields).await;
    match answer {
        Ok(()) => done(&format!("/apps/{app}"), "saved"),
        Err(error) => refused(&bridge, &visitor, &app, fields, error).await,
    }
}

async fn refused(bridge: &Bridge, visitor: &Visitor, app: &str, fields: Fields, error: ApiError) -> Response {
    error.log();
    let given = in_place(Given::refused(fields, &error, visitor.lang()));
    let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
    let page = one(bridge, visitor, app, Some(given)).await;
    visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
}

async fn saved(bridge: &Bridge, visitor: &Visitor, app: &str, fields: &Fields) -> Result<(), ApiError> {
    let place = service::find(bridge, &visitor.actor, app).await?;
    // An unchanged homepage is not checked again: the OA may be away while a name is corrected.
    let before = fields_of(&place.app);
    let same =
        ["mode", "oa_app", "link"].iter().all(|name| before.get(name) == fields.get(name) || !used(name, fields));
    let change = Change {
        version: fields.number("version"),
        name: Some(fields.text("name")),
        enabled: Some(fields.checked("enabled")),
        homepage: (!same).then(|| homepage_input(fields)),
        browser_enabled: Some(fields.checked("browser_enabled")),
    };
    service::apply(bridge, &visitor.actor, app, Sent::Form(change)).await.map(|_| ())
}

/// Whether the chosen mode uses this field.
fn used(name: &str, fields: &Fields) -> bool {
    match name {
        "oa_app" => fields.get("mode") != "custom-link",
        "link" => fields.get("mode") == "custom-link",
        _ => true,
    }
}

fn browser_card(visitor: &Visitor, bridge: &Bridge, app: &App) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let tested = match app.browser.tested {
        Some(at) => tag(Tone::Ok, t(words::TESTED)).and(&time(visitor.zone(), at)),
        None => tag(Tone::Plain, t(words::NEVER_TESTED)),
    };
    let redirect = format!("{}{}", bridge.config().origin, signin::OAUTH_CALLBACK);
    let begin = button(format!("/apps/{}/browser-test", app.id), visitor.csrf(), t(words::BEGIN_TEST), "");
    html(&Card {
        id: "browser",
        title: t(words::BROWSER_TITLE).to_owned(),
        lead: t(words::BROWSER_LEAD).to_owned(),
        more: Some(tested),
        blocks: vec![copy(lang, &redirect), begin.html()],
        ..Card::default()
    })
}

fn test_begun(bridge: &Bridge, visitor: &Visitor, app: &App) -> Option<Html> {
    let lang = visitor.lang();
    app.browser.test_until.filter(|end| *end > bridge.clock().now())?;
    let url = format!("{}/h/{}/browser?test=1", bridge.config().origin, app.id);
    let go = outside(&url, words::RUN_TEST.get(lang));
    Some(stack(&[notice(Tone::Hint, words::TEST_BEGUN.get(lang), ""), go]))
}

pub async fn browser_test(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    match service::begin_test(&bridge, &posted.visitor.actor, &app).await {
        Ok(_) => done(&format!("/apps/{app}"), ""),
        Err(error) => posted.visitor.problem(&error),
    }
}

fn secret_card(visitor: &Visitor, app: &App, given: &Given) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let form = Form::post(format!("/apps/{}/credentials", app.id), visitor.csrf(), t(words::REPLACE))
        .hidden("version", app.version.to_string())
        .field(Field::new("client_secret", t(words::NEW_SECRET)).hint(t(words::SECRET_HINT)).kind(Kind::Secret), given);
    let body = if given.errors.is_empty() { folded(t(words::SECRET_TITLE), &form.html()) } else { form.html() };
    html(&Card {
        id: "secret",
        title: t(words::SECRET_TITLE).to_owned(),
        lead: t(words::SECRET_LEAD).to_owned(),
        more: Some(code(&format!("v{}", app.credentials_version))),
        blocks: vec![body],
        ..Card::default()
    })
}

pub async fn credentials(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewSecret { version: fields.number("version"), client_secret: fields.text("client_secret") };
    match service::rotate(&bridge, &visitor.actor, &app, Sent::Form(new)).await {
        Ok(_) => done(&format!("/apps/{app}"), "tested"),
        Err(error) => visitor.answer(secret_refused(&bridge, &visitor, &app, &error).await),
    }
}

/// The same page with the secret's form open and its error at the field; what was typed is not shown again.
async fn secret_refused(bridge: &Bridge, visitor: &Visitor, app: &str, error: &ApiError) -> Answered {
    error.log();
    let lang = visitor.lang();
    let place = service::find(bridge, &visitor.actor, app).await?;
    let mut given = Given::refused(Fields::default(), error, lang);
    if given.errors.is_empty() {
        given.errors.push(("client_secret".to_owned(), error.problem().title.get(lang).to_owned()));
    }
    let back = button_link(&format!("/apps/{app}"), w::BACK.get(lang), "");
    let page = Page::new(visitor, Section::Apps, Some(&place.enterprise.id), &place.app.name)
        .trail(step_up(&place.enterprise.id, &place.enterprise.name))
        .block(secret_card(visitor, &place.app, &given))
        .block(back);
    Ok(page.answer_with(status_of(error)))
}
