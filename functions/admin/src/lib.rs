//! The administrator's API: tenants, OA instances, enterprises, apps and links, behind an operator key.
//!
//! One file per noun. A handler reads the request, asks the state or a client once, and answers; whatever is wrong
//! becomes a problem document that names the field and says what to do.

mod apps;
mod audit;
mod auto_bind;
mod enterprises;
mod error;
mod input;
mod links;
mod oa_instances;
mod operator;
mod tenants;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, patch, post, put};
use platform::http::{hygiene, only_host};
use platform::trace;
use signin::Bridge;

/// Bytes of a request body at most; settings are small.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Every route with its methods, as the router below has them: what the tests walk over.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/tenants"),
    ("POST", "/v1/tenants"),
    ("GET", "/v1/tenants/{tenant}"),
    ("GET", "/v1/tenants/{tenant}/audit"),
    ("GET", "/v1/tenants/{tenant}/oa-instances"),
    ("POST", "/v1/tenants/{tenant}/oa-instances"),
    ("GET", "/v1/oa-instances/{instance}"),
    ("GET", "/v1/oa-instances/{instance}/apps"),
    ("GET", "/v1/tenants/{tenant}/enterprises"),
    ("POST", "/v1/tenants/{tenant}/enterprises"),
    ("GET", "/v1/enterprises/{enterprise}"),
    ("GET", "/v1/enterprises/{enterprise}/sign-in/auto-bind"),
    ("PUT", "/v1/enterprises/{enterprise}/sign-in/auto-bind"),
    ("GET", "/v1/enterprises/{enterprise}/from-welink/auto-bind"),
    ("PUT", "/v1/enterprises/{enterprise}/from-welink/auto-bind"),
    ("GET", "/v1/enterprises/{enterprise}/from-oa/auto-bind"),
    ("PUT", "/v1/enterprises/{enterprise}/from-oa/auto-bind"),
    ("GET", "/v1/enterprises/{enterprise}/conflicts"),
    ("GET", "/v1/enterprises/{enterprise}/apps"),
    ("POST", "/v1/enterprises/{enterprise}/apps"),
    ("GET", "/v1/apps/{app}"),
    ("PATCH", "/v1/apps/{app}"),
    ("PUT", "/v1/apps/{app}/credentials"),
    ("POST", "/v1/apps/{app}/browser-test"),
    ("GET", "/v1/enterprises/{enterprise}/people/{user}"),
    ("POST", "/v1/enterprises/{enterprise}/links"),
    ("DELETE", "/v1/enterprises/{enterprise}/links/{user}"),
];

/// All routes of the console's host.
pub fn router(bridge: Bridge) -> Router {
    let host: Arc<str> = bridge.config().console_origin.authority().into();
    let entropy = bridge.entropy().clone();
    Router::new()
        .route("/v1/tenants", get(tenants::list).post(tenants::create))
        .route("/v1/tenants/{tenant}", get(tenants::show))
        .route("/v1/tenants/{tenant}/audit", get(audit::list))
        .route("/v1/tenants/{tenant}/oa-instances", get(oa_instances::list).post(oa_instances::create))
        .route("/v1/oa-instances/{instance}", get(oa_instances::show))
        .route("/v1/oa-instances/{instance}/apps", get(oa_instances::apps))
        .route("/v1/tenants/{tenant}/enterprises", get(enterprises::list).post(enterprises::create))
        .route("/v1/enterprises/{enterprise}", get(enterprises::show))
        .route("/v1/enterprises/{enterprise}/sign-in/auto-bind", get(auto_bind::show).put(auto_bind::save))
        .route("/v1/enterprises/{enterprise}/from-welink/auto-bind", get(auto_bind::show).put(auto_bind::save))
        .route("/v1/enterprises/{enterprise}/from-oa/auto-bind", get(auto_bind::show).put(auto_bind::save))
        .route("/v1/enterprises/{enterprise}/conflicts", get(links::conflicts))
        .route("/v1/enterprises/{enterprise}/apps", get(apps::list).post(apps::create))
        .route("/v1/apps/{app}", patch(apps::change).get(apps::show))
        .route("/v1/apps/{app}/credentials", put(apps::credentials))
        .route("/v1/apps/{app}/browser-test", post(apps::browser_test))
        .route("/v1/enterprises/{enterprise}/people/{user}", get(links::person))
        .route("/v1/enterprises/{enterprise}/links", post(links::bind))
        .route("/v1/enterprises/{enterprise}/links/{user}", axum::routing::delete(links::unbind))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(bridge)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(move |request, next| only_host(Arc::clone(&host), request, next)))
        .layer(from_fn(hygiene))
        .layer(from_fn(move |request, next| trace::layer(entropy.clone(), request, next)))
}
