//! Who may use this API: whoever holds the operator key (256 random bits, stored as a hash).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use domain::audit::{Action, Entry};
use domain::ids::TenantId;
use domain::lockout::OPERATOR_KEY;
use domain::model::Stamp;
use domain::problem;
use domain::text::Lang;
use platform::http::{ClientAddress, is_cross_site};
use platform::secret::{Secret, sha256_hex};
use signin::{Bridge, Refusal};
use state::lockout::Subject;

use crate::error::ApiError;

/// The name under which the operator's deeds are audited.
pub const NAME: &str = "operator";

/// A request that carries the operator key.
#[derive(Debug)]
pub struct Operator {
    pub lang: Lang,
    pub from: String,
}

impl Operator {
    pub fn stamp(bridge: &Bridge) -> Stamp {
        Stamp { at: bridge.clock().now(), by: NAME.to_owned() }
    }

    /// An audit entry of this request.
    pub fn entry(&self, bridge: &Bridge, tenant: TenantId, action: Action, object: &str) -> Entry {
        bridge.entry(tenant, action, NAME, object, &self.from)
    }
}

impl FromRequestParts<Bridge> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, bridge: &Bridge) -> Result<Self, Response> {
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let lang = Lang::from_accept(accepted.unwrap_or_default());
        let from = parts.extensions.get::<ClientAddress>().map(|address| address.0.clone()).unwrap_or_default();
        match admit(&parts.headers, bridge, &from).await {
            Ok(()) => Ok(Self { lang, from }),
            Err(refusal) => Err(ApiError::from(refusal).answer(lang)),
        }
    }
}

async fn admit(headers: &HeaderMap, bridge: &Bridge, from: &str) -> Result<(), Refusal> {
    // The key is no cookie, so no other site can make a browser send it; a browser that tells of another site is
    // refused all the same.
    if is_cross_site(headers, bridge.config().console_origin.as_str()) {
        return Err(problem::CROSS_SITE.into());
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(key) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(problem::UNAUTHENTICATED.into());
    };
    let subject = format!("operator#{from}");
    if let Some(seconds) = bridge.store().locked_for_s(Subject::Anyone(&subject), OPERATOR_KEY).await? {
        return Err(Refusal { retry_after_s: Some(seconds), ..problem::LOCKED.into() });
    }
    let expected = Secret::new(bridge.config().operator_key_sha256.clone());
    if !expected.expose().is_empty() && expected.matches(&sha256_hex(key)) {
        return Ok(());
    }
    bridge.store().count_failure(Subject::Anyone(&subject), OPERATOR_KEY).await?;
    Err(problem::UNAUTHENTICATED.into())
}
