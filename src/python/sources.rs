//! Source lines of the last snippets for tracebacks, in Python's `linecache`.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

/// Snippets whose lines are kept.
const MAX_SNIPPETS: usize = 500;
/// Bytes of memory that the lines may take, roughly.
const MAX_BYTES: usize = 16 << 20;
/// Bytes that a line takes beside its text.
const LINE_OVERHEAD: usize = 64;

pub struct Sources {
    linecache: Py<PyModule>,
    cache: Py<PyDict>,
    /// File names and sizes, the oldest first.
    entries: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Sources {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let linecache = py.import("linecache")?;
        let cache = linecache.getattr("cache")?.cast_into::<PyDict>()?.unbind();
        Ok(Self { linecache: linecache.unbind(), cache, entries: VecDeque::new(), bytes: 0 })
    }

    /// Returns the `linecache.cache` of the start.
    pub fn cache<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.cache.bind(py)
    }

    /// Adds the lines of the snippet `file`.
    pub fn add(&mut self, py: Python<'_>, file: &str, code: &str) -> PyResult<()> {
        let (cache, name) = (self.cache.bind(py), pyo3::intern!(py, "cache"));
        let linecache = self.linecache.bind(py);
        if !linecache.getattr(name).is_ok_and(|now| now.is(cache)) {
            linecache.setattr(name, cache)?;
        }
        let lines = PyList::new(py, code.split_inclusive('\n'))?;
        if let Some(last) = code.lines().last().filter(|_| !code.ends_with('\n')) {
            lines.set_item(lines.len() - 1, format!("{last}\n"))?;
        }
        let size = code.len() + LINE_OVERHEAD * lines.len();
        // Without a modification time, linecache never looks for a file.
        let entry = PyTuple::new(
            py,
            [
                code.len().into_pyobject(py)?.into_any(),
                py.None().into_bound(py),
                lines.into_any(),
                PyString::new(py, file).into_any(),
            ],
        )?;
        cache.set_item(file, entry)?;
        // Rewritten code replaces the submitted code.
        if self.entries.back().is_some_and(|(last, _)| last == file)
            && let Some((_, before)) = self.entries.pop_back()
        {
            self.bytes -= before;
        }
        self.entries.push_back((file.to_owned(), size));
        self.bytes += size;
        while self.entries.len() > MAX_SNIPPETS || (self.bytes > MAX_BYTES && self.entries.len() > 1) {
            let Some((old, size)) = self.entries.pop_front() else { break };
            self.bytes -= size;
            let _ = cache.del_item(old);
        }
        Ok(())
    }
}
