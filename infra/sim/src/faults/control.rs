//! `/sim/faults`: the knobs as JSON, for operators and browser tests.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DELAY_MS_MAX, Faults, Knob, Rule};

/// Characters of a path prefix at most.
const PREFIX_CHARS_MAX: usize = 200;

/// The body of `POST /sim/faults`: either `{"clear": true}`, or one knob by `name` with its rule. Absent numbers are 0.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    per_mille: u32,
    #[serde(default)]
    next: u32,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    delay_ms: u32,
}

/// `GET /sim/faults` lists every knob with its rule and how often it fired; `POST` changes one or clears all, answers
/// the new list, and 400 when the name or a number makes no sense.
pub fn router(faults: Faults) -> Router {
    Router::new().route("/sim/faults", get(list).post(change)).with_state(faults)
}

fn listing(faults: &Faults) -> Value {
    let fired = faults.fired();
    let knobs: Vec<Value> = Knob::ALL
        .into_iter()
        .map(|knob| {
            let rule = faults.rule(knob);
            json!({
                "name": knob.name(),
                "label": { "zh-CN": knob.label().zh, "en": knob.label().en },
                "per_mille": rule.per_mille,
                "next": rule.next,
                "prefix": rule.prefix,
                "delay_ms": rule.delay_ms,
                "fired": fired.get(knob.name()),
            })
        })
        .collect();
    json!({ "faults": knobs })
}

async fn list(State(faults): State<Faults>) -> Json<Value> {
    Json(listing(&faults))
}

async fn change(State(faults): State<Faults>, Json(change): Json<Change>) -> Response {
    if change.clear {
        faults.clear();
        return Json(listing(&faults)).into_response();
    }
    let knob = change.name.as_deref().and_then(Knob::from_name);
    let sensible = change.per_mille <= 1000
        && change.delay_ms <= DELAY_MS_MAX
        && change.prefix.chars().count() <= PREFIX_CHARS_MAX;
    let (Some(knob), true) = (knob, sensible) else {
        let body = json!({ "error": "name must be a known fault, per_mille at most 1000, delay_ms at most 60000" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let Change { per_mille, next, prefix, delay_ms, .. } = change;
    faults.set(knob, Rule { per_mille, next, prefix, delay_ms });
    Json(listing(&faults)).into_response()
}
