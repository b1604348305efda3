//! `/`: is everything working, and what should I do next?

use axum::extract::State;
use axum::response::Response;
use domain::model::{App, Enterprise};
use domain::role::Permission;
use signin::Bridge;

use super::blocks::{
    Card, Html, Step, StepState, Table, Tone, button_link, empty, html, link, quiet, stats, steps, tag,
};
use super::page::{Page, Section};
use super::visitor::Visitor;
use super::words as w;
use crate::error::ApiError;
use state::config::TenantConfig;

/// Texts of this page.
pub mod words {
    domain::texts! {
        INTEGRATED = "已集成的 WeLink 企业" / "Integrated WeLink enterprises";
        APPS = "应用" / "Apps";
        INSTANCES = "OA 实例" / "OA instances";
        FIRST_STEPS = "开始使用" / "First steps";
        FIRST_STEPS_LEAD = "按顺序完成这三步，员工就能从 WeLink 打开 OA。"
            / "After these three steps employees open the OA from WeLink.";
        STEP_OA = "连接 OA" / "Connect the OA";
        STEP_OA_TEXT = "填写 OA 的地址和访问令牌，把生成的签名密钥交给 OA。"
            / "Enter the OA's addresses and access token, and give the OA the signing secrets that are made for it.";
        STEP_ENTERPRISE = "新建 Welink" / "Create a WeLink enterprise";
        STEP_ENTERPRISE_TEXT = "一个名称就够；它会显示给使用扫码登录的员工。"
            / "A name is enough; employees see it when they sign in by scanning.";
        STEP_APP = "添加应用" / "Add an app";
        STEP_APP_TEXT = "填写 WeLink 轻应用的 client_id 和 client_secret，选择打开哪个 OA 应用。"
            / "Enter the light app's client_id and client_secret, and choose the OA application that it opens.";
        OPEN = "打开" / "Open";
        COMPANY = "WeLink 上的企业名称" / "Company name at WeLink";
        AUTHORITY = "以哪一侧为准" / "Authority";
        AUTHORITY_WELINK = "WeLink（只读）" / "WeLink (read-only)";
        AUTHORITY_OA = "OA（读写）" / "OA (read-write)";
        UNDECIDED = "尚未选择" / "Not decided";
        AUTO_BIND = "自动绑定" / "Auto-bind";
        NO_ENTERPRISE = "还没有 WeLink 企业" / "No WeLink enterprise yet";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let config = visitor.actor.config(&bridge, &visitor.session.tenant).await;
    visitor.answer(config.map(|config| page(&visitor, &config).answer()))
}

fn page(visitor: &Visitor, config: &TenantConfig) -> Page {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let mut page = Page::new(visitor, Section::Overview, None, t(w::NAV_OVERVIEW));
    if visitor.may(Permission::Operate) {
        page = page.action(button_link("/new-enterprise", t(w::NAV_NEW_ENTERPRISE), "primary"));
    }
    let counts = [
        (config.enterprises.len().to_string(), t(words::INTEGRATED)),
        (config.apps.len().to_string(), t(words::APPS)),
        (config.oa_instances.len().to_string(), t(words::INSTANCES)),
    ];
    let begun = !config.oa_instances.is_empty() && !config.enterprises.is_empty() && !config.apps.is_empty();
    let first = (!begun).then(|| first_steps(visitor, config));
    page.block(stats(&counts)).block_if(first).block(enterprises(visitor, config))
}

fn first_steps(visitor: &Visitor, config: &TenantConfig) -> Html {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let state = |done: bool| if done { StepState::Done } else { StepState::Open };
    let go = |href: &str, label: domain::text::Text, done: bool, needs: Permission| {
        if done || !visitor.may(needs) { quiet("") } else { button_link(href, label.get(lang), "small primary") }
    };
    let (oa, enterprise) = (!config.oa_instances.is_empty(), !config.enterprises.is_empty());
    let app_href = config
        .enterprises
        .first()
        .map_or_else(|| "/new-enterprise".to_owned(), |e| format!("/enterprises/{}/new-app", e.id));
    let all = [
        Step::new(lang, state(oa), t(words::STEP_OA), t(words::STEP_OA_TEXT)).action(go(
            "/new-oa-instance",
            words::STEP_OA,
            oa,
            Permission::Own,
        )),
        Step::new(lang, state(enterprise), t(words::STEP_ENTERPRISE), t(words::STEP_ENTERPRISE_TEXT)).action(if oa {
            go("/new-enterprise", words::STEP_ENTERPRISE, enterprise, Permission::Operate)
        } else {
            quiet("")
        }),
        Step::new(lang, state(!config.apps.is_empty()), t(words::STEP_APP), t(words::STEP_APP_TEXT)).action(
            if enterprise {
                go(&app_href, words::STEP_APP, !config.apps.is_empty(), Permission::Own)
            } else {
                quiet("")
            },
        ),
    ];
    html(&Card {
        id: "first-steps",
        title: t(words::FIRST_STEPS).to_owned(),
        lead: t(words::FIRST_STEPS_LEAD).to_owned(),
        blocks: vec![steps(&all)],
        ..Card::default()
    })
}

fn enterprises(visitor: &Visitor, config: &TenantConfig) -> Html {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let row = |enterprise: &Enterprise| {
        let of = |app: &&App| app.enterprise == enterprise.id;
        let company = config.apps.iter().find(of).map_or("", |app| app.welink_company.as_str());
        let oa = config.oa_instance(&enterprise.oa_instance).map_or("", |oa| oa.name.as_str());
        vec![
            link(&format!("/enterprises/{}", enterprise.id), &enterprise.name),
            if company.is_empty() { quiet("—") } else { super::blocks::text(company) },
            super::blocks::text(oa),
            super::blocks::text(&config.apps.iter().filter(of).count().to_string()),
            authority(lang, enterprise),
            if enterprise.auto_bind.enabled { tag(Tone::Ok, t(w::ON)) } else { tag(Tone::Plain, t(w::OFF)) },
        ]
    };
    let table = Table {
        label: t(words::INTEGRATED).to_owned(),
        columns: [w::NAME, words::COMPANY, w::NAV_OA, words::APPS, words::AUTHORITY, words::AUTO_BIND].map(t).to_vec(),
        rows: config.enterprises.iter().map(row).collect(),
        empty: empty(t(words::NO_ENTERPRISE), t(words::STEP_ENTERPRISE_TEXT), None),
        next: None,
    };
    html(&Card { title: t(words::INTEGRATED).to_owned(), blocks: vec![html(&table)], flush: true, ..Card::default() })
}

/// The authority of an enterprise in a word.
pub fn authority(lang: domain::text::Lang, enterprise: &Enterprise) -> Html {
    match enterprise.authority {
        Some(domain::model::Authority::Welink) => tag(Tone::Plain, words::AUTHORITY_WELINK.get(lang)),
        Some(domain::model::Authority::Oa) => tag(Tone::Plain, words::AUTHORITY_OA.get(lang)),
        None => tag(Tone::Warn, words::UNDECIDED.get(lang)),
    }
}

/// What a page about a tenant's thing answers when the thing is read.
pub type Answered = Result<Response, ApiError>;
