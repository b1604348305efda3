//! The bridge's ticket signing keys: one signs, all are published (product.md C15).

use std::sync::{Arc, Mutex, PoisonError};

use domain::problem;
use domain::time::Timestamp;
use oa::ticket::SigningKey;
use platform::envelope::Sealer;
use platform::secret::Secret;
use state::signing::StoredSigningKey;

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// How long a sandbox keeps the keys: the `max-age` of the published set, so that nobody is behind anybody.
pub(crate) const KEPT_S: i64 = 300;

/// The keys as a sandbox remembers them.
#[derive(Debug, Default)]
pub(crate) struct Keyring(Mutex<Option<(Timestamp, Arc<Vec<SigningKey>>)>>);

fn context(kid: &str) -> String {
    format!("signing/{kid}")
}

impl Bridge {
    /// The keys, the one that signs first, never empty: the first need of one makes it.
    pub(crate) async fn signing_keys(&self) -> Result<Arc<Vec<SigningKey>>, Refusal> {
        let now = self.clock().now();
        if let Some(known) = self.remembered(now) {
            return Ok(known);
        }
        let mut stored = self.store().signing_keys().await?;
        let sealer = self.sealer().await?;
        if stored.is_empty() {
            self.make_signing_key(&sealer).await?;
            // Read again: another sandbox may have made the first key at the same moment, and both must be published.
            stored = self.store().signing_keys().await?;
        }
        sign_with_a_known_one(&mut stored, now);
        let keys: Vec<SigningKey> = stored.iter().map(|key| opened(&sealer, key)).collect::<Result<_, _>>()?;
        let keys = Arc::new(keys);
        let mut slot = self.0.keyring.0.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    /// The published key set (RFC 7517).
    pub async fn jwks(&self) -> Result<serde_json::Value, Refusal> {
        Ok(oa::ticket::jwks(self.signing_keys().await?.iter().map(SigningKey::public_jwk)))
    }

    fn remembered(&self, now: Timestamp) -> Option<Arc<Vec<SigningKey>>> {
        let slot = self.0.keyring.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = slot.as_ref()?;
        (0..KEPT_S * 1000).contains(&now.ms_since(*at)).then(|| Arc::clone(keys))
    }

    async fn make_signing_key(&self, sealer: &Sealer) -> Result<(), Refusal> {
        self.store().add_signing_key(&self.new_signing_key(sealer)?).await?;
        Ok(())
    }

    /// A fresh key, ready to be stored.
    pub(crate) fn new_signing_key(&self, sealer: &Sealer) -> Result<StoredSigningKey, Refusal> {
        let key = SigningKey::generate(self.entropy());
        let hex = Secret::new(platform::secret::hex(key.seed().expose()));
        let seed = sealer.seal(&context(key.kid()), hex.expose())?;
        Ok(StoredSigningKey { kid: key.kid().to_owned(), seed, created: self.clock().now() })
    }

    /// Reads the keys anew at the next need, in this sandbox.
    pub(crate) fn forget_signing_keys(&self) {
        *self.0.keyring.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether every stored key opens; at least one must be there once somebody has signed in.
    pub async fn test_signing_keys(&self) -> Result<(), Refusal> {
        let sealer = self.sealer().await?;
        for key in self.store().signing_keys().await? {
            opened(&sealer, &key)?;
        }
        Ok(())
    }
}

/// When everybody can know a key: a sandbox publishes what it remembers for [`KEPT_S`], and an OA keeps that as long
/// again.
pub(crate) fn known_from(key: &StoredSigningKey) -> Timestamp {
    key.created.plus_s(2 * KEPT_S)
}

/// Which of the keys signs: the newest that everybody can know by now, the oldest while all are fresh.
pub(crate) fn signs(newest_first: &[StoredSigningKey], now: Timestamp) -> usize {
    let known = newest_first.iter().position(|key| now >= known_from(key));
    known.unwrap_or(newest_first.len().saturating_sub(1))
}

/// Puts the key that signs first.
fn sign_with_a_known_one(newest_first: &mut [StoredSigningKey], now: Timestamp) {
    let signs = signs(newest_first, now);
    if let Some(until_it) = newest_first.get_mut(..=signs) {
        until_it.rotate_right(1);
    }
}

fn opened(sealer: &Sealer, stored: &StoredSigningKey) -> Result<SigningKey, Refusal> {
    let damaged = || Refusal::because(problem::UNAVAILABLE, "a stored signing key is not 32 bytes of hex");
    let text = sealer.open(&context(&stored.kid), &stored.seed)?;
    let seed = platform::secret::unhex(text.expose()).map(Secret::new).ok_or_else(damaged)?;
    SigningKey::new(stored.kid.clone(), seed).map_err(|_| damaged())
}
