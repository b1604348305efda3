//! Binding at the OA's own sign-in page: the bridge sees no password and links the user whom the OA names (oa-api.md
//! C.3, docs/decisions/0005-binding-at-the-oa.md).

use std::time::Duration;

use domain::audit::Action;
use domain::ids::StateId;
use domain::model::LinkOrigin;
use domain::problem;
use domain::session::{OaSignIn, OneTimeState, Purpose, StateRefused, VisitedPage};
use oa::port::{OaError, Port as _, SignInWay, SignedIn, VerifiedUser};
use platform::secret::Secret;

use crate::bind::{Attempted, BindPage, Denied, Place};
use crate::bridge::Bridge;
use crate::enter::{Visitor, with};
use crate::handoff::Visit;
use crate::refusal::Refusal;

/// The one address to which every OA's sign-in page returns; the state says which OA it is.
pub const OA_CALLBACK: &str = "/bind/callback";
/// Characters of the nonce: 130 bits.
const NONCE_CHARS: usize = 26;
/// Characters of the PKCE verifier: 215 bits, and the least that RFC 7636 allows.
const VERIFIER_CHARS: usize = 43;
/// Characters of a code at most.
const CODE_CHARS_MAX: usize = 2000;
/// How long the OA may take over all questions of one way: a person waits, and the gateway does not wait for ever.
const OA_MAX: Duration = Duration::from_secs(12);

/// Where the button of the binding page leads.
#[derive(Debug)]
pub enum SentToOa {
    /// To the OA's sign-in page.
    Away(String),
    /// Linked meanwhile: on to the OA.
    On(Box<Visit>),
    /// Back to the binding page, saying why.
    Again(BindPage, Denied),
}

/// What the OA's sign-in page sends back through the browser.
#[derive(Debug)]
pub struct OaAnswer {
    pub state: Option<String>,
    pub code: Option<Secret<String>>,
    /// OAuth's word for why there is no code.
    pub error: Option<String>,
    /// Who answers, where the provider says so (RFC 9207).
    pub issuer: Option<String>,
}

/// Why nobody is linked: what the person is told, and what the audit log says beside it.
type NotLinked = (Denied, &'static str);

impl Bridge {
    /// Sends a person on the binding page to the OA's own sign-in page.
    pub async fn begin_oa_sign_in(&self, cookie: Option<&str>, visitor: Visitor<'_>) -> Result<SentToOa, Refusal> {
        let place = self.visited(cookie, VisitedPage::Bind).await?;
        let person = self.store().person(&place.enterprise.id, &place.session.user).await?;
        let sign_ins = self.sign_ins_of(person.as_ref(), visitor);
        if let Some(link) = person.and_then(|person| person.link) {
            return Ok(SentToOa::On(Box::new(place.visit(link, sign_ins, visitor))));
        }
        match self.sign_in_page(&place).await? {
            Ok(url) => Ok(SentToOa::Away(url)),
            Err((denied, reason)) => {
                self.audit_denied(&place, denied, reason, visitor).await?;
                Ok(SentToOa::Again(place.page(), denied))
            }
        }
    }

    async fn sign_in_page(&self, place: &Place) -> Result<Result<String, NotLinked>, Refusal> {
        let (session, app) = (&place.session, &place.app);
        let way = OaSignIn {
            visit: session.id.clone(),
            nonce: self.entropy().token(NONCE_CHARS),
            verifier: self.entropy().token(VERIFIER_CHARS),
        };
        let state = OneTimeState {
            id: self.new_state_id(&app.id.tenant()),
            app: app.id.clone(),
            // The visit's cookie binds it to this browser.
            browser: session.secret.clone(),
            purpose: Purpose::OaSignIn,
            dest: None,
            oa_sign_in: Some(way.clone()),
            qr: None,
            created: self.clock().now(),
            expires: session.expires,
        };
        let (oa, return_to) = (self.oa(&place.instance).await?, self.oa_callback());
        let asked = port_way(&state.id, &way, &return_to);
        let url = match tokio::time::timeout(OA_MAX, oa.sign_in_page(&asked)).await {
            Ok(Ok(Some(url))) => url,
            Ok(Ok(None)) => return Ok(Err((Denied::OaSettings, "unsupported"))),
            Ok(Err(error)) => return Ok(Err(failed(&error))),
            Err(_) => return Ok(Err((Denied::OaDown, "too-slow"))),
        };
        self.store().put_state(&state).await?;
        Ok(Ok(url))
    }

    /// Takes a browser that comes back from there. Every refusal is audited once.
    pub async fn bind_at_oa(
        &self,
        cookie: Option<&str>,
        answer: OaAnswer,
        visitor: Visitor<'_>,
    ) -> Result<Attempted, Refusal> {
        let place = match self.visited(cookie, VisitedPage::Bind).await {
            Ok(place) => place,
            Err(refusal) => return Err(self.refuse_stranger(answer.state.as_deref(), refusal, visitor).await?),
        };
        let way = match self.take_way(&place, answer.state.as_deref()).await? {
            Ok(way) => way,
            Err(why) => return self.again(place, (Denied::Stale, why.name()), visitor).await,
        };
        let person = self.store().person(&place.enterprise.id, &place.session.user).await?;
        let sign_ins = self.sign_ins_of(person.as_ref(), visitor);
        if let Some(link) = person.and_then(|person| person.link) {
            return Ok(Attempted::On(Box::new(place.visit(link, sign_ins, visitor))));
        }
        let proved = match judge(&place, answer) {
            Ok(code) => match tokio::time::timeout(OA_MAX, self.ask_who(&place, &way, &code)).await {
                Ok(asked) => asked?,
                Err(_) => Err((Denied::OaDown, "too-slow")),
            },
            Err(why) => Err(why),
        };
        let user = match proved {
            Ok(user) => user,
            Err(why) => return self.again(place, why, visitor).await,
        };
        match self.link_verified(&place, user, LinkOrigin::Redirect, visitor).await? {
            Ok(link) => Ok(Attempted::On(Box::new(place.visit(link, sign_ins, visitor)))),
            Err(denied) => self.again(place, (denied, denied.name()), visitor).await,
        }
    }

    /// Takes the state of this visit, once. The visit says in which tenant to look; a state of another one is not even
    /// looked up.
    async fn take_way(
        &self,
        place: &Place,
        state: Option<&str>,
    ) -> Result<Result<(StateId, OaSignIn), StateRefused>, Refusal> {
        let Some(text) = state.filter(|text| !text.is_empty()) else { return Ok(Err(StateRefused::Missing)) };
        let id = match StateId::parse(text) {
            Ok(id) if id.tenant() == place.app.id.tenant() => id,
            _ => return Ok(Err(StateRefused::Unknown)),
        };
        let state = match self.store().take_state(&id, &place.session.secret).await? {
            Ok(state) if state.purpose == Purpose::OaSignIn && state.app == place.app.id => state,
            Ok(_) => return Ok(Err(StateRefused::Foreign)),
            Err(why) => return Ok(Err(why)),
        };
        let way = state.oa_sign_in.filter(|way| way.visit == place.session.id);
        Ok(way.map(|way| (id, way)).ok_or(StateRefused::Foreign))
    }

    /// Whom the code proves, and whether the OA still knows him: an account that is off signs in nowhere.
    async fn ask_who(
        &self,
        place: &Place,
        (state, way): &(StateId, OaSignIn),
        code: &Secret<String>,
    ) -> Result<Result<VerifiedUser, NotLinked>, Refusal> {
        let (oa, return_to) = (self.oa(&place.instance).await?, self.oa_callback());
        let id = match oa.signed_in(&port_way(state, way, &return_to), code).await {
            Ok(SignedIn::As(id)) => id,
            Ok(SignedIn::NotProved(part)) => return Ok(Err((Denied::NotProved, part))),
            Ok(SignedIn::Unsupported) => return Ok(Err((Denied::OaSettings, "unsupported"))),
            Err(error) => return Ok(Err(failed(&error))),
        };
        Ok(match oa.user(&id).await {
            Ok(Some(user)) if user.active => Ok(VerifiedUser {
                id: user.id,
                login_id: user.login_id,
                display_name: user.display_name,
                work_code: user.work_code,
            }),
            Ok(Some(_)) => Err((Denied::Disabled, "inactive")),
            Ok(None) => Err((Denied::Unknown, "unknown")),
            Err(error) => Err(failed(&error)),
        })
    }

    async fn again(&self, place: Place, why: NotLinked, visitor: Visitor<'_>) -> Result<Attempted, Refusal> {
        self.audit_denied(&place, why.0, why.1, visitor).await?;
        Ok(Attempted::Again(place.page(), why.0))
    }

    async fn audit_denied(
        &self,
        place: &Place,
        denied: Denied,
        reason: &str,
        visitor: Visitor<'_>,
    ) -> Result<(), Refusal> {
        let entry = self.denied_entry(place, denied.name(), visitor);
        Ok(self.store().append_audit(&with(entry, "reason", reason)).await?)
    }

    /// A browser without a visit: the entry stands under the state's own id, where it names a tenant that exists.
    async fn refuse_stranger(
        &self,
        state: Option<&str>,
        refusal: Refusal,
        visitor: Visitor<'_>,
    ) -> Result<Refusal, Refusal> {
        let Some(id) = state.and_then(|text| StateId::parse(text).ok()) else { return Ok(refusal) };
        if refusal.problem.status >= 500 || self.store().config(&id.tenant()).await?.is_none() {
            return Ok(refusal);
        }
        let mut entry = self.entry(id.tenant(), Action::BindRefused, "anonymous", id.as_str(), visitor.from);
        refusal.problem.name.clone_into(&mut entry.result);
        self.store().append_audit(&with(entry, "reason", StateRefused::Foreign.name())).await?;
        Ok(if refusal.problem == problem::STATE_REFUSED {
            Refusal::because(problem::STATE_REFUSED, StateRefused::Foreign.name())
        } else {
            refusal
        })
    }

    fn oa_callback(&self) -> String {
        format!("{}{OA_CALLBACK}", self.config().origin)
    }
}

fn port_way<'a>(state: &'a StateId, way: &'a OaSignIn, return_to: &'a str) -> SignInWay<'a> {
    SignInWay { state: state.as_str(), nonce: &way.nonce, verifier: &way.verifier, return_to }
}

/// The code, if the answer is one that could prove somebody.
fn judge(place: &Place, answer: OaAnswer) -> Result<Secret<String>, NotLinked> {
    let expected = place.instance.oidc.as_ref().map(|oidc| oidc.issuer.as_str());
    if answer.issuer.is_some_and(|issuer| Some(issuer.as_str()) != expected) {
        return Err((Denied::NotProved, "issuer"));
    }
    match answer.error.as_deref() {
        None => {}
        Some("access_denied" | "login_required" | "interaction_required" | "consent_required") => {
            return Err((Denied::NotConfirmed, "access-denied"));
        }
        Some("server_error" | "temporarily_unavailable") => return Err((Denied::OaDown, "server-error")),
        Some(_) => return Err((Denied::OaSettings, "request-refused")),
    }
    let length = |code: &Secret<String>| code.expose().chars().take(CODE_CHARS_MAX + 1).count();
    let fits = |code: &Secret<String>| (1..=CODE_CHARS_MAX).contains(&length(code));
    answer.code.filter(fits).ok_or((Denied::NotProved, "code"))
}

/// What a call that told nothing means for the person; the log says more.
fn failed(error: &OaError) -> NotLinked {
    tracing::warn!(cause = %error, "the OA's sign-in page cannot be used");
    match error {
        OaError::Refused(_) => (Denied::OaSettings, "refused"),
        OaError::Malformed(_) => (Denied::OaDown, "malformed"),
        OaError::Down(_) => (Denied::OaDown, "down"),
    }
}
