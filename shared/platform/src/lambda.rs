//! One router, two front doors: behind a Lambda Runtime API, or on a socket.

use ::http::Request;
use axum::body::Body;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;

use crate::http::ClientAddress;

/// Serves the router to the Lambda runtime until the sandbox ends.
pub async fn serve(router: axum::Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(router.layer(axum::middleware::from_fn(name_client))).await
}

/// Takes the client's address from the gateway's request context.
async fn name_client(mut request: Request<Body>, next: Next) -> Response {
    let address = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        _ => None,
    };
    if let Some(address) = address {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}
