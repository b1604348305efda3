//! A person's card: source, link, state, history; and why he can sign in or cannot.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::model::{Enterprise, Person};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Step, StepState, Table, button_link, columns, copy, empty, facts, html, quiet, stack, steps,
    text, time,
};
use super::directory::{link_cell, named, person_href, person_path, source, status_cell};
use super::enterprises::step_up;
use super::form::{Choice, Field, Fields, Form, Given, Kind, button};
use super::oa_instances::done;
use super::page::{Page, Section, refusal_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::directory::{self as service, PersonCard};
use crate::error::ApiError;
use crate::input::Sent;
use crate::links::{self, By, NewLink, Reference};
use crate::person_trace::{self, Judged};
use crate::{enterprises, input, verdicts};

/// Texts of this page.
pub mod words {
    domain::texts! {
        CARD = "人员" / "Person";
        EMAIL = "邮箱" / "E-mail";
        MOBILE = "手机号" / "Mobile";
        WORK_NUMBER = "工号" / "Work number";
        DEPARTMENTS = "部门" / "Departments";
        FIRST_SEEN = "首次出现" / "First seen";
        LINK = "关联" / "Link";
        BOUND = "关联于" / "Linked on";
        HOW = "方式" / "How";
        UNBIND = "解除关联" / "Unbind";
        UNBIND_HINT = "WeLink 和 OA 都不会被修改；之后不再自动绑定，除非去掉标记。"
            / "Neither WeLink nor the OA is changed. He is not linked automatically again unless the mark is removed.";
        BIND = "关联这个 OA 用户" / "Link this OA user";
        BY = "按哪个字段查找 OA 用户" / "Find the OA user by";
        BY_LOGIN = "登录名" / "Login name";
        BY_WORK = "工号" / "Work code";
        BY_MOBILE = "手机号" / "Mobile";
        BY_EMAIL = "邮箱" / "E-mail";
        VALUE = "内容" / "Value";
        ASKED = "本人申请解除关联" / "He has asked to be unlinked";
        NO_AUTO_BIND = "不自动绑定" / "Not linked automatically";
        REMOVE_MARK = "允许自动绑定" / "Allow automatic links";
        SET_MARK = "不自动绑定此人" / "Never link him automatically";
        SIGN_INS = "最近的登录" / "Last sign-ins";
        DEVICE = "浏览器和系统" / "Browser and system";
        PLACE = "位置" / "Place";
        OFFICE = "公司网络" / "Office network";
        OUTSIDE = "公司网络以外" / "Outside the office network";
        NO_SIGN_INS = "还没有登录" / "No sign-ins yet";
        TRACE = "排查" / "Why, or why not?";
        TRACE_LEAD = "刚刚逐项检查：他能不能从 WeLink 进入 OA，为什么。"
            / "Looked at just now, step by step: does he get from WeLink into the OA, and why?";
        S_COPY = "云桥通讯录" / "Directory";
        S_DEPARTMENTS = "部门" / "Departments";
        S_RANGE = "应用可见范围" / "Visible range of the app";
        S_LINK = "关联" / "Link";
        S_AUTO = "自动绑定" / "Auto-bind";
        S_OA = "OA 账号" / "OA account";
        S_SIGN_INS = "登录" / "Sign-ins";
        S_CONFLICT = "冲突" / "Conflict";
        S_OTHER = "检查" / "Check";
    }
}

pub async fn show(
    State(bridge): State<Bridge>,
    visitor: Visitor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    let page = page(&bridge, &visitor, (&enterprise, &user), None).await;
    visitor.answer(page.map(Page::answer))
}

async fn page(
    bridge: &Bridge,
    visitor: &Visitor,
    (enterprise, user): (&str, &str),
    refused: Option<Given>,
) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let known = enterprises::known(bridge, &visitor.actor, enterprise).await?;
    let card = service::card(bridge, &visitor.actor, enterprise, user).await?;
    let person = &card.person;
    let name = named(lang, &person.name_zh, &person.name_en);
    let title = if name.is_empty() { person.user_id.as_str() } else { name };
    let directory = format!("/enterprises/{}/directory", known.id);
    let base = person_href(&known, person.user_id.as_str());
    let trace = button_link(&format!("{base}/trace"), words::TRACE.get(lang), "primary");
    Ok(Page::new(visitor, Section::Directory, Some(&known.id), title)
        .trail(step_up(&known.id, &known.name))
        .trail(Link::new(directory, w::NAV_DIRECTORY.get(lang)))
        .action(trace)
        .block(columns(&[about(visitor, &card), link_card(visitor, &known, person, refused)]))
        .block(sign_ins(visitor, &person_trace::sign_ins_of(person, &visitor.config))))
}

fn about(visitor: &Visitor, card: &PersonCard) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let person = &card.person;
    let or_none = |value: &str| if value.is_empty() { quiet(t(w::NONE)) } else { text(value) };
    let departments: Vec<&str> =
        card.department_names.iter().map(|row| named(lang, &row.name_zh, &row.name_en)).collect();
    let all = facts(&[
        (t(super::directory::words::ACCOUNT), copy(lang, person.user_id.as_str())),
        (t(w::STATE), status_cell(lang, person.status)),
        (t(super::directory::words::SOURCE), text(t(source(person.source)))),
        (t(words::DEPARTMENTS), or_none(&departments.join(" / "))),
        (t(words::MOBILE), or_none(&person.mobile)),
        (t(words::EMAIL), or_none(&person.email)),
        (t(words::WORK_NUMBER), or_none(&person.corp_user_id)),
        (t(words::FIRST_SEEN), time(visitor.zone(), person.first_seen)),
    ]);
    html(&Card { id: "card", title: t(words::CARD).to_owned(), blocks: vec![all], ..Card::default() })
}

fn link_card(visitor: &Visitor, enterprise: &Enterprise, person: &Person, refused: Option<Given>) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let base = person_href(enterprise, person.user_id.as_str());
    let mut blocks = Vec::new();
    if person.unlink_asked.is_some() {
        blocks.push(super::blocks::notice(super::blocks::Tone::Warn, t(words::ASKED), ""));
    }
    let may = visitor.may(Permission::Bind);
    if let Some(oa) = &person.link {
        blocks.push(facts(&[
            (t(w::STATE), link_cell(lang, Some(oa))),
            (t(super::directory::words::OA_USER), copy(lang, oa.oa_user.as_str())),
            (t(words::HOW), text(verdicts::origin(oa.origin).get(lang))),
            (t(words::BOUND), time(visitor.zone(), oa.bound.at).and(&quiet(&oa.bound.by))),
        ]));
        if may {
            let unbind = button(format!("{base}/unbind"), visitor.csrf(), t(words::UNBIND), "danger");
            blocks.push(stack(&[unbind.html(), quiet(t(words::UNBIND_HINT))]));
        }
    } else {
        blocks.push(facts(&[
            (t(w::STATE), link_cell(lang, None)),
            (t(words::NO_AUTO_BIND), yes_no(lang, person.no_auto_bind)),
        ]));
        if may {
            blocks.push(bind_form(visitor, &base, refused).html());
            let (label, action) = if person.no_auto_bind {
                (words::REMOVE_MARK, format!("{base}/allow-auto-bind"))
            } else {
                (words::SET_MARK, format!("{base}/no-auto-bind"))
            };
            blocks.push(button(action, visitor.csrf(), t(label), "small").html());
        }
    }
    html(&Card { id: "link", title: t(words::LINK).to_owned(), blocks, ..Card::default() })
}

fn yes_no(lang: Lang, yes: bool) -> Html {
    text(if yes { w::YES } else { w::NO }.get(lang))
}

fn bind_form(visitor: &Visitor, base: &str, refused: Option<Given>) -> Form {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let given = refused.unwrap_or_default();
    let fields = vec![
        Choice::new("login_id", t(words::BY_LOGIN)),
        Choice::new("work_code", t(words::BY_WORK)),
        Choice::new("mobile", t(words::BY_MOBILE)),
        Choice::new("email", t(words::BY_EMAIL)),
    ];
    Form::post(format!("{base}/bind"), visitor.csrf(), t(words::BIND))
        .field(Field::new("by", t(words::BY)).kind(Kind::Select(fields)), &given)
        .field(Field::new("oa_user", t(words::VALUE)), &given)
}

fn sign_ins(visitor: &Visitor, all: &[person_trace::SignIn]) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let row = |one: &person_trace::SignIn| {
        let place = match one.office {
            Some(true) => text(t(words::OFFICE)),
            Some(false) => text(t(words::OUTSIDE)),
            None => quiet("—"),
        };
        let device = if one.device.is_empty() { quiet("—") } else { text(&one.device) };
        vec![time(visitor.zone(), one.at), device, text(&one.from), place]
    };
    let table = Table {
        label: t(words::SIGN_INS).to_owned(),
        columns: [w::WHEN, words::DEVICE, w::FROM, words::PLACE].map(t).to_vec(),
        rows: all.iter().map(row).collect(),
        empty: empty(t(words::NO_SIGN_INS), "", None),
        next: None,
    };
    let (id, title) = ("sign-ins", t(words::SIGN_INS).to_owned());
    html(&Card { id, title, blocks: vec![html(&table)], flush: true, ..Card::default() })
}

pub async fn trace(
    State(bridge): State<Bridge>,
    visitor: Visitor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    let page = trace_page(&bridge, &visitor, &enterprise, &user).await;
    visitor.answer(page.map(Page::answer))
}

async fn trace_page(bridge: &Bridge, visitor: &Visitor, enterprise: &str, user: &str) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let known = enterprises::known(bridge, &visitor.actor, enterprise).await?;
    let trace = person_trace::trace(bridge, &visitor.actor, enterprise, user).await?;
    let said = |said: &person_trace::Said| if lang == Lang::Zh { said.zh.clone() } else { said.en.clone() };
    let step = |step: &person_trace::Step| {
        let state = match step.verdict {
            Judged::Ok => StepState::Done,
            Judged::Warning => StepState::Warning,
            Judged::Problem => StepState::Failed,
            Judged::Unknown => StepState::Open,
        };
        let shown = Step::new(lang, state, t(step_name(step.name)), &said(&step.text));
        match &step.advice {
            Some(advice) => shown.detail(text(&said(advice))),
            None => shown,
        }
    };
    let all: Vec<Step> = trace.steps.iter().map(step).collect();
    let card =
        Card { id: "trace", lead: t(words::TRACE_LEAD).to_owned(), blocks: vec![steps(&all)], ..Card::default() };
    let name = named(lang, &trace.name_zh, &trace.name_en);
    let name = if name.is_empty() { trace.user_id.as_str() } else { name };
    let base = format!("/enterprises/{}", known.id);
    Ok(Page::new(visitor, Section::Directory, Some(&known.id), &format!("{} · {name}", t(words::TRACE)))
        .trail(step_up(&known.id, &known.name))
        .trail(Link::new(format!("{base}/directory"), t(w::NAV_DIRECTORY)))
        .trail(Link::new(person_href(&known, trace.user_id.as_str()), name))
        .block(html(&card))
        .block(sign_ins(visitor, &trace.sign_ins)))
}

fn step_name(name: &str) -> Text {
    match name {
        "copy" => words::S_COPY,
        "departments" => words::S_DEPARTMENTS,
        "visible-range" => words::S_RANGE,
        "link" => words::S_LINK,
        "auto-bind" => words::S_AUTO,
        "oa-account" => words::S_OA,
        "sign-ins" => words::S_SIGN_INS,
        "conflict" => words::S_CONFLICT,
        _ => words::S_OTHER,
    }
}

pub async fn bind(
    State(bridge): State<Bridge>,
    Path((enterprise, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { visitor, fields } = posted;
    let error = match bound(&bridge, &visitor, &enterprise, &user, &fields).await {
        Ok(()) => return done(&person_path(&enterprise, &user), "bound"),
        Err(error) => error,
    };
    error.log();
    let given = Given::refused(fields, &error, visitor.lang());
    let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
    let page = page(&bridge, &visitor, (&enterprise, &user), Some(given)).await;
    visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
}

async fn bound(
    bridge: &Bridge,
    visitor: &Visitor,
    enterprise: &str,
    user: &str,
    fields: &Fields,
) -> Result<(), ApiError> {
    let by = match fields.get("by") {
        "work_code" => By::WorkCode,
        "mobile" => By::Mobile,
        "email" => By::Email,
        _ => By::LoginId,
    };
    let user_id = domain::ids::WeLinkUserId::parse(user).map_err(|_| input::missing())?;
    let new = NewLink { user_id, oa_user: Reference { by, value: fields.text("oa_user") } };
    links::link(bridge, &visitor.actor, enterprise, Sent::Form(new)).await.map(|_| ())
}

pub async fn unbind(
    State(bridge): State<Bridge>,
    Path((enterprise, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    match links::unlink(&bridge, &posted.visitor.actor, &enterprise, &user).await {
        Ok(()) => done(&person_path(&enterprise, &user), "unbound"),
        Err(error) => posted.visitor.problem(&error),
    }
}

pub async fn no_auto_bind(
    State(bridge): State<Bridge>,
    Path((enterprise, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    marked(&bridge, &posted, &enterprise, &user, true).await
}

pub async fn allow_auto_bind(
    State(bridge): State<Bridge>,
    Path((enterprise, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    marked(&bridge, &posted, &enterprise, &user, false).await
}

async fn marked(bridge: &Bridge, posted: &Posted, enterprise: &str, user: &str, mark: bool) -> Response {
    match service::mark(bridge, &posted.visitor.actor, enterprise, user, mark).await {
        Ok(()) => done(&person_path(enterprise, user), "saved"),
        Err(error) => posted.visitor.problem(&error),
    }
}
