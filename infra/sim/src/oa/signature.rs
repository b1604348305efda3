//! Signatures between the two servers: Standard Webhooks over the raw body (oa-api.md C.6).

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::time::Timestamp;
use platform::secret::Secret;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// Seconds that the two clocks may differ.
const SKEW_S_MAX: i64 = 300;
/// Signatures read from one header; a sender has two live secrets at most.
const SIGNATURES_MAX: usize = 8;
/// Bytes of a `webhook-id`.
const ID_BYTES_MAX: usize = 128;

/// The secret is not `whsec_` and base64 of 24 to 64 bytes, or the body is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsignable;

/// Why a signed request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unproved {
    /// Missing headers, a wrong signature or no connection: all answered alike.
    Signature,
    /// Signed correctly, but not within 300 s of now.
    Skew,
}

pub(super) fn check_secret(secret: &Secret<String>) -> Result<(), Unsignable> {
    let key = secret.expose().strip_prefix("whsec_").ok_or(Unsignable)?;
    let bytes = STANDARD.decode(key).map_err(|_| Unsignable)?;
    if (24..=64).contains(&bytes.len()) { Ok(()) } else { Err(Unsignable) }
}

/// The value of `webhook-signature` for this body.
pub(super) fn sign(
    secret: &Secret<String>,
    id: &str,
    timestamp_s: i64,
    body: &[u8],
) -> Result<Secret<String>, Unsignable> {
    let webhook = Webhook::new(secret.expose()).map_err(|_| Unsignable)?;
    webhook.sign(id, timestamp_s, body).map(Secret::new).map_err(|_| Unsignable)
}

/// Checks the three headers over the raw body under any of the live secrets, and gives back the `webhook-id`.
///
/// The library's own `verify` reads the system's clock; the simulated OA has one of its own.
pub(super) fn verify<'a>(
    secrets: impl Iterator<Item = &'a Secret<String>>,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<String, Unproved> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Unproved::Signature);
    let id = text(HEADER_WEBHOOK_ID)?;
    let timestamp_s: i64 = text(HEADER_WEBHOOK_TIMESTAMP)?.parse().map_err(|_| Unproved::Signature)?;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(Unproved::Signature);
    }
    let given = text(HEADER_WEBHOOK_SIGNATURE)?;
    let mut proved = false;
    for secret in secrets {
        let expected = sign(secret, id, timestamp_s, body).map_err(|_| Unproved::Signature)?;
        // No early end: the time that this takes must not tell which secret or signature came close.
        proved |= given.split(' ').take(SIGNATURES_MAX).fold(false, |found, one| found | expected.matches(one));
    }
    if !proved {
        return Err(Unproved::Signature);
    }
    if now.epoch_s().abs_diff(timestamp_s) > SKEW_S_MAX.unsigned_abs() {
        return Err(Unproved::Skew);
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"specversion":"1.0","id":"evt-1","type":"oa.todo.created"}"#;
    const SIGNED: &str = "v1,0Uthw4iUIzY1qeQ0njPBbljQ48Of53hme64q8XikuN0=";
    const AT: Timestamp = Timestamp(1_767_225_600_000);

    fn secret() -> Secret<String> {
        Secret::new("whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=".to_owned())
    }

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn the_check_value_of_the_contract_is_what_we_sign() {
        let signed = sign(&secret(), "msg_2b4fExample", 1_767_225_600, BODY).unwrap();
        assert_eq!(signed.expose(), SIGNED);
    }

    #[test]
    fn a_signature_is_accepted_only_over_this_body_id_time_and_secret() {
        let other = Secret::new("whsec_b3RoZXJ0aGFudGhlcmlnaHRzZWNyZXQzMmJ5dGVzISE=".to_owned());
        let two = format!("v1,AAAA {SIGNED}");
        for (id, timestamp, signature, body, ahead_s, want) in [
            ("msg_2b4fExample", "1767225600", SIGNED, BODY, 0, Ok("msg_2b4fExample".to_owned())),
            ("msg_2b4fExample", "1767225600", two.as_str(), BODY, 300, Ok("msg_2b4fExample".to_owned())),
            ("msg_2b4fExample", "1767225600", SIGNED, BODY, 301, Err(Unproved::Skew)),
            ("msg_2b4fExample", "1767225600", SIGNED, BODY, -301, Err(Unproved::Skew)),
            ("msg_other", "1767225600", SIGNED, BODY, 0, Err(Unproved::Signature)),
            ("msg_2b4fExample", "1767225601", SIGNED, BODY, 0, Err(Unproved::Signature)),
            ("msg_2b4fExample", "soon", SIGNED, BODY, 0, Err(Unproved::Signature)),
            ("msg_2b4fExample", "1767225600", &SIGNED[..20], BODY, 0, Err(Unproved::Signature)),
            ("msg_2b4fExample", "1767225600", SIGNED, b"{}", 0, Err(Unproved::Signature)),
        ] {
            let now = AT.plus_s(ahead_s);
            let got = verify([&other, &secret()].into_iter(), &headers(id, timestamp, signature), body, now);
            assert_eq!(got, want, "{id} {timestamp} {signature} {ahead_s}");
        }
        let given = headers("msg_2b4fExample", "1767225600", SIGNED);
        assert_eq!(verify([&other].into_iter(), &given, BODY, AT), Err(Unproved::Signature));
        assert_eq!(verify([&secret()].into_iter(), &HeaderMap::new(), BODY, AT), Err(Unproved::Signature));
    }

    #[test]
    fn a_secret_has_a_prefix_and_24_to_64_bytes() {
        for (text, want) in [
            ("whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=", Ok(())),
            ("Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=", Err(Unsignable)),
            ("whsec_c2hvcnQ=", Err(Unsignable)),
            ("whsec_!!!", Err(Unsignable)),
        ] {
            assert_eq!(check_secret(&Secret::new(text.to_owned())), want, "{text}");
        }
    }
}
