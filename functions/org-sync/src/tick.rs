//! The tick: what is due is begun, by the kind of work that it is.

use domain::ids::TenantId;
use signin::Bridge;
use state::StoreError;
use state::due::Due;

/// Pieces of due work that one tick begins per tenant; the next one goes on.
const PIECES_MAX: usize = 100;

/// Why a tick could not look for what is due.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins what is due, of every tenant. What fails stays due; one tenant's failure is not another's.
pub async fn tick(bridge: &Bridge) -> Result<(), TickError> {
    let mut failed = None;
    for tenant in bridge.store().tenants().await? {
        if let Err(error) = of_tenant(bridge, &tenant.id).await {
            tracing::error!(tenant = %tenant.id, %error, "due work could not be begun");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn of_tenant(bridge: &Bridge, tenant: &TenantId) -> Result<(), TickError> {
    for due in bridge.store().due(tenant, bridge.clock().now(), PIECES_MAX).await? {
        begin(bridge, &due).await?;
    }
    Ok(())
}
