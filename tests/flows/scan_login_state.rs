//! QRL-06 at the table: random stories against the domain's machine, what a login costs, and what expires.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use domain::audit::Action;
use domain::ids::WeLinkUserId;
use domain::ids::{AppId, OaInstanceId, OaUserId, QrId, RANDOM_CHARS, SessionId, TENANT_CHARS, TenantId, TicketId};
use domain::qr::{Approval, Denial, Desktop, KEPT_S, QrSession, Refused, Scan, Shown};
use http::{Request, Response};
use platform::aws;
use platform::transport::Transport;
use platform::vault::Vault;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use signin::{Bridge, Parts};
use state::Store;
use tests::web::Browser;
use tests::world::{LINKED, World};
use tower::service_fn;

/// Stories that the table tells beside the domain.
const STORIES: u32 = 60;

#[derive(Debug, Clone, Copy)]
enum Event {
    Wait(i64),
    Scan(u8),
    Approve(u8),
    Deny(u8),
    Revoke(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..50_i64).prop_map(Event::Wait),
        (0..3_u8).prop_map(Event::Scan),
        (0..3_u8).prop_map(Event::Approve),
        (0..3_u8).prop_map(Event::Deny),
        (0..3_u8).prop_map(Event::Revoke),
    ]
}

fn tenant() -> TenantId {
    TenantId::from_random([3; TENANT_CHARS])
}

fn scan(phone: u8, at: domain::time::Timestamp) -> Scan {
    Scan {
        phone: format!("phone-{phone}"),
        app: AppId::from_random(&tenant(), [4; RANDOM_CHARS]),
        user: WeLinkUserId::parse("lihua@welink").unwrap(),
        display_name: "李华".to_owned(),
        oa_user: OaUserId::parse("1001").unwrap(),
        login_id: "lihua".to_owned(),
        at,
        numbers: None,
    }
}

/// One step of the domain's machine over the item in memory.
fn by_the_domain(code: &mut QrSession, event: Event, approval: &Approval) -> Result<(), Refused> {
    let now = approval.at;
    match event {
        Event::Wait(_) => {}
        Event::Scan(phone) => {
            // The same phone's mark is its own repetition.
            if code.scan.as_ref().is_none_or(|there| there.phone != scan(phone, now).phone) {
                code.may_scan(now)?;
                code.scan = Some(scan(phone, now));
            }
        }
        Event::Approve(phone) => {
            code.may_decide(&format!("phone-{phone}"), now)?;
            code.approved = Some(approval.clone());
        }
        Event::Deny(phone) => {
            code.may_decide(&format!("phone-{phone}"), now)?;
            code.denied = Some(Denial::Cancelled);
        }
        Event::Revoke(phone) => {
            code.may_revoke(&format!("phone-{phone}"))?;
            code.revoked = Some(now);
        }
    }
    Ok(())
}

async fn by_the_table(world: &World, id: &QrId, event: Event, approval: &Approval) -> Result<(), Refused> {
    let (bridge, store) = (&world.running.bridge, world.running.bridge.store());
    let entry = bridge.entry(tenant(), Action::Scan, "test", id.as_str(), "");
    match event {
        Event::Wait(_) => Ok(()),
        Event::Scan(phone) => store.scan_qr(id, &scan(phone, approval.at), &entry).await.unwrap(),
        Event::Approve(p) => store.approve_qr(id, &format!("phone-{p}"), approval, &entry).await.unwrap(),
        Event::Deny(p) => store.deny_qr(id, &format!("phone-{p}"), Denial::Cancelled, &entry).await.unwrap(),
        Event::Revoke(p) => store.revoke_qr(id, &format!("phone-{p}"), &entry).await.unwrap(),
    }
}

#[tokio::test]
async fn qrl_06_the_table_takes_exactly_the_steps_of_the_domains_machine() {
    let world = World::start().await;
    let (entropy, mut runner) = (platform::entropy::Entropy::system(), TestRunner::default());
    let mut taken = 0;
    for _ in 0..STORIES {
        let story = prop::collection::vec(event(), 1..14).new_tree(&mut runner).unwrap().current();
        let now = world.running.bridge.clock().now();
        let mut code = QrSession {
            id: QrId::from_random(&tenant(), entropy.bytes::<RANDOM_CHARS>()),
            instance: OaInstanceId::from_random(&tenant(), [2; RANDOM_CHARS]),
            shown: Shown::Server,
            dest: None,
            desktop: Desktop { address: String::new(), browser: String::new(), system: String::new() },
            created: now,
            expires: now.plus_s(90),
            scan: None,
            approved: None,
            denied: None,
            revoked: None,
        };
        world.running.bridge.store().put_qr(&code).await.unwrap();
        for event in &story {
            if let Event::Wait(seconds) = event {
                world.advance_s(*seconds);
            }
            let approval = Approval {
                at: world.running.bridge.clock().now(),
                session: SessionId::from_random(&tenant(), entropy.bytes::<RANDOM_CHARS>()),
                ticket: TicketId::from_random(&tenant(), entropy.bytes::<RANDOM_CHARS>()),
            };
            let want = by_the_domain(&mut code, *event, &approval);
            let got = by_the_table(&world, &code.id, *event, &approval).await;
            assert_eq!(got, want, "{event:?} of {story:?}");
            taken += usize::from(got.is_ok() && !matches!(event, Event::Wait(_)));
            let there = world.running.bridge.store().qr(&code.id).await.unwrap();
            let (there, want) = (there.map(decided), Some(decided(code.clone())));
            if world.running.bridge.clock().now() < code.created.plus_s(KEPT_S) {
                assert_eq!(there, want, "{event:?} of {story:?}");
            }
        }
    }
    assert!(taken > 60, "{taken} steps were taken");
}

/// What of a code is decided; the instants of the two differ by milliseconds.
fn decided(code: QrSession) -> (Option<String>, Option<TicketId>, Option<Denial>, bool) {
    (code.scan.map(|s| s.phone), code.approved.map(|a| a.ticket), code.denied, code.revoked.is_some())
}

/// Calls of the table: operation and body.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// A proxy before the table that keeps what was asked.
async fn recorded(upstream: String) -> (String, Calls) {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let line = (upstream, Arc::clone(&calls), Transport::reqwest(Vec::new(), None));
    let router = Router::new().fallback(pass).with_state(line);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, calls)
}

async fn pass(
    State((to, calls, transport)): State<(String, Calls, Transport)>,
    request: Request<Body>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    calls.lock().unwrap().push((target, serde_json::from_slice(&body).unwrap()));
    parts.uri = format!("{to}/").parse().unwrap();
    for name in [http::header::HOST, http::header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    let answer = transport.send(Request::from_parts(parts, body), std::time::Duration::from_secs(10)).await.unwrap();
    let (mut parts, body): (_, Bytes) = answer.into_parts();
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    Response::from_parts(parts, Body::from(body))
}

/// How often a body writes below a key that holds this.
fn writes(calls: &[(String, Value)], key: &str) -> usize {
    let holds = |write: &Value| {
        let at = write["Key"]["pk"]["S"].as_str().or(write["Item"]["pk"]["S"].as_str()).unwrap_or_default();
        usize::from(at.contains(key))
    };
    let of = |(operation, body): &(String, Value)| match operation.as_str() {
        "PutItem" | "UpdateItem" | "DeleteItem" => holds(body),
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            items.flat_map(|item| [&item["Put"], &item["Update"], &item["Delete"]]).map(holds).sum()
        }
        _ => 0,
    };
    calls.iter().map(of).sum()
}

/// goals.md: a question costs half a read unit, a whole login three writes of its code at most.
#[tokio::test]
async fn qrl_06_a_question_costs_half_a_read_unit_and_a_login_three_writes_of_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::in_folder(folder.path(), &[]).await;
    let (origin, calls) = recorded(world.running.table_endpoint.clone()).await;
    let known = &world.running.bridge;
    let client = aws::dynamodb(&aws::sdk_config(aws::http_client(Some(&origin)), known.clock()), Some(&origin));
    let (clock, entropy) = (known.clock().clone(), known.entropy().clone());
    let store = Store::new(client, known.store().table_name(), clock.clone(), entropy.clone(), 30);
    let vault = Vault::file(&folder.path().join("master.key"), entropy.clone()).unwrap();
    let (welink, oa) = (world.transport(), world.transport());
    let parts = Parts { config: known.config().clone(), store, vault, welink, oa, clock, entropy };
    let scan = Transport::router(qr_login::router(Bridge::new(parts).unwrap()));
    let sockets = world.transport();
    let both = Transport::new(service_fn(move |request: Request<Bytes>| {
        let ours = request.uri().host() == Some("bridge.localhost")
            && qr_login::PATHS.iter().any(|path| request.uri().path().starts_with(path));
        let way = if ours { scan.clone() } else { sockets.clone() };
        async move { way.send(request, std::time::Duration::from_secs(10)).await }
    }));
    let mut screen = world.screen_in(Browser::new(both.clone())).await;
    screen.poll(&world).await;
    calls.lock().unwrap().clear();
    assert_eq!(screen.poll(&world).await.json()["state"], "pending");
    let asked = std::mem::take(&mut *calls.lock().unwrap());
    assert_eq!(asked.len(), 1, "one call: {asked:?}");
    assert_eq!((asked[0].0.as_str(), &asked[0].1["ConsistentRead"]), ("GetItem", &Value::Bool(false)));

    let mut screen = world.screen_in(Browser::new(both.clone())).await;
    screen.poll(&world).await;
    let mut phone = Browser::new(both);
    world.confirm(&mut phone, &screen.code, LINKED).await;
    screen.poll(&world).await;
    assert_eq!(screen.enter().await.url.host_str(), Some("oa.localhost"));
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    assert_eq!(writes(&calls, &format!("#Q#{}", screen.id)), 3, "shown, scanned, confirmed");
    let id = QrId::parse(&screen.id).unwrap();
    let stored = world.running.bridge.store().qr(&id).await.unwrap().unwrap();
    assert!(serde_json::to_vec(&stored).unwrap().len() < 2_048, "half a unit reads 4 KB, and a write unit 1 KB each");
}

#[tokio::test]
async fn ops_09_a_code_is_forgotten_after_ten_minutes() {
    let world = World::start().await;
    let screen = world.screen().await;
    let id = QrId::parse(&screen.id).unwrap();
    world.advance_s(KEPT_S - 5);
    assert!(world.running.bridge.store().qr(&id).await.unwrap().is_some());
    world.advance_s(6);
    assert!(world.running.bridge.store().qr(&id).await.unwrap().is_none(), "although the table has not dropped it yet");
    assert_eq!(world.browser().get(&screen.code).await.unwrap().problem().as_deref(), Some("qr-unknown"));
}
