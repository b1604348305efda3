//! Linking somebody who is not linked yet, by his OA password on the binding page (product.md M28, HOM-04). The way by
//! the OA's own sign-in page is beside it ([`crate::oa_sign_in`]), matching without asking in [`crate::auto_bind`].

use domain::audit::{Action, Entry};
use domain::destination::Destination;
use domain::ids::{BindId, OaUserId, RANDOM_CHARS, WeLinkUserId};
use domain::lockout::{PASSWORD_ADDRESS, PASSWORD_LOGIN, PASSWORD_PERSON};
use domain::model::{App, BindingMode, Enterprise, Link, LinkOrigin, OaInstance, Person, SignInNote, Stamp};
use domain::problem;
use domain::session::{BIND_S, BindSession, VisitedPage};
use oa::port::{Attempt, Credential, OaError, Port as _, VerifiedUser};
use platform::secret::{Secret, sha256_hex};
use platform::trace::TraceId;
use state::link::Bound;
use state::lockout::Subject;

use crate::bridge::Bridge;
use crate::enter::{Visitor, onward_origins, with};
use crate::handoff::Visit;
use crate::refusal::Refusal;

/// Characters of a visit's secret: 130 bits.
const SECRET_CHARS: usize = 26;
/// Stable name of the alert, in the log and in the audit log.
const ADDRESS_ALERT: &str = "wrong-passwords-from-one-address";

/// A person on the binding page.
#[derive(Debug)]
pub struct BindPage {
    pub oa_name: String,
    /// He may enter his OA account here.
    pub by_password: bool,
    /// He may sign in at the OA's own page.
    pub at_oa: bool,
    /// Origins that a success leads to, for the page's `form-action`.
    pub onward_origins: Vec<String>,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Attempted {
    /// Linked: on to the OA.
    On(Box<Visit>),
    /// The same page again, saying why.
    Again(BindPage, Denied),
}

/// Why an attempt did not link; the page says what to do about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Unknown user and wrong password are one answer (product.md C18).
    Wrong,
    Locked {
        wait_s: i64,
    },
    Disabled,
    /// The OA asks for a second factor, which this page cannot.
    SecondFactor,
    /// That OA account is linked to somebody else.
    Taken,
    OaDown,
    /// He comes back from the OA's sign-in page with a state that is not, or no longer, his.
    Stale,
    /// He did not sign in there, or refused.
    NotConfirmed,
    /// What came back proves nobody.
    NotProved,
    /// He signed in as somebody whom the OA's directory does not have.
    Unknown,
    /// The bridge and the OA's sign-in page do not agree; only an administrator can help.
    OaSettings,
}

impl Denied {
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong-password",
            Self::Locked { .. } => "locked",
            Self::Disabled => "oa-user-disabled",
            Self::SecondFactor => "second-factor",
            Self::Taken => "oa-user-taken",
            Self::OaDown => "oa-down",
            Self::Stale => "state-refused",
            Self::NotConfirmed => "oa-not-confirmed",
            Self::NotProved => "oa-not-proved",
            Self::Unknown => "oa-user-unknown",
            Self::OaSettings => "oa-settings",
        }
    }
}

/// A visit with all that it depends on.
pub(crate) struct Place {
    pub session: BindSession,
    pub app: App,
    pub enterprise: Enterprise,
    pub instance: OaInstance,
}

impl Bridge {
    /// Lets a proved person try: the cookie for his browser. Where nobody binds himself he is told to ask.
    pub(crate) async fn begin_bind(
        &self,
        app: &App,
        instance: &OaInstance,
        user: &WeLinkUserId,
        dest: Destination,
    ) -> Result<Secret<String>, Refusal> {
        if instance.binding_mode == BindingMode::Off {
            return Err(problem::NOT_LINKED.into());
        }
        self.begin_visit(app, user, dest, VisitedPage::Bind).await
    }

    /// A proved person's visit to a page of the bridge itself, bound to his browser.
    pub(crate) async fn begin_visit(
        &self,
        app: &App,
        user: &WeLinkUserId,
        dest: Destination,
        page: VisitedPage,
    ) -> Result<Secret<String>, Refusal> {
        let now = self.clock().now();
        let secret = self.entropy().token(SECRET_CHARS);
        let session = BindSession {
            id: BindId::from_random(&app.id.tenant(), self.entropy().bytes::<RANDOM_CHARS>()),
            page,
            app: app.id.clone(),
            user: user.clone(),
            dest,
            secret: sha256_hex(&secret),
            auth_time: now,
            expires: now.plus_s(BIND_S),
        };
        self.store().put_bind_session(&session).await?;
        Ok(Secret::new(format!("{}.{secret}", session.id)))
    }

    /// The binding page of this browser's visit.
    pub async fn bind_page(&self, cookie: Option<&str>) -> Result<BindPage, Refusal> {
        let place = self.visited(cookie, VisitedPage::Bind).await?;
        Ok(place.page())
    }

    /// Tries an OA account. The password lives for this call alone.
    pub async fn bind_by_password(
        &self,
        cookie: Option<&str>,
        login: &str,
        password: Secret<String>,
        visitor: Visitor<'_>,
    ) -> Result<Attempted, Refusal> {
        let place = self.visited(cookie, VisitedPage::Bind).await?;
        let person = self.store().person(&place.enterprise.id, &place.session.user).await?;
        let sign_ins = self.sign_ins_of(person.as_ref(), visitor);
        if let Some(link) = person.and_then(|person| person.link) {
            // Linked meanwhile, in another tab or by an administrator: he has proved who he is, so he goes on.
            return Ok(Attempted::On(Box::new(place.visit(link, sign_ins, visitor))));
        }
        let verified = self.verify(&place, login, password, visitor).await;
        if let Err(refusal) = &verified {
            self.store().append_audit(&self.denied_entry(&place, refusal.problem.name, visitor)).await?;
        }
        let denied = match verified? {
            Ok(user) => match self.link_verified(&place, user, LinkOrigin::Password, visitor).await? {
                Ok(link) => return Ok(Attempted::On(Box::new(place.visit(link, sign_ins, visitor)))),
                Err(denied) => denied,
            },
            Err(denied) => denied,
        };
        self.store().append_audit(&self.denied_entry(&place, denied.name(), visitor)).await?;
        Ok(Attempted::Again(place.page(), denied))
    }

    /// What his item remembers from this sign-in on.
    pub(crate) fn sign_ins_of(&self, person: Option<&Person>, visitor: Visitor<'_>) -> Vec<SignInNote> {
        let note = self.note(visitor);
        person.map_or_else(|| vec![note.clone()], |person| person.sign_ins_with(note.clone()))
    }

    pub(crate) fn denied_entry(&self, place: &Place, result: &str, visitor: Visitor<'_>) -> Entry {
        let actor = format!("welink:{}", place.session.user);
        let app = &place.app.id;
        let mut entry = self.entry(app.tenant(), Action::BindRefused, &actor, app.as_str(), visitor.from);
        result.clone_into(&mut entry.result);
        entry
    }

    async fn verify(
        &self,
        place: &Place,
        login: &str,
        password: Secret<String>,
        visitor: Visitor<'_>,
    ) -> Result<Result<VerifiedUser, Denied>, Refusal> {
        let tenant = place.app.id.tenant();
        let by_person = format!("bind#{}#{}", place.enterprise.id, place.session.user);
        // Hashed: what somebody types into the account field may be his password.
        let by_login = format!("login#{}#{}", place.instance.id, sha256_hex(&login.trim().to_lowercase()));
        let (person, name) = (Subject::Tenant(&tenant, &by_person), Subject::Tenant(&tenant, &by_login));
        let oa = self.oa(&place.instance).await?;
        if let Err(wait_s) = self.store().take_attempt(person, PASSWORD_PERSON).await? {
            return Ok(Err(Denied::Locked { wait_s }));
        }
        if let Err(wait_s) = self.store().take_attempt(name, PASSWORD_LOGIN).await? {
            self.store().give_attempt_back(person).await?;
            return Ok(Err(Denied::Locked { wait_s }));
        }
        let trace = TraceId::current();
        let attempt =
            Attempt { request_id: trace.as_str(), login: login.trim(), password: &password, ip: visitor.from };
        let answer = match oa.check_password(&attempt).await {
            Ok(Credential::Ok(user)) => Ok(Ok(user)),
            Ok(Credential::Invalid) => {
                self.note_wrong(place, visitor).await?;
                return Ok(Err(Denied::Wrong));
            }
            Ok(Credential::Locked { retry_after_s }) => Ok(Err(Denied::Locked { wait_s: i64::from(retry_after_s) })),
            Ok(Credential::Disabled) => Ok(Err(Denied::Disabled)),
            Ok(Credential::SecondFactor) => Ok(Err(Denied::SecondFactor)),
            Ok(Credential::Unsupported) => Err(problem::NOT_LINKED.into()),
            Err(error @ OaError::Refused(_)) => Err(error.into()),
            Err(error) => {
                tracing::warn!(cause = %error, "the OA cannot check a password");
                Ok(Err(Denied::OaDown))
            }
        };
        drop(password);
        // Only wrong passwords count.
        self.store().give_attempt_back(person).await?;
        self.store().give_attempt_back(name).await?;
        answer
    }

    /// Counts a wrong password for its address. Many raise one alert a window and lock nobody: one office shares an
    /// address (product.md C18). The log line is for alarms; the address itself is in the audit log alone.
    async fn note_wrong(&self, place: &Place, visitor: Visitor<'_>) -> Result<(), Refusal> {
        let tenant = place.app.id.tenant();
        let by_address = format!("bind-address#{}", visitor.from);
        let address = Subject::Tenant(&tenant, &by_address);
        if self.store().count_failure(address, PASSWORD_ADDRESS).await? < PASSWORD_ADDRESS.failures_max {
            return Ok(());
        }
        let object = place.app.id.as_str();
        let mut entry = self.entry(tenant.clone(), Action::AddressAlert, "anonymous", object, visitor.from);
        ADDRESS_ALERT.clone_into(&mut entry.result);
        if self.store().alert_once(address, PASSWORD_ADDRESS, &entry).await? {
            tracing::warn!(alert = ADDRESS_ALERT, app = object, "many wrong passwords from one address");
        }
        Ok(())
    }

    /// Links the person of this visit to a user whom the OA has proved.
    pub(crate) async fn link_verified(
        &self,
        place: &Place,
        user: VerifiedUser,
        origin: LinkOrigin,
        visitor: Visitor<'_>,
    ) -> Result<Result<Link, Denied>, Refusal> {
        let link = self.new_link(&place.session.user, user.id, user.login_id, origin);
        match self.write_link(&place.app, &place.session.user, &link, visitor).await? {
            Bound::Done => Ok(Ok(link)),
            Bound::OaUserTaken => Ok(Err(Denied::Taken)),
            // Linked in this very moment: to the same account by another tab, or by an administrator to another.
            Bound::PersonRefused => {
                let person = self.store().person(&place.enterprise.id, &place.session.user).await?;
                let link = person.and_then(|person| person.link).filter(|there| there.oa_user == link.oa_user);
                Ok(link.ok_or(Denied::Taken))
            }
        }
    }

    pub(crate) fn new_link(
        &self,
        user: &WeLinkUserId,
        oa_user: OaUserId,
        login_id: String,
        origin: LinkOrigin,
    ) -> Link {
        Link { oa_user, login_id, origin, bound: Stamp { at: self.clock().now(), by: format!("welink:{user}") } }
    }

    /// Writes a link together with its audit entry.
    pub(crate) async fn write_link(
        &self,
        app: &App,
        user: &WeLinkUserId,
        link: &Link,
        visitor: Visitor<'_>,
    ) -> Result<Bound, Refusal> {
        let entry = self.entry(app.id.tenant(), Action::Bind, &link.bound.by, user.as_str(), visitor.from);
        let origin = format!("{:?}", link.origin);
        let entry = with(with(entry, "oa_user", link.oa_user.as_str()), "origin", &origin);
        Ok(self.store().bind(&app.enterprise, user, link, &entry).await?)
    }

    pub(crate) async fn visited(&self, cookie: Option<&str>, page: VisitedPage) -> Result<Place, Refusal> {
        let parsed = cookie.and_then(|text| {
            let (id, secret) = text.split_once('.')?;
            Some((BindId::parse(id).ok()?, sha256_hex(secret)))
        });
        let (id, secret) = parsed.ok_or(problem::STATE_REFUSED)?;
        let session = self.store().bind_session(&id, &secret).await?.filter(|session| session.page == page);
        let session = session.ok_or(problem::STATE_REFUSED)?;
        let (_, app, enterprise, instance) = self.find(&session.app).await?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        Ok(Place { session, app, enterprise, instance })
    }
}

impl Place {
    pub(crate) fn page(&self) -> BindPage {
        let mode = self.instance.binding_mode;
        BindPage {
            oa_name: self.instance.name.clone(),
            by_password: mode.checks_passwords(),
            at_oa: mode.redirects(),
            onward_origins: onward_origins(&self.app, &self.instance),
        }
    }

    pub(crate) fn visit(self, link: Link, sign_ins: Vec<SignInNote>, visitor: Visitor<'_>) -> Visit {
        Visit {
            app: self.app,
            instance: self.instance,
            user: self.session.user,
            oa_user: link.oa_user,
            login_id: link.login_id,
            dest: self.session.dest,
            auth_time: self.session.auth_time,
            sign_ins: Some(sign_ins),
            from: visitor.from.to_owned(),
            scanned: None,
        }
    }
}
