//! The embedded table without a socket: a connector of the AWS SDK over the engine, on our clock, with faults.
//!
//! The operations that the bridge uses are listed by hand; any other fails the simulation. Expired items are never
//! swept: DynamoDB may leave them for days.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use platform::clock::Clock;
use platform::entropy::Entropy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::knobs::Knobs;
use super::record::{Record, lock};

pub const NAME: &str = "bridge";
/// One way between a function and the table takes 1 to so many milliseconds.
const WAY_MS_MAX: u32 = 4;
/// A slow answer takes up to so long; the SDK gives an attempt up after 3 s.
const SLOW_MS_MAX: u32 = 9_000;
/// A knob for a table that is broken: it updates whatever the condition says. No campaign sets it; a test does, to see
/// that a simulation can fail.
pub const FORGETFUL: &str = "table.conditions_ignored";
/// The same for transactions.
pub const FORGETFUL_TRANSACTIONS: &str = "table.transaction_conditions_ignored";
/// Pages that the checker reads at most.
const PAGES_MAX: usize = 100;

struct EngineClock(Clock);

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().epoch_s()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(u64::try_from(self.0.now().0).unwrap_or_default()).as_secs_f64()
    }
}

struct Inner {
    database: Database,
    entropy: Entropy,
    knobs: Knobs,
    record: Record,
    surprises: Mutex<Vec<String>>,
}

/// The table; cloning shares it.
#[derive(Clone)]
pub struct Table(Arc<Inner>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table(..)")
    }
}

impl Table {
    pub fn new(clock: &Clock, entropy: Entropy, knobs: Knobs, record: Record) -> Result<Self, DynoxideError> {
        let database = Database::memory_with_clock(Arc::new(EngineClock(clock.clone())))?;
        Ok(Self(Arc::new(Inner { database, entropy, knobs, record, surprises: Mutex::default() })))
    }

    /// A client as a sandbox builds it, with production's timeouts and retries. Each has a retry quota of its own, as
    /// in a process of its own: the SDK's default one would be shared by all simulations of this process.
    pub fn client(&self, clock: &Clock, sandbox: &str) -> Client {
        let connector = Connector { table: self.clone(), sandbox: sandbox.to_owned() };
        let config = platform::aws::sdk_config(SharedHttpClient::new(connector), clock);
        let client = platform::aws::dynamodb(&config, Some("http://table.localhost"));
        let partition = RetryPartition::custom(sandbox.to_owned()).build();
        Client::from_conf(client.config().to_builder().retry_partition(partition).build())
    }

    /// Operations that the connector does not know, and answers that the engine should not give.
    pub fn surprises(&self) -> Vec<String> {
        lock(&self.0.surprises).clone()
    }

    /// Every item as plain JSON, read past connector and faults.
    pub fn items(&self) -> Result<Vec<Map<String, Value>>, DynoxideError> {
        let mut items = Vec::new();
        let mut start = None;
        for _ in 0..PAGES_MAX {
            let request = dynoxide::actions::scan::ScanRequest {
                table_name: NAME.to_owned(),
                exclusive_start_key: start,
                ..Default::default()
            };
            let page = self.0.database.scan(request)?;
            for item in page.items.unwrap_or_default() {
                let wire = serde_json::to_value(item).unwrap_or_default();
                items
                    .extend(wire.as_object().map(|fields| fields.iter().map(|(k, v)| (k.clone(), plain(v))).collect()));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(items)
    }

    async fn way(&self) {
        let ms = u64::from(1 + self.0.entropy.below(WAY_MS_MAX));
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn pass(&self, sandbox: &str, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let open = self.0.record.begin(&format!("table {sandbox}"), &operation);
        self.way().await;
        if let Some((name, status, body)) = self.refused(&operation) {
            self.way().await;
            open.end(name);
            return answer(status, body);
        }
        let (status, body) = self.apply(&operation, request.body().bytes().unwrap_or_default());
        let name = outcome(status, &body);
        if self.0.knobs.fires("table.slow") {
            let ms = u64::from(self.0.entropy.below(SLOW_MS_MAX));
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        if self.0.knobs.fires("table.answer_lost") {
            self.way().await;
            open.end(format!("{name}, lost"));
            let why = "the answer was lost".into();
            let late = self.0.entropy.below(2) == 0;
            return Err(if late { ConnectorError::timeout(why) } else { ConnectorError::io(why) });
        }
        self.way().await;
        open.end(name);
        answer(status, body)
    }

    /// What the engine cannot do by itself.
    fn refused(&self, operation: &str) -> Option<(&'static str, u16, String)> {
        let body = |kind: &str| {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
            json!({ "__type": kind, "message": "simulated" })
        };
        if self.0.knobs.fires("table.throttled") {
            return Some(("throttled", 400, body("ProvisionedThroughputExceededException").to_string()));
        }
        if self.0.knobs.fires("table.server_error") {
            return Some(("failed", 500, body("InternalServerError").to_string()));
        }
        if operation == "TransactWriteItems" && self.0.knobs.fires("table.conflict") {
            let mut body = body("TransactionCanceledException");
            body["CancellationReasons"] =
                json!([{ "Code": "TransactionConflict" }, { "Code": "None" }, { "Code": "None" }]);
            return Some(("conflict", 400, body.to_string()));
        }
        None
    }

    fn apply(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let d = &self.0.database;
        match operation {
            "CreateTable" => run(body, |r| d.create_table(r)),
            "DescribeTable" => run(body, |r| d.describe_table(r)),
            "UpdateTimeToLive" => run(body, |r| d.update_time_to_live(r)),
            "GetItem" => run(body, |r| d.get_item(r)),
            "BatchGetItem" => run(body, |r| d.batch_get_item(r)),
            "PutItem" => run(body, |r| d.put_item(r)),
            "DeleteItem" => run(body, |r| d.delete_item(r)),
            "UpdateItem" if self.0.knobs.draw(FORGETFUL) => run(&without_condition(body), |r| d.update_item(r)),
            "UpdateItem" => run(body, |r| d.update_item(r)),
            "Query" => run(body, |r| d.query(r)),
            "TransactWriteItems" if self.0.knobs.draw(FORGETFUL_TRANSACTIONS) => {
                run(&without_conditions(body), |r| d.transact_write_items(r))
            }
            "TransactWriteItems" => run(body, |r| d.transact_write_items(r)),
            other => {
                lock(&self.0.surprises).push(format!("the table is asked for {other}"));
                (400, json!({ "__type": "UnknownOperationException" }).to_string())
            }
        }
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    act: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> (u16, String) {
    let done = serde_json::from_slice(body)
        .map_err(|e| DynoxideError::ValidationException(e.to_string()))
        .and_then(act)
        .map(|answer| serde_json::to_string(&answer).unwrap_or_default());
    match done {
        Ok(answer) => (200, answer),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

/// The same update under a condition that always holds; the placeholders of the real one stay in use.
fn without_condition(body: &[u8]) -> Vec<u8> {
    let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
    always(&mut request);
    request.to_string().into_bytes()
}

/// The same for each write of a transaction.
fn without_conditions(body: &[u8]) -> Vec<u8> {
    let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes = request["TransactItems"].as_array_mut().into_iter().flatten();
    writes.flat_map(|write| write.as_object_mut().into_iter().flat_map(Map::values_mut)).for_each(always);
    request.to_string().into_bytes()
}

fn always(write: &mut Value) {
    if let Some(real) = write.get("ConditionExpression").and_then(Value::as_str) {
        let always = format!("({real}) OR attribute_not_exists(absent)");
        write["ConditionExpression"] = Value::from(always);
    }
}

fn answer(status: u16, body: String) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|e| ConnectorError::other(e.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(body)))
}

/// `ok`, or the name of the error.
fn outcome(status: u16, body: &str) -> String {
    if status == 200 {
        return "ok".to_owned();
    }
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let kind = body["__type"].as_str().unwrap_or("?");
    kind.rsplit('#').next().unwrap_or_default().trim_end_matches("Exception").to_owned()
}

/// A value without DynamoDB's type letters.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|typed| typed.iter().next()) else { return Value::Null };
    match (kind.as_str(), inner) {
        ("N", Value::String(text)) => text.parse::<i64>().map_or(Value::Null, Value::from),
        ("M", Value::Object(fields)) => fields.iter().map(|(k, v)| (k.clone(), plain(v))).collect::<Map<_, _>>().into(),
        ("L", Value::Array(items)) => items.iter().map(plain).collect(),
        ("NULL", _) => Value::Null,
        _ => inner.clone(),
    }
}

/// One sandbox's way to the table.
#[derive(Debug, Clone)]
struct Connector {
    table: Table,
    sandbox: String,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.table.pass(&this.sandbox, request).await })
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
