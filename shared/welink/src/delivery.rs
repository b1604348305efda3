//! What one call that people see came to: a message, a change of one, a to-do (welink-api.md 6.4, 7.4, 16; product.md
//! PSH-06, PSH-09).
//!
//! The caller records the outcome for each receiver. Only [`Outcome::NotSent`] may be sent again without thinking;
//! [`Outcome::Unknown`] follows the rule's policy, except for to-dos, whose taskId makes a second attempt safe.

use std::collections::BTreeSet;

use domain::ids::{MessageItemId, WeLinkUserId};
use domain::text::Text;

use crate::client::{Ask, Failure, Inner};
use crate::codes::{self, Class};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

/// What WeLink made of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, for every receiver who is not among `failed`.
    Accepted {
        /// Of a card: keep it, its status is changed by it. Notices and to-dos have none, and in one reading a card
        /// that reached not everybody has none either.
        item: Option<MessageItemId>,
        /// The receivers whom it did not reach, spelt as they were given; never to be sent to again by a mere retry.
        failed: Vec<WeLinkUserId>,
        /// Why not: WeLink's code, usually 51019 (outside the app's visible range). Absent when nobody failed, or
        /// WeLink named them beside the code of success.
        why: Option<Refusal>,
    },
    /// A to-do with this taskId exists already, or does so no longer. It is the wanted state, and so a success, if an
    /// earlier attempt of ours is recorded (product.md Q21); otherwise a refusal, because 55007 also answers for a
    /// person who may not see the app.
    Already(Refusal),
    /// Refused for every receiver, and not worth repeating as it is.
    Refused(Refusal),
    /// It certainly had no effect, and may be sent again: [`WeLinkError::Busy`] after its time, `Blocked` after `until`
    /// (or new credentials), `Down`, `Malformed` and `Store` after a pause.
    NotSent(WeLinkError),
    /// It was sent and the answer was lost, torn or not WeLink's: it may have had its effect (product.md PSH-09).
    Unknown,
}

/// Why WeLink refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub class: Class,
    /// WeLink's own text, at most 200 characters: for administrators only, never for a log.
    pub message: String,
}

impl Refusal {
    pub(crate) fn of(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), class: codes::class(code), message }
    }

    /// What the code means.
    pub fn meaning(&self) -> Text {
        codes::find(&self.code).map_or(codes::UNKNOWN, |row| row.meaning)
    }

    /// What an administrator can do about it.
    pub fn advice(&self) -> Text {
        codes::find(&self.code).map_or(codes::UNKNOWN, |row| row.advice)
    }
}

impl<S: Shared> Inner<S> {
    /// Sends once; again only what was never sent, or was refused for its token or for the rate.
    pub(crate) async fn deliver(&self, c: &Credentials, ask: &Ask, receivers: &[WeLinkUserId]) -> Outcome {
        let sent = self.attempt(c, ask).await;
        if matches!(sent, Err(Failure::Lost)) {
            return Outcome::Unknown;
        }
        match self.settle(c, sent).await {
            Ok(reply) => accepted(&reply, receivers),
            Err(WeLinkError::Permission { code } | WeLinkError::Code { code }) => {
                Outcome::Refused(Refusal::of(&code, String::new()))
            }
            Err(WeLinkError::Refused { code, message }) => Outcome::Refused(Refusal::of(&code, message)),
            Err(error) => Outcome::NotSent(error),
        }
    }
}

/// Success, with the receivers whom WeLink names as failed. A refusal that names only people who were not sent to holds
/// for everybody: nobody knows whom else it means.
fn accepted(reply: &Reply, receivers: &[WeLinkUserId]) -> Outcome {
    let named: BTreeSet<String> = reply.list("failedUserId").iter().map(|name| name.to_ascii_lowercase()).collect();
    let is_named = |id: &&WeLinkUserId| named.contains(&id.as_str().to_ascii_lowercase());
    let failed: Vec<WeLinkUserId> = receivers.iter().filter(is_named).cloned().collect();
    let code = reply.text("code").filter(|code| code != "0");
    match code.map(|code| Refusal::of(&code, reply.said())) {
        Some(refusal) if failed.is_empty() => Outcome::Refused(refusal),
        why => {
            let item = reply.text("itemId").and_then(|id| MessageItemId::parse(&id).ok());
            Outcome::Accepted { item, failed, why }
        }
    }
}
