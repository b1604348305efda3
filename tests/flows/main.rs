//! The product's rows, each by a test named after it, through the functions' real entry points.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod binding;
mod browser_sign_in;
mod directory;
mod expectations;
mod foreign;
mod local;
mod my_page;
mod operations;
mod packaged;
mod protection;
mod scan_login;
mod scan_login_pages;
mod scan_login_server;
mod scan_login_state;
mod settings;
mod sign_in;
mod state;
