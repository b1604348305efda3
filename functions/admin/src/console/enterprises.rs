//! A WeLink enterprise: the checklist of its setup, its apps, and its settings.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::EnterpriseId;
use domain::model::{App, Authority, Enterprise};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;
use state::config::TenantConfig;

use super::auto_bind::auto_bind_card;
use super::blocks::{
    Card, Html, Link, Step, StepState, Table, Tone, button_link, copy, empty, html, link, steps, tag, text,
};
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::oa_instances::{done, refused_or_not};
use super::overview;
use super::page::{Page, Section, problem_block, refusal_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::enterprises::{self as service, AuthorityChange, NewEnterprise};
use crate::error::ApiError;
use crate::input::Sent;
use crate::{apps, oa_instances};

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
        S_AUTHORITY_TEXT = "先决定部门和人员以哪一侧为准；由此得出只读或读写模式。"
            / "Decide first which side says how departments and people are; the interface mode follows from it.";
        CHOOSE_WELINK = "以 WeLink 为准（只读）" / "WeLink is the authority (read-only)";
        CHOOSE_WELINK_HINT = "云桥只读取 WeLink 通讯录，不会写入"
            / "The bridge reads WeLink's address book and writes nothing there";
        CHOOSE_OA = "以 OA 为准（读写）" / "The OA is the authority (read-write)";
        CHOOSE_OA_HINT = "云桥把 OA 的部门和人员写入 WeLink" / "The bridge writes the OA's departments and people to WeLink";
        SAVE_AUTHORITY = "保存选择" / "Save this choice";
        CHECK_ALL = "逐项检查" / "Run every check";
        S_NETWORK = "网络畅通" / "The network is open";
        S_NETWORK_TEXT = "云桥能访问 WeLink 和 OA，员工能打开云桥。点击【逐项检查】测试。"
            / "The bridge reaches WeLink and the OA, and employees reach the bridge. Run every check tests it.";
        S_PERMISSIONS = "WeLink 权限" / "WeLink permissions";
        S_PERMISSIONS_TEXT = "点击【逐项检查】测试这个应用的权限。" / "Run every check tests this app's permissions.";
        S_PERMISSIONS_OK = "没有缺少的权限。" / "No permission is missing.";
        S_PERMISSIONS_MISSING = "缺少：" / "Missing: ";
        S_OA = "OA 可以访问" / "The OA answers";
        S_OA_TEXT = "云桥刚刚从 OA 读取了应用列表。" / "The bridge has just read the OA's list of applications.";
        S_APP = "已添加应用" / "An app has been added";
        S_APP_TEXT = "在 WeLink 开放平台创建轻应用，把【基本信息】里的 client_id 和 client_secret 填到云桥。"
            / "Create a light app on the WeLink open platform and enter its client_id and client_secret from 基本信息 \
                (basic information) here.";
        ADD_APP = "添加应用" / "Add an app";
        S_HOMEPAGE = "主页地址已填入 WeLink" / "The homepage address is in WeLink";
        S_HOMEPAGE_TEXT = "把下面的地址填入 WeLink 轻应用的手机端和电脑端主页，然后发布。员工第一次打开后，此步显示为完成。"
            / "Enter this address as the light app's homepage for phone and PC, and publish it. The step is done once \
                an employee has opened it.";
        S_AUTO_BIND = "用户绑定" / "Bindings";
        S_AUTO_BIND_ON = "自动绑定已开启。" / "Auto-bind is on.";
        S_AUTO_BIND_OFF = "自动绑定未开启；员工第一次打开时输入一次 OA 账号，或由管理员绑定。"
            / "Auto-bind is off: employees enter their OA account once when they first open the app, or \
                administrators bind them.";
        OPEN_PLATFORM = "WeLink 开放平台" / "WeLink open platform";
        APPS = "应用" / "Apps";
        NO_APPS = "这个企业还没有应用" / "This enterprise has no app yet";
        ENABLED = "已启用" / "Enabled";
        DISABLED = "已停用" / "Switched off";
        CLIENT_ID = "client_id" / "client_id";
        SECRET = "密钥" / "Secret";
        HOMEPAGE = "主页" / "Homepage";
        RENAME = "修改企业名称" / "Rename this enterprise";
        DELETE = "删除这个企业" / "Delete this enterprise";
        SETTINGS = "企业设置" / "Enterprise settings";
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
        let go = || button_link("/new-oa-instance", t(overview::words::STEP_OA), "primary");
        let text = t(super::oa_instances::words::EMPTY_TEXT);
        let go = visitor.may(Permission::Own).then(go);
        return page.block(super::blocks::empty_box(t(super::oa_instances::words::EMPTY), text, go));
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

/// Which form of the page was refused, as it was typed.
pub enum Refused {
    Authority(Given),
    AutoBind(Given),
    Name(Given),
}

/// The page, with a form of it that was refused.
pub async fn one(
    bridge: &Bridge,
    visitor: &Visitor,
    enterprise: &str,
    refused: Option<Refused>,
) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let (config, enterprise) = service::find(bridge, &visitor.actor, enterprise).await?;
    let mine: Vec<&App> = config.apps.iter().filter(|app| app.enterprise == enterprise.id).collect();
    let (mut authority, mut auto_bind, mut name) = (None, None, None);
    match refused {
        Some(Refused::Authority(given)) => authority = Some(given),
        Some(Refused::AutoBind(given)) => auto_bind = Some(given),
        Some(Refused::Name(given)) => name = Some(given),
        None => {}
    }
    let first = authority_step(visitor, &enterprise, authority);
    let list = checklist(bridge, visitor, first, (&config, &enterprise, &mine)).await?;
    let mut page = Page::new(visitor, Section::Apps, Some(&enterprise.id), &enterprise.name);
    if visitor.may(Permission::Own) {
        let href = format!("/enterprises/{}/new-app", enterprise.id);
        page = page.action(button_link(&href, words::ADD_APP.get(lang), "primary"));
    }
    let settings = visitor.may(Permission::Operate).then(|| settings(visitor, &enterprise, name));
    let page = page.block(list).block(apps_card(visitor, &enterprise, &mine));
    Ok(page.block(auto_bind_card(visitor, &enterprise, auto_bind)).block_if(settings))
}

/// The steps of the manual, each with what a live test says now. Those that ask WeLink many things wait for the button.
async fn checklist(
    bridge: &Bridge,
    visitor: &Visitor,
    first: Step,
    (config, enterprise, mine): (&TenantConfig, &Enterprise, &[&App]),
) -> Result<Html, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let thorough = visitor.query.get("check") == "all";
    let oa = config.oa_instance(&enterprise.oa_instance);
    let mut all = vec![first, network_step(bridge, visitor, oa, thorough).await?];
    all.push(oa_step(bridge, visitor, oa).await);
    all.push(app_step(visitor, enterprise, mine));
    for app in mine {
        all.push(permission_step(bridge, visitor, app, thorough).await);
        all.push(homepage_step(bridge, lang, app).await?);
    }
    let auto = if enterprise.auto_bind.enabled { words::S_AUTO_BIND_ON } else { words::S_AUTO_BIND_OFF };
    let go = link(&format!("/enterprises/{}/bindings", enterprise.id), t(w::NAV_BINDINGS));
    all.push(Step::new(lang, StepState::Done, t(words::S_AUTO_BIND), t(auto)).action(go));
    Ok(html(&Card {
        id: "checklist",
        title: t(words::CHECKLIST).to_owned(),
        lead: t(words::CHECKLIST_LEAD).to_owned(),
        more: Some(button_link("?check=all", t(words::CHECK_ALL), "small")),
        blocks: vec![steps(&all)],
        ..Card::default()
    }))
}

async fn network_step(
    bridge: &Bridge,
    visitor: &Visitor,
    oa: Option<&domain::model::OaInstance>,
    thorough: bool,
) -> Result<Step, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let go = link("/network", t(w::NAV_NETWORK));
    if !thorough {
        return Ok(Step::new(lang, StepState::Open, t(words::S_NETWORK), t(words::S_NETWORK_TEXT)).action(go));
    }
    let report = crate::network::report(bridge, oa.map(std::slice::from_ref).unwrap_or_default()).await?;
    let state = if report.ok { StepState::Done } else { StepState::Failed };
    let said = if report.ok { t(super::network::words::ALL_OPEN).to_owned() } else { report.failing.join(", ") };
    Ok(Step::new(lang, state, t(words::S_NETWORK), &said).action(go))
}

async fn permission_step(bridge: &Bridge, visitor: &Visitor, app: &App, thorough: bool) -> Step {
    let lang = visitor.lang();
    let title = format!("{} · {}", words::S_PERMISSIONS.get(lang), app.name);
    let go = link(&format!("/apps/{}", app.id), &app.name);
    if !thorough {
        return Step::new(lang, StepState::Open, &title, words::S_PERMISSIONS_TEXT.get(lang)).action(go);
    }
    match crate::permissions::report(bridge, &visitor.actor, app.id.as_str()).await {
        Ok(report) => {
            let missing: Vec<&str> = report
                .groups
                .iter()
                .filter(|group| group.outcome == crate::permissions::Outcome::Missing)
                .map(|group| group.name)
                .collect();
            let (state, said) = if missing.is_empty() {
                (StepState::Done, words::S_PERMISSIONS_OK.get(lang).to_owned())
            } else {
                (StepState::Failed, format!("{}{}", words::S_PERMISSIONS_MISSING.get(lang), missing.join(", ")))
            };
            Step::new(lang, state, &title, &said).action(go)
        }
        Err(error) => {
            error.log();
            Step::new(lang, StepState::Failed, &title, "").detail(problem_block(&error, lang)).action(go)
        }
    }
}

fn settings(visitor: &Visitor, enterprise: &Enterprise, refused: Option<Given>) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let given = refused.unwrap_or_else(|| Given::fresh(Fields::default().with("name", &enterprise.name)));
    let here = format!("/enterprises/{}", enterprise.id);
    let form = Form::post(format!("{here}/rename"), visitor.csrf(), t(words::RENAME))
        .hidden("version", enterprise.version.to_string())
        .field(Field::new("name", t(w::NAME)).hint(t(words::NAME_HINT)), &given);
    let rename = html(&Card {
        id: "rename",
        title: t(words::SETTINGS).to_owned(),
        blocks: vec![form.html()],
        ..Card::default()
    });
    if !visitor.may(Permission::Own) {
        return rename;
    }
    let delete = super::danger::card(visitor, t(words::DELETE), format!("{here}/delete"), &Given::default());
    super::blocks::columns(&[rename, delete])
}

pub async fn rename(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let change =
        service::Change { version: fields.number("version"), name: Some(fields.text("name")), oa_instance: None };
    match service::apply(&bridge, &visitor.actor, &enterprise, Sent::Form(change)).await {
        Ok(_) => done(&format!("/enterprises/{enterprise}"), "saved"),
        Err(error) => {
            let mut given = Given::refused(fields, &error, visitor.lang());
            if error.problem() == domain::problem::NAME_TAKEN {
                given.errors.push(("name".to_owned(), error.problem().title.get(visitor.lang()).to_owned()));
            }
            refused(&bridge, &visitor, &enterprise, Refused::Name(given), &error).await
        }
    }
}

async fn refused(bridge: &Bridge, visitor: &Visitor, id: &str, refused: Refused, error: &ApiError) -> Response {
    error.log();
    let page = one(bridge, visitor, id, Some(refused)).await;
    let told = refusal_block(error, visitor.lang());
    visitor.answer(page.map(|page| page.told(Some(told)).answer_with(status_of(error))))
}

pub async fn delete(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let outcome = service::remove(&bridge, &visitor.actor, &enterprise, &super::danger::confirmation(&fields)).await;
    let action = format!("/enterprises/{enterprise}/delete");
    super::danger::answer(&visitor, words::DELETE.get(visitor.lang()), (action, "/"), outcome)
}

fn authority_step(visitor: &Visitor, enterprise: &Enterprise, refused: Option<Given>) -> Step {
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
    let is_refused = refused.is_some();
    let given = refused.unwrap_or_else(|| Given::fresh(Fields::default().with("authority", chosen)));
    let form = Form::post(action, visitor.csrf(), t(words::SAVE_AUTHORITY))
        .hidden("version", enterprise.version.to_string())
        .field(Field::new("authority", t(words::S_AUTHORITY)).kind(Kind::Radio(choices)), &given);
    let summary =
        if chosen.is_empty() || is_refused { form.html() } else { super::blocks::folded(t(w::EDIT), &form.html()) };
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

/// Done once somebody has come in through the app: nothing else proves that the address stands in WeLink.
async fn homepage_step(bridge: &Bridge, lang: Lang, app: &App) -> Result<Step, ApiError> {
    let t = |text: Text| text.get(lang);
    let came = state::audit::Search {
        from: app.created.at,
        to: bridge.clock().now().plus_s(1),
        action: Some(domain::audit::Action::SignIn),
        actor: None,
        object: Some(app.id.as_str()),
    };
    let (came, _) = bridge.store().audit_search(&app.id.tenant(), &came, None).await?;
    let state = if came.is_empty() { StepState::Open } else { StepState::Done };
    let title = format!("{} · {}", t(words::S_HOMEPAGE), app.name);
    let step = Step::new(lang, state, &title, t(words::S_HOMEPAGE_TEXT));
    Ok(step.detail(copy(lang, &apps::homepage_url(bridge, app))))
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
            super::apps::secret(visitor, app),
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
        Err(error) => {
            let given = Given::refused(fields, &error, visitor.lang());
            refused(&bridge, &visitor, &enterprise, Refused::Authority(given), &error).await
        }
    }
}

/// The trail of pages below an enterprise.
pub fn step_up(id: &EnterpriseId, name: &str) -> Link {
    Link::new(format!("/enterprises/{id}"), name)
}
