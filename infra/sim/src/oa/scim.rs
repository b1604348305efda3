//! The directory as SCIM 2.0 (RFC 7643, 7644) in the profile of oa-api.md C.1. Read-only.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::time::Timestamp;
use platform::secret::Secret;
use serde_json::{Value, json};

use super::directory::{Account, Unit};
use super::filter::{Filter, Resource, external_id};
use super::scim_schema::{ORG_UNIT, USER, USER_EXTENSION};
use super::{Oa, lock, scim_schema};

/// Rows of a page at most, as `ServiceProviderConfig` announces it.
pub(super) const PAGE_ROWS_MAX: usize = 200;
/// Rows of a page when nothing is asked for.
const PAGE_ROWS_DEFAULT: usize = 100;
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/ServiceProviderConfig", get(config))
        .route("/Schemas", get(schemas))
        .route("/Schemas/{id}", get(schema))
        .route("/ResourceTypes", get(resource_types))
        .route("/ResourceTypes/{id}", get(resource_type))
        .route("/OrgUnits", get(units))
        .route("/OrgUnits/{id}", get(unit))
        .route("/Users", get(users))
        .route("/Users/{id}", get(user))
        .fallback(async || failure(StatusCode::NOT_FOUND, None, "no such endpoint"))
        .method_not_allowed_fallback(async || {
            failure(StatusCode::METHOD_NOT_ALLOWED, None, "this directory is read-only")
        })
}

/// A SCIM error (RFC 7644 3.12); its `status` is a string.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: &'static str,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut body = json!({ "schemas": [ERROR], "status": self.status.as_str(), "detail": self.detail });
        if let Some(kind) = self.kind {
            body["scimType"] = json!(kind);
        }
        let mut response = scim(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn failure(status: StatusCode, kind: Option<&'static str>, detail: &'static str) -> Failure {
    Failure { status, kind, detail }
}

/// Whether the request carries the bridge's bearer token.
pub(super) fn is_bridge(oa: &Oa, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.is_some_and(|(_, token)| Secret::new(oa.bearer()).matches(token))
}

fn authorise(oa: &Oa, headers: &HeaderMap) -> Result<(), Failure> {
    let refusal = || failure(StatusCode::UNAUTHORIZED, None, "the bearer token is missing or unknown");
    if is_bridge(oa, headers) { Ok(()) } else { Err(refusal()) }
}

fn scim(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/scim+json; charset=utf-8")], body.to_string()).into_response()
}

fn list(rows: &[Value], start: usize, total: usize) -> Response {
    let body = json!({
        "schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": rows.len(), "Resources": rows,
    });
    scim(StatusCode::OK, &body)
}

fn found(row: Option<Value>) -> Answer {
    row.map(|row| scim(StatusCode::OK, &row)).ok_or_else(|| failure(StatusCode::NOT_FOUND, None, "no such resource"))
}

type Answer = Result<Response, Failure>;

async fn config(State(oa): State<Oa>, headers: HeaderMap) -> Answer {
    authorise(&oa, &headers)?;
    Ok(scim(StatusCode::OK, &scim_schema::service_provider_config(&oa.0.origin)))
}

async fn schemas(State(oa): State<Oa>, headers: HeaderMap) -> Answer {
    authorise(&oa, &headers)?;
    let rows = scim_schema::schemas(&oa.0.origin);
    Ok(list(&rows, 1, rows.len()))
}

async fn schema(State(oa): State<Oa>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    authorise(&oa, &headers)?;
    found(scim_schema::schemas(&oa.0.origin).into_iter().find(|row| row["id"] == id))
}

async fn resource_types(State(oa): State<Oa>, headers: HeaderMap) -> Answer {
    authorise(&oa, &headers)?;
    let rows = scim_schema::resource_types(&oa.0.origin);
    Ok(list(&rows, 1, rows.len()))
}

async fn resource_type(State(oa): State<Oa>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    authorise(&oa, &headers)?;
    found(scim_schema::resource_types(&oa.0.origin).into_iter().find(|row| row["id"] == id))
}

async fn users(State(oa): State<Oa>, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    authorise(&oa, &headers)?;
    let ask = Ask::parse(query.as_deref().unwrap_or_default(), Resource::Users)?;
    let settings = oa.settings();
    let mut directory = lock(&oa.0.directory);
    let page = directory.users_pass.page_of(ask.start);
    if settings.users_page_failing == Some(page) {
        return Err(failure(StatusCode::INTERNAL_SERVER_ERROR, None, "the directory failed"));
    }
    let mut rows: Vec<&Account> = directory.accounts().iter().filter(|account| ask.filter.user(account)).collect();
    if let Some(repeated) = settings.user_repeated.as_deref() {
        let at = rows.iter().position(|account| account.id == repeated).filter(|at| at + 1 < rows.len());
        if let Some(at) = at {
            rows[at + 1] = rows[at];
        }
    }
    let window = ask.window(rows.len(), settings.page_rows_max, settings.rows_lost);
    let shown: Vec<Value> = rows[window].iter().map(|account| user_row(&oa.0.origin, account)).collect();
    Ok(list(&shown, ask.start, rows.len()))
}

async fn units(State(oa): State<Oa>, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    authorise(&oa, &headers)?;
    let ask = Ask::parse(query.as_deref().unwrap_or_default(), Resource::OrgUnits)?;
    let settings = oa.settings();
    let mut directory = lock(&oa.0.directory);
    let page = directory.units_pass.page_of(ask.start);
    if settings.units_page_failing == Some(page) {
        return Err(failure(StatusCode::INTERNAL_SERVER_ERROR, None, "the directory failed"));
    }
    let rows: Vec<&Unit> = directory.units().iter().filter(|unit| ask.filter.unit(unit)).collect();
    let window = ask.window(rows.len(), settings.page_rows_max, settings.rows_lost);
    let shown: Vec<Value> = rows[window].iter().map(|unit| unit_row(&oa.0.origin, unit)).collect();
    Ok(list(&shown, ask.start, rows.len()))
}

async fn user(State(oa): State<Oa>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    authorise(&oa, &headers)?;
    found(lock(&oa.0.directory).account(&id).map(|account| user_row(&oa.0.origin, account)))
}

async fn unit(State(oa): State<Oa>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    authorise(&oa, &headers)?;
    found(lock(&oa.0.directory).unit(&id).map(|unit| unit_row(&oa.0.origin, unit)))
}

/// One request for a page.
struct Ask {
    /// From 1; smaller values are read as 1 (RFC 7644 3.4.2.4).
    start: usize,
    count: usize,
    filter: Filter,
}

impl Ask {
    fn parse(query: &str, resource: Resource) -> Result<Self, Failure> {
        let mut ask = Self { start: 1, count: PAGE_ROWS_DEFAULT, filter: Filter::All };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "startIndex" => ask.start = number(&value)?.max(1),
                "count" => ask.count = number(&value)?.min(PAGE_ROWS_MAX),
                "filter" => {
                    ask.filter = Filter::parse(&value, resource).map_err(|_| {
                        failure(StatusCode::BAD_REQUEST, Some("invalidFilter"), "this filter is not supported")
                    })?;
                }
                "cursor" => {
                    return Err(failure(StatusCode::NOT_IMPLEMENTED, None, "cursor paging is not supported"));
                }
                _ => {}
            }
        }
        Ok(ask)
    }

    /// The rows to send out of `total`, after the faults have had their say.
    fn window(&self, total: usize, rows_max: Option<usize>, rows_lost: usize) -> std::ops::Range<usize> {
        let reachable = total.saturating_sub(rows_lost);
        let from = (self.start - 1).min(reachable);
        let rows = self.count.min(rows_max.unwrap_or(usize::MAX));
        from..from.saturating_add(rows).min(reachable)
    }
}

/// A paging number; a negative one counts as 0 (RFC 7644 3.4.2.4).
fn number(text: &str) -> Result<usize, Failure> {
    let value: i64 =
        text.parse().map_err(|_| failure(StatusCode::BAD_REQUEST, Some("invalidValue"), "not a number"))?;
    Ok(usize::try_from(value).unwrap_or(0))
}

/// Which page of a pass a request asks for, so that a fault can hit "page n" and hits it again at a retry.
#[derive(Debug, Default)]
pub(super) struct Pass {
    start: usize,
    page: usize,
}

impl Pass {
    fn page_of(&mut self, start: usize) -> usize {
        if start == 1 {
            self.page = 1;
        } else if start != self.start {
            self.page += 1;
        }
        self.start = start;
        self.page
    }
}

/// RFC 3339 in UTC with milliseconds, as in the samples of the contract.
pub(super) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn meta(origin: &str, kind: &str, path: &str, id: &str, modified: Timestamp, version: u64) -> Value {
    json!({
        "resourceType": kind, "lastModified": rfc3339(modified), "version": format!("W/\"{version}\""),
        "location": format!("{origin}/scim/v2/{path}/{id}"),
    })
}

fn user_row(origin: &str, account: &Account) -> Value {
    let positions: Vec<Value> = account
        .positions
        .iter()
        .map(|position| {
            json!({
                "unit": position.unit, "unitKind": position.unit_kind.as_str(), "primary": position.primary,
                "title": position.title_zh, "order": position.order,
            })
        })
        .collect();
    let mut extension = json!({
        "loginId": account.login, "workCode": account.work_code, "employmentStatus": account.employment,
        "accountType": if account.main_account.is_some() { "secondary" } else { "main" },
        "positions": positions,
    });
    if let Some(main) = &account.main_account {
        extension["mainAccount"] = json!(main);
    }
    let mut row = json!({
        "schemas": [USER, USER_EXTENSION],
        "id": account.id, "externalId": external_id(account), "userName": account.login,
        "displayName": account.name_zh, "active": account.active, "preferredLanguage": "zh-CN",
        "meta": meta(origin, "User", "Users", &account.id, account.modified, account.version),
    });
    row[USER_EXTENSION] = extension;
    if !account.email.is_empty() {
        row["emails"] = json!([{ "type": "work", "value": account.email, "primary": true }]);
    }
    if !account.mobile.is_empty() {
        row["phoneNumbers"] = json!([{ "type": "mobile", "value": account.mobile }]);
    }
    if !account.roles.is_empty() {
        row["roles"] = account.roles.iter().map(|role| json!({ "value": role })).collect();
    }
    row
}

fn unit_row(origin: &str, unit: &Unit) -> Value {
    let mut row = json!({
        "schemas": [ORG_UNIT], "id": unit.id, "displayName": unit.name_zh, "kind": unit.kind.as_str(),
        "code": unit.code, "order": unit.order, "active": unit.active,
        "meta": meta(origin, "OrgUnit", "OrgUnits", &unit.id, unit.modified, unit.version),
    });
    if !unit.code.is_empty() {
        row["externalId"] = json!(unit.code);
    }
    if let Some((kind, id)) = &unit.parent {
        row["parent"] = json!({ "value": id, "kind": kind.as_str() });
    }
    row
}
