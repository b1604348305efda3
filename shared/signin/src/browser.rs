//! Sign-in from a browser outside WeLink, by way of WeLink's own sign-in page (product.md HOM-02, welink-api.md 3.4).

use domain::audit::Action;
use domain::ids::{AppId, StateId, WeLinkUserId};
use domain::model::App;
use domain::problem;
use domain::session::{OneTimeState, Purpose, StateRefused};
use platform::secret::{Secret, sha256_hex};

use crate::bridge::Bridge;
use crate::enter::{Callback, Entered, Place, Visitor, deep_link, with};
use crate::refusal::Refusal;

/// The one redirect address of all apps: it may carry no query, so everything else lives under the state.
pub const OAUTH_CALLBACK: &str = "/oauth/callback";

/// Where the browser goes, and what it keeps.
#[derive(Debug)]
pub struct BrowserBegun {
    pub url: String,
    pub browser: Secret<String>,
}

/// What came of the way through WeLink's page.
#[derive(Debug)]
pub enum BrowserEntered {
    In(Entered),
    /// An administrator's test: it works.
    Tested,
}

impl Bridge {
    /// Sends a browser to WeLink's sign-in page. Off until an administrator's test has passed and he has switched it
    /// on; `test` runs the test that he has begun.
    pub async fn begin_browser(
        &self,
        app: &AppId,
        to: Option<&str>,
        test: bool,
        visitor: Visitor<'_>,
    ) -> Result<BrowserBegun, Refusal> {
        let (_, app, _, instance) = self.find(app).await?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        if !app.has_secret() {
            return Err(problem::SECRET_MISSING.into());
        }
        let testing = test && app.browser.test_until.is_some_and(|until| self.clock().now() < until);
        if !testing && (test || !app.browser.enabled) {
            return Err(problem::NOT_IN_WELINK.into());
        }
        let purpose = if testing { Purpose::BrowserTest } else { Purpose::Browser };
        let (state, browser) = self.begin_state(&app, deep_link(to, &instance), purpose, None, visitor).await?;
        let url = self.welink().authorize_url(&app.client_id, &self.oauth_callback(), state.as_str());
        let url = url.map_err(|e| Refusal::because(problem::UNAVAILABLE, e))?;
        Ok(BrowserBegun { url, browser })
    }

    /// Takes a browser that comes back from WeLink's page. `refused` = WeLink says so instead of a code.
    pub async fn enter_from_browser(
        &self,
        callback: Callback,
        refused: bool,
        visitor: Visitor<'_>,
    ) -> Result<BrowserEntered, Refusal> {
        // Which app it is stands under the state alone; a callback without one belongs to nobody's audit log.
        let id = callback.state.as_deref().and_then(|text| StateId::parse(text).ok()).ok_or(problem::STATE_REFUSED)?;
        let fits = |purpose| matches!(purpose, Purpose::Browser | Purpose::BrowserTest | Purpose::Element);
        let state = self.take_browser_state(&id, visitor, fits).await?;
        let (_, app, enterprise, instance) = self.find(&state.app).await?;
        let place = Place { app: &app, enterprise: &enterprise, instance: &instance };
        let mut actor = "anonymous".to_owned();
        let entered = match state.purpose {
            Purpose::Element if refused => Err(problem::LEFT_COMPANY.into()),
            Purpose::Element => {
                self.in_from_element(place, state, callback.code, visitor, &mut actor).await.map(BrowserEntered::In)
            }
            _ => self.in_from_browser(place, &id, state, callback.code, refused, visitor).await,
        };
        if let Err(refusal) = &entered {
            let entry = self.refused_entry(&app, &actor, visitor, refusal.problem.name);
            self.store().append_audit(&entry).await?;
        }
        entered
    }

    async fn in_from_browser(
        &self,
        place: Place<'_>,
        id: &StateId,
        state: OneTimeState,
        code: Secret<String>,
        refused: bool,
        visitor: Visitor<'_>,
    ) -> Result<BrowserEntered, Refusal> {
        let app = place.app;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        // Switched off since this way in was begun.
        if state.purpose == Purpose::Browser && !app.browser.enabled {
            return Err(problem::NOT_IN_WELINK.into());
        }
        let user = self.prove_in_browser(app, id.as_str(), code, refused).await?;
        if state.purpose == Purpose::BrowserTest {
            let actor = format!("welink:{user}");
            let entry = self.entry(app.id.tenant(), Action::AppUpdate, &actor, app.id.as_str(), visitor.from);
            let entry = with(entry, "browser_test", "passed");
            let noted = self.store().browser_tested(&app.enterprise, &app.id, &entry).await?;
            return if noted { Ok(BrowserEntered::Tested) } else { Err(problem::STATE_REFUSED.into()) };
        }
        let credentials = self.credentials(app).await?;
        self.let_in(place, &credentials, user, state.dest, visitor).await.map(BrowserEntered::In)
    }

    /// Takes the state of a way through WeLink's page for the browser that began it, once; a refusal is audited.
    pub(crate) async fn take_browser_state(
        &self,
        id: &StateId,
        visitor: Visitor<'_>,
        fits: impl Fn(Purpose) -> bool,
    ) -> Result<OneTimeState, Refusal> {
        let browser = visitor.browser.map(sha256_hex).unwrap_or_default();
        self.store().config(&id.tenant()).await?.ok_or(problem::STATE_REFUSED)?;
        let taken = self.store().take_state(id, &browser).await?;
        match taken.and_then(|state| if fits(state.purpose) { Ok(state) } else { Err(StateRefused::Foreign) }) {
            Ok(state) => Ok(state),
            Err(why) => Err(self.refuse_foreign_state(id, why, visitor).await?),
        }
    }

    /// Whom WeLink's code proves. `state` is what was sent to WeLink; `refused` = WeLink sent no code.
    pub(crate) async fn prove_in_browser(
        &self,
        app: &App,
        state: &str,
        code: Secret<String>,
        refused: bool,
    ) -> Result<WeLinkUserId, Refusal> {
        if refused {
            return Err(problem::LEFT_COMPANY.into());
        }
        let credentials = self.credentials(app).await?;
        let callback = self.oauth_callback();
        let identity = self.welink().browser_identity(&credentials, &code, &callback, state).await?;
        // The documented answer names no company; then the credentials, which belong to one, vouch for it.
        if identity.tenant.is_some_and(|tenant| tenant != app.welink_tenant) {
            return Err(problem::WRONG_ENTERPRISE.into());
        }
        Ok(identity.user_id)
    }

    /// A refused state names no app for certain: the entry stands under the state's own id.
    async fn refuse_foreign_state(
        &self,
        id: &StateId,
        why: StateRefused,
        visitor: Visitor<'_>,
    ) -> Result<Refusal, Refusal> {
        let action = Action::SignInRefused;
        let mut entry = self.entry(id.tenant(), action, "anonymous", id.as_str(), visitor.from);
        problem::STATE_REFUSED.name.clone_into(&mut entry.result);
        self.store().append_audit(&with(entry, "reason", why.name())).await?;
        Ok(Refusal::because(problem::STATE_REFUSED, why.name()))
    }

    pub(crate) fn oauth_callback(&self) -> String {
        format!("{}{OAUTH_CALLBACK}", self.config().origin)
    }
}
