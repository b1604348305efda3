//! Secrets, enveloped, in items of their own: no listing and no export of settings meets them (product.md C21, SEC-02).

use domain::ids::{AppId, OaInstanceId};
use platform::envelope::Envelope;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::store::{Store, StoreError};

/// The secrets of an app. The envelope's context is `<app id>/client_secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSecrets {
    pub client_secret: Envelope,
    /// Equals the app's `credentials_version` that it was saved with.
    pub credentials_version: u64,
}

/// What opens WeLink's callbacks of an app, in a partition of its own: the function that takes callbacks may read this
/// one and no `client_secret` (design.md 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSecret {
    /// `<app id>/callback_key`
    pub key: Envelope,
    /// Equals the app's `credentials_version` that it follows from.
    pub credentials_version: u64,
}

/// What is stored when an app's secret is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedApp {
    pub secrets: AppSecrets,
    pub callback: CallbackSecret,
}

/// The secrets between the bridge and one OA (oa-api.md C, C.6): one per direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OaSecrets {
    /// `<instance id>/scim_bearer`
    pub scim_bearer: Envelope,
    /// Signs bridge -> OA: `<instance id>/pull`
    pub pull: Envelope,
    /// Verify OA -> bridge, at most two during rotation: `<instance id>/push`
    pub push: Vec<Envelope>,
    /// The secret at the OA's OIDC provider, where one is configured: `<instance id>/oidc`
    #[serde(default)]
    pub oidc: Option<Envelope>,
}

impl Store {
    pub async fn app_secrets(&self, app: &AppId) -> Result<Option<AppSecrets>, StoreError> {
        self.get(&keys::app_secrets(app)).await
    }

    pub async fn callback_secret(&self, app: &AppId) -> Result<Option<CallbackSecret>, StoreError> {
        self.get(&keys::callback_secret(app)).await
    }

    pub async fn oa_secrets(&self, instance: &OaInstanceId) -> Result<Option<OaSecrets>, StoreError> {
        self.get(&keys::oa_secrets(instance)).await
    }
}
