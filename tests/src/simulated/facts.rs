//! What was seen from outside the bridge: by browsers, at WeLink and at the OAs. The checker believes nothing else,
//! besides the table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use domain::ids::WeLinkUserId;
use domain::time::Timestamp;
use http::Request;
use platform::secret::sha256_hex;

use super::record::lock;

/// A code that a phone got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub side: usize,
    pub user: WeLinkUserId,
}

/// A code that arrived at WeLink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// [`code_name`] of the code.
    pub code: String,
    /// The `code` of WeLink's answer, or why there was none.
    pub outcome: String,
    /// WeLink may have taken the code, whatever the bridge heard of it.
    pub taken: bool,
}

/// A session that an OA opened for a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub side: usize,
    pub jti: String,
    /// Login name of the OA account.
    pub login: String,
}

/// A session that lives in an OA.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    pub side: usize,
    pub jti: String,
    pub login: String,
}

/// A page of the bridge that refused a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub side: usize,
    pub trace: String,
    pub problem: String,
}

/// A browser that arrived at a page of the OA, and whose code it had posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub jti: String,
    pub side: usize,
    pub user: WeLinkUserId,
}

/// A password that somebody typed on the binding page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub side: usize,
    pub user: WeLinkUserId,
    /// The login name of the OA account that he typed.
    pub login: String,
    /// [`code_name`] of the password.
    pub password: String,
    pub at: Timestamp,
}

/// A password that an OA judged, whatever the bridge heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub side: usize,
    /// The `request_id` of the question: the trace of the browser's request.
    pub trace: String,
    /// [`code_name`] of the password.
    pub password: String,
    pub at: Timestamp,
    /// The OA user that the password was right for.
    pub accepted: Option<String>,
}

/// A person's side of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub side: usize,
    pub user: String,
    pub oa_user: String,
    pub origin: String,
    /// Who made it.
    pub by: String,
}

/// Both sides of every link, as the table has them at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    pub people: Vec<Link>,
    /// Side, OA user and WeLink account of every entry of the OA users' side.
    pub backs: Vec<(usize, String, String)>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// By [`code_name`].
    pub codes: BTreeMap<String, Code>,
    pub exchanges: Vec<Exchange>,
    pub opened: Vec<Opened>,
    /// The OAs' sessions, looked at now and then.
    pub listed: Vec<Vec<Listed>>,
    pub refused: Vec<Refused>,
    pub arrived: Vec<Arrived>,
    /// Signed redeem requests as the OAs sent them.
    pub redeems: Vec<Request<Bytes>>,
    /// Times in which the wavering member certainly had no link.
    pub unlinked: Vec<(Timestamp, Timestamp)>,
    pub typed: Vec<Typed>,
    pub checked: Vec<Checked>,
    /// The links, looked at now and then.
    pub links: Vec<Links>,
    pub administrator_busy: bool,
    /// A request to bind him had no answer.
    pub bind_may_come: bool,
    /// How often each side's WeLink tokens were revoked.
    pub revoked: BTreeMap<usize, u64>,
    /// Successful token fetches by side.
    pub fetched: BTreeMap<usize, u64>,
    /// What no run may show; found while it ran.
    pub violations: Vec<String>,
}

/// The collection; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Facts(Arc<Mutex<Seen>>);

impl Facts {
    pub fn see(&self) -> MutexGuard<'_, Seen> {
        lock(&self.0)
    }

    pub fn violation(&self, text: impl Into<String>) {
        self.see().violations.push(text.into());
    }
}

/// How a code is called where it must not be named.
pub fn code_name(code: &str) -> String {
    sha256_hex(code)[..12].to_owned()
}

/// The id of a ticket.
pub fn jti(ticket: &str) -> Option<String> {
    claim(ticket, "jti")
}

/// A claim of a ticket, read from outside: the second part of the JWT.
pub fn claim(ticket: &str, name: &str) -> Option<String> {
    use base64::Engine as _;
    let payload = ticket.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    claims[name].as_str().map(str::to_owned)
}
