//! The adapter against servers that behave, and against servers that do not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::{get, post};
use domain::destination::{DestPrefix, Destination};
use domain::ids::{EnterpriseId, OaInstanceId, TenantId};
use domain::model::{BindingMode, Stamp};
use domain::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::Oa;
use crate::model::{AccountType, UnitKind};
use crate::port::{Cursor, Nonce};
use crate::ticket::SigningKey;

const EXTENSION: &str = "urn:cloudbridge:params:scim:schemas:1.0:OaUser";
pub(super) const NOW: Timestamp = Timestamp(1_767_225_600_000);
pub(super) const PULL: &str = "whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=";

fn tenant() -> TenantId {
    TenantId::parse("0123456789").unwrap()
}

pub(super) fn instance() -> OaInstance {
    OaInstance {
        id: OaInstanceId::from_random(&tenant(), [1; 26]),
        name: "demo".to_owned(),
        base: "https://oa.example".to_owned(),
        scim_base: "https://oa.example/scim/v2/".to_owned(),
        sso_profile: SsoProfile::Ticket,
        sso_landing: "https://oa.example/sso?from=bridge".to_owned(),
        ticket_delivery: TicketDelivery::FormPost,
        start_url: None,
        revoke_url: Some("https://oa.example/v1/revoke".to_owned()),
        verify_url: None,
        binding_mode: BindingMode::Off,
        oidc: None,
        allowed_dest_prefixes: vec![DestPrefix::parse("/todo").unwrap()],
        secrets: domain::model::OaSecretsSet::default(),
        created: Stamp { at: NOW, by: "operator".to_owned() },
        version: 1,
    }
}

pub(super) fn oa_with(instance: OaInstance, router: Router) -> Result<Oa, OaError> {
    let settings = Settings {
        instance,
        scim_bearer: Secret::new("token-1".to_owned()),
        pull_secret: Secret::new(PULL.to_owned()),
        oidc_secret: None,
    };
    let clock = Clock::virtual_from(NOW);
    Generic::new(settings, Transport::router(router), clock, Entropy::seeded(1)).map(Oa::Generic)
}

fn oa(router: Router) -> Oa {
    oa_with(instance(), router).unwrap()
}

fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/scim+json");
    answer.body(Body::from(body.to_string())).unwrap()
}

fn lihua() -> Value {
    json!({
        "id": "1001", "userName": "lihua", "displayName": "李华", "active": true, "title": "ignored",
        "emails": [{ "type": "home", "value": "me@home.example" }, { "type": "work", "value": "LiHua@corp.example" }],
        "phoneNumbers": [{ "type": "mobile", "value": "13800000001" }],
        EXTENSION: { "workCode": "W0007", "positions": [
            { "unit": "d-12", "unitKind": "department", "primary": true, "title": "工程师", "order": 10 },
            { "unit": "d-40", "primary": false, "order": 2.5 } ] },
        "meta": { "lastModified": "2026-03-01T08:00:00.000Z" },
    })
}

fn plain(n: usize) -> Value {
    json!({ "id": format!("u{n}"), "userName": format!("user{n}"), "active": true })
}

/// A SCIM server whose people and page size can change between two requests.
#[derive(Clone)]
struct Server(Arc<Mutex<Data>>);

struct Data {
    users: Vec<Value>,
    page: usize,
    /// Queries as they came, in order.
    asked: Vec<String>,
    /// Runs before the n-th request for a page of users is answered.
    before: fn(usize, &mut Vec<Value>),
    status: Vec<StatusCode>,
}

impl Server {
    fn of(users: Vec<Value>, page: usize) -> Self {
        let data = Data { users, page, asked: Vec::new(), before: |_, _| {}, status: Vec::new() };
        Self(Arc::new(Mutex::new(data)))
    }

    fn change(self, before: fn(usize, &mut Vec<Value>)) -> Self {
        self.0.lock().unwrap().before = before;
        self
    }

    /// The next answers carry these statuses instead of what was asked for.
    fn failing(self, status: &[StatusCode]) -> Self {
        self.0.lock().unwrap().status = status.iter().rev().copied().collect();
        self
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/scim/v2/ServiceProviderConfig", get(config))
            .route("/scim/v2/Users", get(users))
            .route("/scim/v2/Users/{id}", get(user))
            .with_state(self.clone())
    }
}

async fn config() -> Response<Body> {
    json(StatusCode::OK, &json!({ "filter": { "supported": true, "maxResults": 50 }, "sort": { "supported": false } }))
}

async fn user(State(server): State<Server>, Path(id): Path<String>) -> Response<Body> {
    let data = server.0.lock().unwrap();
    match data.users.iter().find(|user| user["id"] == id) {
        Some(user) => json(StatusCode::OK, user),
        None => json(StatusCode::NOT_FOUND, &json!({ "status": "404" })),
    }
}

async fn users(
    State(server): State<Server>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    uri: axum::http::Uri,
) -> Response<Body> {
    let mut data = server.0.lock().unwrap();
    data.asked.push(uri.query().unwrap_or_default().to_owned());
    if let Some(status) = data.status.pop() {
        return json(status, &json!({ "detail": "李华" }));
    }
    if headers[header::AUTHORIZATION] != "Bearer token-1" || headers[header::ACCEPT] != "application/scim+json" {
        return json(StatusCode::UNAUTHORIZED, &json!({}));
    }
    let nth = data.asked.len();
    let before = data.before;
    before(nth, &mut data.users);
    let filter = query.get("filter").map(String::as_str);
    let hits: Vec<&Value> = data.users.iter().filter(|user| filter.is_none_or(|f| follows(user, f))).collect();
    let start: usize = query["startIndex"].parse().unwrap();
    let count = query["count"].parse::<usize>().unwrap().min(data.page);
    let rows: Vec<&Value> = hits.iter().skip(start - 1).take(count).copied().collect();
    let mut list = json!({ "totalResults": hits.len(), "startIndex": start, "itemsPerPage": rows.len() });
    if !rows.is_empty() {
        list["Resources"] = json!(rows);
    }
    json(StatusCode::OK, &list)
}

/// `attribute eq "value"` on the attributes of the contract.
fn follows(user: &Value, filter: &str) -> bool {
    let (attribute, value) = filter.split_once(" eq ").unwrap();
    let value: Value = serde_json::from_str(value).unwrap();
    let among = |list: &Value| list.as_array().is_some_and(|l| l.iter().any(|c| c["value"] == value));
    match attribute {
        "userName" => user["userName"] == value,
        "phoneNumbers.value" => among(&user["phoneNumbers"]),
        "emails.value" => among(&user["emails"]),
        _ => user[EXTENSION]["workCode"] == value,
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_is_read_with_and_without_the_extension() {
    let oa = oa(Server::of(vec![lihua(), plain(1)], 50).router());
    let user = oa.user(&OaUserId::parse("1001").unwrap()).await.unwrap().unwrap();
    assert_eq!((user.login_id.as_str(), user.display_name.as_str(), user.active), ("lihua", "李华", true));
    assert_eq!(user.work_code.as_deref(), Some("W0007"));
    assert_eq!(user.mobile.as_deref(), Some("+8613800000001"));
    assert_eq!(user.email.as_deref(), Some("lihua@corp.example"));
    assert_eq!(user.account_type, AccountType::Main);
    assert_eq!(user.positions.len(), 2);
    assert_eq!(user.positions[1].unit.kind, UnitKind::Department);
    let bare = oa.user(&OaUserId::parse("u1").unwrap()).await.unwrap().unwrap();
    assert_eq!((bare.display_name.as_str(), bare.work_code, bare.has_roles), ("user1", None, false));
    for unknown in ["9", ".", "..", "a/../1001", "%2e%2e", "1001?x=1"] {
        assert_eq!(oa.user(&OaUserId::parse(unknown).unwrap()).await, Ok(None), "{unknown}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_are_found_by_each_field_and_quotes_are_data() {
    let server = Server::of(vec![lihua(), plain(1)], 50);
    let oa = oa(server.router());
    for (field, value, want) in [
        (MatchField::LoginName, "lihua", 1),
        (MatchField::WorkCode, "W0007", 1),
        (MatchField::Mobile, "+86 138-0000-0001", 1),
        (MatchField::Email, "LiHua@corp.example", 1),
        (MatchField::Email, "me@home.example", 0),
        (MatchField::LoginName, "", 0),
        (MatchField::LoginName, r#"x" or userName pr or userName eq "lihua"#, 0),
        (MatchField::LoginName, r"lihua\", 0),
    ] {
        let found = oa.find_users(field, value).await.unwrap();
        assert_eq!(found.len(), want, "{field:?} {value}");
    }
    assert_eq!(server.asked()[0], "filter=userName%20eq%20%22lihua%22&startIndex=1&count=20");
    assert!(server.asked().iter().all(|query| !query.contains('+')));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_filters_is_not_believed() {
    let everybody = || async { json(StatusCode::OK, &json!({ "totalResults": 1, "Resources": [lihua()] })) };
    let oa = oa(Router::new().route("/scim/v2/Users", get(everybody)));
    assert!(matches!(oa.find_users(MatchField::LoginName, "wangfang").await, Err(OaError::Malformed(_))));
    assert_eq!(oa.find_users(MatchField::LoginName, "LIHUA").await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_users_are_read_although_the_pages_are_short() {
    let server = Server::of((0..23).map(plain).collect(), 5);
    let oa = oa(server.router());
    assert_eq!(oa.all_users().await.unwrap().len(), 23);
    assert_eq!(server.asked().len(), 5);
    assert_eq!(server.asked()[1], "startIndex=6&count=50");
    let page = oa.users(&Read { cursor: Some(Cursor("21".to_owned())), changed_since: None }).await.unwrap();
    assert_eq!((page.items.len(), page.next, page.total), (3, None, 23));
    let strange = Read { cursor: Some(Cursor("x".to_owned())), changed_since: None };
    assert!(matches!(oa.users(&strange).await, Err(OaError::Malformed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_lost_somebody_is_repeated() {
    // Between pages 1 and 2 the first user leaves: everybody moves up, and the sixth is never seen in this pass. Eleven
    // were seen and the last total is eleven, yet one of them is gone and one is missing.
    let moved = |nth: usize, users: &mut Vec<Value>| {
        if nth == 2 {
            users.remove(0);
        }
    };
    let server = Server::of((0..12).map(plain).collect(), 5).change(moved);
    let all = oa(server.router()).all_users().await.unwrap();
    assert_eq!(all.len(), 11);
    assert!(all.iter().any(|user| user.id.as_str() == "u5"));
    assert_eq!(server.asked().len(), 6);

    // A server whose count never fits is given up after three passes.
    let restless = |nth: usize, users: &mut Vec<Value>| users.push(plain(100 + nth % 2));
    let server = Server::of((0..12).map(plain).collect(), 5).change(restless);
    assert!(matches!(oa(server.router()).all_users().await, Err(OaError::Malformed(_))));
}

#[tokio::test(start_paused = true)]
async fn the_directory_is_empty_or_missing() {
    assert_eq!(oa(Server::of(Vec::new(), 5).router()).all_users().await.unwrap().len(), 0);
    let oa = oa(Router::new());
    assert!(matches!(oa.all_users().await, Err(OaError::Refused(_))));
    assert!(!oa.capabilities().await.unwrap().hierarchy);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_waited_out() {
    let busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY];
    let server = Server::of(vec![lihua()], 5).failing(&busy);
    let started = tokio::time::Instant::now();
    assert_eq!(oa(server.router()).find_users(MatchField::LoginName, "lihua").await.unwrap().len(), 1);
    assert_eq!(server.asked().len(), 4);
    let waited_ms = started.elapsed().as_millis();
    assert!((1_750..=3_510).contains(&waited_ms), "{waited_ms}");

    let server = Server::of(vec![lihua()], 5).failing(&[StatusCode::SERVICE_UNAVAILABLE; 4]);
    let outcome = oa(server.router()).find_users(MatchField::LoginName, "lihua").await;
    assert_eq!(outcome, Err(OaError::Down("status 503".to_owned())));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_after_its_time() {
    let silent = || std::future::pending::<Response<Body>>();
    let started = tokio::time::Instant::now();
    let outcome = oa(Router::new().route("/v1/apps", get(silent))).apps().await;
    assert_eq!(outcome, Err(OaError::Down("no answer in time".to_owned())));
    assert!((40..=44).contains(&started.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated_and_says_nothing_of_the_body() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST, StatusCode::FOUND] {
        let server = Server::of(vec![lihua()], 5).failing(&[status]);
        let Err(OaError::Refused(text)) = oa(server.router()).find_users(MatchField::LoginName, "lihua").await else {
            panic!("{status}");
        };
        assert!(text.contains(status.as_str()) && !text.contains("李华"), "{text}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn html_nonsense_and_excess_are_malformed() {
    for body in ["<html>login, 李华</html>".to_owned(), r#"{"totalResults":"李华"}"#.to_owned(), too_many()] {
        let answer = move || async move { body };
        let oa = oa(Router::new().route("/scim/v2/Users", get(answer)));
        let Err(OaError::Malformed(text)) = oa.users(&Read::default()).await else { panic!("accepted") };
        assert!(!text.contains("李华"), "{text}");
    }
    let huge = || async { vec![b' '; platform::transport::ANSWER_BYTES_MAX + 1] };
    let oa = oa(Router::new().route("/v1/apps", get(huge)));
    assert_eq!(oa.apps().await, Err(OaError::Malformed("it is too large".to_owned())));
}

fn too_many() -> String {
    json!({ "totalResults": 201, "Resources": (0..201).map(plain).collect::<Vec<_>>() }).to_string()
}

#[tokio::test(start_paused = true)]
async fn units_are_read_and_changes_are_asked_with_an_overlap() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = asked.clone();
    let units = move |uri: axum::http::Uri| async move {
        seen.lock().unwrap().push(uri.query().unwrap_or_default().to_owned());
        json(
            StatusCode::OK,
            &json!({ "totalResults": 2, "Resources": [
                { "id": "d-12", "displayName": "研发部", "kind": "department", "order": 10,
                  "parent": { "value": "s-1", "kind": "subcompany" },
                  "meta": { "lastModified": "2026-02-20T01:02:03Z" } },
                { "id": "s-1", "displayName": "分部", "kind": "subcompany", "active": false,
                  "manager": { "value": "1001" } } ] }),
        )
    };
    let oa = oa(Router::new().route("/scim/v2/OrgUnits", get(units)));
    let page = oa.units(&Read { changed_since: Some(NOW), cursor: None }).await.unwrap();
    assert_eq!(page.newest, Some(Timestamp(1_771_549_323_000)));
    assert!(page.items[0].active && !page.items[1].active);
    assert_eq!(page.items[0].parent.as_ref().map(|p| (p.kind, p.id.as_str())), Some((UnitKind::Subcompany, "s-1")));
    assert_eq!(page.items[1].manager.as_ref().map(OaUserId::as_str), Some("1001"));
    assert!(asked.lock().unwrap()[0].ends_with("filter=meta.lastModified%20ge%20%222025-12-31T23%3A55%3A00Z%22"));
    assert_eq!(oa.all_units().await.unwrap().len(), 2);
    assert!(oa.capabilities().await.unwrap().hierarchy);
}

#[tokio::test(start_paused = true)]
async fn applications_or_a_custom_link_only() {
    assert_eq!(oa(Router::new()).apps().await, Ok(AppList::CustomLinkOnly));
    let list = |dest: &'static str| {
        get(move || async move {
            json!({ "apps": [{ "id": "todo", "names": { "zh": "待办", "en": "To-do" },
                "dest_pc": dest, "dest_mobile": "/m/todo" }] })
            .to_string()
        })
    };
    let Ok(AppList::Apps(apps)) = oa(Router::new().route("/v1/apps", list("/todo"))).apps().await else {
        panic!("no list");
    };
    assert_eq!((apps[0].name_zh.as_str(), apps[0].dest_mobile.as_str()), ("待办", "/m/todo"));
    let evil = oa(Router::new().route("/v1/apps", list("//evil.example"))).apps().await;
    assert!(matches!(evil, Err(OaError::Malformed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_ended_by_a_signed_call() {
    let revoke = |headers: HeaderMap, body: Bytes| async move {
        let believed = webhook::verify(&[Secret::new(PULL.to_owned())], &headers, &body, NOW).is_ok();
        let order: Value = serde_json::from_slice(&body).unwrap();
        if believed && order["op"] == "session.revoke" { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
    };
    let ticket = TicketId::from_random(&tenant(), [2; 26]);
    let ended = oa(Router::new().route("/v1/revoke", post(revoke))).revoke(&ticket).await;
    assert_eq!(ended, Ok(Revocation::Ended));
    assert_eq!(oa(Router::new()).revoke(&ticket).await, Ok(Revocation::NoSession));
    let unable = oa_with(OaInstance { revoke_url: None, ..instance() }, Router::new()).unwrap();
    assert_eq!(unable.revoke(&ticket).await, Ok(Revocation::NotSupported));
}

#[tokio::test(start_paused = true)]
async fn a_person_is_handed_over_by_form_by_query_or_after_the_start_url() {
    let (tenant, key) = (tenant(), SigningKey::generate(&Entropy::seeded(5)));
    let enterprise = EnterpriseId::from_random(&tenant, [3; 26]);
    let ticket = TicketId::from_random(&tenant, [4; 26]);
    let (user, dest) = (OaUserId::parse("1001").unwrap(), Destination::parse("/todo/42").unwrap());
    let visit = Visit {
        tenant: &tenant,
        enterprise: &enterprise,
        user: &user,
        login_id: Some("lihua"),
        dest: &dest,
        amr: &["welink"],
        ticket: &ticket,
        qr: None,
        nonce: None,
        return_to: "https://bridge.example/handoff?x=1&y=2",
        issuer: "https://bridge.example",
        key: &key,
        now: NOW,
    };
    let form = oa(Router::new()).hand_off(&visit).await.unwrap();
    assert!(!format!("{form:?}").contains("eyJ"), "{form:?}");
    let Step::Form { action, fields } = form else { panic!("no form") };
    assert_eq!((action.as_str(), fields.len(), fields[0].0), ("https://oa.example/sso?from=bridge", 1, "ticket"));
    let claims = claims_of(fields[0].1.expose());
    assert_eq!((&claims["sub"], &claims["jti"], &claims["amr"]), (&json!("1001"), &json!(ticket), &json!(["welink"])));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!((&claims["aud"], &claims["tenant"]), (&json!(instance().id), &json!(tenant)));

    let by_query = OaInstance { ticket_delivery: TicketDelivery::Query, ..instance() };
    let Step::Redirect(url) = oa_with(by_query, Router::new()).unwrap().hand_off(&visit).await.unwrap() else {
        panic!("no redirect");
    };
    assert!(url.expose().starts_with("https://oa.example/sso?from=bridge&ticket=eyJ"));

    let bound = OaInstance { start_url: Some("https://oa.example/sso/start".to_owned()), ..instance() };
    let bound = oa_with(bound, Router::new()).unwrap();
    let Step::StartFirst(url) = bound.hand_off(&visit).await.unwrap() else { panic!("not first") };
    let back = "https%3A%2F%2Fbridge.example%2Fhandoff%3Fx%3D1%26y%3D2";
    assert_eq!(url, format!("https://oa.example/sso/start?return_to={back}"));
    let nonce = Nonce::parse("0123456789abcdef").unwrap();
    let Step::Form { fields, .. } = bound.hand_off(&Visit { nonce: Some(&nonce), ..visit }).await.unwrap() else {
        panic!("no form");
    };
    assert_eq!(claims_of(fields[0].1.expose())["nonce"], nonce.as_str());

    let elsewhere = Destination::parse("/admin").unwrap();
    let outcome = bound.hand_off(&Visit { dest: &elsewhere, ..visit }).await;
    assert!(matches!(outcome, Err(OaError::Refused(_))));
    for bad in ["short", "with space in it", "newline\n00000000", &"x".repeat(257)] {
        assert_eq!(Nonce::parse(bad), None);
    }
}

fn claims_of(token: &str) -> Value {
    let token = jwt_compact::UntrustedToken::new(token).unwrap();
    token.deserialize_claims_unchecked::<Value>().unwrap().custom_with_times()
}

/// The library takes `iat` and `exp` out of the custom claims; a test wants to see them together.
trait CustomWithTimes {
    fn custom_with_times(self) -> Value;
}

impl CustomWithTimes for jwt_compact::Claims<Value> {
    fn custom_with_times(mut self) -> Value {
        self.custom["iat"] = json!(self.issued_at.unwrap().timestamp());
        self.custom["exp"] = json!(self.expiration.unwrap().timestamp());
        self.custom
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_instances_own_hosts_are_called_and_bad_addresses_stop_at_the_start() {
    for bad in ["", "oa.example", "ftp://oa.example", "https://user:pw@oa.example", "file:///etc/passwd"] {
        let outcome = oa_with(OaInstance { base: bad.to_owned(), ..instance() }, Router::new());
        assert!(matches!(outcome, Err(OaError::Refused(_))), "{bad}");
    }
    let Oa::Generic(mut generic) = oa(Server::of(vec![lihua()], 5).router());
    let urls = Urls::parse(&OaInstance { base: "https://evil.example".to_owned(), ..instance() }).unwrap();
    generic.urls = Arc::new(urls);
    assert!(matches!(generic.apps().await, Err(OaError::Refused(_))));
}
