//! One trace id per request through everything that it causes, and log lines that are JSON and free of personal data
//! (product.md OPS-05, SEC-04).

use std::fmt;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Request, Response};
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::middleware::Next;
use tracing::Instrument as _;

use crate::entropy::Entropy;

/// Carries the trace id to the client and, server to server, into the bridge.
pub const HEADER: &str = "x-trace-id";

tokio::task_local! {
    static CURRENT: TraceId;
}

/// 16 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    pub fn new(entropy: &Entropy) -> Self {
        Self(entropy.hex(8))
    }

    /// The trace of the request that this code runs for; `-` outside of one.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self("-".to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Runs `work` under this trace.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Wraps every request in a trace, logs it once at its end and names the trace in the answer.
///
/// The log line holds the route, not the path, and never the query: both can carry ids of people or codes.
pub async fn layer(entropy: Entropy, request: Request<Body>, next: Next) -> Response<Body> {
    let trace = TraceId::new(&entropy);
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    // At the level of errors, so that no filter takes the trace id from an error's line.
    let span = tracing::error_span!("request", trace = %trace);
    let started = tokio::time::Instant::now();
    let mut answer = trace.clone().scope(next.run(request).instrument(span.clone())).await;
    let latency_ms = millis(started.elapsed());
    let status = answer.status().as_u16();
    span.in_scope(|| tracing::info!(%method, route, status, latency_ms, "{method} {route} answered {status}"));
    put(answer.headers_mut(), &trace);
    answer
}

fn put(headers: &mut HeaderMap, trace: &TraceId) {
    if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
        headers.insert(HEADER, value);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Ours at `info`; the libraries below us at `warn`, since their debug lines hold request bodies.
const OURS: &str = "warn,platform=info,state=info,welink=info,oa=info,signin=info,app_home=info,qr_login=info,\
                    oa_intake=info,org_sync=info,push_dispatch=info,admin=info,local=info,sim=info";

/// Writes JSON lines to stdout, where Lambda collects them; `RUST_LOG` filters, `info` for our crates is the default.
pub fn init() {
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter(OURS));
    // A second initialisation is a test's; the first one stays.
    let _ = lines.try_init();
}

/// The same on stderr and from `error` on: at a terminal the answer on the screen is what counts.
pub fn init_terminal() {
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter("error"));
    let _ = lines.with_writer(std::io::stderr).try_init();
}

fn filter(default: &str) -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default))
}
