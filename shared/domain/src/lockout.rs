//! How often somebody may be wrong before he has to wait. Counters live in the table, so they survive restarts
//! (SEC-06).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// So many failures within the window lock until the window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub failures_max: u32,
    pub window_s: i64,
}

/// Wrong operator keys from one address.
pub const OPERATOR_KEY: Policy = Policy { failures_max: 10, window_s: 900 };

/// Wrong OA passwords of one WeLink person (product.md C18).
pub const PASSWORD_PERSON: Policy = Policy { failures_max: 5, window_s: 900 };
/// Wrong OA passwords for one login name, whoever tries (product.md C18).
pub const PASSWORD_LOGIN: Policy = Policy { failures_max: 10, window_s: 900 };
/// Wrong OA passwords from one address. Reaching it raises an alert and locks nobody: one office shares an address
/// (product.md C18). Above what four people can be wrong in a window before each of them is locked.
pub const PASSWORD_ADDRESS: Policy = Policy { failures_max: 20, window_s: 900 };

/// Wrong console passwords for one login (product.md SEC-06).
pub const CONSOLE_LOGIN: Policy = Policy { failures_max: 5, window_s: 900 };
/// Wrong console passwords and setup keys from one address, whichever the login.
pub const CONSOLE_ADDRESS: Policy = Policy { failures_max: 30, window_s: 900 };

/// Codes for scan login that are shown to one browser address (product.md C13, QRL-11).
pub const QR_CREATE: Policy = Policy { failures_max: 30, window_s: 60 };
/// Codes that one WeLink person may scan (product.md C13).
pub const QR_SCAN: Policy = Policy { failures_max: 10, window_s: 60 };
/// A browser or address of which somebody said "this was not me" (product.md C14).
pub const QR_REPORTED: Policy = Policy { failures_max: 1, window_s: 3600 };

/// What is remembered of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failures {
    pub count: u32,
    /// The first failure of the window.
    pub since: Timestamp,
}

impl Policy {
    /// Seconds to wait, if locked now. A lock ends by itself with its window.
    pub fn locked_for_s(self, failures: Failures, now: Timestamp) -> Option<i64> {
        let ends = failures.since.plus_s(self.window_s);
        let locked = failures.count >= self.failures_max && now < ends;
        locked.then(|| (ends.ms_since(now) + 999) / 1000)
    }

    /// Whether the remembered window is over, so that the next failure begins a new one.
    pub fn is_over(self, failures: Failures, now: Timestamp) -> bool {
        now >= failures.since.plus_s(self.window_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_at_the_limit_and_ends_by_itself() {
        let policy = Policy { failures_max: 3, window_s: 60 };
        let at = |count| Failures { count, since: Timestamp(1_000) };
        assert_eq!(policy.locked_for_s(at(2), Timestamp(2_000)), None);
        assert_eq!(policy.locked_for_s(at(3), Timestamp(2_000)), Some(59));
        assert_eq!(policy.locked_for_s(at(3), Timestamp(61_000)), None);
        assert!(policy.is_over(at(3), Timestamp(61_000)));
    }
}
