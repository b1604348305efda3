//! What the bridge needs of an OA, whichever it is.

use std::fmt;
use std::future::Future;

use domain::destination::Destination;
use domain::ids::{EnterpriseId, OaUserId, QrId, TenantId, TicketId};
use domain::time::Timestamp;
use platform::secret::Secret;

use crate::model::{AppList, Capabilities, MatchField, OaUser, OrgUnit};
use crate::ticket::SigningKey;

/// Everything that the bridge asks of an OA. Reads may be repeated freely; nothing here writes to its organisation.
///
/// A call waits 10 s for an answer (a page 20 s) and repeats itself three times with pauses of 0.5, 1 and 2 s: a caller
/// with a person in front of it sets a limit of its own. [`Port::hand_off`] by ticket calls nobody, and
/// [`Port::check_password`] is sent once.
pub trait Port {
    /// What this OA can do; the console shows it and the flows obey it (oa-api.md 0).
    fn capabilities(&self) -> impl Future<Output = Result<Capabilities, OaError>> + Send;

    /// The user with this id, active or not; `None` when the OA knows no such id.
    fn user(&self, id: &OaUserId) -> impl Future<Output = Result<Option<OaUser>, OaError>> + Send;

    /// The users whose `field` equals `value`, at most [`MATCHES_MAX`]. More than one is a conflict that only a person
    /// can settle; an empty `value` matches nobody (product.md Q5).
    fn find_users(&self, field: MatchField, value: &str) -> impl Future<Output = Result<Vec<OaUser>, OaError>> + Send;

    /// One page of users, in the OA's order.
    fn users(&self, read: &Read) -> impl Future<Output = Result<Page<OaUser>, OaError>> + Send;

    /// One page of org units, in the OA's order; a parent may come after its child.
    fn units(&self, read: &Read) -> impl Future<Output = Result<Page<OrgUnit>, OaError>> + Send;

    /// All users, read completely or not at all: only such a read may conclude that somebody is gone.
    fn all_users(&self) -> impl Future<Output = Result<Vec<OaUser>, OaError>> + Send;

    /// All org units, read completely or not at all.
    fn all_units(&self) -> impl Future<Output = Result<Vec<OrgUnit>, OaError>> + Send;

    /// The homepage-type applications of this OA (product.md M14).
    fn apps(&self) -> impl Future<Output = Result<AppList, OaError>> + Send;

    /// What to do with the browser so that it is signed in to the OA as `visit.user` and opens `visit.dest`.
    fn hand_off(&self, visit: &Visit<'_>) -> impl Future<Output = Result<Step, OaError>> + Send;

    /// The ticket of a confirmed code, for the OA's server (oa-api.md C.4): the OA binds it to its own browser session,
    /// so it carries no nonce. The same visit gives the same ticket. Calls nobody.
    fn scan_ticket(&self, visit: &Visit<'_>) -> impl Future<Output = Result<Secret<String>, OaError>> + Send;

    /// Ends the OA session that this ticket opened (oa-api.md C.1, `session.revoke`).
    fn revoke(&self, ticket: &TicketId) -> impl Future<Output = Result<Revocation, OaError>> + Send;

    /// Whether this password belongs to this account, in the OA's judgement (oa-api.md C.3). One call of at most 10 s
    /// that is never repeated: a repetition could count as a second wrong try. So every failure on the way, 429 and 5xx
    /// among them, is [`OaError::Down`], and only the person may try again.
    ///
    /// What cannot be right ([`Attempt::is_possible`]) is [`Credential::Invalid`] without a call. The caller counts
    /// attempts (product.md C18); nothing here remembers one.
    fn check_password(&self, attempt: &Attempt<'_>) -> impl Future<Output = Result<Credential, OaError>> + Send;

    /// The address of the OA's own sign-in page for this way there; `None` = this OA sends nobody to one (oa-api.md
    /// C.3, `binding_mode = redirect`).
    fn sign_in_page(&self, way: &SignInWay<'_>) -> impl Future<Output = Result<Option<String>, OaError>> + Send;

    /// Who has signed in at that page, by the code that the browser brought back. One exchange that is never repeated:
    /// a code is good for one. Whether the OA knows the user is another question, [`Port::user`].
    fn signed_in(
        &self,
        way: &SignInWay<'_>,
        code: &Secret<String>,
    ) -> impl Future<Output = Result<SignedIn, OaError>> + Send;
}

/// Characters of a login at most; a longer one belongs to nobody.
pub const LOGIN_CHARS_MAX: usize = 200;
/// Bytes of a password at most; a longer one is wrong.
pub const PASSWORD_BYTES_MAX: usize = 1_000;

/// One try to prove an OA account by its password. `Debug` shows nothing that the person typed.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Names this try in both systems' logs; random.
    pub request_id: &'a str,
    /// As typed: login name, mobile, e-mail or work code.
    pub login: &'a str,
    pub password: &'a Secret<String>,
    /// The person's address, for the OA's own lock-out rules.
    pub ip: &'a str,
}

impl Attempt<'_> {
    /// Whether it can be right at all: something was typed, within [`LOGIN_CHARS_MAX`] and [`PASSWORD_BYTES_MAX`].
    /// Every adapter asks this before it calls, so that no call is larger than its limits.
    pub fn is_possible(&self) -> bool {
        let login_fits = !self.login.trim().is_empty() && self.login.chars().nth(LOGIN_CHARS_MAX).is_none();
        login_fits && (1..=PASSWORD_BYTES_MAX).contains(&self.password.expose().len())
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// What the OA says about an attempt (oa-api.md C.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    Ok(VerifiedUser),
    /// No such user, or not his password: one answer.
    Invalid,
    /// The OA has locked this login; it may be tried again in so many seconds.
    Locked {
        retry_after_s: u32,
    },
    /// The account is switched off.
    Disabled,
    /// A password alone is not enough for this account: it must sign in at the OA's own page.
    SecondFactor,
    /// This OA checks no passwords; nothing was sent.
    Unsupported,
}

/// Whose password it was. `Debug` shows no personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedUser {
    pub id: OaUserId,
    /// 登录名.
    pub login_id: String,
    pub display_name: String,
    /// 编号/工号.
    pub work_code: Option<String>,
}

impl fmt::Debug for VerifiedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedUser").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One way to the OA's own sign-in page and back. `Debug` shows none of its secrets.
#[derive(Clone, Copy)]
pub struct SignInWay<'a> {
    /// Travels through the browser; the caller knows its browser and that it is used once (product.md C1).
    pub state: &'a str,
    /// Proves that what comes back belongs to this way (product.md C2).
    pub nonce: &'a str,
    /// The PKCE code verifier: 43 to 128 letters and digits that never leave the two servers.
    pub verifier: &'a str,
    /// The address of the bridge that takes the browser back, absolute; the OA knows it.
    pub return_to: &'a str,
}

impl fmt::Debug for SignInWay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInWay").field("return_to", &self.return_to).finish_non_exhaustive()
    }
}

/// What the OA says about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    As(OaUserId),
    /// What came back proves nobody; which part of it, for the audit log: `code`, `signature`, `issuer`, `audience`,
    /// `time`, `nonce`, `subject` or `id-token`.
    NotProved(&'static str),
    /// This OA sends nobody to a sign-in page of its own; nothing was sent.
    Unsupported,
}

/// Users that [`Port::find_users`] returns at most.
pub const MATCHES_MAX: usize = 20;

/// A person on the way into the OA. The bridge has proved who it is and found the link.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    pub tenant: &'a TenantId,
    pub enterprise: &'a EnterpriseId,
    pub user: &'a OaUserId,
    /// The OA login name, when known.
    pub login_id: Option<&'a str>,
    /// The page to open; refused unless it is under a prefix that the instance allows.
    pub dest: &'a Destination,
    /// How the person was proved: `welink`, `qr` (oa-api.md C.2.1).
    pub amr: &'a [&'a str],
    /// The `jti` under which the caller remembers this hand-off. It is spent by every step but [`Step::StartFirst`].
    pub ticket: &'a TicketId,
    /// The scanned code that the ticket stands for (oa-api.md C.4).
    pub qr: Option<&'a QrId>,
    /// What the OA set at its start URL, when the browser comes from there.
    pub nonce: Option<&'a Nonce>,
    /// The address of the bridge that takes the nonce, absolute.
    pub return_to: &'a str,
    /// The bridge's origin, as the OA knows it.
    pub issuer: &'a str,
    pub key: &'a SigningKey,
    pub now: Timestamp,
}

/// What the browser does next.
#[derive(Debug, Clone)]
pub enum Step {
    /// POST these fields to `action` by a form that submits itself.
    Form { action: String, fields: Vec<(&'static str, Secret<String>)> },
    /// Go to this address; it may carry a ticket, hence `Referrer-Policy: no-referrer` and no log.
    Redirect(Secret<String>),
    /// Go to the OA's start URL first. It comes back with a nonce; then ask again with it (product.md C16).
    StartFirst(String),
}

/// What became of a session that should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    Ended,
    /// The OA knows no session of this ticket.
    NoSession,
    /// This OA cannot end sessions; they run out by themselves.
    NotSupported,
}

/// A nonce from the OA's start URL: 8 to 256 visible ASCII characters. It comes through the browser, hence the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// `None` when the text is no nonce.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (8..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which part to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Only what changed since: the [`Page::newest`] of the previous read. The adapter reads a little earlier by
    /// itself, so an item may come again. `None` = everything.
    pub changed_since: Option<Timestamp>,
    /// [`Page::next`] of the previous page; `None` = the first page.
    pub cursor: Option<Cursor>,
}

/// A place in a read; its text belongs to the adapter and may be stored in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a read.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` after the last page.
    pub next: Option<Cursor>,
    /// How many items the whole read has, as the OA says with this page.
    pub total: u64,
    /// The latest change among `items`, by the OA's clock.
    pub newest: Option<Timestamp>,
}

/// Why the OA did not do what was asked; the variants say what to do. The texts hold neither bodies nor personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OaError {
    /// Retry later; the adapter's own retries are used up (oa-api.md C.7).
    #[error("the OA does not answer: {0}")]
    Down(String),
    /// Tell the administrator: an address, a key or a right is wrong, here or in the OA.
    #[error("the OA refuses: {0}")]
    Refused(String),
    /// Give up and tell whoever maintains the OA: its answer breaks the contract.
    #[error("the OA's answer cannot be used: {0}")]
    Malformed(String),
}
