//! The session's definitions as a file, which is `__main__.__file__`: processes that `multiprocessing` starts anew
//! (spawn, forkserver) execute it to find the functions and classes they are sent, and `inspect` finds classes in it.
//!
//! It holds imports, functions, classes and literal constants, for a child executes all of it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};

/// Statements of a snippet beyond which it is data rather than definitions.
const MOST: usize = 1_000;
/// Bytes of a constant, or an import, that is kept.
const LONGEST_CONSTANT: usize = 2_000;

pub struct SessionFile {
    path: PathBuf,
    /// Name (of an import: its text) and text, in the order they came; a name that is defined anew moves to the end.
    definitions: Vec<(String, String)>,
    /// What the snippet that runs defines is in the file already.
    expected: bool,
    kinds: Kinds,
}

struct Kinds {
    functions: [Py<PyAny>; 2],
    class: Py<PyAny>,
    imports: [Py<PyAny>; 2],
    assign: Py<PyAny>,
    constant: Py<PyAny>,
}

/// What a snippet defines at its top level.
pub struct Definition {
    name: String,
    text: String,
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
        };
        let file = Self { path, definitions: Vec::new(), expected: false, kinds };
        file.write_all()?;
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
        for statement in body {
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
            let text = if lines.0 == last_line || statement.getattr("col_offset")?.extract::<usize>()? > 0 {
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
            found.push(Definition { name, text, kind });
        }
        Ok(found)
    }

    /// Adds what a snippet is about to define, for processes that it starts itself.
    pub fn expect(&mut self, definitions: &[Definition]) -> io::Result<()> {
        // Constants alone are nothing to start a process for.
        if definitions.iter().all(|definition| definition.kind == Kind::Other) {
            return Ok(());
        }
        let anew = |name: &String| definitions.iter().any(|definition| definition.name == *name);
        let before = self.definitions.iter().filter(|(name, _)| !anew(name)).map(|(_, text)| text.as_str());
        self.write(before.chain(definitions.iter().map(|definition| definition.text.as_str())))?;
        self.expected = true;
        Ok(())
    }

    /// Keeps what a snippet has defined. After a failure only its functions: the rest may be what failed.
    pub fn add(&mut self, globals: &Bound<'_, PyDict>, definitions: Vec<Definition>, succeeded: bool) -> PyResult<()> {
        let all = definitions.len();
        let definitions: Vec<_> = definitions.into_iter().filter(|d| succeeded || d.kind == Kind::Function).collect();
        let is_written = std::mem::take(&mut self.expected);
        if definitions.is_empty() && !is_written {
            return Ok(());
        }
        for definition in &definitions {
            self.definitions.retain(|(name, _)| *name != definition.name);
            self.definitions.push((definition.name.clone(), definition.text.clone()));
        }
        if !is_written || definitions.len() < all {
            self.write_all()?;
        }
        for definition in definitions.iter().filter(|definition| definition.kind == Kind::Class) {
            self.tell_line(globals, &definition.name)?;
        }
        Ok(())
    }

    pub fn clear(&mut self) -> io::Result<()> {
        self.definitions.clear();
        self.write_all()
    }

    /// From 3.13 on a class knows the line it begins at; `inspect` looks for that line in this file.
    fn tell_line(&self, globals: &Bound<'_, PyDict>, name: &str) -> PyResult<()> {
        let py = globals.py();
        let Some(class) = globals.get_item(name)?.and_then(|class| class.cast_into::<PyType>().ok()) else {
            return Ok(());
        };
        if py.version_info() < (3, 13) || !class.getattr("__dict__")?.contains("__firstlineno__")? {
            return Ok(());
        }
        let before = self.definitions.iter().take_while(|(known, _)| known != name);
        let line: usize = before.map(|(_, text)| text.lines().count()).sum();
        py.get_type::<PyType>().call_method1("__setattr__", (class, "__firstlineno__", line + 1)).map(drop)
    }

    fn is_literal(&self, statement: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<bool> {
        Ok(class.is(&self.kinds.assign) && statement.getattr("value")?.get_type().is(&self.kinds.constant))
    }

    fn write_all(&self) -> io::Result<()> {
        self.write(self.definitions.iter().map(|(_, text)| text.as_str()))
    }

    /// In one go and under another name first: a child may be reading it.
    fn write<'a>(&self, texts: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let draft = self.path.with_extension("draft");
        let mut all = String::new();
        for text in texts {
            all.push_str(text);
            all.push('\n');
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(all.as_bytes())?;
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
