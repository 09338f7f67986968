//! Circles among the modules of the crate, found by following their `use` lines and paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module, or an item in a module: the names below the crate's root.
type Names = Vec<String>;

/// A module's source without comments and unit tests.
struct Module {
    code: String,
}

pub struct Modules(BTreeMap<Names, Module>);

impl Modules {
    /// The modules below `source` that are not only for tests.
    pub fn read(source: &Path, files: &[std::path::PathBuf]) -> Self {
        let named = files.iter().filter_map(|file| {
            let mut names: Names = file
                .strip_prefix(source)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|n| n.to_string_lossy().into())
                .collect();
            if matches!(names.last().map(String::as_str), Some("mod" | "lib")) {
                names.pop();
            }
            let is_for_tests = |name: &String| name == "tests" || name.ends_with("_tests") || name == "fixtures";
            let is_own_crate = matches!(names.first().map(String::as_str), Some("main" | "build"));
            (!is_own_crate && !names.iter().any(is_for_tests)).then(|| (names, fs::read_to_string(file).unwrap()))
        });
        Self::of(named)
    }

    pub fn of(sources: impl IntoIterator<Item = (Names, String)>) -> Self {
        let module =
            |(names, text): (Names, String)| (names, Module { code: crate::without_comments(without_tests(&text)) });
        Self(sources.into_iter().map(module).collect())
    }

    /// Groups of modules each of which leads to every other, with the edges within.
    pub fn circles(&self) -> Vec<String> {
        let reexports = self.reexports();
        let edges: BTreeMap<&Names, BTreeMap<Names, String>> =
            self.0.iter().map(|(name, module)| (name, self.edges(name, &module.code, &reexports))).collect();
        let reach: BTreeMap<&Names, BTreeSet<&Names>> =
            edges.keys().map(|from| (*from, reachable(from, &edges))).collect();
        let mut circles = Vec::new();
        let mut seen = BTreeSet::new();
        for from in edges.keys() {
            let circle: BTreeSet<&Names> =
                reach[from].iter().copied().filter(|to| reach[to].contains(from)).chain([*from]).collect();
            if circle.len() < 2 || !seen.insert(circle.clone()) {
                continue;
            }
            let within = circle.iter().flat_map(|from| {
                let to = edges[*from].iter().filter(|(to, _)| circle.contains(to));
                to.map(move |(to, path)| format!("    {} uses {} ({path})", from.join("::"), to.join("::")))
            });
            circles.push(format!("a circle of {} modules:\n{}", circle.len(), within.collect::<Vec<_>>().join("\n")));
        }
        circles
    }

    /// Where the items are defined that modules re-export.
    fn reexports(&self) -> BTreeMap<Names, Names> {
        let mut found = BTreeMap::new();
        for (name, module) in &self.0 {
            for used in uses(&module.code).into_iter().filter(|used| used.is_public) {
                let Some(path) = self.resolve(name, &used.path) else { continue };
                let Some(last) = used.alias.or_else(|| path.last().cloned()) else { continue };
                found.insert(name.iter().cloned().chain([last]).collect(), path);
            }
        }
        found
    }

    /// The modules that a module uses, each with a path that leads there.
    fn edges(&self, name: &Names, code: &str, reexports: &BTreeMap<Names, Names>) -> BTreeMap<Names, String> {
        let used = uses(code).into_iter().filter(|used| !used.is_public).map(|used| used.path);
        let children =
            self.0.keys().filter(|other| other.split_last().is_some_and(|(_, parent)| parent == name.as_slice()));
        let children: Vec<String> = children.filter_map(|child| Some(format!("{}::", child.last()?))).collect();
        let paths = used.chain(inline_paths(code, &children));
        let mut found = BTreeMap::new();
        for path in paths {
            let Some(mut names) = self.resolve(name, &path) else { continue };
            for _ in 0..4 {
                let through = (1..=names.len()).find_map(|end| {
                    let defined = reexports.get(&names[..end]).filter(|_| !self.0.contains_key(&names[..end]))?;
                    Some(defined.iter().chain(&names[end..]).cloned().collect::<Names>())
                });
                let Some(through) = through else { break };
                names = through;
            }
            let module = (0..=names.len()).rev().map(|end| &names[..end]).find(|names| self.0.contains_key(*names));
            if let Some(module) = module.filter(|module| *module != name.as_slice()) {
                found.entry(module.to_vec()).or_insert_with(|| path.join("::"));
            }
        }
        found
    }

    /// A path as seen from a module, from the crate's root on; `None` for paths of other crates.
    fn resolve(&self, module: &Names, path: &[String]) -> Option<Names> {
        let up = path.iter().take_while(|name| *name == "super").count();
        let base = match path.first()?.as_str() {
            "crate" | "fourhands" => Vec::new(),
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(up)?].to_vec(),
            first => {
                let child: Names = module.iter().cloned().chain([first.to_owned()]).collect();
                return self.0.contains_key(&child).then(|| module.iter().chain(path).cloned().collect());
            }
        };
        let rest = path[up.max(1)..].iter().filter(|name| *name != "self" && *name != "*");
        Some(base.into_iter().chain(rest.cloned()).collect())
    }
}

/// The text before the first module that is only for tests, as `mod tests {` at the end of a file.
fn without_tests(text: &str) -> &str {
    let is_module = |rest: &str| rest.lines().next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'));
    let attribute = "#[cfg(test)]\n";
    let end = text.match_indices(attribute).find(|(at, _)| is_module(&text[at + attribute.len()..]));
    end.map_or(text, |(at, _)| &text[..at])
}

fn reachable<'a>(from: &Names, edges: &'a BTreeMap<&Names, BTreeMap<Names, String>>) -> BTreeSet<&'a Names> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Names> = edges[from].keys().collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(edges.get(name).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}

struct Use {
    is_public: bool,
    path: Names,
    alias: Option<String>,
}

/// The paths of all `use` lines, their groups unfolded.
fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let (before, after) = rest.split_at(at);
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let Some((tree, behind)) = after[4..].split_once(';') else { break };
        if line.is_empty() || line == "pub" || (line.starts_with("pub(") && line.ends_with(')')) {
            let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            found.extend(unfold(&tree).into_iter().map(|path| {
                let (path, alias) = path.split_once(" as ").map_or((path.as_str(), None), |(p, a)| (p, Some(a)));
                Use { is_public: !line.is_empty(), path: names(path), alias: alias.map(|name| name.trim().to_owned()) }
            }));
            rest = behind;
        } else {
            rest = &after[4..];
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn unfold(tree: &str) -> Vec<String> {
    let Some((before, group)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(unfold).map(|part| format!("{}{part}", before.trim())).collect()
}

fn names(path: &str) -> Names {
    path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Paths within code that begin at the root, at this module, above, or in one of `children`, such as `child::`.
fn inline_paths(code: &str, children: &[String]) -> Vec<Names> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"].into_iter().chain(children.iter().map(String::as_str)) {
        for (at, _) in code.match_indices(root).filter(|(at, _)| crate::starts_a_word(code, *at)) {
            let end =
                code[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(code.len() - at);
            let line = code[..at].rsplit('\n').next().unwrap_or_default().trim_start();
            let is_use = line.starts_with("use ") || line.ends_with(" use ");
            if !is_use && !line.ends_with("pub(in ") {
                found.push(names(&code[at..at + end]));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(sources: &[(&str, &str)]) -> usize {
        let sources = sources.iter().map(|(name, text)| (names(name), (*text).to_owned()));
        Modules::of(sources).circles().len()
    }

    #[test]
    fn circles_are_found_whatever_the_form_of_the_path() {
        for (a, b) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("use super::b::B;", "fn f(_: crate::a::A) {}"),
            ("use crate::{c::C, b::{B, D}};", "use super::a;"),
            ("use crate::b as other;", "use crate::a::A as One;"),
        ] {
            assert_eq!(circles(&[("", ""), ("a", a), ("b", b), ("c", "")]), 1, "{a} {b}");
            assert_eq!(circles(&[("", ""), ("a", a), ("b", "use crate::c::C;"), ("c", b)]), 1, "through c: {a} {b}");
        }
        let child = [("a", "mod b;\nuse b::B;\npub struct A;"), ("a::b", "use super::A;")];
        assert_eq!(circles(&child), 1, "a parent and its child");
        let bare = [("a", "mod b;\npub struct A(b::B);"), ("a::b", "use super::A;")];
        assert_eq!(circles(&bare), 1, "a parent that names its child without `use`");
        let hidden = [
            ("a", "pub use self::b::B;\nmod b;\npub struct A;"),
            ("a::b", "use crate::c::C;"),
            ("c", "use crate::a::B;"),
        ];
        assert_eq!(circles(&hidden), 1, "behind a re-export");
    }

    #[test]
    fn what_is_no_circle_passes() {
        for sources in [
            [("a", "use crate::b::B;"), ("b", "use std::fmt;\nuse serde::a::A;")],
            [("a", "pub use self::b::B;\nmod b;"), ("a::b", "pub struct B;")],
            [("a", "use crate::b::B;"), ("b", "// crate::a::A\n#[cfg(test)]\nmod tests {\n use crate::a::A;\n}")],
            [("a", "use crate::b::B;"), ("b", "#[cfg(test)]\npub mod fixtures {\n use crate::a::A;\n}")],
        ] {
            assert_eq!(circles(&sources), 0, "{sources:?}");
        }
    }
}
