//! What the tests share.

pub mod runtime_api;
pub mod tools;
pub mod web;
pub mod world;
