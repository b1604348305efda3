//! The Lambda bootstrap of qr-login.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::trace::init();
    let bridge = signin::from_env()?;
    platform::lambda::serve(qr_login::router(bridge)).await
}
