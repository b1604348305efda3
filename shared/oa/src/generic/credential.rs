//! Whether a password belongs to an account: one signed call to the OA (oa-api.md C.3).
//!
//! The body that carries the password is written once into a buffer that never grows, and is wiped when the last part
//! of the call lets go of it. Three short-lived copies cannot be wiped from here: the signing library joins id, time
//! and body into a text of its own, and the HTTP and TLS layers keep the bytes until they are on the wire.

use bytes::Bytes;
use domain::ids::OaUserId;
use http::StatusCode;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};

use super::{Generic, client};
use crate::port::{Attempt, Credential, OaError, VerifiedUser};
use crate::webhook::{self, WebhookId};

/// Characters of a name in the answer at most: it is stored with the link and shown on a page.
const NAME_CHARS_MAX: usize = 200;
/// A lock without `retry_after` is taken to last as long as the window of the contract's limits: 15 minutes.
const LOCK_S: u32 = 900;
/// Bytes of the request around its texts; they are about 120.
const FRAME_BYTES: usize = 256;
/// JSON writes one byte as six at most (`\u0000`).
const ESCAPED_BYTES_MAX: usize = 6;

#[derive(Serialize)]
struct WireAttempt<'a> {
    op: &'static str,
    request_id: &'a str,
    login: &'a str,
    password: &'a str,
    context: WireContext<'a>,
}

#[derive(Serialize)]
struct WireContext<'a> {
    ip: &'a str,
    channel: &'static str,
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum WireVerdict {
    Ok {
        user: WireVerified,
    },
    Rejected {
        reason: Reason,
        #[serde(default)]
        retry_after: Option<u32>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Invalid,
    Locked,
    Disabled,
    SecondFactor,
}

#[derive(Deserialize)]
struct WireVerified {
    id: OaUserId,
    login_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    work_code: Option<String>,
}

impl WireVerdict {
    fn canonical(self) -> Result<Credential, OaError> {
        let (reason, retry_after) = match self {
            Self::Ok { user } => return user.canonical().map(Credential::Ok),
            Self::Rejected { reason, retry_after } => (reason, retry_after),
        };
        Ok(match reason {
            Reason::Invalid => Credential::Invalid,
            Reason::Locked => Credential::Locked { retry_after_s: retry_after.unwrap_or(LOCK_S) },
            Reason::Disabled => Credential::Disabled,
            Reason::SecondFactor => Credential::SecondFactor,
        })
    }
}

impl WireVerified {
    /// A user without a display name is shown by his login name.
    fn canonical(self) -> Result<VerifiedUser, OaError> {
        let filled = |text: &String| !text.is_empty();
        let display_name = self.display_name.filter(filled).unwrap_or_else(|| self.login_id.clone());
        let work_code = self.work_code.filter(filled);
        let names = [Some(&self.login_id), Some(&display_name), work_code.as_ref()];
        if self.login_id.is_empty()
            || names.into_iter().flatten().any(|name| name.chars().nth(NAME_CHARS_MAX).is_some())
        {
            return Err(OaError::Malformed(format!("a name of the user is empty or over {NAME_CHARS_MAX} characters")));
        }
        Ok(VerifiedUser { id: self.id, login_id: self.login_id, display_name, work_code })
    }
}

/// The bytes of a request, wiped when the last holder is done with them.
struct Wiped(Secret<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Bytes that hold this attempt however it is escaped: a buffer that grew would leave a copy of itself behind.
fn bytes_max(attempt: &Attempt<'_>) -> usize {
    let typed = [attempt.request_id, attempt.login, attempt.password.expose(), attempt.ip];
    FRAME_BYTES + ESCAPED_BYTES_MAX * typed.iter().map(|text| text.len()).sum::<usize>()
}

fn body(attempt: &Attempt<'_>) -> Result<Secret<Vec<u8>>, OaError> {
    let wire = WireAttempt {
        op: "credential.verify",
        request_id: attempt.request_id,
        login: attempt.login,
        password: attempt.password.expose(),
        context: WireContext { ip: attempt.ip, channel: "welink" },
    };
    let mut bytes = Vec::with_capacity(bytes_max(attempt));
    let written = serde_json::to_writer(&mut bytes, &wire);
    let bytes = Secret::new(bytes);
    // The writer's own message is left out: it has no business near a password.
    written.map(|()| bytes).map_err(|_| OaError::Refused("the call cannot be written as JSON".to_owned()))
}

impl Generic {
    /// `POST {verify_url}`, signed with the pull secret, sent once.
    pub(super) async fn verify_credential(&self, attempt: &Attempt<'_>) -> Result<Credential, OaError> {
        let Some(url) = &self.urls.verify else { return Ok(Credential::Unsupported) };
        if !attempt.is_possible() {
            return Ok(Credential::Invalid);
        }
        let body = body(attempt)?;
        let text = std::str::from_utf8(body.expose())
            .map_err(|_| OaError::Refused("the call cannot be written as text".to_owned()))?;
        let id = WebhookId::new(&self.entropy);
        let signed = webhook::sign(&self.pull_secret, &id, self.clock.now(), text)
            .map_err(|e| OaError::Refused(format!("the secret of calls to the OA: {e}")))?;
        let answer = self.client.post_once(url, signed, Bytes::from_owner(Wiped(body))).await?;
        match answer.status() {
            StatusCode::OK => client::parse::<WireVerdict>(answer.body())?.canonical(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(OaError::Refused(format!(
                "status {}: check the secret of calls to the OA, and both clocks",
                answer.status().as_u16()
            ))),
            status if status.is_success() => {
                Err(OaError::Malformed(format!("status {} instead of 200", status.as_u16())))
            }
            status => Err(client::refused(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_never_outgrows_its_buffer() {
        for (login, password) in [("lihua", "demo1234"), ("\u{1}".repeat(200).as_str(), "\u{0}".repeat(1_000).as_str())]
        {
            let password = Secret::new(password.to_owned());
            let attempt = Attempt { request_id: "req-1", login, password: &password, ip: "203.0.113.7" };
            let body = body(&attempt).unwrap();
            assert_eq!(body.expose().capacity(), bytes_max(&attempt));
            let text: serde_json::Value = serde_json::from_slice(body.expose()).unwrap();
            assert_eq!(text["password"], password.expose().as_str());
        }
    }
}
