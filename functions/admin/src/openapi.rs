//! The API described by itself: an OpenAPI 3.1 document made from the list of routes (product.md ADM-08).
//!
//! The document is a file, docs/openapi.json, and the program answers with that file: what makes it is called by the
//! golden test alone, which fails when the two differ.

mod contract;
pub(crate) mod values;

use std::collections::BTreeSet;

use axum::http::header;
use axum::response::{IntoResponse as _, Response as Answer};
use domain::role::Permission;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ArrayBuilder, Content, Info, ObjectBuilder, OpenApi, Paths, Type};
use utoipa::openapi::{ComponentsBuilder, Ref, Required, Schema};

use crate::actor::Actor;
use crate::api::{ROUTES, Route};
use contract::{BODIES, CREATING, CSV, FILES, QUERIES, SILENT, Schemas, Takes, XLSX, add_choices};

/// The name of the one way to show who one is: the operator key or an API key.
const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";

/// `GET /v1/openapi.json`.
pub async fn show(_: Actor) -> Answer {
    let document = include_str!("../../../docs/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

/// The document as it is to be written, or what keeps it from being complete: routes of which nobody said what they
/// take, and sayings about routes that there are not.
pub fn document() -> Result<String, Vec<String>> {
    let complaints = complaints();
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let (mut paths, mut schemas) = (Paths::new(), Schemas::new());
    for route in ROUTES {
        let method = method(route.method).ok_or_else(|| vec![format!("{} is no method", route.method)])?;
        paths.add_path_operation(route.path, vec![method], operation(route, &mut schemas));
    }
    add_choices(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .schema(PROBLEM, problem())
        .response(PROBLEM, refusal())
        .security_scheme(BEARER, bearer())
        .build();
    let mut document = OpenApi::new(Info::new("WeLink bridge", env!("CARGO_PKG_VERSION")), paths);
    document.info.description = Some("The administrator's API. 管理员接口。".to_owned());
    document.components = Some(components);
    document.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
    // A value's keys are sorted; the extensions of an operation alone come in any order.
    let value = serde_json::to_value(&document);
    let text = value.and_then(|value| serde_json::to_string_pretty(&value));
    text.map(|text| text + "\n").map_err(|e| vec![e.to_string()])
}

/// `METHOD /path`, as the lists of `contract` name a route.
fn name(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

fn complaints() -> Vec<String> {
    let routes: BTreeSet<String> = ROUTES.iter().map(name).collect();
    let said: BTreeSet<&str> = BODIES.iter().map(|(route, _)| *route).collect();
    let may_take = |route: &&String| ["POST ", "PUT ", "PATCH "].iter().any(|method| route.starts_with(method));
    let unsaid = routes.iter().filter(may_take).filter(|route| !said.contains(route.as_str()));
    let all = said.iter().chain(CREATING).chain(SILENT).copied();
    let all = all.chain(QUERIES.iter().map(|(route, _)| *route)).chain(FILES.iter().map(|(route, _)| *route));
    let gone = all.filter(|route| !routes.contains(*route)).map(|route| format!("{route}: there is no such route"));
    unsaid.map(|route| format!("{route}: what does it take? see BODIES")).chain(gone).collect()
}

fn method(name: &str) -> Option<HttpMethod> {
    let methods = [
        ("GET", HttpMethod::Get),
        ("POST", HttpMethod::Post),
        ("PUT", HttpMethod::Put),
        ("PATCH", HttpMethod::Patch),
        ("DELETE", HttpMethod::Delete),
    ];
    methods.into_iter().find(|(known, _)| *known == name).map(|(_, method)| method)
}

fn permission(needs: Permission) -> &'static str {
    match needs {
        Permission::Anybody => "anybody",
        Permission::Read => "read",
        Permission::Bind => "bind",
        Permission::Operate => "operate",
        Permission::Own => "own",
        Permission::Install => "install",
    }
}

/// What a list of `contract` says of a route.
fn said<T: Copy>(list: &[(&str, T)], of: &str) -> Option<T> {
    list.iter().find(|(route, _)| *route == of).map(|(_, said)| *said)
}

fn operation(route: &Route, schemas: &mut Schemas) -> Operation {
    let name = name(route);
    let segments: Vec<&str> = route.path.split('/').skip(2).collect();
    let id = segments.join("_").replace(['{', '}'], "").replace(['-', '.'], "_");
    let asked = said(QUERIES, &name).map(|query| query()).unwrap_or_default();
    let in_path = segments.iter().filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let extensions =
        ExtensionsBuilder::new().add("x-summary-zh", route.summary.zh).add("x-permission", permission(route.needs));
    OperationBuilder::new()
        .tag(segments.first().copied().unwrap_or_default())
        .operation_id(Some(format!("{}_{id}", route.method.to_lowercase())))
        .summary(Some(route.summary.en))
        .extensions(Some(extensions.build()))
        .parameters(Some(in_path.map(parameter).chain(asked)))
        .request_body(body(&name, schemas))
        .response(status(&name), success(&name))
        .response("default", Ref::from_response_name(PROBLEM))
        .build()
}

/// A part of the path.
fn parameter(name: &str) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.schema(Some(text())).build()
}

fn text() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn body(route: &str, schemas: &mut Schemas) -> Option<RequestBody> {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    match said(BODIES, route)? {
        Takes::Json(add) => Some(body.content("application/json", Content::new(Some(add(schemas)))).build()),
        Takes::File => Some([CSV, XLSX].into_iter().fold(body, |body, kind| body.content(kind, file(kind))).build()),
        Takes::Nothing => None,
    }
}

/// A file: text, or bytes that are no JSON.
fn file(kind: &str) -> Content {
    Content::new((kind != XLSX).then(text))
}

fn status(route: &str) -> &'static str {
    if CREATING.contains(&route) {
        "201"
    } else if SILENT.contains(&route) || route.starts_with("DELETE ") {
        "204"
    } else {
        "200"
    }
}

fn success(route: &str) -> Response {
    let answer = ResponseBuilder::new();
    if let Some(kinds) = said(FILES, route) {
        let link =
            HeaderBuilder::new().schema(Some(text())).description(Some("`rel=\"next\"`: where the file goes on."));
        let answer = answer.description("A part of the file.").header("Link", link.build());
        return kinds.iter().fold(answer, |answer, kind| answer.content(*kind, file(kind))).build();
    }
    match status(route) {
        "201" => answer.description("Made.").content("application/json", Content::default()).build(),
        "204" => answer.description("Done.").build(),
        _ => answer.description("Done.").content("application/json", Content::default()).build(),
    }
}

/// Whatever else is answered.
fn refusal() -> Response {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer);
    let wait = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds, where a later try may succeed."));
    ResponseBuilder::new()
        .description("Refused, with the reason.")
        .header("Retry-After", wait.build())
        .content("application/problem+json", Content::new(Some(Ref::from_schema_name(PROBLEM))))
        .build()
}

/// A problem document (RFC 9457, oa-api.md C.7), as `platform::http::problem_json` writes it.
fn problem() -> Schema {
    let error = ObjectBuilder::new().property("field", text()).property("reason", text());
    let errors = ArrayBuilder::new().items(error.required("field").required("reason"));
    let named = |text: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(text));
    let problem = ObjectBuilder::new()
        .property("type", named("Its stable name: `urn:cloudbridge:problem:…`."))
        .property("title", named("In the language of the request."))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("detail", named("What to do, in the language of the request."))
        .property("trace", named("To be found in the log."))
        .property("errors", errors.description(Some("What is wrong with each field.")));
    ["type", "title", "status", "detail", "trace"].into_iter().fold(problem, ObjectBuilder::required).into()
}

fn bearer() -> SecurityScheme {
    let text = "The operator key of the installation, or an API key of a tenant.";
    SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build())
}
