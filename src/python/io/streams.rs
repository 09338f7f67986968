//! `sys.stdout` and `sys.stderr`: text streams that write into the capture.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice, PyString, PyType};

use super::capture::{Capture, Writer};
use super::standard_stream::StandardStream;
use crate::domain::Stream;
use crate::python::isolation::fork;
use crate::python::runtime::context::SnippetContext;
use crate::python::runtime::signals;

/// Characters that are written at once.
const LARGE: usize = 1 << 20;

#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref)]
pub struct TextStream {
    sink: Sink,
    #[pyo3(get)]
    buffer: Py<ByteStream>,
}

/// The bytes below a text stream, as `sys.stdout.buffer`.
#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref)]
pub struct ByteStream {
    sink: Sink,
}

#[derive(Clone)]
struct Sink {
    stream: Stream,
    capture: Arc<Capture>,
    context: SnippetContext,
}

impl Sink {
    fn write(&self, py: Python<'_>, text: &str) {
        if fork::is_child() {
            self.write_to_pipe(text.as_bytes());
        } else {
            self.capture.write(self.writer(py), self.stream, text);
        }
    }

    fn write_bytes(&self, py: Python<'_>, bytes: &[u8]) {
        if fork::is_child() {
            self.write_to_pipe(bytes);
        } else {
            self.capture.write_bytes(self.writer(py), self.stream, bytes);
        }
    }

    fn writer(&self, py: Python<'_>) -> Writer {
        Writer { thread: signals::current_thread(), snippet: self.context.get(py) }
    }

    /// A forked child has no drain; the pipe leads to its parent's.
    fn write_to_pipe(&self, mut bytes: &[u8]) {
        let (out, err) = (io::stdout(), io::stderr());
        let fd = match self.stream {
            Stream::Stdout => out.as_fd(),
            Stream::Stderr => err.as_fd(),
        };
        while !bytes.is_empty() {
            match nix::unistd::write(fd, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }
}

#[pymethods]
impl TextStream {
    fn write(&self, text: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = text.py();
        let Ok(text) = text.cast::<PyString>() else {
            let given = text.get_type().name()?;
            return Err(PyTypeError::new_err(format!("write() argument must be str, not {given}")));
        };
        let count = text.len()?;
        if count > LARGE && text.is_exact_instance_of::<PyString>() {
            // In slices, since Python keeps what it encodes.
            for start in (0..count).step_by(LARGE) {
                let end = (start + LARGE).min(count) as isize;
                self.write(&text.get_item(PySlice::new(py, start as isize, end, 1))?)?;
            }
            return Ok(count);
        }
        let text = match text.to_cow() {
            Ok(text) => text,
            // Half a surrogate pair: as Python's own stderr writes it.
            Err(_) => Cow::Owned(
                text.call_method1("encode", ("utf-8", "backslashreplace"))?.call_method0("decode")?.extract()?,
            ),
        };
        self.sink.write(py, &text);
        Ok(count)
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(&line?)?;
        }
        Ok(())
    }

    /// For the layer that user code puts on it, such as one with another encoding; this one stays usable.
    fn detach(&self, py: Python<'_>) -> Py<ByteStream> {
        self.buffer.clone_ref(py)
    }

    #[pyo3(signature = (**_options))]
    fn reconfigure(&self, _options: Option<&Bound<'_, PyDict>>) {}

    #[getter]
    fn encoding(&self) -> &'static str {
        "utf-8"
    }

    #[getter]
    fn errors(&self) -> &'static str {
        "backslashreplace"
    }

    #[getter]
    fn mode(&self) -> &'static str {
        "w"
    }

    #[getter]
    fn line_buffering(&self) -> bool {
        true
    }

    #[getter]
    fn write_through(&self) -> bool {
        true
    }

    #[getter]
    fn newlines(&self) -> Option<&'static str> {
        None
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.getattr("name")?;
        Ok(format!("<fourhands.TextStream name='{name}' mode='w' encoding='utf-8'>"))
    }
}

#[pymethods]
impl ByteStream {
    fn write(&self, bytes: &Bound<'_, PyAny>) -> PyResult<usize> {
        if bytes.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("a bytes-like object is required, not 'str'"));
        }
        // `bytes()` takes every object of the buffer protocol; the protocol itself is not in the stable ABI of 3.10.
        let owned = bytes.py().get_type::<pyo3::types::PyBytes>().call1((bytes,))?;
        let bytes: &[u8] = owned.extract().map_err(|_| PyValueError::new_err("not readable as bytes"))?;
        self.sink.write_bytes(owned.py(), bytes);
        Ok(bytes.len())
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(&line?)?;
        }
        Ok(())
    }

    #[getter]
    fn mode(&self) -> &'static str {
        "wb"
    }
}

/// The two streams, kept to be set again before each snippet.
pub struct Streams {
    out: Py<TextStream>,
    err: Py<TextStream>,
}

impl Streams {
    pub fn install(py: Python<'_>, capture: &Arc<Capture>, context: &SnippetContext) -> PyResult<Self> {
        let new = |stream, fd| {
            let sink = Sink { stream, capture: capture.clone(), context: context.clone() };
            let buffer = Py::new(py, (ByteStream { sink: sink.clone() }, StandardStream { fd }))?;
            Py::new(py, (TextStream { sink, buffer }, StandardStream { fd }))
        };
        let streams = Self { out: new(Stream::Stdout, 1)?, err: new(Stream::Stderr, 2)? };
        let io = py.import("io")?;
        register(&io.getattr("TextIOBase")?, &py.get_type::<TextStream>())?;
        register(&io.getattr("BufferedIOBase")?, &py.get_type::<ByteStream>())?;
        let sys = py.import("sys")?;
        sys.setattr("__stdout__", &streams.out)?;
        sys.setattr("__stderr__", &streams.err)?;
        streams.restore(&sys)?;
        Ok(streams)
    }

    /// What streams of user code in the place of ours still hold is written, as at a script's end.
    pub fn flush(sys: &Bound<'_, PyModule>) -> PyResult<()> {
        for name in [pyo3::intern!(sys.py(), "stdout"), pyo3::intern!(sys.py(), "stderr")] {
            match sys.getattr(name) {
                Ok(stream) if !stream.is_exact_instance_of::<TextStream>() && !stream.is_none() => {
                    stream.call_method0("flush")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes `sys.stdout` and `sys.stderr` ours again.
    pub fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = sys.py();
        sys.setattr("stdout", self.out.bind(py))?;
        sys.setattr("stderr", self.err.bind(py))
    }
}

pub fn register(base: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<()> {
    base.call_method1("register", (class,)).map(drop)
}
