//! docs/openapi.json is what the code makes of the list of routes. `BRIDGE_GOLDEN=write` writes it anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

fn document() -> Value {
    serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap()
}

#[test]
fn the_file_is_what_the_code_makes() {
    let made = admin::openapi::document().unwrap_or_else(|missing| panic!("{}", missing.join("\n")));
    if std::env::var("BRIDGE_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(FILE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    assert!(kept == made, "docs/openapi.json is old at line {differs:?}: run this test with BRIDGE_GOLDEN=write");
}

/// Calls `visit` for every object of the document.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Array(many) => many.iter().for_each(|inner| walk(inner, visit)),
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|inner| walk(inner, visit));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_something_and_nothing_is_left_over() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, &mut |fields| {
        used.extend(fields.get("$ref").and_then(Value::as_str));
    });
    let components = document["components"].as_object().unwrap();
    let named = components
        .iter()
        .filter(|(kind, _)| *kind != "securitySchemes")
        .flat_map(|(kind, all)| all.as_object().unwrap().keys().map(move |name| format!("#/components/{kind}/{name}")));
    let named: BTreeSet<String> = named.collect();
    assert_eq!(used, named.iter().map(String::as_str).collect());
    assert!(named.len() >= 30, "{}", named.len());
    let scheme = document["security"][0].as_object().unwrap().keys().next().unwrap();
    assert_eq!(document["components"]["securitySchemes"][scheme]["scheme"], "bearer");
}

#[test]
fn no_two_operations_have_one_name() {
    let document = document();
    let mut names = BTreeSet::new();
    walk(&document["paths"], &mut |fields| {
        if let Some(name) = fields.get("operationId") {
            assert!(names.insert(name.as_str().unwrap()), "{name}");
        }
    });
    assert_eq!(names.len(), admin::ROUTES.len());
}

#[test]
fn no_program_carries_what_makes_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = ["functions", "shared", "infra"].map(|folder| root.join(folder)).into();
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let calls = std::fs::read_to_string(&path).unwrap().contains("openapi::document");
                assert!(!calls, "{} calls the generator", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 100, "{read}");
}
