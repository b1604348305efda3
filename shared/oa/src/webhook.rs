//! The signature of server-to-server calls in both directions: Standard Webhooks (oa-api.md C.6).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};
use platform::entropy::Entropy;
use platform::secret::Secret;
use standardwebhooks::Webhook;

/// Names a call; a repetition carries the same one.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
/// Seconds since the epoch.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// A list of signatures, separated by spaces.
pub const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Tolerance of the timestamp, either way.
pub const SKEW_S_MAX: i64 = 300;
/// Live secrets of one direction at most, during a rotation.
pub const SECRETS_MAX: usize = 2;
/// Signatures of one call that are looked at.
const SIGNATURES_MAX: usize = 8;
const PREFIX: &str = "whsec_";

/// The `webhook-id` of a call: 1 to 128 visible ASCII characters. No full stop: it separates what is signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(String);

impl WebhookId {
    /// A fresh id, 130 random bits.
    pub fn new(entropy: &Entropy) -> Self {
        Self(format!("msg_{}", entropy.token(26)))
    }

    /// `None` when the text is no such id.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a call is not believed. Both are 401 (oa-api.md C.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// A header is missing or unreadable, or no listed signature matches under any secret.
    #[error("the signature is not valid")]
    SignatureInvalid,
    /// The signature is right, its time is not: a clock is off, or an old call is repeated.
    #[error("the timestamp is more than {SKEW_S_MAX} s away")]
    TimestampSkew,
}

/// A secret is not `whsec_` and base64 of 24 to 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a webhook secret")]
pub struct InvalidSecret;

/// A fresh secret: `whsec_` and base64 of 32 random bytes.
pub fn new_secret(entropy: &Entropy) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(entropy.bytes::<32>())))
}

/// Whether a secret that somebody entered can be used.
pub fn check_secret(secret: &Secret<String>) -> Result<(), InvalidSecret> {
    signer(secret).map(|_| ())
}

fn signer(secret: &Secret<String>) -> Result<Webhook, InvalidSecret> {
    let text = secret.expose().strip_prefix(PREFIX).ok_or(InvalidSecret)?;
    let key = STANDARD.decode(text).map_err(|_| InvalidSecret)?;
    if !(24..=64).contains(&key.len()) {
        return Err(InvalidSecret);
    }
    Webhook::from_bytes(key).map_err(|_| InvalidSecret)
}

/// The three headers of a signed call. The body must be UTF-8, as JSON is.
pub fn sign(secret: &Secret<String>, id: &WebhookId, now: Timestamp, body: &str) -> Result<HeaderMap, InvalidSecret> {
    let seconds = now.epoch_s();
    let signature = signer(secret)?.sign(id.as_str(), seconds, body.as_bytes()).map_err(|_| InvalidSecret)?;
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(ID, HeaderValue::from_str(id.as_str()).map_err(|_| InvalidSecret)?);
    headers.insert(TIMESTAMP, HeaderValue::from(seconds));
    headers.insert(SIGNATURE, HeaderValue::from_str(&signature).map_err(|_| InvalidSecret)?);
    Ok(headers)
}

/// Believes a call when any listed signature matches under any of the live `secrets` and its time is within
/// [`SKEW_S_MAX`] of `now`. `raw_body` is verified as it came, before anybody parses it.
///
/// The library signs; its own verification reads the system's clock, so the comparison and the time are here.
pub fn verify(
    secrets: &[Secret<String>],
    headers: &HeaderMap,
    raw_body: &[u8],
    now: Timestamp,
) -> Result<WebhookId, WebhookError> {
    let (id, signed) = verify_kept(secrets, headers, raw_body)?;
    // After the signature: what an unknown caller says about his clock is nobody's business.
    if now.epoch_s().abs_diff(signed.epoch_s()) > SKEW_S_MAX.unsigned_abs() {
        return Err(WebhookError::TimestampSkew);
    }
    Ok(id)
}

/// The same for what has lain in a queue, however long: says when it was signed.
pub fn verify_kept(
    secrets: &[Secret<String>],
    headers: &HeaderMap,
    raw_body: &[u8],
) -> Result<(WebhookId, Timestamp), WebhookError> {
    let invalid = WebhookError::SignatureInvalid;
    let id = only(headers, &ID).and_then(WebhookId::parse).ok_or(invalid)?;
    let seconds = only(headers, &TIMESTAMP).and_then(epoch_s).ok_or(invalid)?;
    let listed = only(headers, &SIGNATURE).ok_or(invalid)?;
    let mut believed = false;
    for secret in secrets.iter().take(SECRETS_MAX) {
        let Ok(webhook) = signer(secret) else { continue };
        let wanted = webhook.sign(id.as_str(), seconds, raw_body).map_err(|_| invalid)?;
        let wanted = Secret::new(wanted);
        for candidate in listed.split(' ').take(SIGNATURES_MAX) {
            believed |= wanted.matches(candidate);
        }
    }
    if believed { Ok((id, Timestamp(0).plus_s(seconds))) } else { Err(invalid) }
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// Seconds in their one spelling: the signature covers the number, so a second spelling would be signed as well.
fn epoch_s(text: &str) -> Option<i64> {
    let seconds: i64 = text.parse().ok()?;
    (seconds >= 0 && seconds.to_string() == text).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=";
    const BODY: &str = r#"{"specversion":"1.0","id":"evt-1","type":"oa.todo.created"}"#;
    const CHECK: &str = "v1,0Uthw4iUIzY1qeQ0njPBbljQ48Of53hme64q8XikuN0=";
    const AT: Timestamp = Timestamp(1_767_225_600_000);

    fn secret() -> Secret<String> {
        Secret::new(SECRET.to_owned())
    }

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    fn genuine() -> HeaderMap {
        headers("msg_2b4fExample", "1767225600", CHECK)
    }

    fn check(headers: &HeaderMap, now: Timestamp) -> Result<WebhookId, WebhookError> {
        verify(&[secret()], headers, BODY.as_bytes(), now)
    }

    #[test]
    fn the_contracts_check_value_is_signed_and_believed() {
        let id = WebhookId::parse("msg_2b4fExample").unwrap();
        assert_eq!(sign(&secret(), &id, AT, BODY).unwrap(), genuine());
        assert_eq!(check(&genuine(), AT), Ok(id));
    }

    #[test]
    fn several_signatures_and_two_secrets_are_tried() {
        let old = new_secret(&Entropy::seeded(1));
        let listed = format!("v1a,AAAA v1,bad= {CHECK}");
        let call = headers("msg_2b4fExample", "1767225600", &listed);
        assert!(verify(&[old.clone(), secret()], &call, BODY.as_bytes(), AT).is_ok());
        assert_eq!(verify(&[old], &call, BODY.as_bytes(), AT), Err(WebhookError::SignatureInvalid));
        assert_eq!(verify(&[], &call, BODY.as_bytes(), AT), Err(WebhookError::SignatureInvalid));
    }

    #[test]
    fn what_is_changed_missing_or_misspelt_is_not_believed() {
        let invalid = Err(WebhookError::SignatureInvalid);
        for bad in [
            headers("msg_other", "1767225600", CHECK),
            headers("msg_2b4fExample", "1767225601", CHECK),
            headers("msg_2b4fExample", "+1767225600", CHECK),
            headers("msg_2b4fExample", "01767225600", CHECK),
            headers("msg_2b4fExample", "soon", CHECK),
            headers("msg_2b4fExample", "1767225600", "v1,"),
            headers("msg_2b4fExample", "1767225600", CHECK.trim_start_matches("v1,")),
            headers("msg.2b4f", "1767225600", CHECK),
            HeaderMap::new(),
        ] {
            assert_eq!(check(&bad, AT), invalid, "{bad:?}");
        }
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut call = genuine();
            let value = call.remove(&name).unwrap();
            assert_eq!(check(&call, AT), invalid);
            call.append(&name, value.clone());
            call.append(&name, value);
            assert_eq!(check(&call, AT), invalid, "{name} twice");
        }
        assert_eq!(verify(&[secret()], &genuine(), b"{}", AT), invalid);
        assert_eq!(verify(&[secret()], &genuine(), &[0xff], AT), invalid);
    }

    #[test]
    fn the_time_may_be_five_minutes_off() {
        for (offset_s, want) in [(-301, false), (-300, true), (300, true), (301, false)] {
            let outcome = check(&genuine(), AT.plus_s(offset_s));
            assert_eq!(outcome.is_ok(), want, "{offset_s}");
            if !want {
                assert_eq!(outcome, Err(WebhookError::TimestampSkew));
            }
        }
    }

    #[test]
    fn a_secret_has_a_prefix_and_24_to_64_bytes() {
        assert!(check_secret(&new_secret(&Entropy::seeded(3))).is_ok());
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=", "whsec_%%"] {
            assert_eq!(check_secret(&Secret::new(bad.to_owned())), Err(InvalidSecret), "{bad}");
        }
        let id = WebhookId::new(&Entropy::seeded(4));
        assert_eq!(WebhookId::parse(id.as_str()), Some(id));
    }
}
