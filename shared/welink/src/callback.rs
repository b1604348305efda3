//! Callbacks from WeLink (事件回调, welink-api.md 10): no signature, no header. Whoever can encrypt under the app's key is
//! WeLink, so nothing of a body is looked at before it opens.

use std::fmt;

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::aes::Aes128;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{DeptCode, WeLinkTenantId, WeLinkUserId};
use domain::time::Timestamp;
use platform::secret::{Secret, hex, sha1, sha256_hex, unhex};
use serde_json::Value;

/// Tolerance of a callback's timestamp, either way.
pub const SKEW_S_MAX: i64 = 30 * 60;
/// How long a callback is remembered: as long as a repetition could still be within [`SKEW_S_MAX`].
pub const REMEMBERED_S: i64 = 2 * SKEW_S_MAX;

const KEY_BYTES: usize = 16;
const IV_BYTES: usize = 16;
/// Base64 of the IV, always.
const IV_CHARS: usize = 24;

type Cipher = AesGcm<Aes128, U16>;

/// What opens the callbacks of one app. It follows from the app's secret; the secret does not follow from it.
#[derive(Clone)]
pub struct CallbackKey(Secret<Vec<u8>>);

impl fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackKey(***)")
    }
}

/// Why a callback is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// It does not open under this key: forged, damaged, or another app's.
    #[error("the callback does not open under this app's key")]
    NotGenuine,
    /// Genuine, but its time is off or missing: an old one is repeated, or a clock is wrong.
    #[error("the callback's timestamp is missing or more than {SKEW_S_MAX} s away")]
    Stale,
    /// Genuine and fresh, but not what the contract says.
    #[error("the callback cannot be read")]
    Malformed,
}

/// A genuine, fresh callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub event: Event,
    /// As WeLink wrote it; the answer repeats it.
    pub timestamp: String,
    /// Names this callback: a repetition has the same one, however its base64 is spelt.
    pub fingerprint: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The address was saved at WeLink, which tries it.
    Test,
    /// Something changed; only its ids are told, the rest has to be read again.
    Changed(Change),
    /// Something that the bridge has no use for, by its name: authorised, cancelled, or one that we do not know.
    Other(String),
}

/// The ids that one event names, those of the company that it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// WeLink's own name: `corpEditUser`, …
    pub event_type: &'static str,
    pub ids: Changed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    People(Vec<WeLinkUserId>),
    Departments(Vec<DeptCode>),
}

impl CallbackKey {
    /// The key of an app with this `client_secret`: the first 16 bytes of SHA-1 of SHA-1 of it, as Java's SHA1PRNG
    /// makes them.
    pub fn of(client_secret: &Secret<String>) -> Self {
        let once = Secret::new(sha1(client_secret.expose().as_bytes()).to_vec());
        Self(Secret::new(sha1(once.expose())[..KEY_BYTES].to_vec()))
    }

    /// The key that [`Self::to_hex`] wrote.
    pub fn from_hex(text: &Secret<String>) -> Option<Self> {
        let bytes = unhex(text.expose()).filter(|bytes| bytes.len() == KEY_BYTES)?;
        Some(Self(Secret::new(bytes)))
    }

    pub fn to_hex(&self) -> Secret<String> {
        Secret::new(hex(self.0.expose()))
    }

    fn cipher(&self) -> Result<Cipher, CallbackError> {
        Cipher::new_from_slice(self.0.expose()).map_err(|_| CallbackError::NotGenuine)
    }

    /// Reads the value of `encrypt`: opened first, then its time, then what it says. Ids of another company than
    /// `tenant` are left out, and so are those that are none.
    pub fn read(&self, encrypt: &str, tenant: &WeLinkTenantId, now: Timestamp) -> Result<Callback, CallbackError> {
        let (plain, fingerprint) = self.open(encrypt)?;
        let plain: Value = serde_json::from_slice(&plain).map_err(|_| CallbackError::Malformed)?;
        let timestamp = text_of(&plain["timestamp"]).ok_or(CallbackError::Stale)?;
        let seconds: i64 = timestamp.parse().map_err(|_| CallbackError::Stale)?;
        if now.epoch_s().abs_diff(seconds) > SKEW_S_MAX.unsigned_abs() {
            return Err(CallbackError::Stale);
        }
        let event = event(&plain, tenant).ok_or(CallbackError::Malformed)?;
        Ok(Callback { event, timestamp, fingerprint })
    }

    /// The plain text, and what names the callback.
    fn open(&self, encrypt: &str) -> Result<(Vec<u8>, String), CallbackError> {
        let not_genuine = CallbackError::NotGenuine;
        let (iv, rest) = encrypt.split_at_checked(IV_CHARS).ok_or(not_genuine)?;
        let iv: [u8; IV_BYTES] = decode(iv)?.try_into().map_err(|_| not_genuine)?;
        let mut sealed = decode(rest)?;
        let cipher = self.cipher()?;
        let open = |sealed: &[u8]| cipher.decrypt(&Nonce::<U16>::from(iv), sealed).ok();
        let mut plain = open(&sealed);
        if plain.is_none() {
            // The vendor's page prints an example of base64 over hex digits; both of its SDKs encode the bytes.
            sealed = std::str::from_utf8(&sealed).ok().and_then(unhex).ok_or(not_genuine)?;
            plain = open(&sealed);
        }
        let plain = plain.ok_or(not_genuine)?;
        Ok((plain, sha256_hex(&format!("{}.{}", hex(&iv), hex(&sealed)))))
    }

    /// What the bridge answers to a callback: that it has it, in the same encryption. `iv` is random.
    pub fn answer(&self, callback: &Callback, iv: [u8; IV_BYTES]) -> Result<Value, CallbackError> {
        let plain = serde_json::json!({ "msg": "success", "timestamp": callback.timestamp });
        Ok(serde_json::json!({ "encrypt": self.seal(iv, &plain.to_string())? }))
    }

    /// Encrypts as WeLink does.
    pub fn seal(&self, iv: [u8; IV_BYTES], plain: &str) -> Result<String, CallbackError> {
        let sealed = self.cipher()?.encrypt(&Nonce::<U16>::from(iv), plain.as_bytes());
        let sealed = sealed.map_err(|_| CallbackError::NotGenuine)?;
        Ok(format!("{}{}", STANDARD.encode(iv), STANDARD.encode(sealed)))
    }
}

fn decode(text: &str) -> Result<Vec<u8>, CallbackError> {
    STANDARD.decode(text).map_err(|_| CallbackError::NotGenuine)
}

/// A text, or a number as text: WeLink writes seconds as a text.
fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}

fn event(plain: &Value, tenant: &WeLinkTenantId) -> Option<Event> {
    let event_type = plain["eventType"].as_str()?;
    let people = || named(plain, tenant, "userId", |id| WeLinkUserId::parse(id).ok()).map(Changed::People);
    let departments = || named(plain, tenant, "deptCode", |id| DeptCode::parse(id).ok()).map(Changed::Departments);
    let (event_type, ids) = match event_type {
        "test" => return Some(Event::Test),
        "corpEditUser" => ("corpEditUser", people()?),
        "corpDelUser" => ("corpDelUser", people()?),
        "corpEditDept" => ("corpEditDept", departments()?),
        "corpDelDept" => ("corpDelDept", departments()?),
        other => return Some(Event::Other(other.chars().take(64).collect())),
    };
    Some(Event::Changed(Change { event_type, ids }))
}

/// The ids in `data`, each once, in their order.
fn named<T: PartialEq>(
    plain: &Value,
    tenant: &WeLinkTenantId,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    let mut ids = Vec::new();
    for entry in plain["data"].as_array()? {
        let id = text_of(&entry[field]).and_then(|id| parse(&id));
        if let Some(id) = id.filter(|id| entry["tenantId"] == tenant.as_str() && !ids.contains(id)) {
            ids.push(id);
        }
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "7c4f1e6e-f2db-42bd-a2c1-b2905c1c2a5b";
    const PLAIN: &str = r#"{"eventType":"test","timestamp":"1562752619"}"#;
    const VECTOR: &str = "MDgwNTY0NDIxODUyMjA3OA==DrmJYsXO5E6FWUW9s/oYWcUv8IOkOQW6UQN0PY/SOMMSqPhP3SouNfkhhi4ZanEK\
                          NbOHaocdzHDZ7NGDFA==";
    const IV: [u8; 16] = *b"0805644218522078";
    const AT: Timestamp = Timestamp(1_562_752_619_000);

    fn key() -> CallbackKey {
        CallbackKey::of(&Secret::new(SECRET.to_owned()))
    }

    fn company() -> WeLinkTenantId {
        WeLinkTenantId::parse("C1").unwrap()
    }

    fn sealed(plain: &str) -> String {
        key().seal(IV, plain).unwrap()
    }

    #[test]
    fn the_contracts_vector_is_made_and_opened() {
        assert_eq!(key().to_hex().expose(), "cb659c3af1f38730e3cdf1631f894bbc");
        assert_eq!(sealed(PLAIN), VECTOR);
        let callback = key().read(VECTOR, &company(), AT).unwrap();
        assert_eq!((callback.event, callback.timestamp.as_str()), (Event::Test, "1562752619"));
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        let stored = CallbackKey::from_hex(&key().to_hex()).unwrap();
        assert!(stored.read(VECTOR, &company(), AT).is_ok());
        assert!(["", "00", "zz"].iter().all(|bad| CallbackKey::from_hex(&Secret::new((*bad).to_owned())).is_none()));
        assert_eq!(format!("{stored:?}"), "CallbackKey(***)");
    }

    #[test]
    fn hex_digits_under_the_base64_are_read_too_and_are_the_same_callback() {
        let (iv, rest) = VECTOR.split_at(IV_CHARS);
        let digits = hex(&STANDARD.decode(rest).unwrap());
        let coded = format!("{iv}{}", STANDARD.encode(digits));
        assert_eq!(key().read(&coded, &company(), AT), key().read(VECTOR, &company(), AT));
    }

    #[test]
    fn what_is_forged_or_of_another_app_does_not_open() {
        let other = CallbackKey::of(&Secret::new("another secret".to_owned()));
        assert_eq!(other.read(VECTOR, &company(), AT), Err(CallbackError::NotGenuine));
        for place in [0, 10, IV_CHARS, IV_CHARS + 40, VECTOR.len() - 5] {
            let mut forged = VECTOR.as_bytes().to_vec();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(key().read(&forged, &company(), AT), Err(CallbackError::NotGenuine), "{place}");
        }
        for bad in ["", "MDgw", "MDgwNTY0NDIxODUyMjA3OA==", "MDgwNTY0NDIxODUyMjA3OA==%%", "中文中文中文中文中文"]
        {
            assert_eq!(key().read(bad, &company(), AT), Err(CallbackError::NotGenuine), "{bad}");
        }
    }

    #[test]
    fn a_callback_is_fresh_for_half_an_hour_either_way_and_never_without_a_time() {
        for (offset_s, want) in [(-1801, false), (-1800, true), (1800, true), (1801, false)] {
            assert_eq!(key().read(VECTOR, &company(), AT.plus_s(offset_s)).is_ok(), want, "{offset_s}");
        }
        for plain in [r#"{"eventType":"test"}"#, r#"{"eventType":"test","timestamp":"soon"}"#] {
            assert_eq!(key().read(&sealed(plain), &company(), AT), Err(CallbackError::Stale));
        }
        for plain in ["no JSON", "[]", r#"{"timestamp":1562752619}"#, r#"{"timestamp":"1562752619","eventType":7}"#] {
            assert!(key().read(&sealed(plain), &company(), AT).is_err(), "{plain}");
        }
    }

    #[test]
    fn changes_name_the_ids_of_the_own_company() {
        let read = |event_type: &str, data: &str| {
            let plain = format!(r#"{{"eventType":"{event_type}","timestamp":"1562752619","data":{data}}}"#);
            key().read(&sealed(&plain), &company(), AT).map(|callback| callback.event)
        };
        let person = |id: &str| WeLinkUserId::parse(id).unwrap();
        let data = r#"[{"userId":"lihua@welink","tenantId":"C1"},{"userId":"x@other","tenantId":"C2"},{"userId":""},
            {"userId":"lihua@welink","tenantId":"C1"},{"userId":"wang@welink","tenantId":"C1"}]"#;
        let people = Changed::People(vec![person("lihua@welink"), person("wang@welink")]);
        assert_eq!(read("corpEditUser", data), Ok(Event::Changed(Change { event_type: "corpEditUser", ids: people })));
        let departments = Changed::Departments(vec![DeptCode::parse("10001").unwrap()]);
        assert_eq!(
            read("corpDelDept", r#"[{"deptCode":"10001","tenantId":"C1"}]"#),
            Ok(Event::Changed(Change { event_type: "corpDelDept", ids: departments }))
        );
        assert_eq!(read("corpEditUser", "{}"), Err(CallbackError::Malformed));
        assert_eq!(read("corpAuth", "[]"), Ok(Event::Other("corpAuth".to_owned())));
    }

    #[test]
    fn the_answer_repeats_the_timestamp_and_opens_under_the_key() {
        let callback = key().read(VECTOR, &company(), AT).unwrap();
        let answer = key().answer(&callback, [7; 16]).unwrap();
        let (plain, _) = key().open(answer["encrypt"].as_str().unwrap()).unwrap();
        let plain: Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(plain, serde_json::json!({ "msg": "success", "timestamp": "1562752619" }));
    }
}
