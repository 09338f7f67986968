//! Base classes of `sys.stdin`, `sys.stdout`, `sys.stderr` and their byte streams: the methods that all of them share.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

/// A stream of text or bytes.
#[pyclass(module = "fourhands", subclass, frozen)]
pub struct StandardStream {
    /// The descriptor for child processes that are given this stream: 1 and 2 lead to the capture, 0 is always empty.
    fd: i32,
}

/// A stream of text.
#[pyclass(extends = StandardStream, module = "fourhands", subclass, frozen)]
pub struct StandardTextStream;

impl StandardStream {
    pub const STDIN: i32 = 0;

    pub fn is_output(&self) -> bool {
        self.fd != Self::STDIN
    }

    /// Makes a byte stream of the class `T`.
    pub fn byte_stream<T: PyClass<BaseType = Self>>(fd: i32, stream: T) -> PyClassInitializer<T> {
        PyClassInitializer::from(Self { fd }).add_subclass(stream)
    }

    /// Makes a text stream of the class `T`.
    pub fn text_stream<T: PyClass<BaseType = StandardTextStream>>(fd: i32, stream: T) -> PyClassInitializer<T> {
        PyClassInitializer::from(Self { fd }).add_subclass(StandardTextStream).add_subclass(stream)
    }
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

    /// Does nothing, because the session needs the stream for the next snippet.
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

#[pymethods]
impl StandardTextStream {
    #[getter]
    fn encoding(&self) -> &'static str {
        "utf-8"
    }

    #[getter]
    fn newlines(&self) -> Option<&'static str> {
        None
    }

    #[getter]
    fn line_buffering(&self) -> bool {
        true
    }

    #[pyo3(signature = (**_options))]
    fn reconfigure(&self, _options: Option<&Bound<'_, PyDict>>) {}
}

/// Registers `class` as a virtual subclass of the base class `base` in Python's `io`.
pub fn register(py: Python<'_>, base: &str, class: &Bound<'_, PyType>) -> PyResult<()> {
    py.import("io")?.getattr(base)?.call_method1("register", (class,)).map(drop)
}
