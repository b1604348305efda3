//! The state of the simulated WeLink, behind one lock. Nothing here waits, so the lock is never held across an await.

use std::collections::BTreeMap;

use domain::text::{Lang, Text};
use domain::time::Timestamp;
use platform::entropy::Entropy;
use serde_json::{Map, Value};

use super::codes::{Codes, Kept};
use super::element::LoginCode;
use super::gate::Gate;
use super::log::RequestLog;
use super::messages::Messages;
use super::model::{App, Department, Member, Tenant};
use super::oauth::OAuthCode;
use super::settings::Settings;
use super::todos::Todos;
use super::tokens::{Failures, Tokens};

#[derive(Debug, Default)]
pub(super) struct World {
    pub settings: Settings,
    pub tenants: BTreeMap<String, Tenant>,
    /// By tenant and `deptCode`.
    pub departments: BTreeMap<(String, String), Department>,
    /// By tenant and `userId`.
    pub members: BTreeMap<(String, String), Member>,
    pub apps: BTreeMap<String, App>,
    pub tokens: Tokens,
    pub failures: Failures,
    pub codes: Codes,
    pub oauth_codes: Kept<OAuthCode>,
    pub login_codes: Kept<LoginCode>,
    /// What an operator should know of a member, by tenant and `userId`.
    pub remarks: BTreeMap<(String, String), Text>,
    /// Whose PC was looked at last: tenant and `userId`.
    pub pc_member: Option<(String, String)>,
    pub messages: Messages,
    pub todos: Todos,
    pub gate: Gate,
    pub log: RequestLog,
}

impl World {
    pub(super) fn member(&self, tenant_id: &str, user_id: &str) -> Option<&Member> {
        self.members.get(&(tenant_id.to_owned(), user_id.to_owned()))
    }

    /// The members of one company in the order of their ids.
    pub(super) fn members_of<'w>(&'w self, tenant_id: &str) -> impl Iterator<Item = &'w Member> + use<'w> {
        let tenant_id = tenant_id.to_owned();
        self.members
            .range((tenant_id.clone(), String::new())..)
            .take_while(move |((tenant, _), _)| *tenant == tenant_id)
            .map(|(_, member)| member)
    }

    pub(super) fn department(&self, tenant_id: &str, dept_code: &str) -> Option<&Department> {
        self.departments.get(&(tenant_id.to_owned(), dept_code.to_owned()))
    }
}

/// What an endpoint reads of a request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub now: Timestamp,
    pub entropy: &'a Entropy,
    pub lang: Lang,
    /// The first value of every query parameter.
    pub query: BTreeMap<String, String>,
    /// The first value of every field of a form in the body.
    pub form: BTreeMap<String, String>,
    /// The body, if it is a JSON object.
    pub body: Option<Map<String, Value>>,
}

impl Call<'_> {
    /// A text of the body, empty when it is absent or no text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str).unwrap_or_default().trim()
    }

    /// A field of the form, or a parameter of the query where the form has none; empty when absent.
    pub(super) fn given(&self, name: &str) -> &str {
        self.form.get(name).map_or_else(|| self.param(name), |value| value.trim())
    }

    /// A parameter of the query, empty when absent.
    pub(super) fn param(&self, name: &str) -> &str {
        self.query.get(name).map(|value| value.trim()).unwrap_or_default()
    }
}

/// Who calls, as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub client_id: String,
    /// The company on which the token acts.
    pub tenant_id: String,
    /// The member's `userId`, for a user token.
    pub person: Option<String>,
}
