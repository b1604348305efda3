//! The company's directory, read and written (welink-api.md 4, 5, 13).
//!
//! WeLink has two generations of the same interfaces. [`domain::sync::Family`] names them, [`WeLink::probe_families`]
//! says which answer to an app, and every call here takes the one that was chosen at set-up: never another within a
//! run.
//!
//! **Reading** goes page by page. A cursor ([`DepartmentCursor`], [`PeopleCursor`]) is plain data that a run stores
//! between slices; [`WeLink::departments_page`] and [`WeLink::people_page`] move it on. A read is either complete or a
//! [`ReadError`] that says why not; no list ever comes out shorter than WeLink says it is.
//!
//! **Writing** goes through a [`Writer`], a batch of a plan at a time. Every object ends as an [`Outcome`]; what WeLink
//! still works on is asked for with [`WeLink::poll`]. A write whose answer was lost is [`Outcome::Unknown`], is not
//! sent again by itself, and is settled by reading.

mod lists;
mod new_family;
mod old_family;
mod one;
mod outcome;
mod rows;
mod write;
mod writer;

pub use domain::sync::Family;
pub use lists::{DepartmentCursor, Page, PeopleCursor, ReadError};
pub use one::{ACCOUNTS_MAX, PersonKey};
pub use outcome::{ObjectId, Outcome, Submitted, poll_after_ms};
pub use rows::{DepartmentRow, PersonRow};
pub use write::{Batch, DepartmentWrite, PersonWrite, Place};
pub use writer::{Removal, Writer};

#[cfg(doc)]
use crate::client::WeLink;
