//! The pages of the employees' host. Every text comes in Chinese and English.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::ids::AppId;
use domain::problem::{self, Problem};
use domain::text::{Lang, Text};
use platform::http::{lang_of, problem_json};
use platform::secret::Secret;
use platform::trace::TraceId;
use signin::Refusal;

/// Texts of the pages that are not problems.
pub mod words {
    use super::Text;

    pub const OPENING: Text = Text::new("正在打开 OA…", "Opening the OA…");
    pub const OPENING_HINT: Text = Text::new("正在通过 WeLink 确认您的身份", "WeLink is confirming who you are");
    pub const HANDING_OVER: Text = Text::new("正在进入 OA…", "Entering the OA…");
    pub const CONTINUE: Text = Text::new("继续进入 OA", "Continue to the OA");
    pub const TRY_AGAIN: Text = Text::new("重试", "Try again");
    pub const TRACE: Text = Text::new("追踪号", "Trace id");
    pub const REFUSED: Text = Text::new(
        "已经在 WeLink 中？那么您的账号可能不在该应用的可见范围内，或已停用，请联系管理员。",
        "In WeLink already? Then you may be outside the app's visible range, or your account is closed: \
         ask your administrator.",
    );
    pub const BY_BROWSER: Text = Text::new("用 WeLink 账号登录", "Sign in with WeLink");
    pub const TESTED: Text = Text::new("浏览器登录可以使用", "The browser sign-in works");
    pub const TESTED_HINT: Text = Text::new(
        "测试已通过，现在可以为该应用开启浏览器登录。可以关闭此页。",
        "The test has passed; it can now be switched on for this app. You may close this page.",
    );
    pub const NEEDS_SCRIPT: Text =
        Text::new("请启用 JavaScript 后重新打开此页。", "Switch JavaScript on and open this page again.");

    /// Every text, for a test over the catalogue.
    #[cfg(test)]
    pub const ALL: [Text; 11] = [
        REFUSED,
        BY_BROWSER,
        TESTED,
        TESTED_HINT,
        OPENING,
        OPENING_HINT,
        HANDING_OVER,
        CONTINUE,
        TRY_AGAIN,
        TRACE,
        NEEDS_SCRIPT,
    ];
}

/// The page that asks WeLink for the one-time code. It holds no session, and alone loads the vendor's script.
#[derive(Template)]
#[template(path = "open.html")]
pub struct OpenPage<'a> {
    pub lang: Lang,
    pub app_name: &'a str,
    pub app: &'a AppId,
    pub client_id: &'a str,
    pub state: &'a str,
    pub script: &'a str,
    /// Whether the way through WeLink's sign-in page is offered outside WeLink.
    pub by_browser: bool,
    /// The page of the deep link, if there is one.
    pub to: &'a str,
    pub deep: bool,
}

/// The form that carries the ticket to the OA and submits itself.
#[derive(Template)]
#[template(path = "handoff.html")]
pub struct HandOffPage<'a> {
    pub lang: Lang,
    pub action: &'a str,
    pub fields: &'a [(&'static str, Secret<String>)],
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    lang: Lang,
    problem: Problem,
    trace: &'a str,
    /// Whether the address may be fetched again.
    retry: bool,
}

#[derive(Template)]
#[template(path = "tested.html")]
struct TestedPage {
    lang: Lang,
}

#[derive(Template)]
#[template(path = "moved.html")]
struct MovedPage<'a> {
    lang: Lang,
    url: &'a str,
}

/// Goes on to `url` by a page instead of a redirect: browsers hold a chain of redirects against the form policy of the
/// page that began it, and WeLink's sign-in page cannot know our OAs.
pub fn moved(url: &str, lang: Lang) -> Response {
    page(&MovedPage { lang, url }, StatusCode::OK, &policy("", "'none'"))
}

/// Tells an administrator that the browser sign-in works.
pub fn tested(lang: Lang) -> Response {
    page(&TestedPage { lang }, StatusCode::OK, &policy("", "'none'"))
}

/// Renders a page with its own content security policy.
pub fn page(template: &impl Template, status: StatusCode, policy: &str) -> Response {
    match template.render() {
        Ok(html) => {
            let mut answer = (status, Html(html)).into_response();
            if let Ok(value) = HeaderValue::from_str(policy) {
                answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
            }
            answer
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The policy of a page without scripts of others: its own style and scripts, forms only to `form_action`.
pub fn policy(extra_script: &str, form_action: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' {extra_script}; style-src 'self'; img-src 'self' data:; \
         form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// Shows a refusal as a page, and logs it once.
pub fn refused(refusal: &Refusal, lang: Lang) -> Response {
    refused_at(refusal, lang, true)
}

/// The same where fetching the address again cannot help: it holds a state or a nonce that is spent.
pub fn refused_for_good(refusal: &Refusal, lang: Lang) -> Response {
    refused_at(refusal, lang, false)
}

fn refused_at(refusal: &Refusal, lang: Lang, retry: bool) -> Response {
    refusal.log();
    let trace = TraceId::current();
    let body = ProblemPage { lang, problem: refusal.problem, trace: trace.as_str(), retry };
    let status = StatusCode::from_u16(refusal.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = page(&body, status, &policy("", "'none'"));
    if let Some(seconds) = refusal.retry_after_s {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    answer
}

/// Shows a refusal as a problem document, and logs it once.
pub fn refused_json(refusal: &Refusal, lang: Lang) -> Response {
    refusal.log();
    problem_json(refusal.problem, lang, &[], refusal.retry_after_s)
}

/// A problem as this function's paths say it: servers get a document, browsers a page.
pub fn say(path: &str, problem: Problem, lang: Lang) -> Response {
    if path.starts_with("/v1/") { refused_json(&problem.into(), lang) } else { refused(&problem.into(), lang) }
}

pub async fn not_found(request: Request<Body>) -> Response {
    refused(&problem::NOT_FOUND.into(), lang_of(&request))
}

pub async fn method_not_allowed(request: Request<Body>) -> Response {
    refused_json(&problem::METHOD_NOT_ALLOWED.into(), lang_of(&request))
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
