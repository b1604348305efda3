//! A member's own page (product.md HOM-10).

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::problem;
use domain::text::Lang;
use domain::time::Timestamp;
use platform::http::{cookie, is_cross_site};
use signin::{Bridge, MyPage, Refusal};

use crate::open::Asker;
use crate::pages::{page, policy, refused};

/// Holds the visit to this page.
pub const ME_COOKIE: &str = "__Host-me";

/// Texts of the page.
pub mod words {
    use domain::text::Text;

    pub const TITLE: Text = Text::new("我的关联", "My link");
    pub const LINKED_TO: Text = Text::new("已关联的 OA 账号", "Linked OA account");
    pub const NOT_LINKED: Text = Text::new("尚未关联 OA 账号", "Not linked to an OA account");
    pub const SIGN_INS: Text = Text::new("最近的登录", "Last sign-ins");
    pub const NO_SIGN_INS: Text = Text::new("还没有登录记录", "No sign-ins yet");
    pub const TIME: Text = Text::new("时间（UTC）", "Time (UTC)");
    pub const FROM: Text = Text::new("来源地址", "From address");
    pub const ASK: Text = Text::new("申请解除关联", "Ask to be unlinked");
    pub const ASKED: Text =
        Text::new("已申请解除关联，管理员会处理。", "You have asked to be unlinked; an administrator will see to it.");

    /// Every text, for a test over the catalogue.
    #[cfg(test)]
    pub const ALL: [Text; 9] = [TITLE, LINKED_TO, NOT_LINKED, SIGN_INS, NO_SIGN_INS, TIME, FROM, ASK, ASKED];
}

#[derive(Template)]
#[template(path = "me.html")]
struct Page<'a> {
    lang: Lang,
    me: &'a MyPage,
    /// Time and address of each sign-in.
    sign_ins: Vec<(String, &'a str)>,
}

pub async fn show(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match bridge.my_page(cookie(&asker.headers, ME_COOKIE)).await {
        Ok(me) => {
            let sign_ins = me.sign_ins.iter().map(|note| (shown(note.at), note.from.as_str())).collect();
            page(&Page { lang: asker.lang, me: &me, sign_ins }, StatusCode::OK, &policy("", "'self'"))
        }
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

pub async fn ask_unlink(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    let asked = if is_cross_site(&asker.headers, bridge.config().origin.as_str()) {
        Err(Refusal::from(problem::CROSS_SITE))
    } else {
        bridge.ask_unlink(cookie(&asker.headers, ME_COOKIE), asker.visitor()).await
    };
    match asked {
        Ok(()) => {
            (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/me?lang={}", asker.lang.tag()))]).into_response()
        }
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

fn shown(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn every_text_is_there_in_both_languages() {
        for text in words::ALL {
            assert!(text.zh.chars().any(|c| c >= '\u{4e00}'), "{}", text.en);
            assert!(text.en.chars().any(|c| c.is_ascii_alphabetic()), "{}", text.zh);
        }
    }
}
