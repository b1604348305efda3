//! `/v1/oa-instances/{instance}/secrets`: the secrets between the bridge and one OA. They go in and never come out, but
//! for one that the bridge has just made (product.md C21).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::model::OaInstance;
use domain::problem;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};
use signin::{Bridge, OaSecretChange};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::oa_instances::{self, webhook_secret};

/// New secrets; what is absent stays as it is, and what was never set is made by the bridge.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSecrets {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) scim_bearer: Option<String>,
    /// `whsec_…`, to be entered in the OA as well; the one before it goes on verifying until the rotation ends.
    #[serde(default)]
    pub(crate) push_secret: Option<String>,
    /// `whsec_…`, entered in the OA before: it is tried there.
    #[serde(default)]
    pub(crate) pull_secret: Option<String>,
    /// From now on only the newest push secret verifies.
    #[serde(default)]
    pub(crate) end_rotation: bool,
}

/// The answer: the secrets that the bridge made, this once.
#[derive(Serialize)]
pub(crate) struct Replaced {
    #[serde(flatten)]
    pub(crate) instance: OaInstance,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) push_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_secret: Option<String>,
}

pub async fn save(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(instance): Path<String>,
    body: input::Body,
) -> Response {
    match replace(&bridge, &actor, &instance, Sent::Json(&body)).await {
        Ok(replaced) => Json(replaced).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Replaces the secrets that are given, after a test that the OA takes them.
pub(crate) async fn replace(
    bridge: &Bridge,
    actor: &Actor,
    instance: &str,
    sent: Sent<'_, NewSecrets>,
) -> Result<Replaced, ApiError> {
    let mut instance = oa_instances::find(bridge, actor, instance).await?;
    let new = sent.read()?;
    if new.version != instance.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    // What is stored is stored together; an instance of an older release has no marks of it.
    let is_set = bridge.store().oa_secrets(&instance.id).await?.is_some();
    let bearer = new.scim_bearer.map(|text| Secret::new(text.trim().to_owned()));
    if (bearer.is_none() && !is_set) || bearer.as_ref().is_some_and(|bearer| bearer.expose().is_empty()) {
        return Err(ApiError::field("scim_bearer", "must not be empty / 不能为空"));
    }
    let pull_known = new.pull_secret.is_some();
    let secret = |field: &str, given: Option<String>| {
        let wanted = given.is_some() || !is_set;
        wanted.then(|| webhook_secret(bridge, field, given)).transpose()
    };
    let push_made = new.push_secret.is_none();
    let push = secret("push_secret", new.push_secret)?;
    let pull = secret("pull_secret", new.pull_secret)?;
    let change = OaSecretChange { scim_bearer: bearer, pull, pull_known, push, end_rotation: new.end_rotation };
    let secrets = bridge.change_oa_secrets(&instance, &change).await?;
    let mut entry = actor.entry(bridge, instance.id.tenant(), Action::OaInstanceSecrets, instance.id.as_str());
    let set = &mut instance.secrets;
    for (name, given, kept) in [
        ("scim_bearer", change.scim_bearer.is_some(), &mut set.scim_bearer),
        ("push_secret", change.push.is_some(), &mut set.push),
        ("pull_secret", change.pull.is_some(), &mut set.pull),
    ] {
        if given {
            *kept = Some(actor.stamp(bridge));
            entry.detail.insert(name.to_owned(), "replaced".to_owned());
        }
    }
    set.push_rotating = secrets.push.len() > 1;
    if new.end_rotation {
        entry.detail.insert("end_rotation".to_owned(), "true".to_owned());
    }
    instance.version += 1;
    oa_instances::done(bridge.store().update_oa_instance(&instance, Some(&secrets), &entry).await?)?;
    let shown = |made: bool, secret: Option<Secret<String>>| secret.filter(|_| made).map(|s| s.expose().clone());
    let (push_secret, pull_secret) = (shown(push_made, change.push), shown(!pull_known, change.pull));
    Ok(Replaced { instance, push_secret, pull_secret })
}
