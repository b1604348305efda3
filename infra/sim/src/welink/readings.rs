//! Tickets of the page script, as far as somebody reads them.

use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::world::{Call, Caller, World};

/// `GET /api/auth/v1/jstickets`: 64 hexadecimal digits in upper case (welink-api.md 3.7).
pub(super) fn jstickets(_: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    caller.ok_or_else(|| Refusal::new("41600"))?;
    let ticket = Value::from(call.entropy.hex(32).to_ascii_uppercase());
    Ok([("jstickets".to_owned(), ticket)].into_iter().collect())
}
