//! The OA port and its adapters (docs/decisions/0002-the-oa-port.md, 0003-one-password-check.md,
//! 0005-binding-at-the-oa.md).
//!
//! [`port::Port`] is everything that the bridge asks of an OA; [`model`] is what it gets back, the same for every OA.
//! An adapter translates one kind of OA into them; [`Oa`] holds one adapter of any kind, so that no caller is generic.
//! [`ticket`] and [`webhook`] are the two signatures of the generic contract, used on both sides of it.
//!
//! Architecture invariant: nothing here knows WeLink or the table. An adapter keeps no state but what it has learned
//! about its server, and calls no host but its instance's own.

pub mod generic;
pub mod model;
pub mod port;
pub mod ticket;
pub mod webhook;

use domain::ids::{OaUserId, TicketId};
use platform::secret::Secret;

use crate::model::{AppList, Capabilities, MatchField, OaUser, OrgUnit};
use crate::port::{Attempt, Credential, OaError, Page, Port, Read, Revocation, SignInWay, SignedIn, Step, Visit};

/// One OA of any kind.
#[derive(Debug, Clone)]
pub enum Oa {
    /// Any OA that speaks `oa-generic/1` (oa-api.md C).
    Generic(generic::Generic),
}

impl Port for Oa {
    async fn capabilities(&self) -> Result<Capabilities, OaError> {
        match self {
            Self::Generic(oa) => oa.capabilities().await,
        }
    }

    async fn user(&self, id: &OaUserId) -> Result<Option<OaUser>, OaError> {
        match self {
            Self::Generic(oa) => oa.user(id).await,
        }
    }

    async fn find_users(&self, field: MatchField, value: &str) -> Result<Vec<OaUser>, OaError> {
        match self {
            Self::Generic(oa) => oa.find_users(field, value).await,
        }
    }

    async fn users(&self, read: &Read) -> Result<Page<OaUser>, OaError> {
        match self {
            Self::Generic(oa) => oa.users(read).await,
        }
    }

    async fn units(&self, read: &Read) -> Result<Page<OrgUnit>, OaError> {
        match self {
            Self::Generic(oa) => oa.units(read).await,
        }
    }

    async fn all_users(&self) -> Result<Vec<OaUser>, OaError> {
        match self {
            Self::Generic(oa) => oa.all_users().await,
        }
    }

    async fn all_units(&self) -> Result<Vec<OrgUnit>, OaError> {
        match self {
            Self::Generic(oa) => oa.all_units().await,
        }
    }

    async fn apps(&self) -> Result<AppList, OaError> {
        match self {
            Self::Generic(oa) => oa.apps().await,
        }
    }

    async fn hand_off(&self, visit: &Visit<'_>) -> Result<Step, OaError> {
        match self {
            Self::Generic(oa) => oa.hand_off(visit).await,
        }
    }

    async fn scan_ticket(&self, visit: &Visit<'_>) -> Result<Secret<String>, OaError> {
        match self {
            Self::Generic(oa) => oa.scan_ticket(visit).await,
        }
    }

    async fn revoke(&self, ticket: &TicketId) -> Result<Revocation, OaError> {
        match self {
            Self::Generic(oa) => oa.revoke(ticket).await,
        }
    }

    async fn check_password(&self, attempt: &Attempt<'_>) -> Result<Credential, OaError> {
        match self {
            Self::Generic(oa) => oa.check_password(attempt).await,
        }
    }

    async fn sign_in_page(&self, way: &SignInWay<'_>) -> Result<Option<String>, OaError> {
        match self {
            Self::Generic(oa) => oa.sign_in_page(way).await,
        }
    }

    async fn signed_in(&self, way: &SignInWay<'_>, code: &Secret<String>) -> Result<SignedIn, OaError> {
        match self {
            Self::Generic(oa) => oa.signed_in(way, code).await,
        }
    }
}
