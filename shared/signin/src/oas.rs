//! The adapter of an OA instance with its secrets, made when first needed and kept for the instance's version.

use std::sync::Arc;

use domain::ids::{OaInstanceId, RANDOM_CHARS};
use domain::model::OaInstance;
use domain::problem;
use oa::Oa;
use oa::generic::{Generic, Settings};
use oa::webhook::WebhookId;
use platform::secret::{Secret, sha256_hex, unhex};
use state::secrets::OaSecrets;

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// What verifies requests of an OA: one secret, or two during rotation.
pub(crate) type PushSecrets = Vec<Secret<String>>;

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
        })
    }

    async fn stored_oa_secrets(&self, instance: &OaInstanceId) -> Result<OaSecrets, Refusal> {
        let stored = self.store().oa_secrets(instance).await?;
        stored.ok_or_else(|| Refusal::because(problem::UNAVAILABLE, "an OA instance without its secrets"))
    }
}
