//! Reading a hand-off ticket: a JWT of the bridge, Ed25519 and nothing else (oa-api.md C.2.2).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refusal::Refusal;

/// Bytes of a ticket at most; a real one has about 600.
const TICKET_BYTES_MAX: usize = 8 * 1024;
/// Seconds by which the bridge's clock may differ.
const SKEW_S: i64 = 30;
/// Seconds between `iat` and `exp` at most (product.md C15).
const LIFETIME_S_MAX: i64 = 60;
/// Bytes of `dest` at most.
const DEST_BYTES_MAX: usize = 1024;
/// Keys read from a key set; two are live during a rotation.
const KEYS_MAX: usize = 8;
/// The key set is used for so long without asking again.
const KEYS_AGE_MS_MAX: i64 = 300_000;

/// What the ticket says once everything about it holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) sub: String,
    pub(super) jti: String,
    iat: i64,
    exp: i64,
    pub(super) dest: String,
    #[serde(default)]
    pub(super) amr: Vec<String>,
    pub(super) nonce: Option<String>,
    /// The code that it stands for (oa-api.md C.4).
    pub(super) qr: Option<String>,
    pub(super) enterprise: Option<String>,
}

/// Members that would let a ticket bring its own key, or that we would have to understand, are read to be refused.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
}

/// A ticket whose header is acceptable; nothing in it is believed yet.
#[derive(Debug)]
pub(super) struct Unverified<'a> {
    pub(super) kid: String,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// What the claims are compared with.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) now: Timestamp,
}

impl<'a> Unverified<'a> {
    /// Takes the ticket apart and looks at its header only.
    pub(super) fn parse(ticket: &'a str) -> Result<Self, Refusal> {
        if ticket.len() > TICKET_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = ticket.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::Malformed)?;
        let Header { alg, typ, kid, jku, jwk, x5u, x5c, crit } = header;
        if alg != "Ed25519" {
            return Err(Refusal::Algorithm);
        }
        if [jku, jwk, x5u, x5c, crit].iter().any(Option::is_some) {
            return Err(Refusal::ForeignKey);
        }
        if typ.as_deref() != Some("oa-ticket+jwt") {
            return Err(Refusal::Type);
        }
        Ok(Self { kid: kid.ok_or(Refusal::UnknownKey)?, signed, payload, signature })
    }

    /// Checks the signature and then every claim.
    pub(super) fn verify(&self, key: &VerifyingKey, expected: &Expected<'_>) -> Result<Claims, Refusal> {
        let signature = Signature::from_slice(&decode(self.signature)?).map_err(|_| Refusal::Signature)?;
        key.verify_strict(self.signed.as_bytes(), &signature).map_err(|_| Refusal::Signature)?;
        let claims: Claims = serde_json::from_slice(&decode(self.payload)?).map_err(|_| Refusal::Malformed)?;
        let now_s = expected.now.epoch_s();
        if claims.iss != expected.issuer {
            return Err(Refusal::Issuer);
        }
        if claims.aud != expected.audience {
            return Err(Refusal::Audience);
        }
        if now_s > claims.exp.saturating_add(SKEW_S) {
            return Err(Refusal::Expired);
        }
        let lifetime_s = claims.exp.saturating_sub(claims.iat);
        if claims.iat > now_s.saturating_add(SKEW_S) || !(1..=LIFETIME_S_MAX).contains(&lifetime_s) {
            return Err(Refusal::Lifetime);
        }
        if !is_local_path(&claims.dest) {
            return Err(Refusal::Destination);
        }
        Ok(claims)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

/// A path of this OA and nothing else: one leading slash, no backslash, no control character (oa-api.md C.2).
pub(super) fn is_local_path(dest: &str) -> bool {
    dest.starts_with('/')
        && !dest.starts_with("//")
        && dest.len() <= DEST_BYTES_MAX
        && !dest.chars().any(|c| c == '\\' || c.is_control())
}

#[derive(Debug, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

/// The bridge's keys as last fetched. Each `kid` is pinned to Ed25519: other keys of the set are not for tickets.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    keys: BTreeMap<String, VerifyingKey>,
    fetched: Option<Timestamp>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517); keys that cannot sign tickets are passed over.
    pub(super) fn parse(body: &[u8], now: Timestamp) -> Result<Self, serde_json::Error> {
        let set: Jwks = serde_json::from_slice(body)?;
        let keys = set.keys.into_iter().take(KEYS_MAX).filter_map(usable).collect();
        Ok(Self { keys, fetched: Some(now) })
    }

    pub(super) fn key(&self, kid: &str) -> Option<VerifyingKey> {
        self.keys.get(kid).copied()
    }

    /// Whether the set was fetched within the last 300 s.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|at| (0..KEYS_AGE_MS_MAX).contains(&now.ms_since(at)))
    }
}

/// An Ed25519 verification key with its name (RFC 8037), or nothing.
fn usable(jwk: Jwk) -> Option<(String, VerifyingKey)> {
    let for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let for_ed25519 = jwk.alg.as_deref().is_none_or(|alg| alg == "Ed25519" || alg == "EdDSA");
    if jwk.kty != "OKP" || jwk.crv.as_deref() != Some("Ed25519") || !for_signatures || !for_ed25519 {
        return None;
    }
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(jwk.x?).ok()?.try_into().ok()?;
    Some((jwk.kid?, VerifyingKey::from_bytes(&bytes).ok()?))
}
