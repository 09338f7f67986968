//! The floors of the house: who may use whom, where Python may be named, how long a file may get, and that the pages
//! name what is there.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail like the test")]

mod circles;
mod style;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LONGEST: usize = 500;

/// Each floor and the floors it may use. The session process's entry wires them and may use all.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("export", &["domain"]),
    ("session", &["domain"]),
    ("journal", &["domain", "export", "session"]),
    ("python", &["domain", "session"]),
    ("mcp", &["domain", "session"]),
    ("tui", &["domain", "export", "session"]),
    ("bridge", &["domain", "session", "mcp"]),
    ("clients", &["domain", "session", "mcp"]),
    ("launch", &["domain", "session"]),
    ("cli", &["domain", "export", "session", "journal", "tui", "bridge", "clients", "launch"]),
    ("process", &["domain", "export", "session", "journal", "python", "mcp", "tui", "bridge", "launch"]),
    ("main", &["cli"]),
    ("lib", &[]),
    ("build", &[]),
];

/// Where pyo3 may be named. Everything else is linked into the binary, which must not need a Python.
const PYTHON_FLOORS: &[&str] = &["python", "process"];

/// What plain data has no use for.
const NOT_IN_DOMAIN: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "async fn",
];

const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "assets",
    "pyproject.toml",
    "src",
    "tests",
];

/// A word that begins so is a path of this repository.
const PATHS: &[&str] = &["src/", "tests/", "assets/", ".ci/", ".github/", ".cargo/"];

/// What is wrong with the source text of `file`, a path below `src/`.
fn faults(file: &Path, text: &str, dependencies: &BTreeSet<String>) -> Vec<String> {
    let floor = floor_of(file);
    let code = without_comments(text);
    let mut faults = Vec::new();
    match FLOORS.iter().find(|(name, _)| *name == floor) {
        None => faults.push(format!("`{floor}` is no floor of the design")),
        Some((_, allowed)) => {
            for used in floors_used(file, &code) {
                if used != floor && !allowed.contains(&used.as_str()) {
                    faults.push(format!("`{floor}` may not use `{used}`"));
                }
            }
        }
    }
    if !PYTHON_FLOORS.contains(&floor.as_str()) && names(&code, "pyo3") {
        faults.push("names pyo3".to_owned());
    }
    if floor == "domain" {
        // Old entries are packed as JSON.
        let packs = file.ends_with("domain/transcript/packed.rs");
        let is_free =
            |name: &&String| *name == "serde" || packs && matches!(name.as_str(), "serde_json" | "miniz_oxide");
        for dependency in dependencies.iter().filter(|name| !is_free(name)) {
            if code.match_indices(&format!("{dependency}::")).any(|(at, _)| starts_a_word(&code, at)) {
                faults.push(format!("the domain may not use {dependency}"));
            }
        }
        // Numbers for tests come from a seed in the environment.
        let forbidden = if file.ends_with("domain/random.rs") { &[][..] } else { NOT_IN_DOMAIN };
        faults.extend(
            forbidden.iter().filter(|word| code.contains(*word)).map(|word| format!("the domain may not use {word}")),
        );
    }
    // Tests compare with colours; figures have those of their pixels.
    let may_name_colours =
        ["tui/theme", "tui/tests", "tui/images"].iter().any(|place| file.to_string_lossy().starts_with(place));
    let outside_tests = code.split("#[cfg(test)]").next().unwrap_or_default();
    let names_one = outside_tests.contains("Color::") || outside_tests.contains("style::Color");
    if floor == "tui" && !may_name_colours && names_one {
        faults.push("names a colour; what is drawn has a role of tui::theme".to_owned());
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        faults.push(format!("has {lines} lines; {LONGEST} are the most"));
    }
    faults
}

fn floor_of(file: &Path) -> String {
    let first = file.components().next().expect("a path with a name");
    Path::new(first.as_os_str()).with_extension("").to_string_lossy().into_owned()
}

fn without_comments(text: &str) -> String {
    // A `//` within a string cuts the rest of that line, which no `use` shares.
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The floors that paths from the root lead to: `crate::x`, `fourhands::x`, `crate::{x, y::z}`, and `super::x` from
/// where `super` is the root.
fn floors_used(file: &Path, code: &str) -> BTreeSet<String> {
    let depth = file.components().count() - usize::from(file.ends_with("mod.rs") || file.ends_with("lib.rs"));
    let climb = "super::".repeat(depth);
    let mut used = BTreeSet::new();
    for root in ["crate::", "fourhands::", climb.as_str()] {
        if root.is_empty() {
            continue;
        }
        for (at, _) in code.match_indices(root).filter(|(at, _)| starts_a_word(code, *at)) {
            used.extend(first_names(&code[at + root.len()..]));
        }
    }
    used.retain(|name| FLOORS.iter().any(|(floor, _)| floor == name));
    used
}

fn starts_a_word(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        starts_a_word(code, at) && !code[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// The first name of a path, or of each path of a group.
fn first_names(path: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut found = vec![name(group)];
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => found.push(name(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` that have this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|its| its == extension) {
            found.push(entry);
        }
    }
    found
}

/// The crates of `[dependencies]`, as code names them.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once("\n[dependencies]\n").unwrap();
    section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once(" = ")?.0.trim().replace('-', "_")))
        .collect()
}

#[test]
fn every_floor_keeps_to_its_own() {
    let source = repository().join("src");
    let dependencies = dependencies();
    assert!(dependencies.contains("pyo3") && dependencies.contains("futures_util"), "{dependencies:?}");
    let found: Vec<_> = files(&source, "rs")
        .into_iter()
        .flat_map(|path| {
            let file = path.strip_prefix(&source).unwrap().to_owned();
            let faults = faults(&file, &fs::read_to_string(&path).unwrap(), &dependencies);
            faults.into_iter().map(move |fault| format!("src/{}: {fault}", file.display()))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let source = repository().join("src");
    let found = circles::Modules::read(&source, &files(&source, "rs")).circles();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_test_is_too_long_to_read() {
    for path in files(&repository().join("tests"), "rs") {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(repository()).output();
    // A copy without git holds what was packed, and nothing can stray into it.
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else { return };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let top: BTreeSet<&str> = listed.split_terminator('\0').filter_map(|path| path.split('/').next()).collect();
    let strange: Vec<_> = top.into_iter().filter(|name| !TOP_LEVEL.contains(name)).collect();
    assert!(strange.is_empty(), "not agreed at the top level: {strange:?}");
}

/// The paths that a page in `folder` names and that are not there: words that begin as paths do, seen from the top of
/// the repository, and relative links, seen from the page.
fn lost_paths(folder: &Path, text: &str, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
    let ends_a_word = |c: char| c.is_whitespace() || "`\"'()[]<>|".contains(c);
    let words = text.split(ends_a_word).map(|word| word.trim_end_matches(['.', ',', ':', ';']));
    let named = words.filter(|word| PATHS.iter().any(|path| word.starts_with(path)));
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let links = links.filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"));
    let is_lost = |path: &PathBuf| !is_there(path);
    let lost = named.map(PathBuf::from).chain(links.map(|link| folder.join(link))).filter(is_lost);
    lost.map(|path| path.display().to_string()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The pages for people, by their paths in the repository.
fn pages() -> Vec<PathBuf> {
    let folders = [".github", "assets", "src", "tests"].map(|folder| repository().join(folder));
    let found = folders.iter().flat_map(|folder| files(folder, "md"));
    let found = found.map(|path| path.strip_prefix(repository()).unwrap().to_owned());
    [PathBuf::from("README.md"), PathBuf::from("src/lib.rs")].into_iter().chain(found).collect()
}

#[test]
fn every_path_that_a_page_names_is_there() {
    let pages = pages();
    assert!(pages.contains(&PathBuf::from("src/ARCHITECTURE.md")), "{pages:?}");
    let lost: Vec<_> = pages
        .iter()
        .flat_map(|page| {
            let text = fs::read_to_string(repository().join(page)).unwrap();
            let folder = page.parent().unwrap_or(Path::new(""));
            let lost = lost_paths(folder, &text, |path| repository().join(path).exists());
            lost.into_iter().map(|path| format!("{}: there is no {path}", page.display()))
        })
        .collect();
    assert!(lost.is_empty(), "\n{}", lost.join("\n"));
}

/// The rows of the table of floors: a floor, and those that it uses.
fn floors_told(page: &str) -> Vec<(String, Vec<String>)> {
    let (_, section) = page.split_once("\n## Floors\n").unwrap_or_default();
    let rows = section.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let mut names = line.split('`').skip(1).step_by(2).map(str::to_owned);
        (names.next().unwrap_or_default(), names.collect())
    };
    rows.map(row).collect()
}

#[test]
fn the_page_has_the_floors_as_they_are() {
    let told = floors_told(include_str!("../../src/ARCHITECTURE.md"));
    let is_folder = |floor: &&(&str, &[&str])| repository().join("src").join(floor.0).is_dir();
    let floors = FLOORS.iter().filter(is_folder);
    let floors: Vec<_> = floors
        .map(|(name, uses)| ((*name).to_owned(), uses.iter().map(|floor| (*floor).to_owned()).collect()))
        .collect();
    assert_eq!(told, floors);
}

#[test]
fn the_checker_of_pages_sees_what_it_should() {
    let there = ["src/lib.rs", "tests/long", "tests", "README.md", ".github/../README.md", "tests/support/mod.rs"];
    let lost = |folder: &str, text: &str| {
        lost_paths(Path::new(folder), text, |path| there.iter().any(|known| Path::new(known) == path))
    };
    for (folder, text, path) in [
        ("", "See `src/gone.rs`.", "src/gone.rs"),
        ("", "```sh\ntests/gone soak 10\n```", "tests/gone"),
        ("", "| `src/lib.rs`, `src/gone/` |", "src/gone/"),
        ("", "[the map](src/gone.rs)", "src/gone.rs"),
        ("", "<img src=\"assets/gone.svg\">", "assets/gone.svg"),
        ("", "//! Other pages: `tests/{a,b}/main.rs`", "tests/{a,b}/main.rs"),
        (".github", "[the map](src/lib.rs)", ".github/src/lib.rs"),
        (".github", "[the map](../GONE.md#map)", ".github/../GONE.md"),
        ("tests", "[what they share](support/gone.rs)", "tests/support/gone.rs"),
    ] {
        assert_eq!(lost(folder, text), [path], "{text:?}");
    }
    for (folder, text) in [
        ("", "See `src/lib.rs`, and run tests/long."),
        ("", "[the map](src/lib.rs), [a site](https://example.org/src/gone.rs), [below](#map)"),
        ("", "the folder `src`; `tools/call`; my/src/gone.rs"),
        (".github", "[the README](../README.md#map)"),
        ("tests", "[what they share](support/mod.rs)"),
    ] {
        assert_eq!(lost(folder, text), [""; 0], "{text:?}");
    }
    let page =
        "# A\n\n## Floors\n\n| Floor | Uses |\n| --- | --- |\n| `a` | |\n| `b` | `a`, `c` |\n\n## B\n\n| `d` | |\n";
    let rows = [("a".to_owned(), vec![]), ("b".to_owned(), vec!["a".to_owned(), "c".to_owned()])];
    assert_eq!(floors_told(page), rows);
    assert_eq!(floors_told("# A\n"), []);
}

/// The checker itself, on text that breaks each rule and on text that keeps it.
#[test]
fn the_checker_sees_what_it_should() {
    let dependencies: BTreeSet<String> = ["serde", "serde_json", "tokio", "pyo3"].map(str::to_owned).into();
    let count = |file: &str, text: &str| faults(Path::new(file), text, &dependencies).len();

    for (file, text) in [
        ("mcp/server.rs", "use crate::tui::App;"),
        ("mcp/server.rs", "use crate::{domain::Event, tui::App};"),
        ("mcp/server.rs", "use crate::{\n    domain::{Event, Author},\n    python,\n};"),
        ("mcp/server.rs", "fn f() { crate::launch::boot::x(); }"),
        ("mcp/server.rs", "use super::super::tui::App;"),
        ("mcp/mod.rs", "use super::tui::App;"),
        ("session/actor.rs", "use crate::mcp::Server;"),
        ("cli/serve.rs", "use fourhands::mcp;"),
        ("main.rs", "use fourhands::python;"),
        ("launch/image.rs", "use pyo3::prelude::*;"),
        ("launch/image.rs", "fn f(x: pyo3::PyErr) {}"),
        ("domain/event.rs", "use tokio::sync::mpsc;"),
        ("domain/event.rs", "fn f() { serde_json::to_string(&1); }"),
        ("domain/event.rs", "use std::fs::File;"),
        ("domain/event.rs", "let now = std::time::Instant::now();"),
        ("domain/event.rs", "use crate::session::Closed;"),
        ("tui/draw.rs", "use ratatui::style::Color;"),
        ("attic/old.rs", ""),
        ("tui/app.rs", "\n".repeat(LONGEST + 1).as_str()),
    ] {
        assert_eq!(count(file, text), 1, "{file}: {text:?}");
    }
    for (file, text) in [
        ("mcp/server.rs", "use crate::domain::Event;\nuse crate::session::SessionHandle;"),
        ("mcp/server.rs", "// see crate::tui::App\nuse super::tui::Helper;"),
        ("mcp/server.rs", "use crate::{domain::{tui, python}, session};"),
        ("mcp/server.rs", "use other_crate::tui::App;"),
        ("process/mod.rs", "use crate::{python, tui, mcp, session, domain};\nuse pyo3::prelude::*;"),
        ("domain/event.rs", "use serde::Serialize;\nuse std::collections::HashMap;\nuse super::author::Author;"),
        ("launch/image.rs", "let name = my_pyo3_like;"),
        ("tui/theme/palette.rs", "use ratatui::style::Color;"),
        ("tui/app.rs", "\n".repeat(LONGEST).as_str()),
    ] {
        assert_eq!(count(file, text), 0, "{file}: {text:?}: {:?}", faults(Path::new(file), text, &dependencies));
    }
}
