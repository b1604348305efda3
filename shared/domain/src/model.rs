//! The configured world: who owns what, and how it is reached. Secrets are not here: they are stored beside these
//! items.

use serde::{Deserialize, Serialize};

use crate::destination::{CustomLink, DestPrefix, Destination};
use crate::ids::{
    AppId, ClientId, DeptCode, EnterpriseId, OaAppId, OaInstanceId, OaUnitId, OaUserId, OidcClientId, TenantId,
    WeLinkTenantId, WeLinkUserId,
};
use crate::matching::AutoBind;
use crate::sync::Fingerprint;
use crate::time::Timestamp;
use crate::zone::Zone;

/// Who did something and when, as every setting remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Timestamp,
    /// `operator`, or the name of an API key or account.
    pub by: String,
}

/// An OA team (团队).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// Hosts that custom homepage links may lead to (product.md Q4), with their port where it is not 443.
    #[serde(default)]
    pub link_hosts: Vec<String>,
    /// In it times are shown and timed runs are due.
    #[serde(default)]
    pub zone: Zone,
    pub created: Stamp,
    /// Counts changes; an update names the version it saw.
    #[serde(default)]
    pub version: u64,
}

/// How the OA takes over a signed-in person (oa-api.md C.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SsoProfile {
    #[default]
    Ticket,
}

/// How a ticket reaches the OA (oa-api.md C.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketDelivery {
    /// An auto-submitted form POST.
    #[default]
    FormPost,
    /// `?ticket=`, for an OA that can do nothing else.
    Query,
}

/// How a person proves on the binding page which OA user he is (oa-api.md C, C.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindingMode {
    /// The bridge asks for account and password, and the OA checks them.
    Password,
    /// The person signs in at the OA's own page; the bridge sees no password.
    Redirect,
    /// The person chooses between the two.
    Both,
    /// Nobody binds himself.
    #[default]
    Off,
}

impl BindingMode {
    /// Whether a password may be sent to the OA at all.
    pub fn checks_passwords(self) -> bool {
        matches!(self, Self::Password | Self::Both)
    }

    /// Whether a person may be sent to the OA's own sign-in page.
    pub fn redirects(self) -> bool {
        matches!(self, Self::Redirect | Self::Both)
    }
}

/// The OA's own OIDC provider, whose relying party the bridge is (oa-api.md C.3). The client's secret is stored beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcClient {
    /// Exactly as the provider writes it in its metadata and tokens, a slash at the end included.
    pub issuer: String,
    pub client_id: OidcClientId,
}

/// When and by whom each secret between the bridge and one OA was set: all that anybody can read of them. An absent
/// one is not set yet, as after an import of settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OaSecretsSet {
    pub scim_bearer: Option<Stamp>,
    /// Verifies requests of the OA.
    pub push: Option<Stamp>,
    /// The previous one still verifies as well.
    pub push_rotating: bool,
    /// Signs requests to the OA.
    pub pull: Option<Stamp>,
    /// The bridge's own at the OA's OIDC provider.
    pub oidc: Option<Stamp>,
}

/// One OA installation (oa-api.md C, instance configuration). All URLs are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OaInstance {
    pub id: OaInstanceId,
    pub name: String,
    /// Base of `/v1/apps`.
    pub base: String,
    pub scim_base: String,
    #[serde(default)]
    pub sso_profile: SsoProfile,
    /// Takes the ticket.
    pub sso_landing: String,
    #[serde(default)]
    pub ticket_delivery: TicketDelivery,
    /// Where the OA sets its nonce first; absent = the ticket is not bound to the browser.
    #[serde(default)]
    pub start_url: Option<String>,
    /// `session.revoke` goes here; absent = the OA cannot end its sessions.
    #[serde(default)]
    pub revoke_url: Option<String>,
    /// Checks an account and its password (oa-api.md C.3); there when [`BindingMode::checks_passwords`].
    #[serde(default)]
    pub verify_url: Option<String>,
    #[serde(default)]
    pub binding_mode: BindingMode,
    /// The OA's sign-in page; there when [`BindingMode::redirects`].
    #[serde(default)]
    pub oidc: Option<OidcClient>,
    pub allowed_dest_prefixes: Vec<DestPrefix>,
    #[serde(default)]
    pub secrets: OaSecretsSet,
    pub created: Stamp,
    /// Counts changes; an update names the version it saw.
    #[serde(default)]
    pub version: u64,
}

/// Which side says how departments and people are (product.md M97): asked before anything else, never assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// WeLink: the bridge reads it and writes nothing there (只读, product.md M42).
    Welink,
    /// The OA: the bridge writes its departments and people to WeLink (读写, product.md M43).
    Oa,
}

/// What may be written to WeLink's address book (product.md M42 to M44).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceMode {
    ReadOnly,
    ReadWrite,
}

impl Authority {
    /// The mode follows from the authority (product.md ADM-01).
    pub fn mode(self) -> InterfaceMode {
        match self {
            Self::Welink => InterfaceMode::ReadOnly,
            Self::Oa => InterfaceMode::ReadWrite,
        }
    }
}

/// One WeLink company that the tenant has integrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enterprise {
    pub id: EnterpriseId,
    /// A label of the bridge alone, shown to end users; not checked against WeLink (product.md M9).
    pub name: String,
    /// The OA whose people are linked to this enterprise's members.
    pub oa_instance: OaInstanceId,
    /// The one auto-bind setting, shown in three places (product.md M32, BND-01).
    #[serde(default)]
    pub auto_bind: AutoBind,
    /// Absent until an administrator has decided; nothing is synced before.
    #[serde(default)]
    pub authority: Option<Authority>,
    pub created: Stamp,
    #[serde(default)]
    pub version: u64,
}

/// What opening the app leads to (product.md M14, M15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Homepage {
    /// 打开应用: a homepage-type application of the OA, with the paths it had when it was chosen.
    OaApp { oa_app: OaAppId, name: String, dest_pc: Destination, dest_mobile: Destination },
    /// 自定义链接: any link whose host the tenant allows.
    CustomLink { link: CustomLink },
}

/// Sign-in from a browser outside WeLink (product.md HOM-02). Its redirect address must be registered with the vendor,
/// so it stays off until a test has passed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BrowserSignIn {
    pub enabled: bool,
    /// When a test last passed.
    #[serde(default)]
    pub tested: Option<Timestamp>,
    /// A test that an administrator has begun may be run until then.
    #[serde(default)]
    pub test_until: Option<Timestamp>,
}

/// One WeLink app of an enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    pub id: AppId,
    pub enterprise: EnterpriseId,
    pub name: String,
    pub client_id: ClientId,
    /// The WeLink enterprise that the credentials belong to, pinned when they were saved.
    pub welink_tenant: WeLinkTenantId,
    /// The company name that WeLink reports, shown beside our own label (product.md Q2).
    #[serde(default)]
    pub welink_company: String,
    pub homepage: Homepage,
    pub enabled: bool,
    #[serde(default)]
    pub browser: BrowserSignIn,
    /// When and by whom the secret was set: all that anybody can read of it (product.md ENT-03). Absent = not set.
    #[serde(default)]
    pub secret_set: Option<Stamp>,
    /// Counts the credentials; a shared token belongs to one of them. 0 = the secret is not set yet, as after an import
    /// of settings: then the app lets nobody in, switched on or not.
    pub credentials_version: u64,
    pub created: Stamp,
    #[serde(default)]
    pub version: u64,
}

impl App {
    pub fn has_secret(&self) -> bool {
        self.credentials_version > 0
    }

    /// The page of the OA that it opens on a desk.
    pub fn desktop_page(&self) -> Destination {
        match &self.homepage {
            Homepage::OaApp { dest_pc, .. } => dest_pc.clone(),
            Homepage::CustomLink { .. } => Destination::root(),
        }
    }
}

/// How a person came into the bridge copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonSource {
    /// By opening an app (单点写入, product.md M30).
    Sso,
    /// By an administrator who bound him.
    Admin,
    /// By a from-WeLink.
    Sync,
}

/// Where a person of the copy stands with WeLink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonStatus {
    #[default]
    Active,
    /// A from-WeLink did not find him any more: his link is suspended (product.md Q25).
    Missing { since: Timestamp },
}

/// A WeLink member in the bridge copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub enterprise: EnterpriseId,
    pub user_id: WeLinkUserId,
    pub source: PersonSource,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    #[serde(default)]
    pub mobile: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub corp_user_id: String,
    /// His departments, the main one first.
    #[serde(default)]
    pub departments: Vec<DeptCode>,
    /// 职务.
    #[serde(default)]
    pub title: String,
    /// 工号.
    #[serde(default)]
    pub employee_id: String,
    /// `M` or `F`.
    #[serde(default)]
    pub sex: String,
    /// A from-WeLink has met him: only then can he be missing (product.md Q24).
    #[serde(default)]
    pub synced: bool,
    /// Marked to leave since then (product.md TWL-15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Timestamp>,
    /// What from-OA wrote last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Fingerprint>,
    /// In which form WeLink keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Fingerprint>,
    #[serde(default)]
    pub status: PersonStatus,
    /// When WeLink's data of him last changed in the copy.
    #[serde(default)]
    pub updated: Timestamp,
    #[serde(default)]
    pub link: Option<Link>,
    /// "Do not auto-link": set by an explicit unbinding, visible and removable (product.md Q26).
    #[serde(default)]
    pub no_auto_bind: bool,
    /// When the person asked to be unlinked (product.md HOM-10).
    #[serde(default)]
    pub unlink_asked: Option<Timestamp>,
    /// His last sign-ins, newest first, at most [`SIGN_INS_KEPT`].
    #[serde(default)]
    pub sign_ins: Vec<SignInNote>,
    pub first_seen: Timestamp,
}

/// Sign-ins that a person's item remembers.
pub const SIGN_INS_KEPT: usize = 10;

/// One sign-in, as its person sees it (product.md HOM-10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInNote {
    pub at: Timestamp,
    /// The address that it came from, as the gateway reports it.
    #[serde(default)]
    pub from: String,
    /// The browser and system that it signed in, `Chrome · Windows`, as far as they are known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
}

impl Person {
    /// Somebody of whom no more than his account is known.
    pub fn new(enterprise: EnterpriseId, user_id: WeLinkUserId, source: PersonSource, now: Timestamp) -> Self {
        Self {
            enterprise,
            user_id,
            source,
            name_zh: String::new(),
            name_en: String::new(),
            mobile: String::new(),
            email: String::new(),
            corp_user_id: String::new(),
            departments: Vec::new(),
            title: String::new(),
            employee_id: String::new(),
            sex: String::new(),
            synced: false,
            leaving: None,
            written: None,
            kept: None,
            status: PersonStatus::Active,
            updated: now,
            link: None,
            no_auto_bind: false,
            unlink_asked: None,
            sign_ins: Vec::new(),
            first_seen: now,
        }
    }

    /// The department in whose listing he stands: his main one, or the company itself.
    pub fn main_department(&self) -> DeptCode {
        self.departments.first().cloned().unwrap_or_else(DeptCode::root)
    }

    /// The sign-ins to remember after this one.
    #[must_use]
    pub fn sign_ins_with(&self, note: SignInNote) -> Vec<SignInNote> {
        std::iter::once(note).chain(self.sign_ins.iter().cloned()).take(SIGN_INS_KEPT).collect()
    }
}

/// How a link came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkOrigin {
    /// On the person's card, by API or CLI.
    Card,
    /// By the person himself, with his OA password (手动绑定).
    Password,
    /// By matching fields at sign-in (自动绑定).
    AutoBind,
    /// By a row of a file (导入, product.md M36).
    Import,
    /// By the person himself, at the OA's own sign-in page.
    Redirect,
}

/// Person <-> OA user, one to one within an enterprise (product.md Q27).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub oa_user: OaUserId,
    /// The OA login name when it was linked; for display and the ticket's `login_id`.
    #[serde(default)]
    pub login_id: String,
    pub origin: LinkOrigin,
    pub bound: Stamp,
}

/// The level of an org unit of the OA (oa-api.md 0, `unit.kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OaUnitKind {
    Company,
    /// 分部.
    Subcompany,
    /// 部门.
    Department,
}

/// A department of the OA: kinds may count their ids separately, so an id alone names nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OaDepartment {
    pub kind: OaUnitKind,
    pub id: OaUnitId,
}

/// Department <-> department of the OA: the solid dot before its name (product.md M70).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeptLink {
    pub oa_department: OaDepartment,
    pub bound: Stamp,
}

/// A WeLink department in the bridge copy. The root is the company itself, [`DeptCode::root`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Department {
    pub enterprise: EnterpriseId,
    pub code: DeptCode,
    /// `None` = the root.
    #[serde(default)]
    pub parent: Option<DeptCode>,
    #[serde(default)]
    pub name_zh: String,
    #[serde(default)]
    pub name_en: String,
    /// The department's code in the customer's own system; empty if never maintained.
    #[serde(default)]
    pub corp_code: String,
    /// Place among its siblings, ascending; ties by name.
    #[serde(default)]
    pub order: u32,
    #[serde(default)]
    pub link: Option<DeptLink>,
    #[serde(default)]
    pub status: PersonStatus,
    /// When it last changed in the copy.
    #[serde(default)]
    pub updated: Timestamp,
    /// Counts changes; an update names the version it saw.
    #[serde(default)]
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RANDOM_CHARS, TENANT_CHARS};

    /// Product row DEP-05: a person of the first release, who had no departments.
    #[test]
    fn a_person_of_the_first_release_is_still_read() {
        let enterprise = EnterpriseId::from_random(&TenantId::from_random([1; TENANT_CHARS]), [2; RANDOM_CHARS]);
        let old = serde_json::json!({
            "enterprise": enterprise, "user_id": "lihua@welink", "source": "admin", "name_zh": "李华", "first_seen": 7,
        });
        let person: Person = serde_json::from_value(old).unwrap();
        assert_eq!((person.status, person.departments.len(), person.updated), (PersonStatus::Active, 0, Timestamp(0)));
        assert!(person.main_department().is_root());
        let missing = PersonStatus::Missing { since: Timestamp(5) };
        assert_eq!(serde_json::to_string(&missing).unwrap(), r#"{"missing":{"since":5}}"#);
        assert_eq!(serde_json::to_string(&PersonStatus::Active).unwrap(), r#""active""#);
    }
}
