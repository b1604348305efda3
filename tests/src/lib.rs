//! What the tests share.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

pub mod chromium;
pub mod console;
pub mod contact_client;
pub mod element;
pub mod gateway;
pub mod intake;
pub mod logs;
pub mod own_page;
pub mod program;
pub mod push;
pub mod runtime_api;
pub mod scan;
pub mod simulated;
pub mod sqs;
pub mod sync;
pub mod tap;
pub mod tools;
pub mod web;
pub mod world;
