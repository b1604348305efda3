//! From an opened app to a known person: the one-time state, WeLink's code, the person, his link.

use domain::agent;
use domain::audit::{Action, Entry};
use domain::destination::Destination;
use domain::ids::{AppId, EnterpriseId, QrId, StateId, WeLinkUserId};
use domain::model::{App, Enterprise, Homepage, OaInstance, Person, PersonSource, SignInNote};
use domain::problem;
use domain::session::{OneTimeState, Purpose, STATE_S, StateRefused, VisitedPage};
use platform::secret::{Secret, sha256_hex};
use state::config::TenantConfig;
use welink::{Credentials, Status, UserDetail, WeLinkError};

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// Binds one-time states to a browser.
pub const BROWSER_COOKIE: &str = "__Host-browser";
/// Characters of the secret that binds a state to its browser: 130 bits.
const BROWSER_CHARS: usize = 26;
/// Departments that the copy keeps of one person.
const DEPARTMENTS_MAX: usize = 50;

/// What the page that asks WeLink for the code needs.
#[derive(Debug)]
pub struct Begun {
    pub app: App,
    pub state: StateId,
    /// For the browser's cookie; the one it already had, if it had one: two tabs share it.
    pub browser: Secret<String>,
    /// The page of the deep link, if it was accepted.
    pub dest: Option<Destination>,
    /// Origins that the sign-in may lead to, for the page's `form-action`.
    pub onward_origins: Vec<String>,
}

/// What a browser tells of itself.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The cookie that binds states to this browser.
    pub browser: Option<&'a str>,
    /// The address, for the audit log.
    pub from: &'a str,
    pub device: Device,
    /// What it says of itself.
    pub agent: &'a str,
}

/// Which of the OA's pages suits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Phone,
    Pc,
}

impl Device {
    pub fn from_user_agent(agent: &str) -> Self {
        let phone = ["Mobile", "Android", "iPhone", "HarmonyOS"].iter().any(|word| agent.contains(word));
        if phone { Self::Phone } else { Self::Pc }
    }
}

/// The callback of a page: what it posts.
#[derive(Debug)]
pub struct Callback {
    pub state: Option<String>,
    pub code: Secret<String>,
}

/// A person who is let in, and where he goes.
#[derive(Debug)]
pub enum Entered {
    /// To the OA, as this person.
    Oa(Box<crate::handoff::Visit>),
    /// To the binding page, with the cookie of this visit: he is not linked yet.
    Bind(Secret<String>),
    /// To his own page, with the cookie of this visit.
    Me(Secret<String>),
    /// To a link outside: he is known, nothing is handed over.
    Link(String),
}

impl Bridge {
    /// Begins a sign-in at `app`: a one-time state, bound to the browser. `to` is the path of a deep link; one outside
    /// the allow-list leads to the homepage instead (product.md HOM-08).
    pub async fn begin(
        &self,
        app: &AppId,
        to: Option<&str>,
        purpose: Purpose,
        visitor: Visitor<'_>,
    ) -> Result<Begun, Refusal> {
        let (_, app, _, instance) = self.find(app).await?;
        if !app.enabled {
            return Err(problem::APP_DISABLED.into());
        }
        if !app.has_secret() {
            return Err(problem::SECRET_MISSING.into());
        }
        let dest = deep_link(to, &instance);
        let (state, browser) = self.begin_state(&app, dest.clone(), purpose, None, visitor).await?;
        let onward_origins = onward_origins(&app, &instance);
        Ok(Begun { app, state, browser, dest, onward_origins })
    }

    /// Stores a one-time state bound to the browser; its id, and the secret for the browser's cookie: the one that it
    /// already had, if it had one.
    pub(crate) async fn begin_state(
        &self,
        app: &App,
        dest: Option<Destination>,
        purpose: Purpose,
        qr: Option<&QrId>,
        visitor: Visitor<'_>,
    ) -> Result<(StateId, Secret<String>), Refusal> {
        let known =
            visitor.browser.filter(|b| b.len() == BROWSER_CHARS && b.bytes().all(|c| c.is_ascii_alphanumeric()));
        let browser = known.map_or_else(|| self.entropy().token(BROWSER_CHARS), str::to_owned);
        let now = self.clock().now();
        let state = OneTimeState {
            id: self.new_state_id(&app.id.tenant()),
            app: app.id.clone(),
            browser: sha256_hex(&browser),
            purpose,
            dest,
            oa_sign_in: None,
            qr: qr.cloned(),
            created: now,
            expires: now.plus_s(STATE_S),
        };
        self.store().put_state(&state).await?;
        Ok((state.id, Secret::new(browser)))
    }

    /// Takes a callback at `app`'s address and says who is there. Every refusal is audited once.
    pub async fn enter(&self, app: &AppId, callback: Callback, visitor: Visitor<'_>) -> Result<Entered, Refusal> {
        // The address names the app only to say whose audit log a refusal belongs to; who signs in where is decided by
        // the state alone (product.md C4).
        let (_, app, enterprise, instance) = self.find(app).await?;
        let here = |state: &OneTimeState| matches!(state.purpose, Purpose::InApp | Purpose::Me);
        // Neither needs the other, and each is a round trip to the table that the person would wait for.
        let prepared = Box::pin(self.prepare_exchange(&app));
        let (state, ()) = tokio::join!(self.take_state(&app, &callback, visitor, here), prepared);
        let state = match state? {
            Ok(state) => state,
            Err(why) => return Err(self.refuse_state(&app, why, visitor).await?),
        };
        let mut actor = "anonymous".to_owned();
        let place = Place { app: &app, enterprise: &enterprise, instance: &instance };
        let entered = self.enter_as_somebody(place, state, callback.code, visitor, &mut actor).await;
        if let Err(refusal) = &entered {
            self.store().append_audit(&self.refused_entry(&app, &actor, visitor, refusal.problem.name)).await?;
        }
        entered
    }

    /// Has WeLink's client ready for the exchange of this app's code. What fails here, the exchange meets again.
    async fn prepare_exchange(&self, app: &App) {
        if app.enabled
            && let Ok(credentials) = self.credentials(app).await
        {
            self.welink().prepare_user_id(&credentials).await;
        }
    }

    /// Audits a callback that another site caused; the app must exist, so that nobody fills a log with inventions.
    pub async fn refuse_cross_site(&self, app: &AppId, visitor: Visitor<'_>) -> Result<(), Refusal> {
        let (_, app, ..) = self.find(app).await?;
        let entry = self.refused_entry(&app, "anonymous", visitor, problem::CROSS_SITE.name);
        Ok(self.store().append_audit(&entry).await?)
    }

    async fn enter_as_somebody(
        &self,
        place: Place<'_>,
        state: OneTimeState,
        code: Secret<String>,
        visitor: Visitor<'_>,
        actor: &mut String,
    ) -> Result<Entered, Refusal> {
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
        if state.purpose == Purpose::Me {
            let (person, _) = self.person_of(place.enterprise, app, &credentials, &identity.user_id, visitor).await?;
            return Ok(Entered::Me(
                self.begin_visit(app, &person.user_id, Destination::root(), VisitedPage::Me).await?,
            ));
        }
        self.let_in(place, &credentials, identity.user_id, state.dest, visitor).await
    }

    /// A member whom WeLink has proved: who is he here, which OA user is that, and where does he go?
    pub(crate) async fn let_in(
        &self,
        place: Place<'_>,
        credentials: &Credentials,
        user: WeLinkUserId,
        dest: Option<Destination>,
        visitor: Visitor<'_>,
    ) -> Result<Entered, Refusal> {
        let Place { app, enterprise, instance } = place;
        let (person, fresh) = self.person_of(enterprise, app, credentials, &user, visitor).await?;
        let dest = match (&dest, &app.homepage, visitor.device) {
            (Some(dest), ..) => dest.clone(),
            (None, Homepage::CustomLink { link }, _) => {
                let actor = format!("welink:{user}");
                let entry = self.entry(app.id.tenant(), Action::SignIn, &actor, app.id.as_str(), visitor.from);
                self.store().append_audit(&entry).await?;
                return Ok(Entered::Link(link.as_str().to_owned()));
            }
            (None, Homepage::OaApp { dest_mobile, .. }, Device::Phone) => dest_mobile.clone(),
            (None, Homepage::OaApp { dest_pc, .. }, Device::Pc) => dest_pc.clone(),
        };
        let linked = match &person.link {
            Some(link) => Some(link.clone()),
            None => self.auto_bind(place, credentials, &person, fresh, visitor).await?,
        };
        let Some(link) = linked else {
            return Ok(Entered::Bind(self.begin_bind(app, instance, &person.user_id, dest).await?));
        };
        Ok(Entered::Oa(Box::new(crate::handoff::Visit {
            app: app.clone(),
            instance: instance.clone(),
            user,
            oa_user: link.oa_user,
            login_id: link.login_id,
            dest,
            auth_time: self.clock().now(),
            sign_ins: Some(person.sign_ins_with(self.note(visitor))),
            from: visitor.from.to_owned(),
            scanned: None,
        })))
    }

    /// Says in the app's audit log why a state was refused.
    pub(crate) async fn refuse_state(
        &self,
        app: &App,
        why: StateRefused,
        visitor: Visitor<'_>,
    ) -> Result<Refusal, Refusal> {
        let entry = self.refused_entry(app, "anonymous", visitor, problem::STATE_REFUSED.name);
        self.store().append_audit(&with(entry, "reason", why.name())).await?;
        Ok(Refusal::because(problem::STATE_REFUSED, why.name()))
    }

    pub(crate) async fn take_state(
        &self,
        app: &App,
        callback: &Callback,
        visitor: Visitor<'_>,
        fits: impl Fn(&OneTimeState) -> bool,
    ) -> Result<Result<OneTimeState, StateRefused>, Refusal> {
        let Some(text) = callback.state.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(Err(StateRefused::Missing));
        };
        // A state of another tenant is not even looked up: this request leaves no trace there (product.md SEC-01).
        let id = match StateId::parse(text) {
            Ok(id) if id.tenant() == app.id.tenant() => id,
            _ => return Ok(Err(StateRefused::Unknown)),
        };
        let Some(browser) = visitor.browser else { return Ok(Err(StateRefused::Foreign)) };
        let taken = self.store().take_state(&id, &sha256_hex(browser)).await?;
        let fits = |state: &OneTimeState| state.app == app.id && fits(state);
        Ok(taken.and_then(|state| if fits(&state) { Ok(state) } else { Err(StateRefused::Foreign) }))
    }

    /// The person in the bridge copy; a first visit writes him (product.md M30, HOM-06). With him what WeLink was asked
    /// of him, if it was.
    pub(crate) async fn person_of(
        &self,
        enterprise: &Enterprise,
        app: &App,
        credentials: &Credentials,
        user: &WeLinkUserId,
        visitor: Visitor<'_>,
    ) -> Result<(Person, Option<UserDetail>), Refusal> {
        if let Some(person) = self.store().person(&enterprise.id, user).await? {
            return Ok((person, None));
        }
        // Names and numbers are a convenience of the copy: without the permission to read them he is written all the
        // same. A member whom the app is not shown at all is outside its range (welink-api.md 4).
        let detail = match self.welink().user_detail(credentials, user).await {
            Err(WeLinkError::Permission { .. }) => None,
            answer => Some(answer?.ok_or(problem::NOT_IN_RANGE)?),
        };
        if detail.as_ref().is_some_and(|detail| detail.status == Status::Closed) {
            return Err(problem::LEFT_COMPANY.into());
        }
        let person = self.new_person(&enterprise.id, user, PersonSource::Sso, detail.clone());
        let actor = format!("welink:{user}");
        let entry = self.entry(app.id.tenant(), Action::PersonCreate, &actor, user.as_str(), visitor.from);
        if self.store().create_person(&person, &entry).await? {
            return Ok((person, detail));
        }
        // Somebody else wrote him at the same moment, perhaps with a link.
        let there = self.store().person(&enterprise.id, user).await?;
        let there = there.ok_or_else(|| Refusal::because(problem::UNAVAILABLE, "a person was written and is gone"))?;
        Ok((there, detail))
    }

    pub(crate) fn note(&self, visitor: Visitor<'_>) -> SignInNote {
        SignInNote { at: self.clock().now(), from: visitor.from.to_owned(), device: agent::named(visitor.agent) }
    }

    /// A person who is not in the copy yet, with what WeLink tells of him.
    pub fn new_person(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        source: PersonSource,
        detail: Option<UserDetail>,
    ) -> Person {
        let mut person = Person::new(enterprise.clone(), user.clone(), source, self.clock().now());
        if let Some(detail) = detail {
            person.name_zh = detail.name_cn.unwrap_or_default();
            person.name_en = detail.name_en.unwrap_or_default();
            person.mobile = detail.mobile.unwrap_or_default();
            person.email = detail.email.unwrap_or_default();
            person.corp_user_id = detail.corp_user_id.unwrap_or_default();
            // WeLink may leave the main department out of the list of all.
            let rest = detail.depts.into_iter().filter(|code| detail.main_dept.as_ref() != Some(code));
            person.departments = detail.main_dept.iter().cloned().chain(rest).take(DEPARTMENTS_MAX).collect();
        }
        person
    }

    pub(crate) fn refused_entry(&self, app: &App, actor: &str, visitor: Visitor<'_>, result: &str) -> Entry {
        let mut entry = self.entry(app.id.tenant(), Action::SignInRefused, actor, app.id.as_str(), visitor.from);
        result.clone_into(&mut entry.result);
        entry
    }

    /// The app with all that it depends on; an id of nothing, or of another tenant, is not found.
    pub(crate) async fn find(
        &self,
        app: &AppId,
    ) -> Result<(std::sync::Arc<TenantConfig>, App, Enterprise, OaInstance), Refusal> {
        let config = self.store().config(&app.tenant()).await?.ok_or(problem::NOT_FOUND)?;
        let app = config.app(app).cloned().ok_or(problem::NOT_FOUND)?;
        let enterprise = config.enterprise(&app.enterprise).cloned().ok_or(problem::NOT_FOUND)?;
        let instance = config.oa_instance(&enterprise.oa_instance).cloned().ok_or(problem::NOT_FOUND)?;
        Ok((config, app, enterprise, instance))
    }
}

/// Where somebody wants in.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub app: &'a App,
    pub enterprise: &'a Enterprise,
    pub instance: &'a OaInstance,
}

pub(crate) fn with(mut entry: Entry, name: &str, value: &str) -> Entry {
    entry.detail.insert(name.to_owned(), value.to_owned());
    entry
}

/// The page of a deep link, unless it lies outside the allow-list (product.md HOM-08).
pub(crate) fn deep_link(to: Option<&str>, instance: &OaInstance) -> Option<Destination> {
    let dest = Destination::parse(to?).ok()?;
    dest.within(&instance.allowed_dest_prefixes).ok()
}

/// Origins that a form post of the opening page may be redirected to.
pub(crate) fn onward_origins(app: &App, instance: &OaInstance) -> Vec<String> {
    let mut urls = vec![instance.sso_landing.as_str()];
    urls.extend(instance.start_url.as_deref());
    if let Homepage::CustomLink { link } = &app.homepage {
        urls.push(link.as_str());
    }
    let mut origins: Vec<String> = urls
        .into_iter()
        .filter_map(|text| url::Url::parse(text).ok())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    origins
}
