//! The interfaces that sign-in needs (welink-api.md 3.2, 4.4, 4.6).

use std::fmt;

use domain::ids::{ClientId, DeptCode, WeLinkTenantId, WeLinkUserId};
use platform::secret::Secret;

use crate::client::{Ask, Failure, Repeat, WeLink};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

const USER_ID: &str = "/api/auth/v2/userid";
const USER_DETAIL: &str = "/api/contact/v2/user/detail";
const USERS_OLD: &str = "/api/contact/v1/users";
const TENANTS: &str = "/api/tenant/v1/tenants";
/// Characters of a one-time code at most (welink-api.md 3.2).
pub(crate) const CODE_CHARS_MAX: usize = 2_000;
/// How long the older user interface is asked first after the newer one was not there; milliseconds.
const OLD_DETAIL_MS: i64 = 600_000;
/// The answers for a person whom WeLink does not know or the app may not see (welink-api.md 4.4).
pub(crate) const NOBODY: [&str; 3] = ["47007", "47012", "47111"];

/// Who opened the app. The caller compares `tenant` with the enterprise it expects (welink-api.md 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub user_id: WeLinkUserId,
    pub tenant: WeLinkTenantId,
}

/// State of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 1, 未开户.
    NotOpened,
    /// 2, 开户中.
    Opening,
    /// 3, 已开户.
    Opened,
    /// 4, 已销户.
    Closed,
    /// Left out, or a value that the contract does not have.
    Unknown,
}

/// One account. Its `Debug` shows neither names nor addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct UserDetail {
    pub user_id: WeLinkUserId,
    pub status: Status,
    /// The employee number in the customer's own system; absent if never maintained.
    pub corp_user_id: Option<String>,
    /// As WeLink writes it, e.g. `+86-15811847236`; compare by digits (welink-api.md 1).
    pub mobile: Option<String>,
    pub email: Option<String>,
    pub employee_id: Option<String>,
    pub name_cn: Option<String>,
    pub name_en: Option<String>,
    pub main_dept: Option<DeptCode>,
    /// All departments; the main one is not necessarily among them.
    pub depts: Vec<DeptCode>,
    /// Enterprise administrator; false when left out.
    pub is_admin: bool,
}

impl fmt::Debug for UserDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDetail")
            .field("user_id", &self.user_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The enterprise behind an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantInfo {
    pub tenant: WeLinkTenantId,
    pub name_cn: Option<String>,
    pub name_en: Option<String>,
    /// `yyyy-MM-dd HH:mm:ss`, China time.
    pub license_end: Option<String>,
}

impl<S: Shared> WeLink<S> {
    /// Fetches what [`WeLink::user_id`] is about to need, a token and its turn, while the caller has something else to
    /// wait for. It promises nothing: what fails here fails there again, and is reported there.
    pub async fn prepare_user_id(&self, c: &Credentials) {
        if self.0.token(c, None).await.is_ok() {
            self.0.pacer.prepare(&c.app, &c.client_id, USER_ID).await;
        }
    }

    /// Exchanges a one-time code (welink-api.md 3.2). It is sent once, and again only if the first request was never
    /// sent or was refused before the code was used. A code that cannot be one is refused unsent.
    pub async fn user_id(&self, c: &Credentials, code: &Secret<String>) -> Result<Identity, WeLinkError> {
        let text = code.expose();
        if text.trim().is_empty() || text.chars().count() > CODE_CHARS_MAX {
            return Err(WeLinkError::Code { code: "41501".to_owned() });
        }
        let ask = Ask { query: Some(query("code", text)), repeat: Repeat::UnlessUsed, ..Ask::get(USER_ID) };
        let reply = self.0.call(c, &ask).await?;
        let user_id = reply.text("userId").and_then(|id| WeLinkUserId::parse(&id).ok());
        let tenant = reply.text("tenantId").and_then(|id| WeLinkTenantId::parse(&id).ok());
        user_id.zip(tenant).map(|(user_id, tenant)| Identity { user_id, tenant }).ok_or(WeLinkError::Malformed)
    }

    /// One account (welink-api.md 4.4), or `None` when WeLink does not know it or the app may not see it. Where the
    /// newer interface does not exist or is not open to the app, the older one is asked.
    pub async fn user_detail(&self, c: &Credentials, user: &WeLinkUserId) -> Result<Option<UserDetail>, WeLinkError> {
        let now = self.0.clock.now();
        if self.0.tokens.old_detail(&c.app, now) {
            let older = self.detail(c, user, old_detail(user)).await;
            if !is_missing(&older) {
                return older;
            }
        }
        let newer = self.detail(c, user, new_detail(user)).await;
        if !is_missing(&newer) {
            return newer;
        }
        let older = self.detail(c, user, old_detail(user)).await;
        // Remembered for a while: asking the newer one first costs a new token each time (product.md ENT-08).
        let remembered_ms = if older.is_ok() { OLD_DETAIL_MS } else { 0 };
        self.0.tokens.set_old_detail(&c.app, now.plus_ms(remembered_ms));
        if is_missing(&older) { newer } else { older }
    }

    async fn detail(&self, c: &Credentials, user: &WeLinkUserId, ask: Ask) -> Result<Option<UserDetail>, WeLinkError> {
        match self.0.call(c, &ask).await {
            Ok(reply) => read_user(&reply, user).map(Some),
            Err(WeLinkError::Refused { code, .. }) if NOBODY.contains(&code.as_str()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The enterprise that the app belongs to (welink-api.md 4.6).
    pub async fn tenant_info(&self, c: &Credentials) -> Result<TenantInfo, WeLinkError> {
        read_tenant(&self.0.call(c, &tenants()).await?)
    }

    /// Fetches a token with credentials that are not saved yet and reads their enterprise with it: the test before a
    /// secret is switched. Touches neither cached token nor claim nor breaker. Wrong credentials are `Refused`, and
    /// [`WeLinkError::refuses_credentials`] knows them.
    pub async fn try_credentials(
        &self,
        client_id: &ClientId,
        secret: &Secret<String>,
    ) -> Result<TenantInfo, WeLinkError> {
        let fetched = self.0.fetch(None, client_id, secret).await?;
        let sent = self.0.send(None, Some(&fetched.token), &tenants()).await;
        read_tenant(&sent.map_err(Failure::into_error)?)
    }
}

/// No such address, or not applied for: the other generation of the interface may be there.
pub(crate) fn is_missing<T>(answer: &Result<T, WeLinkError>) -> bool {
    answer.as_ref().is_err_and(|error| ["404", "501"].contains(&error.code().unwrap_or_default()))
}

pub(crate) fn query(name: &str, value: &str) -> Secret<String> {
    Secret::new(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
}

fn new_detail(user: &WeLinkUserId) -> Ask {
    let body = serde_json::json!({ "userId": user.as_str() }).to_string();
    Ask::post(USER_DETAIL, body)
}

fn old_detail(user: &WeLinkUserId) -> Ask {
    Ask { query: Some(query("userId", user.as_str())), ..Ask::get(USERS_OLD) }
}

fn tenants() -> Ask {
    Ask::get(TENANTS)
}

/// Both generations of the record; an answer about somebody else is malformed.
fn read_user(reply: &Reply, asked: &WeLinkUserId) -> Result<UserDetail, WeLinkError> {
    if reply.text("userId").is_some_and(|id| !id.eq_ignore_ascii_case(asked.as_str())) {
        return Err(WeLinkError::Malformed);
    }
    let dept = |code: String| DeptCode::parse(&code).ok();
    let old_dept = reply.text("deptCode").and_then(dept);
    let mut depts: Vec<DeptCode> = reply.list("deptCodes").into_iter().filter_map(dept).collect();
    if depts.is_empty() {
        depts.extend(old_dept.clone());
    }
    Ok(UserDetail {
        user_id: asked.clone(),
        status: status(reply.integer("userStatus")),
        corp_user_id: reply.text("corpUserId"),
        mobile: reply.text("mobileNumber"),
        email: reply.text("userEmail"),
        employee_id: reply.text("employeeId"),
        name_cn: reply.text("userNameCn"),
        name_en: reply.text("userNameEn"),
        main_dept: reply.text("mainDeptCode").and_then(dept).or(old_dept),
        depts,
        is_admin: reply.integer("isAdmin") == Some(1),
    })
}

pub(crate) fn status(value: Option<i64>) -> Status {
    match value {
        Some(1) => Status::NotOpened,
        Some(2) => Status::Opening,
        Some(3) => Status::Opened,
        Some(4) => Status::Closed,
        _ => Status::Unknown,
    }
}

fn read_tenant(reply: &Reply) -> Result<TenantInfo, WeLinkError> {
    let tenant = reply.text("tenantId").and_then(|id| WeLinkTenantId::parse(&id).ok()).ok_or(WeLinkError::Malformed)?;
    Ok(TenantInfo {
        tenant,
        name_cn: reply.text("companyNameCn"),
        name_en: reply.text("companyNameEn"),
        license_end: reply.text("licenseEndTime"),
    })
}
