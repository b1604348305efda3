//! Why somebody is not let in: a [`Problem`] for the person, a cause for the log.
//!
//! Which error type where: the leaf crates (`state`, `welink`, `oa`, `platform`) have enums whose variants say what to
//! do. Here they become one `Refusal`, which a function shows as a page or a problem document and logs once. The cause
//! never reaches a client.

use domain::problem::{self, Problem};
use oa::port::OaError;
use platform::envelope::NotOpened;
use platform::vault::VaultError;
use state::StoreError;
use welink::WeLinkError;

/// A refused request.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub problem: Problem,
    /// For `Retry-After`.
    pub retry_after_s: Option<i64>,
    /// What the log says; holds no personal data and no secret.
    pub cause: Option<String>,
}

impl Refusal {
    pub fn because(problem: Problem, cause: impl std::fmt::Display) -> Self {
        Self { problem, retry_after_s: None, cause: Some(cause.to_string()) }
    }

    /// Logs it: once, where the answer is made.
    pub fn log(&self) {
        let (problem, cause) = (self.problem.name, self.cause.as_deref().unwrap_or(""));
        if self.problem.status >= 500 {
            tracing::error!(problem, cause, "refused: {problem}");
        } else {
            tracing::info!(problem, cause, "refused: {problem}");
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, retry_after_s: None, cause: None }
    }
}

/// Without the table nobody is signed in (product.md C28).
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::because(problem::UNAVAILABLE, error)
    }
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        Self::because(problem::UNAVAILABLE, error)
    }
}

impl From<NotOpened> for Refusal {
    fn from(error: NotOpened) -> Self {
        Self::because(problem::UNAVAILABLE, error)
    }
}

impl From<WeLinkError> for Refusal {
    fn from(error: WeLinkError) -> Self {
        let problem = match &error {
            // 41500: "could not get the user" (welink-api.md 3.2); the code itself was not at fault.
            WeLinkError::Code { code } if code == "41500" => problem::LEFT_COMPANY,
            WeLinkError::Code { .. } => problem::CODE_REFUSED,
            WeLinkError::Blocked { .. } => problem::WELINK_CREDENTIALS,
            WeLinkError::Permission { .. } => problem::WELINK_PERMISSION,
            WeLinkError::Busy { .. } => problem::BUSY,
            WeLinkError::Store(_) => problem::UNAVAILABLE,
            WeLinkError::Down | WeLinkError::Malformed | WeLinkError::Refused { .. } => problem::WELINK_DOWN,
        };
        let retry_after_s = match &error {
            WeLinkError::Busy { retry_after_ms } => i64::try_from(retry_after_ms.div_ceil(1000)).ok(),
            _ => None,
        };
        Self { problem, retry_after_s, cause: Some(error.to_string()) }
    }
}

impl From<OaError> for Refusal {
    fn from(error: OaError) -> Self {
        let problem = match &error {
            OaError::Refused(_) => problem::OA_REFUSED,
            OaError::Down(_) | OaError::Malformed(_) => problem::OA_DOWN,
        };
        Self::because(problem, error)
    }
}
