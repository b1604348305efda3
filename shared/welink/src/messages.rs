//! Messages in WeLink's notification centre: notices, plain cards, the status of a card (welink-api.md 6).
//!
//! Texts come rendered: within WeLink's byte limits, and bilingual as a JSON text inside the string (6.5). WeLink cuts
//! what is too long, or refuses it; nothing is cut here.

use std::fmt;

use domain::ids::{MessageItemId, WeLinkUserId};
use domain::time::Timestamp;
use serde_json::{Map, Value};

use crate::client::{Ask, Repeat, WeLink};
use crate::delivery::{Outcome, Refusal};
use crate::shared::{Credentials, Shared};

const SEND: &str = "/api/messages/v3/send";
const CARD: &str = "/api/messages/v2/card/common";
const UPDATE: &str = "/api/messages/v1/update";
const RECALL: &str = "/api/messages/v1/recall";

/// Receivers of one call at most (welink-api.md 12).
pub const RECEIVERS_MAX: usize = 1_000;

/// A notice (通知). It cannot be taken back.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// 1 to 1,000.
    pub receivers: &'a [WeLinkUserId],
    /// The sender that is shown.
    pub owner: &'a str,
    /// 128 bytes of shown text at most.
    pub title: &'a str,
    /// 512 bytes of shown text at most.
    pub content: &'a str,
    /// Where a tap leads.
    pub url: &'a str,
    /// Where it leads on a PC; `url` when absent.
    pub pc_url: Option<&'a str>,
    /// The time that is shown; now when absent.
    pub created: Option<Timestamp>,
}

/// Where a card shows up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    Pc,
    Phone,
    Both,
}

/// A plain card (普通卡片).
#[derive(Clone, Copy)]
pub struct Card<'a> {
    /// 1 to 1,000.
    pub receivers: &'a [WeLinkUserId],
    /// 18 bytes at most.
    pub owner: &'a str,
    /// 128 bytes of shown text at most.
    pub title: &'a str,
    /// 512 bytes of shown text at most.
    pub content: &'a str,
    pub devices: Devices,
    /// Where a tap leads.
    pub url: Option<&'a str>,
    /// Where it leads on a PC; `url` when absent.
    pub pc_url: Option<&'a str>,
    /// Bilingual JSON, Chinese 2 to 5 and English 2 to 10 characters. A card sent without one never gets one (51107).
    pub status: Option<&'a str>,
    /// WeLink's number of the status' colour; left to WeLink when absent.
    pub status_colour: Option<u8>,
}

/// The new status of a card that was sent with one.
#[derive(Clone, Copy)]
pub struct CardStatus<'a> {
    /// Whose copy changes: 1 to 1,000.
    pub receivers: &'a [WeLinkUserId],
    pub item: &'a MessageItemId,
    /// As [`Card::status`].
    pub status: &'a str,
    /// WeLink's number. The vendor's pages contradict each other here, so better absent (welink-api.md 6.3).
    pub status_colour: Option<u8>,
}

macro_rules! debug_by_count {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name<'_> {
            /// Neither texts nor people.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} receivers)"), self.receivers.len())
            }
        }
    )*};
}
debug_by_count!(Notice Card CardStatus);

impl<S: Shared> WeLink<S> {
    /// Sends a notice (welink-api.md 6.1). More than 1,000 receivers, or none, are refused unsent (51018, 51042).
    pub async fn send_notice(&self, c: &Credentials, notice: &Notice<'_>) -> Outcome {
        self.to_people(c, SEND, notice.receivers, notice_fields(notice)).await
    }

    /// Sends a plain card (welink-api.md 6.2), as [`Self::send_notice`].
    pub async fn send_card(&self, c: &Credentials, card: &Card<'_>) -> Outcome {
        self.to_people(c, CARD, card.receivers, card_fields(card)).await
    }

    /// Changes the status of a card (welink-api.md 6.3). Setting the same status twice does no harm, so an unknown
    /// outcome may be repeated. 51033: there is no such card; 51107: it was sent without a status.
    pub async fn update_card(&self, c: &Credentials, change: &CardStatus<'_>) -> Outcome {
        let mut fields = Map::new();
        fields.insert("itemId".to_owned(), change.item.as_str().into());
        fields.insert("messageStatus".to_owned(), change.status.into());
        put(&mut fields, "statusColor", change.status_colour.map(|colour| colour.to_string()));
        self.to_people(c, UPDATE, change.receivers, fields).await
    }

    /// Takes a card back, for everybody who got it (welink-api.md 6.3). 51111: there is none, or no longer.
    pub async fn recall_card(&self, c: &Credentials, item: &MessageItemId) -> Outcome {
        let body = serde_json::json!({ "itemId": item.as_str() }).to_string();
        let ask = Ask { repeat: Repeat::UnlessSeen, ..Ask::post(RECALL, body) };
        self.0.deliver(c, &ask, &[]).await
    }

    async fn to_people(
        &self,
        c: &Credentials,
        interface: &'static str,
        receivers: &[WeLinkUserId],
        mut fields: Map<String, Value>,
    ) -> Outcome {
        let unsent = match receivers.len() {
            0 => Some("51042"),
            1..=RECEIVERS_MAX => None,
            _ => Some("51018"),
        };
        if let Some(code) = unsent {
            return Outcome::Refused(Refusal::of(code, String::new()));
        }
        let ids: Vec<&str> = receivers.iter().map(WeLinkUserId::as_str).collect();
        fields.insert("toUserList".to_owned(), ids.into());
        let body = Value::Object(fields).to_string();
        let ask = Ask { repeat: Repeat::UnlessSeen, ..Ask::post(interface, body) };
        self.0.deliver(c, &ask, receivers).await
    }
}

pub(crate) fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

fn notice_fields(notice: &Notice<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in [
        ("msgRange", "0"),
        ("msgTitle", notice.title),
        ("msgContent", notice.content),
        ("urlType", "html"),
        ("urlPath", notice.url),
        ("msgOwner", notice.owner),
    ] {
        fields.insert(name.to_owned(), value.into());
    }
    put(&mut fields, "desktopUrlPath", notice.pc_url);
    put(&mut fields, "createTime", notice.created.map(|at| at.0.to_string()));
    fields
}

fn card_fields(card: &Card<'_>) -> Map<String, Value> {
    let devices = match card.devices {
        Devices::Pc => "0",
        Devices::Phone => "1",
        Devices::Both => "2",
    };
    let mut fields = Map::new();
    for (name, value) in [
        ("msgRange", "0"),
        ("msgOwner", card.owner),
        ("msgTitle", card.title),
        ("msgContent", card.content),
        ("receiveDeviceType", devices),
    ] {
        fields.insert(name.to_owned(), value.into());
    }
    put(&mut fields, "urlType", card.url.map(|_| "html"));
    put(&mut fields, "urlPath", card.url);
    put(&mut fields, "desktopUrlPath", card.pc_url);
    put(&mut fields, "messageStatus", card.status);
    put(&mut fields, "statusColor", card.status_colour.map(|colour| colour.to_string()));
    fields
}
