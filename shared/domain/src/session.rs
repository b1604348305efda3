//! A browser's session at the bridge, and the one-time state of a sign-in that has begun (product.md C1, C17).

use serde::{Deserialize, Serialize};

use crate::destination::Destination;
use crate::ids::{AppId, BindId, OaUserId, QrId, SessionId, StateId, TicketId, WeLinkUserId};
use crate::qr::Approval;
use crate::time::Timestamp;

/// Life of a one-time state: opening the page and answering it. Below the ten minutes of product.md C1.
pub const STATE_S: i64 = 300;
/// Absolute life of a session.
pub const SESSION_S: i64 = 8 * 3600;
/// Life of a session that is not used.
pub const SESSION_IDLE_S: i64 = 30 * 60;
/// Life of a hand-off ticket (oa-api.md C.2.2).
pub const TICKET_S: i64 = 60;
/// How long a person has to enter his OA account on the binding page.
pub const BIND_S: i64 = 600;
/// How long the OA has to come back for its ticket with a nonce.
pub const HANDOFF_S: i64 = 120;

/// What a sign-in is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// In WeLink: the page asks for the code.
    #[default]
    InApp,
    /// In a browser, by way of WeLink's sign-in page.
    Browser,
    /// The same, only to see whether it works.
    BrowserTest,
    /// In WeLink: to a person's own page.
    Me,
    /// In WeLink: a code was scanned.
    Scan,
    /// In a browser, by way of WeLink's sign-in page: to the console.
    Console,
    /// In a browser, by way of WeLink's own QR element.
    Element,
    /// From the binding page to the OA's own sign-in page and back.
    OaSignIn,
}

/// What the way to the OA's sign-in page must find again when it comes back. Both values are one-time secrets, hence
/// the `Debug` without them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OaSignIn {
    /// The visit to the binding page that it was begun from; no other takes it.
    pub visit: BindId,
    /// What the id token must repeat (product.md C2).
    pub nonce: String,
    /// The PKCE code verifier: never sent to the browser, so that a code alone is worth nothing.
    pub verifier: String,
}

impl std::fmt::Debug for OaSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OaSignIn").field("visit", &self.visit).finish_non_exhaustive()
    }
}

/// A sign-in that has begun: everything that must not travel through the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeState {
    pub id: StateId,
    /// The app, hence tenant, enterprise and `client_id`: never taken from the callback (product.md C4).
    pub app: AppId,
    /// SHA-256 of the browser's cookie, hex.
    pub browser: String,
    #[serde(default)]
    pub purpose: Purpose,
    /// The OA page of a deep link, already checked; absent = the app's homepage.
    pub dest: Option<Destination>,
    /// There when the purpose is [`Purpose::OaSignIn`].
    #[serde(default)]
    pub oa_sign_in: Option<OaSignIn>,
    /// The code that was scanned, when that is what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrId>,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// Why a callback's state is not accepted (product.md HOM-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateRefused {
    Missing,
    Unknown,
    Foreign,
    Expired,
    Repeated,
}

impl StateRefused {
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Expired => "expired",
            Self::Repeated => "repeated",
        }
    }
}

/// A browser that has proved who is behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebSession {
    pub id: SessionId,
    pub app: AppId,
    pub user: WeLinkUserId,
    pub oa_user: OaUserId,
    /// The OA login name, for the ticket; kept here so that the way back costs no read.
    #[serde(default)]
    pub login_id: String,
    /// SHA-256 of the cookie's secret, hex.
    pub secret: String,
    /// When WeLink proved the user.
    pub auth_time: Timestamp,
    pub expires: Timestamp,
    pub idle_until: Timestamp,
    /// The hand-off that waits for the OA's nonce, if one does.
    #[serde(default)]
    pub handoff: Option<PendingHandOff>,
    /// The confirmed code that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<Scanned>,
}

/// A confirmed code, and what it may open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    pub qr: QrId,
    pub approval: Approval,
}

/// A hand-off between the OA's start URL and the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingHandOff {
    pub dest: Destination,
    pub expires: Timestamp,
}

impl WebSession {
    /// Both limits, checked in code as well as by the table's TTL, which is lazy.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires && now < self.idle_until
    }
}

/// A page of the bridge itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VisitedPage {
    Bind,
    Me,
}

/// A person whom WeLink has proved and who is not linked yet: he may enter his OA account, a few times, in this
/// browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindSession {
    pub id: BindId,
    /// The page that it is a visit to; no other takes it.
    pub page: VisitedPage,
    pub app: AppId,
    pub user: WeLinkUserId,
    pub dest: Destination,
    /// SHA-256 of the cookie's secret, hex.
    pub secret: String,
    pub auth_time: Timestamp,
    pub expires: Timestamp,
}

/// A ticket as the bridge remembers it, from issue to redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTicket {
    pub id: TicketId,
    pub oa_user: OaUserId,
    pub app: AppId,
    pub user: WeLinkUserId,
    pub audience: crate::ids::OaInstanceId,
    pub dest: Destination,
    pub expires: Timestamp,
    /// The confirmed code that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrId>,
    /// Set by the one redemption: when, and the `webhook-id` whose repetition gets the same answer.
    #[serde(default)]
    pub redeemed: Option<Redeemed>,
}

/// The one redemption of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    pub at: Timestamp,
    pub webhook_id: String,
}
