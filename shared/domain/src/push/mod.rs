//! Messages and to-dos of an OA on their way to WeLink (product.md A.9, D.6): what an event is, which rules it fires,
//! whom it reaches, how it looks, and what each answer of WeLink leads to.

pub mod delivery;
pub mod event;
pub mod render;
pub mod retry;
pub mod rule;
pub mod todo;
