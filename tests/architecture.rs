//! The house rules that a machine can check: who may depend on whom, what may not be written, how long things may be.
//! Each rule says what to do instead. The rules are those of ARCHITECTURE.md.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "architecture/edges.rs"]
mod edges;
#[path = "architecture/files.rs"]
mod files;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/rust.rs"]
mod rust;

/// Fails with every complaint at once.
#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
