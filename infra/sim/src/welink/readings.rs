//! One interface of each other family, as far as somebody reads with it who has nothing there yet: tickets of the page
//! script, the end of a to-do.

use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::world::{Call, Caller, World};

/// `GET /api/auth/v1/jstickets`: 64 hexadecimal digits in upper case (welink-api.md 3.7).
pub(super) fn jstickets(_: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    caller.ok_or_else(|| Refusal::new("41600"))?;
    let ticket = Value::from(call.entropy.hex(32).to_ascii_uppercase());
    Ok([("jstickets".to_owned(), ticket)].into_iter().collect())
}

/// `DELETE /api/todo/v1/deltask?taskId=` (welink-api.md 7.3). No to-do was ever made here: 55009.
pub(super) fn delete_task(_: &mut World, call: &Call, _: Option<&Caller>) -> Answer {
    Err(Refusal::new(if call.param("taskId").is_empty() { "55005" } else { "55009" }))
}
