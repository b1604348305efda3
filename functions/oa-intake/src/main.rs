//! The Lambda bootstrap of oa-intake.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::trace::init();
    let bridge = signin::from_env()?;
    platform::lambda::serve(oa_intake::router(bridge)).await
}
