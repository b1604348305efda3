//! `/setup`: the first account of an installation, made with its setup key.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::problem;
use domain::text::{Lang, Text};
use platform::http::is_cross_site;
use signin::Bridge;

use super::blocks::{Card, Tone, button_link, html, notice};
use super::form::{Field, Fields, Form, Given, Kind};
use super::oa_instances::done;
use super::page::{Page, problem_block};
use super::visitor::{lang_of, origin_of, problem_alone, status_of};
use super::words as w;
use crate::error::ApiError;
use crate::setup::{self as service, First, Stage};

/// Texts of this page.
pub mod words {
    domain::texts! {
        TITLE = "首次使用云桥" / "First use of the bridge";
        LEAD = "用设置密钥建立您的团队和第一个所有者账号。" / "Make your team and its first account, an owner, with the setup key.";
        KEY = "设置密钥" / "Setup key";
        KEY_HINT = "由 bridge setup-key 给出，60 分钟内有效，只能用一次" / "Printed by bridge setup-key; good for 60 minutes, once";
        TEAM = "团队名称" / "Name of the team";
        TEAM_HINT = "例如公司名称" / "For example your company's name";
        YOUR_NAME = "您的姓名" / "Your name";
        LOGIN = "登录名" / "Login name";
        LOGIN_HINT = "3 至 64 个字母、数字或 ._@+-，也可以用邮箱" / "3 to 64 letters, digits or ._@+-; an e-mail address will do";
        PASSWORD = "密码" / "Password";
        PASSWORD_HINT = "12 至 128 个字符，长度最重要" / "12 to 128 characters; length is what counts";
        CREATE = "建立团队和账号" / "Make the team and the account";
        NO_KEY = "还没有可用的设置密钥" / "There is no setup key yet";
        NO_KEY_TEXT = "请安装者运行 bridge setup-key，再打开它给出的地址。"
            / "Whoever installed the bridge runs bridge setup-key; then open the address that it prints.";
        CLOSED = "首次设置已经完成" / "The first set-up is done";
        CLOSED_TEXT = "请用已有的账号登录。" / "Sign in with an account.";
    }
}

pub async fn show(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let lang = lang_of(request.headers());
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    match service::stage(&bridge).await {
        Ok(stage) => page(lang, stage, &Given::fresh(Fields::default().with("key", query.text("key")))).answer(),
        Err(error) => problem_alone(&error, lang),
    }
}

fn page(lang: Lang, stage: Stage, given: &Given) -> Page {
    let t = |text: Text| text.get(lang);
    let page = Page::alone(lang, t(words::TITLE), "/setup");
    let told = |title, text, go| html(&Card { blocks: vec![notice(Tone::Hint, title, text), go], ..Card::default() });
    match stage {
        Stage::Closed => {
            let go = button_link("/sign-in", t(w::SIGN_IN_BUTTON), "primary");
            return page.block(told(t(words::CLOSED), t(words::CLOSED_TEXT), go));
        }
        Stage::NoKey => {
            let go = button_link("/sign-in", t(w::SIGN_IN_BUTTON), "");
            return page.block(told(t(words::NO_KEY), t(words::NO_KEY_TEXT), go));
        }
        Stage::Open => {}
    }
    let form = Form::post("/setup", "", t(words::CREATE))
        .field(Field::new("key", t(words::KEY)).hint(t(words::KEY_HINT)), given)
        .field(Field::new("team", t(words::TEAM)).hint(t(words::TEAM_HINT)).autocomplete("organization"), given)
        .field(Field::new("name", t(words::YOUR_NAME)).autocomplete("name"), given)
        .field(Field::new("login", t(words::LOGIN)).hint(t(words::LOGIN_HINT)).autocomplete("username"), given)
        .field(
            Field::new("password", t(words::PASSWORD))
                .hint(t(words::PASSWORD_HINT))
                .kind(Kind::Password)
                .autocomplete("new-password"),
            given,
        );
    page.block(html(&Card {
        id: "setup",
        lead: t(words::LEAD).to_owned(),
        blocks: vec![form.html()],
        ..Card::default()
    }))
}

pub async fn submit(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let lang = lang_of(&parts.headers);
    if is_cross_site(&parts.headers, bridge.config().console_origin.as_str()) {
        return problem_alone(&problem::CROSS_SITE.into(), lang);
    }
    let (from, _) = origin_of(&parts);
    let Ok(bytes) = Bytes::from_request(Request::from_parts(parts, body), &bridge).await else {
        return problem_alone(&problem::BODY_TOO_LARGE.into(), lang);
    };
    let fields = Fields::parse(&bytes);
    let first = First {
        key: fields.get("key"),
        team: fields.get("team"),
        login: fields.get("login"),
        name: fields.get("name"),
        password: fields.get("password"),
    };
    match service::begin(&bridge, &first, &from).await {
        Ok(_) => done("/sign-in", "created"),
        Err(error) => refused(lang, fields, &error),
    }
}

fn refused(lang: Lang, fields: Fields, error: &ApiError) -> Response {
    error.log();
    let mut given = Given::refused(fields, error, lang);
    if error.problem() == problem::SETUP_KEY_REFUSED {
        given.errors.push(("key".to_owned(), error.problem().title.get(lang).to_owned()));
    }
    let told = given.errors.is_empty() || error.problem() == problem::SETUP_KEY_REFUSED;
    let stage = if error.problem() == problem::SETUP_CLOSED { Stage::Closed } else { Stage::Open };
    let status: StatusCode = status_of(error);
    page(lang, stage, &given).told(told.then(|| problem_block(error, lang))).answer_with(status)
}
