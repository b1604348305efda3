//! What a WeLink company consists of, as far as the contract shows it.

use std::collections::BTreeSet;

use domain::time::Timestamp;
use platform::secret::Secret;

/// A WeLink company (welink-api.md 1 and 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// 32 hex digits, upper case.
    pub tenant_id: String,
    pub name_zh: String,
    pub name_en: String,
    /// The company's mail domain.
    pub domain: String,
    pub created: Timestamp,
}

/// A department; the root `0` stands for the company and is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// WeLink's own code, a string of digits.
    pub dept_code: String,
    /// The customer's code, if it was ever maintained.
    pub corp_dept_code: Option<String>,
    /// The parent's `dept_code`; `0` for the first level.
    pub parent_code: String,
    pub name_zh: String,
    pub name_en: String,
    /// Order among siblings; 0 = never set.
    pub order: u16,
    /// userIds of its heads, at most five.
    pub heads: Vec<String>,
}

/// `userStatus` (welink-api.md 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    NotOpened,
    Opening,
    Opened,
    Closed,
}

impl MemberStatus {
    /// The number that the wire shows.
    pub fn number(self) -> &'static str {
        match self {
            Self::NotOpened => "1",
            Self::Opening => "2",
            Self::Opened => "3",
            Self::Closed => "4",
        }
    }
}

/// A person of a company. Empty optional fields are left out of every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account, e.g. `zhangsan1@welink`.
    pub user_id: String,
    /// The customer's own id of the person; often never maintained.
    pub corp_user_id: Option<String>,
    /// `+86-15811847236`.
    pub mobile: Option<String>,
    pub status: MemberStatus,
    pub name_zh: String,
    pub name_en: String,
    /// `M` or `F`.
    pub sex: Option<String>,
    pub email: Option<String>,
    /// The main department first; empty means the root.
    pub dept_codes: Vec<String>,
    pub employee_id: Option<String>,
    pub position_zh: Option<String>,
    pub position_en: Option<String>,
    /// The secretary's userId.
    pub secretary: Option<String>,
    pub remark: Option<String>,
    /// Administrator of the company.
    pub is_admin: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
}

impl Member {
    /// An opened account with nothing but its names.
    pub fn named(user_id: &str, name_zh: &str, name_en: &str, now: Timestamp) -> Self {
        Self {
            user_id: user_id.to_owned(),
            corp_user_id: None,
            mobile: None,
            status: MemberStatus::Opened,
            name_zh: name_zh.to_owned(),
            name_en: name_en.to_owned(),
            sex: None,
            email: None,
            dept_codes: Vec::new(),
            employee_id: None,
            position_zh: None,
            position_en: None,
            secretary: None,
            remark: None,
            is_admin: false,
            created: now,
            updated: now,
        }
    }
}

/// What an app has to apply for, one per family of interfaces (welink-api.md 2.3, 4, 5; code 501).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// 免登: `/api/auth/v2/userid`, and `/api/auth/v1/userid` for a user token.
    SignIn,
    /// 用户详细信息: user detail and the old `/api/contact/v1/users`.
    UserDetail,
    /// 用户简单信息: the simple lists.
    UserSimple,
    /// 用户邮箱信息: the address, anywhere.
    UserEmail,
    /// 企业信息: `/api/tenant/v1/tenants`.
    TenantInfo,
    /// 轻应用鉴权: `/api/auth/v1/jstickets`.
    JsTickets,
    /// 部门信息: department lists.
    Departments,
    /// 通讯录同步: everything that writes contacts, and its outcomes.
    ContactSync,
    /// 待办通知: to-dos and messages.
    Todo,
}

impl Permission {
    /// Every permission that some interface of the simulator asks for.
    pub const ALL: [Self; 9] = [
        Self::SignIn,
        Self::UserDetail,
        Self::UserSimple,
        Self::UserEmail,
        Self::TenantInfo,
        Self::JsTickets,
        Self::Departments,
        Self::ContactSync,
        Self::Todo,
    ];
}

/// Who sees an app (可见范围).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisibleRange {
    Everyone,
    /// These user ids of the app's company.
    Members(BTreeSet<String>),
    /// Everyone in the app's company but these user ids.
    AllBut(BTreeSet<String>),
}

impl VisibleRange {
    pub fn holds(&self, user_id: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Members(members) => members.contains(user_id),
            Self::AllBut(absent) => !absent.contains(user_id),
        }
    }
}

/// Whose contacts an app may read (通讯录权限范围).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ContactScope {
    #[default]
    Everything,
    /// These departments, with what is below them as the settings say.
    Departments(BTreeSet<String>),
}

/// An integrated app (welink-api.md 3.1, 9).
#[derive(Debug, Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: Secret<String>,
    pub tenant_id: String,
    pub name_zh: String,
    pub name_en: String,
    /// Opened in the phone's web view.
    pub mobile_url: String,
    /// Opened by the PC client; often the same.
    pub pc_url: String,
    pub permissions: BTreeSet<Permission>,
    pub range: VisibleRange,
    pub scope: ContactScope,
    /// Where changes of contacts are told (welink-api.md 10); `None` = nowhere.
    pub callback_url: Option<String>,
    /// Where the authorise page may send a browser back to (welink-api.md 3.4); set by
    /// `WeLink::register_oauth_redirect`.
    pub oauth_redirects: BTreeSet<String>,
}

/// What a developer fills in to create an app. It is created with every permission and visible to everyone.
#[derive(Debug, Clone, Default)]
pub struct NewApp {
    pub tenant_id: String,
    pub name_zh: String,
    pub name_en: String,
    pub mobile_url: String,
    pub pc_url: String,
    /// Fixed client_id and client_secret, for a simulator that must be the same after a restart; drawn when absent.
    pub credentials: Option<(String, String)>,
}

/// `client_id` and `client_secret` as the developer console shows them.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: Secret<String>,
}

/// Why the directory or the phone refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("no such company")]
    UnknownTenant,
    #[error("no such member")]
    UnknownMember,
    #[error("no such department")]
    UnknownDepartment,
    #[error("no such app")]
    UnknownApp,
    #[error("the app belongs to another company")]
    OtherTenant,
    #[error("the app is not visible to this member")]
    NotVisible,
    #[error("the member's account is not open")]
    NotOpened,
    #[error("not a redirect address of this app")]
    BadRedirect,
}
