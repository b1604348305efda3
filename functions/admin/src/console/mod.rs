//! The console: server-rendered pages over the same service functions as the JSON API.
//!
//! A page reads what it shows, puts blocks together and answers; a form that is refused comes back as it was typed,
//! with its errors at the field. Each action names the route of the API that does the same (product.md ADM-08).

mod accounts;
mod app_checks;
mod apps;
mod audit;
mod auto_bind;
mod bindings;
mod blocks;
mod danger;
mod directory;
mod enterprises;
mod form;
mod history;
mod link_jobs;
mod network;
mod oa_instances;
mod overview;
mod page;
mod person;
mod scan_login;
mod setup;
mod sign_in;
mod visitor;
mod welink_sign_in;
mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, get, on};
use domain::role::Permission::{self, Anybody, Bind, Operate, Own, Read};
use signin::{Bridge, CONSOLE_CALLBACK};

/// One page or action of the console.
#[derive(Debug, Clone, Copy)]
pub struct PageRoute {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Permission,
    /// `METHOD /path` of the API's route that does the same; empty for what a browser alone has: its session and its
    /// language.
    pub api: &'static str,
}

macro_rules! pages {
    ($($method:ident $path:tt $needs:ident => $handler:path, $api:literal $(, up to $bytes:expr)?;)*) => {
        pub const PAGES: &[PageRoute] = &[$(PageRoute {
            method: stringify!($method), path: $path, needs: $needs, api: $api,
        }),*];

        fn pages() -> Router<Bridge> {
            Router::new()$(.route(
                $path,
                on(MethodFilter::$method, $handler)$(.layer(DefaultBodyLimit::max($bytes)))?,
            ))*
        }
    };
}

/// A file, and the fields around it.
const UPLOAD_BYTES_MAX: usize = crate::sheet::FILE_BYTES_MAX + 16 * 1024;
/// Settings of a large tenant, as a form writes them: each character of JSON's punctuation takes three.
const SETTINGS_BYTES_MAX: usize = 3 * crate::input::IMPORT_BYTES_MAX;
/// A form that outlived its session travels through the sign-in, encoded once more.
const SIGN_IN_BYTES_MAX: usize = 4 * sign_in::KEPT_BYTES_MAX;

pages! {
    GET "/" Read => overview::show, "GET /v1/tenants/{tenant}";
    GET "/oa-instances" Read => oa_instances::list, "GET /v1/tenants/{tenant}/oa-instances";
    GET "/new-oa-instance" Own => oa_instances::new, "POST /v1/tenants/{tenant}/oa-instances";
    POST "/oa-instances" Own => oa_instances::create, "POST /v1/tenants/{tenant}/oa-instances";
    GET "/oa-instances/{instance}" Read => oa_instances::show, "GET /v1/oa-instances/{instance}";
    GET "/oa-instances/{instance}/edit" Own => oa_instances::edit, "PATCH /v1/oa-instances/{instance}";
    POST "/oa-instances/{instance}" Own => oa_instances::save, "PATCH /v1/oa-instances/{instance}";
    POST "/oa-instances/{instance}/secrets" Own => oa_instances::set_secrets,
        "PUT /v1/oa-instances/{instance}/secrets";
    POST "/oa-instances/{instance}/delete" Own => oa_instances::delete, "DELETE /v1/oa-instances/{instance}";
    GET "/scan-login" Read => scan_login::show, "GET /v1/tenants/{tenant}/scan-login";
    POST "/scan-login" Operate => scan_login::save, "PUT /v1/tenants/{tenant}/scan-login";
    GET "/new-enterprise" Operate => enterprises::new, "POST /v1/tenants/{tenant}/enterprises";
    POST "/enterprises" Operate => enterprises::create, "POST /v1/tenants/{tenant}/enterprises";
    GET "/enterprises/{enterprise}" Read => enterprises::show, "GET /v1/enterprises/{enterprise}";
    POST "/enterprises/{enterprise}/rename" Operate => enterprises::rename, "PATCH /v1/enterprises/{enterprise}";
    POST "/enterprises/{enterprise}/delete" Own => enterprises::delete, "DELETE /v1/enterprises/{enterprise}";
    POST "/enterprises/{enterprise}/authority" Operate => enterprises::authority,
        "PUT /v1/enterprises/{enterprise}/authority";
    POST "/enterprises/{enterprise}/auto-bind" Operate => auto_bind::save,
        "PUT /v1/enterprises/{enterprise}/sign-in/auto-bind";
    GET "/enterprises/{enterprise}/new-app" Own => apps::new, "POST /v1/enterprises/{enterprise}/apps";
    POST "/enterprises/{enterprise}/apps" Own => apps::create, "POST /v1/enterprises/{enterprise}/apps";
    GET "/apps/{app}" Read => apps::show, "GET /v1/apps/{app}";
    POST "/apps/{app}" Operate => apps::save, "PATCH /v1/apps/{app}";
    POST "/apps/{app}/probe" Operate => app_checks::probe, "POST /v1/apps/{app}/permission-probe";
    POST "/apps/{app}/visible-range" Operate => app_checks::range, "POST /v1/apps/{app}/visible-range-check";
    POST "/apps/{app}/delete" Own => apps::delete, "DELETE /v1/apps/{app}";
    POST "/apps/{app}/browser-test" Operate => apps::browser_test, "POST /v1/apps/{app}/browser-test";
    POST "/apps/{app}/credentials" Own => apps::credentials, "PUT /v1/apps/{app}/credentials";
    GET "/enterprises/{enterprise}/directory" Read => directory::show,
        "GET /v1/enterprises/{enterprise}/departments/{department}";
    GET "/enterprises/{enterprise}/people/{user}" Read => person::show,
        "GET /v1/enterprises/{enterprise}/people/{user}";
    GET "/enterprises/{enterprise}/people/{user}/trace" Read => person::trace,
        "GET /v1/enterprises/{enterprise}/people/{user}/trace";
    POST "/enterprises/{enterprise}/people/{user}/bind" Bind => person::bind, "POST /v1/enterprises/{enterprise}/links";
    POST "/enterprises/{enterprise}/people/{user}/unbind" Bind => person::unbind,
        "DELETE /v1/enterprises/{enterprise}/links/{user}";
    POST "/enterprises/{enterprise}/people/{user}/no-auto-bind" Bind => person::no_auto_bind,
        "PUT /v1/enterprises/{enterprise}/people/{user}/no-auto-bind";
    POST "/enterprises/{enterprise}/people/{user}/allow-auto-bind" Bind => person::allow_auto_bind,
        "DELETE /v1/enterprises/{enterprise}/people/{user}/no-auto-bind";
    GET "/enterprises/{enterprise}/bindings" Read => bindings::show, "GET /v1/enterprises/{enterprise}/conflicts";
    POST "/enterprises/{enterprise}/conflicts/{user}" Bind => bindings::settle,
        "POST /v1/enterprises/{enterprise}/conflicts/{user}/settle";
    GET "/enterprises/{enterprise}/export" Read => bindings::export, "GET /v1/enterprises/{enterprise}/people/export";
    POST "/enterprises/{enterprise}/import" Bind => bindings::import,
        "POST /v1/enterprises/{enterprise}/link-imports", up to UPLOAD_BYTES_MAX;
    POST "/enterprises/{enterprise}/bulk-unbind" Bind => bindings::bulk_unbind,
        "POST /v1/enterprises/{enterprise}/bulk-unbind";
    GET "/link-jobs/{job}" Read => link_jobs::show, "GET /v1/link-jobs/{job}";
    POST "/link-jobs/{job}/continue" Bind => link_jobs::go_on, "POST /v1/link-jobs/{job}/continue";
    POST "/link-jobs/{job}/apply" Bind => link_jobs::apply, "POST /v1/link-jobs/{job}/apply";
    POST "/link-jobs/{job}/undo" Bind => link_jobs::undo, "POST /v1/link-jobs/{job}/undo";
    GET "/link-jobs/{job}/result" Read => link_jobs::result, "GET /v1/link-jobs/{job}/result";
    GET "/accounts" Own => accounts::list, "GET /v1/tenants/{tenant}/accounts";
    GET "/new-account" Own => accounts::new, "POST /v1/tenants/{tenant}/accounts";
    POST "/accounts" Own => accounts::create, "POST /v1/tenants/{tenant}/accounts";
    GET "/accounts/{account}" Own => accounts::show, "GET /v1/accounts/{account}";
    POST "/accounts/{account}" Own => accounts::save, "PATCH /v1/accounts/{account}";
    POST "/accounts/{account}/delete" Own => accounts::delete, "DELETE /v1/accounts/{account}";
    POST "/accounts/{account}/sessions/{session}/end" Own => accounts::end_session,
        "DELETE /v1/accounts/{account}/sessions/{session}";
    POST "/api-keys" Own => accounts::create_key, "POST /v1/tenants/{tenant}/api-keys";
    POST "/api-keys/{key}/delete" Own => accounts::delete_key, "DELETE /v1/api-keys/{key}";
    GET "/network" Read => network::show, "GET /v1/tenants/{tenant}/network-check";
    GET "/settings-history" Read => history::show, "GET /v1/tenants/{tenant}/settings-history";
    POST "/settings-history/{entry}/roll-back" Own => history::roll_back,
        "POST /v1/tenants/{tenant}/settings-history/{entry}/roll-back";
    POST "/team" Own => history::save_team, "PATCH /v1/tenants/{tenant}";
    GET "/settings-export" Read => history::export, "GET /v1/tenants/{tenant}/settings/export";
    POST "/settings-import" Own => history::import, "POST /v1/tenants/{tenant}/settings/import",
        up to SETTINGS_BYTES_MAX;
    GET "/audit" Read => audit::show, "GET /v1/tenants/{tenant}/audit";
    GET "/audit-export" Read => audit::export, "GET /v1/tenants/{tenant}/audit/export";
    GET "/me" Read => accounts::me, "GET /v1/me";
    POST "/me/password" Read => accounts::change_password, "POST /v1/me/password";
    GET "/setup" Anybody => setup::show, "";
    POST "/setup" Anybody => setup::submit, "";
    GET "/sign-in" Anybody => sign_in::show, "";
    POST "/sign-in" Anybody => sign_in::submit, "", up to SIGN_IN_BYTES_MAX;
    GET "/sign-in/welink" Anybody => welink_sign_in::begin, "";
    GET CONSOLE_CALLBACK Anybody => welink_sign_in::callback, "";
    POST "/sign-out" Read => sign_in::sign_out, "";
    GET "/language" Anybody => sign_in::language, "";
}

pub(crate) use sign_in::with_cookie;
pub(crate) use visitor::{SESSION_COOKIE, lang_of, origin_of, problem_alone};

/// What a page demands; `None` = no such page.
fn needs(method: &str, path: &str) -> Option<Permission> {
    PAGES.iter().find(|page| page.method == method && page.path == path).map(|page| page.needs)
}

/// All pages of the console.
pub(crate) fn router() -> Router<Bridge> {
    pages().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let (kind, body) = match name.as_str() {
        "console.css" => ("text/css; charset=utf-8", include_str!("../../assets/console.css")),
        "console.js" => ("text/javascript; charset=utf-8", include_str!("../../assets/console.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], body).into_response()
}
