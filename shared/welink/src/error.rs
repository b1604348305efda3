//! What a call can come to. The variants say what to do, not who failed.

use domain::time::Timestamp;

/// Why a call brought no result. No variant holds a secret, a token, a one-time code or personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeLinkError {
    /// The one-time code is not accepted: the person opens the app again (product.md C3).
    #[error("WeLink refuses the one-time code ({code})")]
    Code { code: String },
    /// The app's credentials are refused; no call is made before `until` unless they change (product.md OPS-02).
    /// `newly` is true exactly once per step, over all sandboxes: write the audit entry, tell the administrator.
    #[error("the app's credentials are refused ({code}); blocked until {}", until.0)]
    Blocked { until: Timestamp, code: String, newly: bool },
    /// The app lacks a permission, also with a new token (product.md ENT-08).
    #[error("the app lacks a permission ({code})")]
    Permission { code: String },
    /// The call budget is used up, or WeLink limits the rate.
    #[error("busy, retry after {retry_after_ms} ms")]
    Busy { retry_after_ms: u64 },
    /// WeLink is not answering: retry later.
    #[error("WeLink is not answering")]
    Down,
    /// A final answer. `message` is WeLink's own text, at most 200 characters: for administrators only.
    #[error("WeLink refuses: {code}")]
    Refused { code: String, message: String },
    /// The answer is not what the contract says.
    #[error("WeLink's answer is malformed")]
    Malformed,
    /// The shared store is out of reach.
    #[error("the store is out of reach: {0}")]
    Store(String),
}

impl WeLinkError {
    /// WeLink's code, where there is one; [`crate::codes::find`] explains it.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code { code }
            | Self::Blocked { code, .. }
            | Self::Permission { code }
            | Self::Refused { code, .. } => Some(code),
            Self::Busy { .. } | Self::Down | Self::Malformed | Self::Store(_) => None,
        }
    }

    /// Whether WeLink refused client_id or client_secret (welink-api.md 2.1): what `try_credentials` answers then.
    pub fn refuses_credentials(&self) -> bool {
        self.code().is_some_and(|code| crate::codes::class(code) == crate::codes::Class::Credentials)
    }

    pub(crate) fn store(error: impl std::fmt::Display) -> Self {
        Self::Store(error.to_string())
    }
}
