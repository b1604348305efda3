//! The product's rows, each by a test named after it, through the functions' real entry points.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod accounts;
mod audit_log;
mod binding;
mod browser_sign_in;
mod changing;
mod checks;
mod console_by_welink;
mod console_forms;
mod console_pages;
mod contacts;
mod described;
mod directory;
mod expectations;
mod first_account;
mod foreign;
mod from_oa;
mod from_welink;
mod history;
mod intake_events;
mod intake_welink;
mod large;
mod link_jobs;
mod local;
mod my_page;
mod oa_sign_in;
mod operations;
mod own_password;
mod packaged;
mod protection;
mod push;
mod runs;
mod scan_login;
mod scan_login_console;
mod scan_login_element;
mod scan_login_pages;
mod scan_login_server;
mod scan_login_state;
mod self_test;
mod settings;
mod sheets;
mod sign_in;
mod signing_keys;
mod state;
mod welink_contacts;
