//! The state of the simulated WeLink, behind one lock. Nothing here waits, so the lock is never held across an await.

use std::collections::BTreeMap;

use domain::text::{Lang, Text};
use domain::time::Timestamp;
use platform::entropy::Entropy;
use serde_json::{Map, Value};

use super::ROOT_DEPT;
use super::callbacks::Callbacks;
use super::codes::{Codes, Kept};
use super::element::LoginCode;
use super::gate::Gate;
use super::jobs::Work;
use super::log::RequestLog;
use super::messages::Messages;
use super::model::{App, ContactScope, Department, Member, Tenant};
use super::oauth::OAuthCode;
use super::people::{Departments, Members};
use super::settings::Settings;
use super::todos::Todos;
use super::tokens::{Failures, Tokens};

#[derive(Debug, Default)]
pub(super) struct World {
    pub settings: Settings,
    pub tenants: BTreeMap<String, Tenant>,
    pub departments: Departments,
    pub members: Members,
    pub work: Work,
    pub callbacks: Callbacks,
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
        self.members.get(tenant_id, user_id)
    }

    /// The members of one company in the order of their ids.
    pub(super) fn members_of<'w>(&'w self, tenant_id: &str) -> impl Iterator<Item = &'w Member> + use<'w> {
        self.members.of(tenant_id)
    }

    pub(super) fn department(&self, tenant_id: &str, dept_code: &str) -> Option<&Department> {
        self.departments.get(tenant_id, dept_code)
    }

    /// Whether a department is in the contact scope of an app.
    pub(super) fn sees_department(&self, caller: &Caller, department: &Department) -> bool {
        self.apps.get(&caller.client_id).is_some_and(|app| self.in_scope(app, &department.dept_code))
    }

    /// Whether a member is in an app's visible range and contact scope.
    pub(super) fn sees_member(&self, caller: &Caller, member: &Member) -> bool {
        let Some(app) = self.apps.get(&caller.client_id) else { return false };
        app.range.holds(&member.user_id) && self.scope_holds(app, member)
    }

    pub(super) fn scope_holds(&self, app: &App, member: &Member) -> bool {
        if member.dept_codes.is_empty() {
            return self.in_scope(app, ROOT_DEPT);
        }
        member.dept_codes.iter().any(|code| self.in_scope(app, code))
    }

    fn in_scope(&self, app: &App, dept_code: &str) -> bool {
        match &app.scope {
            ContactScope::Everything => true,
            ContactScope::Departments(codes) if codes.contains(dept_code) || codes.contains(ROOT_DEPT) => true,
            ContactScope::Departments(codes) => {
                let path = self.departments.path(&app.tenant_id, dept_code);
                self.settings.contact.scope_includes_below && path.iter().any(|code| codes.contains(*code))
            }
        }
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
