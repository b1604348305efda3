//! `/v1/tenants/{tenant}/settings`: all settings of a tenant as one document, and the way back into an empty tenant, of
//! this bridge or another (product.md ADM-07). Things refer to each other by name; no secret is in it.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::history::Setting;
use domain::ids::{AppId, EnterpriseId, OaInstanceId, RANDOM_CHARS};
use domain::model::{App, BrowserSignIn, Enterprise, OaInstance, OaSecretsSet, Tenant};
use domain::problem;
use domain::push::rule::Rules;
use domain::qr::ScanLogin;
use platform::secret::sha256_hex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use signin::Bridge;
use state::config::{Saved, TenantConfig};
use state::import::Import;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, LargeBody, Sent};
use crate::{oa_instances, plain, scan_login, tenants};

/// Counts what the document means; a reader refuses any other.
const FORMAT: u32 = 1;
/// Things of one document at most, all kinds together.
const THINGS_MAX: usize = 1_000;

type Fields = Map<String, Value>;

/// All settings of a tenant.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettingsDocument)]
pub(crate) struct Document {
    pub(crate) format: u32,
    #[schema(value_type = Object)]
    pub(crate) tenant: Fields,
    /// By name.
    #[schema(value_type = Vec<Object>)]
    pub(crate) oa_instances: Vec<Fields>,
    /// By name; `oa_instance` is the name of one above.
    #[schema(value_type = Vec<Object>)]
    pub(crate) enterprises: Vec<Fields>,
    /// By enterprise and `client_id`; `enterprise` is the name of one above.
    #[schema(value_type = Vec<Object>)]
    pub(crate) apps: Vec<Fields>,
    /// `apps` are `client_id`s of those above.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) scan_login: Fields,
}

/// What an import wrote.
#[derive(Debug, Serialize)]
pub(crate) struct Imported {
    pub(crate) oa_instances: usize,
    pub(crate) enterprises: usize,
    pub(crate) apps: usize,
}

pub async fn export(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match document(&bridge, &actor, &tenant).await {
        Ok(document) => Json(document).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn import(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    body: LargeBody,
) -> Response {
    match take(&bridge, &actor, &tenant, Sent::Json(&body.0)).await {
        Ok(imported) => Json(imported).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn document(bridge: &Bridge, actor: &Actor, tenant: &str) -> Result<Document, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let mut oa_instances: Vec<&OaInstance> = config.oa_instances.iter().collect();
    oa_instances.sort_by(|a, b| a.name.cmp(&b.name));
    let mut enterprises: Vec<&Enterprise> = config.enterprises.iter().collect();
    enterprises.sort_by(|a, b| a.name.cmp(&b.name));
    let of = |app: &App| config.enterprise(&app.enterprise).map(|e| e.name.clone()).unwrap_or_default();
    let mut apps: Vec<(String, &App)> = config.apps.iter().map(|app| (of(app), app)).collect();
    apps.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.client_id.cmp(&y.client_id)));
    let enterprise = |enterprise: &Enterprise| {
        let mut fields = plain::portable(&Setting::Enterprise(enterprise.clone()));
        let instance = config.oa_instance(&enterprise.oa_instance).map(|instance| instance.name.clone());
        fields.insert("oa_instance".to_owned(), instance.into());
        fields
    };
    let app = |(enterprise, app): (String, &App)| {
        let mut fields = plain::portable(&Setting::App(app.clone()));
        fields.insert("enterprise".to_owned(), enterprise.into());
        fields
    };
    Ok(Document {
        format: FORMAT,
        tenant: plain::portable(&Setting::Tenant(config.tenant.clone())),
        oa_instances: oa_instances.into_iter().map(|i| plain::portable(&Setting::OaInstance(i.clone()))).collect(),
        enterprises: enterprises.into_iter().map(enterprise).collect(),
        apps: apps.into_iter().map(app).collect(),
        scan_login: scans(&config),
    })
}

fn scans(config: &TenantConfig) -> Fields {
    let mut fields = plain::portable(&Setting::ScanLogin(config.scan_login.clone()));
    let apps = config.scan_login.apps.iter().filter_map(|id| config.app(id));
    let clients: Vec<&str> = apps.map(|app| app.client_id.as_str()).collect();
    fields.insert("apps".to_owned(), json!(clients));
    fields
}

/// Imports a document into an empty tenant, or continues an import of the same document that was interrupted.
pub(crate) async fn take(
    bridge: &Bridge,
    actor: &Actor,
    tenant: &str,
    sent: Sent<'_, Document>,
) -> Result<Imported, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let document = sent.read()?;
    if document.format != FORMAT {
        return Err(ApiError::field("format", format!("must be {FORMAT} / 应为 {FORMAT}")));
    }
    if document.oa_instances.len() + document.enterprises.len() + document.apps.len() > THINGS_MAX {
        return Err(ApiError::field("document", format!("at most {THINGS_MAX} things / 最多 {THINGS_MAX} 项")));
    }
    let digest = sha256_hex(&json!(document).to_string());
    let empty = config.oa_instances.is_empty() && config.enterprises.is_empty() && config.apps.is_empty();
    if !empty && bridge.store().interrupted_import(&config.tenant.id).await?.as_ref() != Some(&digest) {
        return Err(problem::NOT_EMPTY.into());
    }
    let wanted = Reader { bridge, actor, config: &config }.read(&document)?;
    check(bridge, &wanted).await?;
    let counts = (wanted.oa_instances.len(), wanted.enterprises.len(), wanted.apps.len());
    let mut entry = actor.entry(bridge, config.tenant.id.clone(), Action::SettingsImport, config.tenant.id.as_str());
    entry.detail.insert("sha256".to_owned(), digest.clone());
    let TenantConfig { mut tenant, mut oa_instances, mut enterprises, mut apps, scan_login, syncs: _, rules: _ } =
        wanted;
    tenant.version += 1;
    // What an interrupted run has written stays as it is.
    oa_instances.retain(|instance| config.oa_instance(&instance.id).is_none());
    enterprises.retain(|enterprise| config.enterprise(&enterprise.id).is_none());
    apps.retain(|app| config.app(&app.id).is_none());
    let scan_login = (scan_login.version > 0 && config.scan_login.version == 0).then_some(scan_login);
    let before = config.tenant.clone();
    let import = Import { before, tenant, oa_instances, enterprises, apps, scan_login, digest };
    match bridge.store().import(&import, &entry).await? {
        Saved::Done => Ok(Imported { oa_instances: counts.0, enterprises: counts.1, apps: counts.2 }),
        Saved::NameTaken => Err(problem::NAME_TAKEN.into()),
        Saved::ClientIdTaken => Err(problem::CLIENT_ID_TAKEN.into()),
        Saved::Changed => Err(problem::CHANGED_MEANWHILE.into()),
    }
}

/// Makes things of a document.
struct Reader<'a> {
    bridge: &'a Bridge,
    actor: &'a Actor,
    /// What there is: a thing of the same name keeps its id.
    config: &'a TenantConfig,
}

impl Reader<'_> {
    fn read(&self, document: &Document) -> Result<TenantConfig, ApiError> {
        let bytes = || self.bridge.entropy().bytes::<RANDOM_CHARS>();
        let id = &self.config.tenant.id;
        let (stamp, created) = (self.actor.stamp(self.bridge), &self.config.tenant.created);
        let own = json!({ "id": id, "created": created, "version": self.config.tenant.version });
        let tenant: Tenant = thing("tenant", &document.tenant, &own, Setting::Tenant)?;
        let mut read = TenantConfig {
            tenant,
            oa_instances: vec![],
            enterprises: vec![],
            apps: vec![],
            scan_login: ScanLogin::default(),
            // Not carried: they are set up with the WeLink that they are about.
            syncs: vec![],
            rules: Rules::default(),
        };
        for (n, fields) in document.oa_instances.iter().enumerate() {
            let known = self.config.oa_instances.iter().find(|known| known.name == text(fields, "name"));
            let id = known.map_or_else(|| OaInstanceId::from_random(id, bytes()), |known| known.id.clone());
            let secrets = OaSecretsSet::default();
            let own = json!({ "id": id, "created": stamp, "version": 0, "secrets": secrets });
            let place = format!("oa_instances[{n}]");
            read.oa_instances.push(thing(&place, fields, &own, Setting::OaInstance)?);
        }
        for (n, fields) in document.enterprises.iter().enumerate() {
            let place = format!("enterprises[{n}]");
            let named = read.oa_instances.iter().find(|instance| instance.name == text(fields, "oa_instance"));
            let instance = named.ok_or_else(|| nobody(&place, "oa_instance"))?;
            let known = self.config.enterprises.iter().find(|known| known.name == text(fields, "name"));
            let id = known.map_or_else(|| EnterpriseId::from_random(id, bytes()), |known| known.id.clone());
            let own = json!({ "id": id, "created": stamp, "version": 0, "oa_instance": instance.id });
            read.enterprises.push(thing(&place, &without(fields, "oa_instance"), &own, Setting::Enterprise)?);
        }
        for (n, fields) in document.apps.iter().enumerate() {
            let place = format!("apps[{n}]");
            let named = read.enterprises.iter().find(|enterprise| enterprise.name == text(fields, "enterprise"));
            let enterprise = named.ok_or_else(|| nobody(&place, "enterprise"))?;
            let known = self.config.apps.iter().find(|known| known.client_id.as_str() == text(fields, "client_id"));
            let id = known.map_or_else(|| AppId::from_random(id, bytes()), |known| known.id.clone());
            // Neither its secret nor the address of its browser sign-in is known here.
            let own = json!({
                "id": id, "created": stamp, "version": 0, "enterprise": enterprise.id, "secret_set": null,
                "credentials_version": 0, "browser": BrowserSignIn::default(),
            });
            read.apps.push(thing(&place, &without(fields, "enterprise"), &own, Setting::App)?);
        }
        read.scan_login = self.scan_login(&read, &document.scan_login)?;
        Ok(read)
    }

    /// Settings of scan login that nobody has touched are not written.
    fn scan_login(&self, read: &TenantConfig, fields: &Fields) -> Result<ScanLogin, ApiError> {
        if fields.is_empty() || *fields == scans(&TenantConfig { scan_login: ScanLogin::default(), ..read.clone() }) {
            return Ok(ScanLogin::default());
        }
        let clients = fields.get("apps").and_then(Value::as_array).into_iter().flatten();
        let of = |client: &Value| read.apps.iter().find(|app| Some(app.client_id.as_str()) == client.as_str());
        let apps = clients.map(|client| of(client).map(|app| &app.id)).collect::<Option<Vec<_>>>();
        let apps = apps.ok_or_else(|| nobody("scan_login", "apps"))?;
        let own = json!({ "apps": apps, "changed": self.actor.stamp(self.bridge), "version": 1 });
        thing("scan_login", &without(fields, "apps"), &own, Setting::ScanLogin)
    }
}

/// A thing of what the document says of it and what the bridge keeps for itself. A field that is none of its settings
/// is refused: it would be lost.
fn thing<T>(place: &str, given: &Fields, own: &Value, wrap: impl Fn(T) -> Setting) -> Result<T, ApiError>
where
    T: DeserializeOwned + Clone,
{
    let mut fields = given.clone();
    if let Value::Object(own) = own {
        fields.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    let thing: T = serde_json::from_value(Value::Object(fields)).map_err(|e| ApiError::field(place, e))?;
    let kept = Value::Object(plain::portable(&wrap(thing.clone())));
    let lost = given.iter().find(|(name, value)| !kept.get(name.as_str()).is_some_and(|kept| covers(kept, value)));
    match lost {
        None => Ok(thing),
        Some((name, _)) => {
            let reason = "no such setting, or not in its plain form / 没有这个设置，或写法不规范";
            Err(ApiError::field(name, reason).below(place))
        }
    }
}

/// Whether everything that was given is among what was kept.
pub(crate) fn covers(kept: &Value, given: &Value) -> bool {
    match (kept, given) {
        (Value::Object(kept), Value::Object(given)) => {
            given.iter().all(|(name, value)| kept.get(name).is_some_and(|kept| covers(kept, value)))
        }
        (kept, given) => kept == given,
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn without(fields: &Fields, name: &str) -> Fields {
    let mut fields = fields.clone();
    fields.remove(name);
    fields
}

fn nobody(place: &str, field: &str) -> ApiError {
    ApiError::field(field, "nothing in the document has this name / 文件中没有这个名称").below(place)
}

/// Everything that an ordinary save checks but what only the OA and WeLink can say: without their secrets they are not
/// asked.
async fn check(bridge: &Bridge, wanted: &TenantConfig) -> Result<(), ApiError> {
    tenants::check(&wanted.tenant, &wanted.apps).map_err(|error| error.below("tenant"))?;
    let taken = |place: &str| ApiError::field("name", "the name stands there twice / 名称重复").below(place);
    let mut names = BTreeSet::new();
    for (n, instance) in wanted.oa_instances.iter().enumerate() {
        let place = format!("oa_instances[{n}]");
        oa_instances::check(instance, wanted).map_err(|error| error.below(&place))?;
        plain_name(&place, &instance.name)?;
        if !names.insert(instance.name.to_lowercase()) {
            return Err(taken(&place));
        }
    }
    names.clear();
    for (n, enterprise) in wanted.enterprises.iter().enumerate() {
        let place = format!("enterprises[{n}]");
        plain_name(&place, &enterprise.name)?;
        if !names.insert(enterprise.name.to_lowercase()) {
            return Err(taken(&place));
        }
    }
    scan_login::check(wanted, &wanted.scan_login).map_err(|error| error.below("scan_login"))?;
    let mut clients = BTreeSet::new();
    for (n, app) in wanted.apps.iter().enumerate() {
        let place = format!("apps[{n}]");
        plain_name(&place, &app.name)?;
        let owner = bridge.store().client_owner(&app.client_id).await?;
        if owner.is_some_and(|owner| owner != app.id.as_str()) || !clients.insert(&app.client_id) {
            return Err(problem::CLIENT_ID_TAKEN.into());
        }
    }
    Ok(())
}

fn plain_name(place: &str, name: &str) -> Result<(), ApiError> {
    let trimmed = input::name("name", name).map_err(|error| error.below(place))?;
    if trimmed == name {
        return Ok(());
    }
    Err(ApiError::field("name", "no blanks at its ends / 首尾不能有空格").below(place))
}
