//! Reading what a client sends: bodies, names, addresses, homepages. Each complaint names its field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::destination::{CustomLink, DestPrefix};
use domain::model::{Homepage, OaInstance, Tenant};
use domain::problem;
use oa::model::AppList;
use oa::port::Port as _;
use platform::http::lang_of;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use signin::Bridge;
use url::Url;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;

/// Bytes of an import at most: the settings of a large tenant.
pub(crate) const IMPORT_BYTES_MAX: usize = 512 * 1024;

/// The body of a request, as far as the router's limit lets it in; a larger one is refused with a problem document.
#[derive(Debug)]
pub struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let lang = lang_of(&request);
        let refused = match Bytes::from_request(request, state).await {
            Ok(bytes) => return Ok(Self(bytes)),
            Err(rejection) => rejection.into_response().status(),
        };
        let error = if refused == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::from(problem::BODY_TOO_LARGE)
        } else {
            ApiError::body("ended early / 未完整收到")
        };
        Err(error.answer(lang))
    }
}

/// A body that may be larger than those of other routes.
#[derive(Debug)]
pub struct LargeBody(pub(crate) Body);

impl<S: Send + Sync> FromRequest<S> for LargeBody {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        let lang = lang_of(&request);
        match axum::body::to_bytes(request.into_body(), IMPORT_BYTES_MAX).await {
            Ok(bytes) => Ok(Self(Body(bytes))),
            Err(_) => Err(ApiError::from(problem::BODY_TOO_LARGE).answer(lang)),
        }
    }
}

/// What was sent for `T`: a JSON body that is read when its turn comes, after the ids of the address, or a form's
/// fields.
#[derive(Debug)]
pub enum Sent<'a, T> {
    Json(&'a Body),
    Form(T),
}

impl<T: DeserializeOwned> Sent<'_, T> {
    pub fn read(self) -> Result<T, ApiError> {
        match self {
            Self::Json(body) => json(body),
            Self::Form(given) => Ok(given),
        }
    }
}

/// A field that may be absent (as it is), `null` (cleared) or given.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// The name of what is to be deleted, typed once more.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Confirm {
    #[serde(default)]
    #[param(required = true)]
    pub(crate) confirm: String,
}

impl Confirm {
    pub(crate) fn check(&self, name: &str) -> Result<(), ApiError> {
        if self.confirm.trim() == name {
            return Ok(());
        }
        Err(ApiError::field("confirm", "must be the name of what is deleted / 请输入要删除的对象的名称"))
    }
}

/// Reads a JSON body; unknown fields are refused, so that a misspelt one is not silently ignored.
pub fn json<T: DeserializeOwned>(body: &Body) -> Result<T, ApiError> {
    serde_json::from_slice(&body.0).map_err(ApiError::body)
}

/// An empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A body in which nothing is expected: an empty object.
pub fn nothing(body: &Body) -> Result<(), ApiError> {
    json::<Nothing>(body).map(|Nothing {}| ())
}

/// A name: trimmed, 1 to 100 characters, no control characters.
pub fn name(field: &str, text: &str) -> Result<String, ApiError> {
    let trimmed = text.trim();
    let length = trimmed.chars().count();
    if length == 0 || length > NAME_CHARS_MAX {
        return Err(ApiError::field(field, format!("1 to {NAME_CHARS_MAX} characters / 1 至 {NAME_CHARS_MAX} 个字符")));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(ApiError::field(field, "no control characters / 不能包含控制字符"));
    }
    Ok(trimmed.to_owned())
}

/// An absolute https address without user information; plain http on loopback names only.
pub fn address(field: &str, text: &str) -> Result<String, ApiError> {
    let bad = || ApiError::field(field, "must be an https address / 必须是 https 地址");
    let url = Url::parse(text).map_err(|_| bad())?;
    let host = url.host_str().unwrap_or_default();
    let local = host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost");
    let secure = url.scheme() == "https" || (url.scheme() == "http" && local);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if secure && plain && !host.is_empty() { Ok(text.trim_end_matches('/').to_owned()) } else { Err(bad()) }
}

pub fn prefixes(texts: &[String]) -> Result<Vec<DestPrefix>, ApiError> {
    let parse = |text: &String| DestPrefix::parse(text).map_err(|e| ApiError::field("allowed_dest_prefixes", e));
    texts.iter().map(parse).collect()
}

/// A homepage as a client names it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = Homepage)]
pub enum HomepageInput {
    OaApp { oa_app: String },
    CustomLink { link: String },
}

/// Checks a homepage against the OA's applications or the tenant's hosts (product.md ENT-04).
pub async fn homepage(
    bridge: &Bridge,
    tenant: &Tenant,
    instance: &OaInstance,
    input: HomepageInput,
) -> Result<Homepage, ApiError> {
    match input {
        HomepageInput::CustomLink { link } => {
            let link = CustomLink::parse(&link, &tenant.link_hosts);
            Ok(Homepage::CustomLink { link: link.map_err(|e| ApiError::field("homepage.link", e))? })
        }
        HomepageInput::OaApp { oa_app } => {
            let oa = bridge.oa(instance).await?;
            let apps = match oa.apps().await.map_err(signin::Refusal::from)? {
                AppList::Apps(apps) => apps,
                AppList::CustomLinkOnly => {
                    return Err(ApiError::field(
                        "homepage.oa_app",
                        "this OA lists no applications; use a custom link / 该 OA 不提供应用列表，请使用自定义链接",
                    ));
                }
            };
            let found = apps.into_iter().find(|app| app.id.as_str() == oa_app);
            let app = found.ok_or_else(|| {
                ApiError::field("homepage.oa_app", "the OA has no such application / OA 中没有这个应用")
            })?;
            let within = |dest: domain::destination::Destination, which: &str| {
                let checked = dest.within(&instance.allowed_dest_prefixes);
                checked.map_err(|e| ApiError::field("homepage.oa_app", format!("{which}: {e}")))
            };
            Ok(Homepage::OaApp {
                oa_app: app.id,
                name: app.name_zh,
                dest_pc: within(app.dest_pc, "dest_pc")?,
                dest_mobile: within(app.dest_mobile, "dest_mobile")?,
            })
        }
    }
}

/// The problem of an id that names nothing, or something of another tenant: the same for both.
pub fn missing() -> ApiError {
    problem::NOT_FOUND.into()
}
