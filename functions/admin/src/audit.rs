//! `/v1/tenants/{tenant}/audit`: who did what, newest first.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Entry;
use domain::ids::TenantId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use signin::Bridge;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::tenants;

#[derive(Deserialize)]
pub struct Asked {
    /// Any instant of the month to read, RFC 3339; absent = this month.
    month: Option<String>,
    /// `next` of the previous page.
    before: Option<String>,
}

#[derive(Serialize)]
struct Page {
    entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub async fn list(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = match tenants::find(&bridge, &actor, &tenant).await {
        Ok(config) => read(&bridge, &config.tenant.id, asked).await,
        Err(error) => Err(error),
    };
    match page {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// What concerns the installation and no tenant.
pub async fn of_installation(State(bridge): State<Bridge>, actor: Actor, Query(asked): Query<Asked>) -> Response {
    match read(&bridge, &domain::audit::installation(), asked).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

async fn read(bridge: &Bridge, tenant: &TenantId, asked: Asked) -> Result<Page, ApiError> {
    let at = match asked.month {
        None => bridge.clock().now(),
        Some(text) => {
            let instant: jiff::Timestamp = text.parse().map_err(|e| ApiError::field("month", e))?;
            Timestamp(instant.as_millisecond())
        }
    };
    let (entries, next) = bridge.store().audit(tenant, at, asked.before.as_deref()).await?;
    Ok(Page { entries, next })
}
