//! The planner against tables, the manual's examples and its laws.

mod departments;
mod from_welink;
mod golden;
mod laws;
mod people;
mod reference;
mod world;
