//! The configured world: who owns what, and how it is reached. Secrets are not here: they are stored beside these
//! items.

use serde::{Deserialize, Serialize};

use crate::destination::{CustomLink, DestPrefix, Destination};
use crate::ids::{
    AppId, ClientId, EnterpriseId, OaAppId, OaInstanceId, OaUserId, TenantId, WeLinkTenantId, WeLinkUserId,
};
use crate::matching::AutoBind;
use crate::time::Timestamp;

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
    pub created: Stamp,
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
    pub allowed_dest_prefixes: Vec<DestPrefix>,
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
    /// When and by whom the secret was set: all that anybody can read of it (product.md ENT-03).
    pub secret_set: Stamp,
    /// Counts the credentials; a shared token belongs to one of them.
    pub credentials_version: u64,
    pub created: Stamp,
    #[serde(default)]
    pub version: u64,
}

/// How a person came into the bridge copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonSource {
    /// By opening an app (单点写入, product.md M30).
    Sso,
    /// By an administrator who bound him.
    Admin,
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
}

impl Person {
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
