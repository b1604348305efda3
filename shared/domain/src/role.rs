//! Who may do what in the console and its API (product.md ADM-06, C30).

use serde::{Deserialize, Serialize};

/// What an account or an API key is for. Each role may do what the ones below it in [`Role::ALL`] may, but the
/// auditor, who only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything, accounts and secrets included.
    Owner,
    /// Settings of enterprises, apps, sync and push; runs and approvals.
    Operator,
    /// Links between people and OA users, nothing else.
    Binder,
    /// Reads.
    Auditor,
}

/// What a route demands of whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Nothing: whoever comes, with an account or without.
    Anybody,
    /// To look at settings, people, links and the audit log.
    Read,
    /// To bind and unbind, import, and settle conflicts.
    Bind,
    /// To change settings, and to run and approve.
    Operate,
    /// Accounts, API keys, secrets, roll-back of settings.
    Own,
    /// The whole installation, over all tenants: the operator key alone.
    Install,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Operator, Self::Binder, Self::Auditor];

    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::Anybody | Permission::Read => true,
            Permission::Bind => self != Self::Auditor,
            Permission::Operate => matches!(self, Self::Owner | Self::Operator),
            Permission::Own => self == Self::Owner,
            Permission::Install => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Binder => "binder",
            Self::Auditor => "auditor",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_it_is_for_and_no_more() {
        let table = [
            (Role::Owner, [true, true, true, true, false]),
            (Role::Operator, [true, true, true, false, false]),
            (Role::Binder, [true, true, false, false, false]),
            (Role::Auditor, [true, false, false, false, false]),
        ];
        let all = [Permission::Read, Permission::Bind, Permission::Operate, Permission::Own, Permission::Install];
        for (role, want) in table {
            assert_eq!(all.map(|permission| role.may(permission)), want, "{role:?}");
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
