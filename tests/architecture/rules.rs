//! What may not be written, and how long things may be.

use std::path::Path;

use regex::Regex;

use crate::files::{self, Source};
use crate::none;
use crate::rust::{blank, functions, line_of};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const MAIN_LINES_MAX: usize = 30;
const LINE_COLUMNS_MAX: usize = 120;

/// Every place in the code, comments and literals left out, where `pattern` stands.
fn find(sources: &[Source], pattern: &str, why: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let in_source = |source: &Source| {
        let code = blank(&source.text);
        let places = pattern
            .find_iter(&code)
            .map(|hit| format!("{}:{} `{}`: {why}", source.path, line_of(&code, hit.start()), hit.as_str().trim()));
        places.collect::<Vec<_>>()
    };
    sources.iter().flat_map(in_source).collect()
}

fn under(folders: &[&str]) -> Vec<Source> {
    let ours = |source: &Source| folders.iter().any(|folder| source.path.starts_with(folder));
    files::rust().into_iter().filter(ours).collect()
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut complaints = Vec::new();
    for source in files::rust() {
        let Source { path, text } = &source;
        let lines = text.lines().count();
        let most = if path.ends_with("/main.rs") && is_a_main_of_ours(path) { MAIN_LINES_MAX } else { FILE_LINES_MAX };
        if lines > most {
            complaints.push(format!("{path} has {lines} lines of {most}"));
        }
        let long = text.lines().enumerate().filter(|(_, line)| line.chars().count() > LINE_COLUMNS_MAX);
        complaints.extend(long.map(|(at, line)| format!("{path}:{} has {} columns", at + 1, line.chars().count())));
        let functions = functions(&blank(text)).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
        complaints.extend(functions.map(|f| format!("{path}:{} {} has {} lines", f.line, f.name, f.lines)));
    }
    none(&complaints);
}

/// A program, not the root of a test binary.
fn is_a_main_of_ours(path: &str) -> bool {
    !path.starts_with("tests/")
}

#[test]
fn nothing_is_left_for_later_or_hidden() {
    let banned = [
        (r"\b(todo|unimplemented)!", "build it or leave it out"),
        (r"\bdbg!", "use tracing"),
        (r"#!?\[\s*ignore\b", "a test runs or does not exist"),
        (r"\bthread::sleep\b", "tokio::time::sleep follows the virtual clock"),
        (r"#!?\[\s*allow\(", "#[expect(lint, reason = ..)] says why and goes away with its cause"),
    ];
    let sources = files::rust();
    none(&banned.iter().flat_map(|(pattern, why)| find(&sources, pattern, why)).collect::<Vec<_>>());
}

#[test]
fn the_domain_neither_waits_nor_reads_a_clock() {
    none(&find(&under(&["shared/domain/"]), r"\basync\b|\.await\b|\bSystemTime\b|\bInstant\b", "domain is pure"));
}

#[test]
fn ids_are_types() {
    let names = "tenant|instance|enterprise|app|person|user|oa_user|welink_user|ticket|session";
    let pattern = format!(r"\b({names})_id: (&('\w+ )?str|String)\b");
    let sources = under(&["shared/domain/", "shared/state/", "shared/signin/", "shared/platform/", "functions/"]);
    none(&find(&sources, &pattern, "a newtype of domain::ids"));
}

#[test]
fn nothing_names_a_person_or_a_registry() {
    let people = ["/home/[a-z]", "/root/", "/Users/[A-Za-z]"];
    let registries = [
        r"(index|static)\.crates\.io",
        r"p[y]pi\.(org|python)",
        r"pythonhosted\.",
        r"registry\.npmjs",
        r"(deb|security)\.debian\.org",
    ];
    let pattern = Regex::new(&[people.join("|"), registries.join("|")].join("|")).unwrap();
    let mut complaints = Vec::new();
    for source in files::all().iter().filter(|source| source.path != "tests/architecture/rules.rs") {
        for (at, line) in source.text.lines().enumerate() {
            let hit = pattern.find(line).map(|hit| format!("{}:{} `{}`", source.path, at + 1, hit.as_str()));
            complaints.extend(hit);
        }
    }
    none(&complaints);
}

#[test]
fn the_readmes_say_what_ci_runs() {
    let ci = files::read(".ci/run");
    let commands: Vec<&str> = ci.lines().filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(commands, ["cargo xtask test"], ".ci/run runs one command");
    for page in ["README.md", "README.zh-CN.md"] {
        let text = files::read(page);
        for command in ["cargo run", commands[0]] {
            assert!(text.lines().any(|line| line.trim() == command), "{page} has no line `{command}`");
        }
    }
}

#[test]
fn the_papers_are_there() {
    let wanted = ["CHANGELOG.md", "ARCHITECTURE.md", "README.md", "README.zh-CN.md", "docs/benchmarks.md"];
    let missing = wanted.iter().filter(|path| !files::root().join(path).is_file());
    none(&missing.map(|path| format!("{path} is missing")).collect::<Vec<_>>());
}

#[test]
fn python_packages_are_pinned() {
    let pinned = Regex::new(r"^[A-Za-z0-9_-]+==[0-9][0-9A-Za-z.]*$").unwrap();
    for list in ["checks.txt", "package.txt"] {
        let text = files::read(&Path::new("infra/xtask/tools").join(list).to_string_lossy());
        let packages = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        none(&packages.filter(|line| !pinned.is_match(line)).map(str::to_owned).collect::<Vec<_>>());
    }
}

#[test]
fn the_rules_see_what_they_forbid() {
    let source = |text: &str| Source { path: "x.rs".to_owned(), text: text.to_owned() };
    let bad = [source("fn f(user_id: &'a str) {\n    dbg!(1); // dbg!\n    \"todo!\";\n}")];
    assert_eq!(find(&bad, r"\bdbg!", "no"), ["x.rs:2 `dbg!`: no"]);
    assert_eq!(find(&bad, r"\btodo!", "no").len(), 0);
    assert_eq!(find(&bad, r"\buser_id: (&('\w+ )?str|String)\b", "no").len(), 1);
}
