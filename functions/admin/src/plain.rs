//! Settings as plain JSON: compared field by field, brought back, and carried elsewhere. What the bridge keeps for
//! itself is left out here, in one place; every other field is a setting, those of later releases too.

use std::collections::BTreeMap;

use domain::audit::Entry;
use domain::history::Setting;
use serde::Serialize;
use serde_json::{Map, Value};

/// What is no setting of a thing: who it is, and what the bridge notes about it.
const NOTED: [&str; 11] = [
    "id",
    "enterprise",
    "client_id",
    "welink_tenant",
    "welink_company",
    "secrets",
    "secret_set",
    "credentials_version",
    "created",
    "changed",
    "version",
];
/// Groups of settings whose fields are compared one by one. Any other value is one setting, whatever is in it.
const SECTIONS: [&str; 2] = ["auto_bind", "browser"];
/// What is no setting within a group.
const NOTED_IN_SECTIONS: [&str; 4] = ["version", "changed", "tested", "test_until"];
/// Characters of a value in an audit entry at most.
const NOTE_CHARS_MAX: usize = 200;

/// A setting that differs; absent = there was no such setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldChange {
    /// E.g. `name`, `auto_bind.enabled`.
    pub(crate) field: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// The thing's fields as JSON, all of them.
pub(crate) fn object(setting: &Setting) -> Map<String, Value> {
    match serde_json::to_value(setting) {
        Ok(Value::Object(mut tagged)) => match tagged.remove(setting.kind()) {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

/// The thing's settings by name.
pub(crate) fn settings(setting: &Setting) -> BTreeMap<String, Value> {
    let mut plain = BTreeMap::new();
    for (name, value) in object(setting) {
        match value {
            _ if NOTED.contains(&name.as_str()) => {}
            Value::Object(section) if SECTIONS.contains(&name.as_str()) => {
                let fields = section.into_iter().filter(|(field, _)| !NOTED_IN_SECTIONS.contains(&field.as_str()));
                plain.extend(fields.map(|(field, value)| (format!("{name}.{field}"), value)));
            }
            value => {
                plain.insert(name, value);
            }
        }
    }
    plain
}

/// What differs between two states of a thing, in the order of the names.
pub(crate) fn changes(before: Option<&Setting>, after: Option<&Setting>) -> Vec<FieldChange> {
    let mut before = before.map(settings).unwrap_or_default();
    let mut changes: Vec<FieldChange> = Vec::new();
    for (field, value) in after.map(settings).unwrap_or_default() {
        let was = before.remove(&field);
        if was.as_ref() != Some(&value) {
            changes.push(FieldChange { field, before: was, after: Some(value) });
        }
    }
    changes.extend(before.into_iter().map(|(field, value)| FieldChange { field, before: Some(value), after: None }));
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    changes
}

/// The thing with the values that the changes began with.
pub(crate) fn undone(current: &Setting, changes: &[FieldChange]) -> Result<Setting, serde_json::Error> {
    let mut fields = object(current);
    for change in changes {
        let (place, name) = match change.field.split_once('.') {
            Some((section, name)) => match fields.get_mut(section) {
                Some(Value::Object(section)) => (section, name),
                _ => continue,
            },
            None => (&mut fields, change.field.as_str()),
        };
        match &change.before {
            Some(value) => place.insert(name.to_owned(), value.clone()),
            None => place.remove(name),
        };
    }
    let tagged = Map::from_iter([(current.kind().to_owned(), Value::Object(fields))]);
    serde_json::from_value(Value::Object(tagged))
}

/// Says in an audit entry what a save changes.
pub(crate) fn note(entry: &mut Entry, before: &Setting, after: &Setting) {
    for change in changes(Some(before), Some(after)) {
        let note = format!("{} -> {}", short(change.before.as_ref()), short(change.after.as_ref()));
        entry.detail.insert(change.field, note);
    }
}

fn short(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= NOTE_CHARS_MAX {
        text
    } else {
        text.chars().take(NOTE_CHARS_MAX).chain(['…']).collect()
    }
}

/// The thing as it can be carried elsewhere: without ids, notes and secrets' marks. What it refers to is put in by the
/// caller.
pub(crate) fn portable(setting: &Setting) -> Map<String, Value> {
    let carried = ["client_id", "welink_tenant", "welink_company"];
    let mut fields = object(setting);
    fields.retain(|name, _| carried.contains(&name.as_str()) || !NOTED.contains(&name.as_str()));
    // Where a browser sign-in comes back to is this bridge's own address: it has to be tested anew.
    fields.remove("browser");
    for value in fields.values_mut() {
        if let Value::Object(section) = value {
            section.retain(|name, _| !NOTED_IN_SECTIONS.contains(&name.as_str()));
        }
    }
    fields
}
