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

    /// A text, and the path of the part that follows it.
    pub(crate) async fn text(&self, path: &str) -> Result<(String, Option<String>)> {
        let answer = self.send(Method::GET, path, None).await?;
        let link = answer.headers().get(header::LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
        let text = std::str::from_utf8(answer.body()).context("the answer is no text; is this the bridge?")?;
        if answer.status().is_success() {
            return Ok((text.to_owned(), next));
        }
        bail!("{}", told(&serde_json::from_str(text).context("the answer is not JSON; is this the bridge?")?))
    }

    /// Sends one request; a problem document becomes an error that says what it says.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, path, body).await?;
        let value: Value = if answer.body().is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(answer.body()).context("the answer is not JSON; is this the bridge?")?
        };
        if answer.status().is_success() {
            return Ok(value);
        }
        bail!("{}", told(&value))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response<Bytes>> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::ACCEPT_LANGUAGE,
                std::env::var("LANG").map_or("en", |l| if l.starts_with("zh") { "zh" } else { "en" }),
            )
            .body(Bytes::from(bytes))?;
        let answer = self.transport.send(request, TIMEOUT).await;
        answer.with_context(|| format!("{} does not answer; is the bridge running?", self.base))
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
