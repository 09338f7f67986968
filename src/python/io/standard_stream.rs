//! What `sys.stdin`, `sys.stdout`, `sys.stderr` and the bytes below them answer alike: the base class of all of them.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use pyo3::prelude::*;
use pyo3::types::PyTuple;

#[pyclass(module = "fourhands", subclass, frozen)]
pub struct StandardStream {
    /// For children that are given this stream: on 1 and 2 is the capture, and on 0 there is never anything to be read.
    pub fd: i32,
}

impl StandardStream {
    pub const STDIN: Self = Self { fd: 0 };
}

#[pymethods]
impl StandardStream {
    #[getter]
    fn name(&self) -> &'static str {
        match self.fd {
            0 => "<stdin>",
            1 => "<stdout>",
            _ => "<stderr>",
        }
    }

    fn fileno(&self) -> i32 {
        self.fd
    }

    fn readable(&self) -> bool {
        self.fd == 0
    }

    fn writable(&self) -> bool {
        self.fd != 0
    }

    fn seekable(&self) -> bool {
        false
    }

    fn isatty(&self) -> bool {
        false
    }

    fn flush(&self) {}

    /// The stream outlives whoever closes it: the session needs it for the next snippet.
    fn close(&self) {}

    #[getter]
    fn closed(&self) -> bool {
        false
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {}
}
