//! A client of the administrator's JSON API, here or on AWS.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use platform::transport::Transport;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_mins(1);

/// Speaks to the API at one address with one key.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: String,
    key: String,
    transport: Transport,
}

impl Client {
    pub(crate) fn new(base: &str, key: String) -> Self {
        let transport = Transport::reqwest(vec!["console.localhost".to_owned()], None);
        Self { base: base.trim_end_matches('/').to_owned(), key, transport }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Sends one request; a problem document becomes an error that says what it says.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let answer = self.send(method, path, "application/json", bytes).await?;
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body()).context("the answer is not JSON; is this the bridge?")
    }

    /// Posts a file.
    pub(crate) async fn upload(&self, path: &str, file: Vec<u8>) -> Result<Value> {
        let answer = self.send(Method::POST, path, "application/octet-stream", file).await?;
        serde_json::from_slice(answer.body()).context("the answer is not JSON; is this the bridge?")
    }

    /// One part of a file, and the path of the next one (`Link: <path>; rel="next"`).
    pub(crate) async fn download(&self, path: &str) -> Result<(Bytes, Option<String>)> {
        let (parts, file) = self.send(Method::GET, path, "application/json", Vec::new()).await?.into_parts();
        let next = parts.headers.get(header::LINK).and_then(|link| link.to_str().ok()?.strip_prefix('<'));
        Ok((file, next.and_then(|link| Some(link.split_once('>')?.0.to_owned()))))
    }

    /// Sends one request; an answer that is no success becomes an error that says what it says.
    async fn send(&self, method: Method, path: &str, kind: &str, bytes: Vec<u8>) -> Result<Response<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, kind)
            .header(
                header::ACCEPT_LANGUAGE,
                std::env::var("LANG").map_or("en", |l| if l.starts_with("zh") { "zh" } else { "en" }),
            )
            .body(Bytes::from(bytes))?;
        let answer = self.transport.send(request, TIMEOUT).await;
        let answer = answer.with_context(|| format!("{} does not answer; is the bridge running?", self.base))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let value: Value =
            serde_json::from_slice(answer.body()).context("the answer is not JSON; is this the bridge?")?;
        bail!("{}", told(&value))
    }
}

/// A problem document as a person reads it.
fn told(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{}: {}", text("title"), text("detail"))];
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        lines.push(format!("  {}: {}", part("field"), part("reason")));
    }
    lines.push(format!("  trace {}", text("trace")));
    lines.join("\n")
}
