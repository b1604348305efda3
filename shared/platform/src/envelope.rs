//! Secrets at rest: AES-256-GCM under the master key from the vault (design.md 5).
//!
//! An envelope is bound to its place by additional data, so that a row copied to another tenant or field does not open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::entropy::Entropy;
use crate::secret::Secret;

const VERSION: &str = "v1.";

/// A sealed secret as it is stored: `v1.` and base64 of nonce, ciphertext and tag.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Envelope(String);

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope(..)")
    }
}

/// The envelope does not open: another master key, another place, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret does not open under this master key")]
pub struct NotOpened;

/// Seals and opens envelopes.
#[derive(Clone)]
pub struct Sealer {
    key: std::sync::Arc<LessSafeKey>,
    entropy: Entropy,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// `master_key` is 32 bytes; anything else is refused.
    pub fn new(master_key: &Secret<Vec<u8>>, entropy: Entropy) -> Result<Self, NotOpened> {
        let key = UnboundKey::new(&AES_256_GCM, master_key.expose()).map_err(|_| NotOpened)?;
        Ok(Self { key: std::sync::Arc::new(LessSafeKey::new(key)), entropy })
    }

    /// Seals `plain` for the place that `context` names, e.g. `a_…/client_secret`.
    pub fn seal(&self, context: &str, plain: &str) -> Result<Envelope, NotOpened> {
        // 96 random bits per seal: at one seal a second a collision is not to be expected in the life of a key.
        let nonce: [u8; NONCE_LEN] = self.entropy.bytes();
        let mut sealed = plain.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| NotOpened)?;
        let mut whole = nonce.to_vec();
        whole.append(&mut sealed);
        Ok(Envelope(format!("{VERSION}{}", STANDARD_NO_PAD.encode(whole))))
    }

    /// Opens an envelope that was sealed with the same `context`.
    pub fn open(&self, context: &str, envelope: &Envelope) -> Result<Secret<String>, NotOpened> {
        let coded = envelope.0.strip_prefix(VERSION).ok_or(NotOpened)?;
        let whole = STANDARD_NO_PAD.decode(coded).map_err(|_| NotOpened)?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or(NotOpened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotOpened)?;
        let mut sealed = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut sealed).map_err(|_| NotOpened)?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| NotOpened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&Secret::new(vec![key; 32]), Entropy::seeded(1)).unwrap()
    }

    #[test]
    fn opens_only_with_its_key_and_in_its_place() {
        let envelope = sealer(1).seal("app-1", "s3cret").unwrap();
        assert_eq!(sealer(1).open("app-1", &envelope).unwrap().expose(), "s3cret");
        assert!(sealer(1).open("app-2", &envelope).is_err());
        assert!(sealer(2).open("app-1", &envelope).is_err());
        assert!(!serde_json::to_string(&envelope).unwrap().contains("s3cret"));
        for damaged in ["", "v1.", "v1.AAAA", "v2.AAAA", "not base64"] {
            assert!(sealer(1).open("app-1", &Envelope(damaged.to_owned())).is_err(), "{damaged}");
        }
    }
}
