//! One-time states: begun sign-ins that wait for their callback (product.md C1).

use domain::ids::StateId;
use domain::session::{OneTimeState, StateRefused};

use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, item, number, read, text};

impl Store {
    pub async fn put_state(&self, state: &OneTimeState) -> Result<(), StoreError> {
        // 130 random bits do not meet a second time; a refusal could only be a damaged clock or entropy source.
        match self.put_new(item(&keys::one_time_state(&state.id), state, Some(state.expires))?).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Refused(_) => Err(StoreError::Unavailable("a one-time state exists already".to_owned())),
        }
    }

    /// Takes the state for the browser that began it, once. Of any number of callers exactly one gets it.
    pub async fn take_state(
        &self,
        id: &StateId,
        browser: &str,
    ) -> Result<Result<OneTimeState, StateRefused>, StoreError> {
        let now = self.clock.now();
        let nonce = self.nonce();
        let change = Change {
            set: "SET used_by = :nonce",
            condition: "attribute_not_exists(used_by) AND browser = :browser AND expires > :now",
            names: vec![],
            values: vec![(":nonce", text(&nonce)), (":browser", text(browser)), (":now", number(now.0))],
        };
        Ok(match self.update(&keys::one_time_state(id), change).await? {
            Outcome::Done(item) => Ok(read(item)?),
            Outcome::Refused(item) if taken_by(&item) == Some(&nonce) => Ok(read(item)?),
            Outcome::Refused(item) if item.is_empty() => Err(StateRefused::Unknown),
            Outcome::Refused(item) => {
                let used = taken_by(&item).is_some();
                let state: OneTimeState = read(item)?;
                // The order tells a stranger nothing: whoever is not the browser that began it is foreign, first of
                // all.
                Err(if state.browser != browser {
                    StateRefused::Foreign
                } else if used {
                    StateRefused::Repeated
                } else {
                    StateRefused::Expired
                })
            }
        })
    }
}

fn taken_by(item: &Item) -> Option<&String> {
    item.get("used_by").and_then(|value| value.as_s().ok())
}
