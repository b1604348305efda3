//! The truths of the bridge: what its words mean and what its rules decide.
//!
//! Architecture invariant: nothing here does IO, reads a clock, draws a random number or awaits. Every rule is a
//! function of its arguments, so each of them can be tested by a table and explained by reading it.

pub mod account;
pub mod agent;
pub mod audit;
pub mod breaker;
pub mod destination;
pub mod fold;
pub mod history;
pub mod ids;
pub mod link_job;
pub mod lockout;
pub mod mask;
pub mod matching;
pub mod model;
pub mod network;
pub mod pacing;
pub mod problem;
pub mod push;
pub mod qr;
pub mod role;
pub mod run;
pub mod session;
pub mod sync;
pub mod sync_settings;
pub mod text;
pub mod time;
pub mod zone;
