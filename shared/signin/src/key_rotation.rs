//! One signing key takes over from another without a ticket being lost (product.md SEC-05, C15).
//!
//! A new key is published at once and signs when everybody can know it. The old one stays published until its last
//! ticket has expired; then it can be retired, and tickets of it verify nowhere any more.

use domain::audit::Entry;
use domain::problem;
use domain::session::TICKET_S;
use domain::time::Timestamp;
use serde::Serialize;
use state::signing::StoredSigningKey;

use crate::bridge::Bridge;
use crate::keyring::{KEPT_S, known_from, signs};
use crate::refusal::Refusal;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Published; signs once everybody can know it.
    Waiting,
    Signing,
    /// Published for the tickets that it has signed.
    Retiring,
}

/// A signing key without its secret half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SigningKeyInfo {
    pub kid: String,
    pub created: Timestamp,
    pub state: KeyState,
    /// When a waiting key begins to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<Timestamp>,
    /// From when on a retiring key can be retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retire_from: Option<Timestamp>,
}

impl Bridge {
    /// All keys, newest first, as they are stored now.
    pub async fn signing_key_infos(&self) -> Result<Vec<SigningKeyInfo>, Refusal> {
        Ok(infos(&self.store().signing_keys().await?, self.clock().now()))
    }

    /// Adds a key that will take over. Refused while an older rotation is not finished by retiring its old key: two
    /// keys live at a time. `entry` gets the key as its object.
    pub async fn rotate_signing_key(&self, mut entry: Entry) -> Result<SigningKeyInfo, Refusal> {
        // The first key is made by the first need of one; a rotation before it would have nothing to take over from.
        self.signing_keys().await?;
        if self.store().signing_keys().await?.len() > 1 {
            return Err(problem::ROTATION_UNDER_WAY.into());
        }
        let key = self.new_signing_key(&self.sealer().await?)?;
        key.kid.clone_into(&mut entry.object);
        let added = self.store().rotate_signing_key(&key, &entry).await?;
        self.forget_signing_keys();
        let infos = self.signing_key_infos().await?;
        let info = infos.into_iter().find(|info| added && info.kid == key.kid);
        info.ok_or_else(|| problem::CHANGED_MEANWHILE.into())
    }

    /// Removes a key whose last ticket has expired. `entry` gets the key as its object.
    pub async fn retire_signing_key(&self, kid: &str, mut entry: Entry) -> Result<(), Refusal> {
        let infos = self.signing_key_infos().await?;
        let info = infos.into_iter().find(|info| info.kid == kid).ok_or(problem::NOT_FOUND)?;
        let now = self.clock().now();
        match info.retire_from {
            Some(from) if now >= from => {}
            from => {
                let wait_s = from.map(|from| from.ms_since(now).max(0) / 1000 + 1);
                return Err(Refusal { retry_after_s: wait_s, ..problem::KEY_IN_USE.into() });
            }
        }
        kid.clone_into(&mut entry.object);
        let gone = self.store().retire_signing_key(kid, &entry).await?;
        self.forget_signing_keys();
        if gone { Ok(()) } else { Err(problem::NOT_FOUND.into()) }
    }
}

fn infos(newest_first: &[StoredSigningKey], now: Timestamp) -> Vec<SigningKeyInfo> {
    let signs = signs(newest_first, now);
    // A sandbox decides which key signs when it reads them, and keeps to it for `KEPT_S`.
    let last_old_ticket = |signing: &StoredSigningKey| known_from(signing).plus_s(KEPT_S + TICKET_S);
    let retire_from = newest_first.get(signs).map(last_old_ticket);
    let info = |(at, key): (usize, &StoredSigningKey)| {
        let state = match at.cmp(&signs) {
            std::cmp::Ordering::Less => KeyState::Waiting,
            std::cmp::Ordering::Equal => KeyState::Signing,
            std::cmp::Ordering::Greater => KeyState::Retiring,
        };
        SigningKeyInfo {
            kid: key.kid.clone(),
            created: key.created,
            state,
            signs_from: (state == KeyState::Waiting).then(|| known_from(key)),
            retire_from: retire_from.filter(|_| state == KeyState::Retiring),
        }
    };
    newest_first.iter().enumerate().map(info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, created_s: i64) -> StoredSigningKey {
        let seed = serde_json::from_value(serde_json::json!("v1.AAAA")).unwrap();
        StoredSigningKey { kid: kid.to_owned(), seed, created: Timestamp(0).plus_s(created_s) }
    }

    #[test]
    fn a_key_waits_signs_and_can_be_retired_when_its_last_ticket_is_gone() {
        let keys = [key("new", 1_000), key("old", 0)];
        let at = |s: i64| {
            let [new, old]: [SigningKeyInfo; 2] = infos(&keys, Timestamp(0).plus_s(s)).try_into().unwrap();
            (new.state, old.state, old.retire_from)
        };
        assert_eq!(at(1_599), (KeyState::Waiting, KeyState::Signing, None));
        let retire_from = Timestamp(0).plus_s(1_000 + 600 + 300 + 60);
        assert_eq!(at(1_600), (KeyState::Signing, KeyState::Retiring, Some(retire_from)));
        assert_eq!(infos(&keys[..1], Timestamp(0))[0].state, KeyState::Signing, "an only key signs");
    }
}
