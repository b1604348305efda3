//! The way out: one request, one answer, one bounded wait.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use ::http::{Request, Response};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt, service_fn};

/// Bytes of an answer at most; a SCIM page of 200 people is about 0.3 MiB.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What went wrong on the way; the variants differ in what may have happened on the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request was never sent: repeating it is safe.
    #[error("no connection: {0}")]
    Connect(String),
    /// No answer in time; the request may have taken effect.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before the whole answer was there; the request may have taken effect.
    #[error("the answer was lost: {0}")]
    Broken(String),
    /// The answer is larger than [`ANSWER_BYTES_MAX`].
    #[error("the answer is too large")]
    TooLarge,
    /// The host is not on the allow-list (product.md C23); nothing was sent.
    #[error("host not allowed: {0}")]
    HostNotAllowed(String),
}

/// Marks a response of an in-process router whose connection "was lost": the seam turns it into
/// [`TransportError::Broken`].
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLost;

/// How real sockets get out.
#[derive(Debug, Clone, Default)]
pub struct WayOut {
    /// Host names that resolve to 127.0.0.1.
    pub loopback_names: Vec<String>,
    /// Additional certificate authorities.
    pub extra_roots_pem: Option<String>,
    /// Forward proxy, `http://host:port`; names of this machine go past it.
    pub proxy: Option<String>,
}

/// What no proxy is asked for: `localhost` with every name below it, and the loopback address.
const PAST_THE_PROXY: &str = "localhost,127.0.0.1,::1";

type Inner = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;

/// A cloneable HTTP client. No redirects are followed and no cookies are kept: each caller decides what an answer
/// means.
#[derive(Clone)]
pub struct Transport(Inner);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>, Error = TransportError> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self(BoxCloneSyncService::new(service))
    }

    /// An in-process router as the other side: a simulator without a socket.
    pub fn router(router: axum::Router) -> Self {
        Self::new(service_fn(move |request: Request<Bytes>| {
            let router = router.clone();
            async move { through_router(router, request).await }
        }))
    }

    /// Sends the request and waits at most `timeout` for the whole answer.
    pub async fn send(&self, request: Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, TransportError> {
        match tokio::time::timeout(timeout, self.0.clone().oneshot(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::Timeout),
        }
    }

    /// The same transport, refusing every host but these (`host` or `host:port` as it stands in the URL).
    #[must_use]
    pub fn only(self, hosts: BTreeSet<String>) -> Self {
        let inner = self.0;
        Self::new(service_fn(move |request: Request<Bytes>| {
            let host = request.uri().authority().map(|a| a.as_str().to_owned()).unwrap_or_default();
            let allowed = hosts.contains(&host);
            let inner = inner.clone();
            async move {
                let answer = allowed.then(|| inner.oneshot(request)).ok_or(TransportError::HostNotAllowed(host))?;
                answer.await
            }
        }))
    }

    /// Real sockets. `loopback_names` are host names that resolve to 127.0.0.1 (`oa.localhost`: the C library does
    /// know them); `extra_roots_pem` are additional certificate authorities, for an OA with an internal one.
    ///
    /// The client is built at the first request: reading the system's roots costs about 3 ms, which a cold start does
    /// not owe to a request that calls nobody.
    pub fn reqwest(loopback_names: Vec<String>, extra_roots_pem: Option<String>) -> Self {
        Self::by_way_of(WayOut { loopback_names, extra_roots_pem, proxy: None })
    }

    /// Real sockets, by way of a proxy if there is one.
    pub fn by_way_of(way: WayOut) -> Self {
        let client: std::sync::Arc<OnceLock<Result<reqwest::Client, String>>> = std::sync::Arc::default();
        Self::new(service_fn(move |request: Request<Bytes>| {
            let client = client.get_or_init(|| build_client(&way)).clone();
            async move { through_reqwest(client.map_err(TransportError::Connect)?, request).await }
        }))
    }
}

async fn through_router(router: axum::Router, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let answer = match router.oneshot(request.map(Body::from)).await {
        Ok(answer) => answer,
        Err(never) => {
            let never: Infallible = never;
            match never {}
        }
    };
    if answer.extensions().get::<ConnectionLost>().is_some() {
        return Err(TransportError::Broken("connection lost".to_owned()));
    }
    let (parts, body) = answer.into_parts();
    match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
        Ok(whole) => Ok(Response::from_parts(parts, whole.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(TransportError::TooLarge),
        Err(error) => Err(TransportError::Broken(error.to_string())),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds the HTTP client")]
fn build_client(way: &WayOut) -> Result<reqwest::Client, String> {
    // Installing twice is an error without consequence: the same provider is already there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("welink-bridge/", env!("CARGO_PKG_VERSION")));
    builder = match &way.proxy {
        Some(proxy) => {
            let proxy = reqwest::Proxy::all(proxy.as_str()).map_err(|e| e.to_string())?;
            builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(PAST_THE_PROXY)))
        }
        // The machine's own `HTTPS_PROXY` would be a way out that no check of the bridge knows.
        None => builder.no_proxy(),
    };
    for name in &way.loopback_names {
        builder = builder.resolve(name, std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    if let Some(pem) = &way.extra_roots_pem {
        let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| e.to_string())?;
        builder = builder.tls_certs_merge(roots);
    }
    builder.build().map_err(|e| e.to_string())
}

async fn through_reqwest(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let request = reqwest::Request::try_from(request.map(reqwest::Body::from))
        .map_err(|e| TransportError::Connect(e.without_url().to_string()))?;
    let mut answer = client.execute(request).await.map_err(translate)?;
    let mut out = Response::builder().status(answer.status());
    if let Some(headers) = out.headers_mut() {
        std::mem::swap(headers, answer.headers_mut());
    }
    let mut body: Vec<u8> = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(translate)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    out.body(Bytes::from(body)).map_err(|e| TransportError::Broken(e.to_string()))
}

/// URLs are left out of the messages: a query can carry a code.
fn translate(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() {
        TransportError::Connect(error.to_string())
    } else if error.is_timeout() {
        TransportError::Timeout
    } else {
        TransportError::Broken(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers with the target of each request as it stood on the wire.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(|request: Request<Body>| async move { request.uri().to_string() });
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    #[tokio::test]
    async fn calls_go_by_way_of_the_proxy_but_not_those_to_this_machine() {
        let (proxy, here) = (echo().await, echo().await);
        let here = here.replace("127.0.0.1", "oa.localhost");
        let way = WayOut { loopback_names: vec!["oa.localhost".to_owned()], proxy: Some(proxy), ..WayOut::default() };
        let transport = Transport::by_way_of(way);
        let get = |url: String| {
            let request = Request::get(url).body(Bytes::new()).unwrap();
            let transport = transport.clone();
            async move { transport.send(request, Duration::from_secs(5)).await.unwrap().into_body() }
        };
        assert_eq!(get("http://welink.invalid/api".to_owned()).await, "http://welink.invalid/api");
        assert_eq!(get(format!("{here}/scim")).await, "/scim");
    }

    #[tokio::test]
    async fn a_proxy_that_is_away_means_that_nothing_was_sent() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let way = WayOut { proxy: Some(format!("http://{closed}")), ..WayOut::default() };
        let request = Request::get("http://welink.invalid/").body(Bytes::new()).unwrap();
        let sent = Transport::by_way_of(way).send(request, Duration::from_secs(5)).await;
        assert!(matches!(sent, Err(TransportError::Connect(_))), "{sent:?}");
    }
}
