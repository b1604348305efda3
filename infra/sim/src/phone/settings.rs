//! The operator's page: fault switches and the last calls.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::text::{Lang, Text};
use http::HeaderMap;

use super::words::Words;
use super::{Params, PhoneState, calls, chosen_lang, page};
use crate::faults::{DELAY_MS_MAX, Knob, Rule};

/// Which calls a switch hits, by path prefix.
const SCOPES: [(&str, Text); 5] = [
    ("", Text::new("WeLink 和 OA", "WeLink and OA")),
    ("/api/", Text::new("WeLink 全部接口", "All of WeLink")),
    ("/api/auth/", Text::new("令牌与免登", "Tokens and sign-in")),
    ("/api/contact/", Text::new("通讯录", "Contacts")),
    ("/api/tenant/", Text::new("企业信息", "Company")),
];
/// What a switch that was never set offers.
const SCOPE_DEFAULT: &str = "/api/";
const DELAY_MS_DEFAULT: u32 = 2000;
const NEXT_MAX: u32 = 10_000;
const PREFIX_CHARS_MAX: usize = 200;

/// One line of the form.
struct Switch {
    name: &'static str,
    label: &'static str,
    per_mille: u32,
    next: u32,
    fired: u64,
    active: bool,
    scopes: Vec<Scope>,
}

struct Scope {
    prefix: String,
    label: String,
    selected: bool,
}

#[derive(Template)]
#[template(path = "phone/settings.html")]
struct SettingsPage {
    w: Words,
    nav: &'static str,
    here: String,
    saved: bool,
    switches: Vec<Switch>,
    delay_ms: u32,
    delay_ms_max: u32,
    wobble: bool,
    calls: Vec<calls::Row>,
}

fn scopes(rule: &Rule, lang: Lang) -> Vec<Scope> {
    let untouched = *rule == Rule::default();
    let current = if untouched { SCOPE_DEFAULT } else { rule.prefix.as_str() };
    let mut out: Vec<Scope> = SCOPES
        .iter()
        .map(|(prefix, label)| Scope {
            prefix: (*prefix).to_owned(),
            label: label.get(lang).to_owned(),
            selected: *prefix == current,
        })
        .collect();
    if out.iter().all(|scope| !scope.selected) {
        out.push(Scope { prefix: current.to_owned(), label: current.to_owned(), selected: true });
    }
    out
}

/// `GET /settings`.
pub(super) async fn show(State(state): State<PhoneState>, Query(params): Params, headers: HeaderMap) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    let lang = chosen.0;
    let delay_ms = match state.faults.rule(Knob::Delay).delay_ms {
        0 => DELAY_MS_DEFAULT,
        set => set,
    };
    let template = SettingsPage {
        w: Words(lang),
        nav: "settings",
        here: "/settings?".to_owned(),
        saved: params.contains_key("saved"),
        switches: switches(&state, lang),
        delay_ms,
        delay_ms_max: DELAY_MS_MAX,
        wobble: state.welink.settings().wobble,
        calls: calls::rows(&state.welink, lang),
    };
    page(&template, chosen)
}

fn switches(state: &PhoneState, lang: Lang) -> Vec<Switch> {
    let fired = state.faults.fired();
    let switch = |knob: Knob| {
        let rule = state.faults.rule(knob);
        Switch {
            name: knob.name(),
            label: knob.label().get(lang),
            per_mille: rule.per_mille,
            next: rule.next,
            fired: fired.get(knob.name()).copied().unwrap_or(0),
            active: rule.per_mille > 0 || rule.next > 0,
            scopes: scopes(&rule, lang),
        }
    };
    Knob::ALL.into_iter().map(switch).collect()
}

/// `POST /settings`: `per_mille.<name>`, `next.<name>` and `scope.<name>` for every knob, `delay_ms`, `wobble`; or
/// `clear`. Numbers above their limit are cut to it, absent and empty ones are 0.
pub(super) async fn save(State(state): State<PhoneState>, Form(form): Form<BTreeMap<String, String>>) -> Response {
    if form.contains_key("clear") {
        state.faults.clear();
        state.welink.configure(|settings| settings.wobble = false);
    } else {
        let number = |key: &str, max: u32| form.get(key).and_then(|n| n.trim().parse().ok()).unwrap_or(0).min(max);
        for knob in Knob::ALL {
            let name = knob.name();
            let prefix = form.get(&format!("scope.{name}")).map_or(SCOPE_DEFAULT, String::as_str);
            let rule = Rule {
                per_mille: number(&format!("per_mille.{name}"), 1000),
                next: number(&format!("next.{name}"), NEXT_MAX),
                prefix: prefix.chars().take(PREFIX_CHARS_MAX).collect(),
                delay_ms: if knob == Knob::Delay { number("delay_ms", DELAY_MS_MAX) } else { 0 },
            };
            state.faults.set(knob, rule);
        }
        state.welink.configure(|settings| settings.wobble = form.contains_key("wobble"));
    }
    Redirect::to("/settings?saved").into_response()
}
