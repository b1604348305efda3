//! An app's credentials, opened when they are first needed and kept for their version.

use std::sync::Arc;

use domain::ids::AppId;
use domain::model::App;
use domain::problem;
use platform::secret::Secret;
use state::secrets::{AppSecrets, CallbackSecret, SealedApp};
use welink::Credentials;
use welink::callback::CallbackKey;

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// The envelope context of an app's secret: an envelope copied to another app does not open.
fn context(app: &AppId) -> String {
    format!("{app}/client_secret")
}

fn callback_context(app: &AppId) -> String {
    format!("{app}/callback_key")
}

impl Bridge {
    /// The credentials that `app` has now.
    pub async fn credentials(&self, app: &App) -> Result<Credentials, Refusal> {
        if let Some(known) = self.0.credentials.get(&app.id, app.credentials_version) {
            return Ok(known);
        }
        let stored = self.store().app_secrets(&app.id).await?;
        let stored = stored.ok_or_else(|| Refusal::because(problem::SECRET_MISSING, "an app without its secret"))?;
        let secret = self.sealer().await?.open(&context(&app.id), &stored.client_secret)?;
        let credentials = Credentials {
            app: app.id.clone(),
            client_id: app.client_id.clone(),
            client_secret: secret,
            version: stored.credentials_version,
        };
        // Kept under the version that the secret was stored with: a rotation between two reads is met at the next one.
        self.0.credentials.put(app.id.clone(), stored.credentials_version, credentials.clone());
        Ok(credentials)
    }

    /// What opens WeLink's callbacks of `app`; `None` when its secret was saved before callbacks were taken.
    pub async fn callback_key(&self, app: &App) -> Result<Option<Arc<CallbackKey>>, Refusal> {
        if let Some(known) = self.0.callback_keys.get(&app.id, app.credentials_version) {
            return Ok(Some(known));
        }
        let Some(stored) = self.store().callback_secret(&app.id).await? else { return Ok(None) };
        let opened = self.sealer().await?.open(&callback_context(&app.id), &stored.key)?;
        let key = CallbackKey::from_hex(&opened)
            .ok_or_else(|| Refusal::because(problem::UNAVAILABLE, "a stored callback key is none"))?;
        let key = Arc::new(key);
        self.0.callback_keys.put(app.id.clone(), stored.credentials_version, Arc::clone(&key));
        Ok(Some(key))
    }

    /// Seals an app's secret for storing, and apart from it what opens its callbacks.
    pub async fn seal_app_secret(
        &self,
        app: &AppId,
        secret: &Secret<String>,
        version: u64,
    ) -> Result<SealedApp, Refusal> {
        let sealer = self.sealer().await?;
        let client_secret = sealer.seal(&context(app), secret.expose())?;
        let key = sealer.seal(&callback_context(app), CallbackKey::of(secret).to_hex().expose())?;
        Ok(SealedApp {
            secrets: AppSecrets { client_secret, credentials_version: version },
            callback: CallbackSecret { key, credentials_version: version },
        })
    }
}
