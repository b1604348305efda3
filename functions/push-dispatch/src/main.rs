//! The Lambda bootstrap of push-dispatch.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    platform::trace::init();
    let bridge = signin::from_env()?;
    let handle = |event: LambdaEvent<Value>| {
        let bridge = bridge.clone();
        // Boxed, since the runtime takes no error of ours by name.
        async move { push_dispatch::handle(bridge, event.payload).await.map_err(lambda_runtime::Error::from) }
    };
    lambda_runtime::run(service_fn(handle)).await
}
