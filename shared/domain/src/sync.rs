//! The planner of one organisation on both sides (product.md A.7, A.8): what a run would write, as a function of the
//! bridge copy, the OA and the settings.
//!
//! It cannot fail. [`plan`] returns a [`Plan`] and [`Complaint`]s; what is not certain is held and left as it is on
//! both sides. [`guard`] judges a plan before its first write, and [`Plan::release`] gives out the batches of a plan
//! that was neither aborted nor blocked. [`copy_plan`] does the same for from-WeLink.
//!
//! Architecture invariant: the order in which records arrive changes nothing. Rows are sorted by id when a side is
//! complete, and every list of a plan follows them.

mod adopt;
mod complaint;
mod departments;
mod execute;
mod fingerprint;
mod from_welink;
mod guard;
mod join;
mod names;
mod people;
mod plan;
mod rows;
mod settings;
mod sides;
mod tree;
mod values;

pub use complaint::{Abort, Complaint, Reason};
pub use execute::{Batch, Batches, Change, PersonWrite, Phase};
pub use fingerprint::{Fingerprint, PlanHash};
pub use from_welink::{CopyItem, CopyPlan, CopySettings, CopyState, Shrunken, copy_plan, shrunken};
pub use guard::{Blocked, Guard, Stop, guard};
pub use plan::{Counts, DepartmentItem, Mark, Parent, PersonItem, Plan, State, plan};
pub use rows::TooLarge;
pub use settings::{
    Cap, Family, Field, MappedTwice, Mapping, PLANNER_VERSION, Piece, Rate, Rule, Scope, Settings, Source, Value,
};
pub use sides::{
    CopyDepartment, CopyPerson, CopyRow, Directory, DirectoryBuilder, OaBuilder, OaDepartment, OaPerson, OaRow, OaSide,
    Seen,
};
pub use values::Fields;

#[cfg(test)]
mod tests;
