//! WeLink's own QR element (welink-api.md 3.5): the one-time code that its frame sends after a scan, and the address
//! that turns it into a code for the page that embedded it.

use domain::time::Timestamp;
use platform::entropy::Entropy;

use super::codes::{self, issuable};
use super::model::DirectoryError;
use super::oauth::{FIELD_CHARS_MAX, Next, Stop, Wish};
use super::world::World;

/// What the frame sent after a scan.
#[derive(Debug)]
pub(super) struct LoginCode {
    client_id: String,
    user_id: String,
    expires: Timestamp,
    used: bool,
}

/// What a member's scan gives the frame: the app must be visible to him and his account open.
pub(super) fn scanned(
    world: &mut World,
    entropy: &Entropy,
    now: Timestamp,
    user_id: &str,
    client_id: &str,
) -> Result<String, DirectoryError> {
    issuable(world, user_id, client_id)?;
    let expires = now.plus_ms(world.settings.auth_code_ms);
    let code = LoginCode { client_id: client_id.to_owned(), user_id: user_id.to_owned(), expires, used: false };
    Ok(world.login_codes.keep(code, entropy))
}

/// Checks what a page gave the element, and what comes to `sns_authorize`. Whether the redirect address may carry a
/// query here is not documented; the registered one has none.
pub(super) fn ask(world: &World, wish: &Wish) -> Result<Next, Stop> {
    let app = world.apps.get(&wish.client_id).ok_or(Stop::UnknownApp)?;
    if !app.oauth_redirects.contains(&wish.redirect_uri) {
        return Err(Stop::UnknownRedirect);
    }
    let code = if wish.response_type != "code" || wish.scope != "snsapi_login" {
        "60013"
    } else if wish.state.chars().count() > FIELD_CHARS_MAX {
        "60006"
    } else {
        return Ok(Next::Ask { tenant_id: app.tenant_id.clone() });
    };
    Ok(Next::Back { code: code.to_owned() })
}

/// Uses the frame's code up: a code as `HWH5.getAuthCode` gives one, or 60007 expired, 60008 anything else.
pub(super) fn exchange(
    world: &mut World,
    entropy: &Entropy,
    now: Timestamp,
    client_id: &str,
    code: &str,
) -> Result<String, &'static str> {
    let found = world.login_codes.get_mut(code).ok_or("60008")?;
    if found.used || found.client_id != client_id {
        return Err("60008");
    }
    if now >= found.expires {
        return Err("60007");
    }
    found.used = true;
    let user_id = found.user_id.clone();
    codes::issue(world, entropy, now, &user_id, client_id).map_err(|_| "41500")
}
