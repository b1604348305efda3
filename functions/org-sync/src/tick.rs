//! The tick: what is due is begun, by the kind of work that it is.

use domain::ids::{EnterpriseId, RunId, TenantId};
use domain::run::{Kind, LEASE_S};
use domain::sync_settings::{SyncSettings, Timer};
use signin::{Bridge, DUE_TIMER, RunMessage, Starter, timer_due};
use state::StoreError;
use state::due::Due;
use state::run::DUE_RUN;

use crate::slice;

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

/// What is not known here belongs to a later release or to another function, and stays.
async fn begin(bridge: &Bridge, due: &Due) -> Result<(), TickError> {
    match due.kind.as_str() {
        DUE_RUN => resume(bridge, due).await,
        DUE_TIMER => ring(bridge, due).await,
        _ => Ok(()),
    }
}

/// Goes on with a run whose slice has fallen silent. It stays due, a lease later, until a slice has taken it: a message
/// alone could be lost.
async fn resume(bridge: &Bridge, due: &Due) -> Result<(), TickError> {
    let (id, fence) = due.id.split_once('#').unwrap_or_default();
    let (id, fence) = (RunId::parse(id), fence.parse::<u64>());
    if let (Ok(id), Ok(fence)) = (id, fence)
        && let Some(run) = bridge.store().sync_run(&id).await?.filter(|run| run.fence == fence && !run.status.is_over())
    {
        bridge.store().schedule_run(&run, LEASE_S).await?;
        if bridge.queues().sync.is_some() {
            bridge.hand_over(&run).await;
        } else {
            slice::work(bridge, &RunMessage { run: id, fence }).await?;
        }
    }
    bridge.store().finish(due).await?;
    Ok(())
}

/// Starts the run of a timer whose time has come, after scheduling its next time. A timer that was changed meanwhile
/// has another time, and this one is void.
async fn ring(bridge: &Bridge, due: &Due) -> Result<(), TickError> {
    let (enterprise, kind) = due.id.split_once('#').unwrap_or_default();
    let kind = [Kind::FromWelink, Kind::FromOa].into_iter().find(|one| one.name() == kind);
    let config = bridge.store().config_now(&due.tenant).await?;
    if let (Ok(enterprise), Some(kind), Some(config)) = (EnterpriseId::parse(enterprise), kind, config)
        && let Some(timer) = timer_of(&config.sync(&enterprise), kind)
        && timer.next(due.at.plus_ms(-1), &config.tenant.zone) == due.at
    {
        let next = timer.next(bridge.clock().now(), &config.tenant.zone);
        bridge.store().schedule(&timer_due(&enterprise, kind, next)).await?;
        let starter = Starter::Timer { time: &format!("{}#{}", kind.name(), due.at.0) };
        if let Err(refusal) = bridge.start_run(&config, &enterprise, (kind, false), starter).await {
            refusal.log();
        }
    }
    bridge.store().finish(due).await?;
    Ok(())
}

fn timer_of(settings: &SyncSettings, kind: Kind) -> Option<Timer> {
    match kind {
        Kind::FromWelink => settings.from_welink.timer,
        Kind::FromOa => settings.from_oa.timer,
    }
}
