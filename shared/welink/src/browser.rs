//! Sign-in by a plain browser: the authorise page and the exchange of its code (welink-api.md 3.4, 3.3; product.md
//! HOM-02, C1, C3).

use domain::ids::{ClientId, WeLinkTenantId, WeLinkUserId};
use http::Method;
use platform::secret::Secret;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::api::CODE_CHARS_MAX;
use crate::client::{Ask, Body, Repeat, WeLink};
use crate::error::WeLinkError;
use crate::settings::OAuthTransport;
use crate::shared::{Credentials, Shared};

const TOKEN: &str = "/api/oauth2/v1/token";
/// Also where 41500 is about the person (client.rs).
pub(crate) const USER_OF_TOKEN: &str = "/api/auth/v1/userid";
/// Success of the token call, and of no other (welink-api.md 3.4).
const TOKEN_SUCCESS: &str = "60001";
const ELEMENT_SCRIPT: &str = "/sso-proxy-front/public/qrcode/0.0.1/wlQrcodeLogin.js";
const ELEMENT_SCOPE: &str = "snsapi_login";

/// The redirect address cannot be one: it must be http or https, without query, fragment and user (welink-api.md 3.4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a redirect address: {0}")]
pub struct BadRedirect(pub String);

/// Who signed in with a browser. WeLink's answer names the person alone (welink-api.md 3.3): the company is the one
/// that the app's credentials belong to, because an authorise page takes only the client_id of that company. The
/// caller pins it by the app that it stored under `state` (product.md C4), and compares `tenant` where WeLink does
/// name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserIdentity {
    pub user_id: WeLinkUserId,
    /// Absent in the documented answer.
    pub tenant: Option<WeLinkTenantId>,
}

/// What a page that shows WeLink's own QR element needs (welink-api.md 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// WeLink's script, which puts the element's frame into the page.
    pub script: String,
    /// The origin of script and frame; only messages from there are the element's.
    pub origin: String,
    /// Where the browser goes with the element's one-time code: that code is still to be appended.
    pub onward: String,
}

impl<S: Shared> WeLink<S> {
    /// WeLink's own QR element for this app. After the scan WeLink comes back to `redirect_uri` with `state` and a
    /// `code` that [`WeLink::user_id`] exchanges.
    pub fn element(&self, client_id: &ClientId, redirect_uri: &str, state: &str) -> Result<Element, BadRedirect> {
        let bad = || BadRedirect(redirect_uri.to_owned());
        let base = &self.0.login_base;
        let origin = Url::parse(base).map_err(|_| bad())?.origin().ascii_serialization();
        let target = Url::parse(redirect_uri).map_err(|_| bad())?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err(bad());
        }
        let query = Serializer::new(String::new())
            .append_pair("client_id", client_id.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", ELEMENT_SCOPE)
            .append_pair("state", state)
            .append_pair("redirect_uri", redirect_uri)
            .finish();
        let onward = format!("{base}/sso/oauth2/sns_authorize?{query}&code=");
        Ok(Element { script: format!("{base}{ELEMENT_SCRIPT}"), origin, onward })
    }

    /// Where the browser is sent (welink-api.md 3.4). WeLink comes back to `redirect_uri` with `code` and `state`, or,
    /// when it refuses, with an error number in `code` and a text in `message`. `redirect_uri` must be registered with
    /// WeLink and carry no query; `state` comes back unchanged, at most 255 characters (product.md C1).
    pub fn authorize_url(&self, client_id: &ClientId, redirect_uri: &str, state: &str) -> Result<String, BadRedirect> {
        let bad = || BadRedirect(redirect_uri.to_owned());
        let target = Url::parse(redirect_uri).map_err(|_| bad())?;
        let plain = target.query().is_none() && target.fragment().is_none() && target.username().is_empty();
        if !plain || !matches!(target.scheme(), "http" | "https") {
            return Err(bad());
        }
        let query = Serializer::new(String::new())
            .append_pair("client_id", client_id.as_str())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "backendlogin")
            .append_pair("state", state)
            .finish();
        Ok(format!("{}/sso/oauth2/authorize?{query}", self.0.login_base))
    }

    /// Exchanges the code that came to `redirect_uri` for the person (welink-api.md 3.4, then 3.3). `redirect_uri` and
    /// `state` are those of [`WeLink::authorize_url`]; that `state` came back to the browser it was made for is the
    /// caller's check (product.md C1).
    ///
    /// The code is sent once, and again only if the first request was never sent or was refused by the rate limit. A
    /// code that cannot be one is refused unsent. While the app's breaker is open no call is made; that is why the app
    /// has a token before its code is sent. Wrong credentials therefore open the breaker there. 60010, which says that
    /// client_id and client_secret do not match, can only follow a token fetched with the same pair: it is `Refused`
    /// and opens nothing. A locked account (60009) is `Refused` too, with its advice in [`crate::codes`].
    pub async fn browser_identity(
        &self,
        c: &Credentials,
        code: &Secret<String>,
        redirect_uri: &str,
        state: &str,
    ) -> Result<BrowserIdentity, WeLinkError> {
        let text = code.expose();
        let impossible = if text.trim().is_empty() {
            Some("60003")
        } else {
            (text.chars().count() > CODE_CHARS_MAX).then_some("60002")
        };
        if let Some(code) = impossible {
            return Err(WeLinkError::Code { code: code.to_owned() });
        }
        self.0.token(c, None).await?;
        let paced = Some((&c.app, &c.client_id));
        let exchange = self.exchange(c, code, redirect_uri, state);
        let sent = self.0.send(paced, None, &exchange).await;
        let granted = self.0.settle(c, sent).await?;
        let user_token = Secret::new(granted.text("access_token").ok_or(WeLinkError::Malformed)?);
        let sent = self.0.send(paced, Some(&user_token), &Ask::get(USER_OF_TOKEN)).await;
        let reply = self.0.settle(c, sent).await?;
        let user_id =
            reply.text("userId").and_then(|id| WeLinkUserId::parse(&id).ok()).ok_or(WeLinkError::Malformed)?;
        let tenant = match reply.text("tenantId") {
            Some(id) => Some(WeLinkTenantId::parse(&id).map_err(|_| WeLinkError::Malformed)?),
            None => None,
        };
        Ok(BrowserIdentity { user_id, tenant })
    }

    fn exchange(&self, c: &Credentials, code: &Secret<String>, redirect_uri: &str, state: &str) -> Ask {
        let mut fields = Serializer::new(String::new());
        fields
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose())
            .append_pair("client_id", c.client_id.as_str())
            .append_pair("client_secret", c.client_secret.expose())
            .append_pair("redirect_uri", redirect_uri);
        if !state.is_empty() {
            fields.append_pair("state", state);
        }
        let fields = Secret::new(fields.finish());
        let ask = Ask { repeat: Repeat::UnlessUsed, success: TOKEN_SUCCESS, ..Ask::get(TOKEN) };
        match self.0.settings.oauth_transport {
            OAuthTransport::PostForm => Ask { method: Method::POST, body: Body::Form(fields), ..ask },
            OAuthTransport::GetQuery => Ask { query: Some(fields), ..ask },
        }
    }
}
