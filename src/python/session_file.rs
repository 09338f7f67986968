//! The session file: the definitions of all snippets, as `__main__.__file__`.
//!
//! Processes that `multiprocessing` starts (spawn, forkserver) execute the file to find the functions and classes that
//! they are sent. A child executes all of it, so it holds only imports, functions, classes and literal constants;
//! definitions that fail there are left out.

use std::ffi::CStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use crate::python::safe_points::kept::Kept;
use crate::session::discovery::paths;

/// Statements of a snippet, or items of a literal, above which it is data and not saved.
const MAX_STATEMENTS: usize = 1_000;
/// Bytes of a constant or an import above which it is not saved.
const MAX_CONSTANT_SIZE: usize = 2_000;

/// Levels of nesting of a literal that is saved.
const MAX_NESTING: u32 = 5;

/// Defines a name with the source lines of its snippet, so that a child's tracebacks read as those of the session.
const PROLOGUE: &str = r#"
def __define(file, line, flags, text):
    import linecache

    lines = linecache.cache.setdefault(file, (0, None, [], file))[2]
    lines += ["\n"] * (line - 1 - len(lines))
    lines[line - 1:] = text.splitlines(True)
    try:
        exec(compile("\n" * (line - 1) + text, file, "exec", flags, True), globals())
    except (Exception, SystemExit):
        pass

"#;

/// Makes the path an attribute of `__main__`, where `multiprocessing` and `inspect` look, and no name of snippets:
/// pasted `Path(__file__).parent` fails as in a notebook, and does not lead to a folder of ours. What code sets itself
/// counts.
const PUBLISH: &CStr = cr#"
import sys

class module(type(sys)):
    @property
    def __file__(self):
        return vars(self).get("__file__", path)

    @__file__.setter
    def __file__(self, value):
        vars(self)["__file__"] = value

    @__file__.deleter
    def __file__(self):
        vars(self).pop("__file__", None)

sys.modules["__main__"].__class__ = module
vars(sys.modules["__main__"]).pop("__file__", None)
"#;

pub struct SessionFile {
    path: PathBuf,
    /// Names (for imports: their texts) and the calls that define them, in order. A name that was defined again is
    /// there twice, first and last.
    definitions: Vec<(Arc<str>, Arc<str>)>,
    /// The definitions before the running snippet.
    before: Option<Vec<(Arc<str>, Arc<str>)>>,
    nodes: NodeClasses,
}

/// Classes of Python's syntax tree.
struct NodeClasses {
    functions: [Py<PyAny>; 2],
    class: Py<PyAny>,
    imports: [Py<PyAny>; 2],
    assign: Py<PyAny>,
    constant: Py<PyAny>,
    displays: [Py<PyAny>; 5],
}

/// A definition at the top level of a snippet.
pub struct Definition {
    name: String,
    text: String,
    /// The number of the first line.
    line: usize,
    kind: DefinitionKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DefinitionKind {
    Function,
    Class,
    Other,
}

impl SessionFile {
    pub fn create(py: Python<'_>, path: PathBuf, kept: &Kept<'_>) -> PyResult<Self> {
        let ast = py.import("_ast")?;
        let class = |name: &str| ast.getattr(name).map(Bound::unbind);
        let nodes = NodeClasses {
            functions: [class("FunctionDef")?, class("AsyncFunctionDef")?],
            class: class("ClassDef")?,
            imports: [class("Import")?, class("ImportFrom")?],
            assign: class("Assign")?,
            constant: class("Constant")?,
            displays: [class("Dict")?, class("UnaryOp")?, class("List")?, class("Tuple")?, class("Set")?],
        };
        let kept: Vec<(String, String)> =
            kept.get("definitions").map(|kept| kept.extract()).transpose()?.unwrap_or_default();
        let definitions = kept.into_iter().map(|(name, call)| (name.into(), call.into())).collect();
        let file = Self { path, definitions, before: None, nodes };
        file.write()?;
        Ok(file)
    }

    /// Returns names and calls of the definitions, for a successor.
    pub fn known(&self) -> Vec<(&str, &str)> {
        self.definitions.iter().map(|(name, call)| (&**name, &**call)).collect()
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Tells Python of the file, as `__main__.__file__`.
    pub fn publish(&self, py: Python<'_>) -> PyResult<()> {
        let names = PyDict::new(py);
        names.set_item("path", self.path.as_os_str())?;
        py.run(PUBLISH, Some(&names), None)
    }

    /// Returns the definitions in the statements of a snippet.
    pub fn definitions(&self, body: &Bound<'_, PyList>, code: &str) -> PyResult<Vec<Definition>> {
        if body.len() > MAX_STATEMENTS {
            return Ok(Vec::new());
        }
        let all_lines: Vec<&str> = code.lines().collect();
        let mut found = Vec::new();
        let mut last_line = 0;
        for (index, statement) in body.iter().enumerate() {
            let class = statement.get_type();
            let kind = if self.nodes.functions.iter().any(|kind| class.is(kind)) {
                DefinitionKind::Function
            } else if class.is(&self.nodes.class) {
                DefinitionKind::Class
            } else if self.nodes.imports.iter().any(|kind| class.is(kind)) || self.is_literal(&statement, &class)? {
                DefinitionKind::Other
            } else {
                last_line = statement.getattr("end_lineno")?.extract()?;
                continue;
            };
            let lines = lines(&statement, kind)?;
            // The lines of a statement do not give its text if it shares one of them with another statement, by a
            // semicolon.
            let next_line = body.get_item(index + 1).and_then(|next| next.getattr("lineno")?.extract()).unwrap_or(0);
            let text = if lines.0 == last_line
                || lines.1 == next_line
                || statement.getattr("col_offset")?.extract::<usize>()? > 0
            {
                statement.py().import("ast")?.call_method1("unparse", (&statement,))?.extract()?
            } else {
                all_lines.get(lines.0 - 1..lines.1).unwrap_or_default().join("\n")
            };
            last_line = lines.1;
            if kind == DefinitionKind::Other && text.len() > MAX_CONSTANT_SIZE {
                continue;
            }
            let name = match kind {
                DefinitionKind::Other => target(&statement).unwrap_or_else(|| text.clone()),
                DefinitionKind::Function | DefinitionKind::Class => statement.getattr("name")?.extract()?,
            };
            found.push(Definition { name, text, line: lines.0, kind });
        }
        Ok(found)
    }

    /// Adds the definitions of a snippet that is about to run, for processes that the snippet starts itself.
    pub fn add(&mut self, py: Python<'_>, snippet: &str, future: u32, definitions: &[Definition]) -> PyResult<()> {
        self.before = None;
        if definitions.is_empty() {
            return Ok(());
        }
        self.check()?;
        self.before = Some(self.definitions.clone());
        for definition in definitions {
            let text = PyString::new(py, &definition.text).repr()?;
            let call: Arc<str> = format!("__define({snippet:?}, {}, {future}, {text})\n", definition.line).into();
            self.insert(definition, call);
        }
        Ok(self.write()?)
    }

    /// Removes the definitions of a failed snippet, except functions: any other definition may be the cause of the
    /// failure.
    pub fn finish_snippet(&mut self, definitions: &[Definition], succeeded: bool) -> io::Result<()> {
        let Some(before) = self.before.take().filter(|_| !succeeded) else { return Ok(()) };
        let added = std::mem::replace(&mut self.definitions, before);
        for function in definitions.iter().filter(|definition| definition.kind == DefinitionKind::Function) {
            if let Some((_, call)) = added.iter().rfind(|(name, _)| **name == *function.name) {
                self.insert(function, call.clone());
            }
        }
        self.write()
    }

    fn insert(&mut self, definition: &Definition, call: Arc<str>) {
        let mut same = (0..self.definitions.len()).filter(|index| *self.definitions[*index].0 == *definition.name);
        // The first definition stays, because later ones may need it.
        let (_, second) = (same.next(), same.next());
        if let Some(second) = second {
            self.definitions.remove(second);
        }
        self.definitions.push((definition.name.as_str().into(), call));
    }

    pub fn clear(&mut self) -> io::Result<()> {
        self.definitions.clear();
        self.write()
    }

    fn is_literal(&self, statement: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<bool> {
        Ok(class.is(&self.nodes.assign) && self.is_constant(&statement.getattr("value")?, MAX_NESTING)?)
    }

    /// Returns whether a value is a constant, or a literal container of constants.
    fn is_constant(&self, value: &Bound<'_, PyAny>, depth: u32) -> PyResult<bool> {
        let class = value.get_type();
        if class.is(&self.nodes.constant) {
            return Ok(true);
        }
        let parts: &[&str] = match self.nodes.displays.iter().position(|display| class.is(display)) {
            Some(0) => &["keys", "values"],
            Some(1) => &["operand"],
            Some(_) => &["elts"],
            None => return Ok(false),
        };
        for part in parts {
            let part = value.getattr(*part)?;
            let items = part.cast::<PyList>().map_or_else(|_| vec![part.clone()], |list| list.iter().collect());
            if items.len() > MAX_STATEMENTS || depth == 0 {
                return Ok(false);
            }
            for item in items {
                if !self.is_constant(&item, depth - 1)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Writes the file again, with its folder, if somebody has removed it.
    pub fn check(&self) -> PyResult<()> {
        if self.path.exists() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            paths::make_private(folder).map_err(io::Error::other)?;
        }
        Ok(self.write()?)
    }

    /// Replaces the file as a whole, because a child may be reading it.
    fn write(&self) -> io::Result<()> {
        let draft = self.path.with_extension("draft");
        let mut file = paths::draft(&draft, 0o600)?;
        file.write_all(PROLOGUE.as_bytes())?;
        for (_, call) in &self.definitions {
            file.write_all(call.as_bytes())?;
        }
        drop(file);
        std::fs::rename(draft, &self.path)
    }
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        // This fails unless the folder was made for this file alone.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

/// Returns the name that a constant is bound to, if that is a single one.
fn target(statement: &Bound<'_, PyAny>) -> Option<String> {
    let targets = statement.getattr("targets").ok()?.cast_into::<PyList>().ok()?;
    if targets.len() != 1 {
        return None;
    }
    targets.get_item(0).ok()?.getattr("id").ok()?.extract().ok()
}

/// Returns the first and last line, including decorators.
fn lines(statement: &Bound<'_, PyAny>, kind: DefinitionKind) -> PyResult<(usize, usize)> {
    let mut first: usize = statement.getattr("lineno")?.extract()?;
    let last: usize = statement.getattr("end_lineno")?.extract()?;
    if kind != DefinitionKind::Other
        && let Some(decorator) = statement.getattr("decorator_list")?.cast::<PyList>()?.iter().next()
    {
        first = first.min(decorator.getattr("lineno")?.extract()?);
    }
    Ok((first, last))
}
