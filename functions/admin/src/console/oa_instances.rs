//! OA instances: how the bridge reaches an OA, and what the OA must be told.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::model::{BindingMode, OaInstance, TicketDelivery};
use domain::role::Permission;
use domain::text::Lang;
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Table, Tone, button_link, columns, copy, empty, facts, html, link, notice, quiet, tag, text, time,
};
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::overview::Answered;
use super::page::{Page, Section};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::error::ApiError;
use crate::input::Sent;
use crate::oa_instances::{self as service, NewInstance, NewOidc};
use crate::oa_secrets::{self, NewSecrets};

/// Texts of these pages.
pub mod words {
    domain::texts! {
        NEW = "连接 OA" / "Connect an OA";
        LEAD = "OA 实例是云桥所对接的一套 OA 系统。" / "An OA instance is one OA system that the bridge works with.";
        EMPTY = "还没有 OA 实例" / "No OA instance yet";
        EMPTY_TEXT = "先连接 OA，才能新建 WeLink 企业。" / "Connect an OA first; WeLink enterprises come next.";
        BASE = "OA 接口地址" / "Address of the OA's API";
        BASE_HINT = "例如 https://oa.example.com，云桥从这里读取应用列表"
            / "For example https://oa.example.com; the bridge reads the list of applications there";
        SCIM = "SCIM 地址" / "SCIM address";
        SCIM_HINT = "例如 https://oa.example.com/scim/v2，云桥从这里查找 OA 用户"
            / "For example https://oa.example.com/scim/v2; the bridge finds OA users there";
        BEARER = "SCIM 访问令牌" / "SCIM access token";
        LANDING = "登录落地地址" / "Sign-in landing address";
        LANDING_HINT = "接收登录票据的 OA 页面" / "The OA's page that takes the sign-in ticket";
        START = "登录起始地址（建议填写）" / "Sign-in start address (recommended)";
        START_HINT = "OA 在此设置随机数，票据由此绑定到浏览器；不填则票据不绑定浏览器"
            / "The OA sets a nonce here, which binds the ticket to the browser; without it the ticket is not bound to \
                a browser";
        REVOKE = "会话注销地址（可选）" / "Session revocation address (optional)";
        VERIFY = "密码校验地址（可选）" / "Password check address (optional)";
        VERIFY_HINT = "绑定方式为密码时必填" / "Needed when members bind themselves by password";
        PREFIXES = "允许打开的 OA 路径" / "OA paths that may be opened";
        PREFIXES_HINT = "每行一个前缀，例如 /" / "One prefix a line, for example /";
        BINDING = "未关联的员工如何自己绑定" / "How members who are not linked bind themselves";
        BINDING_OFF = "不允许，由管理员绑定" / "Not at all; administrators bind them";
        BINDING_REDIRECT = "跳转到 OA 自己的登录页确认（OIDC）" / "At the OA's own sign-in page (OIDC)";
        BINDING_BOTH = "两种方式都可以" / "Either of the two";
        OIDC_ISSUER = "OIDC 签发者（跳转方式必填）" / "OIDC issuer (for the sign-in page)";
        ISSUER_HINT = "与提供方元数据中的写法完全一致" / "Exactly as the provider's metadata spells it";
        OIDC_CLIENT = "OIDC client_id" / "OIDC client_id";
        OIDC_SECRET_HINT = "更换提供方时必须重新填写；不改则留空" / "Enter it again when the provider changes; empty leaves it as it is";
        OIDC_SECRET = "OIDC client_secret" / "OIDC client_secret";
        BINDING_PASSWORD = "输入一次 OA 账号和密码" / "By OA account and password, once";
        DELIVERY = "票据送达方式" / "How the ticket is delivered";
        DELIVERY_FORM = "表单提交（推荐）" / "By a form (recommended)";
        DELIVERY_QUERY = "地址参数（仅当 OA 不支持表单）" / "In the address (only if the OA cannot take a form)";
        BOUND_BROWSER = "票据绑定浏览器" / "Ticket bound to the browser";
        NOT_BOUND_BROWSER = "票据未绑定浏览器" / "Ticket not bound to the browser";
        CREATE = "连接这套 OA" / "Connect this OA";
        SAVE = "保存 OA 设置" / "Save the OA's settings";
        DELETE = "删除这个 OA 实例" / "Delete this OA instance";
        SECRETS = "密钥" / "Secrets";
        SECRETS_LEAD = "只写不读。新的访问令牌和验签密钥先在 OA 上测试，通过后才生效。"
            / "Write-only. A new token or secret is tried on the OA first and counts only then.";
        SET_SECRETS = "更换密钥" / "Replace secrets";
        KEEP = "留空则不变" / "Leave empty to keep it";
        ONCE = "请立即把以下内容填入 OA，它们不会再次显示" / "Enter these at the OA now: they are not shown again";
        INSTANCE_ID = "实例编号（票据的 aud）" / "Instance id (aud of the tickets)";
        ISSUER = "云桥地址（票据的 iss）" / "Address of the bridge (iss of the tickets)";
        PUSH_SECRET = "OA 签名用密钥" / "Secret that the OA signs with";
        PULL_SECRET = "OA 验签用密钥" / "Secret that the OA verifies with";
        APPS = "OA 的应用" / "Applications of the OA";
        APPS_LEAD = "刚刚从 OA 读取，可作为 WeLink 应用的主页。"
            / "Read from the OA just now; each can be the homepage of a WeLink app.";
        NO_APPS = "OA 没有返回应用" / "The OA lists no applications";
        NO_APPS_TEXT = "仍可使用自定义链接作为主页。" / "A custom link can still be a homepage.";
        CONNECTED = "已连接" / "Connected";
        FAILED = "连接失败" / "The connection fails";
        PATH_PHONE = "手机端路径" / "Path on the phone";
        PATH_PC = "电脑端路径" / "Path on the PC";
    }
}

pub async fn list(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let config = visitor.actor.config(&bridge, &visitor.session.tenant).await;
    visitor.answer(config.map(|config| {
        let lang = visitor.lang();
        let t = |text: domain::text::Text| text.get(lang);
        let row = |oa: &OaInstance| {
            vec![
                link(&format!("/oa-instances/{}", oa.id), &oa.name),
                text(&oa.base),
                bound(lang, oa),
                time(visitor.zone(), oa.created.at),
            ]
        };
        let action = visitor.may(Permission::Own).then(|| button_link("/new-oa-instance", t(words::NEW), "primary"));
        let table = Table {
            label: t(w::NAV_OA).to_owned(),
            columns: [w::NAME, words::BASE, w::STATE, w::CREATED].map(t).to_vec(),
            rows: config.oa_instances.iter().map(row).collect(),
            empty: empty(t(words::EMPTY), t(words::EMPTY_TEXT), action.clone()),
            next: None,
        };
        let card = Card { lead: t(words::LEAD).to_owned(), blocks: vec![html(&table)], flush: true, ..Card::default() };
        let page = Page::new(&visitor, Section::Oa, None, t(w::NAV_OA)).block(html(&card));
        match action {
            Some(action) => page.action(action).answer(),
            None => page.answer(),
        }
    }))
}

fn bound(lang: Lang, oa: &OaInstance) -> Html {
    if oa.start_url.is_some() {
        tag(Tone::Ok, words::BOUND_BROWSER.get(lang))
    } else {
        tag(Tone::Warn, words::NOT_BOUND_BROWSER.get(lang))
    }
}

pub async fn new(visitor: Visitor) -> Response {
    let fields = Fields::default().with("prefixes", "/").with("binding_mode", "password").with("delivery", "form-post");
    new_page(&visitor, &Given::fresh(fields)).answer()
}

fn new_page(visitor: &Visitor, given: &Given) -> Page {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let form = Form::post("/oa-instances", visitor.csrf(), t(words::CREATE));
    let secret = |name: &'static str, label| Field::new(name, t(label)).kind(Kind::Secret);
    let form = fields_of(lang, form, given)
        .field(secret("scim_bearer", words::BEARER), given)
        .cancel(Link::new("/oa-instances", t(w::CANCEL)));
    refused_or_not(visitor, given, &form, Page::new(visitor, Section::Oa, None, t(words::NEW)))
        .trail(Link::new("/oa-instances", t(w::NAV_OA)))
        .block(html(&Card { blocks: vec![form.html()], ..Card::default() }))
}

fn line(lang: Lang, name: &'static str, label: domain::text::Text, hint: Option<domain::text::Text>) -> Field {
    Field::new(name, label.get(lang)).hint(hint.map_or("", |hint| hint.get(lang)))
}

/// The settings that a new instance and a changed one have in common.
fn fields_of(lang: Lang, form: Form, given: &Given) -> Form {
    let t = |text: domain::text::Text| text.get(lang);
    let modes = vec![
        Choice::new("password", t(words::BINDING_PASSWORD)),
        Choice::new("redirect", t(words::BINDING_REDIRECT)),
        Choice::new("both", t(words::BINDING_BOTH)),
        Choice::new("off", t(words::BINDING_OFF)),
    ];
    let deliveries =
        vec![Choice::new("form-post", t(words::DELIVERY_FORM)), Choice::new("query", t(words::DELIVERY_QUERY))];
    form.field(line(lang, "name", w::NAME, None).focus(), given)
        .field(line(lang, "base", words::BASE, Some(words::BASE_HINT)), given)
        .field(line(lang, "scim_base", words::SCIM, Some(words::SCIM_HINT)), given)
        .field(line(lang, "sso_landing", words::LANDING, Some(words::LANDING_HINT)), given)
        .field(line(lang, "start_url", words::START, Some(words::START_HINT)), given)
        .field(line(lang, "revoke_url", words::REVOKE, None), given)
        .field(line(lang, "binding_mode", words::BINDING, None).kind(Kind::Radio(modes)), given)
        .field(line(lang, "verify_url", words::VERIFY, Some(words::VERIFY_HINT)), given)
        .field(line(lang, "issuer", words::OIDC_ISSUER, Some(words::ISSUER_HINT)), given)
        .field(line(lang, "oidc_client_id", words::OIDC_CLIENT, None), given)
        .field(line(lang, "oidc_secret", words::OIDC_SECRET, Some(words::OIDC_SECRET_HINT)).kind(Kind::Secret), given)
        .field(line(lang, "prefixes", words::PREFIXES, Some(words::PREFIXES_HINT)).kind(Kind::Area), given)
        .field(line(lang, "delivery", words::DELIVERY, None).kind(Kind::Radio(deliveries)), given)
}

pub async fn edit(State(bridge): State<Bridge>, visitor: Visitor, Path(instance): Path<String>) -> Response {
    let page = service::find(&bridge, &visitor.actor, &instance).await.map(|oa| {
        let given = Given::fresh(current(&oa));
        edit_page(&visitor, &oa, &given).answer()
    });
    visitor.answer(page)
}

fn current(oa: &OaInstance) -> Fields {
    let mode = match oa.binding_mode {
        BindingMode::Password => "password",
        BindingMode::Redirect => "redirect",
        BindingMode::Both => "both",
        BindingMode::Off => "off",
    };
    let prefixes: Vec<String> = oa.allowed_dest_prefixes.iter().map(ToString::to_string).collect();
    Fields::default()
        .with("name", &oa.name)
        .with("base", &oa.base)
        .with("scim_base", &oa.scim_base)
        .with("sso_landing", &oa.sso_landing)
        .with("start_url", oa.start_url.clone().unwrap_or_default())
        .with("revoke_url", oa.revoke_url.clone().unwrap_or_default())
        .with("verify_url", oa.verify_url.clone().unwrap_or_default())
        .with("binding_mode", mode)
        .with("issuer", oa.oidc.as_ref().map_or("", |oidc| &oidc.issuer))
        .with("oidc_client_id", oa.oidc.as_ref().map_or("", |oidc| oidc.client_id.as_str()))
        .with("prefixes", prefixes.join("\n"))
        .with("delivery", if oa.ticket_delivery == TicketDelivery::Query { "query" } else { "form-post" })
}

fn edit_page(visitor: &Visitor, oa: &OaInstance, given: &Given) -> Page {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let here = format!("/oa-instances/{}", oa.id);
    let form = Form::post(&here, visitor.csrf(), t(words::SAVE)).hidden("version", oa.version.to_string());
    let form = fields_of(lang, form, given).cancel(Link::new(&here, t(w::CANCEL)));
    let delete = super::danger::card(visitor, t(words::DELETE), format!("{here}/delete"), &Given::default());
    refused_or_not(visitor, given, &form, Page::new(visitor, Section::Oa, None, &oa.name))
        .trail(Link::new("/oa-instances", t(w::NAV_OA)))
        .trail(Link::new(here, &oa.name))
        .block(html(&Card { blocks: vec![form.html()], ..Card::default() }))
        .block(secrets_card(visitor, oa))
        .block(delete)
}

fn secrets_card(visitor: &Visitor, oa: &OaInstance) -> Html {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let set = |stamp: &Option<domain::model::Stamp>| {
        stamp.as_ref().map_or_else(|| quiet(t(w::NONE)), |stamp| time(visitor.zone(), stamp.at).and(&quiet(&stamp.by)))
    };
    let known = facts(&[
        (t(words::BEARER), set(&oa.secrets.scim_bearer)),
        (t(words::PUSH_SECRET), set(&oa.secrets.push)),
        (t(words::PULL_SECRET), set(&oa.secrets.pull)),
        (t(words::OIDC_SECRET), set(&oa.secrets.oidc)),
    ]);
    let form = Form {
        guard: false,
        ..Form::post(format!("/oa-instances/{}/secrets", oa.id), visitor.csrf(), t(words::SET_SECRETS))
    }
    .hidden("version", oa.version.to_string())
    .field(Field::new("scim_bearer", t(words::BEARER)).kind(Kind::Secret).hint(t(words::KEEP)), &Given::default())
    .field(Field::new("push_secret", t(words::PUSH_SECRET)).kind(Kind::Secret).hint(t(words::KEEP)), &Given::default())
    .field(Field::new("pull_secret", t(words::PULL_SECRET)).kind(Kind::Secret).hint(t(words::KEEP)), &Given::default());
    let body = super::blocks::folded(t(words::SET_SECRETS), &form.html());
    html(&Card {
        id: "secrets",
        title: t(words::SECRETS).to_owned(),
        lead: t(words::SECRETS_LEAD).to_owned(),
        blocks: vec![known, body],
        ..Card::default()
    })
}

pub async fn save(State(bridge): State<Bridge>, Path(instance): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let oidc = match service::find(&bridge, &visitor.actor, &instance).await {
        Ok(oa) => other_oidc(&oa, &fields),
        Err(error) => return visitor.problem(&error),
    };
    let change = service::Change {
        oidc,
        version: fields.number("version"),
        name: Some(fields.text("name")),
        base: Some(fields.text("base").trim().to_owned()),
        scim_base: Some(fields.text("scim_base").trim().to_owned()),
        sso_landing: Some(fields.text("sso_landing").trim().to_owned()),
        start_url: Some(fields.optional("start_url")),
        revoke_url: Some(fields.optional("revoke_url")),
        verify_url: Some(fields.optional("verify_url")),
        binding_mode: Some(mode_of(fields.get("binding_mode"))),
        ticket_delivery: Some(delivery(fields.get("delivery"))),
        allowed_dest_prefixes: Some(fields.lines("prefixes")),
    };
    let Err(error) = service::apply(&bridge, &visitor.actor, &instance, Sent::Form(change)).await else {
        return done(&format!("/oa-instances/{instance}"), "saved");
    };
    error.log();
    let page = service::find(&bridge, &visitor.actor, &instance).await.map(|oa| {
        let given = named(Given::refused(fields, &error, visitor.lang()));
        let told = given.errors.is_empty().then(|| super::page::refusal_block(&error, visitor.lang()));
        edit_page(&visitor, &oa, &given).told(told).answer_with(status_of(&error))
    });
    visitor.answer(page)
}

/// What the form says of the provider, if it is not what is saved.
#[expect(clippy::option_option, reason = "no change, no provider and a provider are three things")]
fn other_oidc(oa: &OaInstance, fields: &Fields) -> Option<Option<NewOidc>> {
    let given = oidc_of(fields);
    let same = match (&given, &oa.oidc) {
        (None, None) => true,
        (Some(new), Some(kept)) => {
            new.client_secret.is_empty() && new.issuer == kept.issuer && new.client_id == kept.client_id.as_str()
        }
        _ => false,
    };
    (!same).then_some(given)
}

pub async fn set_secrets(State(bridge): State<Bridge>, Path(instance): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewSecrets {
        version: fields.number("version"),
        scim_bearer: fields.optional("scim_bearer"),
        push_secret: fields.optional("push_secret"),
        pull_secret: fields.optional("pull_secret"),
        ..NewSecrets::default()
    };
    match oa_secrets::replace(&bridge, &visitor.actor, &instance, Sent::Form(new)).await {
        Ok(_) => done(&format!("/oa-instances/{instance}"), "tested"),
        Err(error) => visitor.problem(&error),
    }
}

pub async fn delete(State(bridge): State<Bridge>, Path(instance): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let outcome = service::remove(&bridge, &visitor.actor, &instance, &super::danger::confirmation(&fields)).await;
    let action = format!("/oa-instances/{instance}/delete");
    super::danger::answer(&visitor, words::DELETE.get(visitor.lang()), (action, "/oa-instances"), outcome)
}

/// Adds the sentence that something needs a correction, with what has no field of its own.
pub fn refused_or_not(visitor: &Visitor, given: &Given, form: &Form, page: Page) -> Page {
    if given.errors.is_empty() {
        return page;
    }
    let lines = form.elsewhere(given);
    page.block(html(&super::blocks::Notice {
        tone: Tone::Bad,
        title: w::CHECK_FIELDS.get(visitor.lang()).to_owned(),
        lines,
        urgent: true,
        ..super::blocks::Notice::default()
    }))
}

pub async fn create(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewInstance {
        name: fields.text("name"),
        base: fields.text("base").trim().to_owned(),
        scim_base: fields.text("scim_base").trim().to_owned(),
        scim_bearer: fields.text("scim_bearer").trim().to_owned(),
        sso_landing: fields.text("sso_landing").trim().to_owned(),
        start_url: fields.optional("start_url"),
        revoke_url: fields.optional("revoke_url"),
        verify_url: fields.optional("verify_url"),
        binding_mode: mode_of(fields.get("binding_mode")),
        ticket_delivery: delivery(fields.get("delivery")),
        allowed_dest_prefixes: fields.lines("prefixes"),
        push_secret: None,
        pull_secret: None,
        oidc: oidc_of(&fields),
    };
    let tenant = visitor.session.tenant.to_string();
    match service::make(&bridge, &visitor.actor, &tenant, Sent::Form(new)).await {
        Ok(created) => created_page(&bridge, &visitor, &created).answer_with(StatusCode::CREATED),
        Err(error) => refused(&visitor, fields, &error),
    }
}

fn refused(visitor: &Visitor, fields: Fields, error: &ApiError) -> Response {
    error.log();
    let given = named(Given::refused(fields, error, visitor.lang()));
    let page = new_page(visitor, &given);
    let told = given.errors.is_empty().then(|| super::page::problem_block(error, visitor.lang()));
    page.told(told).answer_with(status_of(error))
}

/// The service names fields by their place in the JSON.
fn named(mut given: Given) -> Given {
    for (field, _) in &mut given.errors {
        match field.as_str() {
            "allowed_dest_prefixes" => "prefixes".clone_into(field),
            "oidc" | "oidc.issuer" => "issuer".clone_into(field),
            "oidc.client_id" => "oidc_client_id".clone_into(field),
            "oidc.client_secret" => "oidc_secret".clone_into(field),
            _ => {}
        }
    }
    given
}

fn mode_of(text: &str) -> BindingMode {
    match text {
        "password" => BindingMode::Password,
        "redirect" => BindingMode::Redirect,
        "both" => BindingMode::Both,
        _ => BindingMode::Off,
    }
}

/// The provider's registration, if any of its fields is filled in.
fn oidc_of(fields: &Fields) -> Option<NewOidc> {
    let names = ["issuer", "oidc_client_id", "oidc_secret"];
    names.iter().any(|name| !fields.get(name).trim().is_empty()).then(|| NewOidc {
        issuer: fields.text("issuer").trim().to_owned(),
        client_id: fields.text("oidc_client_id"),
        client_secret: fields.text("oidc_secret"),
    })
}

fn delivery(text: &str) -> TicketDelivery {
    if text == "query" { TicketDelivery::Query } else { TicketDelivery::FormPost }
}

/// The two webhook secrets, once: the OA's administrator needs them.
fn created_page(bridge: &Bridge, visitor: &Visitor, created: &service::Created) -> Page {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let oa = &created.instance;
    let told = facts(&[
        (t(words::INSTANCE_ID), copy(lang, oa.id.as_str())),
        (t(words::ISSUER), copy(lang, bridge.config().origin.as_str())),
        (t(words::PUSH_SECRET), copy(lang, &created.push_secret)),
        (t(words::PULL_SECRET), copy(lang, &created.pull_secret)),
    ]);
    let href = format!("/oa-instances/{}", oa.id);
    Page::new(visitor, Section::Oa, None, &oa.name)
        .trail(Link::new("/oa-instances", t(w::NAV_OA)))
        .block(notice(Tone::Warn, t(words::ONCE), ""))
        .block(html(&Card {
            id: "secrets",
            blocks: vec![told, button_link(&href, t(w::CONTINUE), "primary")],
            ..Card::default()
        }))
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(instance): Path<String>) -> Response {
    let answer = one(&bridge, &visitor, &instance).await;
    visitor.answer(answer)
}

async fn one(bridge: &Bridge, visitor: &Visitor, instance: &str) -> Answered {
    let lang = visitor.lang();
    let t = |text: domain::text::Text| text.get(lang);
    let oa = service::find(bridge, &visitor.actor, instance).await?;
    let absent = || quiet(t(w::NONE));
    let settings = facts(&[
        (t(words::INSTANCE_ID), copy(lang, oa.id.as_str())),
        (t(words::ISSUER), copy(lang, bridge.config().origin.as_str())),
        (t(words::BASE), text(&oa.base)),
        (t(words::SCIM), text(&oa.scim_base)),
        (t(words::LANDING), text(&oa.sso_landing)),
        (t(words::START), oa.start_url.as_deref().map_or_else(absent, text)),
        (t(words::REVOKE), oa.revoke_url.as_deref().map_or_else(absent, text)),
        (t(words::VERIFY), oa.verify_url.as_deref().map_or_else(absent, text)),
        (t(w::STATE), bound(lang, &oa)),
        (t(w::NAV_SCAN_LOGIN), scan_login(bridge, lang, &oa)),
        (t(w::CREATED), time(visitor.zone(), oa.created.at).and(&quiet(&oa.created.by))),
    ]);
    let settings = html(&Card { title: t(w::DETAIL).to_owned(), blocks: vec![settings], ..Card::default() });
    let apps = match service::read_apps(bridge, &visitor.actor, instance).await {
        Ok(apps) => apps_table(lang, &apps),
        Err(error) => {
            error.log();
            super::page::problem_block(&error, lang)
        }
    };
    let apps = html(&Card {
        title: t(words::APPS).to_owned(),
        lead: t(words::APPS_LEAD).to_owned(),
        blocks: vec![apps],
        flush: true,
        ..Card::default()
    });
    let mut page = Page::new(visitor, Section::Oa, None, &oa.name).trail(Link::new("/oa-instances", t(w::NAV_OA)));
    if visitor.may(Permission::Own) {
        page = page.action(button_link(&format!("/oa-instances/{}/edit", oa.id), t(w::EDIT), "primary"));
    }
    Ok(page.block(columns(&[settings, apps])).answer())
}

/// The page with a code for this OA's login page, and where it is set up.
fn scan_login(bridge: &Bridge, lang: Lang, oa: &OaInstance) -> Html {
    copy(lang, &super::scan_login::address(bridge, oa)).and(&link("/scan-login", w::EDIT.get(lang)))
}

fn apps_table(lang: Lang, apps: &[service::AppView]) -> Html {
    let t = |text: domain::text::Text| text.get(lang);
    let row = |app: &service::AppView| {
        let name = if lang == Lang::Zh || app.name_en.is_empty() { &app.name_zh } else { &app.name_en };
        vec![text(name), super::blocks::code(&app.dest_mobile), super::blocks::code(&app.dest_pc)]
    };
    html(&Table {
        label: t(words::APPS).to_owned(),
        columns: [w::NAME, words::PATH_PHONE, words::PATH_PC].map(t).to_vec(),
        rows: apps.iter().map(row).collect(),
        empty: empty(t(words::NO_APPS), t(words::NO_APPS_TEXT), None),
        next: None,
    })
}

/// Answers a form that has been saved: back to the page, which says so.
pub fn done(path: &str, what: &str) -> Response {
    let join = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{join}done={what}")).into_response()
}
