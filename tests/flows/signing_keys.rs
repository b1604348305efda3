//! SEC-05: one signing key takes over from another, and no ticket is lost.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::audit::{Action, installation};
use http::{Method, StatusCode};
use oa::ticket::{Claims, SigningKey};
use platform::secret::{Secret, unhex};
use serde_json::{Value, json};
use tests::web::Browser;
use tests::world::{LINKED, World};
use url::Url;

/// A ticket on its way: the browser, where it goes, the form.
struct Ticket {
    browser: Browser,
    landing: Url,
    fields: Vec<(String, String)>,
}

impl Ticket {
    async fn issue(world: &World) -> Self {
        let mut browser = world.browser();
        let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
        let page = browser.follow(answered).await.unwrap();
        let (landing, fields) = page.form("handoff").unwrap();
        Self { browser, landing, fields }
    }

    fn part(&self, at: usize) -> Value {
        let text = self.fields[0].1.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    fn kid(&self) -> String {
        self.part(0)["kid"].as_str().unwrap().to_owned()
    }

    /// Whether the OA lets its browser in.
    async fn lands(&mut self) -> bool {
        let landed = self.browser.post_cross_site(&self.landing, &self.fields).await.unwrap();
        let page = self.browser.follow(landed).await.unwrap();
        page.status == StatusCode::OK
    }

    /// The same claims, signed by another key.
    fn signed_by(&self, key: &SigningKey) -> Self {
        let claims = self.part(1);
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let claims = Claims {
            iss: text("iss").unwrap(),
            aud: text("aud").unwrap(),
            sub: text("sub").unwrap(),
            jti: text("jti").unwrap(),
            iat: claims["iat"].as_i64().unwrap(),
            exp: claims["exp"].as_i64().unwrap(),
            dest: text("dest").unwrap(),
            login_id: text("login_id"),
            amr: vec!["welink".to_owned()],
            nonce: text("nonce"),
            tenant: text("tenant"),
            qr: None,
            enterprise: text("enterprise"),
        };
        let mut fields = self.fields.clone();
        fields[0].1.clone_from(key.sign(&claims).unwrap().expose());
        Self { browser: self.browser.clone(), landing: self.landing.clone(), fields }
    }
}

async fn published(world: &World) -> Vec<String> {
    let page = world.browser().get(&world.bridge("/.well-known/jwks.json")).await.unwrap();
    let keys = page.json()["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Key ids and states, newest first.
async fn listed(world: &World) -> Vec<(String, String)> {
    let keys = world.api(Method::GET, "/v1/signing-keys", None).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    keys.as_array().unwrap().iter().map(|key| (text(&key["kid"]), text(&key["state"]))).collect()
}

/// The key as only the table and the vault have it.
async fn stored(world: &World, kid: &str) -> SigningKey {
    let bridge = &world.running.bridge;
    let all = bridge.store().signing_keys().await.unwrap();
    let seed = &all.iter().find(|key| key.kid == kid).unwrap().seed;
    let seed = bridge.sealer().await.unwrap().open(&format!("signing/{kid}"), seed).unwrap();
    SigningKey::new(kid.to_owned(), Secret::new(unhex(seed.expose()).unwrap())).unwrap()
}

#[tokio::test]
async fn sec_05_tickets_of_both_keys_verify_during_rotation_and_those_of_a_retired_one_do_not() {
    let world = World::start().await;
    let mut first = Ticket::issue(&world).await;
    let old = first.kid();
    assert!(first.lands().await);
    let page = world.api(Method::POST, "/v1/signing-keys/rotate", Some(&json!({}))).await;
    assert_eq!((page.status, &page.json()["state"]), (StatusCode::CREATED, &json!("waiting")), "{}", page.body);
    let new = page.json()["kid"].as_str().unwrap().to_owned();
    let again = world.api(Method::POST, "/v1/signing-keys/rotate", Some(&json!({}))).await;
    assert_eq!(again.json()["type"], "urn:cloudbridge:problem:rotation-under-way", "{}", again.body);
    assert_eq!(world.api(Method::DELETE, &retire(&new), None).await.status, StatusCode::CONFLICT);
    // Published at once, signing when everybody can know it.
    assert_eq!(sorted(published(&world).await), sorted(vec![old.clone(), new.clone()]));
    world.advance_s(595);
    let mut of_old = Ticket::issue(&world).await;
    world.advance_s(10);
    // This sandbox may keep to its reading for 300 s.
    let mut of_new = None;
    for _ in 0..31 {
        let ticket = Ticket::issue(&world).await;
        if ticket.kid() == new {
            of_new = Some(ticket);
            break;
        }
        of_old = ticket;
        world.advance_s(10);
    }
    let mut of_new = of_new.expect("the new key signs");
    assert_eq!(
        (of_old.kid(), listed(&world).await),
        (old.clone(), vec![(new.clone(), "signing".to_owned()), (old.clone(), "retiring".to_owned())])
    );
    assert!(of_old.lands().await, "a ticket of the old key");
    assert!(of_new.lands().await, "a ticket of the new key");

    let early = world.api(Method::DELETE, &retire(&old), None).await;
    assert_eq!(
        (early.status, &early.json()["type"]),
        (StatusCode::CONFLICT, &json!("urn:cloudbridge:problem:key-in-use"))
    );
    let wait_s: i64 = early.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=360).contains(&wait_s), "{wait_s}");
    let retired = stored(&world, &old).await;
    world.advance_s(wait_s);
    let gone = world.api(Method::DELETE, &retire(&old), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(world.api(Method::DELETE, &retire(&old), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(published(&world).await, std::slice::from_ref(&new));
    // Whoever still has the old key set, forgets it within its five minutes.
    world.advance_s(301);
    let mut right = Ticket::issue(&world).await;
    assert!(!right.signed_by(&retired).lands().await, "right in everything but its key");
    assert!(right.lands().await);

    let store = world.running.bridge.store();
    let entries = store.audit(&installation(), store.clock().now(), None).await.unwrap().0;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, entry.object.as_str())).collect();
    assert_eq!(told, [(Action::SigningKeyRetire, old.as_str()), (Action::SigningKeyRotate, new.as_str())]);
    let shown = world.api(Method::GET, "/v1/audit", None).await.json();
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2);
}

fn retire(kid: &str) -> String {
    format!("/v1/signing-keys/{kid}")
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
