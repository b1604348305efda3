//! The simulated phone's camera: it sees the codes of scan login that open pages show.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use sim::phone::Codes;

/// Bytes of a page with a code at most.
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Where pages with codes are: the bridge's own one, and the simulated OA's.
const PAGES: [&str; 2] = ["/qr/", "/login/scan"];

/// The same router; codes on its pages are told to the phone.
pub(crate) fn watched(router: Router, codes: &Codes) -> Router {
    let codes = codes.clone();
    router.layer(from_fn(move |request, next| look(codes.clone(), request, next)))
}

async fn look(codes: Codes, request: Request<Body>, next: Next) -> Response {
    let shows = PAGES.iter().any(|page| request.uri().path().starts_with(page));
    let answer = next.run(request).await;
    if !shows {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    // Our own page, from memory: there is nothing that could break off.
    let bytes = to_bytes(body, PAGE_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if let Some(code) = text.split_once("data-code=\"").and_then(|(_, rest)| rest.split_once('"')) {
        codes.show(code.0);
    }
    Response::from_parts(parts, Body::from(bytes))
}
