//! `/v1/oa-instances`: OA installations of a tenant.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::destination::Refused;
use domain::history::Setting;
use domain::ids::{OaInstanceId, OidcClientId, RANDOM_CHARS};
use domain::model::{App, BindingMode, Homepage, OaInstance, OaSecretsSet, OidcClient, TicketDelivery};
use domain::problem;
use oa::model::AppList;
use oa::port::Port as _;
use oa::webhook;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};
use signin::{Bridge, Refusal};
use state::config::{Saved, TenantConfig};
use state::secrets::OaSecrets;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{Confirm, Sent};
use crate::openapi::values;
use crate::users::{self, Thing};
use crate::{input, plain, tenants};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOaInstance)]
pub(crate) struct NewInstance {
    pub(crate) name: String,
    pub(crate) base: String,
    pub(crate) scim_base: String,
    pub(crate) scim_bearer: String,
    pub(crate) sso_landing: String,
    #[serde(default)]
    pub(crate) start_url: Option<String>,
    #[serde(default)]
    pub(crate) revoke_url: Option<String>,
    #[serde(default)]
    pub(crate) verify_url: Option<String>,
    #[serde(default)]
    #[schema(value_type = values::BindingMode)]
    pub(crate) binding_mode: BindingMode,
    /// The OA's OIDC provider, for `binding_mode` `redirect` and `both`.
    #[serde(default)]
    pub(crate) oidc: Option<NewOidc>,
    #[serde(default)]
    #[schema(value_type = values::TicketDelivery)]
    pub(crate) ticket_delivery: TicketDelivery,
    pub(crate) allowed_dest_prefixes: Vec<String>,
    /// `whsec_…`; made by the bridge when absent.
    #[serde(default)]
    pub(crate) push_secret: Option<String>,
    #[serde(default)]
    pub(crate) pull_secret: Option<String>,
}

/// How the bridge is registered at the OA's OIDC provider, with `{origin}/bind/callback` as its redirect address. The
/// provider names its users (`sub`) by the ids of the OA's SCIM directory (oa-api.md C.3).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOidc {
    /// Exactly as the provider's metadata spells it.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

/// The answer to a creation: the only time that the two webhook secrets are shown.
#[derive(Serialize)]
pub(crate) struct Created {
    #[serde(flatten)]
    pub(crate) instance: OaInstance,
    /// The OA signs its requests to the bridge with it.
    pub(crate) push_secret: String,
    /// The OA verifies the bridge's requests with it.
    pub(crate) pull_secret: String,
}

#[derive(Serialize)]
pub(crate) struct AppView {
    pub(crate) id: String,
    pub(crate) name_zh: String,
    pub(crate) name_en: String,
    pub(crate) dest_pc: String,
    pub(crate) dest_mobile: String,
}

pub async fn list(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match tenants::find(&bridge, &actor, &tenant).await {
        Ok(config) => Json(&config.oa_instances).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(instance): Path<String>) -> Response {
    match find(&bridge, &actor, &instance).await {
        Ok(instance) => Json(instance).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The OA's homepage-type applications, read from the OA now.
pub async fn apps(State(bridge): State<Bridge>, actor: Actor, Path(instance): Path<String>) -> Response {
    match read_apps(&bridge, &actor, &instance).await {
        Ok(apps) => Json(apps).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn create(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    body: input::Body,
) -> Response {
    match make(&bridge, &actor, &tenant, Sent::Json(&body)).await {
        Ok(created) => (StatusCode::CREATED, Json(created)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn make(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, NewInstance>,
) -> Result<Created, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let new = sent.read()?;
    let optional = |field, text: Option<String>| text.map(|text| input::address(field, &text)).transpose();
    let (oidc, oidc_secret) = new.oidc.map(registration).transpose()?.unzip();
    let instance = OaInstance {
        id: OaInstanceId::from_random(&config.tenant.id, bridge.entropy().bytes::<RANDOM_CHARS>()),
        name: input::name("name", &new.name)?,
        base: input::address("base", &new.base)?,
        scim_base: input::address("scim_base", &new.scim_base)?,
        sso_profile: domain::model::SsoProfile::Ticket,
        sso_landing: input::address("sso_landing", &new.sso_landing)?,
        ticket_delivery: new.ticket_delivery,
        start_url: optional("start_url", new.start_url)?,
        revoke_url: optional("revoke_url", new.revoke_url)?,
        verify_url: optional("verify_url", new.verify_url)?,
        binding_mode: new.binding_mode,
        allowed_dest_prefixes: input::prefixes(&new.allowed_dest_prefixes)?,
        secrets: OaSecretsSet {
            scim_bearer: Some(actor.stamp(bridge)),
            push: Some(actor.stamp(bridge)),
            push_rotating: false,
            pull: Some(actor.stamp(bridge)),
            oidc: oidc.is_some().then(|| actor.stamp(bridge)),
        },
        oidc,
        created: actor.stamp(bridge),
        version: 0,
    };
    check_binding(&instance)?;
    let push = webhook_secret(bridge, "push_secret", new.push_secret)?;
    let pull = webhook_secret(bridge, "pull_secret", new.pull_secret)?;
    let bearer = Secret::new(new.scim_bearer);
    if bearer.expose().is_empty() {
        return Err(ApiError::field("scim_bearer", "must not be empty / 不能为空"));
    }
    let mut secrets = bridge.seal_oa_secrets(&instance.id, &bearer, &pull, &push).await?;
    if let Some(secret) = &oidc_secret {
        secrets.oidc = Some(bridge.seal_oidc_secret(&instance.id, secret).await?);
    }
    let entry = actor.entry(bridge, config.tenant.id.clone(), Action::OaInstanceCreate, instance.id.as_str());
    done(bridge.store().create_oa_instance(&instance, &secrets, &entry).await?)?;
    Ok(Created { instance, push_secret: push.expose().clone(), pull_secret: pull.expose().clone() })
}

pub(crate) fn done(saved: Saved) -> Result<(), ApiError> {
    match saved {
        Saved::Done => Ok(()),
        Saved::NameTaken => Err(problem::NAME_TAKEN.into()),
        Saved::ClientIdTaken | Saved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// A change of an OA instance; what is absent stays as it is, and an optional address is cleared by `null` or an empty
/// text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OaInstanceChange)]
pub(crate) struct Change {
    /// The version that the change is based on.
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) base: Option<String>,
    #[serde(default)]
    pub(crate) scim_base: Option<String>,
    #[serde(default)]
    pub(crate) sso_landing: Option<String>,
    #[serde(default, deserialize_with = "input::given")]
    #[expect(clippy::option_option, reason = "absent, null and an address are three things")]
    #[schema(value_type = Option<String>)]
    pub(crate) start_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "input::given")]
    #[expect(clippy::option_option, reason = "absent, null and an address are three things")]
    #[schema(value_type = Option<String>)]
    pub(crate) revoke_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "input::given")]
    #[expect(clippy::option_option, reason = "absent, null and an address are three things")]
    #[schema(value_type = Option<String>)]
    pub(crate) verify_url: Option<Option<String>>,
    #[serde(default)]
    #[schema(value_type = Option<values::BindingMode>)]
    pub(crate) binding_mode: Option<BindingMode>,
    /// The OA's OIDC provider, whole, with the secret; `null` clears it.
    #[serde(default, deserialize_with = "input::given")]
    #[expect(clippy::option_option, reason = "absent, null and a provider are three things")]
    #[schema(value_type = Option<NewOidc>)]
    pub(crate) oidc: Option<Option<NewOidc>>,
    #[serde(default)]
    #[schema(value_type = Option<values::TicketDelivery>)]
    pub(crate) ticket_delivery: Option<TicketDelivery>,
    #[serde(default)]
    pub(crate) allowed_dest_prefixes: Option<Vec<String>>,
}

pub async fn change(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(instance): Path<String>,
    body: input::Body,
) -> Response {
    match apply(&bridge, &actor, &instance, Sent::Json(&body)).await {
        Ok(instance) => Json(instance).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn apply(
    bridge: &Bridge,
    actor: &Actor,
    instance: &str,
    sent: Sent<'_, Change>,
) -> Result<OaInstance, ApiError> {
    let mut after = find(bridge, actor, instance).await?;
    let config = actor.config(bridge, &after.id.tenant()).await?;
    let change = sent.read()?;
    if change.version != after.version {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    if let Some(name) = &change.name {
        after.name = input::name("name", name)?;
    }
    for (field, given, kept) in [
        ("base", &change.base, &mut after.base),
        ("scim_base", &change.scim_base, &mut after.scim_base),
        ("sso_landing", &change.sso_landing, &mut after.sso_landing),
    ] {
        if let Some(text) = given {
            *kept = input::address(field, text)?;
        }
    }
    for (field, given, kept) in [
        ("start_url", &change.start_url, &mut after.start_url),
        ("revoke_url", &change.revoke_url, &mut after.revoke_url),
        ("verify_url", &change.verify_url, &mut after.verify_url),
    ] {
        if let Some(given) = given {
            let text = given.as_deref().filter(|text| !text.trim().is_empty());
            *kept = text.map(|text| input::address(field, text)).transpose()?;
        }
    }
    after.binding_mode = change.binding_mode.unwrap_or(after.binding_mode);
    after.ticket_delivery = change.ticket_delivery.unwrap_or(after.ticket_delivery);
    if let Some(prefixes) = &change.allowed_dest_prefixes {
        after.allowed_dest_prefixes = input::prefixes(prefixes)?;
    }
    let mut entry = actor.entry(bridge, after.id.tenant(), Action::OaInstanceUpdate, after.id.as_str());
    let Some(oidc) = change.oidc else { return save(bridge, &config, after, entry).await };
    let (oidc, secret) = oidc.map(registration).transpose()?.unzip();
    after.oidc = oidc;
    after.secrets.oidc = secret.is_some().then(|| actor.stamp(bridge));
    let secrets = bridge.with_oidc_secret(&after.id, secret.as_ref()).await?;
    let what = if secret.is_some() { "replaced" } else { "removed" };
    entry.detail.insert("oidc.client_secret".to_owned(), what.to_owned());
    save_with(bridge, &config, after, Some(secrets), entry).await
}

/// Saves other settings of an OA instance, after all checks.
pub(crate) async fn save(
    bridge: &Bridge,
    config: &TenantConfig,
    after: OaInstance,
    entry: Entry,
) -> Result<OaInstance, ApiError> {
    save_with(bridge, config, after, None, entry).await
}

/// The same, with other secrets.
async fn save_with(
    bridge: &Bridge,
    config: &TenantConfig,
    mut after: OaInstance,
    secrets: Option<OaSecrets>,
    mut entry: Entry,
) -> Result<OaInstance, ApiError> {
    let before = config.oa_instance(&after.id).ok_or_else(input::missing)?;
    check(&after, config)?;
    after.version += 1;
    plain::note(&mut entry, &Setting::OaInstance(before.clone()), &Setting::OaInstance(after.clone()));
    done(bridge.store().update_oa_instance(&after, secrets.as_ref(), &entry).await?)?;
    Ok(after)
}

/// An OA instance's settings by themselves, and with the apps of the tenant: a page that an app opens stays allowed.
pub(crate) fn check(instance: &OaInstance, config: &TenantConfig) -> Result<(), ApiError> {
    input::name("name", &instance.name)?;
    input::address("base", &instance.base)?;
    input::address("scim_base", &instance.scim_base)?;
    input::address("sso_landing", &instance.sso_landing)?;
    for (field, url) in
        [("start_url", &instance.start_url), ("revoke_url", &instance.revoke_url), ("verify_url", &instance.verify_url)]
    {
        url.as_deref().map(|url| input::address(field, url)).transpose()?;
    }
    instance.oidc.as_ref().map(|oidc| check_issuer(&oidc.issuer)).transpose()?;
    check_binding(instance)?;
    let of_instance = |app: &&App| config.enterprise(&app.enterprise).is_some_and(|e| e.oa_instance == instance.id);
    for app in config.apps.iter().filter(of_instance) {
        let Homepage::OaApp { dest_pc, dest_mobile, .. } = &app.homepage else { continue };
        for dest in [dest_pc, dest_mobile] {
            let reason = |why: Refused| format!("{} ({}) {dest}: {why}", app.name, app.id);
            let within = dest.clone().within(&instance.allowed_dest_prefixes);
            within.map_err(|why| ApiError::field("allowed_dest_prefixes", reason(why)))?;
        }
    }
    Ok(())
}

pub async fn delete(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(instance): Path<String>,
    Query(confirm): Query<Confirm>,
) -> Response {
    match remove(&bridge, &actor, &instance, &confirm).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Deletes an OA instance that nothing uses, with its secrets. The OA is not called.
pub(crate) async fn remove(bridge: &Bridge, actor: &Actor, instance: &str, confirm: &Confirm) -> Result<(), ApiError> {
    let found = find(bridge, actor, instance).await?;
    // The mark first: whoever comes to use the instance after it makes the deletion fail.
    let mark = bridge.store().oa_instance_mark(&found.id).await?.ok_or_else(input::missing)?;
    let config = actor.config(bridge, &found.id.tenant()).await?;
    let instance = config.oa_instance(&found.id).ok_or_else(input::missing)?;
    confirm.check(&instance.name)?;
    users::none_of(bridge, &config, Thing::OaInstance(instance)).await?;
    let mut entry = actor.entry(bridge, instance.id.tenant(), Action::OaInstanceDelete, instance.id.as_str());
    entry.detail.insert("name".to_owned(), instance.name.clone());
    done(bridge.store().delete_oa_instance(instance, &mark, &entry).await?)
}

/// Reads how the bridge is registered at the OA's provider: the settings, and the secret apart from them.
fn registration(new: NewOidc) -> Result<(OidcClient, Secret<String>), ApiError> {
    let secret = Secret::new(new.client_secret);
    check_issuer(&new.issuer)?;
    let client_id = OidcClientId::parse(new.client_id.trim()).map_err(|e| ApiError::field("oidc.client_id", e))?;
    if secret.expose().is_empty() {
        return Err(ApiError::field("oidc.client_secret", "must not be empty / 不能为空"));
    }
    // As it was written: the provider's metadata and tokens must spell it alike, a slash at the end included.
    Ok((OidcClient { issuer: new.issuer, client_id }, secret))
}

fn check_issuer(issuer: &str) -> Result<(), ApiError> {
    input::address("oidc.issuer", issuer)?;
    if issuer.contains('?') {
        return Err(ApiError::field("oidc.issuer", "no query / 不能包含查询参数"));
    }
    Ok(())
}

/// A mode is taken only with the settings that it works by (oa-api.md C.3).
fn check_binding(instance: &OaInstance) -> Result<(), ApiError> {
    if instance.binding_mode.redirects() && instance.oidc.is_none() {
        return Err(ApiError::field(
            "oidc",
            "binding_mode redirect and both need the OA's OIDC provider: issuer, client_id, client_secret / \
             binding_mode 为 redirect 或 both 时，必须填写 OA 的 OIDC 配置：issuer、client_id、client_secret",
        ));
    }
    if instance.binding_mode.checks_passwords() && instance.verify_url.is_none() {
        return Err(ApiError::field(
            "verify_url",
            "binding_mode password and both need the address that checks passwords / \
             binding_mode 为 password 或 both 时，必须填写校验密码的地址",
        ));
    }
    Ok(())
}

pub(crate) fn webhook_secret(bridge: &Bridge, field: &str, given: Option<String>) -> Result<Secret<String>, ApiError> {
    let Some(text) = given else { return Ok(webhook::new_secret(bridge.entropy())) };
    let secret = Secret::new(text);
    let reason = "whsec_ and base64 of 24 to 64 bytes / 应为 whsec_ 加 24 至 64 字节的 base64";
    webhook::check_secret(&secret).map_err(|_| ApiError::field(field, reason))?;
    Ok(secret)
}

pub(crate) async fn read_apps(bridge: &Bridge, actor: &Actor, instance: &str) -> Result<Vec<AppView>, ApiError> {
    let instance = find(bridge, actor, instance).await?;
    let oa = bridge.oa(&instance).await?;
    let AppList::Apps(apps) = oa.apps().await.map_err(Refusal::from)? else { return Ok(Vec::new()) };
    let view = |app: oa::model::OaApp| AppView {
        id: app.id.into(),
        name_zh: app.name_zh,
        name_en: app.name_en,
        dest_pc: app.dest_pc.into(),
        dest_mobile: app.dest_mobile.into(),
    };
    Ok(apps.into_iter().map(view).collect())
}

pub(crate) async fn find(bridge: &Bridge, actor: &Actor, instance: &str) -> Result<OaInstance, ApiError> {
    let id = OaInstanceId::parse(instance).map_err(|_| input::missing())?;
    let config = actor.config(bridge, &id.tenant()).await?;
    config.oa_instance(&id).cloned().ok_or_else(input::missing)
}
