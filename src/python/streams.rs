//! `sys.stdout` and `sys.stderr`: text streams that write into the capture.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice, PyString, PyTuple, PyType};

use super::capture::{Capture, Writer};
use super::event_loop::SnippetContext;
use super::{fork, signals};
use crate::domain::Stream;

/// Characters that are written at once.
const LARGE: usize = 1 << 20;

#[pyclass(name = "TextStream", module = "fourhands", dict, weakref)]
pub struct TextStream {
    sink: Sink,
    #[pyo3(get)]
    buffer: Py<ByteStream>,
}

/// The bytes below a text stream, as `sys.stdout.buffer`.
#[pyclass(name = "ByteStream", module = "fourhands", dict, weakref)]
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

    fn fileno(&self) -> i32 {
        match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        }
    }

    fn name(&self) -> &'static str {
        match self.stream {
            Stream::Stdout => "<stdout>",
            Stream::Stderr => "<stderr>",
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

    fn flush(&self) {}

    /// For the layer that user code puts on it, such as one with another encoding; this one stays usable.
    fn detach(&self, py: Python<'_>) -> Py<ByteStream> {
        self.buffer.clone_ref(py)
    }

    fn isatty(&self) -> bool {
        false
    }

    fn fileno(&self) -> i32 {
        self.sink.fileno()
    }

    fn readable(&self) -> bool {
        false
    }

    fn writable(&self) -> bool {
        true
    }

    fn seekable(&self) -> bool {
        false
    }

    /// The stream outlives whoever closes it: the session needs it for the next snippet.
    fn close(&self) {}

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
    fn closed(&self) -> bool {
        false
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.sink.name()
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

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {}

    fn __repr__(&self) -> String {
        format!("<fourhands.TextStream name='{}' mode='w' encoding='utf-8'>", self.sink.name())
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

    fn flush(&self) {}

    fn close(&self) {}

    fn isatty(&self) -> bool {
        false
    }

    fn fileno(&self) -> i32 {
        self.sink.fileno()
    }

    fn readable(&self) -> bool {
        false
    }

    fn writable(&self) -> bool {
        true
    }

    fn seekable(&self) -> bool {
        false
    }

    #[getter]
    fn closed(&self) -> bool {
        false
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.sink.name()
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
        let stream = |stream| {
            let sink = Sink { stream, capture: capture.clone(), context: context.clone() };
            let buffer = Py::new(py, ByteStream { sink: sink.clone() })?;
            Py::new(py, TextStream { sink, buffer })
        };
        let streams = Self { out: stream(Stream::Stdout)?, err: stream(Stream::Stderr)? };
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
