//! Sign-in by WeLink's own QR element on the page for a login page (welink-api.md 3.5): WeLink shows the code, asks the
//! person and sends the browser back. The bridge binds the way to the browser, and knows who came.

use domain::destination::Destination;
use domain::ids::AppId;
use domain::lockout::QR_SCAN;
use domain::problem;
use domain::session::{OneTimeState, Purpose};
use platform::secret::Secret;
use state::config::TenantConfig;
use state::lockout::Subject;
use welink::Element;

use crate::bridge::Bridge;
use crate::enter::{Entered, Place, Visitor};
use crate::handoff::Visit;
use crate::refusal::Refusal;

/// What the page with the element needs.
#[derive(Debug)]
pub struct ElementBegun {
    pub element: Element,
    pub client_id: String,
    pub redirect_uri: String,
    pub state: String,
    /// For the browser's cookie.
    pub browser: Secret<String>,
}

impl Bridge {
    /// Begins a sign-in by the element at this app: a one-time state, bound to the browser. Whether this browser may
    /// begin at all the caller has looked at.
    pub async fn begin_element(
        &self,
        app: &AppId,
        dest: Option<Destination>,
        visitor: Visitor<'_>,
    ) -> Result<ElementBegun, Refusal> {
        let (config, app, ..) = self.find(app).await?;
        is_open(&config, &app.id, visitor)?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        if !app.has_secret() {
            return Err(problem::SECRET_MISSING.into());
        }
        let (state, browser) = self.begin_state(&app, dest, Purpose::Element, None, visitor).await?;
        let (redirect_uri, state) = (self.oauth_callback(), state.as_str().to_owned());
        let element = self.welink().element(&app.client_id, &redirect_uri, &state);
        let element = element.map_err(|e| Refusal::because(problem::UNAVAILABLE, e))?;
        Ok(ElementBegun { element, client_id: app.client_id.as_str().to_owned(), redirect_uri, state, browser })
    }

    /// Takes the browser that WeLink sends back. Somebody who is not linked, and whom matching does not link now, is
    /// not let in: on a screen that anybody may look at nobody is asked for a password.
    pub(crate) async fn in_from_element(
        &self,
        place: Place<'_>,
        state: OneTimeState,
        code: Secret<String>,
        visitor: Visitor<'_>,
        actor: &mut String,
    ) -> Result<Entered, Refusal> {
        let (config, app, enterprise, instance) = self.find(&place.app.id).await?;
        is_open(&config, &app.id, visitor)?;
        let (person, link) = self
            .prove_at(Place { app: &app, enterprise: &enterprise, instance: &instance }, code, visitor, actor)
            .await?;
        let link = link.ok_or(problem::QR_NOT_LINKED)?;
        let (tenant, who) = (app.id.tenant(), format!("qr-scan#{}#{}", enterprise.id, person.user_id));
        if let Err(seconds) = self.store().take_attempt(Subject::Tenant(&tenant, &who), QR_SCAN).await? {
            return Err(Refusal { retry_after_s: Some(seconds), ..problem::RATE_LIMITED.into() });
        }
        Ok(Entered::Oa(Box::new(Visit {
            dest: state.dest.unwrap_or_else(|| app.desktop_page()),
            app,
            instance,
            sign_ins: Some(person.sign_ins_with(self.note(visitor))),
            user: person.user_id,
            oa_user: link.oa_user,
            login_id: link.login_id,
            auth_time: self.clock().now(),
            from: visitor.from.to_owned(),
            scanned: None,
        })))
    }
}

/// Whether scan login shows the element for this app now, to a browser at this address.
fn is_open(config: &TenantConfig, app: &AppId, visitor: Visitor<'_>) -> Result<(), Refusal> {
    let setting = &config.scan_login;
    if !setting.enabled || !setting.welink_element || !setting.apps.contains(app) {
        return Err(problem::QR_OFF.into());
    }
    if setting.networks_only && !setting.is_office(visitor.from) {
        return Err(problem::QR_NETWORK.into());
    }
    Ok(())
}
