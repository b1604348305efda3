//! What comes in by itself: signed events of the OAs (oa-api.md C.5) and callbacks of WeLink (welink-api.md 10),
//! verified and put on the queue. Nobody gets a yes before the queue has what he brought.
//!
//! Architecture invariants: nothing of a body is believed before it is proved; what comes a second time changes
//! nothing; who cannot prove what he says does not learn which instances and apps there are. This function never reads
//! a `client_secret`: what opens callbacks lies apart (template.yaml lets it see no more).

mod envelope;
mod events;
mod message;
mod welink;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::post;
use domain::problem;
use domain::text::Lang;
use platform::http::{BODY_BYTES_MAX, hygiene, lang_of, only_host, problem_json};
use platform::queue::Queue;
use platform::trace;
use signin::{Bridge, Refusal};

/// What the paths of this function begin with.
pub const PATHS: [&str; 3] = ["/v1/events/", "/v1/oa/", "/v1/welink/"];

/// Seconds after which what could not be taken may come again.
const RETRY_AFTER_S: i64 = 5;

/// All routes of this function, on the employees' host.
pub fn router(bridge: Bridge) -> Router {
    let host: Arc<str> = bridge.config().origin.authority().into();
    let entropy = bridge.entropy().clone();
    Router::new()
        // The contract's address, and the short form of it.
        .route("/v1/oa/{instance}/events", post(events::take))
        .route("/v1/events/{instance}", post(events::take))
        .route("/v1/welink/{app}", post(welink::take))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(bridge)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(move |request, next| only_host(Arc::clone(&host), request, next)))
        .layer(from_fn(hygiene))
        .layer(from_fn(move |request, next| trace::layer(entropy.clone(), request, next)))
}

async fn not_found(request: Request) -> Response {
    refused_json(&problem::NOT_FOUND.into(), lang_of(&request))
}

async fn method_not_allowed(request: Request) -> Response {
    refused_json(&problem::METHOD_NOT_ALLOWED.into(), lang_of(&request))
}

fn refused_json(refusal: &Refusal, lang: Lang) -> Response {
    refusal.log();
    problem_json(refusal.problem, lang, &[], refusal.retry_after_s)
}

/// The queue, or why nothing can be taken.
fn queue(bridge: &Bridge) -> Result<&Queue, Refusal> {
    bridge.queues().events.as_ref().ok_or_else(|| not_taken("BRIDGE_EVENTS_QUEUE is not set"))
}

/// The queue does not have it: the sender is to come again.
fn not_taken(cause: impl std::fmt::Display) -> Refusal {
    Refusal { retry_after_s: Some(RETRY_AFTER_S), ..Refusal::because(problem::UNAVAILABLE, cause) }
}
