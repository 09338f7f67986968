//! The list of variables: as text, in the format of the server that fourhands replaced, and as structured content.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::truncate::{MAX_TEXT, as_one_line};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Variable, VariableKind, VariableQuery, VariableTable, units};

/// Characters of a name, and of a type.
const MAX_NAME: usize = 100;
/// Characters of a value in the text, as in the original server.
const MAX_VALUE: usize = 50;
/// Bytes from which a size is worth telling.
const MIN_SIZE: u64 = 10_000;
/// Types whose values show how long they are.
const BUILTIN_CONTAINERS: [&str; 9] =
    ["str", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset", "range"];
const MAX_PREVIEW: usize = 200;
const MAX_CURSOR: usize = 1_000;

#[derive(Debug, Serialize, JsonSchema)]
pub struct VariableList<'a> {
    pub variables: Vec<VariableRow<'a>>,
    /// Total number of names, without those that start with an underscore.
    pub total: u32,
    /// Number of names that match the filter; fewer may be listed.
    pub matching: u32,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Set while a snippet runs: the list shows the state before that snippet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_before_snippet: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct VariableRow<'a> {
    pub name: Cow<'a, str>,
    pub kind: VariableRowKind,
    #[serde(rename = "type")]
    pub type_name: Cow<'a, str>,
    /// Length or shape; may be empty.
    pub shape: Cow<'a, str>,
    /// Size in bytes, if cheap to determine: of containers without their items, of arrays and frames with their data.
    pub size_bytes: Option<u64>,
    /// Short text of the value; may be empty.
    pub preview: Cow<'a, str>,
    /// The snippet that last bound or visibly changed it.
    pub set_by_snippet: Option<u32>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum VariableRowKind {
    Data,
    Function,
    Class,
    Callable,
    Module,
}

/// Text and structured form. While a snippet runs, the table has only the names that Python had time for.
pub fn list<'a>(table: &'a VariableTable, query: &VariableQuery, running: Option<u32>) -> (String, VariableList<'a>) {
    let matches = |variable: &&Variable| query.matches(&variable.name) || query.matches(&variable.type_name);
    let found: Vec<&Variable> = table.rows.iter().filter(matches).collect();
    let (matching, unseen) = match running {
        Some(_) if !query.is_everything() => (found.len(), table.left),
        _ if table.rows.len() == table.total => (found.len(), 0),
        _ => (table.matching, 0),
    };
    let found: Vec<&Variable> = found.into_iter().filter(|variable| query.is_ahead(&variable.name)).collect();
    let mut text = if table.total == 0 {
        let sentence = if table.has_private {
            "No user-defined variables or functions are currently defined."
        } else {
            "No variables or functions are currently defined."
        };
        sentence.to_owned()
    } else if matching == 0 {
        format!("No name or type contains {:?}; {} defined.", query.part(), are(table.total))
    } else if found.is_empty() {
        "No more names: the list ends here.".to_owned()
    } else {
        "=== Currently Defined Variables and Functions ===\n".to_owned()
    };
    let mut shown = 0;
    for variable in &found {
        let line = line(variable);
        if text.len() + line.len() > MAX_TEXT {
            break;
        }
        text.push('\n');
        text.push_str(&line);
        shown += 1;
    }
    let goes_on = shown < found.len() || table.left > unseen;
    let next = found[..shown].last().filter(|_| goes_on).map(|variable| cursor(&variable.name));
    if goes_on || unseen > 0 {
        let defined = units::count(table.total, "name");
        let most = if unseen > 0 { format!("; {unseen} not inspected while the snippet runs") } else { String::new() };
        let on =
            next.as_ref().map(|next| format!("; continue with cursor={next:?}, or use filter")).unwrap_or_default();
        text.push_str(&format!("\n\n({shown} of {matching} shown{most}; {defined} in all{on})"));
    }
    if let Some(snippet) = running {
        text.push_str(&format!("\n\n(snippet {snippet} is running: the list shows the state before it)"));
    }
    let list = VariableList {
        variables: found[..shown].iter().map(|variable| row(variable)).collect(),
        total: table.total as u32,
        matching: matching as u32,
        next_cursor: next,
        as_before_snippet: running,
    };
    (text, list)
}

/// A name of any usual length: with a shortened name, the next page would repeat rows.
fn cursor(name: &str) -> String {
    name[..floor_char_boundary(name, MAX_CURSOR)].to_owned()
}

fn are(total: usize) -> String {
    format!("{} {}", units::count(total, "name"), if total == 1 { "is" } else { "are" })
}

fn line(variable: &Variable) -> String {
    let name = as_one_line(&variable.name, MAX_NAME);
    match variable.kind {
        VariableKind::Function => format!("Function: {name}()"),
        VariableKind::Class => format!("Class: {name}"),
        VariableKind::Callable => format!("Callable: {name}"),
        VariableKind::Data | VariableKind::Module => {
            let (type_name, value) = (as_one_line(&variable.type_name, MAX_NAME), value(variable));
            let mut size = String::new();
            if !BUILTIN_CONTAINERS.contains(&variable.type_name.as_str()) && variable.shape != value {
                if !variable.shape.is_empty() {
                    size.push_str(&format!(" {}", as_one_line(&variable.shape, MAX_NAME)));
                }
                if let Some(bytes) = variable.size.filter(|bytes| *bytes > MIN_SIZE) {
                    let comma = if size.is_empty() { " " } else { ", " };
                    size.push_str(&format!("{comma}{}", units::bytes(bytes)));
                }
            }
            format!("Variable: {name} ({type_name}){size} = {}", as_one_line(&value, MAX_VALUE))
        }
    }
}

fn value(variable: &Variable) -> Cow<'_, str> {
    match &variable.text {
        Some(text) => text.into(),
        None if !variable.preview.is_empty() => (&variable.preview).into(),
        None if !variable.shape.is_empty() => (&variable.shape).into(),
        None => format!("<{} object>", variable.type_name).into(),
    }
}

fn row(variable: &Variable) -> VariableRow<'_> {
    VariableRow {
        name: as_one_line(&variable.name, MAX_NAME),
        kind: match variable.kind {
            VariableKind::Data => VariableRowKind::Data,
            VariableKind::Function => VariableRowKind::Function,
            VariableKind::Class => VariableRowKind::Class,
            VariableKind::Callable => VariableRowKind::Callable,
            VariableKind::Module => VariableRowKind::Module,
        },
        type_name: as_one_line(&variable.type_name, MAX_NAME),
        shape: as_one_line(&variable.shape, MAX_NAME),
        size_bytes: variable.size,
        preview: as_one_line(&variable.preview, MAX_PREVIEW),
        set_by_snippet: variable.set_by.map(|snippet| snippet.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, kind: VariableKind, type_name: &str, preview: &str, text: Option<&str>) -> Variable {
        Variable {
            name: name.to_owned(),
            kind,
            type_name: type_name.to_owned(),
            shape: String::new(),
            size: None,
            preview: preview.to_owned(),
            text: text.map(str::to_owned),
            set_by: None,
        }
    }

    fn table(rows: Vec<Variable>) -> VariableTable {
        VariableTable { total: rows.len(), matching: rows.len(), rows: rows.into(), ..VariableTable::default() }
    }

    #[test]
    fn the_original_lines_are_kept() {
        let table = table(vec![
            variable("C", VariableKind::Class, "type", "", None),
            variable("f", VariableKind::Function, "function", "", None),
            variable("m", VariableKind::Module, "module", "<module 'math' (built-in)>", None),
            variable("p", VariableKind::Callable, "partial", "", None),
            variable("s", VariableKind::Data, "str", "'a\\nb'", Some("a\nb")),
            variable("t", VariableKind::Data, "str", "...", Some(&"y".repeat(60))),
            variable("x", VariableKind::Data, "int", "3", None),
        ]);
        let (text, list) = list(&table, &VariableQuery::default(), None);
        let expected = [
            "=== Currently Defined Variables and Functions ===",
            "",
            "Class: C",
            "Function: f()",
            "Variable: m (module) = <module 'math' (built-in)>",
            "Callable: p",
            "Variable: s (str) = a\\nb",
            &format!("Variable: t (str) = {}...", "y".repeat(47)),
            "Variable: x (int) = 3",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!((list.total, list.matching, list.variables.len()), (7, 7, 7));
    }

    #[test]
    fn the_original_sentences_are_kept() {
        let mut table = VariableTable::default();
        assert_eq!(list(&table, &VariableQuery::default(), None).0, "No variables or functions are currently defined.");
        table.has_private = true;
        assert_eq!(
            list(&table, &VariableQuery::default(), None).0,
            "No user-defined variables or functions are currently defined."
        );
    }

    #[test]
    fn a_filter_takes_names_and_types() {
        let table = table(vec![
            variable("data", VariableKind::Data, "DataFrame", "", None),
            variable("n", VariableKind::Data, "int", "1", None),
        ]);
        assert!(
            list(&table, &VariableQuery::new("Frame", None), None)
                .0
                .ends_with("\nVariable: data (DataFrame) = <DataFrame object>")
        );
        assert_eq!(
            list(&table, &VariableQuery::new("zzz", None), None).0,
            "No name or type contains \"zzz\"; 2 names are defined."
        );
    }

    #[test]
    fn a_long_list_is_cut_at_whole_lines_and_says_so() {
        let rows = (0..2000).map(|n| variable(&format!("v{n:04}"), VariableKind::Data, "str", &"z".repeat(80), None));
        let table = table(rows.collect());
        let (text, list) = list(&table, &VariableQuery::default(), Some(4));
        assert!(text.len() < MAX_TEXT + 300);
        let (shown, next) = (list.variables.len(), list.next_cursor.unwrap());
        assert_eq!(next, format!("v{:04}", shown - 1));
        let goes_on =
            format!("({shown} of 2000 shown; 2000 names in all; continue with cursor={next:?}, or use filter)");
        assert!(text.contains(&goes_on), "{text}");
        assert!(text.ends_with("(snippet 4 is running: the list shows the state before it)"));
    }
}
