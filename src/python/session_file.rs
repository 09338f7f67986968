//! The session's definitions as a file, which is `__main__.__file__`: processes that `multiprocessing` starts
//! (spawn, forkserver) execute it to find the functions and classes they are sent. It holds imports, functions, classes
//! and literal constants, for a child executes all of it; what fails there is left out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

use crate::session::discovery::paths;

/// Statements of a snippet beyond which it is data rather than definitions.
const MOST: usize = 1_000;
/// Bytes of a constant, or an import, that is kept.
const LONGEST_CONSTANT: usize = 2_000;

/// Displays within displays.
const MOST_NESTED: u32 = 5;

/// Tracebacks of a child must read as those of the session.
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

pub struct SessionFile {
    path: PathBuf,
    /// Name (of an import: its text), and the call that defines it, in the order they came; a name that is defined again is
    /// there twice, first and last.
    definitions: Vec<(Arc<str>, Arc<str>)>,
    /// What they were before the snippet that runs.
    before: Option<Vec<(Arc<str>, Arc<str>)>>,
    kinds: Kinds,
}

struct Kinds {
    functions: [Py<PyAny>; 2],
    class: Py<PyAny>,
    imports: [Py<PyAny>; 2],
    assign: Py<PyAny>,
    constant: Py<PyAny>,
    displays: [Py<PyAny>; 5],
}

/// What a snippet defines at its top level.
pub struct Definition {
    name: String,
    text: String,
    /// Of its first line.
    line: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Class,
    Other,
}

impl SessionFile {
    pub fn create(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let ast = py.import("_ast")?;
        let kind = |name: &str| ast.getattr(name).map(Bound::unbind);
        let kinds = Kinds {
            functions: [kind("FunctionDef")?, kind("AsyncFunctionDef")?],
            class: kind("ClassDef")?,
            imports: [kind("Import")?, kind("ImportFrom")?],
            assign: kind("Assign")?,
            constant: kind("Constant")?,
            displays: [kind("Dict")?, kind("UnaryOp")?, kind("List")?, kind("Tuple")?, kind("Set")?],
        };
        let file = Self { path, definitions: Vec::new(), before: None, kinds };
        file.write()?;
        Ok(file)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What the statements of a snippet define.
    pub fn definitions(&self, body: &Bound<'_, PyList>, code: &str) -> PyResult<Vec<Definition>> {
        if body.len() > MOST {
            return Ok(Vec::new());
        }
        let all_lines: Vec<&str> = code.lines().collect();
        let mut found = Vec::new();
        let mut last_line = 0;
        for (index, statement) in body.iter().enumerate() {
            let class = statement.get_type();
            let kind = if self.kinds.functions.iter().any(|kind| class.is(kind)) {
                Kind::Function
            } else if class.is(&self.kinds.class) {
                Kind::Class
            } else if self.kinds.imports.iter().any(|kind| class.is(kind)) || self.is_literal(&statement, &class)? {
                Kind::Other
            } else {
                last_line = statement.getattr("end_lineno")?.extract()?;
                continue;
            };
            let lines = lines(&statement, kind)?;
            // Statements that share a line, by semicolons, cannot be told apart by lines.
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
            if kind == Kind::Other && text.len() > LONGEST_CONSTANT {
                continue;
            }
            let name = match kind {
                Kind::Other => target(&statement).unwrap_or_else(|| text.clone()),
                Kind::Function | Kind::Class => statement.getattr("name")?.extract()?,
            };
            found.push(Definition { name, text, line: lines.0, kind });
        }
        Ok(found)
    }

    /// Keeps what a snippet is about to define, for processes that it starts itself.
    pub fn add(&mut self, py: Python<'_>, snippet: &str, future: u32, definitions: &[Definition]) -> PyResult<()> {
        self.before = None;
        if !self.path.exists() {
            self.restore()?;
        }
        if definitions.is_empty() {
            return Ok(());
        }
        self.before = Some(self.definitions.clone());
        for definition in definitions {
            let text = PyString::new(py, &definition.text).repr()?;
            let call: Arc<str> = format!("__define({snippet:?}, {}, {future}, {text})\n", definition.line).into();
            self.keep(definition, call);
        }
        Ok(self.write()?)
    }

    /// Forgets what a snippet that failed was about to define, but for its functions: the rest may be what failed.
    pub fn settle(&mut self, definitions: &[Definition], succeeded: bool) -> io::Result<()> {
        let Some(before) = self.before.take().filter(|_| !succeeded) else { return Ok(()) };
        let added = std::mem::replace(&mut self.definitions, before);
        for function in definitions.iter().filter(|definition| definition.kind == Kind::Function) {
            if let Some((_, call)) = added.iter().rfind(|(name, _)| **name == *function.name) {
                self.keep(function, call.clone());
            }
        }
        self.write()
    }

    fn keep(&mut self, definition: &Definition, call: Arc<str>) {
        let mut same = (0..self.definitions.len()).filter(|place| *self.definitions[*place].0 == *definition.name);
        // The first stays where it is: what came after it may have needed it.
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
        Ok(class.is(&self.kinds.assign) && self.is_constant(&statement.getattr("value")?, MOST_NESTED)?)
    }

    /// Constants, and displays of them.
    fn is_constant(&self, value: &Bound<'_, PyAny>, depth: u32) -> PyResult<bool> {
        let class = value.get_type();
        if class.is(&self.kinds.constant) {
            return Ok(true);
        }
        let parts: &[&str] = match self.kinds.displays.iter().position(|display| class.is(display)) {
            Some(0) => &["keys", "values"],
            Some(1) => &["operand"],
            Some(_) => &["elts"],
            None => return Ok(false),
        };
        for part in parts {
            let part = value.getattr(*part)?;
            let items = part.cast::<PyList>().map_or_else(|_| vec![part.clone()], |list| list.iter().collect());
            if items.len() > MOST || depth == 0 {
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

    /// Makes it again where somebody has removed it, with its folder.
    fn restore(&self) -> PyResult<()> {
        if let Some(folder) = self.path.parent() {
            paths::make_private(folder).map_err(io::Error::other)?;
        }
        Ok(self.write()?)
    }

    /// In one go and under another name first: a child may be reading it.
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
        // Only a folder that was made for this file alone is empty now.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

/// The name that a constant is bound to, if it is just one.
fn target(statement: &Bound<'_, PyAny>) -> Option<String> {
    let targets = statement.getattr("targets").ok()?.cast_into::<PyList>().ok()?;
    if targets.len() != 1 {
        return None;
    }
    targets.get_item(0).ok()?.getattr("id").ok()?.extract().ok()
}

/// First and last line, decorators included.
fn lines(statement: &Bound<'_, PyAny>, kind: Kind) -> PyResult<(usize, usize)> {
    let mut first: usize = statement.getattr("lineno")?.extract()?;
    let last: usize = statement.getattr("end_lineno")?.extract()?;
    if kind != Kind::Other
        && let Some(decorator) = statement.getattr("decorator_list")?.cast::<PyList>()?.iter().next()
    {
        first = first.min(decorator.getattr("lineno")?.extract()?);
    }
    Ok((first, last))
}
