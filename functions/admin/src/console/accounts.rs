//! Accounts of the console, their sessions, and API keys; and everybody's own page.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::account::{Account, ApiKey};
use domain::role::Role;
use domain::text::{Lang, Text};
use platform::http::host_cookie;
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Table, Tone, button_link, columns, copy, empty, facts, folded, html, link, notice, quiet, tag,
    text, time,
};
use super::form::{Choice, Field, Fields, Form, Given, Kind, button};
use super::oa_instances::{done, refused_or_not};
use super::page::{Page, Section, refusal_block};
use super::sign_in::with_cookie;
use super::visitor::{Posted, SESSION_COOKIE, Visitor, status_of};
use super::words as w;
use crate::accounts::{self as service, Change, NewAccount};
use crate::api_keys::{self, NewApiKey};
use crate::console_session;
use crate::error::ApiError;
use crate::input::Sent;

/// Texts of these pages.
pub mod words {
    domain::texts! {
        ACCOUNTS = "账号" / "Accounts";
        ACCOUNTS_LEAD = "谁可以登录这个管理台，可以做什么。" / "Who may sign in to this console, and what for.";
        NEW = "添加账号" / "Add an account";
        CREATE = "添加这个账号" / "Add this account";
        ROLE = "角色" / "Role";
        OWNER = "所有者" / "Owner";
        OWNER_HINT = "全部操作，包括账号和密钥" / "Everything, accounts and secrets included";
        OPERATOR = "操作员" / "Operator";
        OPERATOR_HINT = "修改设置，运行和审批" / "Changes settings, runs and approves";
        BINDER = "绑定员" / "Binder";
        BINDER_HINT = "只能绑定和解绑" / "Binds and unbinds, nothing else";
        AUDITOR = "审计员" / "Auditor";
        AUDITOR_HINT = "只能查看" / "Reads only";
        FIRST_PASSWORD = "初始密码" / "First password";
        NEW_PASSWORD = "新密码" / "New password";
        CURRENT_PASSWORD = "当前密码" / "Present password";
        ENABLED = "可以登录" / "May sign in";
        DISABLED = "已停用" / "Switched off";
        SAVE = "保存账号" / "Save the account";
        SAVE_HINT = "任何修改都会结束该账号的全部会话" / "Any change ends all sessions of the account";
        PASSWORD_OPTIONAL = "留空则不变" / "Leave empty to keep it";
        SESSIONS = "会话" / "Sessions";
        NO_SESSIONS = "没有打开的会话" / "No open sessions";
        END = "结束" / "End";
        SEEN = "最后使用" / "Last used";
        OPENED = "开始于" / "Opened";
        BROWSER = "浏览器" / "Browser";
        THIS_ONE = "本次会话" / "This session";
        DELETE_ACCOUNT = "删除账号" / "Delete the account";
        KEYS = "API 密钥" / "API keys";
        KEYS_LEAD = "程序和命令行用密钥调用接口，权限由角色决定。"
            / "Programs and the command line call the API with a key; its role says what it may do.";
        NEW_KEY = "新建密钥" / "Make a key";
        NO_KEYS = "还没有密钥" / "No keys yet";
        KEY_ONCE = "请立即保存这把密钥，它不会再次显示" / "Keep this key now: it is not shown again";
        EXPIRES_DAYS = "有效天数（留空则一直有效）" / "Valid for so many days (empty = until it is deleted)";
        BAD_DAYS = "应为 1 至 3650 的整数" / "A whole number from 1 to 3650";
        EXPIRES = "有效期至" / "Valid until";
        FOREVER = "一直有效" / "Until deleted";
        LAST_USED = "最后使用日" / "Day of last use";
        NEVER = "从未" / "Never";
        MY_ACCOUNT = "我的账号" / "My account";
        CHANGE_PASSWORD = "修改密码" / "Change the password";
    }
}

/// A role's name as people read it.
pub fn role_name(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::Owner => words::OWNER,
        Role::Operator => words::OPERATOR,
        Role::Binder => words::BINDER,
        Role::Auditor => words::AUDITOR,
    }
    .get(lang)
}

fn role_choices(lang: Lang) -> Vec<Choice> {
    let hint = |role| match role {
        Role::Owner => words::OWNER_HINT,
        Role::Operator => words::OPERATOR_HINT,
        Role::Binder => words::BINDER_HINT,
        Role::Auditor => words::AUDITOR_HINT,
    };
    Role::ALL
        .into_iter()
        .map(|role| Choice::new(role.name(), role_name(lang, role)).hint(hint(role).get(lang)))
        .collect()
}

pub async fn list(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let page = list_page(&bridge, &visitor, &Given::default(), None).await;
    visitor.answer(page.map(Page::answer))
}

/// `key_form` is that of the API keys, when it was refused.
async fn list_page(bridge: &Bridge, visitor: &Visitor, key_form: &Given, made: Option<Html>) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let tenant = visitor.session.tenant.to_string();
    let accounts = service::all(bridge, &visitor.actor, &tenant).await?;
    let keys = api_keys::all(bridge, &visitor.actor, &tenant).await?;
    let row = |account: &Account| {
        let state =
            if account.enabled { tag(Tone::Ok, t(words::ENABLED)) } else { tag(Tone::Warn, t(words::DISABLED)) };
        vec![
            link(&format!("/accounts/{}", account.id), account.login.as_str()),
            text(&account.name),
            text(role_name(lang, account.role)),
            state,
            time(visitor.zone(), account.created.at),
        ]
    };
    let table = Table {
        label: t(words::ACCOUNTS).to_owned(),
        columns: [w::LOGIN, w::NAME, words::ROLE, w::STATE, w::CREATED].map(t).to_vec(),
        rows: accounts.iter().map(row).collect(),
        ..Table::default()
    };
    let accounts = Card {
        id: "accounts",
        title: t(words::ACCOUNTS).to_owned(),
        lead: t(words::ACCOUNTS_LEAD).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    };
    Ok(Page::new(visitor, Section::Accounts, None, t(w::NAV_ACCOUNTS))
        .action(button_link("/new-account", t(words::NEW), "primary"))
        .block_if(made)
        .block(html(&accounts))
        .block(keys_card(visitor, &keys, key_form)))
}

fn keys_card(visitor: &Visitor, keys: &[ApiKey], given: &Given) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let row = |key: &ApiKey| {
        let delete = button(format!("/api-keys/{}/delete", key.id), visitor.csrf(), t(w::DELETE), "danger small");
        vec![
            text(&key.name),
            text(role_name(lang, key.role)),
            key.expires.map_or_else(|| quiet(t(words::FOREVER)), |at| time(visitor.zone(), at)),
            text(key.last_used_day.as_deref().unwrap_or(t(words::NEVER))),
            time(visitor.zone(), key.created.at).and(&quiet(&key.created.by)),
            delete.html(),
        ]
    };
    let columns = [w::NAME, words::ROLE, words::EXPIRES, words::LAST_USED, w::CREATED].map(t);
    let table = Table {
        label: t(words::KEYS).to_owned(),
        columns: columns.into_iter().chain([""]).collect(),
        rows: keys.iter().map(row).collect(),
        empty: empty(t(words::NO_KEYS), t(words::KEYS_LEAD), None),
        next: None,
    };
    let form = Form::post("/api-keys", visitor.csrf(), t(words::NEW_KEY))
        .field(Field::new("key_name", t(w::NAME)), given)
        .field(Field::new("role", t(words::ROLE)).kind(Kind::Select(role_choices(lang))), given)
        .field(Field::new("days", t(words::EXPIRES_DAYS)), given);
    let form = form.html();
    let form = if given.errors.is_empty() { folded(t(words::NEW_KEY), &form) } else { form };
    let new = html(&Card { blocks: vec![form], ..Card::default() });
    let table = Card {
        id: "keys",
        title: t(words::KEYS).to_owned(),
        lead: t(words::KEYS_LEAD).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    };
    super::blocks::stack(&[html(&table), new])
}

pub async fn new(visitor: Visitor) -> Response {
    new_page(&visitor, &Given::fresh(Fields::default().with("role", "binder"))).answer()
}

fn new_page(visitor: &Visitor, given: &Given) -> Page {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let form = Form::post("/accounts", visitor.csrf(), t(words::CREATE))
        .field(Field::new("login", t(w::LOGIN)).hint(t(super::setup::words::LOGIN_HINT)).focus(), given)
        .field(Field::new("name", t(w::NAME)), given)
        .field(Field::new("role", t(words::ROLE)).kind(Kind::Radio(role_choices(lang))), given)
        .field(
            Field::new("password", t(words::FIRST_PASSWORD))
                .hint(t(super::setup::words::PASSWORD_HINT))
                .kind(Kind::Password)
                .autocomplete("new-password"),
            given,
        )
        .cancel(Link::new("/accounts", t(w::CANCEL)));
    refused_or_not(visitor, given, &form, Page::new(visitor, Section::Accounts, None, t(words::NEW)))
        .trail(Link::new("/accounts", t(w::NAV_ACCOUNTS)))
        .block(html(&Card { blocks: vec![form.html()], ..Card::default() }))
}

fn role_of(fields: &Fields) -> Role {
    // Whatever else is sent gets the least.
    Role::parse(fields.get("role")).unwrap_or(Role::Auditor)
}

pub async fn create(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let new = NewAccount {
        login: fields.text("login"),
        name: fields.text("name"),
        role: role_of(&fields),
        password: fields.text("password"),
        welink: None,
    };
    match service::make(&bridge, &visitor.actor, visitor.session.tenant.as_str(), Sent::Form(new)).await {
        Ok(_) => done("/accounts", "created"),
        Err(error) => {
            error.log();
            let mut given = Given::refused(fields, &error, visitor.lang());
            if error.problem() == domain::problem::NAME_TAKEN {
                given.errors.push(("login".to_owned(), error.problem().title.get(visitor.lang()).to_owned()));
            }
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            new_page(&visitor, &given).told(told).answer_with(status_of(&error))
        }
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(account): Path<String>) -> Response {
    let page = one(&bridge, &visitor, &account, None).await;
    visitor.answer(page.map(Page::answer))
}

async fn one(bridge: &Bridge, visitor: &Visitor, account: &str, refused: Option<Given>) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let (_, known) = service::find(bridge, &visitor.actor, account).await?;
    let account = &known.account;
    let given = refused.unwrap_or_else(|| {
        let yes = if account.enabled { "yes" } else { "" };
        let fields = Fields::default().with("name", &account.name).with("role", account.role.name());
        Given::fresh(fields.with("enabled", yes))
    });
    let form = Form::post(format!("/accounts/{}", account.id), visitor.csrf(), t(words::SAVE))
        .username(account.login.as_str())
        .hidden("version", account.version.to_string())
        .field(Field::new("name", t(w::NAME)), &given)
        .field(Field::new("role", t(words::ROLE)).kind(Kind::Radio(role_choices(lang))), &given)
        .field(Field::new("enabled", t(words::ENABLED)).kind(Kind::Check), &given)
        .field(
            Field::new("password", t(words::NEW_PASSWORD))
                .hint(t(words::PASSWORD_OPTIONAL))
                .kind(Kind::Password)
                .autocomplete("new-password"),
            &given,
        );
    let settings = Card {
        title: t(w::EDIT).to_owned(),
        lead: t(words::SAVE_HINT).to_owned(),
        blocks: vec![form.html()],
        ..Card::default()
    };
    let sessions = sessions_card(bridge, visitor, account).await?;
    let delete = button(format!("/accounts/{}/delete", account.id), visitor.csrf(), t(words::DELETE_ACCOUNT), "danger");
    Ok(Page::new(visitor, Section::Accounts, None, account.login.as_str())
        .trail(Link::new("/accounts", t(w::NAV_ACCOUNTS)))
        .action(delete.html())
        .block(columns(&[html(&settings), sessions])))
}

async fn sessions_card(bridge: &Bridge, visitor: &Visitor, account: &Account) -> Result<Html, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let sessions = console_session::open_sessions(bridge, &visitor.actor, account.id.as_str()).await?;
    let row = |session: &console_session::Shown| {
        let own = session.id == visitor.session.id;
        let action = format!("/accounts/{}/sessions/{}/end", account.id, session.id.as_str());
        let end = if own {
            tag(Tone::Hint, t(words::THIS_ONE))
        } else {
            button(action, visitor.csrf(), t(words::END), "danger small").html()
        };
        vec![
            time(visitor.zone(), session.opened),
            time(visitor.zone(), session.last_seen),
            text(&session.from),
            quiet(&session.agent),
            end,
        ]
    };
    let columns = [words::OPENED, words::SEEN, w::FROM, words::BROWSER].map(t);
    let table = Table {
        label: t(words::SESSIONS).to_owned(),
        columns: columns.into_iter().chain([""]).collect(),
        rows: sessions.iter().map(row).collect(),
        empty: empty(t(words::NO_SESSIONS), "", None),
        next: None,
    };
    Ok(html(&Card { title: t(words::SESSIONS).to_owned(), blocks: vec![html(&table)], flush: true, ..Card::default() }))
}

pub async fn save(State(bridge): State<Bridge>, Path(account): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let change = Change {
        version: fields.number("version"),
        name: Some(fields.text("name")),
        role: Some(role_of(&fields)),
        enabled: Some(fields.checked("enabled")),
        password: Some(fields.text("password")).filter(|text| !text.is_empty()),
        welink: None,
    };
    match service::apply(&bridge, &visitor.actor, &account, Sent::Form(change)).await {
        Ok(_) => done(&format!("/accounts/{account}"), "saved"),
        Err(error) => {
            error.log();
            let given = Given::refused(fields, &error, visitor.lang());
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            let page = one(&bridge, &visitor, &account, Some(given)).await;
            visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
        }
    }
}

pub async fn delete(State(bridge): State<Bridge>, Path(account): Path<String>, posted: Posted) -> Response {
    match service::remove(&bridge, &posted.visitor.actor, &account).await {
        Ok(()) => done("/accounts", "deleted"),
        Err(error) => posted.visitor.problem(&error),
    }
}

pub async fn end_session(
    State(bridge): State<Bridge>,
    Path((account, session)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    match console_session::revoke(&bridge, &posted.visitor.actor, &account, &session).await {
        Ok(()) => done(&format!("/accounts/{account}"), "ended"),
        Err(error) => posted.visitor.problem(&error),
    }
}

/// Days that a key may be valid for.
const KEY_DAYS: std::ops::RangeInclusive<i64> = 1..=3650;

pub async fn create_key(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let lang = visitor.lang();
    match made_key(&bridge, &visitor, &fields).await {
        Ok(key) => {
            let told = super::blocks::stack(&[notice(Tone::Warn, words::KEY_ONCE.get(lang), ""), copy(lang, &key)]);
            let told = html(&Card { id: "new-key", blocks: vec![told], ..Card::default() });
            let page = list_page(&bridge, &visitor, &Given::default(), Some(told)).await;
            visitor.answer(page.map(|page| page.answer_with(StatusCode::CREATED)))
        }
        Err(error) => {
            error.log();
            let mut given = Given::refused(fields, &error, lang);
            for (field, _) in &mut given.errors {
                match field.as_str() {
                    "name" => "key_name".clone_into(field),
                    "expires" => "days".clone_into(field),
                    _ => {}
                }
            }
            let page = list_page(&bridge, &visitor, &given, None).await;
            visitor.answer(page.map(|page| page.answer_with(status_of(&error))))
        }
    }
}

async fn made_key(bridge: &Bridge, visitor: &Visitor, fields: &Fields) -> Result<String, ApiError> {
    let bad = || ApiError::field("expires", format!("{} / {}", words::BAD_DAYS.en, words::BAD_DAYS.zh));
    let days = fields.optional("days").map(|text| text.parse::<i64>().map_err(|_| bad())).transpose()?;
    if days.is_some_and(|days| !KEY_DAYS.contains(&days)) {
        return Err(bad());
    }
    let new = NewApiKey {
        name: fields.text("key_name"),
        role: role_of(fields),
        expires: days.map(|days| bridge.clock().now().plus_s(days * 86_400)),
    };
    let (_, key) = api_keys::make(bridge, &visitor.actor, visitor.session.tenant.as_str(), Sent::Form(new)).await?;
    Ok(key.expose().clone())
}

pub async fn delete_key(State(bridge): State<Bridge>, Path(key): Path<String>, posted: Posted) -> Response {
    match api_keys::remove(&bridge, &posted.visitor.actor, &key).await {
        Ok(()) => done("/accounts", "deleted"),
        Err(error) => posted.visitor.problem(&error),
    }
}

/// `/me`: what everybody may do with his own account.
pub async fn me(visitor: Visitor) -> Response {
    me_page(&visitor, &Given::default()).answer()
}

fn me_page(visitor: &Visitor, given: &Given) -> Page {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let about = facts(&[
        (t(w::LOGIN), text(&visitor.session.login)),
        (t(w::NAME), text(&visitor.session.name)),
        (t(words::ROLE), text(role_name(lang, visitor.session.role))),
        (t(words::OPENED), time(visitor.zone(), visitor.session.opened)),
    ]);
    let form = Form::post("/me/password", visitor.csrf(), t(words::CHANGE_PASSWORD))
        .username(&visitor.session.login)
        .field(
            Field::new("current_password", t(words::CURRENT_PASSWORD))
                .kind(Kind::Password)
                .autocomplete("current-password"),
            given,
        )
        .field(
            Field::new("password", t(words::NEW_PASSWORD))
                .hint(t(super::setup::words::PASSWORD_HINT))
                .kind(Kind::Password)
                .autocomplete("new-password"),
            given,
        );
    let about = html(&Card { title: t(words::MY_ACCOUNT).to_owned(), blocks: vec![about], ..Card::default() });
    let password =
        html(&Card { title: t(words::CHANGE_PASSWORD).to_owned(), blocks: vec![form.html()], ..Card::default() });
    Page::new(visitor, Section::Me, None, t(words::MY_ACCOUNT)).block(columns(&[about, password]))
}

pub async fn change_password(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let (current, new) = (fields.get("current_password"), fields.get("password"));
    let (from, agent) = (&visitor.actor.from, &visitor.session.agent);
    match console_session::change_own_password(&bridge, &visitor.session, current, new, from, agent).await {
        Ok((value, _)) => {
            with_cookie(done("/me", "saved"), &host_cookie(SESSION_COOKIE, &value, console_session::COOKIE_S))
        }
        Err(error) => {
            error.log();
            let given = Given::refused(Fields::default(), &error, visitor.lang());
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            me_page(&visitor, &given).told(told).answer_with(status_of(&error))
        }
    }
}
