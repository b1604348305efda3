//! What the audit log remembers (product.md SEC-03, C26). Entries name people by id and never hold a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{TENANT_CHARS, TenantId};
use crate::time::Timestamp;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    #[serde(rename = "tenant.create")]
    TenantCreate,
    #[serde(rename = "tenant.update")]
    TenantUpdate,
    #[serde(rename = "oa-instance.create")]
    OaInstanceCreate,
    #[serde(rename = "oa-instance.update")]
    OaInstanceUpdate,
    #[serde(rename = "oa-instance.secrets")]
    OaInstanceSecrets,
    #[serde(rename = "oa-instance.delete")]
    OaInstanceDelete,
    #[serde(rename = "enterprise.create")]
    EnterpriseCreate,
    #[serde(rename = "enterprise.update")]
    EnterpriseUpdate,
    #[serde(rename = "enterprise.delete")]
    EnterpriseDelete,
    #[serde(rename = "app.create")]
    AppCreate,
    #[serde(rename = "app.update")]
    AppUpdate,
    #[serde(rename = "app.credentials")]
    AppCredentials,
    #[serde(rename = "app.delete")]
    AppDelete,
    #[serde(rename = "app.blocked")]
    AppBlocked,
    #[serde(rename = "rule.create")]
    RuleCreate,
    #[serde(rename = "rule.update")]
    RuleUpdate,
    #[serde(rename = "rule.delete")]
    RuleDelete,
    #[serde(rename = "message.resend")]
    MessageResend,
    #[serde(rename = "link.bind")]
    Bind,
    #[serde(rename = "link.unbind")]
    Unbind,
    #[serde(rename = "link.refused")]
    BindRefused,
    /// Many wrong passwords from one address: an alert, not a lock (product.md C18).
    #[serde(rename = "link.address-alert")]
    AddressAlert,
    #[serde(rename = "link.unbind-asked")]
    UnbindAsked,
    #[serde(rename = "link.no-auto-bind")]
    NoAutoBindSet,
    #[serde(rename = "link.no-auto-bind-removed")]
    NoAutoBindRemoved,
    #[serde(rename = "directory.reindex")]
    DirectoryReindex,
    #[serde(rename = "auto-bind.update")]
    AutoBindUpdate,
    #[serde(rename = "settings.roll-back")]
    SettingsRollBack,
    #[serde(rename = "settings.import")]
    SettingsImport,
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
    #[serde(rename = "signing-key.rotate")]
    SigningKeyRotate,
    #[serde(rename = "signing-key.retire")]
    SigningKeyRetire,
    #[serde(rename = "person.create")]
    PersonCreate,
    #[serde(rename = "setup")]
    Setup,
    #[serde(rename = "account.create")]
    AccountCreate,
    #[serde(rename = "account.update")]
    AccountUpdate,
    #[serde(rename = "account.password")]
    AccountPassword,
    #[serde(rename = "account.delete")]
    AccountDelete,
    #[serde(rename = "session.begin")]
    SessionBegin,
    #[serde(rename = "session.end")]
    SessionEnd,
    #[serde(rename = "session.refused")]
    SessionRefused,
    #[serde(rename = "api-key.create")]
    ApiKeyCreate,
    #[serde(rename = "api-key.delete")]
    ApiKeyDelete,
    #[serde(rename = "people.export")]
    PeopleExport,
    #[serde(rename = "conflict.settle")]
    ConflictSettle,
    #[serde(rename = "link-job.begin")]
    LinkJobBegin,
    #[serde(rename = "link-job.preview")]
    LinkJobPreview,
    #[serde(rename = "link-job.apply")]
    LinkJobApply,
    #[serde(rename = "link-job.done")]
    LinkJobDone,
    #[serde(rename = "link-job.refused")]
    LinkJobRefused,
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
    #[serde(rename = "sync.update")]
    SyncUpdate,
    #[serde(rename = "run.begin")]
    RunBegin,
    #[serde(rename = "run.end")]
    RunEnd,
}

/// In whose log stands what concerns the installation and no tenant: ten zeros, which no tenant is given (one in 2^50).
pub fn installation() -> TenantId {
    TenantId::from_random([0; TENANT_CHARS])
}

/// One entry: who, what, on what, with which result, from where, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub tenant: TenantId,
    pub at: Timestamp,
    pub action: Action,
    /// `operator`, an account's login, `key:<name>`, `oa:<instance>`, or `welink:<user id>`; `anonymous` before
    /// identification.
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
