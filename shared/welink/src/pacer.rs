//! Waiting for one's turn: no request leaves before both budgets allow it (product.md PSH-16).
//!
//! The ledgers promise the rate as long as a call is made while its slots are open, so that check is the last thing
//! before a request leaves. Slots that pass unused go back with the next lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{AppId, ClientId};
use domain::pacing::Limits;
use platform::clock::Clock;
use platform::entropy::Entropy;
use tokio::time::Instant;

use crate::budget::{Budget, RETRY_MS, Reserved, sleep_ms};
use crate::error::WeLinkError;
use crate::settings::Settings;
use crate::shared::{BudgetKey, Shared};

/// Times that a caller's slot may pass before it gives up.
const ROUNDS_MAX: u32 = 16;
/// Budgets remembered in one process; beyond it the ones not in use are forgotten.
const BUDGETS_MAX: usize = 1_024;
/// So long before the interface's slot opens the address's is fetched, milliseconds.
const LEAD_MS: i64 = 20;

/// All budgets of this process.
pub(crate) struct Pacer<S> {
    shared: S,
    clock: Clock,
    entropy: Entropy,
    interface: Limits,
    address: Limits,
    address_key: BudgetKey,
    wait_max: Duration,
    budgets: Mutex<HashMap<BudgetKey, Arc<Budget>>>,
}

impl<S: Shared> Pacer<S> {
    pub(crate) fn new(shared: S, clock: Clock, entropy: Entropy, settings: &Settings) -> Self {
        Self {
            shared,
            clock,
            entropy,
            interface: settings.interface_limits(),
            address: settings.address_limits(),
            address_key: BudgetKey::Address(settings.egress_name.clone()),
            wait_max: settings.wait_max(),
            budgets: Mutex::default(),
        }
    }

    fn budget(&self, key: &BudgetKey, limits: Limits) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= BUDGETS_MAX && !budgets.contains_key(key) {
            budgets.retain(|_, budget| Arc::strong_count(budget) > 1);
        }
        let new = || Arc::new(Budget::new(key.clone(), limits));
        Arc::clone(budgets.entry(key.clone()).or_insert_with(new))
    }

    async fn reserve(&self, budget: &Arc<Budget>, deadline: Instant) -> Result<Reserved, WeLinkError> {
        budget.reserve(&self.shared, &self.clock, &self.entropy, deadline).await
    }

    /// Returns at the instant at which one call may be made on this interface and from this address. `app` is absent
    /// for credentials that are only being tried: their calls count for the address alone.
    pub(crate) async fn admit(
        &self,
        app: Option<(&AppId, &ClientId)>,
        interface: &'static str,
    ) -> Result<(), WeLinkError> {
        let deadline = Instant::now() + self.wait_max;
        let address = self.budget(&self.address_key, self.address);
        let Some((app, client_id)) = app else { return self.admit_by_address(&address, deadline).await };
        let key = BudgetKey::App { app: app.clone(), client_id: client_id.clone(), interface };
        let budget = self.budget(&key, self.interface);
        let mut room: Option<Reserved> = None;
        for _ in 0..ROUNDS_MAX {
            let turn = self.reserve(&budget, deadline).await?;
            let opens_ms = turn.opens_in_ms(&self.clock);
            let kept = room.take().filter(|room| !room.is_over_in(&self.clock, opens_ms));
            let here = if let Some(kept) = kept {
                kept
            } else {
                sleep_ms(opens_ms - LEAD_MS).await;
                self.reserve(&address, deadline).await?
            };
            sleep_ms(turn.opens_in_ms(&self.clock).max(here.opens_in_ms(&self.clock))).await;
            if turn.is_open(&self.clock) && here.is_open(&self.clock) {
                turn.spend();
                here.spend();
                return Ok(());
            }
            // The interface's slot passed while the address's was waited for; the latter may last for the next turn.
            room = Some(here);
        }
        Err(WeLinkError::Busy { retry_after_ms: RETRY_MS })
    }

    /// Has the slots of one call ready, as far as that can be had without waiting for others.
    pub(crate) async fn prepare(&self, app: &AppId, client_id: &ClientId, interface: &'static str) {
        let key = BudgetKey::App { app: app.clone(), client_id: client_id.clone(), interface };
        let (budget, address) = (self.budget(&key, self.interface), self.budget(&self.address_key, self.address));
        budget.prepare(&self.shared, &self.clock, &self.entropy).await;
        address.prepare(&self.shared, &self.clock, &self.entropy).await;
    }

    async fn admit_by_address(&self, address: &Arc<Budget>, deadline: Instant) -> Result<(), WeLinkError> {
        for _ in 0..ROUNDS_MAX {
            let here = self.reserve(address, deadline).await?;
            sleep_ms(here.opens_in_ms(&self.clock)).await;
            if here.is_open(&self.clock) {
                here.spend();
                return Ok(());
            }
        }
        Err(WeLinkError::Busy { retry_after_ms: RETRY_MS })
    }
}
