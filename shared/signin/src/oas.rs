//! The adapter of an OA instance with its secrets, made when first needed and kept for the instance's version.

use std::sync::Arc;

use domain::ids::{OaInstanceId, RANDOM_CHARS};
use domain::model::OaInstance;
use domain::problem;
use oa::Oa;
use oa::generic::{Generic, Settings};
use oa::model::MatchField;
use oa::port::{OaError, Port as _};
use oa::webhook;
use oa::webhook::WebhookId;
use platform::envelope::Envelope;
use platform::secret::{Secret, sha256_hex, unhex};
use state::secrets::OaSecrets;

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// What verifies requests of an OA: one secret, or two during rotation.
pub(crate) type PushSecrets = Vec<Secret<String>>;

/// New secrets between the bridge and an OA; what is absent stays as it is.
#[derive(Debug, Default)]
pub struct OaSecretChange {
    pub scim_bearer: Option<Secret<String>>,
    pub pull: Option<Secret<String>>,
    /// The OA has `pull` already, so that it can be tried.
    pub pull_known: bool,
    /// From now on the newest; the one before it still verifies.
    pub push: Option<Secret<String>>,
    /// Only the newest push secret verifies from now on.
    pub end_rotation: bool,
}

fn context(instance: &OaInstanceId, name: &str) -> String {
    format!("{instance}/{name}")
}

impl Bridge {
    /// The way to talk to this OA.
    pub async fn oa(&self, instance: &OaInstance) -> Result<Arc<Oa>, Refusal> {
        if let Some(known) = self.0.oas.get(&instance.id, instance.version) {
            return Ok(known);
        }
        let stored = self.stored_oa_secrets(&instance.id).await?;
        let sealer = self.sealer().await?;
        let settings = Settings {
            instance: instance.clone(),
            scim_bearer: sealer.open(&context(&instance.id, "scim_bearer"), &stored.scim_bearer)?,
            pull_secret: sealer.open(&context(&instance.id, "pull"), &stored.pull)?,
            oidc_secret: stored
                .oidc
                .as_ref()
                .map(|envelope| sealer.open(&context(&instance.id, "oidc"), envelope))
                .transpose()?,
        };
        let generic =
            Generic::new(settings, self.0.oa_transport.clone(), self.clock().clone(), self.entropy().clone())?;
        let oa = Arc::new(Oa::Generic(generic));
        self.0.oas.put(instance.id.clone(), instance.version, Arc::clone(&oa));
        Ok(oa)
    }

    /// The secrets that verify this OA's requests.
    pub(crate) async fn push_secrets(&self, instance: &OaInstance) -> Result<Arc<PushSecrets>, Refusal> {
        if let Some(known) = self.0.push_secrets.get(&instance.id, instance.version) {
            return Ok(known);
        }
        let stored = self.stored_oa_secrets(&instance.id).await?;
        let sealer = self.sealer().await?;
        let context = context(&instance.id, "push");
        let opened: PushSecrets =
            stored.push.iter().map(|envelope| sealer.open(&context, envelope)).collect::<Result<_, _>>()?;
        let opened = Arc::new(opened);
        self.0.push_secrets.put(instance.id.clone(), instance.version, Arc::clone(&opened));
        Ok(opened)
    }

    /// Whether this is the instance's bearer token, which its GETs carry (oa-api.md C.6).
    pub async fn is_bearer_of(&self, instance: &OaInstance, given: &str) -> Result<bool, Refusal> {
        if let Some(known) = self.0.bearers.get(&instance.id, instance.version) {
            return Ok(known.matches(given));
        }
        let stored = self.stored_oa_secrets(&instance.id).await?;
        let bearer = self.sealer().await?.open(&context(&instance.id, "scim_bearer"), &stored.scim_bearer)?;
        let right = bearer.matches(given);
        self.0.bearers.put(instance.id.clone(), instance.version, Arc::new(bearer));
        Ok(right)
    }

    /// Bytes for an id that the same signed request gives again and nobody else can guess, whatever its `webhook-id` is
    /// made of.
    pub async fn repeatable(&self, instance: &OaInstance, call: &WebhookId) -> Result<[u8; RANDOM_CHARS], Refusal> {
        let secrets = self.push_secrets(instance).await?;
        let secret = secrets.first().map(|secret| secret.expose().as_str()).unwrap_or_default();
        let digest = unhex(&sha256_hex(&format!("{secret}#{}#{call}", instance.id))).unwrap_or_default();
        let mut bytes = [0; RANDOM_CHARS];
        bytes.iter_mut().zip(digest).for_each(|(byte, drawn)| *byte = drawn);
        Ok(bytes)
    }

    /// Seals an instance's secrets for storing.
    pub async fn seal_oa_secrets(
        &self,
        instance: &OaInstanceId,
        scim_bearer: &Secret<String>,
        pull: &Secret<String>,
        push: &Secret<String>,
    ) -> Result<OaSecrets, Refusal> {
        let sealer = self.sealer().await?;
        Ok(OaSecrets {
            scim_bearer: sealer.seal(&context(instance, "scim_bearer"), scim_bearer.expose())?,
            pull: sealer.seal(&context(instance, "pull"), pull.expose())?,
            push: vec![sealer.seal(&context(instance, "push"), push.expose())?],
            oidc: None,
        })
    }

    /// The secrets of an OA after a change, sealed for storing. A new bearer and a new pull secret are tried on the OA
    /// first (product.md C21): one user is looked for, and a session that never was is ended where it ends sessions.
    pub async fn change_oa_secrets(
        &self,
        instance: &OaInstance,
        change: &OaSecretChange,
    ) -> Result<OaSecrets, Refusal> {
        let stored = self.store().oa_secrets(&instance.id).await?;
        let sealer = self.sealer().await?;
        let missing = || Refusal::because(problem::SECRET_MISSING, "a change that leaves an OA secret unset");
        let part = |name: &str, given: Option<&Secret<String>>, kept: Option<&Envelope>| match (given, kept) {
            (Some(secret), _) => Ok(sealer.seal(&context(&instance.id, name), secret.expose())?),
            (None, Some(envelope)) => Ok(envelope.clone()),
            (None, None) => Err(missing()),
        };
        let scim_bearer = part("scim_bearer", change.scim_bearer.as_ref(), stored.as_ref().map(|s| &s.scim_bearer))?;
        let pull = part("pull", change.pull.as_ref(), stored.as_ref().map(|s| &s.pull))?;
        // It is replaced with the provider's settings, not here.
        let oidc = stored.as_ref().and_then(|stored| stored.oidc.clone());
        let mut push = stored.map(|stored| stored.push).unwrap_or_default();
        if let Some(secret) = &change.push {
            push.insert(0, sealer.seal(&context(&instance.id, "push"), secret.expose())?);
        }
        push.truncate(if change.end_rotation { 1 } else { webhook::SECRETS_MAX });
        if push.is_empty() {
            return Err(missing());
        }
        if change.scim_bearer.is_some() || change.pull.is_some() {
            let opened = |name: &str, envelope: &Envelope| sealer.open(&context(&instance.id, name), envelope);
            let (bearer, pull) = (opened("scim_bearer", &scim_bearer)?, opened("pull", &pull)?);
            self.try_oa(instance, bearer, pull, change.pull_known).await?;
        }
        Ok(OaSecrets { scim_bearer, pull, push, oidc })
    }

    async fn try_oa(
        &self,
        instance: &OaInstance,
        scim_bearer: Secret<String>,
        pull_secret: Secret<String>,
        pull_known: bool,
    ) -> Result<(), Refusal> {
        let settings = Settings { instance: instance.clone(), scim_bearer, pull_secret, oidc_secret: None };
        let oa = Generic::new(settings, self.0.oa_transport.clone(), self.clock().clone(), self.entropy().clone())?;
        match oa.find_users(MatchField::LoginName, "welink-bridge-secret-test").await {
            // It let us in; that it follows no filter is another matter.
            Ok(_) | Err(OaError::Malformed(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if pull_known {
            oa.revoke(&self.new_ticket_id(&instance.id.tenant())).await?;
        }
        Ok(())
    }

    /// Seals the bridge's secret at the OA's OIDC provider, to be stored with the others.
    pub async fn seal_oidc_secret(
        &self,
        instance: &OaInstanceId,
        secret: &Secret<String>,
    ) -> Result<Envelope, Refusal> {
        Ok(self.sealer().await?.seal(&context(instance, "oidc"), secret.expose())?)
    }

    /// An instance's secrets with this one at the OA's OIDC provider, or without any.
    pub async fn with_oidc_secret(
        &self,
        instance: &OaInstanceId,
        secret: Option<&Secret<String>>,
    ) -> Result<OaSecrets, Refusal> {
        let mut secrets = self.stored_oa_secrets(instance).await?;
        secrets.oidc = match secret {
            Some(secret) => Some(self.seal_oidc_secret(instance, secret).await?),
            None => None,
        };
        Ok(secrets)
    }

    async fn stored_oa_secrets(&self, instance: &OaInstanceId) -> Result<OaSecrets, Refusal> {
        let stored = self.store().oa_secrets(instance).await?;
        stored.ok_or_else(|| Refusal::because(problem::SECRET_MISSING, "an OA instance without its secrets"))
    }
}
