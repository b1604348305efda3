//! What the directory says about itself: service provider configuration, resource types and schemas (RFC 7643 5 to 7).

use serde_json::{Value, json};

use super::scim::PAGE_ROWS_MAX;

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const USER_EXTENSION: &str = "urn:cloudbridge:params:scim:schemas:1.0:OaUser";
pub(super) const ORG_UNIT: &str = "urn:cloudbridge:params:scim:schemas:1.0:OrgUnit";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

pub(super) fn service_provider_config(origin: &str) -> Value {
    json!({
        "schemas": [CONFIG],
        "patch": { "supported": false },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": PAGE_ROWS_MAX },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "pagination": {
            "cursor": false, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 100, "maxPageSize": PAGE_ROWS_MAX,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer", "description": "A static bearer token of the bridge",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig", "location": format!("{origin}/scim/v2/ServiceProviderConfig"),
        },
    })
}

pub(super) fn resource_types(origin: &str) -> Vec<Value> {
    let kind = |name: &str, endpoint: &str, schema: &str, extensions: Value| {
        json!({
            "schemas": [RESOURCE_TYPE], "id": name, "name": name, "endpoint": endpoint, "description": name,
            "schema": schema, "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{origin}/scim/v2/ResourceTypes/{name}") },
        })
    };
    vec![
        kind("User", "/Users", USER, json!([{ "schema": USER_EXTENSION, "required": true }])),
        kind("OrgUnit", "/OrgUnits", ORG_UNIT, json!([])),
    ]
}

pub(super) fn schemas(origin: &str) -> Vec<Value> {
    let schema = |id: &str, name: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [SCHEMA], "id": id, "name": name, "description": name, "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{origin}/scim/v2/Schemas/{id}") },
        })
    };
    let typed_value = || vec![plain("value", "string"), plain("type", "string"), plain("primary", "boolean")];
    let user = vec![
        unique("userName"),
        plain("displayName", "string"),
        plain("active", "boolean"),
        plain("preferredLanguage", "string"),
        nested("emails", true, typed_value()),
        nested("phoneNumbers", true, typed_value()),
        nested("roles", true, typed_value()),
    ];
    let extension = vec![
        plain("loginId", "string"),
        exact("workCode"),
        plain("accountType", "string"),
        plain("mainAccount", "string"),
        plain("employmentStatus", "string"),
        plain("order", "decimal"),
        nested(
            "positions",
            true,
            vec![
                exact("unit"),
                plain("unitKind", "string"),
                plain("primary", "boolean"),
                plain("title", "string"),
                plain("order", "decimal"),
            ],
        ),
    ];
    let unit = vec![
        required("displayName"),
        required("kind"),
        plain("code", "string"),
        nested("parent", false, vec![exact("value"), plain("kind", "string")]),
        plain("order", "decimal"),
        plain("active", "boolean"),
        nested("manager", false, vec![exact("value")]),
    ];
    vec![schema(USER, "User", user), schema(USER_EXTENSION, "OaUser", extension), schema(ORG_UNIT, "OrgUnit", unit)]
}

fn plain(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "description": name, "required": false, "caseExact": false,
        "mutability": "readOnly", "returned": "default", "uniqueness": "none",
    })
}

fn required(name: &str) -> Value {
    let mut attribute = plain(name, "string");
    attribute["required"] = json!(true);
    attribute
}

fn exact(name: &str) -> Value {
    let mut attribute = plain(name, "string");
    attribute["caseExact"] = json!(true);
    attribute
}

fn unique(name: &str) -> Value {
    let mut attribute = required(name);
    attribute["uniqueness"] = json!("server");
    attribute
}

fn nested(name: &str, multi_valued: bool, inner: Vec<Value>) -> Value {
    let mut attribute = plain(name, "complex");
    attribute["multiValued"] = json!(multi_valued);
    attribute["subAttributes"] = Value::Array(inner);
    attribute
}
