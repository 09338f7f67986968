//! The style of the source that no formatter checks: widths of comments, headers of files, lengths of functions, names
//! of types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{files, repository};

const MAX_WIDTH: usize = 120;

/// Lines of a function that holds more than one flat `match`.
const MAX_FUNCTION: usize = 80;

/// Longer functions, each of which is one flat `match`.
const FLAT_MATCHES: [(&str, &str); 5] = [
    ("domain/transcript.rs", "apply"),
    ("journal/pending_changes.rs", "event"),
    ("python/values/libraries.rs", "facts"),
    ("session/actor.rs", "on_command"),
    ("tui/input/actions.rs", "act"),
];

/// The files below `src`, by their paths there.
fn sources() -> Vec<(PathBuf, String)> {
    let source = repository().join("src");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&source).unwrap().to_owned(), text)
    };
    files(&source, "rs").into_iter().chain(files(&source, "py")).map(read).collect()
}

fn is_for_tests(file: &Path) -> bool {
    let is_test =
        |name: &str| name == "tests" || name.ends_with("tests.rs") || name == "model" || name == "scripted.rs";
    file.iter().any(|name| is_test(&name.to_string_lossy()))
}

/// The numbers of the lines with a comment that is too wide.
fn wide_comments(text: &str) -> Vec<usize> {
    let is_comment = |line: &str| line.trim_start().starts_with("//") || line.trim_start().starts_with("# ");
    let is_wide = |line: &str| is_comment(line) && line.chars().count() > MAX_WIDTH;
    text.lines().enumerate().filter(|(_, line)| is_wide(line)).map(|(index, _)| index + 1).collect()
}

/// The functions that are longer than [`MAX_FUNCTION`]. Relies on the indentation by rustfmt.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let long = |(start, line): (usize, &&str)| {
        let code = line.trim_start();
        let before =
            code.split_once("fn ").filter(|(before, _)| before.chars().all(|c| c.is_lowercase() || " ()".contains(c)));
        let (_, rest) = before?;
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[start..].iter().position(|line| *line == end)? + 1;
        let name = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (length > MAX_FUNCTION).then_some(name)
    };
    lines.iter().enumerate().filter_map(long).collect()
}

/// The types of a module, without those within functions and modules of a file.
fn types(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let keyword = words.iter().position(|word| ["struct", "enum", "trait", "type", "union"].contains(word))?;
        let is_item =
            words[..keyword].iter().all(|word| ["pub", "in", "crate", "super", "tui", "python", ""].contains(word));
        (is_item && !line.starts_with(' ')).then(|| words[keyword + 1].to_owned())
    };
    text.lines().filter_map(name).collect()
}

#[test]
fn every_file_opens_with_its_purpose() {
    let lacks =
        |(file, text): &(PathBuf, String)| file.extension().is_some_and(|e| e == "rs") && !text.starts_with("//! ");
    let found: Vec<_> = sources().into_iter().filter(lacks).map(|(file, _)| file).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_comment_is_wider_than_the_code() {
    let wide = |(file, text): (PathBuf, String)| {
        wide_comments(&text).into_iter().map(|line| format!("src/{}:{line}", file.display())).collect::<Vec<_>>()
    };
    let found: Vec<_> = sources().into_iter().flat_map(wide).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn only_flat_matches_are_long_functions() {
    let found: Vec<_> = sources()
        .into_iter()
        .filter(|(file, _)| !is_for_tests(file))
        .flat_map(|(file, text)| long_functions(&text).into_iter().map(move |name| (file.display().to_string(), name)))
        .filter(|(file, name)| !FLAT_MATCHES.contains(&(file, name)))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_two_types_share_a_name() {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !is_for_tests(file)) {
        for name in types(&text) {
            by_name.entry(name).or_default().push(file.display().to_string());
        }
    }
    assert!(by_name.len() > 500, "{}", by_name.len());
    by_name.retain(|_, files| files.len() > 1);
    assert!(by_name.is_empty(), "{by_name:#?}");
}

#[test]
fn the_checker_of_style_sees_what_it_should() {
    let wide = "x".repeat(MAX_WIDTH);
    assert_eq!(wide_comments(&format!("let a = \"{wide}\";\n    // {wide}\n# {wide}\n// narrow")), [2, 3]);
    let body = "        step();\n".repeat(MAX_FUNCTION - 2);
    let function = |lines: &str| format!("impl A {{\n    pub(super) async fn long(&self) {{\n{lines}    }}\n}}\n");
    assert_eq!(long_functions(&function(&body)), [""; 0]);
    assert_eq!(long_functions(&function(&format!("{body}        step();\n"))), ["long"]);
    let text = "pub struct A;\npub(crate) enum B<T> {\ntype C = u8;\n    struct Local;\nlet type_name = 1;\npub(in crate::tui) trait D {";
    assert_eq!(types(text), ["A", "B", "C", "D"]);
}
