//! The source of classes for Python's `inspect`. It searches the file of their module, so `linecache` has the text of
//! all snippets that define classes, under the name of the session file.
//!
//! Up to Python 3.12 `inspect` takes the first class of the name in that text, so the newest snippet comes first. From
//! 3.13 on a class knows its first line. A snippet is at the beginning of the text while it runs; then it moves to the
//! end, and the line numbers of its classes are changed accordingly.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use super::safe_points::kept::Kept;

/// Lines reserved for the running snippet.
const RESERVED_LINES: usize = 5_000;
/// Lines above which the oldest classes are removed.
const MAX_LINES: usize = 500_000;
/// Bytes above which all but the newest classes are removed.
const MAX_BYTES: usize = 16 << 20;

pub struct ClassSources {
    file: PathBuf,
    lines: Py<PyList>,
    bytes: usize,
    /// Names of classes in the running snippet, and its lines.
    current: Option<(Vec<String>, Py<PyList>)>,
    /// Classes know their first line.
    by_line: bool,
}

impl ClassSources {
    /// `file` is the session file.
    pub fn create(py: Python<'_>, file: &Path, kept: &Kept<'_>) -> PyResult<Self> {
        let by_line = py.version_info() >= (3, 13);
        let mut sources =
            Self { file: file.to_owned(), lines: PyList::empty(py).unbind(), bytes: 0, current: None, by_line };
        match kept.get("class_lines") {
            Some(lines) => sources.lines = lines.cast_into()?.unbind(),
            None => sources.clear(py)?,
        }
        Ok(sources)
    }

    /// Returns the lines, for a successor.
    pub fn lines(&self) -> &Py<PyList> {
        &self.lines
    }

    /// Puts the text where `inspect` looks for it.
    fn publish(&self, sources: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = sources.py();
        let name = self.file.as_os_str().into_pyobject(py)?;
        // Without a modification time, linecache never reads the file.
        let (size, no_time) = (0_usize.into_pyobject(py)?.into_any(), py.None().into_bound(py));
        let entry = [size, no_time, self.lines.bind(py).clone().into_any(), name.clone().into_any()];
        sources.set_item(name, PyTuple::new(py, entry)?)
    }

    pub fn clear(&mut self, py: Python<'_>) -> PyResult<()> {
        self.bytes = 0;
        let lines = self.lines.bind(py);
        let room = if self.by_line { RESERVED_LINES } else { 0 };
        lines.set_slice(0, lines.len(), PyList::new(py, vec!["\n"; room])?.as_any())
    }

    /// To be called before the snippet runs. `sources` is `linecache.cache`.
    pub fn begin(&mut self, sources: &Bound<'_, PyDict>, code: &str) -> PyResult<()> {
        let py = sources.py();
        let names: Vec<String> = code.lines().filter_map(class_name).map(str::to_owned).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.publish(sources)?;
        if self.bytes + code.len() > MAX_BYTES {
            self.clear(py)?;
        }
        self.bytes += code.len();
        let text = PyList::new(py, code.split_inclusive('\n').map(with_end))?;
        let lines = self.lines.bind(py);
        if self.by_line {
            let shown = text.get_slice(0, RESERVED_LINES);
            lines.set_slice(0, shown.len(), shown.as_any())?;
        } else {
            lines.set_slice(0, 0, text.as_any())?;
            lines.set_slice(MAX_LINES, usize::MAX, PyList::empty(py).as_any())?;
        }
        self.current = Some((names, text.unbind()));
        Ok(())
    }

    /// To be called after the snippet.
    pub fn end(&mut self, globals: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = globals.py();
        let Some((names, text)) = self.current.take().filter(|_| self.by_line) else { return Ok(()) };
        let (lines, text) = (self.lines.bind(py).clone(), text.bind(py));
        if lines.len() > MAX_LINES {
            self.clear(py)?;
        }
        let before = lines.len();
        lines.set_slice(before, before, text.as_any())?;
        for name in names {
            if let Some(class) = globals.get_item(&name)?.and_then(|class| class.cast_into::<PyType>().ok()) {
                move_lines(&class, before)?;
            }
        }
        Ok(())
    }
}

/// Moves the first line of a class, and of the classes within it, unless they were moved before.
fn move_lines(class: &Bound<'_, PyType>, by: usize) -> PyResult<()> {
    let py = class.py();
    let names = py.get_type::<PyType>().getattr("__dict__")?.get_item("__dict__")?.call_method1("__get__", (class,))?;
    let ours =
        |names: &Bound<'_, PyAny>| names.get_item("__module__").is_ok_and(|name| name.eq("__main__").unwrap_or(false));
    let Ok(line) = names.get_item("__firstlineno__").and_then(|line| line.extract::<usize>()) else { return Ok(()) };
    if line > RESERVED_LINES || !ours(&names) {
        return Ok(());
    }
    py.get_type::<PyType>().call_method1("__setattr__", (class, "__firstlineno__", line + by))?;
    for value in names.call_method0("values")?.try_iter()? {
        if let Ok(inner) = value?.cast_into::<PyType>() {
            move_lines(&inner, by)?;
        }
    }
    Ok(())
}

fn with_end(line: &str) -> String {
    if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") }
}

/// Returns the name of the class whose definition begins on a line.
fn class_name(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("class")?;
    let name = rest.strip_prefix([' ', '\t'])?.trim_start();
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    Some(&name[..end]).filter(|name| !name.is_empty())
}
