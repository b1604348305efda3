//! From an HTTP request to an endpoint and back.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use domain::text::Lang;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use platform::transport::ConnectionLost;
use serde_json::Value;

use super::answer::{Answer, Refusal, message, wobble};
use super::model::Permission;
use super::routes::DEPARTMENT_BY_PATH;
use super::tokens::{Family, authorise, authorise_user, tickets_get, tickets_v1, tickets_v2};
use super::world::{Call, Caller, World};
use super::{WeLink, codes, log, messages, oauth, readings, routes, tenants, todos};
use crate::faults::{Fired, Knob};

/// Bytes of a request body at most.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Query parameters read at most.
const PARAMS_MAX: usize = 64;

const FORM: &str = "application/x-www-form-urlencoded";

/// One interface. Its `name` is also its key in the rate windows and the counts.
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    pub(super) run: fn(&mut World, &Call, Option<&Caller>) -> Answer,
}

/// What an interface asks of its caller.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// No token: the request itself names the client.
    Nothing,
    /// An app's token with a permission.
    App(Family, Permission),
    /// The token of a person.
    User,
}

const SIGN_IN: Needs = Needs::App(Family::General, Permission::SignIn);
const TENANT_INFO: Needs = Needs::App(Family::General, Permission::TenantInfo);
const JS_TICKETS: Needs = Needs::App(Family::JsTickets, Permission::JsTickets);
const TODO: Needs = Needs::App(Family::Todo, Permission::Todo);
/// One permission opens both (待办通知, welink-api.md 6).
const MESSAGES: Needs = Needs::App(Family::Messages, Permission::Todo);

const ENDPOINTS: &[Endpoint] = &[
    Endpoint { name: "POST /api/auth/v2/tickets", needs: Needs::Nothing, run: tickets_v2 },
    Endpoint { name: "GET /api/auth/v2/tickets", needs: Needs::Nothing, run: tickets_get },
    Endpoint { name: "POST /api/auth/v1/tickets", needs: Needs::Nothing, run: tickets_v1 },
    Endpoint { name: "GET /api/auth/v1/tickets", needs: Needs::Nothing, run: tickets_get },
    Endpoint { name: "POST /api/oauth2/v1/token", needs: Needs::Nothing, run: oauth::token },
    Endpoint { name: "GET /api/oauth2/v1/token", needs: Needs::Nothing, run: oauth::token },
    Endpoint { name: "GET /api/auth/v1/userid", needs: Needs::User, run: oauth::userid },
    Endpoint { name: "GET /api/auth/v2/userid", needs: SIGN_IN, run: codes::userid },
    Endpoint { name: "GET /api/tenant/v1/tenants", needs: TENANT_INFO, run: tenants::tenants },
    Endpoint { name: "GET /api/auth/v1/jstickets", needs: JS_TICKETS, run: readings::jstickets },
    Endpoint { name: "POST /api/messages/v3/send", needs: MESSAGES, run: messages::send },
    Endpoint { name: "POST /api/messages/v2/card/common", needs: MESSAGES, run: messages::card },
    Endpoint { name: "POST /api/messages/v1/update", needs: MESSAGES, run: messages::update },
    Endpoint { name: "POST /api/messages/v1/recall", needs: MESSAGES, run: messages::recall },
    Endpoint { name: "POST /api/todo/v3/addtask", needs: TODO, run: todos::add },
    Endpoint { name: "POST /api/todo/v2/addtask", needs: TODO, run: todos::add },
    Endpoint { name: "DELETE /api/todo/v1/deltask", needs: TODO, run: todos::delete },
];

/// A trailing slash is accepted (welink-api.md 14).
fn endpoint(method: &Method, path: &str) -> Option<&'static Endpoint> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let all = || ENDPOINTS.iter().chain(&routes::READ).chain(&routes::WRITE);
    let named =
        |path: &str| all().find(|e| e.name.split_once(' ').is_some_and(|(m, p)| m == method.as_str() && p == path));
    named(path).or_else(|| named(&format!("{DEPARTMENT_BY_PATH}{{deptcode}}")).filter(|_| in_path(path).is_some()))
}

/// The code in the path of the one interface that has it there.
fn in_path(path: &str) -> Option<&str> {
    let code = path.strip_prefix(DEPARTMENT_BY_PATH)?.trim_end_matches('/');
    (!code.is_empty() && !code.contains('/')).then_some(code)
}

/// What the request log learns from an answer.
#[derive(Debug, Clone)]
struct Outcome {
    client_id: Option<String>,
    code: String,
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn query(uri: &Uri) -> BTreeMap<String, String> {
    pairs(uri.query().unwrap_or_default().as_bytes())
}

/// The first value of every name.
fn pairs(encoded: &[u8]) -> BTreeMap<String, String> {
    let pairs = url::form_urlencoded::parse(encoded);
    let mut out = BTreeMap::new();
    for (name, value) in pairs.take(PARAMS_MAX) {
        out.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    out
}

/// The one handler: reads the request, then answers it under the lock.
pub(super) async fn serve(State(welink): State<WeLink>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE, "411000", None, Lang::Zh, None, &welink);
    };
    let mut call = Call {
        now: welink.now(),
        entropy: &welink.0.entropy,
        lang: if header(&parts.headers, "lang") == Some("en") { Lang::En } else { Lang::Zh },
        query: query(&parts.uri),
        form: if header(&parts.headers, "content-type").is_some_and(|kind| kind.starts_with(FORM)) {
            pairs(&body)
        } else {
            BTreeMap::new()
        },
        body: match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        },
    };
    let Some(endpoint) = endpoint(&parts.method, parts.uri.path()) else {
        return respond(StatusCode::NOT_FOUND, "404", None, call.lang, None, &welink);
    };
    if let Some(code) = in_path(parts.uri.path()).filter(|_| endpoint.name.ends_with("{deptcode}")) {
        call.query.insert("deptCode".to_owned(), code.to_owned());
    }
    let token = header(&parts.headers, "x-wlk-authorization");
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let address = address.map_or_else(|| "in-process".to_owned(), |info| info.0.ip().to_string());
    let (client_id, answer) = answer(&mut welink.world(), endpoint, &call, token, &address);
    match answer {
        Ok(fields) => respond(StatusCode::OK, "0", client_id, call.lang, Some(fields), &welink),
        Err(Refusal { code, status, fields }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            respond(status, &code, client_id, call.lang, Some(fields), &welink)
        }
    }
}

/// Rate windows first, then token and permission, then the endpoint itself.
fn answer(
    world: &mut World,
    endpoint: &Endpoint,
    call: &Call,
    token: Option<&str>,
    address: &str,
) -> (Option<String>, Answer) {
    world.log.count(endpoint.name);
    let named = match endpoint.needs {
        Needs::App(..) | Needs::User => token.and_then(|token| world.tokens.owner(token)),
        Needs::Nothing => Some(call.text("client_id")).filter(|id| !id.is_empty()).or(Some(call.given("client_id"))),
    };
    let client_id = named.filter(|id| world.apps.contains_key(*id)).map(str::to_owned);
    let client = client_id.as_deref().map(|id| (id, endpoint.name));
    if !world.gate.admit(&world.settings.rates, call.now, client, address) {
        let status = world.settings.rates.refused_status;
        return (client_id, Err(Refusal::with_status("48503", status)));
    }
    let answer = match endpoint.needs {
        Needs::Nothing => (endpoint.run)(world, call, None),
        Needs::User => {
            authorise_user(world, token, call.now).and_then(|caller| (endpoint.run)(world, call, Some(&caller)))
        }
        Needs::App(..) if !routes::is_there(&world.settings.contact, endpoint.name) => {
            Err(Refusal::with_status("501", world.settings.no_permission_status))
        }
        Needs::App(family, permission) => authorise(world, token, call.now, family, permission)
            .and_then(|caller| (endpoint.run)(world, call, Some(&caller))),
    };
    (client_id, answer)
}

fn respond(
    status: StatusCode,
    code: &str,
    client_id: Option<String>,
    lang: Lang,
    payload: Option<super::answer::Fields>,
    welink: &WeLink,
) -> Response {
    let mut fields = super::answer::Fields::new();
    fields.insert("code".to_owned(), Value::from(code));
    fields.insert("message".to_owned(), Value::from(message(code, lang)));
    fields.extend(payload.unwrap_or_default());
    if welink.world().settings.wobble {
        wobble(&mut fields, &welink.0.entropy);
    }
    let mut answer = Response::new(Body::from(Value::Object(fields).to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    answer.extensions_mut().insert(Outcome { client_id, code: code.to_owned() });
    answer
}

/// Puts the request log around a router.
pub(super) fn recorded(welink: &WeLink, router: axum::Router) -> axum::Router {
    router.layer(from_fn_with_state(welink.clone(), record))
}

/// Closes an entry when the caller goes away before the answer: every attempt in the log has an outcome.
struct OpenEntry {
    welink: WeLink,
    number: u64,
    closed: bool,
}

impl OpenEntry {
    fn close(&mut self, client_id: Option<String>, outcome: &str, faults: Vec<Knob>) {
        self.closed = true;
        let now = self.welink.now();
        self.welink.world().log.end(self.number, now, client_id, outcome, faults);
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        if !self.closed {
            self.close(None, log::NO_ANSWER, Vec::new());
        }
    }
}

async fn record(State(welink): State<WeLink>, request: Request, next: Next) -> Response {
    let names: Vec<String> = query(request.uri()).into_keys().collect();
    let path = request.uri().path();
    let path = if names.is_empty() { path.to_owned() } else { format!("{path}?{}", names.join("&")) };
    let number = {
        let now = welink.now();
        let mut world = welink.world();
        let entries_max = world.settings.log_entries_max;
        world.log.begin(now, request.method().as_str(), &path, entries_max)
    };
    let mut entry = OpenEntry { welink, number, closed: false };
    let answer = next.run(request).await;
    let faults = answer.extensions().get::<Fired>().cloned().unwrap_or_default().0;
    let outcome = answer.extensions().get::<Outcome>().cloned();
    let lost = answer.extensions().get::<ConnectionLost>().is_some();
    let (client_id, code) = outcome.map_or((None, None), |o| (o.client_id, Some(o.code)));
    let shown = match (lost, code) {
        (true, _) => log::NO_ANSWER.to_owned(),
        (false, Some(code)) => code,
        (false, None) => format!("HTTP {}", answer.status().as_u16()),
    };
    entry.close(client_id, &shown, faults);
    answer
}
