//! Every key of the table. There is no constructor without a tenant but those of the registry.
//!
//! The registry (`R#…`) holds what must be unique or listed across tenants: the tenants, who owns a `client_id`, the
//! bridge's signing keys, the budget of an egress address, who has a login, the setup key. Only operators' routes, the
//! bridge itself and what comes before anybody is known (a sign-in to the console, the first set-up) read it; no id
//! that comes from a request of a tenant's user leads there.

use domain::account::{ConsoleSessionId, Login};
use domain::ids::{
    AccountId, ApiKeyId, AppId, BindId, ClientId, DeptCode, EnterpriseId, HistoryId, LinkJobId, MessageId,
    OaInstanceId, OaUserId, QrId, RuleId, RunId, SessionId, StateId, TenantId, TicketId, WeLinkUserId,
};
use domain::time::Timestamp;

/// Shards of an enterprise's people: a partition takes 1,000 write units a second, a first sync of a large company
/// more.
pub const PERSON_SHARDS: u32 = 16;

/// Primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }
}

pub fn tenant_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}

pub fn tenant(tenant: &TenantId) -> Key {
    Key::new(tenant_partition(tenant), "TENANT")
}

pub fn oa_instance(id: &OaInstanceId) -> Key {
    Key::new(tenant_partition(&id.tenant()), format!("OA#{id}"))
}

pub fn enterprise(id: &EnterpriseId) -> Key {
    Key::new(tenant_partition(&id.tenant()), format!("ENT#{id}"))
}

pub fn app(enterprise: &EnterpriseId, id: &AppId) -> Key {
    Key::new(tenant_partition(&id.tenant()), format!("ENT#{enterprise}#APP#{id}"))
}

/// The tenant's settings of scan login.
pub fn scan_login(tenant: &TenantId) -> Key {
    Key::new(tenant_partition(tenant), SCAN_LOGIN)
}

pub(crate) const SCAN_LOGIN: &str = "SCANLOGIN";

pub fn rule(id: &RuleId) -> Key {
    Key::new(tenant_partition(&id.tenant()), format!("{RULE}{id}"))
}

pub(crate) const RULE: &str = "RULE#";

/// A message of an OA: part 0 is its head with the first deliveries, the others hold the rest.
pub fn message(id: &MessageId, part: usize) -> Key {
    Key::new(message_partition(id), format!("M#{part:03}"))
}

pub fn message_partition(id: &MessageId) -> String {
    format!("T#{}#M#{id}", id.tenant())
}

/// The messages of a day, in the index by account. `day` is `yyyymmdd`, UTC.
pub fn messages_partition(tenant: &TenantId, day: &str) -> String {
    format!("T#{tenant}#MD#{day}")
}

/// A message that is to be gone on with, by the time when it is due.
pub fn push_due(id: &MessageId, at: Timestamp) -> Key {
    Key::new(push_due_partition(&id.tenant()), format!("{:013}#{id}", at.0.max(0)))
}

pub fn push_due_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#PUSHDUE")
}

/// The to-dos of one matter of an OA. `matter` names it: a hash, since an OA's ids may be long.
pub fn todos_partition(instance: &OaInstanceId, matter: &str) -> String {
    format!("T#{}#TODO#{instance}#{matter}", instance.tenant())
}

/// One receiver's to-do at one app.
pub fn todo(instance: &OaInstanceId, matter: &str, app: &AppId, oa_user: &OaUserId) -> Key {
    Key::new(todos_partition(instance, matter), format!("R#{app}#{oa_user}"))
}

/// The end of the whole matter.
pub fn todo_closed(instance: &OaInstanceId, matter: &str) -> Key {
    Key::new(todos_partition(instance, matter), "CLOSED")
}

/// Claims an enterprise's name within its tenant.
pub fn enterprise_name(tenant: &TenantId, name: &str) -> Key {
    Key::new(format!("T#{tenant}#N"), format!("ENT#{}", name.trim().to_lowercase()))
}

/// Claims an OA instance's name within its tenant.
pub fn oa_name(tenant: &TenantId, name: &str) -> Key {
    Key::new(format!("T#{tenant}#N"), format!("OA#{}", name.trim().to_lowercase()))
}

/// Secrets, token and call budgets of an app.
pub fn app_partition(id: &AppId) -> String {
    format!("T#{}#APP#{id}", id.tenant())
}

pub fn app_secrets(id: &AppId) -> Key {
    Key::new(format!("T#{}#APP#{id}", id.tenant()), "SECRETS")
}

/// What opens WeLink's callbacks of an app.
pub fn callback_secret(id: &AppId) -> Key {
    Key::new(callback_partition(id), "KEY")
}

/// A callback that has been taken.
pub fn callback_taken(id: &AppId, fingerprint: &str) -> Key {
    Key::new(callback_partition(id), format!("TAKEN#{fingerprint}"))
}

pub fn callback_partition(id: &AppId) -> String {
    format!("T#{}#CB#{id}", id.tenant())
}

/// A signed call of an OA that has been taken, with its answer.
pub fn call_taken(id: &OaInstanceId, call: &str) -> Key {
    Key::new(intake_partition(id), format!("CALL#{call}"))
}

/// An event of an OA that has been taken. `digest` names its source and id.
pub fn event_taken(id: &OaInstanceId, digest: &str) -> Key {
    Key::new(intake_partition(id), format!("EVENT#{digest}"))
}

pub fn intake_partition(id: &OaInstanceId) -> String {
    format!("T#{}#IN#{id}", id.tenant())
}

pub fn oa_secrets(id: &OaInstanceId) -> Key {
    Key::new(format!("T#{}#OA#{id}", id.tenant()), "SECRETS")
}

pub fn token(id: &AppId) -> Key {
    Key::new(format!("T#{}#APP#{id}", id.tenant()), "TOKEN")
}

pub fn app_budget(id: &AppId, interface: &str) -> Key {
    Key::new(format!("T#{}#APP#{id}", id.tenant()), format!("BUDGET#{interface}"))
}

pub fn person(enterprise: &EnterpriseId, user: &WeLinkUserId) -> Key {
    let shard = stable_hash(user.as_str()) % PERSON_SHARDS;
    Key::new(people_partition(enterprise, shard), format!("P#{user}"))
}

/// One of the [`PERSON_SHARDS`] that together hold an enterprise's people.
pub fn people_partition(enterprise: &EnterpriseId, shard: u32) -> String {
    format!("T#{}#E#{enterprise}#P#{shard:02}", enterprise.tenant())
}

pub fn department(enterprise: &EnterpriseId, code: &DeptCode) -> Key {
    Key::new(departments_partition(enterprise), format!("D#{code}"))
}

pub fn departments_partition(enterprise: &EnterpriseId) -> String {
    format!("T#{}#E#{enterprise}#D", enterprise.tenant())
}

/// What stands directly below a department, in the index by department.
pub fn listing_partition(enterprise: &EnterpriseId, department: &DeptCode) -> String {
    format!("T#{}#E#{enterprise}#D#{department}", enterprise.tenant())
}

/// People whose folded name begins with this character, in the index by name.
pub fn names_partition(enterprise: &EnterpriseId, first: char) -> String {
    format!("T#{}#E#{enterprise}#N#{first}", enterprise.tenant())
}

/// People with a link, or those without one, in the index by account.
pub fn accounts_partition(enterprise: &EnterpriseId, linked: bool) -> String {
    format!("T#{}#E#{enterprise}#{}", enterprise.tenant(), if linked { "L" } else { "U" })
}

pub fn links_partition(enterprise: &EnterpriseId) -> String {
    format!("T#{}#E#{enterprise}#B", enterprise.tenant())
}

pub fn link_by_oa_user(enterprise: &EnterpriseId, oa_user: &OaUserId) -> Key {
    Key::new(links_partition(enterprise), format!("B#{oa_user}"))
}

pub fn one_time_state(id: &StateId) -> Key {
    Key::new(format!("T#{}#S#{id}", id.tenant()), "STATE")
}

pub fn session(id: &SessionId) -> Key {
    Key::new(format!("T#{}#W#{id}", id.tenant()), "SESSION")
}

/// A code that is shown for scan login.
pub fn qr(id: &QrId) -> Key {
    Key::new(format!("T#{}#Q#{id}", id.tenant()), "QR")
}

pub fn bind_session(id: &BindId) -> Key {
    Key::new(format!("T#{}#H#{id}", id.tenant()), "BIND")
}

/// A case that an administrator has to settle: one per person (product.md BND-05).
pub fn conflict(enterprise: &EnterpriseId, user: &WeLinkUserId) -> Key {
    Key::new(conflicts_partition(enterprise), format!("C#{user}"))
}

pub fn conflicts_partition(enterprise: &EnterpriseId) -> String {
    format!("T#{}#E#{enterprise}#C", enterprise.tenant())
}

/// The head of a link job; its rows and their endings lie beside it.
pub fn link_job(id: &LinkJobId) -> Key {
    Key::new(link_job_partition(id), "JOB")
}

pub fn link_job_rows(id: &LinkJobId, chunk: u32) -> Key {
    Key::new(link_job_partition(id), format!("R#{chunk:05}"))
}

/// `position` counts the job's rows from 0.
pub fn link_job_ending(id: &LinkJobId, position: u32) -> Key {
    Key::new(link_job_partition(id), format!("X#{position:06}"))
}

pub fn link_job_partition(id: &LinkJobId) -> String {
    format!("T#{}#J#{id}", id.tenant())
}

/// The jobs of an enterprise by the time when they began.
pub fn link_job_of(enterprise: &EnterpriseId, began: Timestamp, id: &LinkJobId) -> Key {
    Key::new(link_jobs_partition(enterprise), format!("{:013}#{id}", began.0.max(0)))
}

pub fn link_jobs_partition(enterprise: &EnterpriseId) -> String {
    format!("T#{}#E#{enterprise}#J", enterprise.tenant())
}

/// The head of a run; what it has read, planned and done lies beside it.
pub fn run(id: &RunId) -> Key {
    Key::new(run_partition(id), "RUN")
}

pub fn run_chunk(id: &RunId, kind: &str, at: u32) -> Key {
    Key::new(run_partition(id), format!("{kind}#{at:05}"))
}

pub fn run_partition(id: &RunId) -> String {
    format!("T#{}#R#{id}", id.tenant())
}

/// The runs of an enterprise by the time when they began.
pub fn run_of(enterprise: &EnterpriseId, began: Timestamp, id: &RunId) -> Key {
    Key::new(runs_partition(enterprise), format!("{:013}#{id}", began.0.max(0)))
}

pub fn runs_partition(enterprise: &EnterpriseId) -> String {
    format!("T#{}#E#{enterprise}#R", enterprise.tenant())
}

/// Which run an enterprise is busy with. It sorts behind the runs, whose keys are digits.
pub fn run_lock(enterprise: &EnterpriseId) -> Key {
    Key::new(runs_partition(enterprise), "LOCK")
}

/// The sync settings of an enterprise, among the tenant's settings.
pub fn sync_settings(enterprise: &EnterpriseId) -> Key {
    Key::new(tenant_partition(&enterprise.tenant()), format!("ENT#{enterprise}{SYNC}"))
}

pub(crate) const SYNC: &str = "#SYNC";

pub fn ticket(id: &TicketId) -> Key {
    Key::new(format!("T#{}#K#{id}", id.tenant()), "TICKET")
}

pub fn failures(tenant: &TenantId, subject: &str) -> Key {
    Key::new(format!("T#{tenant}#L"), format!("L#{subject}"))
}

pub fn console_account(id: &AccountId) -> Key {
    Key::new(console_accounts_partition(&id.tenant()), format!("U#{id}"))
}

pub fn console_accounts_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#ACC")
}

/// How many enabled owners a tenant has.
pub fn owners(tenant: &TenantId) -> Key {
    Key::new(format!("T#{tenant}#ACC#CLAIMS"), "OWNERS")
}

/// One account per WeLink person.
pub fn account_of_person(enterprise: &EnterpriseId, user: &WeLinkUserId) -> Key {
    Key::new(format!("T#{}#ACC#CLAIMS", enterprise.tenant()), format!("W#{enterprise}#{user}"))
}

pub fn console_session(account: &AccountId, id: &ConsoleSessionId) -> Key {
    Key::new(console_sessions_partition(account), format!("SESSION#{}", id.as_str()))
}

pub fn console_sessions_partition(account: &AccountId) -> String {
    format!("T#{}#ACC#{account}", account.tenant())
}

pub fn api_key(id: &ApiKeyId) -> Key {
    Key::new(api_keys_partition(&id.tenant()), format!("Y#{id}"))
}

pub fn api_keys_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#KEYS")
}

/// `month` is `yyyymm`; `order` sorts by time and is unique.
pub fn audit(tenant: &TenantId, month: &str, order: &str) -> Key {
    Key::new(audit_partition(tenant, month), order)
}

pub fn audit_partition(tenant: &TenantId, month: &str) -> String {
    format!("T#{tenant}#A#{month}")
}

/// What a save of settings changed (product.md ADM-07).
pub fn history(tenant: &TenantId, id: &HistoryId) -> Key {
    Key::new(history_partition(tenant), id.as_str())
}

pub fn history_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#V")
}

/// There while an import of settings that took several transactions has not ended.
pub fn import(tenant: &TenantId) -> Key {
    Key::new(format!("T#{tenant}#I"), "IMPORT")
}

/// Due work sorts by the time when it is due.
pub fn due(tenant: &TenantId, at: Timestamp, kind: &str, id: &str) -> Key {
    Key::new(due_partition(tenant), format!("{:013}#{kind}#{id}", at.0.max(0)))
}

pub fn due_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#DUE")
}

pub const REGISTRY_TENANTS: &str = "R#TENANTS";
pub const REGISTRY_SIGNING: &str = "R#SIGNING";

pub fn registry_tenant(tenant: &TenantId) -> Key {
    Key::new(REGISTRY_TENANTS.to_owned(), tenant.as_str())
}

/// One owner per `client_id` over all tenants (design.md 6).
pub fn registry_client(client: &ClientId) -> Key {
    Key::new("R#CLIENTS".to_owned(), client.as_str())
}

pub fn registry_signing_key(kid: &str) -> Key {
    Key::new(REGISTRY_SIGNING.to_owned(), kid)
}

pub fn registry_address_budget(egress: &str) -> Key {
    Key::new("R#BUDGET".to_owned(), egress)
}

/// Says which form of the directory's index attributes all people have.
pub fn registry_directory() -> Key {
    Key::new("R#DIRECTORY".to_owned(), "INDEXED")
}

/// Wrong operator keys by address: they come before any tenant is known.
pub fn registry_failures(subject: &str) -> Key {
    Key::new("R#FAILURES".to_owned(), subject)
}

/// One account per login over all tenants: a login names its tenant.
pub fn registry_login(login: &Login) -> Key {
    Key::new("R#LOGINS".to_owned(), login.as_str())
}

/// The one setup key that is valid, if one is.
pub fn registry_setup_key() -> Key {
    Key::new("R#SETUP".to_owned(), "KEY")
}

/// Marks that there has been an account: no setup key is taken from then on.
pub fn registry_setup_closed() -> Key {
    Key::new("R#SETUP".to_owned(), "CLOSED")
}

/// Marks that a setup key from the configuration has been met, so that its time does not begin anew.
pub fn registry_setup_met(digest: &str) -> Key {
    Key::new("R#SETUP".to_owned(), format!("MET#{digest}"))
}

/// FNV-1a: the same on every machine and in every version, which the standard library's hasher does not promise.
fn stable_hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{RANDOM_CHARS, TENANT_CHARS};

    #[test]
    fn people_spread_over_their_shards() {
        let tenant = TenantId::from_random([1; TENANT_CHARS]);
        let enterprise = EnterpriseId::from_random(&tenant, [2; RANDOM_CHARS]);
        let mut counts = std::collections::BTreeMap::new();
        for n in 0..1600 {
            let user = WeLinkUserId::parse(&format!("user{n}@welink")).unwrap();
            *counts.entry(person(&enterprise, &user).pk).or_insert(0) += 1;
        }
        assert!((0..PERSON_SHARDS).all(|shard| counts.contains_key(&people_partition(&enterprise, shard))));
        assert_eq!(counts.len(), 16);
        assert!(counts.values().all(|n| (50..200).contains(n)), "{counts:?}");
    }
}
