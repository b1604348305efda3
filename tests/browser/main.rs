//! The product as people meet it: real Chromium on the process that `cargo run` starts.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod binding;
mod bindings;
mod console;
mod looks;
mod messages;
mod refusals;
mod scan_login;
mod sign_in;
mod steps;
