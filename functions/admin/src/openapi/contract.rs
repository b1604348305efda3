//! What the list of routes does not say of each: its body, its query, its answer.

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use super::values;
use crate::{accounts, api_keys, apps, audit, auto_bind, conflicts, directory, enterprises, history};
use crate::{input, link_jobs, links, oa_instances, oa_secrets, own_password, scan_login, sheet};
use crate::{messages, rules};
use crate::{runs, sync_settings};
use crate::{tenants, transfer, visible_range};

/// Schemas by their names.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// What the body of a request is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// A JSON document: adds its schemas, and refers to it.
    Json(fn(&mut Schemas) -> Ref),
    /// A table.
    File,
    /// It is not read.
    Nothing,
}

fn json<T: ToSchema>(schemas: &mut Schemas) -> Ref {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(T::name())
}

/// Every route that could take a body, with what it takes.
pub(super) const BODIES: &[(&str, Takes)] = &[
    ("POST /v1/tenants", Takes::Json(json::<tenants::NewTenant>)),
    ("PATCH /v1/tenants/{tenant}", Takes::Json(json::<tenants::Change>)),
    ("POST /v1/tenants/{tenant}/settings-history/{entry}/roll-back", Takes::Json(json::<history::RollBack>)),
    ("POST /v1/tenants/{tenant}/settings/import", Takes::Json(json::<transfer::Document>)),
    ("POST /v1/tenants/{tenant}/oa-instances", Takes::Json(json::<oa_instances::NewInstance>)),
    ("PATCH /v1/oa-instances/{instance}", Takes::Json(json::<oa_instances::Change>)),
    ("PUT /v1/oa-instances/{instance}/secrets", Takes::Json(json::<oa_secrets::NewSecrets>)),
    ("PUT /v1/tenants/{tenant}/scan-login", Takes::Json(json::<scan_login::Change>)),
    ("POST /v1/tenants/{tenant}/enterprises", Takes::Json(json::<enterprises::NewEnterprise>)),
    ("PATCH /v1/enterprises/{enterprise}", Takes::Json(json::<enterprises::Change>)),
    ("PUT /v1/enterprises/{enterprise}/authority", Takes::Json(json::<enterprises::AuthorityChange>)),
    ("PUT /v1/enterprises/{enterprise}/sign-in/auto-bind", Takes::Json(json::<auto_bind::Change>)),
    ("PUT /v1/enterprises/{enterprise}/from-welink/auto-bind", Takes::Json(json::<auto_bind::Change>)),
    ("PUT /v1/enterprises/{enterprise}/from-oa/auto-bind", Takes::Json(json::<auto_bind::Change>)),
    ("POST /v1/enterprises/{enterprise}/apps", Takes::Json(json::<apps::NewApp>)),
    ("PATCH /v1/apps/{app}", Takes::Json(json::<apps::Change>)),
    ("PUT /v1/apps/{app}/credentials", Takes::Json(json::<apps::NewSecret>)),
    ("POST /v1/apps/{app}/browser-test", Takes::Nothing),
    ("POST /v1/apps/{app}/permission-probe", Takes::Json(json::<input::Nothing>)),
    ("POST /v1/apps/{app}/visible-range-check", Takes::Json(json::<visible_range::Asked>)),
    ("PUT /v1/enterprises/{enterprise}/people/{user}/no-auto-bind", Takes::Nothing),
    ("POST /v1/enterprises/{enterprise}/directory/reindex", Takes::Nothing),
    ("POST /v1/enterprises/{enterprise}/links", Takes::Json(json::<links::NewLink>)),
    ("POST /v1/signing-keys/rotate", Takes::Json(json::<input::Nothing>)),
    ("POST /v1/setup-keys", Takes::Nothing),
    ("POST /v1/me/password", Takes::Json(json::<own_password::NewPassword>)),
    ("POST /v1/tenants/{tenant}/accounts", Takes::Json(json::<accounts::NewAccount>)),
    ("PATCH /v1/accounts/{account}", Takes::Json(json::<accounts::Change>)),
    ("POST /v1/tenants/{tenant}/api-keys", Takes::Json(json::<api_keys::NewApiKey>)),
    ("POST /v1/enterprises/{enterprise}/conflicts/{user}/settle", Takes::Json(json::<conflicts::Choice>)),
    ("POST /v1/enterprises/{enterprise}/link-imports", Takes::File),
    ("POST /v1/enterprises/{enterprise}/bulk-unbind", Takes::Json(json::<link_jobs::make::Confirmation>)),
    ("POST /v1/link-jobs/{job}/continue", Takes::Nothing),
    ("POST /v1/link-jobs/{job}/apply", Takes::Json(json::<link_jobs::apply::Decision>)),
    ("POST /v1/link-jobs/{job}/undo", Takes::Nothing),
    ("PUT /v1/enterprises/{enterprise}/sync-settings", Takes::Json(json::<sync_settings::Change>)),
    ("POST /v1/tenants/{tenant}/rules", Takes::Json(json::<rules::NewRule>)),
    ("PUT /v1/rules/{rule}", Takes::Json(json::<rules::NewRule>)),
    ("POST /v1/messages/{message}/resend", Takes::Json(json::<messages::Again>)),
    ("POST /v1/enterprises/{enterprise}/runs", Takes::Json(json::<runs::NewRun>)),
];

fn query<T: IntoParams>() -> Vec<Parameter> {
    T::into_params(|| Some(ParameterIn::Query))
}

/// Of a listing's query only where to go on.
fn cursor() -> Vec<Parameter> {
    query::<directory::Asked>().into_iter().filter(|parameter| parameter.name == "cursor").collect()
}

/// Adds the schemas that parameters of queries refer to.
pub(super) fn add_choices(schemas: &mut Schemas) {
    json::<sheet::Format>(schemas);
    json::<sheet::Encoding>(schemas);
    json::<values::OaField>(schemas);
}

/// The parameters of a query.
pub(super) type Query = fn() -> Vec<Parameter>;

/// Routes with a query.
pub(super) const QUERIES: &[(&str, Query)] = &[
    ("GET /v1/tenants/{tenant}/audit", query::<audit::Asked>),
    ("GET /v1/tenants/{tenant}/audit/export", query::<audit::Exported>),
    ("GET /v1/audit", query::<audit::Asked>),
    ("GET /v1/tenants/{tenant}/settings-history", query::<history::Asked>),
    ("DELETE /v1/oa-instances/{instance}", query::<input::Confirm>),
    ("DELETE /v1/enterprises/{enterprise}", query::<input::Confirm>),
    ("DELETE /v1/apps/{app}", query::<input::Confirm>),
    ("GET /v1/enterprises/{enterprise}/departments/{department}", query::<directory::Asked>),
    ("GET /v1/enterprises/{enterprise}/people", query::<directory::Asked>),
    ("POST /v1/enterprises/{enterprise}/directory/reindex", cursor),
    ("GET /v1/enterprises/{enterprise}/people/export", query::<link_jobs::PartAsked>),
    ("POST /v1/enterprises/{enterprise}/link-imports", query::<link_jobs::make::ImportAsked>),
    ("GET /v1/link-jobs/{job}/result", query::<link_jobs::PartAsked>),
    ("DELETE /v1/rules/{rule}", query::<input::Confirm>),
    ("GET /v1/tenants/{tenant}/messages", query::<messages::Asked>),
    ("GET /v1/runs/{run}/journal", query::<runs::Asked>),
    ("GET /v1/runs/{run}/plan", query::<runs::Asked>),
];

/// Routes that make something: 201.
pub(super) const CREATING: &[&str] = &[
    "POST /v1/tenants",
    "POST /v1/tenants/{tenant}/oa-instances",
    "POST /v1/tenants/{tenant}/enterprises",
    "POST /v1/enterprises/{enterprise}/apps",
    "POST /v1/enterprises/{enterprise}/links",
    "POST /v1/signing-keys/rotate",
    "POST /v1/setup-keys",
    "POST /v1/tenants/{tenant}/accounts",
    "POST /v1/tenants/{tenant}/api-keys",
    "POST /v1/enterprises/{enterprise}/conflicts/{user}/settle",
    "POST /v1/enterprises/{enterprise}/link-imports",
    "POST /v1/enterprises/{enterprise}/bulk-unbind",
    "POST /v1/link-jobs/{job}/undo",
    "POST /v1/enterprises/{enterprise}/runs",
    "POST /v1/tenants/{tenant}/rules",
];

/// Routes other than deletions that answer without a body: 204.
pub(super) const SILENT: &[&str] =
    &["PUT /v1/enterprises/{enterprise}/people/{user}/no-auto-bind", "POST /v1/me/password"];

pub(super) const CSV: &str = "text/csv";
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Routes that answer with a file, with its media types.
pub(super) const FILES: &[(&str, &[&str])] = &[
    ("GET /v1/tenants/{tenant}/audit/export", &[CSV, "application/x-ndjson"]),
    ("GET /v1/enterprises/{enterprise}/people/export", &[CSV, XLSX]),
    ("GET /v1/link-jobs/{job}/result", &[CSV, XLSX]),
];
