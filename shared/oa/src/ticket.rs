//! The ticket that carries a person into the OA (oa-api.md C.2.2): a signed token, worth nothing until it is redeemed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_compact::alg::Ed25519;
use jwt_compact::{AlgorithmExt as _, Header};
use platform::entropy::Entropy;
use platform::secret::Secret;
use serde::Serialize;
use serde_json::{Value, json};

/// The header's `typ`: no other token of the bridge can be taken for a ticket.
pub const TYPE: &str = "oa-ticket+jwt";
/// The header's `alg` (RFC 9864; the older name `EdDSA` is not emitted).
pub const ALGORITHM: &str = "Ed25519";
/// Bytes of a key's seed.
pub const SEED_BYTES: usize = 32;

/// What a ticket says, in the order in which it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The bridge's origin.
    pub iss: String,
    /// The OA instance.
    pub aud: String,
    /// The OA user.
    pub sub: String,
    /// Names this ticket at its one redemption.
    pub jti: String,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch; 60 s after `iat`.
    pub exp: i64,
    /// The path to open after sign-in.
    pub dest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_id: Option<String>,
    /// How the person was proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The scanned code that it stands for (oa-api.md C.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr: Option<String>,
    /// What the OA set at its start URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<String>,
}

/// A seed is not [`SEED_BYTES`] long, or a key id is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key")]
pub struct InvalidKey;

/// A ticket could not be written; the text names no claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ticket cannot be signed: {0}")]
pub struct NotSigned(String);

/// An Ed25519 key that signs tickets. Two are published while one takes over from the other (product.md C15).
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    seed: Secret<Vec<u8>>,
    key: ed25519_dalek::SigningKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The stored key `kid` with its 32 bytes of seed.
    pub fn new(kid: String, seed: Secret<Vec<u8>>) -> Result<Self, InvalidKey> {
        let bytes: &[u8; SEED_BYTES] = seed.expose().as_slice().try_into().map_err(|_| InvalidKey)?;
        if kid.is_empty() {
            return Err(InvalidKey);
        }
        let key = ed25519_dalek::SigningKey::from_bytes(bytes);
        Ok(Self { kid, seed, key })
    }

    /// A fresh key with a random id.
    pub fn generate(entropy: &Entropy) -> Self {
        let seed: [u8; SEED_BYTES] = entropy.bytes();
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        Self { kid: entropy.token(16), seed: Secret::new(seed.to_vec()), key }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What to store, enveloped; with [`SigningKey::kid`] it makes the key again.
    pub fn seed(&self) -> &Secret<Vec<u8>> {
        &self.seed
    }

    /// The ticket as a compact JWS.
    pub fn sign(&self, claims: &Claims) -> Result<Secret<String>, NotSigned> {
        let header = Header::empty().with_key_id(self.kid.clone()).with_token_type(TYPE);
        // All claims are ours, also the timestamps: the library would write them in another order.
        let claims = jwt_compact::Claims::new(claims);
        let token = Ed25519::with_specific_name().token(&header, &claims, &self.key);
        token.map(Secret::new).map_err(|e| NotSigned(e.to_string()))
    }

    /// The public half as a JSON Web Key (RFC 8037).
    pub fn public_jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": ALGORITHM, "use": "sig" })
    }
}

/// The key set of `/.well-known/jwks.json` (oa-api.md C.2) from [`SigningKey::public_jwk`]s.
pub fn jwks(public: impl IntoIterator<Item = Value>) -> Value {
    json!({ "keys": public.into_iter().collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use jwt_compact::UntrustedToken;

    use super::*;

    /// The private key of RFC 8037, appendix A.
    const RFC_8037: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    /// The check value of oa-api.md C.2.2.
    const CHECK: &str = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiZGVtby0xIiwidHlwIjoib2EtdGlja2V0K2p3dCJ9.\
        eyJpc3MiOiJodHRwczovL2JyaWRnZS5leGFtcGxlIiwiYXVkIjoib2EtZGVtbyIsInN1YiI6IjEwMDEiLCJqdGkiOiJ0a19kZW1vXzAwMDEiLCJ\
        pYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNTY2MCwiZGVzdCI6Ii90b2RvLzQyIiwibG9naW5faWQiOiJsaWh1YSJ9.\
        ZxH0nZCyEMrBTWFScAb7HFGkm80yJmpgZzLpqQ5OkHcvd4jAAEnQFlfOycebZ32nlbvir25RCa77ygWNrlznBg";

    fn claims() -> Claims {
        Claims {
            iss: "https://bridge.example".to_owned(),
            aud: "oa-demo".to_owned(),
            sub: "1001".to_owned(),
            jti: "tk_demo_0001".to_owned(),
            iat: 1_767_225_600,
            exp: 1_767_225_660,
            dest: "/todo/42".to_owned(),
            login_id: Some("lihua".to_owned()),
            amr: Vec::new(),
            qr: None,
            nonce: None,
            tenant: None,
            enterprise: None,
        }
    }

    #[test]
    fn the_contracts_check_value_comes_out_byte_for_byte() {
        let key = SigningKey::new("demo-1".to_owned(), Secret::new(RFC_8037.to_vec())).unwrap();
        assert_eq!(key.sign(&claims()).unwrap().expose(), CHECK);
        assert_eq!(
            key.public_jwk(),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "demo-1", "alg": "Ed25519", "use": "sig" })
        );
    }

    #[test]
    fn another_key_or_a_changed_claim_does_not_verify() {
        let (ours, other) = (SigningKey::generate(&Entropy::seeded(1)), SigningKey::generate(&Entropy::seeded(2)));
        assert_ne!(ours.kid(), other.kid());
        let full = Claims {
            amr: vec!["welink".to_owned()],
            nonce: Some("nonce-1".to_owned()),
            tenant: Some("t".to_owned()),
            ..claims()
        };
        let text = ours.sign(&full).unwrap();
        let token = UntrustedToken::new(text.expose().as_str()).unwrap();
        assert_eq!((token.algorithm(), token.header().token_type.as_deref()), (ALGORITHM, Some(TYPE)));
        let verify = |key: &SigningKey| {
            Ed25519::with_specific_name().validator::<Value>(&key.key.verifying_key()).validate(&token)
        };
        let read = verify(&ours).unwrap();
        assert_eq!(read.claims().custom["nonce"], "nonce-1");
        assert!(verify(&other).is_err());
    }

    #[test]
    fn a_key_survives_its_storage_and_a_damaged_one_is_refused() {
        let key = SigningKey::generate(&Entropy::seeded(7));
        let again = SigningKey::new(key.kid().to_owned(), key.seed().clone()).unwrap();
        assert_eq!(key.sign(&claims()).unwrap().expose(), again.sign(&claims()).unwrap().expose());
        assert_eq!(SigningKey::new("k".to_owned(), Secret::new(vec![0; 31])).err(), Some(InvalidKey));
        assert!(!format!("{key:?}").contains("seed"));
        assert_eq!(jwks([key.public_jwk()])["keys"][0]["kid"], key.kid());
    }
}
