//! The local bridge: every function in one process on embedded parts, with a simulated WeLink and OA to try it on.
//!
//! It uses the real SDK clients over loopback HTTP, so nothing differs from AWS but the endpoint.

mod camera;
mod carry;
mod checks;
pub mod cli;
mod client;
mod demo;
mod demo_directory;
mod engine;
mod files;
mod front;
mod queue;
mod scan_cli;
mod serve;
mod triggers;

pub use demo::{Demo, Remembered};
pub use serve::{Options, Running, Systems, start};
