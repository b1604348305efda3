//! What WeLink's answers mean for a delivery: the one place where its codes meet the table of retries.

use domain::push::delivery::{Delivery, State};
use domain::push::retry::{Class, Next, Reason, next};
use domain::push::rule::Aim;
use domain::time::Timestamp;
use signin::Bridge;
use welink::codes::Class as Code;
use welink::{Outcome, Refusal, WeLinkError};

/// Cannot push to people who do not follow, or who do not see the app (welink-api.md 6.4).
const NOT_REACHED: &str = "51019";

/// Why a whole call brought nothing; `None` = WeLink took it.
pub fn class_of(outcome: &Outcome) -> Option<(Class, Option<String>)> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::Already(refusal) | Outcome::Refused(refusal) => Some((refused(refusal), Some(refusal.code.clone()))),
        Outcome::NotSent(error) => Some((not_sent(error), error.code().map(str::to_owned))),
        Outcome::Unknown => Some((Class::Perhaps, None)),
    }
}

/// Why one receiver of a call that WeLink took was not reached.
pub fn class_of_receiver(why: Option<&Refusal>) -> (Class, Option<String>) {
    match why {
        Some(refusal) if refusal.code != NOT_REACHED => (refused(refusal), Some(refusal.code.clone())),
        other => (Class::Final(Reason::NotVisible), other.map(|refusal| refusal.code.clone())),
    }
}

fn refused(refusal: &Refusal) -> Class {
    match refusal.class {
        Code::Permission | Code::NotApplied => Class::Final(Reason::Permission),
        Code::RateLimited => Class::Before(Reason::Busy),
        _ if refusal.code == NOT_REACHED => Class::Final(Reason::NotVisible),
        _ => Class::Final(Reason::Refused),
    }
}

fn not_sent(error: &WeLinkError) -> Class {
    match error {
        WeLinkError::Busy { .. } => Class::Before(Reason::Busy),
        WeLinkError::Blocked { .. } => Class::Before(Reason::Blocked),
        WeLinkError::Down | WeLinkError::Malformed => Class::Before(Reason::Down),
        WeLinkError::Store(_) => Class::Before(Reason::Store),
        WeLinkError::Permission { .. } => Class::Final(Reason::Permission),
        WeLinkError::Code { .. } | WeLinkError::Refused { .. } => Class::Final(Reason::Refused),
    }
}

/// Where a delivery stands after an attempt that brought nothing.
pub fn settle(bridge: &Bridge, aim: &Aim, delivery: &mut Delivery, class: Class, code: Option<String>) {
    let now = bridge.clock().now();
    let times = (delivery.first.unwrap_or(now), now);
    let random = bridge.entropy().below(1 << 16);
    delivery.code = code;
    delivery.state = match next(class, aim.target.kind, aim.when_unknown, delivery.tries, times, random) {
        Next::Again { at, reason } => State::Waiting { due: at, reason: Some(reason) },
        Next::Unknown => State::Unknown { at: now },
        Next::Failed(reason) => State::Failed { at: now, reason },
    };
}

/// A delivery that WeLink took.
pub fn sent(delivery: &mut Delivery, now: Timestamp) {
    delivery.code = None;
    delivery.state = State::Sent { at: now };
}
