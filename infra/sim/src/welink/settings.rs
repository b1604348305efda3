//! Limits and open readings of the contract (welink-api.md 12, 16), each of which a test can switch.

use super::contact_settings::ContactSettings;

/// How a rate window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// The last n milliseconds before each call.
    Sliding,
    /// Buckets that begin at multiples of n milliseconds.
    Aligned,
}

/// The rate limits of welink-api.md 12.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Calls of one client_id on one interface in 1 s.
    pub per_second_max: u32,
    /// Calls of one client_id on one interface in 60 s.
    pub per_minute_max: u32,
    /// Calls of one address over all interfaces in 20 s.
    pub per_address_max: u32,
    pub windows: Windows,
    /// Whether a refused call counts against the windows.
    pub count_refused: bool,
    /// The HTTP status beside 48503: 200 or 429.
    pub refused_status: u16,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            per_second_max: 40,
            per_minute_max: 1500,
            per_address_max: 3000,
            windows: Windows::Sliding,
            count_refused: false,
            refused_status: 200,
        }
    }
}

/// What happens to a text of a message that is too long (welink-api.md 16, 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    /// 51002.
    Refused,
    /// Cut without a word; what people see counts, so that the JSON form stays whole.
    Cut,
}

/// The answer when a message reached only some (welink-api.md 16, 6.4). The others have it in every reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// 51019 with itemId and failedUserId.
    CodeWithItem,
    /// Success with failedUserId.
    Success,
    /// 51019 with failedUserId, without itemId.
    CodeAlone,
}

/// The answer to a taskId that exists (welink-api.md 16, 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TodoRepeat {
    Refused55007,
    Refused55010,
    /// Accepted as an update.
    Replaces,
}

/// Everything about the simulated WeLink that a test may want otherwise. The default is the first reading of each
/// question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Life of a new access token in seconds (welink-api.md 2.1: "changes dynamically").
    pub expires_in_s: u32,
    /// Failures in a row that lock a client_id, and for how long (welink-api.md 16, 2.1).
    pub lock_failures: u32,
    pub lock_ms: i64,
    /// Life of an auth code (welink-api.md 3.1: 2 minutes).
    pub auth_code_ms: i64,
    /// Life of a code of the authorise page (welink-api.md 3.4: 5 minutes).
    pub oauth_code_ms: i64,
    /// The error number with which the authorise page sends every browser back, e.g. `60012`; none normally.
    pub authorize_error: Option<String>,
    pub rates: Rates,
    /// Requests that the log remembers.
    pub log_entries_max: usize,
    /// Whether `code` and the other fields of welink-api.md 1 change between string and number from answer to answer.
    pub wobble: bool,
    /// The answer to wrong credentials: `10007`, or the older `411007`.
    pub wrong_secret_code: String,
    /// The answer to an unknown person: `47012`, `47007` or `47111` (welink-api.md 4.4).
    pub unknown_user_code: String,
    /// The answer to a person outside the visible range: `47012` or `47000` (welink-api.md 4).
    pub out_of_range_code: String,
    /// The HTTP status beside 501: 200 or 501 (welink-api.md 15, question 5).
    pub no_permission_status: u16,
    pub contact: ContactSettings,
    pub overlong: Overlong,
    pub partial: Partial,
    pub todo_repeat: TodoRepeat,
    /// The answer to a to-do for somebody unknown or invisible: `55006` or `55007` (welink-api.md 16, 7.1).
    pub todo_nobody_code: String,
    /// The answer to the end of a to-do that there is not: `55009` or `55008` (welink-api.md 16, 7.3).
    pub todo_gone_code: String,
    /// How long a to-do stays that nobody touches (welink-api.md 7: three months).
    pub todo_life_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            expires_in_s: 7200,
            lock_failures: 5,
            lock_ms: 15 * 60 * 1000,
            auth_code_ms: 2 * 60 * 1000,
            oauth_code_ms: 5 * 60 * 1000,
            authorize_error: None,
            rates: Rates::default(),
            log_entries_max: 1000,
            wobble: false,
            wrong_secret_code: "10007".to_owned(),
            unknown_user_code: "47012".to_owned(),
            out_of_range_code: "47012".to_owned(),
            no_permission_status: 200,
            contact: ContactSettings::default(),
            overlong: Overlong::Refused,
            partial: Partial::CodeWithItem,
            todo_repeat: TodoRepeat::Refused55007,
            todo_nobody_code: "55006".to_owned(),
            todo_gone_code: "55009".to_owned(),
            todo_life_ms: 90 * 24 * 60 * 60 * 1000,
        }
    }
}
