//! The employees' side: the homepage that WeLink opens, the sign-in, the hand-off to the OA, and what the OA's server
//! asks (redemption of tickets, the published keys).
//!
//! Each route is a screen long: read the request, one call into [`signin`], answer with a page or a problem document.

mod assets;
mod bind;
mod me;
mod open;
mod pages;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use platform::http::{BODY_BYTES_MAX, hygiene, in_our_words, only_host};
use platform::trace;
use signin::Bridge;

/// All routes of the employees' host.
pub fn router(bridge: Bridge) -> Router {
    let host: Arc<str> = bridge.config().origin.authority().into();
    let entropy = bridge.entropy().clone();
    Router::new()
        .route("/h/{app}", get(open::show).post(open::submit))
        .route("/h/{app}/browser", get(open::by_browser))
        .route(signin::OAUTH_CALLBACK, get(open::from_browser))
        .route("/me/{app}", get(open::show_me).post(open::submit))
        .route("/me", get(me::show))
        .route("/me/ask-unlink", post(me::ask_unlink))
        .route("/bind", get(bind::show).post(bind::submit))
        .route("/bind/oa", post(bind::to_oa))
        .route(signin::OA_CALLBACK, get(bind::from_oa))
        .route("/handoff", get(open::come_back))
        .route("/v1/tickets/redeem", post(server::redeem))
        .route("/.well-known/jwks.json", get(server::jwks))
        .route(signin::HEALTH, get(server::health))
        .route("/assets/{name}", get(assets::serve))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .with_state(bridge)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(|request, next| in_our_words(pages::say, request, next)))
        .layer(from_fn(move |request, next| only_host(Arc::clone(&host), request, next)))
        .layer(from_fn(hygiene))
        .layer(from_fn(move |request, next| trace::layer(entropy.clone(), request, next)))
}
