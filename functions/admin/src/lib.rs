//! The administrator's API: tenants, OA instances, enterprises, apps and links, behind a key.
//!
//! One file per noun. A handler reads the request, asks the state or a client once, and answers; whatever is wrong
//! becomes a problem document that names the field and says what to do.

mod accounts;
mod actor;
mod api;
mod api_keys;
mod apps;
mod audit;
mod auto_bind;
mod conflicts;
mod console;
pub mod console_session;
mod directory;
mod enterprises;
mod error;
mod history;
mod input;
mod link_jobs;
mod links;
mod messages;
mod network;
mod oa_instances;
mod oa_secrets;
pub mod openapi;
mod own_password;
mod passwords;
mod people_export;
mod permissions;
mod person_trace;
mod plain;
mod rules;
mod runs;
mod scan_login;
mod self_test;
pub mod setup;
mod sheet;
mod signing_keys;
mod sync_settings;
mod tenants;
mod transfer;
mod users;
mod verdicts;
mod visible_range;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use platform::http::{hygiene, in_our_words, only_host};
use platform::trace;
use signin::Bridge;

pub use api::{ROUTES, Route};
pub use console::{PAGES, PageRoute};

/// Bytes of a request body at most; settings are small.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// All routes of the console's host.
pub fn router(bridge: Bridge) -> Router {
    let host: Arc<str> = bridge.config().console_origin.authority().into();
    let entropy = bridge.entropy().clone();
    let meets = (bridge.clone(), setup::Met::default());
    api::router()
        .merge(console::router())
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(bridge)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(meets, setup::meet))
        .layer(from_fn(|request, next| in_our_words(error::say, request, next)))
        .layer(from_fn(move |request, next| only_host(Arc::clone(&host), request, next)))
        .layer(from_fn(hygiene))
        .layer(from_fn(move |request, next| trace::layer(entropy.clone(), request, next)))
}
