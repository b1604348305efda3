//! Scan login (扫码登录): a code on a screen, a phone that scans it, a person who confirms (oa-api.md C.4, product.md C6 to
//! C14).
//!
//! `pending -> scanned -> approved | denied`, any of the first two `-> expired`, `approved -> consumed`. What a step
//! demands is said here; the table demands the same of its one conditional write, and a test drives both side by side.

use serde::{Deserialize, Serialize};

use crate::destination::Destination;
use crate::ids::{AppId, OaInstanceId, OaUserId, QrId, SessionId, TicketId, WeLinkUserId};
use crate::network::Network;
use crate::session::TICKET_S;
use crate::time::Timestamp;

/// Bounds of a code's life and what it is by default, seconds (product.md C6).
pub const LIFE_S_MIN: i64 = 30;
pub const LIFE_S_MAX: i64 = 300;
pub const LIFE_S: i64 = 120;
/// How often a page may show a new code by itself (product.md C6).
pub const REFRESHES_MAX: u8 = 5;
/// How long an approval waits for its browser: the life of the ticket that it stands for.
pub const APPROVED_S: i64 = TICKET_S;
/// How long a code is remembered after its beginning, whatever became of it (product.md OPS-09): so long may its person
/// say that it was not him.
pub const KEPT_S: i64 = 600;
/// Networks that a tenant may list.
pub const NETWORKS_MAX: usize = 50;

/// A tenant's settings of scan login (product.md M88).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own to whoever sets it")]
pub struct ScanLogin {
    pub enabled: bool,
    /// The integrated apps that identify who scans, one per enterprise at most, in the order in which they are offered.
    #[serde(default)]
    pub apps: Vec<AppId>,
    /// Life of a code, seconds.
    #[serde(default = "life_s")]
    pub life_s: i64,
    /// The phone asks which number the screen shows (product.md C11).
    #[serde(default)]
    pub number_matching: bool,
    /// The company's networks: a screen in one of them is told as "office network".
    #[serde(default)]
    pub networks: Vec<Network>,
    /// Only screens in these networks may begin (product.md C12).
    #[serde(default)]
    pub networks_only: bool,
    /// How often the page shows a new code by itself, up to [`REFRESHES_MAX`].
    #[serde(default = "refreshes")]
    pub refreshes: u8,
    /// The bridge's page shows WeLink's own element instead of a code of ours (welink-api.md 3.5): then WeLink asks the
    /// person, and our confirmation, number and "this was not me" do not take part.
    #[serde(default)]
    pub welink_element: bool,
    /// Who changed it last, and when.
    #[serde(default)]
    pub changed: Option<crate::model::Stamp>,
    #[serde(default)]
    pub version: u64,
}

fn life_s() -> i64 {
    LIFE_S
}

fn refreshes() -> u8 {
    REFRESHES_MAX
}

impl Default for ScanLogin {
    fn default() -> Self {
        Self {
            enabled: false,
            apps: Vec::new(),
            life_s: LIFE_S,
            number_matching: false,
            networks: Vec::new(),
            networks_only: false,
            refreshes: REFRESHES_MAX,
            welink_element: false,
            changed: None,
            version: 0,
        }
    }
}

impl ScanLogin {
    /// Whether this address lies in one of the company's networks; what is no address lies in none.
    pub fn is_office(&self, address: &str) -> bool {
        self.networks.iter().any(|network| network.holds(address))
    }
}

/// Where a code is shown, and what may ask for its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Shown {
    /// On the bridge's own page, in the one browser whose cookie has this SHA-256 (hex).
    Page { screen: String },
    /// On the OA's login page; the OA's server asks, and binds it to the browser by a session of its own.
    Server,
}

/// The browser in front of the code, as the person at the phone reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desktop {
    /// Its address, as the gateway or the OA reports it.
    pub address: String,
    pub browser: String,
    pub system: String,
}

/// Somebody who has scanned the code and proved who he is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// SHA-256 (hex) of the phone's cookie: only this phone decides. Drawn for this scan, so it also marks the write.
    pub phone: String,
    pub app: AppId,
    pub user: WeLinkUserId,
    /// How the screen names him.
    pub display_name: String,
    pub oa_user: OaUserId,
    #[serde(default)]
    pub login_id: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// What an approval opens. Both ids are fixed with it, and each is stored only where there is none yet: that is how an
/// approval is used once, without another write of the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub at: Timestamp,
    pub session: SessionId,
    pub ticket: TicketId,
}

/// Why a code was not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Denial {
    Cancelled,
    WrongNumber,
    NotMe,
}

impl Denial {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::WrongNumber => "wrong-number",
            Self::NotMe => "not-me",
        }
    }
}

/// A code from its showing to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrSession {
    pub id: QrId,
    pub instance: OaInstanceId,
    pub shown: Shown,
    /// The page of the OA to open, already checked; absent = the app's homepage.
    #[serde(default)]
    pub dest: Option<Destination>,
    pub desktop: Desktop,
    pub created: Timestamp,
    pub expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<Denial>,
    /// When its person said that it was not him, after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// Where a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Pending,
    Scanned,
    Approved,
    Denied,
    Expired,
    /// The approval has opened what it opens.
    Consumed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scanned => "scanned",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Consumed => "consumed",
        }
    }
}

/// Why a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// There is no such code.
    Unknown,
    Expired,
    /// Somebody else scanned it, or it is decided.
    Used,
    /// Not by this phone.
    Foreign,
    /// The person said no.
    Denied,
    /// Nobody has confirmed it yet.
    NotYet,
}

impl QrSession {
    /// `consumed` = what its approval opens is there already.
    pub fn state(&self, consumed: bool, now: Timestamp) -> State {
        if self.denied.is_some() || self.revoked.is_some() {
            return State::Denied;
        }
        match (&self.approved, &self.scan) {
            (Some(_), _) if consumed => State::Consumed,
            (Some(approval), _) if now < approval.at.plus_s(APPROVED_S) => State::Approved,
            (Some(_), _) => State::Expired,
            (None, _) if now >= self.expires => State::Expired,
            (None, Some(_)) => State::Scanned,
            (None, None) => State::Pending,
        }
    }

    /// Whether somebody may scan it now.
    pub fn may_scan(&self, now: Timestamp) -> Result<(), Refused> {
        match self.state(false, now) {
            State::Pending => Ok(()),
            State::Expired => Err(Refused::Expired),
            _ => Err(Refused::Used),
        }
    }

    /// Whether the phone with this mark may confirm or cancel it now.
    pub fn may_decide(&self, phone: &str, now: Timestamp) -> Result<(), Refused> {
        let mine = self.scan.as_ref().is_some_and(|scan| scan.phone == phone);
        match self.state(false, now) {
            _ if !mine => Err(Refused::Foreign),
            State::Scanned => Ok(()),
            State::Expired if self.approved.is_none() => Err(Refused::Expired),
            _ => Err(Refused::Used),
        }
    }

    /// Whether the phone with this mark may take back what it has confirmed.
    pub fn may_revoke(&self, phone: &str) -> Result<(), Refused> {
        match &self.scan {
            Some(scan) if scan.phone == phone && self.approved.is_some() && self.revoked.is_none() => Ok(()),
            Some(scan) if scan.phone == phone => Err(Refused::Used),
            _ => Err(Refused::Foreign),
        }
    }

    /// Whether its screen may go on now, as whom, and by which ids.
    pub fn may_enter(&self, now: Timestamp) -> Result<(&Scan, &Approval), Refused> {
        match (self.state(false, now), &self.scan, &self.approved) {
            (State::Approved, Some(scan), Some(approval)) => Ok((scan, approval)),
            (State::Denied, ..) => Err(Refused::Denied),
            (State::Expired, ..) => Err(Refused::Expired),
            _ => Err(Refused::NotYet),
        }
    }
}

/// Three numbers of two digits, one of which the screen shows (product.md C11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// What the phone offers.
    pub offered: [u8; 3],
    /// What the screen shows.
    pub shown: u8,
}

impl Numbers {
    /// Draws three different numbers from 10 to 99, and which of them is shown, by four random bytes.
    pub fn draw(random: [u8; 4]) -> Self {
        let mut left: Vec<u8> = (10..=99).collect();
        let mut take = |random: u8| left.swap_remove(usize::from(random) % left.len());
        let offered = [take(random[0]), take(random[1]), take(random[2])];
        Self { offered, shown: offered[usize::from(random[3]) % 3] }
    }
}

/// How fast one code may be asked about (RFC 8628, product.md C13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    next: Timestamp,
    interval_s: i64,
}

/// Seconds between two questions.
pub const POLL_S: i64 = 2;
/// What each question that comes too early adds.
const SLOWER_S: i64 = 5;
/// The longest pause that is asked for.
const INTERVAL_S_MAX: i64 = 30;
/// Milliseconds that the way of a question may take away from its pause.
const WAY_MS: i64 = 150;

impl Pace {
    /// The first question is free.
    pub fn begun(now: Timestamp) -> Self {
        Self { next: now.plus_s(POLL_S), interval_s: POLL_S }
    }

    /// A further question; `Err` holds the seconds to wait from now on between any two.
    pub fn ask(&mut self, now: Timestamp) -> Result<(), i64> {
        if now.plus_ms(WAY_MS) < self.next {
            self.interval_s = (self.interval_s + SLOWER_S).min(INTERVAL_S_MAX);
            return Err(self.interval_s);
        }
        self.next = now.plus_s(self.interval_s);
        Ok(())
    }
}

#[cfg(test)]
#[path = "qr_tests.rs"]
mod tests;
