//! WeLink's open platform as the bridge uses it: one shared token per app, calls within the allowed rate, every
//! answer turned into what to do next (welink-api.md; product.md OPS-01, OPS-02, PSH-16).
//!
//! [`WeLink`] is cloned freely; there is one per process. What several processes must agree on (token, refresh claim,
//! breaker, call budgets) goes through [`Shared`], which the caller implements over its table. The table being out of
//! reach means no call (product.md C28).
//!
//! Architecture invariants: nothing here prints or returns a secret, a token, a one-time code, a name or a mobile
//! number; a one-time code is sent twice only when the first request certainly was not used, and so is what people see
//! (messages, to-dos); every loop has a bound.

mod api;
mod browser;
mod budget;
pub mod callback;
mod client;
pub mod codes;
pub mod contact;
mod delivery;
mod error;
mod messages;
mod pacer;
mod probe;
mod settings;
mod shared;
mod todo;
mod tokens;
mod wire;

pub use api::{Identity, Status, TenantInfo, UserDetail};
pub use browser::{BadRedirect, BrowserIdentity, Element};
pub use client::WeLink;
pub use delivery::{Outcome, Refusal};
pub use domain::breaker::Block;
pub use domain::pacing;
pub use error::WeLinkError;
pub use messages::{Card, CardStatus, Devices, Notice, RECEIVERS_MAX};
pub use probe::{Families, Finding, Group, PERMISSIONS, Permission, Probed};
pub use settings::{BadBase, OAuthTransport, Settings};
pub use shared::{BudgetKey, Claim, Credentials, Shared, TokenRecord};
pub use todo::{Applicant, Todo};

#[cfg(test)]
mod tests;
