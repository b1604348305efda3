//! What the audit log remembers (product.md SEC-03, C26). Entries name people by id and never hold a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::time::Timestamp;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    #[serde(rename = "tenant.create")]
    TenantCreate,
    #[serde(rename = "oa-instance.create")]
    OaInstanceCreate,
    #[serde(rename = "oa-instance.update")]
    OaInstanceUpdate,
    #[serde(rename = "enterprise.create")]
    EnterpriseCreate,
    #[serde(rename = "enterprise.update")]
    EnterpriseUpdate,
    #[serde(rename = "app.create")]
    AppCreate,
    #[serde(rename = "app.update")]
    AppUpdate,
    #[serde(rename = "app.credentials")]
    AppCredentials,
    #[serde(rename = "app.blocked")]
    AppBlocked,
    #[serde(rename = "link.bind")]
    Bind,
    #[serde(rename = "link.unbind")]
    Unbind,
    #[serde(rename = "link.refused")]
    BindRefused,
    #[serde(rename = "link.unbind-asked")]
    UnbindAsked,
    #[serde(rename = "auto-bind.update")]
    AutoBindUpdate,
    #[serde(rename = "sign-in")]
    SignIn,
    #[serde(rename = "sign-in.refused")]
    SignInRefused,
    #[serde(rename = "ticket.issue")]
    TicketIssue,
    #[serde(rename = "ticket.redeem")]
    TicketRedeem,
    #[serde(rename = "ticket.refused")]
    TicketRefused,
    #[serde(rename = "person.create")]
    PersonCreate,
    #[serde(rename = "scan-login.update")]
    ScanLoginUpdate,
    #[serde(rename = "scan-login.scan")]
    Scan,
    #[serde(rename = "scan-login.approve")]
    ScanApprove,
    #[serde(rename = "scan-login.deny")]
    ScanDeny,
    /// Its person said afterwards that it was not him.
    #[serde(rename = "scan-login.revoke")]
    ScanRevoke,
    #[serde(rename = "scan-login.refused")]
    ScanRefused,
}

/// One entry: who, what, on what, with which result, from where, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub tenant: TenantId,
    pub at: Timestamp,
    pub action: Action,
    /// `operator`, an API key's name, `oa:<instance>`, or `welink:<user id>`; `anonymous` before identification.
    pub actor: String,
    /// The id of the thing acted upon.
    pub object: String,
    /// `ok`, or the name of the problem.
    pub result: String,
    /// The address that the request came from, as the gateway reports it.
    #[serde(default)]
    pub from: String,
    /// Joins the entry to the log lines of its request.
    pub trace: String,
    /// Details by name: reasons, and values before and after (`name: "a -> b"`), secrets left out.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
}
