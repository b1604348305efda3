//! A WeLink enterprise: the checklist of its setup, its apps, and its settings.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::EnterpriseId;
use domain::matching::{AutoBind, OaField, Pair, WeLinkField};
use domain::model::{App, Authority, Enterprise};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;
use state::config::TenantConfig;

use super::blocks::{
    Card, Html, Link, Step, StepState, Table, Tone, button_link, copy, empty, facts, html, link, quiet, steps, tag,
    text, time,
};
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::oa_instances::{done, refused_or_not};
use super::overview;
use super::page::{Page, Section, problem_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::enterprises::{self as service, AuthorityChange, NewEnterprise};
use crate::error::ApiError;
use crate::input::Sent;
use crate::{apps, auto_bind, oa_instances};

/// Texts of these pages.
pub mod words {
    domain::texts! {
        NEW = "新建 Welink" / "New WeLink enterprise";
        NAME_HINT = "只在云桥中使用，扫码登录的员工会看到它" / "Used in the bridge only; employees see it when they sign in by scanning";
        OA = "对接的 OA" / "OA that it works with";
        CREATE = "新建这个企业" / "Create this enterprise";
        CHECKLIST = "集成清单" / "Setup checklist";
        CHECKLIST_LEAD = "每一步都由实际测试得出。" / "Each step is the result of a live test.";
        S_AUTHORITY = "以哪一侧为准" / "Which side is the authority?";
        S_AUTHORITY_TEXT = "先决定部门和人员以哪一侧为准；由此得出只读或读写模式。" / "Decide first which side says how departments and people are; the interface mode follows from it.";
        CHOOSE_WELINK = "以 WeLink 为准（只读）" / "WeLink is the authority (read-only)";
        CHOOSE_WELINK_HINT = "云桥只读取 WeLink 通讯录，不会写入" / "The bridge reads WeLink's address book and writes nothing there";
        CHOOSE_OA = "以 OA 为准（读写）" / "The OA is the authority (read-write)";
        CHOOSE_OA_HINT = "云桥把 OA 的部门和人员写入 WeLink" / "The bridge writes the OA's departments and people to WeLink";
        SAVE_AUTHORITY = "保存选择" / "Save this choice";
        S_OA = "OA 可以访问" / "The OA answers";
        S_OA_TEXT = "云桥刚刚从 OA 读取了应用列表。" / "The bridge has just read the OA's list of applications.";
        S_APP = "已添加应用" / "An app has been added";
        S_APP_TEXT = "在 WeLink 开放平台创建轻应用，把【基本信息】里的 client_id 和 client_secret 填到云桥。" / "Create a light app on the WeLink open platform and enter its client_id and client_secret from 基本信息 (basic information) here.";
        ADD_APP = "添加应用" / "Add an app";
        S_HOMEPAGE = "主页地址已填入 WeLink" / "The homepage address is in WeLink";
        S_HOMEPAGE_TEXT = "把下面的地址填入 WeLink 轻应用的手机端和电脑端主页，然后发布。员工第一次打开后，此步显示为完成。" / "Enter this address as the light app's homepage for phone and PC, and publish it. The step is done once an employee has opened it.";
        S_AUTO_BIND = "用户绑定" / "Bindings";
        S_AUTO_BIND_ON = "自动绑定已开启。" / "Auto-bind is on.";
        S_AUTO_BIND_OFF = "自动绑定未开启；员工第一次打开时输入一次 OA 账号，或由管理员绑定。" / "Auto-bind is off: employees enter their OA account once when they first open the app, or administrators bind them.";
        OPEN_PLATFORM = "WeLink 开放平台" / "WeLink open platform";
        APPS = "应用" / "Apps";
        NO_APPS = "这个企业还没有应用" / "This enterprise has no app yet";
        ENABLED = "已启用" / "Enabled";
        DISABLED = "已停用" / "Switched off";
        CLIENT_ID = "client_id" / "client_id";
        SECRET = "密钥" / "Secret";
        HOMEPAGE = "主页" / "Homepage";
        SETTINGS = "企业设置" / "Enterprise settings";
        AUTO_BIND_TITLE = "用户绑定设置" / "Auto-bind setting";
        AUTO_BIND_LEAD = "同一个设置显示在三处：单点登录、从 Welink 同步、从 OA 同步。在任何一处修改都会全部生效。" / "One setting, shown in three places: sign-in, from WeLink, from the OA. A change in one of them counts in all.";
        AUTO_BIND_ENABLED = "按匹配字段自动绑定未关联的人员" / "Link people without a link automatically, by matching fields";
        AUTO_BIND_PAIRS = "匹配字段（按顺序，第一个唯一匹配生效）" / "Matching fields (in order; the first unique match counts)";
        AUTO_BIND_PAIRS_HINT = "每行一对：WeLink 字段 = OA 字段。WeLink：mobile、email、corp-user-id、employee-id；OA：mobile、email、work-code、login-name" / "A pair a line, WeLink field = OA field. WeLink: mobile, email, corp-user-id, employee-id. OA: mobile, email, work-code, login-name";
        AUTO_BIND_PASSWORD = "匹配后仍需输入一次 OA 密码" / "Ask for the OA password once before a match is linked";
        AUTO_BIND_DENY = "从不自动绑定的 OA 用户" / "OA users who are never linked automatically";
        AUTO_BIND_DENY_HINT = "每行一个 OA 用户编号，例如管理员账号" / "An OA user id a line, for example of administrators";
        SAVE_AUTO_BIND = "保存用户绑定设置" / "Save the auto-bind setting";
        BAD_PAIR = "这一行不是「WeLink 字段 = OA 字段」" / "This line is not \"WeLink field = OA field\"";
    }
}

const OPEN_PLATFORM: &str = "https://open.welink.huaweicloud.com/";

pub async fn new(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let config = visitor.actor.config(&bridge, &visitor.session.tenant).await;
    visitor.answer(config.map(|config| new_page(&visitor, &config, &Given::default()).answer()))
}

fn new_page(visitor: &Visitor, config: &TenantConfig, given: &Given) -> Page {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let page = Page::new(visitor, Section::NewEnterprise, None, t(words::NEW));
    if config.oa_instances.is_empty() {
        let go = button_link("/new-oa-instance", t(overview::words::STEP_OA), "primary");
        let text = t(super::oa_instances::words::EMPTY_TEXT);
        return page.block(super::blocks::empty_box(t(super::oa_instances::words::EMPTY), text, Some(go)));
    }
    let choices = config.oa_instances.iter().map(|oa| Choice::new(oa.id.as_str(), &oa.name)).collect();
    let form = Form::post("/enterprises", visitor.csrf(), t(words::CREATE))
        .field(Field::new("name", t(w::NAME)).hint(t(words::NAME_HINT)).focus(), given)
        .field(Field::new("oa_instance", t(words::OA)).kind(Kind::Select(choices)), given)
        .cancel(Link::new("/", t(w::CANCEL)));
    refused_or_not(visitor, given, &form, page).block(html(&Card { blocks: vec![form.html()], ..Card::default() }))
}

pub async fn create(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewEnterprise { name: fields.text("name"), oa_instance: fields.optional("oa_instance") };
    let tenant = visitor.session.tenant.to_string();
    let error = match service::make(&bridge, &visitor.actor, &tenant, Sent::Form(new)).await {
        Ok(made) => return done(&format!("/enterprises/{}", made.id), "created"),
        Err(error) => error,
    };
    let config = match visitor.actor.config(&bridge, &visitor.session.tenant).await {
        Ok(config) => config,
        Err(error) => return visitor.problem(&error),
    };
    error.log();
    let mut given = Given::refused(fields, &error, visitor.lang());
    if error.problem() == domain::problem::NAME_TAKEN {
        given.errors.push(("name".to_owned(), error.problem().title.get(visitor.lang()).to_owned()));
    }
    new_page(&visitor, &config, &given).answer_with(status_of(&error))
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(enterprise): Path<String>) -> Response {
    let answer = one(&bridge, &visitor, &enterprise, None).await;
    visitor.answer(answer.map(Page::answer))
}

/// The page, with a form of it that was refused.
async fn one(bridge: &Bridge, visitor: &Visitor, enterprise: &str, refused: Option<Given>) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let (config, enterprise) = service::find(bridge, &visitor.actor, enterprise).await?;
    let mine: Vec<&App> = config.apps.iter().filter(|app| app.enterprise == enterprise.id).collect();
    let list = checklist(bridge, visitor, &config, &enterprise, &mine).await?;
    let mut page = Page::new(visitor, Section::Apps, Some(&enterprise.id), &enterprise.name);
    if visitor.may(Permission::Own) {
        let href = format!("/enterprises/{}/new-app", enterprise.id);
        page = page.action(button_link(&href, words::ADD_APP.get(lang), "primary"));
    }
    Ok(page.block(list).block(apps_card(visitor, &enterprise, &mine)).block(auto_bind_card(
        visitor,
        &enterprise,
        refused,
    )))
}

async fn checklist(
    bridge: &Bridge,
    visitor: &Visitor,
    config: &TenantConfig,
    enterprise: &Enterprise,
    mine: &[&App],
) -> Result<Html, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let mut all = vec![authority_step(visitor, enterprise)];
    let oa = config.oa_instance(&enterprise.oa_instance);
    all.push(oa_step(bridge, visitor, oa).await);
    all.push(app_step(visitor, enterprise, mine));
    for app in mine {
        all.push(homepage_step(bridge, lang, app));
    }
    let auto = if enterprise.auto_bind.enabled { words::S_AUTO_BIND_ON } else { words::S_AUTO_BIND_OFF };
    let go = link(&format!("/enterprises/{}/bindings", enterprise.id), t(w::NAV_BINDINGS));
    all.push(Step::new(lang, StepState::Done, t(words::S_AUTO_BIND), t(auto)).action(go));
    Ok(html(&Card {
        id: "checklist",
        title: t(words::CHECKLIST).to_owned(),
        lead: t(words::CHECKLIST_LEAD).to_owned(),
        blocks: vec![steps(&all)],
        ..Card::default()
    }))
}

fn authority_step(visitor: &Visitor, enterprise: &Enterprise) -> Step {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let state = if enterprise.authority.is_some() { StepState::Done } else { StepState::Open };
    let step = Step::new(lang, state, t(words::S_AUTHORITY), t(words::S_AUTHORITY_TEXT))
        .action(overview::authority(lang, enterprise));
    if !visitor.may(Permission::Operate) {
        return step;
    }
    let chosen = match enterprise.authority {
        Some(Authority::Welink) => "welink",
        Some(Authority::Oa) => "oa",
        None => "",
    };
    let choices = vec![
        Choice::new("welink", t(words::CHOOSE_WELINK)).hint(t(words::CHOOSE_WELINK_HINT)),
        Choice::new("oa", t(words::CHOOSE_OA)).hint(t(words::CHOOSE_OA_HINT)),
    ];
    let action = format!("/enterprises/{}/authority", enterprise.id);
    let given = Given::fresh(Fields::default().with("authority", chosen));
    let form = Form::post(action, visitor.csrf(), t(words::SAVE_AUTHORITY))
        .hidden("version", enterprise.version.to_string())
        .field(Field::new("authority", t(words::S_AUTHORITY)).kind(Kind::Radio(choices)), &given);
    let summary = if chosen.is_empty() { form.html() } else { super::blocks::folded(t(w::EDIT), &form.html()) };
    step.detail(summary)
}

async fn oa_step(bridge: &Bridge, visitor: &Visitor, oa: Option<&domain::model::OaInstance>) -> Step {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let Some(oa) = oa else { return Step::new(lang, StepState::Open, t(words::S_OA), "") };
    let name = link(&format!("/oa-instances/{}", oa.id), &oa.name);
    match oa_instances::read_apps(bridge, &visitor.actor, oa.id.as_str()).await {
        Ok(_) => Step::new(lang, StepState::Done, t(words::S_OA), t(words::S_OA_TEXT)).action(name),
        Err(error) => {
            error.log();
            Step::new(lang, StepState::Failed, t(words::S_OA), "").detail(problem_block(&error, lang)).action(name)
        }
    }
}

fn app_step(visitor: &Visitor, enterprise: &Enterprise, mine: &[&App]) -> Step {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let state = if mine.is_empty() { StepState::Open } else { StepState::Done };
    let step = Step::new(lang, state, t(words::S_APP), t(words::S_APP_TEXT));
    let step = step.action(super::blocks::outside(OPEN_PLATFORM, t(words::OPEN_PLATFORM)));
    if mine.is_empty() && visitor.may(Permission::Own) {
        let href = format!("/enterprises/{}/new-app", enterprise.id);
        return step.action(button_link(&href, t(words::ADD_APP), "small primary"));
    }
    step
}

fn homepage_step(bridge: &Bridge, lang: Lang, app: &App) -> Step {
    let t = |text: Text| text.get(lang);
    let url = apps::homepage_url(bridge, app);
    let title = format!("{} · {}", t(words::S_HOMEPAGE), app.name);
    Step::new(lang, StepState::Open, &title, t(words::S_HOMEPAGE_TEXT)).detail(copy(lang, &url))
}

fn apps_card(visitor: &Visitor, enterprise: &Enterprise, mine: &[&App]) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let row = |app: &&App| {
        let state = if app.enabled { tag(Tone::Ok, t(words::ENABLED)) } else { tag(Tone::Warn, t(words::DISABLED)) };
        vec![
            link(&format!("/apps/{}", app.id), &app.name),
            super::blocks::code(app.client_id.as_str()),
            text(&super::apps::homepage_label(app)),
            state,
            super::apps::secret(lang, app),
        ]
    };
    let href = format!("/enterprises/{}/new-app", enterprise.id);
    let add = visitor.may(Permission::Own).then(|| button_link(&href, t(words::ADD_APP), "primary"));
    let table = Table {
        label: t(words::APPS).to_owned(),
        columns: [w::NAME, words::CLIENT_ID, words::HOMEPAGE, w::STATE, words::SECRET].map(t).to_vec(),
        rows: mine.iter().map(row).collect(),
        empty: empty(t(words::NO_APPS), t(words::S_APP_TEXT), add),
        next: None,
    };
    html(&Card {
        id: "apps",
        title: t(words::APPS).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    })
}

pub async fn authority(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let back = format!("/enterprises/{enterprise}");
    let authority = match fields.get("authority") {
        "welink" => Authority::Welink,
        "oa" => Authority::Oa,
        _ => return done(&back, ""),
    };
    let change = AuthorityChange { version: fields.number("version"), authority };
    match service::set_authority(&bridge, &visitor.actor, &enterprise, Sent::Form(change)).await {
        Ok(_) => done(&back, "saved"),
        Err(error) => visitor.problem(&error),
    }
}

/// The one auto-bind setting, as a card: here, and on the pages of both syncs.
pub fn auto_bind_card(visitor: &Visitor, enterprise: &Enterprise, refused: Option<Given>) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let setting = &enterprise.auto_bind;
    let given = refused.unwrap_or_else(|| Given::fresh(auto_bind_fields(setting)));
    let body = if visitor.may(Permission::Operate) {
        let form =
            Form::post(format!("/enterprises/{}/auto-bind", enterprise.id), visitor.csrf(), t(words::SAVE_AUTO_BIND))
                .hidden("version", setting.version.to_string())
                .field(Field::new("enabled", t(words::AUTO_BIND_ENABLED)).kind(Kind::Check), &given)
                .field(
                    Field::new("pairs", t(words::AUTO_BIND_PAIRS))
                        .hint(t(words::AUTO_BIND_PAIRS_HINT))
                        .kind(Kind::Area),
                    &given,
                )
                .field(Field::new("require_password", t(words::AUTO_BIND_PASSWORD)).kind(Kind::Check), &given)
                .field(
                    Field::new("deny", t(words::AUTO_BIND_DENY)).hint(t(words::AUTO_BIND_DENY_HINT)).kind(Kind::Area),
                    &given,
                );
        form.html()
    } else {
        facts(&[
            (t(w::STATE), text(t(if setting.enabled { w::ON } else { w::OFF }))),
            (t(words::AUTO_BIND_PAIRS), text(given.fields.get("pairs"))),
        ])
    };
    let changed = setting.changed.as_ref().map(|stamp| time(stamp.at).and(&quiet(&stamp.by)));
    html(&Card {
        id: "auto-bind",
        title: t(words::AUTO_BIND_TITLE).to_owned(),
        lead: t(words::AUTO_BIND_LEAD).to_owned(),
        more: changed,
        blocks: vec![body],
        ..Card::default()
    })
}

fn auto_bind_fields(setting: &AutoBind) -> Fields {
    let pairs: Vec<String> = setting
        .pairs
        .as_slice()
        .iter()
        .map(|pair| format!("{} = {}", name_of(&pair.welink), name_of(&pair.oa)))
        .collect();
    let deny: Vec<&str> = setting.deny.iter().map(domain::ids::OaUserId::as_str).collect();
    let yes = |on: bool| if on { "yes" } else { "" };
    Fields::default()
        .with("enabled", yes(setting.enabled))
        .with("require_password", yes(setting.require_password))
        .with("pairs", pairs.join("\n"))
        .with("deny", deny.join("\n"))
}

/// A field's name as the API writes it.
fn name_of(field: &impl serde::Serialize) -> String {
    serde_json::to_value(field).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn pairs_of(lines: &[String]) -> Result<Vec<Pair>, ApiError> {
    let bad = |line: &str| {
        let both = format!("{}: {line} / {}: {line}", words::BAD_PAIR.en, words::BAD_PAIR.zh);
        ApiError::field("pairs", both)
    };
    lines
        .iter()
        .map(|line| {
            let (welink, oa) = line.split_once('=').ok_or_else(|| bad(line))?;
            let parsed = (field::<WeLinkField>(welink), field::<OaField>(oa));
            match parsed {
                (Some(welink), Some(oa)) => Ok(Pair { welink, oa }),
                _ => Err(bad(line)),
            }
        })
        .collect()
}

fn field<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.trim().to_owned())).ok()
}

pub async fn save_auto_bind(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    match saved_auto_bind(&bridge, &visitor, &enterprise, &fields).await {
        Ok(()) => done(&safe_back(&fields, &enterprise), "saved"),
        Err(error) => {
            error.log();
            let given = Given::refused(fields, &error, visitor.lang());
            let page = one(&bridge, &visitor, &enterprise, Some(given)).await;
            let told = problem_block(&error, visitor.lang());
            visitor.answer(page.map(|page| page.block(told).answer_with(status_of(&error))))
        }
    }
}

fn safe_back(fields: &Fields, enterprise: &str) -> String {
    match fields.get("back") {
        "bindings" => format!("/enterprises/{enterprise}/bindings"),
        _ => format!("/enterprises/{enterprise}"),
    }
}

async fn saved_auto_bind(
    bridge: &Bridge,
    visitor: &Visitor,
    enterprise: &str,
    fields: &Fields,
) -> Result<(), ApiError> {
    let change = auto_bind::Change {
        version: fields.number("version"),
        enabled: fields.checked("enabled"),
        pairs: Some(pairs_of(&fields.lines("pairs"))?),
        require_password: Some(fields.checked("require_password")),
        deny: Some(fields.lines("deny")),
    };
    auto_bind::apply(bridge, &visitor.actor, enterprise, Sent::Form(change)).await.map(|_| ())
}

/// The trail of pages below an enterprise.
pub fn step_up(id: &EnterpriseId, name: &str) -> Link {
    Link::new(format!("/enterprises/{id}"), name)
}
