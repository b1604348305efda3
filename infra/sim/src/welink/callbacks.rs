//! Changes of contacts, told to the apps that gave an address (welink-api.md 10): ids only, encrypted, tried again.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::aes::Aes128;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::time::Timestamp;
use http::Request;
use http::header::CONTENT_TYPE;
use platform::transport::Transport;
use serde_json::{Value, json};

use super::WeLink;
use super::world::World;

/// Undelivered callbacks remembered at most; the oldest are lost.
const QUEUE_MAX: usize = 100_000;
/// How long an answer may take (welink-api.md 10).
const ANSWER_MS: u64 = 5_000;
const IV_BYTES: usize = 16;
/// Characters of a base64 IV.
const IV_CHARS: usize = 24;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Sent when an address is saved.
    Test,
    EditUser(String),
    DeleteUser(String),
    EditDepartment(String),
    DeleteDepartment(String),
}

impl Event {
    /// `eventType` on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::EditUser(_) => "corpEditUser",
            Self::DeleteUser(_) => "corpDelUser",
            Self::EditDepartment(_) => "corpEditDept",
            Self::DeleteDepartment(_) => "corpDelDept",
        }
    }

    fn plain(&self, tenant_id: &str, timestamp: &str) -> Value {
        let data = match self {
            Self::Test => return json!({ "eventType": self.name(), "timestamp": timestamp }),
            Self::EditUser(id) | Self::DeleteUser(id) => json!([{ "userId": id, "tenantId": tenant_id }]),
            Self::EditDepartment(id) | Self::DeleteDepartment(id) => json!([{ "deptCode": id, "tenantId": tenant_id }]),
        };
        json!({ "eventType": self.name(), "timestamp": timestamp, "data": data })
    }
}

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The answer is as demanded.
    Accepted,
    /// It is not; there will be another try.
    Postponed,
    /// It is not, and that was the last try.
    GivenUp,
}

/// One try of one callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub client_id: String,
    pub event: Event,
    pub outcome: Delivered,
}

#[derive(Debug, Clone)]
struct Pending {
    client_id: String,
    event: Event,
    due: Timestamp,
    tries: u32,
}

/// What has not been delivered.
#[derive(Debug, Default)]
pub(super) struct Callbacks(VecDeque<Pending>);

/// Queues an event for every app of the company that has an address.
pub(super) fn tell(world: &mut World, tenant_id: &str, event: &Event, now: Timestamp) {
    let told = world.apps.values().filter(|app| app.tenant_id == tenant_id && app.callback_url.is_some());
    for client_id in told.map(|app| app.client_id.clone()) {
        if world.callbacks.0.len() >= QUEUE_MAX {
            world.callbacks.0.pop_front();
        }
        world.callbacks.0.push_back(Pending { client_id, event: event.clone(), due: now, tries: 0 });
    }
}

/// The key of an app's callbacks: the first 16 bytes of SHA-1(SHA-1(`client_secret`)).
fn cipher(client_secret: &str) -> Option<AesGcm<Aes128, U16>> {
    let sha1 = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let twice = sha1(sha1(client_secret.as_bytes()).as_ref());
    AesGcm::new_from_slice(twice.as_ref().get(..16)?).ok()
}

/// `encrypt` of a plain text.
pub fn seal(client_secret: &str, iv: [u8; IV_BYTES], plain: &str) -> Option<String> {
    let sealed = cipher(client_secret)?.encrypt(&Nonce::from(iv), plain.as_bytes()).ok()?;
    Some(STANDARD.encode(iv) + &STANDARD.encode(sealed))
}

/// The plain text of `encrypt`; `None` when it was not made with this key.
pub fn open(client_secret: &str, encrypt: &str) -> Option<String> {
    let (iv, sealed) = encrypt.split_at_checked(IV_CHARS)?;
    let iv: [u8; IV_BYTES] = STANDARD.decode(iv).ok()?.try_into().ok()?;
    let plain = cipher(client_secret)?.decrypt(&Nonce::from(iv), STANDARD.decode(sealed).ok()?.as_slice()).ok()?;
    String::from_utf8(plain).ok()
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl WeLink {
    /// Saves where an app's callbacks go, and queues the `test` that WeLink sends then.
    pub fn set_callback_url(&self, client_id: &str, url: Option<&str>) -> Result<(), super::DirectoryError> {
        self.edit_app(client_id, |app| app.callback_url = url.map(str::to_owned))?;
        if url.is_some() {
            let due = self.now();
            let pending = Pending { client_id: client_id.to_owned(), event: Event::Test, due, tries: 0 };
            self.world().callbacks.0.push_back(pending);
        }
        Ok(())
    }

    /// Callbacks that wait for a try, now or later.
    pub fn waiting_callbacks(&self) -> usize {
        self.world().callbacks.0.len()
    }

    /// Tries every callback that is due, each once, in the order in which they arose.
    pub async fn deliver_callbacks(&self, transport: &Transport) -> Vec<Delivery> {
        let now = self.now();
        let due: Vec<Pending> = {
            let mut world = self.world();
            let (due, later): (Vec<Pending>, Vec<Pending>) =
                world.callbacks.0.drain(..).partition(|pending| pending.due <= now);
            world.callbacks.0 = later.into();
            due
        };
        let mut deliveries = Vec::new();
        for pending in due {
            let outcome = self.deliver(transport, &pending).await;
            deliveries.push(Delivery { client_id: pending.client_id, event: pending.event, outcome });
        }
        deliveries
    }

    async fn deliver(&self, transport: &Transport, pending: &Pending) -> Delivered {
        if self.answered(transport, pending).await.is_some() {
            return Delivered::Accepted;
        }
        let mut world = self.world();
        let (tries, retry_ms) = (world.settings.contact.callback_tries, world.settings.contact.callback_retry_ms);
        if pending.tries + 1 >= tries {
            return Delivered::GivenUp;
        }
        let due = self.now().plus_ms(retry_ms);
        world.callbacks.0.push_back(Pending { due, tries: pending.tries + 1, ..pending.clone() });
        Delivered::Postponed
    }

    /// `Some` when the answer is 200 with the demanded text, encrypted with the same key (welink-api.md 10).
    async fn answered(&self, transport: &Transport, pending: &Pending) -> Option<()> {
        let app = self.app(&pending.client_id)?;
        let timestamp = (self.now().0 / 1000).to_string();
        let plain = pending.event.plain(&app.tenant_id, &timestamp).to_string();
        let encrypt = seal(app.client_secret.expose(), self.0.entropy.bytes(), &plain)?;
        let body = Bytes::from(json!({ "encrypt": encrypt }).to_string());
        let request = Request::post(app.callback_url.as_deref()?).header(CONTENT_TYPE, "application/json");
        let answer = transport.send(request.body(body).ok()?, Duration::from_millis(ANSWER_MS)).await.ok()?;
        let answer = (answer.status() == http::StatusCode::OK).then(|| answer.into_body())?;
        let answer: Value = serde_json::from_slice(&answer).ok()?;
        let answer: Value =
            serde_json::from_str(&open(app.client_secret.expose(), answer["encrypt"].as_str()?)?).ok()?;
        (answer["msg"] == "success" && answer["timestamp"].as_str() == Some(&timestamp)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_vector_is_made_and_opened() {
        let secret = "7c4f1e6e-f2db-42bd-a2c1-b2905c1c2a5b";
        let plain = r#"{"eventType":"test","timestamp":"1562752619"}"#;
        let vector = "MDgwNTY0NDIxODUyMjA3OA==DrmJYsXO5E6FWUW9s/oYWcUv8IOkOQW6UQN0PY/\
                      SOMMSqPhP3SouNfkhhi4ZanEKNbOHaocdzHDZ7NGDFA==";
        assert_eq!(seal(secret, *b"0805644218522078", plain).as_deref(), Some(vector));
        assert_eq!(open(secret, vector).as_deref(), Some(plain));
        assert_eq!(open("another", vector), None);
    }
}
