//! A client of the administrator's JSON API, here or on AWS.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Method, Request, header};
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
        let answer = answer.with_context(|| format!("{} does not answer; is the bridge running?", self.base))?;
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
