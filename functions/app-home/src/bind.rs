//! The binding page: whoever is not linked yet enters his OA account once, or signs in once at the OA's own page
//! (product.md M28, HOM-04).

use askama::Template;
use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::problem;
use domain::text::Lang;
use platform::http::{cookie, is_cross_site};
use platform::secret::Secret;
use platform::trace::TraceId;
use serde::Deserialize;
use signin::{Attempted, BindPage, Bridge, Denied, OaAnswer, Refusal, SentToOa};

use crate::open::{Asker, by_page, go_on};
use crate::pages::{moved, page, policy, refused, refused_for_good};

/// Holds the visit to this page.
pub const BIND_COOKIE: &str = "__Host-bind";
/// Bytes of the form at most. A password that fills it is sent nowhere: the OA takes 1,000 bytes.
const FORM_BYTES_MAX: usize = 32 * 1024;

/// Texts of the binding page.
pub mod words {
    use domain::text::Text;

    pub const TITLE: Text = Text::new("关联您的 OA 账号", "Link your OA account");
    pub const WHY: Text = Text::new(
        "只需一次：请输入您的 OA 账号和密码，以后从 WeLink 打开即可直接进入。",
        "Just once: enter your OA account and password. From then on WeLink opens the OA directly.",
    );
    pub const WHY_AT_OA: Text = Text::new(
        "只需一次：请到 OA 的登录页确认您的账号，以后从 WeLink 打开即可直接进入。",
        "Just once: confirm your account at the OA's sign-in page. From then on WeLink opens the OA directly.",
    );
    pub const AT_OA: Text = Text::new("到 OA 登录确认", "Confirm at the OA's sign-in page");
    pub const PROMISE_AT_OA: Text = Text::new(
        "密码只在 OA 的页面输入，云桥看不到。",
        "You enter your password on the OA's page only; the bridge does not see it.",
    );
    pub const LOGIN: Text = Text::new("OA 账号", "OA account");
    pub const PASSWORD: Text = Text::new("OA 密码", "OA password");
    pub const BIND: Text = Text::new("关联并进入 OA", "Link and enter the OA");
    pub const PROMISE: Text = Text::new(
        "密码只用于这一次验证，云桥不会保存。",
        "The password is used for this one check; the bridge does not keep it.",
    );
    pub const WRONG: Text =
        Text::new("账号或密码不正确，请重新输入。", "The account or the password is wrong. Try again.");
    pub const LOCKED: Text = Text::new(
        "错误次数过多，请 15 分钟后再试，或联系管理员。",
        "Too many wrong tries. Try again in 15 minutes, or ask your administrator.",
    );
    pub const DISABLED: Text =
        Text::new("这个 OA 账号已停用，请联系管理员。", "This OA account is switched off. Ask your administrator.");
    pub const SECOND_FACTOR: Text = Text::new(
        "这个 OA 账号需要二次验证，请联系管理员为您关联。",
        "This OA account needs a second factor. Ask your administrator to link it for you.",
    );
    pub const SECOND_FACTOR_AT_OA: Text = Text::new(
        "这个 OA 账号需要二次验证，请用下面的按钮到 OA 登录确认。",
        "This OA account needs a second factor. Use the button below and confirm at the OA's sign-in page.",
    );
    pub const STALE: Text = Text::new(
        "这次确认已失效，没有关联任何账号。请重新点击下面的按钮。",
        "This confirmation is no longer valid and nothing was linked. Use the button below again.",
    );
    pub const NOT_CONFIRMED: Text = Text::new(
        "您没有在 OA 完成登录，没有关联任何账号。需要时请重新点击下面的按钮。",
        "You did not sign in at the OA, so nothing was linked. Use the button below when you are ready.",
    );
    pub const NOT_PROVED: Text = Text::new(
        "OA 的登录结果无法确认，没有关联任何账号。请再试一次；如果仍然不行，请把追踪号告诉管理员。",
        "The OA's answer could not be confirmed, so nothing was linked. Try again; if that does not help, tell your \
         administrator the trace id.",
    );
    pub const UNKNOWN: Text = Text::new(
        "OA 的通讯录中没有您登录的这个账号，请联系管理员。",
        "The OA's directory does not have the account that you signed in with. Ask your administrator.",
    );
    pub const OA_SETTINGS: Text = Text::new(
        "OA 的登录页与云桥的配置不一致，请把追踪号告诉管理员。",
        "The OA's sign-in page and the bridge do not agree on their settings. Tell your administrator the trace id.",
    );
    pub const TAKEN: Text = Text::new(
        "这个 OA 账号已关联到另一个 WeLink 账号，请联系管理员。",
        "This OA account is linked to another WeLink account. Ask your administrator.",
    );
    pub const OA_DOWN: Text = Text::new(
        "OA 暂时没有回应，请稍等一分钟后再试。您的输入没有计为错误。",
        "The OA is not answering. Try again in a minute; this did not count as a wrong try.",
    );

    /// Every text, for a test over the catalogue.
    #[cfg(test)]
    pub const ALL: [Text; 21] = [
        TITLE,
        WHY,
        WHY_AT_OA,
        AT_OA,
        PROMISE_AT_OA,
        LOGIN,
        PASSWORD,
        BIND,
        PROMISE,
        WRONG,
        LOCKED,
        DISABLED,
        SECOND_FACTOR,
        SECOND_FACTOR_AT_OA,
        STALE,
        NOT_CONFIRMED,
        NOT_PROVED,
        UNKNOWN,
        OA_SETTINGS,
        TAKEN,
        OA_DOWN,
    ];
}

#[derive(Template)]
#[template(path = "bind.html")]
struct Page<'a> {
    lang: Lang,
    oa_name: &'a str,
    by_password: bool,
    at_oa: bool,
    login: &'a str,
    denied: Option<Denied>,
    denied_text: &'static str,
    trace: &'a str,
}

/// What the OA's sign-in page sends back (OpenID Connect Core 3.1.2.5 and 3.1.2.6, RFC 9207).
#[derive(Default, Deserialize)]
pub struct FromOa {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    password: String,
}

pub async fn show(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match bridge.bind_page(cookie(&asker.headers, BIND_COOKIE)).await {
        Ok(place) => render(&place, asker.lang, "", None),
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

pub async fn submit(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match attempt(&bridge, &asker, request).await {
        Ok((Attempted::On(visit), _)) => match bridge.send_on(*visit).await {
            Ok(onward) => go_on(onward, asker.lang),
            Err(refusal) => refused(&refusal, asker.lang),
        },
        Ok((Attempted::Again(place, denied), login)) => render(&place, asker.lang, &login, Some(denied)),
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

/// `POST /bind/oa`: to the OA's own sign-in page, by a page: this one's form policy does not know where that is.
pub async fn to_oa(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    if is_cross_site(&asker.headers, bridge.config().origin.as_str()) {
        return refused(&problem::CROSS_SITE.into(), asker.lang);
    }
    match bridge.begin_oa_sign_in(cookie(&asker.headers, BIND_COOKIE), asker.visitor()).await {
        Ok(SentToOa::Away(url)) => moved(&url, asker.lang),
        Ok(SentToOa::On(visit)) => match bridge.send_on(*visit).await {
            Ok(onward) => go_on(onward, asker.lang),
            Err(refusal) => refused(&refusal, asker.lang),
        },
        Ok(SentToOa::Again(place, denied)) => render(&place, asker.lang, "", Some(denied)),
        Err(refusal) => refused(&refusal, asker.lang),
    }
}

/// `GET /bind/callback`: back from it. On by a page: the OA's form policy need not know where its own tickets go.
pub async fn from_oa(
    State(bridge): State<Bridge>,
    answer: Result<Query<FromOa>, QueryRejection>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    // What cannot be read, as a parameter that comes twice, is an answer without a state.
    let Query(FromOa { state, code, error, iss }) = answer.unwrap_or_default();
    let answer = OaAnswer { state, code: code.map(Secret::new), error, issuer: iss };
    match bridge.bind_at_oa(cookie(&asker.headers, BIND_COOKIE), answer, asker.visitor()).await {
        Ok(Attempted::On(visit)) => match bridge.send_on(*visit).await {
            Ok(onward) => by_page(go_on(onward, asker.lang), asker.lang),
            Err(refusal) => refused_for_good(&refusal, asker.lang),
        },
        Ok(Attempted::Again(place, denied)) => render(&place, asker.lang, "", Some(denied)),
        Err(refusal) => refused_for_good(&refusal, asker.lang),
    }
}

async fn attempt(bridge: &Bridge, asker: &Asker, request: Request<Body>) -> Result<(Attempted, String), Refusal> {
    if is_cross_site(&asker.headers, bridge.config().origin.as_str()) {
        return Err(problem::CROSS_SITE.into());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| problem::BODY_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let Form(account) = Form::<Account>::from_request(request, &()).await.map_err(|_| problem::BAD_REQUEST)?;
    let password = Secret::new(account.password);
    let visit = cookie(&asker.headers, BIND_COOKIE);
    let attempted = bridge.bind_by_password(visit, &account.login, password, asker.visitor()).await?;
    Ok((attempted, account.login))
}

fn render(place: &BindPage, lang: Lang, login: &str, denied: Option<Denied>) -> Response {
    let trace = TraceId::current();
    let body = Page {
        lang,
        oa_name: &place.oa_name,
        by_password: place.by_password,
        at_oa: place.at_oa,
        login,
        denied,
        denied_text: denied.map_or("", |denied| told(denied, place.at_oa).get(lang)),
        trace: trace.as_str(),
    };
    let status = match denied {
        None => StatusCode::OK,
        Some(Denied::Locked { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(Denied::OaDown | Denied::OaSettings) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Denied::Stale) => StatusCode::BAD_REQUEST,
        Some(_) => StatusCode::FORBIDDEN,
    };
    let forms = format!("'self' {}", place.onward_origins.join(" "));
    page(&body, status, &policy("", &forms))
}

fn told(denied: Denied, at_oa: bool) -> domain::text::Text {
    match denied {
        Denied::Wrong => words::WRONG,
        Denied::Locked { .. } => words::LOCKED,
        Denied::Disabled => words::DISABLED,
        Denied::SecondFactor if at_oa => words::SECOND_FACTOR_AT_OA,
        Denied::SecondFactor => words::SECOND_FACTOR,
        Denied::Taken => words::TAKEN,
        Denied::OaDown => words::OA_DOWN,
        Denied::Stale => words::STALE,
        Denied::NotConfirmed => words::NOT_CONFIRMED,
        Denied::NotProved => words::NOT_PROVED,
        Denied::Unknown => words::UNKNOWN,
        Denied::OaSettings => words::OA_SETTINGS,
    }
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
