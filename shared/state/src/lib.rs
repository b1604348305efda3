//! The one place that knows how the bridge's state is stored: one DynamoDB table, one file per item family.
//!
//! Architecture invariants: every key begins with its tenant (the registry is the one exception, see [`keys`]); every
//! state change that matters is one conditional write or one transaction; what guards something is read consistently.
//! `docs/decisions/0001-one-table.md` lists each access pattern with its cost.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod bind;
pub mod budget;
pub mod config;
pub mod console;
pub mod copy;
pub mod directory;
pub mod due;
pub mod history;
pub mod import;
pub mod index;
pub mod intake;
pub mod keys;
pub mod link;
pub mod link_job;
pub mod lockout;
pub mod onetime;
pub mod people;
pub mod person;
pub mod push;
pub mod qr;
pub mod reindex;
mod removal;
pub mod rule;
pub mod run;
pub mod secrets;
pub mod session;
pub mod setup;
pub mod signing;
pub mod store;
pub mod sync_settings;
pub mod table;
pub mod ticket;
pub mod todo;
pub mod token;
mod writes;

pub use store::{Store, StoreError};
