//! The Lambda bootstrap of app-home.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::trace::init();
    let bridge = signin::from_env()?;
    platform::lambda::serve(app_home::router(bridge)).await
}
