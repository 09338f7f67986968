//! `sys.stdin`, and `getpass`: what reads from them is answered by the person or a client.

#![allow(clippy::unused_self, reason = "methods of Python's stream protocol")]

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCFunction, PyDict, PyTuple};

use super::standard_stream::StandardStream;
use super::streams::register;
use crate::python::runtime::prompt::Asker;

#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref)]
pub struct TextInput {
    lines: Lines<String>,
    #[pyo3(get)]
    buffer: Py<ByteInput>,
}

/// The bytes below it, as `sys.stdin.buffer`.
#[pyclass(extends = StandardStream, module = "fourhands", dict, weakref)]
pub struct ByteInput {
    lines: Lines<Vec<u8>>,
}

/// Lines as they are answered; a line may be read in parts.
struct Lines<T> {
    asker: Asker,
    rest: Arc<Mutex<T>>,
}

/// What [`Lines`] needs of text and of bytes.
trait Line: Default + Send {
    fn of(line: String) -> Self;
    fn is_empty(&self) -> bool;
    /// Characters or bytes.
    fn count(&self) -> usize;
    fn append(&mut self, other: Self);
    /// Takes up to `most` from the front.
    fn take(&mut self, most: usize) -> Self;
}

impl Line for String {
    fn of(line: String) -> Self {
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

    fn take(&mut self, most: usize) -> Self {
        let end = self.char_indices().nth(most).map_or(self.len(), |(end, _)| end);
        self.drain(..end).collect()
    }
}

impl Line for Vec<u8> {
    fn of(line: String) -> Self {
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

    fn take(&mut self, most: usize) -> Self {
        self.drain(..most.min(self.len())).collect()
    }
}

impl<T: Line> Lines<T> {
    fn new(asker: &Asker) -> Self {
        Self { asker: asker.clone(), rest: Arc::default() }
    }

    /// The rest of the line, or the next one; empty at the end of the input.
    fn line(&self, py: Python<'_>, most: Option<isize>) -> PyResult<T> {
        let most = limit(most);
        if most == 0 {
            return Ok(T::default());
        }
        let mut line = std::mem::take(&mut *self.rest.lock().unwrap_or_else(PoisonError::into_inner));
        if line.is_empty() {
            let Some(answer) = self.asker.ask(py, None, false)? else { return Ok(line) };
            line = T::of(answer + "\n");
        }
        let taken = line.take(most);
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = line;
        Ok(taken)
    }

    fn read(&self, py: Python<'_>, most: Option<isize>) -> PyResult<T> {
        let most = limit(most);
        let mut read = T::default();
        loop {
            let wanted = most - read.count();
            let line = self.line(py, Some(isize::try_from(wanted).unwrap_or(-1)))?;
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

/// Negative and none is everything.
fn limit(most: Option<isize>) -> usize {
    most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
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

    #[pyo3(signature = (**_options))]
    fn reconfigure(&self, _options: Option<&Bound<'_, PyDict>>) {}

    #[getter]
    fn encoding(&self) -> &'static str {
        "utf-8"
    }

    #[getter]
    fn errors(&self) -> &'static str {
        "strict"
    }

    #[getter]
    fn newlines(&self) -> Option<&'static str> {
        None
    }

    #[getter]
    fn line_buffering(&self) -> bool {
        true
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

/// Kept to be set again before each snippet.
pub struct Stdin {
    text: Py<TextInput>,
    rests: (Arc<Mutex<String>>, Arc<Mutex<Vec<u8>>>),
}

impl Stdin {
    pub fn install(py: Python<'_>, asker: &Asker) -> PyResult<Self> {
        let (lines, bytes) = (Lines::new(asker), Lines::new(asker));
        let rests = (lines.rest.clone(), bytes.rest.clone());
        let buffer = Py::new(py, (ByteInput { lines: bytes }, StandardStream::STDIN))?;
        let stdin = Self { text: Py::new(py, (TextInput { lines, buffer }, StandardStream::STDIN))?, rests };
        let io = py.import("io")?;
        register(&io.getattr("TextIOBase")?, &py.get_type::<TextInput>())?;
        register(&io.getattr("BufferedIOBase")?, &py.get_type::<ByteInput>())?;
        let sys = py.import("sys")?;
        sys.setattr("__stdin__", &stdin.text)?;
        stdin.restore(&sys)?;
        replace_getpass(py, asker)?;
        Ok(stdin)
    }

    /// Makes `sys.stdin` ours again. What the last snippet left of a line is not for the next one.
    pub fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        self.rests.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.rests.1.lock().unwrap_or_else(PoisonError::into_inner).clear();
        sys.setattr("stdin", self.text.bind(sys.py()))
    }
}

/// Python's own would read from the terminal, which is the dashboard's.
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
    let given = |place: usize, name: &str| {
        let named = || options.and_then(|options| options.get_item(name).ok().flatten());
        args.get_item(place).ok().or_else(named).filter(|given| !given.is_none())
    };
    let prompt = match given(0, "prompt") {
        Some(prompt) => prompt.str()?.to_string_lossy().into_owned(),
        None => "Password: ".to_owned(),
    };
    let own = given(1, "stream");
    let stream = match &own {
        Some(stream) => stream.clone(),
        None => py.import("sys")?.getattr("stderr")?,
    };
    if !stream.is_none() {
        stream.call_method1("write", (&prompt,))?;
        stream.call_method0("flush")?;
    }
    let answer = asker.ask(py, Some(prompt), true)?;
    // On our own streams the transcript begins a new line by itself.
    if let Some(own) = own {
        own.call_method1("write", ("\n",))?;
    }
    answer.ok_or_else(|| PyEOFError::new_err("EOF when reading a password"))
}
