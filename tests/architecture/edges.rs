//! Who may depend on whom. An edge that is not listed here is a decision for docs/decisions/, not for a Cargo.toml.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::{files, none};

/// Each crate of ours and the crates of ours that it may know.
const EDGES: [(&str, &[&str]); 17] = [
    ("domain", &[]),
    ("platform", &["domain"]),
    ("state", &["domain", "platform"]),
    ("welink", &["domain", "platform"]),
    ("oa", &["domain", "platform"]),
    ("signin", &["domain", "platform", "state", "welink", "oa"]),
    ("app-home", &["domain", "platform", "state", "welink", "oa", "signin"]),
    ("admin", &["domain", "platform", "state", "welink", "oa", "signin"]),
    ("qr-login", &["domain", "platform", "state", "oa", "signin"]),
    ("oa-intake", &["domain", "platform", "welink", "signin"]),
    ("org-sync", &["domain", "platform", "state", "welink", "oa", "signin"]),
    ("push-dispatch", &["domain", "platform", "state", "welink", "oa", "signin"]),
    // Written from the contracts alone: a simulator that shared types with a client would share its mistakes.
    ("sim", &["domain", "platform"]),
    (
        "local",
        &[
            "domain",
            "platform",
            "state",
            "signin",
            "app-home",
            "admin",
            "qr-login",
            "oa-intake",
            "org-sync",
            "push-dispatch",
            "sim",
        ],
    ),
    ("xtask", &[]),
    ("hello", &[]),
    (
        "tests",
        &[
            "domain",
            "platform",
            "state",
            "welink",
            "oa",
            "signin",
            "app-home",
            "admin",
            "qr-login",
            "oa-intake",
            "org-sync",
            "push-dispatch",
            "sim",
            "local",
        ],
    ),
];

/// What `domain` may use of others: pure crates, each with its reason.
const DOMAIN_MAY_USE: [(&str, &str); 7] = [
    ("jiff", "when it is eight in the morning is known by a table of zones"),
    ("serde", "its types are stored and sent"),
    ("serde_json", "an event is judged field by field, so that each fault of it has a name"),
    ("thiserror", "its errors say what to do"),
    ("url", "whether an address is allowed is decided on its parts as browsers see them"),
    ("unicode-normalization", "two names are the same name when they look the same"),
    ("unicode-segmentation", "a text is cut between what a reader takes for characters"),
];

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(files::root().join("Cargo.toml")).no_deps().exec().unwrap()
}

fn is_ours(metadata: &Metadata, name: &str) -> bool {
    metadata.packages.iter().any(|package| package.name.as_str() == name)
}

#[test]
fn only_the_listed_edges_exist() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
            complaints.push(format!("{name} is not in the list of tests/architecture/edges.rs"));
            continue;
        };
        let ours = package.dependencies.iter().filter(|dependency| is_ours(&metadata, &dependency.name));
        let strangers = ours.filter(|dependency| !allowed.contains(&dependency.name.as_str()));
        complaints.extend(strangers.map(|dependency| format!("{name} must not know {}", dependency.name)));
    }
    none(&complaints);
}

#[test]
fn the_domain_uses_pure_crates_alone() {
    let metadata = metadata();
    let domain = metadata.packages.iter().find(|package| package.name.as_str() == "domain").unwrap();
    let normal = domain.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    let strangers = normal.filter(|dependency| DOMAIN_MAY_USE.iter().all(|(name, _)| *name != dependency.name));
    none(&strangers.map(|dependency| format!("domain must not use {}", dependency.name)).collect::<Vec<_>>());
}

#[test]
fn shared_crates_have_typed_errors() {
    let metadata = metadata();
    let shared = metadata.packages.iter().filter(|package| package.manifest_path.as_str().contains("/shared/"));
    let untyped = shared.filter(|package| package.dependencies.iter().any(|dependency| dependency.name == "anyhow"));
    none(&untyped.map(|package| format!("{}: thiserror instead of anyhow", package.name)).collect::<Vec<_>>());
}

#[test]
fn no_dependency_brings_its_default_features() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let foreign = package.dependencies.iter().filter(|dependency| !is_ours(&metadata, &dependency.name));
        let default = foreign.filter(|dependency| dependency.uses_default_features);
        complaints.extend(default.map(|dependency| format!("{} of {}", dependency.name, package.name)));
    }
    none(&complaints);
}

#[test]
fn every_dependency_is_used() {
    let sources = files::rust();
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let folder = folder_of(package);
        // The bare twin lives below the tests but is a crate of its own.
        let own = sources.iter().filter(|source| source.path.starts_with(&folder));
        let text: String = own.map(|source| source.text.as_str()).collect();
        for dependency in &package.dependencies {
            let name = library_name(&dependency.name);
            let word = regex::Regex::new(&format!(r"\b{name}\b")).unwrap();
            if !word.is_match(&text) {
                complaints.push(format!("{} never uses {}", package.name, dependency.name));
            }
        }
    }
    none(&complaints);
}

/// The folder of a package from the root, with a `/` at its end.
fn folder_of(package: &Package) -> String {
    let root = files::root().canonicalize().unwrap();
    let folder = Path::new(&package.manifest_path).parent().unwrap();
    format!("{}/", folder.strip_prefix(root).unwrap().display())
}

/// What code calls a package.
fn library_name(package: &str) -> String {
    if package == "dynoxide-rs" { "dynoxide".to_owned() } else { package.replace('-', "_") }
}
