//! Accounts of the console.
//!
//! What changes an account ends its sessions in the same transaction, and no session slips through: a session begins
//! by a transaction that demands the version of the account whose password was checked and counts `opened` up; a change
//! demands both as they were before the sessions were listed. So a session that begins before the change is in its
//! list, one that begins during it makes it start over, and one that begins after it is refused.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{Account, Login, WeLinkPerson};
use domain::audit::Entry;
use domain::ids::{AccountId, EnterpriseId, TenantId, WeLinkUserId};
use platform::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::store::{Change, Item, Store, StoreError, Transaction, Write, item, number, read, text};
use crate::table::SORT_KEY;

/// How often a change starts over because sessions begin meanwhile.
pub(crate) const TURNS_MAX: u32 = 10;

/// An account with what is stored beside it.
#[derive(Debug, Clone)]
pub struct Known {
    pub account: Account,
    /// The password's hash as a PHC string.
    pub password: Secret<String>,
    /// Sessions that have begun so far.
    pub(crate) opened: u64,
}

/// The account and its sessions are as they were read.
const AS_SEEN: &str = "version = :version AND opened = :opened";

impl Known {
    fn as_seen(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![(":version", number(self.account.version)), (":opened", number(self.opened))]
    }
}

#[derive(Serialize, Deserialize)]
struct Beside {
    password: String,
    opened: u64,
}

/// The other side of a claim.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    account: AccountId,
}

/// How saving an account ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountSaved {
    Done,
    /// Another account of the installation has the login.
    LoginTaken,
    /// Another account is linked to the WeLink person.
    WeLinkTaken,
    /// The tenant would have no enabled owner.
    LastOwner,
    /// Somebody else changed the account meanwhile, or it is gone.
    Changed,
}

impl Store {
    /// The account that has this login.
    pub async fn account_by_login(&self, login: &Login) -> Result<Option<AccountId>, StoreError> {
        let claim: Option<Claim> = self.get(&keys::registry_login(login)).await?;
        Ok(claim.map(|claim| claim.account))
    }

    /// The account that is linked to this WeLink person.
    pub async fn account_of_person(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
    ) -> Result<Option<AccountId>, StoreError> {
        let claim: Option<Claim> = self.get(&keys::account_of_person(enterprise, user)).await?;
        Ok(claim.map(|claim| claim.account))
    }

    pub async fn account(&self, id: &AccountId) -> Result<Option<Known>, StoreError> {
        let Some(item) = self.get_item(&keys::console_account(id)).await? else { return Ok(None) };
        let beside: Beside = read(item.clone())?;
        Ok(Some(Known { account: read(item)?, password: Secret::new(beside.password), opened: beside.opened }))
    }

    /// The tenant's accounts.
    pub async fn accounts(&self, tenant: &TenantId) -> Result<Vec<Account>, StoreError> {
        self.all(&keys::console_accounts_partition(tenant)).await?.into_iter().map(read).collect()
    }

    pub async fn create_account(
        &self,
        account: &Account,
        password: &Secret<String>,
        audit: &Entry,
    ) -> Result<AccountSaved, StoreError> {
        let mut writes = self.writes_of_new(account, password)?;
        writes.push((AccountSaved::Changed, self.write_audit(audit)?));
        writes.push((AccountSaved::Changed, self.write_over(item(&keys::registry_setup_closed(), &Mark {}, None)?)?));
        self.save_account(writes).await
    }

    /// What a new account consists of.
    pub(crate) fn writes_of_new(
        &self,
        account: &Account,
        password: &Secret<String>,
    ) -> Result<Vec<(AccountSaved, Write)>, StoreError> {
        let claim = Claim { account: account.id.clone() };
        let mut writes = vec![
            (AccountSaved::Changed, self.write_new(account_item(account, password, 0)?)?),
            (AccountSaved::LoginTaken, self.write_new(item(&keys::registry_login(&account.login), &claim, None)?)?),
        ];
        writes.extend(self.writes_of_owners(&account.id.tenant(), false, account.is_acting_owner())?);
        if let Some(person) = &account.welink {
            writes.push((AccountSaved::WeLinkTaken, self.write_new(item(&claim_key(person), &claim, None)?)?));
        }
        Ok(writes)
    }

    /// Replaces the account that still has `seen`'s version by `changed`, with a new password when given, and ends all
    /// its sessions. Its login stays as it was claimed.
    pub async fn change_account(
        &self,
        seen: &Account,
        changed: &Account,
        password: Option<&Secret<String>>,
        audit: &Entry,
    ) -> Result<AccountSaved, StoreError> {
        let changed = Account { version: seen.version + 1, login: seen.login.clone(), ..changed.clone() };
        for turn in 0..TURNS_MAX {
            let Some(known) = self.same(seen).await? else { return Ok(AccountSaved::Changed) };
            let next = account_item(&changed, password.unwrap_or(&known.password), known.opened)?;
            let mut writes = vec![(AccountSaved::Changed, self.write_if(next, AS_SEEN, known.as_seen())?)];
            let (was, is) = (seen.is_acting_owner(), changed.is_acting_owner());
            writes.extend(self.writes_of_owners(&seen.id.tenant(), was, is)?);
            writes.extend(self.writes_of_person(seen, changed.welink.as_ref())?);
            writes.push((AccountSaved::Changed, self.write_audit(audit)?));
            writes.extend(self.ends_of_sessions(&seen.id).await?);
            match self.save_account(writes).await? {
                AccountSaved::Changed => self.wait_turn(turn).await,
                ended => return Ok(ended),
            }
        }
        Err(busy())
    }

    /// Deletes the account that still has `seen`'s version, with its sessions and claims.
    pub async fn delete_account(&self, seen: &Account, audit: &Entry) -> Result<AccountSaved, StoreError> {
        for turn in 0..TURNS_MAX {
            let Some(known) = self.same(seen).await? else { return Ok(AccountSaved::Changed) };
            let gone = self.write_delete_if(&keys::console_account(&seen.id), AS_SEEN, known.as_seen())?;
            let mut writes = vec![
                (AccountSaved::Changed, gone),
                (AccountSaved::Changed, self.write_remove(&keys::registry_login(&seen.login))?),
            ];
            writes.extend(self.writes_of_owners(&seen.id.tenant(), seen.is_acting_owner(), false)?);
            writes.extend(self.writes_of_person(seen, None)?);
            writes.push((AccountSaved::Changed, self.write_audit(audit)?));
            writes.extend(self.ends_of_sessions(&seen.id).await?);
            match self.save_account(writes).await? {
                AccountSaved::Changed => self.wait_turn(turn).await,
                ended => return Ok(ended),
            }
        }
        Err(busy())
    }

    /// The account, unless it was changed since it was seen.
    pub(crate) async fn same(&self, seen: &Account) -> Result<Option<Known>, StoreError> {
        Ok(self.account(&seen.id).await?.filter(|known| known.account.version == seen.version))
    }

    pub(crate) async fn wait_turn(&self, turn: u32) {
        let wait_ms = 5 * u64::from(turn) + u64::from(self.entropy.below(20));
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
    }

    /// Ends of all sessions that the account has; read after the account, whose `opened` guards the list.
    async fn ends_of_sessions(&self, id: &AccountId) -> Result<Vec<(AccountSaved, Write)>, StoreError> {
        let sessions = self.all(&keys::console_sessions_partition(id)).await?;
        sessions.iter().map(|item| Ok((AccountSaved::Changed, self.write_remove(&key_of(item)?)?))).collect()
    }

    /// Counts the tenant's enabled owners; the last one stays.
    fn writes_of_owners(
        &self,
        tenant: &TenantId,
        was: bool,
        is: bool,
    ) -> Result<Option<(AccountSaved, Write)>, StoreError> {
        let change = match (was, is) {
            (false, true) => Change {
                set: "SET owners = if_not_exists(owners, :zero) + :one",
                condition: "attribute_not_exists(owners) OR owners >= :zero",
                names: vec![],
                values: vec![(":one", number(1)), (":zero", number(0))],
            },
            (true, false) => Change {
                set: "SET owners = owners - :one",
                condition: "owners > :one",
                names: vec![],
                values: vec![(":one", number(1))],
            },
            _ => return Ok(None),
        };
        Ok(Some((AccountSaved::LastOwner, self.write_change(&keys::owners(tenant), change)?)))
    }

    /// Moves the claim on a WeLink person.
    fn writes_of_person(
        &self,
        seen: &Account,
        next: Option<&WeLinkPerson>,
    ) -> Result<Vec<(AccountSaved, Write)>, StoreError> {
        let mut writes = Vec::new();
        if seen.welink.as_ref() == next {
            return Ok(writes);
        }
        if let Some(person) = &seen.welink {
            writes.push((AccountSaved::Changed, self.write_remove(&claim_key(person))?));
        }
        if let Some(person) = next {
            let claim = item(&claim_key(person), &Claim { account: seen.id.clone() }, None)?;
            writes.push((AccountSaved::WeLinkTaken, self.write_new(claim)?));
        }
        Ok(writes)
    }

    /// Runs the writes; the first refused one says how it ended.
    async fn save_account(&self, writes: Vec<(AccountSaved, Write)>) -> Result<AccountSaved, StoreError> {
        let (refusals, writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        match self.transact(writes).await? {
            Transaction::Done => Ok(AccountSaved::Done),
            Transaction::Refused(index, _) => Ok(refusals.get(index).copied().unwrap_or(AccountSaved::Changed)),
        }
    }
}

/// An item that is there, and nothing more.
#[derive(Serialize)]
pub(crate) struct Mark {}

fn account_item(account: &Account, password: &Secret<String>, opened: u64) -> Result<Item, StoreError> {
    let mut stored = item(&keys::console_account(&account.id), account, None)?;
    stored.insert("password".to_owned(), text(password.expose()));
    stored.insert("opened".to_owned(), number(opened));
    Ok(stored)
}

fn claim_key(person: &WeLinkPerson) -> Key {
    keys::account_of_person(&person.enterprise, &person.user)
}

/// The key of an item that a listing found.
pub(crate) fn key_of(item: &Item) -> Result<Key, StoreError> {
    let part = |name: &str| {
        let value = item.get(name).and_then(|value| value.as_s().ok());
        value.cloned().ok_or_else(|| StoreError::Damaged(format!("an item without {name}")))
    };
    Ok(Key { pk: part(crate::table::PARTITION_KEY)?, sk: part(SORT_KEY)? })
}

pub(crate) fn busy() -> StoreError {
    StoreError::Unavailable("an account's sessions begin faster than it can be written".to_owned())
}
