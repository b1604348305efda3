//! Sign-in by a browser: codes of the authorise page, and the user tokens that they buy (welink-api.md 3.4, 3.3).

use std::collections::BTreeMap;

use domain::text::Lang;
use domain::time::Timestamp;
use platform::entropy::Entropy;
use url::Url;

use super::answer::{Answer, Fields, Refusal, message, put};
use super::codes::{CODE_CHARS_MAX, Kept, issuable};
use super::model::DirectoryError;
use super::tokens::{Lock, grant_user};
use super::world::{Call, Caller, World};

/// Characters of client_id, client_secret and state at most.
pub(super) const FIELD_CHARS_MAX: usize = 255;

/// One code that the authorise page gave out.
#[derive(Debug)]
pub(super) struct OAuthCode {
    client_id: String,
    redirect_uri: String,
    user_id: String,
    expires: Timestamp,
    used: bool,
}

/// What a browser brings to the authorise page; also what its form sends back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub client_id: String,
    pub redirect_uri: String,
    pub response_type: String,
    pub scope: String,
    pub state: String,
}

/// Why the authorise page does not ask who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// No app with this client_id: nowhere to send the browser.
    UnknownApp,
    /// The address is not registered for the app: the browser must not be sent there.
    UnknownRedirect,
}

/// The browser's next step: the page, or back with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Asks who it is; the app's company.
    Ask { tenant_id: String },
    /// Back to the redirect address with this error number.
    Back { code: String },
}

impl Wish {
    pub(crate) fn read(params: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| params.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        Self {
            client_id: text("client_id"),
            redirect_uri: text("redirect_uri"),
            response_type: text("response_type"),
            scope: text("scope"),
            state: params.get("state").cloned().unwrap_or_default(),
        }
    }

    /// The redirect address with an error as WeLink reports one: `code`, `message` and the state.
    pub(crate) fn refused(&self, code: &str, lang: Lang) -> String {
        self.back(&[("code", code), ("message", message(code, lang))])
    }

    /// The redirect address with these parameters, and `state` unchanged if there was one.
    pub(crate) fn back(&self, pairs: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        if !self.state.is_empty() {
            query.append_pair("state", &self.state);
        }
        format!("{}?{}", self.redirect_uri, query.finish())
    }
}

/// An address that can be registered: http or https, without query and fragment.
pub(super) fn registrable(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none())
        && redirect_uri.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Checks what came to the authorise page. Which number a wrong parameter gets is not documented: 60013 stands for a
/// wrong response_type or scope, 60006 for an over-long state.
pub(super) fn authorize(world: &World, wish: &Wish) -> Result<Next, Stop> {
    let app = world.apps.get(&wish.client_id).ok_or(Stop::UnknownApp)?;
    if !app.oauth_redirects.contains(&wish.redirect_uri) {
        return Err(Stop::UnknownRedirect);
    }
    let code = if let Some(code) = &world.settings.authorize_error {
        code.as_str()
    } else if wish.response_type != "code" || wish.scope != "backendlogin" {
        "60013"
    } else if wish.state.chars().count() > FIELD_CHARS_MAX {
        "60006"
    } else {
        return Ok(Next::Ask { tenant_id: app.tenant_id.clone() });
    };
    Ok(Next::Back { code: code.to_owned() })
}

/// What the authorise page does once it knows who it is: the app must be visible and the account open.
pub(super) fn issue(
    world: &mut World,
    entropy: &Entropy,
    now: Timestamp,
    user_id: &str,
    [client_id, redirect_uri]: [&str; 2],
) -> Result<String, DirectoryError> {
    issuable(world, user_id, client_id)?;
    if world.apps.get(client_id).is_none_or(|app| !app.oauth_redirects.contains(redirect_uri)) {
        return Err(DirectoryError::BadRedirect);
    }
    let code = OAuthCode {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        user_id: user_id.to_owned(),
        expires: now.plus_ms(world.settings.oauth_code_ms),
        used: false,
    };
    Ok(world.oauth_codes.keep(code, entropy))
}

/// Uses a code up: 60007 expired, 60008 anything else. A wrong client or address does not use it up.
fn redeem(codes: &mut Kept<OAuthCode>, call: &Call, client_id: &str) -> Result<String, &'static str> {
    let found = codes.get_mut(call.given("code")).ok_or("60008")?;
    if found.used || found.client_id != client_id || found.redirect_uri != call.given("redirect_uri") {
        return Err("60008");
    }
    if call.now >= found.expires {
        return Err("60007");
    }
    found.used = true;
    Ok(found.user_id.clone())
}

fn check(world: &mut World, call: &Call) -> Result<(String, String), &'static str> {
    let long = |name: &str| call.given(name).chars().count() > FIELD_CHARS_MAX;
    if call.given("grant_type") != "authorization_code" {
        return Err("60013");
    }
    if call.given("code").is_empty() {
        return Err("60003");
    }
    if call.given("code").chars().count() > CODE_CHARS_MAX {
        return Err("60002");
    }
    for (name, code) in [("client_id", "60004"), ("client_secret", "60005"), ("state", "60006")] {
        if long(name) {
            return Err(code);
        }
    }
    let client_id = call.given("client_id").to_owned();
    match Lock::of(world, &client_id, call.given("client_secret"), call.now) {
        Lock::Open => {}
        Lock::Locked => return Err("60009"),
        Lock::Wrong => return Err("60010"),
    }
    let user_id = redeem(&mut world.oauth_codes, call, &client_id)?;
    Ok((client_id, user_id))
}

/// `POST` and `GET /api/oauth2/v1/token` (welink-api.md 3.4): the parameters in a form or in the query; success is
/// 60001, a refusal has HTTP status 400.
pub(super) fn token(world: &mut World, call: &Call, _: Option<&Caller>) -> Answer {
    let (client_id, user_id) = check(world, call).map_err(|code| Refusal::with_status(code, 400))?;
    let mut fields = grant_user(world, call, client_id, user_id)?;
    put(&mut fields, "code", Some("60001"));
    Ok(fields)
}

/// `GET /api/auth/v1/userid` (welink-api.md 3.3): whose the user token is; 41500 for an app's token and for a person
/// who has no open account any more.
pub(super) fn userid(world: &mut World, _: &Call, caller: Option<&Caller>) -> Answer {
    let user_id = caller
        .and_then(|caller| world.member(&caller.tenant_id, caller.person.as_deref()?))
        .filter(|member| member.status == super::model::MemberStatus::Opened)
        .map(|member| member.user_id.clone());
    let mut fields = Fields::new();
    put(&mut fields, "userId", Some(&user_id.ok_or(Refusal::new("41500"))?));
    Ok(fields)
}

#[cfg(test)]
mod tests;
