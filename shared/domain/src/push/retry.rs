//! What follows from an attempt that brought nothing (product.md PSH-09): one table, read by every sender.

use serde::{Deserialize, Serialize};

use crate::push::rule::{MessageType, WhenUnknown};
use crate::text::Text;
use crate::time::Timestamp;

/// Tries of one delivery at most, within [`RETRY_S`] (product.md E).
pub const TRIES_MAX: u32 = 8;
pub const RETRY_S: i64 = 86_400;
/// Seconds before the second, third … eighth try; up to a fifth is added at random. At most 22 hours in all.
const PAUSES_S: [i64; 7] = [60, 300, 900, 3_600, 7_200, 18_000, 36_000];

macro_rules! reasons {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $zh:literal / $en:literal;)*) => {
        /// Why a receiver did not get a message, or has not got it yet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $name)] $id,)*
        }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// As the API and the log of deliveries spell it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)* }
            }

            /// What the administrator reads.
            pub fn text(self) -> Text {
                match self { $(Self::$id => Text::new($zh, $en),)* }
            }
        }
    };
}

reasons! {
    /// 48503, or our own budget is used up.
    Busy = "rate-limited", "调用过于频繁，稍后自动重试。" / "Too many calls; it is tried again.";
    /// Refused before WeLink took it, or not reached at all.
    Down = "welink-down", "WeLink 无响应，稍后自动重试。" / "WeLink does not answer; it is tried again.";
    /// It was sent, and the answer was lost.
    Lost = "answer-lost", "已发出但未收到回复，不知是否送达。" / "It was sent and the answer was lost: it may have arrived.";
    Permission = "no-permission", "应用没有此接口权限，请在 WeLink 开放平台申请。" /
        "The app lacks the permission; apply for it on the WeLink open platform.";
    Blocked = "credentials-refused", "WeLink 拒绝应用的凭证，请核对 client_secret。" /
        "WeLink refuses the app's credentials; check the client_secret.";
    NotVisible = "not-in-visible-range", "接收人不在应用的可见范围内。" / "The receiver is outside the app's visible range.";
    /// Any other final code of WeLink.
    Refused = "refused", "WeLink 拒绝了此消息。" / "WeLink refuses the message.";
    Store = "store-down", "云桥数据表暂时不可用，稍后自动重试。" / "The bridge's table does not answer; it is tried again.";
    OaDown = "oa-down", "OA 无响应，无法查找接收人，稍后自动重试。" /
        "The OA does not answer, so the receiver cannot be found; it is tried again.";
    NotLinked = "not-linked", "接收人没有绑定 WeLink 账号。" / "The receiver is not linked to a WeLink account.";
    HeldOut = "not-linked-in-time", "接收人在保留期内没有绑定。" / "The receiver was not linked in time.";
    NoSuchUser = "no-such-user", "OA 中没有此接收人。" / "The OA knows no such receiver.";
    Ambiguous = "ambiguous-user", "此标识在 OA 中对应多人。" / "The OA knows several users by this identifier.";
    /// The same person was named twice.
    Twice = "named-twice", "同一接收人已由另一标识列出。" / "The same receiver is listed by another identifier.";
    NoApp = "app-missing", "推送目标的应用已删除。" / "The target's app has been deleted.";
    AppOff = "app-off", "推送目标的应用已停用或没有密钥。" / "The target's app is switched off or has no secret.";
    OtherOa = "other-oa", "此企业关联的是另一个 OA。" / "This enterprise belongs to another OA.";
    NoTodo = "not-a-todo", "此消息没有待办的生命周期，不能作为待办推送。" /
        "This message has no life of a to-do, so it is not sent as one.";
    NothingToShow = "nothing-to-show", "此变化无需再发一条消息。" / "This change needs no further message.";
    /// A newer event has already been worked on.
    Older = "older-event", "已处理过更新的事件。" / "A newer event has been worked on already.";
    Stale = "stale", "事件早于 90 天，不再建立待办。" / "The event is older than 90 days; no to-do is made of it.";
}

/// What an attempt came to when it brought nothing, for everybody of the call or for one of its receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Certainly not accepted: it may be sent again.
    Before(Reason),
    /// Perhaps accepted.
    Perhaps,
    /// Certainly not accepted, and never will be.
    Final(Reason),
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next try is due then.
    Again {
        at: Timestamp,
        reason: Reason,
    },
    /// Nobody knows whether it arrived; it stays so.
    Unknown,
    Failed(Reason),
}

/// The table. `tries` counts the attempts so far, this one included; `first` is when the first one began; `random` is
/// any number.
pub fn next(
    class: Class,
    kind: MessageType,
    policy: WhenUnknown,
    tries: u32,
    times: (Timestamp, Timestamp),
    random: u32,
) -> Next {
    let (first, now) = times;
    let again = |reason| match pause_ms(tries, random).map(|ms| now.plus_ms(ms)) {
        Some(at) if at.ms_since(first) <= RETRY_S * 1000 => Next::Again { at, reason },
        _ => Next::Failed(reason),
    };
    match (class, kind, policy) {
        (Class::Before(reason), ..) => again(reason),
        // A to-do's taskId makes a repetition harmless.
        (Class::Perhaps, MessageType::Todo, _) | (Class::Perhaps, _, WhenUnknown::Resend) => again(Reason::Lost),
        (Class::Perhaps, _, WhenUnknown::Hold) => Next::Unknown,
        (Class::Final(reason), ..) => Next::Failed(reason),
    }
}

/// The pause after so many tries; `None` = there are no more.
fn pause_ms(tries: u32, random: u32) -> Option<i64> {
    let pause_s = PAUSES_S.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    Some(pause_s * 1000 + pause_s * i64::from(random % 201))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Timestamp = Timestamp(1_000_000);

    fn after(class: Class, kind: MessageType, policy: WhenUnknown, tries: u32) -> Next {
        next(class, kind, policy, tries, (BEGAN, BEGAN), 0)
    }

    #[test]
    fn each_class_has_its_next_step() {
        use MessageType::{Card, Notice, Todo};
        use WhenUnknown::{Hold, Resend};
        let minute = |reason| Next::Again { at: BEGAN.plus_s(60), reason };
        for (class, kind, policy, want) in [
            (Class::Before(Reason::Busy), Notice, Hold, minute(Reason::Busy)),
            (Class::Before(Reason::Down), Card, Hold, minute(Reason::Down)),
            (Class::Before(Reason::Store), Todo, Resend, minute(Reason::Store)),
            (Class::Perhaps, Notice, Hold, Next::Unknown),
            (Class::Perhaps, Card, Hold, Next::Unknown),
            (Class::Perhaps, Notice, Resend, minute(Reason::Lost)),
            (Class::Perhaps, Todo, Hold, minute(Reason::Lost)),
            (Class::Final(Reason::Permission), Todo, Resend, Next::Failed(Reason::Permission)),
            (Class::Final(Reason::NotVisible), Notice, Resend, Next::Failed(Reason::NotVisible)),
        ] {
            assert_eq!(after(class, kind, policy, 1), want, "{class:?} {kind:?} {policy:?}");
        }
    }

    #[test]
    fn eight_tries_within_a_day_whatever_the_dice_say() {
        for random in [0, 77, 200, u32::MAX] {
            let (mut now, mut tries) = (BEGAN, 1);
            while let Next::Again { at, .. } =
                next(Class::Before(Reason::Down), MessageType::Notice, WhenUnknown::Hold, tries, (BEGAN, now), random)
            {
                assert!(at > now);
                (now, tries) = (at, tries + 1);
            }
            assert_eq!(tries, TRIES_MAX, "{random}");
            assert!(now.ms_since(BEGAN) <= RETRY_S * 1000, "{random}");
        }
        let late = (BEGAN, BEGAN.plus_s(RETRY_S));
        let ended = next(Class::Before(Reason::Down), MessageType::Notice, WhenUnknown::Hold, 2, late, 0);
        assert_eq!(ended, Next::Failed(Reason::Down), "a day has passed");
    }

    #[test]
    fn reasons_speak_both_languages() {
        let names: std::collections::BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|reason| reason.text().zh != reason.text().en));
    }
}
