//! `sys.stdin` and `getpass`: code that reads from them is answered by the person or a client.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCFunction, PyDict, PyTuple};

use super::standard_stream::{StandardStream, StandardTextStream, register};
use crate::python::runtime::prompt::Asker;

/// `sys.stdin`
#[pyclass(extends = StandardTextStream, module = "fourhands", dict, weakref)]
pub struct TextInput {
    lines: PromptedLines<String>,
    #[pyo3(get)]
    buffer: Py<ByteInput>,
}

/// `sys.stdin.buffer`
#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref)]
pub struct ByteInput {
    lines: PromptedLines<Vec<u8>>,
}

/// The lines of answers; a line may be read in parts.
struct PromptedLines<T> {
    asker: Asker,
    /// The unread part of the last line.
    rest: Arc<Mutex<T>>,
}

/// Text or bytes as [`PromptedLines`] reads them.
trait LineBuffer: Default + Send {
    fn from_line(line: String) -> Self;
    fn is_empty(&self) -> bool;
    /// Returns the length in characters or bytes.
    fn count(&self) -> usize;
    fn append(&mut self, other: Self);
    /// Takes up to `max` characters or bytes from the front.
    fn take(&mut self, max: usize) -> Self;
}

impl LineBuffer for String {
    fn from_line(line: String) -> Self {
        line
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn count(&self) -> usize {
        self.chars().count()
    }

    fn append(&mut self, other: Self) {
        self.push_str(&other);
    }

    fn take(&mut self, max: usize) -> Self {
        let end = self.char_indices().nth(max).map_or(self.len(), |(end, _)| end);
        self.drain(..end).collect()
    }
}

impl LineBuffer for Vec<u8> {
    fn from_line(line: String) -> Self {
        line.into_bytes()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn append(&mut self, other: Self) {
        self.extend(other);
    }

    fn take(&mut self, max: usize) -> Self {
        self.drain(..max.min(self.len())).collect()
    }
}

impl<T: LineBuffer> PromptedLines<T> {
    fn new(asker: &Asker) -> Self {
        Self { asker: asker.clone(), rest: Arc::default() }
    }

    /// Returns the rest of the line, or the next one; empty at the end of the input.
    fn line(&self, py: Python<'_>, size: Option<isize>) -> PyResult<T> {
        let max = max_size(size);
        if max == 0 {
            return Ok(T::default());
        }
        let mut line = std::mem::take(&mut *self.rest.lock());
        if line.is_empty() {
            let Some(answer) = self.asker.ask(py, None, false)? else { return Ok(line) };
            line = T::from_line(answer + "\n");
        }
        let taken = line.take(max);
        *self.rest.lock() = line;
        Ok(taken)
    }

    fn read(&self, py: Python<'_>, size: Option<isize>) -> PyResult<T> {
        let max = max_size(size);
        let mut read = T::default();
        loop {
            let left = max - read.count();
            let line = self.line(py, Some(isize::try_from(left).unwrap_or(-1)))?;
            if line.is_empty() {
                return Ok(read);
            }
            read.append(line);
        }
    }

    fn all(&self, py: Python<'_>, hint: Option<isize>) -> PyResult<Vec<T>> {
        let hint = hint.filter(|hint| *hint > 0).map_or(usize::MAX, isize::unsigned_abs);
        let (mut lines, mut count) = (Vec::new(), 0);
        while count < hint {
            let line = self.line(py, None)?;
            if line.is_empty() {
                break;
            }
            count += line.count();
            lines.push(line);
        }
        Ok(lines)
    }
}

/// Returns the limit of a read: none for a negative size, or for none.
fn max_size(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

#[pymethods]
impl TextInput {
    #[pyo3(signature = (size=None, /))]
    fn readline(&self, py: Python<'_>, size: Option<isize>) -> PyResult<String> {
        self.lines.line(py, size)
    }

    #[pyo3(signature = (size=None, /))]
    fn read(&self, py: Python<'_>, size: Option<isize>) -> PyResult<String> {
        self.lines.read(py, size)
    }

    #[pyo3(signature = (hint=None, /))]
    fn readlines(&self, py: Python<'_>, hint: Option<isize>) -> PyResult<Vec<String>> {
        self.lines.all(py, hint)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(Some(self.lines.line(py, None)?).filter(|line| !line.is_empty()))
    }

    #[getter]
    fn errors(&self) -> &'static str {
        "strict"
    }

    #[getter]
    fn mode(&self) -> &'static str {
        "r"
    }

    fn __repr__(&self) -> &'static str {
        "<fourhands.TextInput name='<stdin>' mode='r' encoding='utf-8'>"
    }
}

#[pymethods]
impl ByteInput {
    #[pyo3(signature = (size=None, /))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lines.line(py, size)?))
    }

    #[pyo3(signature = (size=None, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lines.read(py, size)?))
    }

    #[pyo3(signature = (hint=None, /))]
    fn readlines<'py>(&self, py: Python<'py>, hint: Option<isize>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        Ok(self.lines.all(py, hint)?.iter().map(|line| PyBytes::new(py, line)).collect())
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.lines.line(py, None)?;
        Ok((!line.is_empty()).then(|| PyBytes::new(py, &line)))
    }

    #[getter]
    fn mode(&self) -> &'static str {
        "rb"
    }
}

/// The session's `sys.stdin`.
pub struct Stdin {
    text: Py<TextInput>,
    /// The unread parts of lines.
    rests: (Arc<Mutex<String>>, Arc<Mutex<Vec<u8>>>),
}

impl Stdin {
    pub fn install(py: Python<'_>, asker: &Asker) -> PyResult<Self> {
        let (lines, bytes) = (PromptedLines::new(asker), PromptedLines::new(asker));
        let rests = (lines.rest.clone(), bytes.rest.clone());
        let fd = StandardStream::STDIN;
        let buffer = Py::new(py, StandardStream::byte_stream(fd, ByteInput { lines: bytes }))?;
        let text = Py::new(py, StandardStream::text_stream(fd, TextInput { lines, buffer }))?;
        let stdin = Self { text, rests };
        register(py, "TextIOBase", &py.get_type::<TextInput>())?;
        register(py, "BufferedIOBase", &py.get_type::<ByteInput>())?;
        let sys = py.import("sys")?;
        sys.setattr("__stdin__", &stdin.text)?;
        stdin.restore(&sys)?;
        replace_getpass(py, asker)?;
        Ok(stdin)
    }

    /// Makes `sys.stdin` ours again, and drops what the last snippet left of a line.
    pub fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        self.rests.0.lock().clear();
        self.rests.1.lock().clear();
        sys.setattr("stdin", self.text.bind(sys.py()))
    }
}

/// Replaces `getpass`, which would read from the terminal, and that is the dashboard's.
fn replace_getpass(py: Python<'_>, asker: &Asker) -> PyResult<()> {
    let asker = asker.clone();
    let function =
        PyCFunction::new_closure(py, Some(c"getpass"), None, move |args, options| getpass(&asker, args, options))?;
    let module = py.import("getpass")?;
    module.setattr("getpass", &function)?;
    module.setattr("unix_getpass", &function)
}

fn getpass(asker: &Asker, args: &Bound<'_, PyTuple>, options: Option<&Bound<'_, PyDict>>) -> PyResult<String> {
    let py = args.py();
    let given = |index: usize, name: &str| {
        let named = || options.and_then(|options| options.get_item(name).ok().flatten());
        args.get_item(index).ok().or_else(named).filter(|given| !given.is_none())
    };
    let prompt = match given(0, "prompt") {
        Some(prompt) => prompt.str()?.to_string_lossy().into_owned(),
        None => "Password: ".to_owned(),
    };
    let given_stream = given(1, "stream");
    let stream = match &given_stream {
        Some(stream) => stream.clone(),
        None => py.import("sys")?.getattr("stderr")?,
    };
    if !stream.is_none() {
        stream.call_method1("write", (&prompt,))?;
        stream.call_method0("flush")?;
    }
    let answer = asker.ask(py, Some(prompt), true)?;
    // On the session's own streams the transcript begins a new line by itself.
    if let Some(stream) = given_stream {
        stream.call_method1("write", ("\n",))?;
    }
    answer.ok_or_else(|| PyEOFError::new_err("EOF when reading a password"))
}
