//! A client of the administrator's JSON API, here or on AWS.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use platform::transport::{Transport, WayOut};
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
        let proxy = std::env::var("BRIDGE_PROXY").ok().filter(|proxy| !proxy.is_empty());
        let loopback_names = vec!["console.localhost".to_owned()];
        let transport = Transport::by_way_of(WayOut { loopback_names, proxy, ..WayOut::default() });
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
        match self.answer(method, path, body).await? {
            Ok(value) => Ok(value),
            Err(problem) => bail!("{}", told(&problem)),
        }
    }

    /// Sends one request; `Err` inside holds a problem document as it came.
    pub(crate) async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<std::result::Result<Value, Value>> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let answer = self.exchange(method, path, "application/json", bytes).await?;
        let value = if answer.body().is_empty() { Value::Null } else { json(&answer)? };
        Ok(if answer.status().is_success() { Ok(value) } else { Err(value) })
    }

    /// Posts a file.
    pub(crate) async fn upload(&self, path: &str, file: Vec<u8>) -> Result<Value> {
        let answer = self.send(Method::POST, path, "application/octet-stream", file).await?;
        json(&answer)
    }

    /// One part of a file, and the path of the next one (`Link: <path>; rel="next"`).
    pub(crate) async fn download(&self, path: &str) -> Result<(Bytes, Option<String>)> {
        let (parts, file) = self.send(Method::GET, path, "application/json", Vec::new()).await?.into_parts();
        let next = parts.headers.get(header::LINK).and_then(|link| link.to_str().ok()?.strip_prefix('<'));
        Ok((file, next.and_then(|link| Some(link.split_once('>')?.0.to_owned()))))
    }

    /// Sends one request; an answer that is no success becomes an error that says what it says.
    async fn send(&self, method: Method, path: &str, kind: &str, bytes: Vec<u8>) -> Result<Response<Bytes>> {
        let answer = self.exchange(method, path, kind, bytes).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        bail!("{}", told(&json(&answer)?))
    }

    async fn exchange(&self, method: Method, path: &str, kind: &str, bytes: Vec<u8>) -> Result<Response<Bytes>> {
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
        answer.with_context(|| format!("{} does not answer; is the bridge running?", self.base))
    }
}

fn json(answer: &Response<Bytes>) -> Result<Value> {
    serde_json::from_slice(answer.body()).context("the answer is not JSON; is this the bridge?")
}

/// A problem document as a person reads it.
pub(crate) fn told(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{}: {}", text("title"), text("detail"))];
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        lines.push(format!("  {}: {}", part("field"), part("reason")));
    }
    lines.push(format!("  trace {}", text("trace")));
    lines.join("\n")
}
