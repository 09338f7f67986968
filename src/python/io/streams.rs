//! `sys.stdout` and `sys.stderr`: text streams that write into the capture.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PySlice, PyString};

use super::capture::Capture;
use super::standard_stream::{StandardStream, StandardTextStream, register};
use super::writer::OutputWriter;
use crate::domain::Stream;
use crate::python::isolation::fork;
use crate::python::runtime::context::SnippetContext;
use crate::python::runtime::os_signals::current_thread;

/// Characters that are written at once.
const MAX_WRITE: usize = 1 << 20;

/// `sys.stdout` or `sys.stderr`
#[pyclass(extends = StandardTextStream, module = "fourhands", dict, weakref, frozen)]
pub struct TextStream {
    sink: OutputSink,
    #[pyo3(get)]
    buffer: Py<ByteStream>,
}

/// `sys.stdout.buffer` or `sys.stderr.buffer`
#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref, frozen)]
pub struct ByteStream {
    sink: OutputSink,
}

#[derive(Clone)]
struct OutputSink {
    stream: Stream,
    capture: Arc<Capture>,
    context: SnippetContext,
}

impl OutputSink {
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

    fn writer(&self, py: Python<'_>) -> OutputWriter {
        OutputWriter { thread: current_thread(), snippet: self.context.get(py) }
    }

    /// Writes to the pipe, which the session process drains. A forked child has no drain of its own.
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
    #[pyo3(signature = (text, /))]
    fn write(&self, text: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = text.py();
        let Ok(text) = text.cast::<PyString>() else {
            let given = text.get_type().name()?;
            return Err(PyTypeError::new_err(format!("write() argument must be str, not {given}")));
        };
        let count = text.len()?;
        if count > MAX_WRITE && text.is_exact_instance_of::<PyString>() {
            // In slices, because a string keeps its UTF-8 encoding once that was made.
            for start in (0..count).step_by(MAX_WRITE) {
                let end = (start + MAX_WRITE).min(count) as isize;
                self.write(&text.get_item(PySlice::new(py, start as isize, end, 1))?)?;
            }
            return Ok(count);
        }
        let text = match text.to_cow() {
            Ok(text) => text,
            // A lone surrogate is written as Python's own stderr writes it.
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

    fn flush(&self) {
        if !fork::is_child() {
            self.sink.capture.flush();
        }
    }

    /// Returns the byte stream, on which user code may put another layer. Unlike Python's own, the text stream stays
    /// usable.
    fn detach(&self, py: Python<'_>) -> Py<ByteStream> {
        self.buffer.clone_ref(py)
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
    fn write_through(&self) -> bool {
        true
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
        // By `bytes()`, which accepts every bytes-like object: the buffer protocol is not in the stable ABI of Python
        // 3.10.
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

/// The session's `sys.stdout` and `sys.stderr`.
pub struct Streams {
    out: Py<TextStream>,
    err: Py<TextStream>,
}

impl Streams {
    pub fn install(py: Python<'_>, capture: &Arc<Capture>, context: &SnippetContext) -> PyResult<Self> {
        let new = |stream, fd| {
            let sink = OutputSink { stream, capture: capture.clone(), context: context.clone() };
            let buffer = Py::new(py, StandardStream::byte_stream(fd, ByteStream { sink: sink.clone() }))?;
            Py::new(py, StandardStream::text_stream(fd, TextStream { sink, buffer }))
        };
        let streams = Self { out: new(Stream::Stdout, 1)?, err: new(Stream::Stderr, 2)? };
        register(py, "TextIOBase", &py.get_type::<TextStream>())?;
        register(py, "BufferedIOBase", &py.get_type::<ByteStream>())?;
        let sys = py.import("sys")?;
        sys.setattr("__stdout__", &streams.out)?;
        sys.setattr("__stderr__", &streams.err)?;
        streams.restore(&sys)?;
        Ok(streams)
    }

    /// Flushes streams that user code has put in the place of ours, as Python does at a script's end.
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
