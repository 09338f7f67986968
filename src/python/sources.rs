//! Where tracebacks find the lines of snippets: `linecache`, which has those of the last ones.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

/// Snippets whose lines are kept, and the memory that these may take together, roughly and in bytes.
const MOST: usize = 500;
const MOST_BYTES: usize = 16 << 20;
/// What a line takes beside its text.
const LINE: usize = 64;

pub struct Sources {
    linecache: Py<PyModule>,
    cache: Py<PyDict>,
    /// Oldest first, with what they take.
    kept: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Sources {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let linecache = py.import("linecache")?;
        let cache = linecache.getattr("cache")?.cast_into::<PyDict>()?.unbind();
        Ok(Self { linecache: linecache.unbind(), cache, kept: VecDeque::new(), bytes: 0 })
    }

    /// `linecache.cache`, as it was at the start.
    pub fn cache<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.cache.bind(py)
    }

    pub fn keep(&mut self, py: Python<'_>, file: &str, code: &str) -> PyResult<()> {
        let (cache, name) = (self.cache.bind(py), pyo3::intern!(py, "cache"));
        let linecache = self.linecache.bind(py);
        if !linecache.getattr(name).is_ok_and(|now| now.is(cache)) {
            linecache.setattr(name, cache)?;
        }
        let lines = PyList::new(py, code.split_inclusive('\n'))?;
        if let Some(last) = code.lines().last().filter(|_| !code.ends_with('\n')) {
            lines.set_item(lines.len() - 1, format!("{last}\n"))?;
        }
        let taken = code.len() + LINE * lines.len();
        // No modification time: linecache then never looks for a file.
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
        // Code that was mended takes the place of what was submitted.
        if self.kept.back().is_some_and(|(last, _)| last == file)
            && let Some((_, before)) = self.kept.pop_back()
        {
            self.bytes -= before;
        }
        self.kept.push_back((file.to_owned(), taken));
        self.bytes += taken;
        while self.kept.len() > MOST || (self.bytes > MOST_BYTES && self.kept.len() > 1) {
            let Some((old, taken)) = self.kept.pop_front() else { break };
            self.bytes -= taken;
            let _ = cache.del_item(old);
        }
        Ok(())
    }
}
