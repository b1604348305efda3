//! A proxy between a packaged binary and one of its servers: it counts the calls, and knows how long the server took.
//!
//! A benchmark takes that time away again: what is left is the binary's own, as if the server answered at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use platform::transport::Transport;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a server may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What went through since the last look.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Calls by the operation of DynamoDB's protocol (`GetItem`), or by the path.
    pub calls: BTreeMap<String, u32>,
    /// Bytes of the largest answer.
    pub answer_bytes_max: usize,
    /// How long at least one call was being answered: each from its whole request until its whole answer.
    pub served: Duration,
    /// Of the calls since the last look.
    pub spans: Vec<(Instant, Instant)>,
}

impl Seen {
    /// The spans that overlap count once.
    fn add_up(mut self) -> Self {
        self.spans.sort_unstable();
        let mut counted: Option<Instant> = None;
        for (start, end) in self.spans.drain(..) {
            let start = counted.map_or(start, |counted| counted.max(start));
            self.served += end.saturating_duration_since(start);
            counted = counted.max(Some(end));
        }
        self
    }
}

/// The proxy, on a port of its own; it ends when it is dropped.
#[derive(Debug)]
pub struct Tap {
    /// Its address, `http://127.0.0.1:port`.
    pub origin: String,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Line {
    upstream: Transport,
    origin: Arc<str>,
    seen: Arc<Mutex<Seen>>,
}

impl Tap {
    /// Passes everything on to `origin` through `upstream`.
    pub async fn start(upstream: Transport, origin: &str) -> std::io::Result<Self> {
        let seen = Arc::<Mutex<Seen>>::default();
        let line = Line { upstream, origin: origin.into(), seen: Arc::clone(&seen) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(pass).with_state(line);
        let server = tokio::spawn(async move {
            // An accept that fails ends the proxy, and the caller's next request with it.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { origin, seen, server })
    }

    /// What went through since the last call of this.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner)).add_up()
    }
}

async fn pass(State(line): State<Line>, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let name = target.unwrap_or(parts.uri.path()).to_owned();
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let Ok(uri) = format!("{}{path}", line.origin).parse() else { return StatusCode::BAD_REQUEST.into_response() };
    parts.uri = uri;
    hop(&mut parts.headers);
    let start = Instant::now();
    let answer = line.upstream.send(Request::from_parts(parts, body), TIMEOUT).await;
    let end = Instant::now();
    let mut seen = line.seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.spans.push((start, end));
    *seen.calls.entry(name).or_default() += 1;
    let answer_bytes = answer.as_ref().map_or(0, |answer| answer.body().len());
    seen.answer_bytes_max = seen.answer_bytes_max.max(answer_bytes);
    drop(seen);
    answer.map_or_else(|why| (StatusCode::BAD_GATEWAY, why.to_string()).into_response(), whole)
}

fn whole(answer: http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    hop(&mut parts.headers);
    Response::from_parts(parts, Body::from(body))
}

/// Takes away what belongs to one connection alone.
fn hop(headers: &mut http::HeaderMap) {
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::post;

    #[tokio::test]
    async fn calls_go_through_and_are_counted() {
        let upstream = Router::new().route("/a", post(|body: String| async move { format!("{body}!") }));
        let tap = Tap::start(Transport::router(upstream), "http://upstream").await.unwrap();
        let request = || Request::post(format!("{}/a", tap.origin));
        let transport = Transport::reqwest(Vec::new(), None);
        let answer = transport.send(request().body("hi".into()).unwrap(), TIMEOUT).await.unwrap();
        assert_eq!(&answer.into_body()[..], b"hi!");
        let named = request().header("x-amz-target", "DynamoDB_20120810.GetItem").body("hi".into()).unwrap();
        transport.send(named, TIMEOUT).await.unwrap();
        let seen = tap.take();
        assert_eq!(seen.calls, BTreeMap::from([("/a".to_owned(), 1), ("GetItem".to_owned(), 1)]));
        assert!(seen.served > Duration::ZERO && tap.take().calls.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_served_at_once_counts_once() {
        let at = |ms: u64| Instant::now() + Duration::from_millis(ms);
        let spans = vec![(at(5), at(6)), (at(0), at(10)), (at(8), at(12)), (at(20), at(21))];
        let seen = Seen { spans, ..Seen::default() }.add_up();
        assert_eq!(seen.served, Duration::from_millis(13));
    }
}
