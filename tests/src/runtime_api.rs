//! A stand-in for Lambda's Runtime API on loopback, so that a packaged binary can be driven as AWS drives it.
//!
//! [`RuntimeApi`] hands out the events that a test queues and collects what the binary answers; [`Bootstrap`] is the
//! binary, ended when it is dropped. Real sockets and real time: not for simulations.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use platform::clock::Clock;
use serde::Deserialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How long an event may take, queueing included: `Timeout` of template.yaml.
const ANSWER_WAIT: Duration = Duration::from_secs(29);
/// How long a binary may take until it asks for its first event: Lambda's own limit for a start.
const START_WAIT: Duration = Duration::from_secs(10);
/// Events that wait for a binary at most.
const QUEUE_MAX: usize = 1024;
/// Bytes of an answer at most, as on AWS.
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Why an event has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvocationFailed {
    /// The binary reported an error: its type and its message.
    Reported { kind: String, message: String },
    /// No answer within the time that the template allows.
    TimedOut,
    /// What the binary sent is not JSON.
    NotJson(String),
    /// The stand-in itself is gone.
    Stopped,
}

/// An answer, and the time from handing the event out until the answer was there.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Value,
    pub latency: Duration,
}

/// An error as a runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Report {
    #[serde(rename = "errorType", default)]
    kind: String,
    #[serde(rename = "errorMessage", default)]
    message: String,
}

type Reply = oneshot::Sender<Result<Answer, InvocationFailed>>;

struct Event {
    id: String,
    body: String,
    reply: Reply,
}

struct HandedOut {
    at: Instant,
    reply: Reply,
}

struct Shared {
    waiting: tokio::sync::Mutex<mpsc::Receiver<Event>>,
    handed_out: Mutex<HashMap<String, HandedOut>>,
    first_next: watch::Sender<Option<Instant>>,
    init_error: watch::Sender<Option<Report>>,
    last_latency: watch::Sender<Option<Duration>>,
}

impl Shared {
    /// A test that panicked elsewhere must not hide what happened here.
    fn handed_out(&self) -> MutexGuard<'_, HashMap<String, HandedOut>> {
        self.handed_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, id: &str, result: impl FnOnce(Duration) -> Result<Answer, InvocationFailed>) -> StatusCode {
        let Some(event) = self.handed_out().remove(id) else { return StatusCode::BAD_REQUEST };
        let latency = event.at.elapsed();
        self.last_latency.send_replace(Some(latency));
        // Nobody waits any more when the time was up: the answer came too late.
        let _ = event.reply.send(result(latency));
        StatusCode::ACCEPTED
    }
}

/// The stand-in, on a port of its own; it ends when it is dropped.
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    ids: std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for RuntimeApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RuntimeApi({})", self.address)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        let (events, waiting) = mpsc::channel(QUEUE_MAX);
        let shared = Arc::new(Shared {
            waiting: tokio::sync::Mutex::new(waiting),
            handed_out: Mutex::default(),
            first_next: watch::Sender::default(),
            init_error: watch::Sender::default(),
            last_latency: watch::Sender::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = router(shared.clone());
        let server = tokio::spawn(async move {
            // An accept that fails ends the stand-in, and every event with `Stopped` or `TimedOut`.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, events, shared, server, ids: std::sync::atomic::AtomicU64::new(1) })
    }

    /// `127.0.0.1:port`, as `AWS_LAMBDA_RUNTIME_API` names it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has the binary handle `event` and gives its answer: an object with `statusCode`, `headers`, `body` for HTTP
    /// events.
    pub async fn invoke(&self, event: Value) -> Result<Value, InvocationFailed> {
        self.invoke_timed(event).await.map(|answer| answer.body)
    }

    /// The same, with the time that it took.
    pub async fn invoke_timed(&self, event: Value) -> Result<Answer, InvocationFailed> {
        let (reply, answer) = oneshot::channel();
        let number = self.ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let event = Event { id: id.clone(), body: event.to_string(), reply };
        let whole = async {
            self.events.send(event).await.map_err(|_| InvocationFailed::Stopped)?;
            answer.await.map_err(|_| InvocationFailed::Stopped)?
        };
        let result = timeout(ANSWER_WAIT, whole).await.unwrap_or(Err(InvocationFailed::TimedOut));
        self.shared.handed_out().remove(&id);
        result
    }

    /// Waits until the binary asks for its first event and gives the instant of it.
    pub async fn first_next(&self) -> Instant {
        let mut seen = self.shared.first_next.subscribe();
        match seen.wait_for(Option::is_some).await {
            Ok(instant) => instant.unwrap_or_else(Instant::now),
            // The sender lives in `self`: it cannot be gone.
            Err(_) => Instant::now(),
        }
    }

    /// How long the binary took for the event that it answered last.
    pub fn last_latency(&self) -> Option<Duration> {
        *self.shared.last_latency.borrow()
    }

    /// What the binary said when it could not start: type and message.
    pub fn init_error(&self) -> Option<(String, String)> {
        self.shared.init_error.borrow().as_ref().map(|report| (report.kind.clone(), report.message.clone()))
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(ANSWER_BYTES_MAX))
        .with_state(shared)
}

/// Holds the request until there is an event, as the real one does.
async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.first_next.send_if_modified(|first| {
        let is_first = first.is_none();
        first.get_or_insert_with(Instant::now);
        is_first
    });
    let Some(event) = shared.waiting.lock().await.recv().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let deadline_ms = Clock::system().now().plus_ms(i64::try_from(ANSWER_WAIT.as_millis()).unwrap_or(i64::MAX)).0;
    let headers = [
        ("lambda-runtime-aws-request-id", event.id.clone()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:000000000000:function:bridge".to_owned()),
        ("lambda-runtime-trace-id", format!("Root=1-00000000-{};Sampled=0", &event.id.replace('-', "")[8..])),
        ("content-type", "application/json".to_owned()),
    ];
    shared.handed_out().insert(event.id, HandedOut { at: Instant::now(), reply: event.reply });
    (headers, event.body).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, UrlPath(id): UrlPath<String>, body: String) -> StatusCode {
    shared.finish(&id, |latency| match serde_json::from_str(&body) {
        Ok(body) => Ok(Answer { body, latency }),
        Err(why) => Err(InvocationFailed::NotJson(why.to_string())),
    })
}

async fn error(State(shared): State<Arc<Shared>>, UrlPath(id): UrlPath<String>, body: Json<Report>) -> StatusCode {
    let Report { kind, message } = body.0;
    shared.finish(&id, |_| Err(InvocationFailed::Reported { kind, message }))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Json<Report>) -> StatusCode {
    shared.init_error.send_replace(Some(body.0));
    StatusCode::ACCEPTED
}

/// A running binary. What it writes is kept for [`Bootstrap::log`].
#[derive(Debug)]
pub struct Bootstrap {
    child: Child,
    log: NamedTempFile,
    started: Instant,
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bootstrap {
    /// Starts `binary` under `api`, with the environment that Lambda gives it and `env`, and nothing else: no variable
    /// of the test's own environment reaches it.
    pub fn spawn<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        binary: &Path,
        api: &RuntimeApi,
        env: impl IntoIterator<Item = (K, V)>,
    ) -> io::Result<Self> {
        Self::spawn_command(Command::new(binary), api, env)
    }

    /// The same for a program with arguments, e.g. an interpreter and its script.
    pub fn spawn_command<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut command: Command,
        api: &RuntimeApi,
        env: impl IntoIterator<Item = (K, V)>,
    ) -> io::Result<Self> {
        let log = NamedTempFile::new()?;
        let append = || File::options().append(true).open(log.path());
        command
            .env_clear()
            .envs(LAMBDA)
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .envs(env)
            .stdin(Stdio::null())
            .stdout(append()?)
            .stderr(append()?);
        let started = Instant::now();
        let child = command.spawn()?;
        Ok(Self { child, log, started })
    }

    /// The time from its start until it asked for its first event. The error is what it wrote, when it ended or did not
    /// ask in time.
    pub async fn ready(&mut self, api: &RuntimeApi) -> Result<Duration, String> {
        let asked = tokio::select! {
            asked = api.first_next() => asked,
            why = self.gone() => return Err(format!("{why}: {:?}\n{}", api.init_error(), self.log())),
        };
        Ok(asked.duration_since(self.started))
    }

    async fn gone(&mut self) -> String {
        while self.started.elapsed() < START_WAIT {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!("ended with {status}"),
                Ok(None) => sleep(Duration::from_millis(20)).await,
                Err(why) => return why.to_string(),
            }
        }
        format!("asked for no event in {START_WAIT:?}")
    }

    /// Everything that it has written so far, standard output and standard error together.
    pub fn log(&self) -> String {
        std::fs::read(self.log.path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

/// What Lambda sets; the credentials open nothing.
const LAMBDA: [(&str, &str); 7] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bridge"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
    ("AWS_SESSION_TOKEN", "not-a-token"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;
    use platform::transport::Transport;
    use serde_json::json;

    async fn call(api: &RuntimeApi, method: &str, path: &str, body: &'static str) -> http::Response<Bytes> {
        let url = format!("http://{}/2018-06-01/runtime/{path}", api.address());
        let request = Request::builder().method(method).uri(url).header("content-type", "application/json");
        let transport = Transport::reqwest(Vec::new(), None);
        transport.send(request.body(Bytes::from(body)).unwrap(), Duration::from_secs(5)).await.unwrap()
    }

    /// Takes one event and posts `body` to `kind`.
    async fn runtime(api: &RuntimeApi, kind: &str, body: &'static str) -> Bytes {
        let event = call(api, "GET", "invocation/next", "").await;
        let id = event.headers()["lambda-runtime-aws-request-id"].to_str().unwrap();
        let taken = call(api, "POST", &format!("invocation/{id}/{kind}"), body).await;
        assert_eq!(taken.status(), 202);
        event.into_body()
    }

    #[tokio::test]
    async fn an_event_goes_out_and_its_answer_comes_back() {
        let api = RuntimeApi::start().await.unwrap();
        let (answer, event) = tokio::join!(api.invoke(json!({"n": 1})), runtime(&api, "response", r#"{"ok":true}"#));
        assert_eq!(answer, Ok(json!({"ok": true})));
        assert_eq!(&event[..], br#"{"n":1}"#);
        let (answer, _) = tokio::join!(api.invoke(json!({})), runtime(&api, "response", "<html>"));
        assert!(matches!(answer, Err(InvocationFailed::NotJson(_))), "{answer:?}");
    }

    #[tokio::test]
    async fn errors_are_reported() {
        let api = RuntimeApi::start().await.unwrap();
        let report = r#"{"errorType":"Oops","errorMessage":"no"}"#;
        let (answer, _) = tokio::join!(api.invoke(json!({})), runtime(&api, "error", report));
        assert_eq!(answer, Err(InvocationFailed::Reported { kind: "Oops".to_owned(), message: "no".to_owned() }));
        assert_eq!(call(&api, "POST", "init/error", report).await.status(), 202);
        assert_eq!(api.init_error(), Some(("Oops".to_owned(), "no".to_owned())));
        assert_eq!(call(&api, "POST", "invocation/unknown/response", "{}").await.status(), 400);
    }

    #[tokio::test]
    async fn a_binary_that_ends_says_why() {
        let api = RuntimeApi::start().await.unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo $GREETING $CARGO_MANIFEST_DIR; exit 3"]);
        let mut bootstrap = Bootstrap::spawn_command(shell, &api, [("GREETING", "bye")]).unwrap();
        let why = bootstrap.ready(&api).await.unwrap_err();
        assert!(why.contains("exit status: 3") && why.ends_with("bye\n"), "{why}");
    }
}
