//! What every other crate stands on: the outside world as values that can be replaced.
//!
//! Transport, clock and entropy form the seam: production code above it runs unchanged in a seeded simulation. Sleeping
//! is `tokio::time::sleep` everywhere, which follows the virtual clock by itself.

pub mod aws;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod envelope;
pub mod http;
pub mod lambda;
pub mod queue;
pub mod reach;
pub mod secret;
pub mod trace;
pub mod transport;
pub mod vault;
