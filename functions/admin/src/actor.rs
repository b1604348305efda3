//! Who asks, and what he may: the operator key of the installation, or an account or API key of one tenant.
//!
//! What a route demands stands beside it in the router's list; this is the one place that compares the two, so that no
//! handler can forget it. An id of another tenant is not found, for everybody but the operator key.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use domain::audit::{Action, Entry};
use domain::ids::TenantId;
use domain::lockout::OPERATOR_KEY;
use domain::model::Stamp;
use domain::problem;
use domain::role::{Permission, Role};
use domain::text::Lang;
use platform::http::{ClientAddress, is_cross_site};
use platform::secret::{Secret, sha256_hex};
use signin::{Bridge, Refusal};
use state::config::TenantConfig;
use state::lockout::Subject;

use crate::error::ApiError;
use crate::{api_keys, input};

/// The name under which the deeds of the operator key are audited.
pub const OPERATOR: &str = "operator";

/// Whose request this is.
#[derive(Debug, Clone)]
pub enum Who {
    /// The operator key: every tenant, everything.
    Operator,
    /// An account or API key of one tenant, by the name under which it is audited.
    Member { tenant: TenantId, name: String, role: Role },
}

/// Whoever makes a request that was let in.
#[derive(Debug, Clone)]
pub struct Actor {
    pub lang: Lang,
    /// The address that the request came from.
    pub from: String,
    pub who: Who,
}

impl Actor {
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Operator => OPERATOR,
            Who::Member { name, .. } => name,
        }
    }

    pub fn stamp(&self, bridge: &Bridge) -> Stamp {
        Stamp { at: bridge.clock().now(), by: self.name().to_owned() }
    }

    /// An audit entry of this request.
    pub fn entry(&self, bridge: &Bridge, tenant: TenantId, action: Action, object: &str) -> Entry {
        bridge.entry(tenant, action, self.name(), object, &self.from)
    }

    pub fn may(&self, permission: Permission) -> bool {
        match &self.who {
            Who::Operator => true,
            Who::Member { role, .. } => role.may(permission),
        }
    }

    /// Settings of the tenant as they are now; those of a stranger do not exist (product.md C20).
    pub async fn config(&self, bridge: &Bridge, tenant: &TenantId) -> Result<Arc<TenantConfig>, ApiError> {
        self.belongs_to(tenant)?;
        bridge.store().config_now(tenant).await?.ok_or_else(input::missing)
    }

    /// The same, at most 30 seconds old: a listing that is only looked at saves the Query.
    pub async fn known_config(&self, bridge: &Bridge, tenant: &TenantId) -> Result<Arc<TenantConfig>, ApiError> {
        self.belongs_to(tenant)?;
        bridge.store().config(tenant).await?.ok_or_else(input::missing)
    }

    fn belongs_to(&self, tenant: &TenantId) -> Result<(), ApiError> {
        match &self.who {
            Who::Member { tenant: own, .. } if own != tenant => Err(input::missing()),
            Who::Member { .. } | Who::Operator => Ok(()),
        }
    }
}

impl FromRequestParts<Bridge> for Actor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, bridge: &Bridge) -> Result<Self, Response> {
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let lang = Lang::from_accept(accepted.unwrap_or_default());
        let from = parts.extensions.get::<ClientAddress>().map(|address| address.0.clone()).unwrap_or_default();
        let refused = |refusal: Refusal| ApiError::from(refusal).answer(lang);
        let who = admit(&parts.headers, bridge, &from).await.map_err(refused)?;
        let actor = Self { lang, from, who };
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let needs = crate::api::needs(parts.method.as_str(), path);
        if needs.is_some_and(|permission| actor.may(permission)) {
            return Ok(actor);
        }
        Err(ApiError::from(problem::FORBIDDEN).answer(lang))
    }
}

async fn admit(headers: &HeaderMap, bridge: &Bridge, from: &str) -> Result<Who, Refusal> {
    // A key is no cookie, so no other site can make a browser send it; a browser that tells of another site is refused
    // all the same.
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
    // The operator key, or an API key of a tenant.
    let expected = Secret::new(bridge.config().operator_key_sha256.clone());
    if !expected.expose().is_empty() && expected.matches(&sha256_hex(key)) {
        return Ok(Who::Operator);
    }
    if let Some(member) = api_keys::member(bridge, key).await? {
        return Ok(member);
    }
    bridge.store().count_failure(Subject::Anyone(&subject), OPERATOR_KEY).await?;
    Err(problem::UNAUTHENTICATED.into())
}
