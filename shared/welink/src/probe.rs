//! Which permissions an app has and which generation of interfaces it may use, asked by calls that cannot change
//! anything (product.md ENT-07, Q1).
//!
//! WeLink refuses an interface that was not applied for by 501, before it looks at the request (welink-api.md 2.3). So
//! a request about something that does not exist tells the permission: an answer to the request itself means granted.

use domain::sync::Family;
use http::Method;

use crate::client::{Ask, Failure, WeLink};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

/// A group of permissions as the open platform's page 申请应用权限 shows them (product.md M18 to M21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// 身份与鉴权.
    Identity,
    /// 通讯录.
    Contacts,
    /// 通讯录同步.
    ContactSync,
    /// 待办通知.
    Todo,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Identity, Self::Contacts, Self::ContactSync, Self::Todo];

    /// WeLink's own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "身份与鉴权",
            Self::Contacts => "通讯录",
            Self::ContactSync => "通讯录同步",
            Self::Todo => "待办通知",
        }
    }
}

/// One permission, with the interface that tells whether the app has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    pub group: Group,
    /// WeLink's own name.
    pub name: &'static str,
    pub interface: &'static str,
    /// Codes that answer the request itself: there is no such code, person, department or task.
    answers: &'static [&'static str],
}

const fn permission(
    group: Group,
    name: &'static str,
    interface: &'static str,
    answers: &'static [&'static str],
) -> Permission {
    Permission { group, name, interface, answers }
}

const LOGIN: &str = "/api/auth/v2/userid";
const JS_TICKETS: &str = "/api/auth/v1/jstickets";
const DETAIL: &str = "/api/contact/v2/user/detail";
const DEPARTMENTS: &str = "/api/contact/v2/department/list";
const SYNC_STATUS: &str = "/api/contact/v2/departments/status";
const DELETE_TASK: &str = "/api/todo/v1/deltask";

/// What is asked, group by group. The name 免登 is ours for what 3.2 needs; the contract names the others.
pub const PERMISSIONS: [Permission; 6] = [
    permission(Group::Identity, "免登", LOGIN, &["41500", "41501", "41503", "41504"]),
    permission(Group::Identity, "轻应用鉴权", JS_TICKETS, &[]),
    permission(Group::Contacts, "用户详细信息", DETAIL, &["47003", "47004", "47007", "47012", "47111"]),
    permission(Group::Contacts, "部门信息", DEPARTMENTS, &["47009", "47012"]),
    permission(Group::ContactSync, "通讯录同步", SYNC_STATUS, &["47003", "47004", "47008", "47009", "47012", "47114"]),
    permission(Group::Todo, "待办通知", DELETE_TASK, &["55005", "55006", "55008", "55009"]),
];

/// What the answer says of a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Granted,
    /// 501, with a new token too.
    Missing,
    /// The answer says nothing of it; with WeLink's code where it has one.
    NotTestable {
        code: Option<String>,
    },
}

/// One permission with what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    pub permission: &'static Permission,
    pub finding: Finding,
}

const DEPARTMENTS_OLD: &str = "/api/contact/v3/departments/list";
const BATCH_RESULT: &str = "/api/contact/v1/batch/result";

/// Which generation of the contact interfaces answers to an app (welink-api.md 13): the newer one where both do.
/// Absent = neither does, because the permission is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    pub read: Option<Family>,
    pub write: Option<Family>,
}

impl<S: Shared> WeLink<S> {
    /// Asks which contact interfaces answer, by calls that cannot change anything: lists of departments; a job and a
    /// status that do not exist. Meant for set-up, because a run keeps to one family.
    pub async fn probe_families(&self, c: &Credentials) -> Result<Families, WeLinkError> {
        let nobody = format!("bridge-probe-{}", self.0.entropy.hex(8));
        let read = self.first_there(c, &nobody, [DEPARTMENTS, DEPARTMENTS_OLD]).await?;
        let write = self.first_there(c, &nobody, [BATCH_RESULT, SYNC_STATUS]).await?;
        Ok(Families { read, write })
    }

    /// The first of two interfaces, the new family's and the old one's, that answers something about the request.
    async fn first_there(
        &self,
        c: &Credentials,
        nobody: &str,
        interfaces: [&'static str; 2],
    ) -> Result<Option<Family>, WeLinkError> {
        for (interface, family) in interfaces.into_iter().zip([Family::New, Family::Old]) {
            match self.0.call(c, &ask(interface, nobody)).await {
                Ok(_) => return Ok(Some(family)),
                Err(error) => match error.code() {
                    // Not applied for, not opened, or not there.
                    Some("501" | "404" | "403" | "47000" | "47102") => {}
                    Some(_) if matches!(error, WeLinkError::Refused { .. }) => return Ok(Some(family)),
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }

    /// Asks for every permission. At the first 501 one new token is fetched and the call repeated (product.md ENT-08);
    /// the calls after it have that token.
    pub async fn probe_permissions(&self, c: &Credentials) -> Result<Vec<Probed>, WeLinkError> {
        let paced = Some((&c.app, &c.client_id));
        let nobody = format!("bridge-probe-{}", self.0.entropy.hex(8));
        let (mut token, mut renewed) = (self.0.token(c, None).await?, false);
        let mut found = Vec::new();
        for permission in &PERMISSIONS {
            let ask = ask(permission.interface, &nobody);
            let mut sent = self.0.send(paced, Some(&token), &ask).await;
            if matches!(sent, Err(Failure::Token(_))) && !renewed {
                token = self.0.token(c, Some(&token)).await?;
                renewed = true;
                sent = self.0.send(paced, Some(&token), &ask).await;
            }
            let finding = judge(permission, self.0.settle(c, sent).await)?;
            found.push(Probed { permission, finding });
        }
        Ok(found)
    }

    /// Whether WeLink takes the app's token, which is fetched if there is none. What the app may do with it is another
    /// question.
    pub async fn token_works(&self, c: &Credentials) -> Result<(), WeLinkError> {
        match self.tenant_info(c).await {
            Ok(_) | Err(WeLinkError::Permission { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What a check of the network opens (product.md M3).
    pub fn check_address(&self) -> String {
        format!("{}{}", self.0.base, crate::tokens::TICKETS)
    }
}

/// A request about `nobody`, whom WeLink cannot know.
fn ask(interface: &'static str, nobody: &str) -> Ask {
    match interface {
        LOGIN => Ask { query: Some(crate::api::query("code", nobody)), ..Ask::get(interface) },
        DETAIL => Ask::post(interface, serde_json::json!({ "userId": nobody }).to_string()),
        DEPARTMENTS => {
            let page = "deptCode=0&recursiveflag=0&pageNo=1&pageSize=1".to_owned();
            Ask { query: Some(platform::secret::Secret::new(page)), lists: true, ..Ask::get(interface) }
        }
        DEPARTMENTS_OLD => {
            let page = "deptCode=0&recursiveflag=0&offset=1&limit=1".to_owned();
            Ask { query: Some(platform::secret::Secret::new(page)), lists: true, ..Ask::get(interface) }
        }
        BATCH_RESULT => Ask { query: Some(crate::api::query("jobId", nobody)), lists: true, ..Ask::get(interface) },
        SYNC_STATUS => {
            let body = serde_json::json!({ "deptInfo": [{ "corpDeptCode": nobody }] });
            Ask { lists: true, ..Ask::post(interface, body.to_string()) }
        }
        // Deletes what there is not.
        DELETE_TASK => {
            Ask { method: Method::DELETE, query: Some(crate::api::query("taskId", nobody)), ..Ask::get(interface) }
        }
        _ => Ask::get(interface),
    }
}

/// What an answer says; an error when none of the questions can be asked now.
fn judge(permission: &Permission, sent: Result<Reply, WeLinkError>) -> Result<Finding, WeLinkError> {
    let Err(error) = sent else { return Ok(Finding::Granted) };
    match error.code() {
        _ if matches!(error, WeLinkError::Blocked { .. } | WeLinkError::Busy { .. } | WeLinkError::Store(_)) => {
            Err(error)
        }
        Some("501") => Ok(Finding::Missing),
        Some(code) if permission.answers.contains(&code) => Ok(Finding::Granted),
        code => Ok(Finding::NotTestable { code: code.map(str::to_owned) }),
    }
}
