//! The wires between the parties, with what an observer on each of them notes.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as AxumRequest, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response as AxumResponse;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::transport::{Transport, TransportError};
use sim::company::Company;
use tower::service_fn;

use super::facts::{Checked, Exchange, Facts, Opened, code_name, jti};
use super::record::{Canaries, Record, route};

/// Bytes of a form that the observer reads.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// What every wire needs.
#[derive(Clone)]
pub(super) struct Wires {
    pub entropy: Entropy,
    pub record: Record,
    pub facts: Facts,
    pub canaries: Canaries,
    pub clock: Clock,
    /// One way takes 1 to so many milliseconds.
    pub way_ms_max: u32,
}

/// How a transport error reads in the record.
fn outcome(answer: &Result<Response<Bytes>, TransportError>) -> String {
    answer.as_ref().map_or_else(ToString::to_string, |answer| answer.status().as_u16().to_string())
}

impl Wires {
    async fn way(&self) {
        let ms = u64::from(1 + self.entropy.below(self.way_ms_max));
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// A way to a router that is another party.
    pub(super) fn to_router(&self, from: String, router: Router) -> Transport {
        let inner = Transport::router(router);
        let wires = self.clone();
        Transport::new(service_fn(move |request: Request<Bytes>| {
            let (wires, inner, from) = (wires.clone(), inner.clone(), from.clone());
            async move { wires.pass(&from, &inner, request).await }
        }))
    }

    async fn pass(
        &self,
        from: &str,
        inner: &Transport,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
        let what = format!("{} {}", request.method(), route(request.uri().path()));
        let open = self.record.begin(&format!("{from} > {host}"), &what);
        self.way().await;
        let answer = inner.send(request, Duration::from_hours(24)).await;
        self.way().await;
        open.end(outcome(&answer));
        answer
    }

    /// A way to WeLink that notes which codes arrive there, and plants the tokens that come back.
    pub(super) fn to_welink(&self, from: String, router: Router, clients: Vec<String>) -> Transport {
        let inner = self.to_router(from, router);
        let wires = self.clone();
        Transport::new(service_fn(move |request: Request<Bytes>| {
            let (wires, inner, clients) = (wires.clone(), inner.clone(), clients.clone());
            async move { wires.ask_welink(&inner, &clients, request).await }
        }))
    }

    async fn ask_welink(
        &self,
        inner: &Transport,
        clients: &[String],
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let query = request.uri().query().unwrap_or_default();
        let code = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
        // Noted before the answer: the bridge may be gone when it comes.
        let exchange = code.map(|(_, value)| {
            let mut seen = self.facts.see();
            let outcome = "no answer".to_owned();
            seen.exchanges.push(Exchange { code: code_name(&value), outcome, taken: true });
            seen.exchanges.len() - 1
        });
        let tickets = request.uri().path().ends_with("/tickets");
        let client = tickets.then(|| read(request.body(), "client_id")).flatten();
        let answer = inner.send(request, Duration::from_hours(24)).await;
        let Ok(got) = &answer else { return answer };
        let code = read(got.body(), "code");
        if let (Some(at), Some(code)) = (exchange, &code) {
            let mut seen = self.facts.see();
            seen.exchanges[at].taken = code == "0";
            seen.exchanges[at].outcome.clone_from(code);
        }
        if let Some(token) = read(got.body(), "access_token") {
            self.canaries.plant("access token", &token);
        }
        let side = client.and_then(|client| clients.iter().position(|known| *known == client));
        if let (Some(side), Some("0")) = (side, code.as_deref()) {
            *self.facts.see().fetched.entry(side).or_default() += 1;
        }
        answer
    }

    /// Notes at an OA, behind its faults, which tickets open sessions.
    pub(super) fn observed(&self, side: usize, company: &Company, router: Router) -> Router {
        let logins = company.people.iter().map(|person| (person.id.clone(), person.login.clone())).collect();
        router.layer(from_fn_with_state(Observer { wires: self.clone(), side, logins }, observe))
    }
}

/// A text of a JSON body; numbers count as texts, since WeLink's types wobble.
fn read(body: &Bytes, name: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    match &body[name] {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[derive(Clone)]
struct Observer {
    wires: Wires,
    side: usize,
    logins: std::collections::BTreeMap<String, String>,
}

async fn observe(State(observer): State<Observer>, request: AxumRequest, next: Next) -> AxumResponse {
    if request.uri().path() == "/v1/credential/verify" {
        return observe_check(&observer, request, next).await;
    }
    let landing = request.method() == Method::POST && request.uri().path() == "/sso/landing";
    if !landing {
        let answer = next.run(request).await;
        plant_cookies(&observer.wires.canaries, &answer);
        return answer;
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.unwrap_or_default();
    let ticket = url::form_urlencoded::parse(&bytes).find(|(name, _)| name == "ticket").map(|(_, v)| v.into_owned());
    let answer = next.run(AxumRequest::from_parts(parts, Body::from(bytes))).await;
    let opened = plant_cookies(&observer.wires.canaries, &answer);
    if let Some(ticket) = ticket.filter(|_| opened) {
        let login = sub(&ticket).and_then(|sub| observer.logins.get(&sub).cloned()).unwrap_or_default();
        let opened = Opened { side: observer.side, jti: jti(&ticket).unwrap_or_default(), login };
        observer.wires.facts.see().opened.push(opened);
    }
    answer
}

/// Notes a password that the OA judged.
async fn observe_check(observer: &Observer, request: AxumRequest, next: Next) -> AxumResponse {
    let (parts, body) = request.into_parts();
    let asked = to_bytes(body, FORM_BYTES_MAX).await.unwrap_or_default();
    let answer = next.run(AxumRequest::from_parts(parts, Body::from(asked.clone()))).await;
    let (parts, body) = answer.into_parts();
    let given = to_bytes(body, FORM_BYTES_MAX).await.unwrap_or_default();
    let answered: serde_json::Value = serde_json::from_slice(&given).unwrap_or_default();
    let judged = answered["result"] == "ok" || answered["reason"] == "invalid";
    if let (true, Some(trace), Some(password)) = (judged, read(&asked, "request_id"), read(&asked, "password")) {
        let accepted = answered["user"]["id"].as_str().map(str::to_owned);
        let at = observer.wires.clock.now();
        let checked = Checked { side: observer.side, trace, password: code_name(&password), at, accepted };
        observer.wires.facts.see().checked.push(checked);
    }
    AxumResponse::from_parts(parts, Body::from(given))
}

fn sub(ticket: &str) -> Option<String> {
    super::facts::claim(ticket, "sub")
}

/// Whether the answer gives a session.
fn plant_cookies(canaries: &Canaries, answer: &AxumResponse) -> bool {
    let mut session = false;
    for line in answer.headers().get_all(header::SET_COOKIE) {
        let pair = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let Some((name, value)) = pair.split_once('=') else { continue };
        canaries.plant("OA cookie", value);
        session |= name == "__Host-oa_session" && !value.is_empty();
    }
    session
}
