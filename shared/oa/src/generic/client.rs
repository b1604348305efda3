//! Calls to the OA with their limits and retries (oa-api.md C.7).

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::{Transport, TransportError};
use serde::de::DeserializeOwned;
use url::Url;

use crate::port::OaError;

/// A SCIM page.
pub(super) const PAGE_TIMEOUT: Duration = Duration::from_secs(20);
/// Everything else.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Repetitions after the first try, on a network error, 429 or 5xx.
pub(super) const RETRIES_MAX: u32 = 3;
/// The first wait; it doubles. Half of each wait is drawn, so that many sandboxes do not come back together.
const BACKOFF_MS: u32 = 500;
/// A longer `Retry-After` is not waited for: the caller has its own queue.
const RETRY_AFTER_S_MAX: u64 = 10;

/// A client of one OA that reaches no host but the instance's own.
#[derive(Debug, Clone)]
pub(super) struct Client {
    transport: Transport,
    entropy: Entropy,
    bearer: HeaderValue,
}

/// The text form of a kind of answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Scim,
    Json,
}

impl Client {
    /// `urls` are all addresses of the instance; their hosts are the ones that can be called (product.md C23).
    pub(super) fn new(
        transport: Transport,
        entropy: Entropy,
        bearer: &Secret<String>,
        urls: &[&Url],
    ) -> Result<Self, OaError> {
        let hosts: BTreeSet<String> = urls.iter().map(|url| authority(url)).collect();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", bearer.expose()))
            .map_err(|_| OaError::Refused("the bearer token has characters that no header takes".to_owned()))?;
        bearer.set_sensitive(true);
        Ok(Self { transport: transport.only(hosts), entropy, bearer })
    }

    /// Reads JSON; `None` = 404.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: &Url,
        format: Format,
        timeout: Duration,
    ) -> Result<Option<T>, OaError> {
        let accept = match format {
            Format::Scim => HeaderValue::from_static("application/scim+json"),
            Format::Json => HeaderValue::from_static("application/json"),
        };
        let mut request = request(Method::GET, url, Bytes::new())?;
        request.headers_mut().insert(header::ACCEPT, accept);
        request.headers_mut().insert(header::AUTHORIZATION, self.bearer.clone());
        let answer = self.send(&request, timeout).await?;
        match answer.status() {
            StatusCode::OK => parse(answer.body()).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(refused(status)),
        }
    }

    /// Posts a signed body that may be repeated with its `webhook-id`. Answers the status; the body is not read.
    pub(super) async fn post_signed(&self, url: &Url, signed: HeaderMap, body: String) -> Result<StatusCode, OaError> {
        let mut request = request(Method::POST, url, Bytes::from(body))?;
        request.headers_mut().extend(signed);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self.send(&request, CALL_TIMEOUT).await?.status())
    }

    /// Posts a signed body exactly once: what it carries must not be sent again by itself (oa-api.md C.3). A network
    /// error, 429 and 5xx are [`OaError::Down`]; every other answer is the caller's to read.
    pub(super) async fn post_once(
        &self,
        url: &Url,
        signed: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, OaError> {
        let mut request = request(Method::POST, url, body)?;
        request.headers_mut().extend(signed);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        match self.once(&request, CALL_TIMEOUT).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Failed { why, .. } => Err(OaError::Down(why)),
        }
    }

    async fn send(&self, request: &Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, OaError> {
        for retry in 0..RETRIES_MAX {
            let wait = match self.once(request, timeout).await? {
                Outcome::Answer(answer) => return Ok(answer),
                Outcome::Failed { wait, .. } => wait,
            };
            tokio::time::sleep(self.backoff(retry).max(wait.unwrap_or_default())).await;
        }
        match self.once(request, timeout).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Failed { why, .. } => Err(OaError::Down(why)),
        }
    }

    async fn once(&self, request: &Request<Bytes>, timeout: Duration) -> Result<Outcome, OaError> {
        match self.transport.send(request.clone(), timeout).await {
            Ok(answer) => {
                let status = answer.status();
                if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                    return Ok(Outcome::Answer(answer));
                }
                Ok(Outcome::Failed { why: format!("status {}", status.as_u16()), wait: retry_after(answer.headers()) })
            }
            Err(TransportError::TooLarge) => Err(OaError::Malformed("it is too large".to_owned())),
            Err(error @ TransportError::HostNotAllowed(_)) => Err(OaError::Refused(error.to_string())),
            Err(error) => Ok(Outcome::Failed { why: error.to_string(), wait: None }),
        }
    }

    fn backoff(&self, retry: u32) -> Duration {
        let half = BACKOFF_MS.saturating_mul(1 << retry) / 2;
        Duration::from_millis(u64::from(half + self.entropy.below(half + 1)))
    }
}

/// What became of one try.
enum Outcome {
    Answer(Response<Bytes>),
    /// Worth another try, after `wait` if the OA asks for it.
    Failed {
        why: String,
        wait: Option<Duration>,
    },
}

/// What the status of an answer that is no success means.
pub(super) fn refused(status: StatusCode) -> OaError {
    OaError::Refused(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!("status {}: check the token", status.as_u16()),
        status if status.is_redirection() => format!("status {}: check the address", status.as_u16()),
        status => format!("status {}", status.as_u16()),
    })
}

fn request(method: Method, url: &Url, body: Bytes) -> Result<Request<Bytes>, OaError> {
    Request::builder()
        .method(method)
        .uri(url.as_str())
        .body(body)
        .map_err(|_| OaError::Refused("an address of the instance cannot be called".to_owned()))
}

/// The parser's own message is left out: it can quote the body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, OaError> {
    serde_json::from_slice(body).map_err(|e| {
        OaError::Malformed(match e.classify() {
            serde_json::error::Category::Data => format!("unexpected JSON at line {}, column {}", e.line(), e.column()),
            _ => "it is not JSON".to_owned(),
        })
    })
}

/// Seconds only; a date is not used by the servers that we meet, and ours is the better guess then.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds <= RETRY_AFTER_S_MAX).then(|| Duration::from_secs(seconds))
}

/// `host` or `host:port` as it stands in the URL, without a default port.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
