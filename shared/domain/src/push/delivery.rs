//! One message and what became of it at each of its receivers (product.md PSH-05, PSH-06, PSH-13).

use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, OaInstanceId, OaUserId, WeLinkUserId};
use crate::push::event::{BadEvent, Event, Named};
use crate::push::retry::Reason;
use crate::push::rule::Aim;
use crate::time::Timestamp;

/// How long a message is kept when nothing of it is open any more (product.md OPS-09).
pub const KEPT_S: i64 = 90 * 86_400;
/// How long a claim holds: longer than a function may run.
pub const CLAIM_S: i64 = 120;
/// How often a held message is looked at: at every tick, so that it follows a link within a minute (product.md PSH-14).
const HELD_LOOK_S: i64 = 50;

/// Where one delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Nobody has begun, or the next try is due then.
    Waiting {
        due: Timestamp,
        #[serde(default)]
        reason: Option<Reason>,
    },
    /// Somebody is at it until then; after that he has died, and nobody knows how far he came.
    Claimed {
        until: Timestamp,
        owner: String,
    },
    /// WeLink took it. For a to-do: WeLink shows what the OA wants.
    Sent {
        at: Timestamp,
    },
    /// Sent, and nobody knows whether it arrived.
    Unknown {
        at: Timestamp,
    },
    Failed {
        at: Timestamp,
        reason: Reason,
    },
    /// Nothing was to be sent.
    Skipped {
        at: Timestamp,
        reason: Reason,
    },
    /// Waits until the receiver is linked.
    Held {
        until: Timestamp,
    },
}

/// One receiver at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Index of the target among the message's aims.
    pub aim: usize,
    /// Index of the receiver among the event's recipients.
    pub to: usize,
    /// Who that is in the OA, once found.
    #[serde(default)]
    pub oa_user: Option<OaUserId>,
    #[serde(default)]
    pub user: Option<WeLinkUserId>,
    #[serde(flatten)]
    pub state: State,
    #[serde(default)]
    pub tries: u32,
    #[serde(default)]
    pub first: Option<Timestamp>,
    /// WeLink's own code of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// WeLink's name of a card, by which its label can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

impl Delivery {
    pub fn new(aim: usize, to: usize, now: Timestamp) -> Self {
        let state = State::Waiting { due: now, reason: None };
        Self { aim, to, oa_user: None, user: None, state, tries: 0, first: None, code: None, item: None }
    }

    /// Whether it is to be worked on now. A claim that has run out is.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Waiting { due, .. } => *due <= now,
            State::Claimed { until, .. } => *until <= now,
            State::Held { .. } => true,
            State::Sent { .. } | State::Unknown { .. } | State::Failed { .. } | State::Skipped { .. } => false,
        }
    }

    /// When it is to be looked at again; `None` = it has ended.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.state {
            State::Waiting { due, .. } => Some(*due),
            State::Claimed { until, .. } => Some(*until),
            State::Held { until } => Some((*until).min(now.plus_s(HELD_LOOK_S))),
            State::Sent { .. } | State::Unknown { .. } | State::Failed { .. } | State::Skipped { .. } => None,
        }
    }
}

/// How a message stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something of it is still to be done.
    Open,
    Sent,
    /// Some got it, some did not.
    Partial,
    /// Nobody got it, and somebody should have.
    Failed,
    /// There was nothing to send.
    Skipped,
    /// It waits for receivers to be linked.
    Held,
    /// The event itself was refused.
    Refused,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sent => "sent",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }
}

/// A message with its deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub instance: OaInstanceId,
    pub received: Timestamp,
    /// Absent when it was refused as a whole.
    #[serde(default)]
    pub event: Option<Event>,
    /// Why it was refused.
    #[serde(default)]
    pub refused: Option<String>,
    #[serde(default)]
    pub aims: Vec<Aim>,
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
    /// Joins it to the log lines of its arrival.
    #[serde(default)]
    pub trace: String,
}

impl Message {
    /// A message whose event cannot be worked on.
    pub fn refused(id: MessageId, instance: OaInstanceId, why: BadEvent, now: Timestamp) -> Self {
        Self { refused: Some(why.name().to_owned()), ..Self::of(id, instance, None, Vec::new(), now) }
    }

    /// A message that goes to these targets.
    pub fn new(id: MessageId, instance: OaInstanceId, event: Event, aims: Vec<Aim>, now: Timestamp) -> Self {
        Self::of(id, instance, Some(event), aims, now)
    }

    fn of(id: MessageId, instance: OaInstanceId, event: Option<Event>, aims: Vec<Aim>, now: Timestamp) -> Self {
        let (refused, deliveries, trace) = (None, Vec::new(), String::new());
        let message = Self { id, instance, received: now, event, refused, aims, deliveries, trace };
        Self { deliveries: message.at_first(), ..message }
    }

    /// Its deliveries before anything is done: each receiver at each target.
    pub fn at_first(&self) -> Vec<Delivery> {
        let receivers = self.event.as_ref().map_or(0, |event| event.recipients.len());
        let of_aim = |aim| (0..receivers).map(move |to| Delivery::new(aim, to, self.received));
        (0..self.aims.len()).flat_map(of_aim).collect()
    }

    pub fn recipient(&self, to: usize) -> Option<&Named> {
        self.event.as_ref()?.recipients.get(to)
    }

    /// When something of it is to be done next.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.deliveries.iter().filter_map(|delivery| delivery.next(now)).min()
    }

    pub fn standing(&self) -> Standing {
        if self.refused.is_some() {
            return Standing::Refused;
        }
        let count = |is: fn(&State) -> bool| self.deliveries.iter().filter(|delivery| is(&delivery.state)).count();
        let open = count(|state| matches!(state, State::Waiting { .. } | State::Claimed { .. }));
        let held = count(|state| matches!(state, State::Held { .. }));
        let sent = count(|state| matches!(state, State::Sent { .. }));
        let failed = count(|state| matches!(state, State::Failed { .. } | State::Unknown { .. }));
        match (open, held, sent, failed) {
            (1.., ..) => Standing::Open,
            (0, _, 1.., 1..) => Standing::Partial,
            (0, _, 0, 1..) => Standing::Failed,
            (0, 1.., ..) => Standing::Held,
            (0, 0, 1.., 0) => Standing::Sent,
            (0, 0, 0, 0) => Standing::Skipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RANDOM_CHARS, TENANT_CHARS, TenantId};

    #[test]
    fn a_message_stands_as_its_deliveries_do() {
        let at = Timestamp(5);
        let (sent, failed) = (State::Sent { at }, State::Failed { at, reason: Reason::NotVisible });
        let skipped = State::Skipped { at, reason: Reason::NotLinked };
        let (held, waiting) = (State::Held { until: at }, State::Waiting { due: at, reason: None });
        for (states, want) in [
            (vec![], Standing::Skipped),
            (vec![sent.clone(), skipped.clone()], Standing::Sent),
            (vec![sent.clone(), failed.clone()], Standing::Partial),
            (vec![failed.clone(), skipped.clone()], Standing::Failed),
            (vec![State::Unknown { at }, sent.clone()], Standing::Partial),
            (vec![skipped], Standing::Skipped),
            (vec![held.clone(), sent.clone()], Standing::Held),
            (vec![waiting.clone(), failed], Standing::Open),
            (vec![waiting, held], Standing::Open),
        ] {
            let tenant = TenantId::from_random([1; TENANT_CHARS]);
            let id = MessageId::from_random(&tenant, [1; RANDOM_CHARS]);
            let instance = OaInstanceId::from_random(&tenant, [1; RANDOM_CHARS]);
            let mut message = Message::of(id, instance, None, Vec::new(), at);
            message.deliveries =
                states.into_iter().map(|state| Delivery { state, ..Delivery::new(0, 0, at) }).collect();
            assert_eq!(message.standing(), want, "{:?}", message.deliveries);
        }
    }

    #[test]
    fn a_claim_that_has_run_out_is_due_again() {
        let mut delivery = Delivery::new(0, 0, Timestamp(5));
        assert!(delivery.is_due(Timestamp(5)) && !delivery.is_due(Timestamp(4)));
        delivery.state = State::Claimed { until: Timestamp(9), owner: "x".to_owned() };
        assert!(!delivery.is_due(Timestamp(8)) && delivery.is_due(Timestamp(9)));
        delivery.state = State::Unknown { at: Timestamp(9) };
        assert!(!delivery.is_due(Timestamp(i64::MAX)) && delivery.next(Timestamp(9)).is_none());
    }
}
