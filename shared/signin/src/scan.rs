//! Who scanned a code: the same question to WeLink as on the homepage, and the ticket for an OA whose own server shows
//! codes (oa-api.md C.4).

use domain::ids::{AppId, QrId};
use domain::model::{App, Enterprise, Link, OaInstance, Person};
use domain::problem;
use domain::session::{OneTimeState, Purpose, Scanned};
use domain::time::Timestamp;
use oa::port::Port as _;
use platform::secret::Secret;

use crate::bridge::Bridge;
use crate::enter::{Begun, Callback, Place, Visitor};
use crate::handoff::Visit;
use crate::refusal::Refusal;

/// Somebody who scanned a code and whom WeLink has proved.
#[derive(Debug)]
pub struct Proved {
    pub app: App,
    pub enterprise: Enterprise,
    pub instance: OaInstance,
    pub person: Person,
    /// `None` = he is not linked, and matching has not linked him now.
    pub link: Option<Link>,
}

/// The ticket of a confirmed code.
#[derive(Debug)]
pub enum ScanTicket {
    /// The same at each time of asking, until it is redeemed.
    Ready(Secret<String>),
    /// The OA has redeemed it.
    Redeemed,
}

impl Bridge {
    /// Begins the identification of whoever scanned `qr`, by this app: a one-time state, bound to the phone's browser.
    pub async fn begin_scan(&self, app: &AppId, qr: &QrId, visitor: Visitor<'_>) -> Result<Begun, Refusal> {
        let (_, app, ..) = self.find(app).await?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        let (state, browser) = self.begin_state(&app, None, Purpose::Scan, Some(qr), visitor).await?;
        Ok(Begun { app, state, browser, dest: None, onward_origins: Vec::new() })
    }

    /// Takes the phone's answer and says who he is; a first visit writes him, and matching may link him. Every refusal
    /// is audited once.
    pub async fn prove_scan(
        &self,
        app: &AppId,
        qr: &QrId,
        callback: Callback,
        visitor: Visitor<'_>,
    ) -> Result<Proved, Refusal> {
        let (_, app, enterprise, instance) = self.find(app).await?;
        let here = |state: &OneTimeState| state.purpose == Purpose::Scan && state.qr.as_ref() == Some(qr);
        if let Err(why) = self.take_state(&app, &callback, visitor, here).await? {
            return Err(self.refuse_state(&app, why, visitor).await?);
        }
        let place = Place { app: &app, enterprise: &enterprise, instance: &instance };
        let mut actor = "anonymous".to_owned();
        let proved = self.prove_at(place, callback.code, visitor, &mut actor).await;
        if let Err(refusal) = &proved {
            self.store().append_audit(&self.refused_entry(&app, &actor, visitor, refusal.problem.name)).await?;
        }
        let (person, link) = proved?;
        Ok(Proved { app, enterprise, instance, person, link })
    }

    pub(crate) async fn prove_at(
        &self,
        place: Place<'_>,
        code: Secret<String>,
        visitor: Visitor<'_>,
        actor: &mut String,
    ) -> Result<(Person, Option<Link>), Refusal> {
        let app = place.app;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        let credentials = self.credentials(app).await?;
        let identity = self.welink().user_id(&credentials, &code).await?;
        drop(code);
        *actor = format!("welink:{}", identity.user_id);
        if identity.tenant != app.welink_tenant {
            return Err(problem::WRONG_ENTERPRISE.into());
        }
        let (person, fresh) = self.person_of(place.enterprise, app, &credentials, &identity.user_id, visitor).await?;
        let link = match &person.link {
            Some(link) => Some(link.clone()),
            None => self.auto_bind(place, &credentials, &person, fresh, visitor).await?,
        };
        Ok((person, link))
    }

    /// The ticket of a confirmed code, for the OA's server. It is stored at the first time of asking, under the id that
    /// the confirmation fixed, and lives from the confirmation on.
    pub async fn scan_ticket(&self, visit: Visit, scanned: &Scanned) -> Result<ScanTicket, Refusal> {
        let (id, at) = (scanned.approval.ticket.clone(), scanned.approval.at);
        let signed = self.sign_scan(&visit, scanned, at).await?;
        match self.issue(&visit, id.clone(), at, domain::audit::Action::SignIn).await {
            Ok(()) => return Ok(ScanTicket::Ready(signed)),
            Err(refusal) if refusal.problem == problem::QR_USED => {}
            Err(refusal) => return Err(refusal),
        }
        let there = self.store().ticket(&id, &visit.instance.id).await?;
        let unused = there.is_some_and(|ticket| ticket.redeemed.is_none() && self.clock().now() < ticket.expires);
        Ok(if unused { ScanTicket::Ready(signed) } else { ScanTicket::Redeemed })
    }

    async fn sign_scan(&self, visit: &Visit, scanned: &Scanned, at: Timestamp) -> Result<Secret<String>, Refusal> {
        let keys = self.signing_keys().await?;
        let key = keys.first().ok_or_else(|| Refusal::because(problem::UNAVAILABLE, "no signing key"))?;
        let asked = oa::port::Visit {
            tenant: &visit.app.id.tenant(),
            enterprise: &visit.app.enterprise,
            user: &visit.oa_user,
            login_id: Some(visit.login_id.as_str()).filter(|login| !login.is_empty()),
            dest: &visit.dest,
            amr: visit.amr(),
            ticket: &scanned.approval.ticket,
            qr: Some(&scanned.qr),
            nonce: None,
            return_to: "",
            issuer: self.config().origin.as_str(),
            key,
            now: at,
        };
        Ok(self.oa(&visit.instance).await?.scan_ticket(&asked).await?)
    }
}
