//! The hand-off to the OA: a ticket, bound to the OA's browser session where the OA can (oa-api.md C.2.2, product.md
//! C2, C16).

use domain::audit::Action;
use domain::destination::Destination;
use domain::ids::{AppId, OaUserId, SessionId, TicketId, WeLinkUserId};
use domain::model::{App, OaInstance, SignInNote};
use domain::problem;
use domain::session::{
    HANDOFF_S, PendingHandOff, SESSION_IDLE_S, SESSION_S, Scanned, StoredTicket, TICKET_S, WebSession,
};
use domain::time::Timestamp;
use oa::port::{Nonce, Port as _, Step};
use platform::secret::{Secret, sha256_hex};
use state::session::Issued;

use crate::bridge::Bridge;
use crate::enter::{Visitor, with};
use crate::refusal::Refusal;

/// Holds the session between the OA's start URL and the ticket.
pub const SESSION_COOKIE: &str = "__Host-session";
/// Characters of a session's secret: 130 bits.
const SECRET_CHARS: usize = 26;

/// A person on his way to a page of the OA.
#[derive(Debug)]
pub struct Visit {
    pub app: App,
    pub instance: OaInstance,
    pub user: WeLinkUserId,
    pub oa_user: OaUserId,
    pub login_id: String,
    pub dest: Destination,
    pub auth_time: Timestamp,
    /// What the person's item remembers from this sign-in on; `None` = it is noted already.
    pub sign_ins: Option<Vec<SignInNote>>,
    /// The browser's address, for the audit log.
    pub from: String,
    /// The confirmed code that lets him in; its ids are taken, so that it lets nobody in twice.
    pub scanned: Option<Scanned>,
}

/// What the browser does next.
#[derive(Debug)]
pub enum Onward {
    /// Submits a form to the OA.
    Form { action: String, fields: Vec<(&'static str, Secret<String>)> },
    /// Follows a redirect that carries the ticket, for an OA that can do nothing else.
    Redirect(Secret<String>),
    /// Enters his OA account first, with this cookie.
    Bind(Secret<String>),
    /// Sees his own page, with this cookie.
    Me(Secret<String>),
    /// Fetches the OA's nonce first and comes back with it and this session cookie.
    StartFirst { url: String, cookie: Secret<String>, max_age_s: i64 },
}

impl Bridge {
    /// Sends a person who has just been identified on to the OA.
    pub async fn send_on(&self, visit: Visit) -> Result<Onward, Refusal> {
        self.step(visit, None, Action::SignIn).await
    }

    /// Takes a browser that comes back from the OA's start URL with a nonce. Every refusal of somebody who has a
    /// session is audited once (product.md HOM-03); a cookie of nobody names no tenant whose log could tell of it.
    pub async fn come_back(&self, cookie: Option<&str>, nonce: &str, visitor: Visitor<'_>) -> Result<Onward, Refusal> {
        let nonce = Nonce::parse(nonce).ok_or(problem::STATE_REFUSED)?;
        let (id, secret) = cookie.and_then(read_cookie).ok_or(problem::STATE_REFUSED)?;
        let secret = sha256_hex(&secret);
        let Some((session, handoff)) = self.store().take_handoff(&id, &secret).await? else {
            if let Some(session) = self.store().session(&id, &secret).await? {
                self.refuse(&session.user, &session.app, visitor.from, problem::STATE_REFUSED.name).await?;
            }
            return Err(problem::STATE_REFUSED.into());
        };
        let (_, app, _, instance) = self.find(&session.app).await?;
        if !app.enabled {
            self.refuse(&session.user, &session.app, visitor.from, problem::APP_DISABLED.name).await?;
            return Err(problem::APP_DISABLED.into());
        }
        let visit = Visit {
            app,
            instance,
            user: session.user,
            oa_user: session.oa_user,
            login_id: session.login_id,
            dest: handoff.dest,
            auth_time: session.auth_time,
            sign_ins: None,
            from: visitor.from.to_owned(),
            scanned: session.scanned,
        };
        self.step(visit, Some(nonce), Action::TicketIssue).await
    }

    /// Audits a refusal of somebody who is known.
    async fn refuse(&self, user: &WeLinkUserId, app: &AppId, from: &str, result: &str) -> Result<(), Refusal> {
        let actor = format!("welink:{user}");
        let mut entry = self.entry(app.tenant(), Action::SignInRefused, &actor, app.as_str(), from);
        result.clone_into(&mut entry.result);
        Ok(self.store().append_audit(&entry).await?)
    }

    /// The next step, or an audited refusal.
    async fn step(&self, visit: Visit, nonce: Option<Nonce>, action: Action) -> Result<Onward, Refusal> {
        let (user, app, from) = (visit.user.clone(), visit.app.id.clone(), visit.from.clone());
        let stepped = self.next_step(visit, nonce, action).await;
        if let Err(refusal) = &stepped {
            self.refuse(&user, &app, &from, refusal.problem.name).await?;
        }
        stepped
    }

    /// Asks the OA's adapter for the next step and records it before the browser takes it.
    async fn next_step(&self, visit: Visit, nonce: Option<Nonce>, action: Action) -> Result<Onward, Refusal> {
        let now = self.clock().now();
        let tenant = visit.app.id.tenant();
        let ticket = visit.ticket_id().unwrap_or_else(|| self.new_ticket_id(&tenant));
        let keys = self.signing_keys().await?;
        let key = keys.first().ok_or_else(|| Refusal::because(problem::UNAVAILABLE, "no signing key"))?;
        let return_to = format!("{}/handoff", self.config().origin);
        let asked = oa::port::Visit {
            tenant: &tenant,
            enterprise: &visit.app.enterprise,
            user: &visit.oa_user,
            login_id: Some(visit.login_id.as_str()).filter(|login| !login.is_empty()),
            dest: &visit.dest,
            amr: visit.amr(),
            ticket: &ticket,
            // Only a ticket that the OA's server asked for names its code: here the nonce binds it (oa-api.md C.2.2).
            qr: None,
            nonce: nonce.as_ref(),
            return_to: &return_to,
            issuer: self.config().origin.as_str(),
            key,
            now,
        };
        match self.oa(&visit.instance).await?.hand_off(&asked).await? {
            Step::StartFirst(url) => self.begin_session(visit, url, now).await,
            Step::Form { action: to, fields } => {
                self.issue(&visit, ticket, now, action).await?;
                Ok(Onward::Form { action: to, fields })
            }
            Step::Redirect(url) => {
                self.issue(&visit, ticket, now, action).await?;
                Ok(Onward::Redirect(url))
            }
        }
    }

    /// Stores the ticket while the link still holds. One that the table does not know is worth nothing.
    pub(crate) async fn issue(
        &self,
        visit: &Visit,
        id: TicketId,
        now: Timestamp,
        action: Action,
    ) -> Result<(), Refusal> {
        let entry = with(self.visit_entry(visit, action), "ticket", id.as_str());
        let ticket = StoredTicket {
            id,
            oa_user: visit.oa_user.clone(),
            app: visit.app.id.clone(),
            user: visit.user.clone(),
            audience: visit.instance.id.clone(),
            dest: visit.dest.clone(),
            expires: now.plus_s(TICKET_S),
            qr: visit.scanned.as_ref().map(|scanned| scanned.qr.clone()),
            redeemed: None,
        };
        let (enterprise, sign_ins) = (&visit.app.enterprise, visit.sign_ins.as_deref());
        let issued = self.store().issue_ticket(enterprise, &ticket, sign_ins, visit.scanned.as_ref(), &entry);
        judge(issued.await?)
    }

    /// Begins the session with which the browser comes back; its id and secret are new at each sign-in (product.md
    /// C17).
    async fn begin_session(&self, visit: Visit, url: String, now: Timestamp) -> Result<Onward, Refusal> {
        let entry = self.visit_entry(&visit, Action::SignIn);
        let secret = self.entropy().token(SECRET_CHARS);
        let enterprise = visit.app.enterprise.clone();
        let sign_ins = visit.sign_ins.unwrap_or_default();
        let fixed = visit.scanned.as_ref().map(|scanned| scanned.approval.session.clone());
        let session = WebSession {
            id: fixed.unwrap_or_else(|| self.new_session_id(&visit.app.id.tenant())),
            app: visit.app.id,
            user: visit.user,
            oa_user: visit.oa_user,
            login_id: visit.login_id,
            secret: sha256_hex(&secret),
            auth_time: visit.auth_time,
            expires: now.plus_s(SESSION_S),
            idle_until: now.plus_s(SESSION_IDLE_S),
            handoff: Some(PendingHandOff { dest: visit.dest, expires: now.plus_s(HANDOFF_S) }),
            scanned: visit.scanned,
        };
        judge(self.store().begin_session(&enterprise, &session, &sign_ins, &entry).await?)?;
        let cookie = Secret::new(format!("{}.{secret}", session.id));
        Ok(Onward::StartFirst { url, cookie, max_age_s: SESSION_S })
    }

    fn visit_entry(&self, visit: &Visit, action: Action) -> domain::audit::Entry {
        let actor = format!("welink:{}", visit.user);
        let entry = self.entry(visit.app.id.tenant(), action, &actor, visit.app.id.as_str(), &visit.from);
        with(entry, "oa_user", visit.oa_user.as_str())
    }
}

impl Visit {
    /// The ticket's id where a confirmed code has fixed it.
    fn ticket_id(&self) -> Option<TicketId> {
        self.scanned.as_ref().map(|scanned| scanned.approval.ticket.clone())
    }

    /// How the person was proved (oa-api.md C.2.1).
    pub(crate) fn amr(&self) -> &'static [&'static str] {
        if self.scanned.is_some() { &["welink", "qr"] } else { &["welink"] }
    }
}

/// What the table said to a session or a ticket.
fn judge(issued: Issued) -> Result<(), Refusal> {
    match issued {
        Issued::Done => Ok(()),
        Issued::LinkGone => Err(problem::LINK_GONE.into()),
        Issued::Taken => Err(problem::QR_USED.into()),
        Issued::Revoked => Err(problem::QR_DENIED.into()),
    }
}

/// `<session id>.<secret>`.
fn read_cookie(text: &str) -> Option<(SessionId, String)> {
    let (id, secret) = text.split_once('.')?;
    Some((SessionId::parse(id).ok()?, secret.to_owned()))
}
