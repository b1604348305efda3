//! The Lambda bootstrap of push-dispatch.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    platform::trace::init();
    let bridge = signin::from_env()?;
    let handle = |event: LambdaEvent<Value>| push_dispatch::handle(bridge.clone(), event.payload);
    lambda_runtime::run(service_fn(handle)).await
}
