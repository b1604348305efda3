//! As much of Rust's grammar as the rules need: what is code and what is text, where functions begin and end.

use regex::Regex;

/// The source with comments and the insides of literals replaced by blanks; lines and columns stay.
pub fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = text_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn text_end(chars: &[char], at: usize) -> usize {
    let starts = |text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    if starts("//") {
        return chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n);
    }
    if starts("/*") {
        return find(chars, at + 2, "*/");
    }
    match chars[at] {
        '"' => quoted(chars, at + 1, '"'),
        'r' if !follows_name(chars, at) => raw(chars, at),
        // 'x' and '\n' are characters, 'x alone is a lifetime.
        '\'' if chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'') => quoted(chars, at + 1, '\''),
        _ => at,
    }
}

fn follows_name(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') && chars[at - 1] != 'b'
}

fn quoted(chars: &[char], mut at: usize, end: char) -> usize {
    while at < chars.len() && chars[at] != end {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    find(chars, at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
}

fn find(chars: &[char], from: usize, end: &str) -> usize {
    let end: Vec<char> = end.chars().collect();
    chars[from..].windows(end.len()).position(|window| window == end).map_or(chars.len(), |n| from + n + end.len())
}

/// A function with its first line and how many lines it has, signature and closing brace included.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// All functions with a body in a source that [`blank`] has made.
pub fn functions(code: &str) -> Vec<Function> {
    let head = Regex::new(r"\bfn\s+(\w+)").unwrap();
    let found = head.captures_iter(code).filter_map(|captures| {
        let (whole, name) = (captures.get(0)?, captures.get(1)?.as_str());
        let body = body_start(&code[whole.end()..])? + whole.end();
        let end = body + matching_brace(&code[body..])?;
        let lines = code[whole.start()..=end].matches('\n').count() + 1;
        Some(Function { name: name.to_owned(), line: line_of(code, whole.start()), lines })
    });
    found.collect()
}

/// The line, counted from 1, that a byte stands in.
pub fn line_of(code: &str, byte: usize) -> usize {
    code[..byte].matches('\n').count() + 1
}

/// The brace that opens the body; none when a semicolon ends the declaration before.
fn body_start(rest: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn matching_brace(body: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[test]
fn text_is_not_code() {
    let source = "let a = \"{ \\\" dbg!\"; // dbg!\nlet b = r#\"}\"\n\"#; /* } */ let c = '{'; fn f<'a>(x: &'a str) {}";
    let code = blank(source);
    assert_eq!(code.chars().count(), source.chars().count());
    assert_eq!(code.matches('\n').count(), source.matches('\n').count());
    assert!(!code.contains("dbg"), "{code}");
    assert_eq!(code.matches(['{', '}']).collect::<String>(), "{}", "{code}");
    assert!(blank("for r in x { y(r\"}\", br\"}\", b'}') }").ends_with('}'));
    assert!(code.contains("<'a>(x: &'a str)"), "{code}");
}

#[test]
fn a_long_function_is_seen() {
    let body = "    let x = [0; 3];\n".repeat(69);
    let source = format!(
        "trait T {{\n    fn declared(&self) -> [u8; 2];\n}}\n\npub async fn long(\n    a: u8,\n) {{\n{body}}}\n"
    );
    let found = functions(&blank(&source));
    assert_eq!(found, [Function { name: "long".to_owned(), line: 5, lines: 73 }]);
}
