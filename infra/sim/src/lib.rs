//! The other side, simulated: a WeLink with a phone to look at, and an OA with a login page.
//!
//! Written from the contracts alone (`welink-api.md`, `oa-api.md`): nothing here is shared with the clients of the
//! bridge, so that a mistake is not made twice in the same way. Everything runs in one process without threads of its
//! own, on the clock and the randomness that it is given; the same routers serve real sockets and seeded simulations.

pub mod company;
pub mod faults;
pub mod oa;
pub mod phone;
pub mod welink;
