//! An app's credentials, opened when they are first needed and kept for their version.

use domain::ids::AppId;
use domain::model::App;
use domain::problem;
use platform::secret::Secret;
use welink::Credentials;

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// The envelope context of an app's secret: an envelope copied to another app does not open.
fn context(app: &AppId) -> String {
    format!("{app}/client_secret")
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

    /// Seals an app's secret for storing.
    pub async fn seal_app_secret(
        &self,
        app: &AppId,
        secret: &Secret<String>,
        version: u64,
    ) -> Result<state::secrets::AppSecrets, Refusal> {
        let client_secret = self.sealer().await?.seal(&context(app), secret.expose())?;
        Ok(state::secrets::AppSecrets { client_secret, credentials_version: version })
    }
}
