//! Scan login (扫码登录): a code on a screen, a phone that scans it in WeLink, a person who confirms, and the one browser
//! that may then go on (oa-api.md C.4, product.md C6 to C14).
//!
//! [`screen`] is the bridge's own page with a code, or ([`element`]) with WeLink's own one, [`api`] serves an OA that
//! shows codes in its own login page, [`phone`] and [`confirm`] are what the person sees. All of them meet in
//! [`service`], which knows the rules; the steps themselves are conditional writes of the table.

mod api;
mod assets;
mod confirm;
mod element;
mod pages;
mod phone;
mod screen;
mod service;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use platform::http::{hygiene, in_our_words, only_host};
use platform::trace;
use signin::Bridge;

use crate::service::Qr;

/// Bytes of a request body at most: a form, or a few lines of JSON.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the paths of this function begin with; everything else on the employees' host is app-home's.
pub const PATHS: [&str; 3] = ["/q/", "/qr/", "/v1/qr/"];

/// All routes of this function, on the employees' host.
pub fn router(bridge: Bridge) -> Router {
    let host: Arc<str> = bridge.config().origin.authority().into();
    let entropy = bridge.entropy().clone();
    Router::new()
        .route("/v1/qr/sessions", post(api::create))
        .route("/v1/qr/sessions/{qr}", get(api::poll))
        .route("/qr/{instance}", get(screen::show))
        .route("/qr/{instance}/poll/{qr}", get(screen::poll))
        .route("/qr/{instance}/enter", post(screen::enter))
        .route("/qr/assets/{name}", get(assets::serve))
        .route("/q/{qr}", get(phone::show).post(phone::submit))
        .route("/q/{qr}/confirm", get(confirm::show).post(confirm::submit))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .with_state(Qr::new(bridge))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(|request, next| in_our_words(pages::say, request, next)))
        .layer(from_fn(move |request, next| only_host(Arc::clone(&host), request, next)))
        .layer(from_fn(hygiene))
        .layer(from_fn(move |request, next| trace::layer(entropy.clone(), request, next)))
}
