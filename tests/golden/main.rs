//! Public contracts as files: what they say must be what the code does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod events;
mod openapi;
mod template;
mod yaml;
