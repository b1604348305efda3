//! What an app may and whom it reaches: the permission probe and the visible-range doctor.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::model::App;
use domain::role::Permission;
use domain::text::Text;
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Step, StepState, Tone, code, html, notice, outside, quiet, stack, steps, tag, text,
};
use super::enterprises::step_up;
use super::form::{Fields, Form, button};
use super::page::{Page, Section};
use super::visitor::{Posted, Visitor};
use super::words as w;
use crate::apps;
use crate::error::ApiError;
use crate::input::Sent;
use crate::permissions::{self, GroupReport, Outcome};
use crate::visible_range;

/// Texts of these pages.
pub mod words {
    domain::texts! {
        PERMISSIONS = "需要的 WeLink 权限" / "WeLink permissions it needs";
        LEAD = "在 WeLink 开放平台的【接口权限】中开启，然后发布新版本并由管理员审核。"
            / "Grant them under 接口权限 on the WeLink open platform, then publish a new version and have it reviewed.";
        P_IDENTITY = "身份与鉴权" / "身份与鉴权 (identity)";
        P_IDENTITY_TEXT = "两项都要开启：单点登录和扫码登录" / "Both of them: sign-in and scan login";
        P_READ = "通讯录（获取…）" / "通讯录, 获取… (read the address book)";
        P_READ_TEXT = "从 Welink 同步" / "From-WeLink sync";
        P_WRITE = "通讯录同步" / "通讯录同步 (write the address book)";
        P_WRITE_TEXT = "从 OA 同步" / "From-OA sync";
        P_TODO = "待办通知" / "待办通知 (to-dos)";
        P_TODO_TEXT = "待办类型的消息" / "Messages of type to-do";
        PROBE = "测试权限" / "Test the permissions";
        PROBED = "刚刚用不会改变任何内容的调用测试。" / "Tested just now, by calls that change nothing.";
        GRANTED = "已开通" / "Granted";
        MISSING = "未开通" / "Missing";
        NOT_TESTABLE = "无法测试" / "Not testable";
        RANGE = "检查可见范围" / "Check the visible range";
        RANGE_LEAD = "逐个询问 WeLink：已关联的人员中，谁看不到这个应用。"
            / "WeLink is asked about each linked person: who cannot see this app?";
        CHECKED = "已检查人数：" / "People checked:";
        ALL_SEEN = "所有已关联的人员都能看到这个应用" / "Every linked person sees this app";
        PAUSE = "WeLink 要求稍等，请稍后继续：" / "WeLink asks for a pause; go on after";
    }
}

/// Unseen people that the page carries along; more of them are a wrong range rather than single cases.
const UNSEEN_SHOWN_MAX: usize = 200;

/// The permissions that an app needs, with the buttons that test them.
pub fn card(visitor: &Visitor, app: &App) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let all = [
        (words::P_IDENTITY, words::P_IDENTITY_TEXT),
        (words::P_READ, words::P_READ_TEXT),
        (words::P_WRITE, words::P_WRITE_TEXT),
        (words::P_TODO, words::P_TODO_TEXT),
    ]
    .map(|(name, what)| Step::new(lang, StepState::Open, t(name), t(what)));
    let mut actions =
        vec![outside("https://open.welink.huaweicloud.com/", t(super::enterprises::words::OPEN_PLATFORM))];
    if visitor.may(Permission::Operate) {
        let probe = button(format!("/apps/{}/probe", app.id), visitor.csrf(), t(words::PROBE), "primary").html();
        let range = button(format!("/apps/{}/visible-range", app.id), visitor.csrf(), t(words::RANGE), "").html();
        actions.insert(0, probe.and(&range));
    }
    html(&Card {
        id: "permissions",
        title: t(words::PERMISSIONS).to_owned(),
        lead: t(words::LEAD).to_owned(),
        blocks: vec![steps(&all), stack(&actions)],
        ..Card::default()
    })
}

/// A page below the app's.
fn below(visitor: &Visitor, place: &apps::Place, title: Text) -> Page {
    Page::new(visitor, Section::Apps, Some(&place.enterprise.id), title.get(visitor.lang()))
        .trail(step_up(&place.enterprise.id, &place.enterprise.name))
        .trail(Link::new(format!("/apps/{}", place.app.id), &place.app.name))
}

/// What the probe finds now, in WeLink's own names.
pub async fn probe(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    let visitor = posted.visitor;
    let page = probe_page(&bridge, &visitor, &app).await;
    visitor.answer(page.map(Page::answer))
}

async fn probe_page(bridge: &Bridge, visitor: &Visitor, app: &str) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let place = apps::find(bridge, &visitor.actor, app).await?;
    let report = permissions::report(bridge, &visitor.actor, app).await?;
    let step = |group: &GroupReport| {
        let state = match group.outcome {
            Outcome::Granted => StepState::Done,
            Outcome::Missing => StepState::Failed,
            Outcome::NotTestable => StepState::Warning,
        };
        let said = format!("{} {}", t(group.needed_for), t(group.text));
        let step = Step::new(lang, state, group.name, &said);
        group.permissions.iter().fold(step, |step, one| {
            let mark = match one.outcome {
                Outcome::Granted => tag(Tone::Ok, t(words::GRANTED)),
                Outcome::Missing => tag(Tone::Bad, t(words::MISSING)),
                Outcome::NotTestable => tag(Tone::Plain, t(words::NOT_TESTABLE)),
            };
            step.detail(mark.and(&text(one.name)))
        })
    };
    let all: Vec<Step> = report.groups.iter().map(step).collect();
    let card = Card {
        id: "probe",
        title: t(words::PERMISSIONS).to_owned(),
        lead: t(words::PROBED).to_owned(),
        blocks: vec![steps(&all), outside(report.apply_at, t(super::enterprises::words::OPEN_PLATFORM))],
        ..Card::default()
    };
    Ok(below(visitor, &place, words::PROBE).block(html(&card)))
}

/// Linked people whom the app cannot see, a slice at a time.
pub async fn range(State(bridge): State<Bridge>, Path(app): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let page = range_page(&bridge, &visitor, &app, &fields).await;
    visitor.answer(page.map(Page::answer))
}

async fn range_page(bridge: &Bridge, visitor: &Visitor, app: &str, fields: &Fields) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let place = apps::find(bridge, &visitor.actor, app).await?;
    let asked = visible_range::Asked { cursor: fields.optional("cursor") };
    let slice = visible_range::slice(bridge, &visitor.actor, app, Sent::Form(asked)).await?;
    // What earlier slices found travels with the form: the check keeps nothing.
    let mut found = fields.lines("found");
    found.extend(slice.unseen.iter().map(|one| format!("{} {} {}", one.user_id, one.name_zh, one.oa_login)));
    found.truncate(UNSEEN_SHOWN_MAX);
    let seen = fields.number("checked") + u64::from(slice.checked);
    let mut blocks = vec![text(&format!("{} {seen}", t(words::CHECKED)))];
    if found.is_empty() && slice.next.is_none() {
        blocks.push(notice(Tone::Ok, t(words::ALL_SEEN), ""));
    }
    blocks.extend(found.iter().map(|line| code(line)));
    if let Some(next) = &slice.next {
        blocks.extend(slice.retry_after_s.map(|s| quiet(&format!("{} {s} s", t(words::PAUSE)))));
        let form = Form {
            repeat: slice.retry_after_s.is_none(),
            ..button(format!("/apps/{app}/visible-range"), visitor.csrf(), t(w::CONTINUE), "primary")
        };
        let form = form.hidden("cursor", next).hidden("found", found.join("\n")).hidden("checked", seen.to_string());
        blocks.push(form.html());
    }
    let card = Card {
        id: "visible-range",
        lead: t(words::RANGE_LEAD).to_owned(),
        blocks: vec![stack(&blocks)],
        ..Card::default()
    };
    Ok(below(visitor, &place, words::RANGE).block(html(&card)))
}
