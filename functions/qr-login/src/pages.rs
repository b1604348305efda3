//! What the pages of this function share. Every text comes in Chinese and English.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use domain::problem::{self, Problem};
use domain::text::Lang;
use platform::http::{client_address, cookie, host_cookie, lang_of, problem_json};
use platform::secret::Secret;
use platform::trace::TraceId;
use signin::{BROWSER_COOKIE, Device, Onward, Refusal, SESSION_COOKIE, Visitor};

use crate::service::Site;

/// Texts of the pages that are not problems.
pub mod words {
    domain::texts! {
        SCREEN = "用 WeLink 扫码登录" / "Sign in by scanning with WeLink";
        SCREEN_HOW = "打开手机 WeLink，用【扫一扫】扫描下面的二维码。" / "Open WeLink on your phone and scan this code with its scanner.";
        ELEMENT_HOW = "用手机 WeLink 的【扫一扫】扫描 WeLink 的二维码，并在 WeLink 中确认。"
            / "Scan WeLink's code with the scanner of WeLink on your phone, and confirm in WeLink.";
        ELEMENT_MISSING = "无法加载 WeLink 的二维码。请检查网络后重新打开此页，或用账号密码登录。"
            / "WeLink's code cannot be loaded. Check the network and open this page again, or sign in with a password.";
        CODE_ALT = "登录二维码" / "Sign-in code";
        VALID_FOR = "二维码有效期还剩" / "This code is valid for another";
        SECONDS = "秒" / "seconds";
        REFRESHING = "正在换一个新的二维码…" / "Showing a new code…";
        SCANNED_BY = "已扫码：" / "Scanned by";
        CONFIRM_ON_PHONE = "请在手机上确认登录。" / "Confirm the sign-in on the phone.";
        PICK_ON_PHONE = "请在手机上选择这个数字：" / "Choose this number on the phone:";
        CANCELLED = "手机上取消了这次登录" / "The sign-in was cancelled on the phone";
        NEW_CODE = "显示新的二维码" / "Show a new code";
        IDLE = "二维码已停止自动更新" / "No new code is shown by itself any more";
        IDLE_WHY = "为了安全，长时间无人扫描的页面不再显示二维码。" / "For safety, a page that nobody scans stops showing codes.";
        NEEDS_SCRIPT = "请启用 JavaScript 后重新打开此页。" / "Switch JavaScript on and open this page again.";
        BY_PASSWORD = "用账号密码登录" / "Sign in with a password";
        IDENTIFYING = "正在确认您的身份…" / "Confirming who you are…";
        IDENTIFYING_HINT = "正在通过 WeLink 确认，之后您还需要确认登录。" / "WeLink says who you are; then you are asked to confirm.";
        TRY_AGAIN = "重试" / "Try again";
        CHOOSE = "您要用哪个企业的身份登录？" / "As a member of which company do you sign in?";
        CHOOSE_ANOTHER = "换一个企业" / "Choose another company";
        CONFIRM_TITLE = "确认在电脑上登录？" / "Sign in on this computer?";
        WARNING = "只有您现在正看着这台电脑的登录页面时，才可以确认。" / "Confirm only if you are looking at this sign-in page right now.";
        SITE = "登录到" / "Sign in to";
        TEAM = "团队" / "Team";
        ENTERPRISE = "企业" / "Company";
        DEVICE = "浏览器和系统" / "Browser and system";
        UNKNOWN_DEVICE = "未知" / "Unknown";
        ADDRESS = "网络地址" / "Network address";
        PLACE = "位置" / "Place";
        OFFICE = "公司网络" / "Office network";
        OUTSIDE = "公司网络以外" / "Outside the office network";
        AGE = "二维码显示于" / "Code shown";
        AGO = "秒前" / "seconds ago";
        AS_WHOM = "您的身份" / "You are";
        PICK_NUMBER = "请选择电脑上显示的数字：" / "Choose the number that the computer shows:";
        CONFIRM = "确认登录" / "Sign in";
        CANCEL = "取消" / "Cancel";
        NOT_ME = "不是我在登录，举报这台电脑" / "This is not me: report that computer";
        NOT_ME_AFTER = "不是我本人操作" / "This was not me";
        DONE = "已确认，电脑正在登录" / "Confirmed: the computer is being signed in";
        DONE_HINT = "可以关闭此页。如果这不是您本人的操作，请立即点下面的按钮。"
            / "You may close this page. If this was not you, tap the button below at once.";
        CANCELLED_TITLE = "已取消，没有登录" / "Cancelled: nobody was signed in";
        CANCELLED_HINT = "可以关闭此页。" / "You may close this page.";
        REPORTED = "已举报，没有登录" / "Reported: nobody was signed in";
        REPORTED_HINT = "这台电脑一小时内不能使用扫码登录。请提醒给您看二维码的人，或告诉管理员。"
            / "Scan login is blocked on that computer for an hour. Tell your administrator who showed you the code.";
        REVOKED = "已撤销这次登录" / "This sign-in has been taken back";
        REVOKED_ENDED = "OA 已退出那台电脑的登录，这台电脑一小时内不能使用扫码登录。"
            / "The OA has signed that computer out, and scan login is blocked there for an hour.";
        REVOKED_NONE = "那台电脑还没有登录 OA，也不能再用这次确认登录；一小时内不能使用扫码登录。"
            / "That computer was not signed in to the OA yet and cannot use this confirmation any more; scan login is \
                blocked there for an hour.";
        REVOKED_NOT = "OA 暂时不能退出那台电脑的登录。请马上联系管理员，并在 OA 中修改密码。"
            / "The OA could not sign that computer out. Tell your administrator at once, and change your OA password.";
        HANDING_OVER = "正在进入 OA…" / "Entering the OA…";
        CONTINUE = "继续进入 OA" / "Continue to the OA";
        TRACE = "追踪号" / "Trace id";
    }
}

/// What of a request outlives its body.
pub struct Asker {
    pub lang: Lang,
    pub from: String,
    pub headers: HeaderMap,
}

impl Asker {
    pub fn of(request: &Request<Body>) -> Self {
        Self { lang: lang_of(request), from: client_address(request), headers: request.headers().clone() }
    }

    pub fn agent(&self) -> &str {
        self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
    }

    pub fn visitor(&self) -> Visitor<'_> {
        Visitor {
            browser: cookie(&self.headers, BROWSER_COOKIE),
            from: &self.from,
            device: Device::from_user_agent(self.agent()),
            agent: self.agent(),
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    lang: Lang,
    problem: Problem,
    trace: &'a str,
    /// Where a new try begins, if there is such a place.
    again: Option<&'a str>,
}

/// The form that carries the ticket to the OA and submits itself.
#[derive(Template)]
#[template(path = "handoff.html")]
struct HandOffPage<'a> {
    lang: Lang,
    action: &'a str,
    fields: &'a [(&'static str, Secret<String>)],
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

/// The policy of a page: its own style, scripts and questions, the vendor's script where it is named, forms only to
/// `form_action`.
pub fn policy(vendor: &str, form_action: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' {vendor}; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// The policy of the one page that shows WeLink's element: WeLink's script and WeLink's frame besides our own script.
pub fn policy_with_frame(vendor: &str) -> String {
    format!("{}; frame-src {vendor}", policy(vendor, "'none'"))
}

/// One enterprise to choose.
pub struct Choice {
    pub app: String,
    pub name: String,
    pub href: String,
}

#[derive(Template)]
#[template(path = "choose.html")]
pub struct ChoosePage<'a> {
    pub lang: Lang,
    pub site: &'a Site,
    pub choices: Vec<Choice>,
}

/// Shows a refusal as a page, and logs it once. `again` is where a new try begins.
pub fn refused(refusal: &Refusal, lang: Lang, again: Option<&str>) -> Response {
    refusal.log();
    let trace = TraceId::current();
    let body = ProblemPage { lang, problem: refusal.problem, trace: trace.as_str(), again };
    let status = StatusCode::from_u16(refusal.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = page(&body, status, &policy("", "'none'"));
    if let Some(seconds) = refusal.retry_after_s {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    answer
}

/// A problem as this function's paths say it: servers get a document, browsers a page.
pub fn say(path: &str, problem: Problem, lang: Lang) -> Response {
    if path.starts_with("/v1/") { refused_json(&problem.into(), lang) } else { refused(&problem.into(), lang, None) }
}

/// Shows a refusal as a problem document, and logs it once.
pub fn refused_json(refusal: &Refusal, lang: Lang) -> Response {
    refusal.log();
    problem_json(refusal.problem, lang, &[], refusal.retry_after_s)
}

/// The browser's next step into the OA, as at the homepage's hand-off.
pub fn go_on(onward: Onward, lang: Lang) -> Response {
    match onward {
        Onward::Form { action, fields } => {
            let body = HandOffPage { lang, action: &action, fields: &fields };
            page(&body, StatusCode::OK, &policy("", &origin_of(&action)))
        }
        Onward::Redirect(url) => see_other(url.expose()),
        Onward::StartFirst { url, cookie, max_age_s } => {
            let mut answer = see_other(&url);
            set_cookie(&mut answer, &host_cookie(SESSION_COOKIE, cookie.expose(), max_age_s));
            answer
        }
        // Only people who are linked are let in by a code.
        Onward::Bind(_) | Onward::Me(_) => refused(&problem::QR_NOT_LINKED.into(), lang, None),
    }
}

pub fn see_other(url: &str) -> Response {
    if let Ok(location) = HeaderValue::from_str(url) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    }
    refused(&Refusal::because(problem::OA_REFUSED, "an address that no header can carry"), Lang::Zh, None)
}

pub fn set_cookie(answer: &mut Response, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The origin of a URL, as a source of a content security policy; `'none'` when it is not one.
pub fn origin_of(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default()),
        None => "'none'".to_owned(),
    }
}

pub async fn not_found(request: Request<Body>) -> Response {
    refused(&problem::NOT_FOUND.into(), lang_of(&request), None)
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
