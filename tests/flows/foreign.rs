//! Foreign parties: a SCIM server, a JOSE library and a webhook library that are not ours (oa-api.md D).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use domain::ids::OaInstanceId;
use http::{Method, Request, StatusCode};
use oa::model::MatchField;
use oa::port::Port as _;
use platform::secret::Secret;
use serde_json::{Value, json};
use tests::intake::Intake;
use tests::tools;
use tests::world::{LINKED, World};

const FOREIGN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/foreign");
const PEOPLE: usize = 500;
const TOKEN: &str = "foreign-scim-token";

/// Runs a script once with `input` as its standard input and gives what it printed.
fn ask(script: &str, input: &Value) -> Value {
    let mut child = Command::new(tools::python())
        .arg(format!("{FOREIGN}/{script}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A foreign SCIM server; it ends with this value.
struct ScimServer {
    child: Child,
    base: String,
}

impl ScimServer {
    fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(tools::python())
            .args([format!("{FOREIGN}/scim_server.py"), free.to_string(), TOKEN.to_owned(), PEOPLE.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "the SCIM server starts");
        Self { child, base: format!("http://127.0.0.1:{free}/v2") }
    }
}

impl Drop for ScimServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_people_of_a_scim_server_that_we_did_not_write_are_read_and_one_of_them_is_bound() {
    let server = ScimServer::start();
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let oa = json!({
        "name": "别人的目录", "base": "http://127.0.0.1:9", "scim_base": server.base, "scim_bearer": TOKEN,
        "sso_landing": "http://127.0.0.1:9/sso", "allowed_dest_prefixes": ["/"],
    });
    let path = format!("/v1/tenants/{}/oa-instances", world.tenant());
    let made = world.api(Method::POST, &path, Some(&oa)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let id = OaInstanceId::parse(made.json()["id"].as_str().unwrap()).unwrap();
    let config = world.running.bridge.store().config_now(world.tenant()).await.unwrap().unwrap();
    let foreign = world.running.bridge.oa(config.oa_instance(&id).unwrap()).await.unwrap();
    let people = foreign.all_users().await.unwrap();
    assert_eq!(people.len(), PEOPLE);
    assert_eq!(people.iter().filter(|person| !person.active).count(), PEOPLE / 50);
    let found = foreign.find_users(MatchField::Email, "user0007@CORP.example").await.unwrap();
    assert_eq!((found.len(), found[0].login_id.as_str()), (1, "user0007"));
    assert_eq!((found[0].display_name.as_str(), found[0].positions.len()), ("员工0007", 1));
    // A member of the demonstration company is bound to one of them, through the API.
    let enterprise = json!({ "name": "外部目录的企业", "oa_instance": id });
    let path = format!("/v1/tenants/{}/enterprises", world.tenant());
    let enterprise = world.api(Method::POST, &path, Some(&enterprise)).await.json();
    let links = format!("/v1/enterprises/{}/links", enterprise["id"].as_str().unwrap());
    let link = json!({ "user_id": format!("{LINKED}@welink"), "oa_user": { "by": "login_id", "value": "user0049" } });
    let inactive = world.api(Method::POST, &links, Some(&link)).await;
    assert_eq!(
        inactive.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "an inactive OA user is not bound: {}",
        inactive.body
    );
}

#[tokio::test]
async fn hom_07_a_jose_library_of_another_language_verifies_the_ticket_by_the_published_keys() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let (_, fields) = browser.follow(answered).await.unwrap().form("handoff").unwrap();
    let ticket = &fields.iter().find(|(name, _)| name == "ticket").unwrap().1;
    let published = browser.get(&world.bridge("/.well-known/jwks.json")).await.unwrap();
    assert_eq!(published.header("cache-control"), Some("public, max-age=300"));
    let verified = ask("verify_ticket.py", &json!({ "ticket": ticket, "jwks": published.json() }));
    assert_eq!((&verified["header"]["alg"], &verified["header"]["typ"]), (&json!("Ed25519"), &json!("oa-ticket+jwt")));
    let claims = &verified["claims"];
    assert_eq!(claims["login_id"], LINKED);
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    assert_eq!(claims["amr"], json!(["welink"]));
}

#[tokio::test]
async fn hom_07_the_official_webhook_library_signs_the_redemption_and_verifies_ours() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let mut browser = world.browser();
    let answered = world.answer(&mut browser, &world.homepage(), LINKED).await;
    let (_, fields) = browser.follow(answered).await.unwrap().form("handoff").unwrap();
    let published = browser.get(&world.bridge("/.well-known/jwks.json")).await.unwrap().json();
    let claims = ask("verify_ticket.py", &json!({ "ticket": fields[0].1, "jwks": published }))["claims"].clone();
    let body = json!({ "op": "ticket.redeem", "jti": claims["jti"], "aud": known.oa_instance }).to_string();
    let timestamp = world.running.bridge.clock().now().epoch_s();
    let asked = json!({ "secret": known.push_secret, "id": "msg_foreign", "timestamp": timestamp, "body": body });
    let signature = ask("webhook.py", &asked)["signature"].as_str().unwrap().to_owned();
    let request = Request::post(world.bridge("/v1/tickets/redeem").as_str())
        .header("webhook-id", "msg_foreign")
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(Bytes::from(body.clone()))
        .unwrap();
    let answer = world.transport().send(request, Duration::from_secs(10)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
    // The other direction: what the bridge signs, the library accepts, and refuses when a byte is changed.
    let id = oa::webhook::WebhookId::parse("msg_ours").unwrap();
    let secret = Secret::new(known.pull_secret.clone());
    let headers = oa::webhook::sign(&secret, &id, world.running.bridge.clock().now(), &body).unwrap();
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
    for (text, want) in [(body.clone(), true), (body.replace("redeem", "revoke"), false)] {
        let asked = json!({ "secret": known.pull_secret, "body": text, "headers": headers });
        assert_eq!(ask("webhook.py", &asked)["ok"], json!(want));
    }
}

#[tokio::test]
async fn psh_07_an_event_of_the_official_libraries_is_taken() {
    let intake = Intake::start().await;
    let asked = json!({
        "secret": intake.world.demo().remembered.push_secret, "call": "msg_foreign",
        "timestamp": intake.now().epoch_s(),
        "attributes": {
            "id": "evt-1", "source": "/oa/foreign", "type": "oa.notice.published", "subject": "notice/7",
            "datacontenttype": "application/json", "sequence": "1",
        },
        "data": { "biz_id": "7", "title": "放假通知", "recipients": [{ "by": "login_id", "value": LINKED }] },
    });
    let made = ask("oa_event.py", &asked);
    let url = intake.world.bridge(&intake.events_path());
    let headers = made["headers"].as_object().unwrap();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, value.as_str().unwrap())).collect();
    let body = made["body"].as_str().unwrap().to_owned();
    let answer = intake.world.browser().send(Method::POST, &url, &headers, body.clone()).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.json()["accepted"], json!(["evt-1"]));
    let queued = intake.queued().await;
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!((queued.len(), parsed(&queued[0].body)), (1, parsed(&body)));
}

#[tokio::test]
async fn c22_a_callback_of_another_implementation_is_opened_and_opens_the_answer() {
    let intake = Intake::start().await;
    let known = intake.world.demo().remembered.clone();
    let timestamp = intake.now().epoch_s().to_string();
    let data = json!([{ "userId": format!("{LINKED}@welink"), "tenantId": known.welink_tenant }]);
    let plain = json!({ "eventType": "corpEditUser", "timestamp": timestamp, "data": data });
    let sealed = ask("welink_callback.py", &json!({ "secret": known.client_secret, "plain": plain }));
    let answer = intake.call_back(known.app.as_str(), sealed.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(intake.queued().await.len(), 1);
    let asked = json!({ "secret": known.client_secret, "encrypt": answer.json()["encrypt"] });
    let opened = ask("welink_callback.py", &asked);
    assert_eq!(opened["plain"], json!({ "msg": "success", "timestamp": timestamp }));
}
