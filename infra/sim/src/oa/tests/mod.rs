//! Drives the OA through its router, against a bridge that is nothing but a script of answers.

mod credential;
mod landing;
mod page;
mod scim;
mod todos;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use ed25519_dalek::{Signer, SigningKey};
use http_body_util::BodyExt;
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::{ConnectionLost, Transport};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Connection, Oa, Options};
use crate::company::Company;

/// The instant of the check value in oa-api.md C.2.2.
const START_S: i64 = 1_767_225_600;
const BRIDGE: &str = "https://bridge.example";
const PUSH: &str = "whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=";
const PULL: &str = "whsec_cHVsbC1zZWNyZXQtb2YtdGhlLXRlc3QtMzJieXRlcyE=";
const BEARER: &str = "scim-token-of-the-test";
/// The private half of the example key of RFC 8037 appendix A.
const KEY: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// One scripted answer to a redemption.
#[derive(Debug, Clone)]
enum Reply {
    Json(u16, Value),
    /// The bridge has taken the request, but its answer never arrives.
    Lost,
}

/// What the fake bridge has seen and will say.
#[derive(Debug, Default)]
struct Script {
    jwks: Value,
    replies: VecDeque<Reply>,
    keys_fetched: usize,
    redeemed: Vec<(HeaderMap, Bytes)>,
}

#[derive(Clone, Default)]
struct Bridge(Arc<Mutex<Script>>);

impl Bridge {
    fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v1/tickets/redeem", post(redeem))
            .route("/v1/oa/oa-demo/events", post(redeem))
            .with_state(self.clone())
    }
}

async fn jwks(State(bridge): State<Bridge>) -> impl IntoResponse {
    bridge.script(|script| {
        script.keys_fetched += 1;
        script.jwks.to_string()
    })
}

async fn redeem(State(bridge): State<Bridge>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let reply = bridge.script(|script| {
        script.redeemed.push((headers, body));
        script.replies.pop_front()
    });
    match reply {
        Some(Reply::Json(status, body)) => (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response(),
        Some(Reply::Lost) => {
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(ConnectionLost);
            response
        }
        None => (StatusCode::NOT_FOUND, "{}").into_response(),
    }
}

fn key_set(kid: &str) -> Value {
    json!({ "keys": [
        { "kty": "RSA", "kid": "for-oidc", "n": "AQAB", "e": "AQAB", "alg": "RS256", "use": "sig" },
        { "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": PUBLIC, "alg": "Ed25519", "use": "sig" },
    ] })
}

fn connection() -> Connection {
    Connection {
        instance_id: "oa-demo".to_owned(),
        bridge_origin: BRIDGE.to_owned(),
        push_secret: Secret::new(PUSH.to_owned()),
        pull_secret: Secret::new(PULL.to_owned()),
        scim_bearer: Secret::new(BEARER.to_owned()),
    }
}

/// An OA of the demo company at the check value's instant, connected to a scripted bridge that knows the key `demo-1`.
fn oa() -> (Oa, Bridge) {
    let bridge = Bridge::default();
    bridge.script(|script| script.jwks = key_set("demo-1"));
    let oa = Oa::new(Options {
        clock: Clock::virtual_from(Timestamp(START_S * 1000)),
        entropy: Entropy::seeded(7),
        origin: "http://oa.localhost:9400".to_owned(),
        company: Company::demo(),
        bridge: Transport::router(bridge.router()),
    });
    oa.connect(connection()).unwrap();
    (oa, bridge)
}

/// An answer with its body read.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `name=value` of a cookie that the answer sets, whole with its attributes.
    fn set_cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let prefix = format!("{name}=");
        all.filter(|line| line.starts_with(&prefix)).map(str::to_owned).next()
    }

    /// The session cookie as a browser would send it back.
    fn session(&self) -> String {
        self.set_cookie("__Host-oa_session").unwrap().split(';').next().unwrap().to_owned()
    }
}

async fn send(oa: &Oa, request: Request<Body>) -> Answer {
    let response = oa.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn visit(oa: &Oa, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header("cookie", cookie).header("accept-language", "en");
    send(oa, request.body(Body::empty()).unwrap()).await
}

async fn submit(oa: &Oa, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let request = Request::post(path)
        .header("cookie", cookie)
        .header("accept-language", "en")
        .header("content-type", "application/x-www-form-urlencoded");
    send(oa, request.body(Body::from(body)).unwrap()).await
}

/// A JWT over exactly this header and these claims, signed with the example key.
fn signed(header: &Value, claims: &Value) -> String {
    let seed: [u8; 32] = URL_SAFE_NO_PAD.decode(KEY).unwrap().try_into().unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!("{}.{}", part(header), part(claims));
    let signature = SigningKey::from_bytes(&seed).sign(content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}
