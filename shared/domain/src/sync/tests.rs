//! The planner against tables, the manual's examples and its laws.

mod golden;
mod laws;
mod people;
mod reference;
mod departments;
mod from_welink;
mod world;
