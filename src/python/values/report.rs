//! Exceptions as people read them: Python's own formatting, with frames that are not the user's left out.

use crate::python::values::text::readable;
use pyo3::exceptions::{PyKeyboardInterrupt, PySyntaxError, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTraceback};

use crate::domain::{ErrorReport, Status};
use crate::python::{display, magics};

/// Names of snippets in tracebacks begin so.
pub const FILE_PREFIX: &str = "<snippet ";

/// Python code of the engine itself; its frames are not shown.
pub const ENGINE_FILE: &str = "<fourhands>";

/// How an exception ends a snippet.
pub struct Ending {
    pub status: Status,
    pub returncode: i32,
    /// `None` for `SystemExit` with code 0.
    pub error: Option<ErrorReport>,
}

pub struct Reporter {
    format_exception: Py<PyAny>,
    format_frames: Py<PyAny>,
    sys: Py<PyModule>,
}

/// Where Python's own prompt leaves the last exception, such as for `pdb.pm()`.
const LAST: [&str; 4] = ["last_type", "last_value", "last_traceback", "last_exc"];

/// Said in place of what an exception tells of itself, if that had to be interrupted.
const INTERRUPTED: &str = "<exception str() was interrupted>";

impl Reporter {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let traceback = py.import("traceback")?;
        Ok(Self {
            format_exception: traceback.getattr("format_exception")?.unbind(),
            format_frames: traceback.getattr("format_tb")?.unbind(),
            sys: py.import("sys")?.unbind(),
        })
    }

    /// Leaves an exception where debuggers look for the last one. What was there before goes, which may run user code.
    pub fn remember(&self, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        if error.is_instance_of::<PySystemExit>(py) {
            return Ok(());
        }
        let (sys, value) = (self.sys.bind(py), error.value(py));
        let traceback = users_part(error.traceback(py))?;
        let _ = value.setattr("__traceback__", &traceback);
        let last = [
            error.get_type(py).into_any(),
            value.clone().into_any(),
            traceback.into_pyobject(py)?,
            value.clone().into_any(),
        ];
        // The last of them came with Python 3.12.
        let known = if py.version_info() < (3, 12) { 3 } else { 4 };
        LAST.into_iter().zip(last).take(known).try_for_each(|(name, last)| sys.setattr(name, last))
    }

    pub fn forget(&self, py: Python<'_>) {
        for name in LAST {
            let _ = self.sys.bind(py).delattr(name);
        }
    }

    /// Runs user code, such as `__str__` of the exception: only to be called where that can be interrupted.
    pub fn ending(&self, py: Python<'_>, error: &PyErr) -> Ending {
        if error.is_instance_of::<PySystemExit>(py) {
            return exit(py, error);
        }
        let Some(message) = message(py, error.value(py).as_any()) else {
            let type_name = type_name(py, error);
            let frames = self.frames(py, error).unwrap_or_default();
            let traceback = format!("{frames}{type_name}: {INTERRUPTED}");
            let error = ErrorReport { type_name, message: INTERRUPTED.to_owned(), traceback };
            return Ending { status: Status::Interrupted, returncode: 130, error: Some(error) };
        };
        let (status, returncode) = if error.is_instance_of::<PyKeyboardInterrupt>(py) {
            (Status::Interrupted, 130)
        } else {
            (Status::Error, 1)
        };
        Ending { status, returncode, error: Some(self.report(py, error, message)) }
    }

    fn report(&self, py: Python<'_>, error: &PyErr, message: String) -> ErrorReport {
        let type_name = type_name(py, error);
        let traceback = self.format(py, error).unwrap_or_else(|_| {
            // The traceback module itself can fail, on hostile exceptions or when little stack is left.
            let told = if message.is_empty() { type_name.clone() } else { format!("{type_name}: {message}") };
            plain_frames(py, error).unwrap_or_default() + &told
        });
        ErrorReport { type_name, message, traceback }
    }

    fn format(&self, py: Python<'_>, error: &PyErr) -> PyResult<String> {
        let traceback = users_part(error.traceback(py))?;
        let _ = trim_chain(error.value(py).as_any());
        let lines = self.format_exception.bind(py).call1((error.get_type(py), error.value(py), traceback))?;
        let mut text = joined(&lines)?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    fn frames(&self, py: Python<'_>, error: &PyErr) -> PyResult<String> {
        let frames = self.format_frames.bind(py).call1((users_part(error.traceback(py))?,))?;
        Ok(format!("Traceback (most recent call last):\n{}", joined(&frames)?))
    }
}

/// The frames as C code tells them, without source.
fn plain_frames(py: Python<'_>, error: &PyErr) -> Option<String> {
    let users = users_part(error.traceback(py)).ok()??;
    users.cast_into::<PyTraceback>().ok()?.format().ok()
}

fn joined(lines: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    for line in lines.try_iter()? {
        text += &readable(line?.cast::<PyString>()?);
    }
    Ok(text)
}

/// A syntax error that the parser did not find has no text of its line.
pub fn tell_line(error: &PyErr, py: Python<'_>, code: &str) -> PyResult<()> {
    let error = error.value(py);
    if !error.is_instance_of::<PySyntaxError>() || !error.getattr("text")?.is_none() {
        return Ok(());
    }
    let line: usize = error.getattr("lineno")?.extract()?;
    let text = line.checked_sub(1).and_then(|line| code.split('\n').nth(line)).unwrap_or_default();
    error.setattr("text", format!("{text}\n"))
}

/// The traceback from its first frame of a snippet on; all of it but our own frames if there is none.
fn users_part(traceback: Option<Bound<'_, PyTraceback>>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let mut whole = traceback.map(Bound::into_any);
    while let Some(entry) = &whole
        && entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?.eq(display::FILE)?
    {
        let next = entry.getattr("tb_next")?;
        whole = (!next.is_none()).then_some(next);
    }
    let mut rest = whole.clone();
    while let Some(entry) = rest {
        if is_of_snippet(&entry)? {
            leave_magics_out(&entry)?;
            return Ok(Some(entry));
        }
        let next = entry.getattr("tb_next")?;
        rest = (!next.is_none()).then_some(next);
    }
    Ok(whole)
}

/// Whether a frame of a snippet is in it.
pub fn is_in_snippet(traceback: Option<Bound<'_, PyTraceback>>) -> bool {
    let first = users_part(traceback).ok().flatten();
    first.is_some_and(|first| is_of_snippet(&first).unwrap_or(false))
}

fn is_of_snippet(entry: &Bound<'_, PyAny>) -> PyResult<bool> {
    let file = entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
    Ok(file.cast::<PyString>()?.to_string_lossy().starts_with(FILE_PREFIX))
}

/// Exceptions looked at behind one.
const LONGEST_CHAIN: usize = 100;

/// Takes what came before the user's frames out of the exceptions that led to this one.
fn trim_chain(error: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = error.py();
    let mut error = error.clone();
    for _ in 0..LONGEST_CHAIN {
        let cause = error.getattr(pyo3::intern!(py, "__cause__"))?;
        error = if cause.is_none() { error.getattr(pyo3::intern!(py, "__context__"))? } else { cause };
        if error.is_none() {
            break;
        }
        let traceback = error.getattr("__traceback__")?.cast_into::<PyTraceback>().ok();
        if traceback.is_some() {
            error.setattr("__traceback__", users_part(traceback)?)?;
        }
    }
    Ok(())
}

/// Unlinks the frames of our helpers from what follows `entry`.
fn leave_magics_out(entry: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut entry = entry.clone();
    loop {
        let next = entry.getattr("tb_next")?;
        if next.is_none() {
            return Ok(());
        }
        let file = next.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
        if file.eq(magics::FILE)? || file.eq(display::FILE)? {
            entry.setattr("tb_next", next.getattr("tb_next")?)?;
        } else {
            entry = next;
        }
    }
}

fn exit(py: Python<'_>, error: &PyErr) -> Ending {
    let code = error.value(py).getattr("code").ok().filter(|code| !code.is_none());
    let (returncode, message) = match &code {
        None => (0, String::new()),
        Some(code) => match code.extract::<i64>() {
            // The kernel keeps the lowest byte only; here the number is told as it was given.
            Ok(number) => (i32::try_from(number).unwrap_or(-1), number.to_string()),
            Err(_) => match message(py, code) {
                Some(text) => (1, text),
                None => (130, INTERRUPTED.to_owned()),
            },
        },
    };
    if returncode == 0 {
        return Ending { status: Status::Ok, returncode, error: None };
    }
    let traceback = format!("SystemExit: {message}");
    let status = if message == INTERRUPTED { Status::Interrupted } else { Status::Error };
    let error = ErrorReport { type_name: "SystemExit".to_owned(), message, traceback };
    Ending { status, returncode, error: Some(error) }
}

fn type_name(py: Python<'_>, error: &PyErr) -> String {
    let class = error.get_type(py);
    let name = class.qualname().map_or_else(|_| "Exception".to_owned(), |name| name.to_string_lossy().into_owned());
    match class.module() {
        Ok(module) if module != "builtins" && module != "__main__" => format!("{}.{name}", module.to_string_lossy()),
        _ => name,
    }
}

/// `None` if it had to be interrupted.
fn message(py: Python<'_>, value: &Bound<'_, PyAny>) -> Option<String> {
    match value.str() {
        Ok(text) => Some(readable(&text)),
        Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => None,
        Err(_) => Some("<exception str() failed>".to_owned()),
    }
}
