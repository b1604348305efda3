//! The packaged binaries, driven by a Lambda Runtime API: the same sign-in as on one machine (product.md DEP-02).

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, StatusCode};
use platform::secret::{Secret, sha256_hex};
use platform::transport::Transport;
use serde_json::{Value, json};
use tests::gateway;
use tests::intake::{ONE, event, signed};
use tests::runtime_api::{Bootstrap, RuntimeApi};
use tests::sqs::Sqs;
use tests::tools;
use tests::web::Browser;
use tests::world::{LINKED, World};
use tower::service_fn;
use welink::callback::CallbackKey;

/// Serves a router on a port of its own for as long as the test runs.
async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<std::net::SocketAddr>()).await.unwrap();
    });
    format!("http://{address}")
}

/// A Secrets Manager with one secret: the master key of this data folder.
async fn vault(folder: &Path) -> String {
    let key = std::fs::read_to_string(folder.join("master.key")).unwrap();
    let answer = json!({ "ARN": "arn:aws:secretsmanager:test", "Name": "master", "SecretString": key });
    serve(axum::Router::new().route("/", post(move || async move { Json::<Value>(answer) }))).await
}

struct Packaged {
    world: World,
    api: Arc<RuntimeApi>,
    bootstrap: Bootstrap,
    _folder: tempfile::TempDir,
}

/// Starts the packaged `function` over the table of a running local bridge.
async fn packaged(function: &str) -> Packaged {
    packaged_with(function, &[]).await
}

/// The same with settings of its own.
async fn packaged_with(function: &str, settings: &[(&'static str, String)]) -> Packaged {
    let folder = tempfile::tempdir().unwrap();
    let world = World::in_folder(folder.path(), &[]).await;
    let api = Arc::new(RuntimeApi::start().await.unwrap());
    let env = [
        ("BRIDGE_TABLE", "bridge".to_owned()),
        ("BRIDGE_ORIGIN", world.running.origin("bridge")),
        ("BRIDGE_CONSOLE_ORIGIN", world.running.origin("console")),
        ("BRIDGE_DYNAMODB_ENDPOINT", world.running.table_endpoint.clone()),
        ("BRIDGE_VAULT_SECRET", "master".to_owned()),
        ("BRIDGE_VAULT_ENDPOINT", vault(folder.path()).await),
        ("BRIDGE_WELINK_BASE", serve(world.demo().welink.router()).await),
        ("BRIDGE_WELINK_SCRIPT", format!("{}/hwh5.js", world.running.origin("phone"))),
        ("BRIDGE_OPERATOR_KEY_SHA256", sha256_hex(&world.running.operator_key)),
    ];
    let env = env.into_iter().chain(settings.iter().cloned());
    let mut bootstrap = Bootstrap::spawn(&tools::bootstrap(function), &api, env).unwrap();
    bootstrap.ready(&api).await.unwrap();
    Packaged { world, api, bootstrap, _folder: folder }
}

#[tokio::test]
async fn dep_02_the_packaged_app_home_signs_a_member_in() {
    let packaged = packaged("app-home").await;
    let world = &packaged.world;
    let mut browser =
        Browser::new(gateway::transport("bridge.localhost", Arc::clone(&packaged.api), world.transport()));
    let page = world.sign_in(&mut browser, &world.homepage(), LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "{}\n{}", page.body, packaged.bootstrap.log());
    assert_eq!(page.url.host_str(), Some("oa.localhost"));
    assert_eq!(world.demo().oa.sessions().len(), 1);
    let keys = browser.get(&world.bridge("/.well-known/jwks.json")).await.unwrap();
    assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 1);
    let entry = world.audit().await.into_iter().find(|entry| entry.from == "192.0.2.7").expect("the gateway's address");
    assert_eq!(entry.actor, format!("welink:{LINKED}@welink"));
    let log = packaged.bootstrap.log();
    assert!(log.contains("POST /h/{app} answered 303"), "{log}");
    assert!(!log.contains(LINKED), "no personal data in the log of the packaged binary");
}

/// Sends the paths of this function to it, and everything else by sockets: the two of a host share it.
fn by_path(ours: Transport, others: Transport) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let scans = qr_login::PATHS.iter().any(|path| request.uri().path().starts_with(path));
        let way = if scans { ours.clone() } else { others.clone() };
        async move { way.send(request, std::time::Duration::from_secs(30)).await }
    }))
}

#[tokio::test]
async fn dep_02_the_packaged_qr_login_signs_a_scanning_member_in() {
    let packaged = packaged("qr-login").await;
    let world = &packaged.world;
    let ours = gateway::transport("bridge.localhost", Arc::clone(&packaged.api), world.transport());
    let way = by_path(ours, world.transport());
    let mut screen = world.screen_in(Browser::new(way.clone())).await;
    let mut phone = Browser::new(way);
    let confirmation = world.scan(&mut phone, &screen.code, LINKED).await;
    assert!(confirmation.body.contains(r#"data-fact="address">192.0.2.7<"#), "{}", packaged.bootstrap.log());
    let done = world.answer_scan(&mut phone, &confirmation, "approve").await;
    assert!(done.body.contains(r#"data-outcome="done""#), "{}\n{}", done.body, packaged.bootstrap.log());
    let page = screen.enter().await;
    assert_eq!((page.status, page.url.host_str()), (StatusCode::OK, Some("oa.localhost")), "{}", page.body);
    assert_eq!(world.demo().oa.sessions()[0].amr, ["welink", "qr"]);
    let log = packaged.bootstrap.log();
    assert!(log.contains("POST /q/{qr}/confirm answered 303"), "{log}");
    assert!(!log.contains(LINKED) && !log.contains(&screen.id), "no personal data in the log of the packaged binary");
}

#[tokio::test]
async fn dep_02_the_packaged_oa_intake_takes_an_event_and_a_callback() {
    let sqs = Sqs::start().await;
    let queue = [("BRIDGE_SQS_ENDPOINT", sqs.endpoint.clone()), ("BRIDGE_EVENTS_QUEUE", sqs.url())];
    let packaged = packaged_with("oa-intake", &queue).await;
    let (world, known) = (&packaged.world, packaged.world.demo().remembered.clone());
    let (body, now) = (event("evt-1").to_string(), world.running.bridge.clock().now());
    let signed = signed(&known.push_secret, "msg_1", now, &body);
    let mut headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (&**name, &**value)).collect();
    headers.push(("content-type", ONE));
    let mut sender = Browser::new(gateway::transport("bridge.localhost", Arc::clone(&packaged.api), world.transport()));
    let url = world.bridge(&format!("/v1/oa/{}/events", known.oa_instance));
    let answer = sender.send(http::Method::POST, &url, &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}\n{}", answer.body, packaged.bootstrap.log());
    let key = CallbackKey::of(&Secret::new(known.client_secret.clone()));
    let data = json!([{ "userId": format!("{LINKED}@welink"), "tenantId": known.welink_tenant }]);
    let plain = json!({ "eventType": "corpEditUser", "timestamp": now.epoch_s().to_string(), "data": data });
    let sealed = json!({ "encrypt": key.seal([7; 16], &plain.to_string()).unwrap() });
    let url = world.bridge(&format!("/v1/welink/{}", known.app));
    let answer = sender.send(http::Method::POST, &url, &[], sealed.to_string()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}\n{}", answer.body, packaged.bootstrap.log());
    let kinds: Vec<String> = sqs.drain().await.iter().map(|message| message.attributes["kind"].clone()).collect();
    assert_eq!(kinds, ["oa-event", "welink-hint"]);
    let log = packaged.bootstrap.log();
    assert!(log.contains("POST /v1/oa/{instance}/events answered 202"), "{log}");
    assert!(!log.contains(LINKED) && !log.contains("evt-1"), "no personal data in the log of the packaged binary");
}

#[tokio::test]
async fn dep_02_the_packaged_admin_answers_the_operator_alone() {
    let packaged = packaged("admin").await;
    let world = &packaged.world;
    let transport = gateway::transport("console.localhost", Arc::clone(&packaged.api), world.transport());
    let url = format!("{}/v1/tenants", world.running.origin("console")).parse().unwrap();
    let key = format!("Bearer {}", world.running.operator_key);
    let mut browser = Browser::new(transport);
    let page = browser.send(http::Method::GET, &url, &[("authorization", &key)], "").await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}\n{}", page.body, packaged.bootstrap.log());
    assert_eq!(page.json()[0]["id"], world.tenant().as_str());
    let stranger = browser.send(http::Method::GET, &url, &[], "").await.unwrap();
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}
