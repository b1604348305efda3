//! The AWS SDK on our seam: its HTTP client, time source and sleep are the ones that a simulation replaces.

use std::error::Error;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use crate::clock::Clock;

/// Amazon's own roots and nothing else: parsing one bundle of five instead of the system's 140 saves about 3 ms of a
/// cold start, and no other authority can vouch for the table.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

static HTTPS: LazyLock<SharedHttpClient> = LazyLock::new(|| {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    // The bundle is part of the program and a test builds this client: it cannot be malformed at run time.
    let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_else(|_| std::process::abort());
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
});

/// The HTTP client for an endpoint: TLS with Amazon's roots, or plain HTTP for an embedded server.
pub fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    match endpoint {
        Some(url) if url.starts_with("http://") => aws_smithy_http_client::Builder::new().build_http(),
        _ => HTTPS.clone(),
    }
}

/// Configuration for any AWS client. Region and credentials come from the environment, where Lambda puts them for the
/// life of a sandbox; the SDK's default chain would cost a cold start another 3 ms to look where nothing is.
pub fn sdk_config(http: SharedHttpClient, clock: &Clock) -> SdkConfig {
    let region = std::env::var("AWS_REGION").unwrap_or_else(|_| "us-east-1".to_owned());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(std::time::Duration::from_secs(1))
        .operation_attempt_timeout(std::time::Duration::from_secs(3))
        .operation_timeout(std::time::Duration::from_secs(8))
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(environment_credentials()))
        .http_client(http)
        .time_source(SharedTimeSource::new(clock.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .build()
}

/// A client for the table, on AWS or at `endpoint`.
pub fn dynamodb(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_dynamodb::Client {
    let mut builder = aws_sdk_dynamodb::config::Builder::from(config);
    if let Some(url) = endpoint {
        builder = builder.endpoint_url(url).credentials_provider(local_credentials());
    }
    aws_sdk_dynamodb::Client::from_conf(builder.build())
}

/// A client for the queues, on AWS or at `endpoint`.
pub fn sqs(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_sqs::Client {
    let mut builder = aws_sdk_sqs::config::Builder::from(config);
    if let Some(url) = endpoint {
        builder = builder.endpoint_url(url).credentials_provider(local_credentials());
    }
    aws_sdk_sqs::Client::from_conf(builder.build())
}

/// A client for the vault, on AWS or at `endpoint`.
pub fn secrets_manager(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_secretsmanager::Client {
    let mut builder = aws_sdk_secretsmanager::config::Builder::from(config);
    if let Some(url) = endpoint {
        builder = builder.endpoint_url(url).credentials_provider(local_credentials());
    }
    aws_sdk_secretsmanager::Client::from_conf(builder.build())
}

fn environment_credentials() -> Credentials {
    let var = |name| std::env::var(name).unwrap_or_default();
    let token = std::env::var("AWS_SESSION_TOKEN").ok();
    Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), token, None, "environment")
}

/// An embedded server checks no signatures, but the SDK insists on making them.
fn local_credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "local")
}

/// An SDK error with its causes on one line, for a log. SDK errors hold no item data.
pub fn describe(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    for _ in 0..8 {
        let Some(inner) = cause else { break };
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    line
}

/// Notes the `Date` header of an answer: what time its server has.
#[derive(Debug, Clone, Default)]
pub struct DateOfAnswer(Arc<Mutex<Option<String>>>);

impl DateOfAnswer {
    /// The newest one.
    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[dyn_dispatch_hint]
impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pinned_roots_build_a_client() {
        let _ = super::http_client(None);
    }
}
