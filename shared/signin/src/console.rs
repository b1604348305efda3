//! The console's sign-in by way of WeLink's own page, for an administrator whose account is linked to a WeLink person
//! (product.md C30, welink-api.md 3.4).
//!
//! One redirect address is registered for all of an app's browsers, and it is the employees' host's. The state says by
//! its prefix that the console began it: then the answer goes on to the console unread, to a fixed address, and the
//! console, which alone has the cookie that the state is bound to, takes both.

use domain::ids::{AppId, EnterpriseId, StateId, WeLinkUserId};
use domain::problem;
use domain::session::Purpose;
use url::form_urlencoded::Serializer;

use crate::bridge::Bridge;
use crate::browser::BrowserBegun;
use crate::enter::{Callback, Visitor};
use crate::refusal::Refusal;

/// Where the console takes the answer.
pub const CONSOLE_CALLBACK: &str = "/sign-in/welink/callback";
/// Before the id of a state that the console began.
const PREFIX: &str = "console.";

/// Who signs in to the console, as WeLink has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePerson {
    pub enterprise: EnterpriseId,
    pub user: WeLinkUserId,
}

impl Bridge {
    /// Sends a browser of the console to WeLink's sign-in page; for apps whose browser sign-in is switched on.
    pub async fn begin_console(&self, app: &AppId, visitor: Visitor<'_>) -> Result<BrowserBegun, Refusal> {
        let (_, app, ..) = self.find(app).await?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        if !app.has_secret() {
            return Err(problem::SECRET_MISSING.into());
        }
        if !app.browser.enabled {
            return Err(problem::NOT_FOUND.into());
        }
        let (state, browser) = self.begin_state(&app, None, Purpose::Console, None, visitor).await?;
        let url = self.welink().authorize_url(&app.client_id, &self.oauth_callback(), &format!("{PREFIX}{state}"));
        let url = url.map_err(|e| Refusal::because(problem::UNAVAILABLE, e))?;
        Ok(BrowserBegun { url, browser })
    }

    /// Where WeLink's answer goes on to, if it is for the console.
    pub fn console_return(&self, state: &str, code: &str, message: Option<&str>) -> Option<String> {
        state.starts_with(PREFIX).then(|| {
            let mut query = Serializer::new(String::new());
            query.append_pair("state", state).append_pair("code", code);
            if let Some(message) = message {
                query.append_pair("message", message);
            }
            format!("{}{CONSOLE_CALLBACK}?{}", self.config().console_origin, query.finish())
        })
    }

    /// Takes WeLink's answer for the browser that began it, once. `refused` = WeLink says so instead of a code.
    pub async fn prove_for_console(
        &self,
        callback: Callback,
        refused: bool,
        visitor: Visitor<'_>,
    ) -> Result<ConsolePerson, Refusal> {
        let sent = callback.state.as_deref().unwrap_or_default();
        let id = sent.strip_prefix(PREFIX).and_then(|text| StateId::parse(text).ok()).ok_or(problem::STATE_REFUSED)?;
        let state = self.take_browser_state(&id, visitor, |purpose| purpose == Purpose::Console).await?;
        let (_, app, enterprise, _) = self.find(&state.app).await?;
        let proved = self.prove_in_browser(&app, sent, callback.code, refused).await;
        match proved {
            Ok(user) => Ok(ConsolePerson { enterprise: enterprise.id, user }),
            Err(refusal) => {
                let entry = self.refused_entry(&app, "anonymous", visitor, refusal.problem.name);
                self.store().append_audit(&entry).await?;
                Err(refusal)
            }
        }
    }
}
