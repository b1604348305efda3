//! What the tests share.

pub mod logs;
pub mod runtime_api;
pub mod simulated;
pub mod tools;
pub mod web;
pub mod world;
