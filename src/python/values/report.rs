//! Reports of exceptions: Python's own formatting, without frames that are not the user's.

use pyo3::exceptions::{PyKeyboardInterrupt, PySyntaxError, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTraceback};

use super::text::readable;
use crate::domain::{ErrorReport, SnippetId, Status};
use crate::python::file_names;

/// The end of a snippet by an exception.
pub struct SnippetEnd {
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

/// Attributes of `sys` in which Python's own prompt leaves the last exception, such as for `pdb.pm()`.
const LAST_EXCEPTION: [&str; 4] = ["last_type", "last_value", "last_traceback", "last_exc"];

/// Exceptions of a chain that are trimmed.
const MAX_CHAIN: usize = 100;

/// The message of an exception whose `__str__` was interrupted.
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

    /// Sets the exception that debuggers find as the last one. Dropping the previous one may run user code.
    pub fn set_last_exception(&self, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        if error.is_instance_of::<PySystemExit>(py) {
            return Ok(());
        }
        let (sys, value) = (self.sys.bind(py), error.value(py));
        let traceback = user_part(error.traceback(py))?;
        let _ = value.setattr("__traceback__", &traceback);
        let last = [
            error.get_type(py).into_any(),
            value.clone().into_any(),
            traceback.into_pyobject(py)?,
            value.clone().into_any(),
        ];
        // `last_exc` is new in Python 3.12.
        let known = if py.version_info() < (3, 12) { 3 } else { 4 };
        LAST_EXCEPTION.into_iter().zip(last).take(known).try_for_each(|(name, last)| sys.setattr(name, last))
    }

    pub fn clear_last_exception(&self, py: Python<'_>) {
        for name in LAST_EXCEPTION {
            let _ = self.sys.bind(py).delattr(name);
        }
    }

    /// Describes how an exception ends a snippet. Runs user code, such as `__str__` of the exception, so it must be
    /// called where user code can be interrupted.
    pub fn snippet_end(&self, py: Python<'_>, error: &PyErr) -> SnippetEnd {
        if error.is_instance_of::<PySystemExit>(py) {
            return exit(py, error);
        }
        let Some(message) = message(py, error.value(py).as_any()) else {
            let type_name = type_name(py, error);
            let frames = self.frames(py, error).unwrap_or_default();
            let traceback = format!("{frames}{type_name}: {INTERRUPTED}");
            let error = ErrorReport { type_name, message: INTERRUPTED.to_owned(), traceback };
            return SnippetEnd { status: Status::Interrupted, returncode: 130, error: Some(error) };
        };
        let (status, returncode) = if error.is_instance_of::<PyKeyboardInterrupt>(py) {
            (Status::Interrupted, 130)
        } else {
            (Status::Error, 1)
        };
        SnippetEnd { status, returncode, error: Some(self.report(py, error, message)) }
    }

    fn report(&self, py: Python<'_>, error: &PyErr, message: String) -> ErrorReport {
        let type_name = type_name(py, error);
        let traceback = self.format(py, error).unwrap_or_else(|_| {
            // The traceback module itself can fail, on hostile exceptions or when little stack is left.
            let last_line = if message.is_empty() { type_name.clone() } else { format!("{type_name}: {message}") };
            plain_frames(py, error).unwrap_or_default() + &last_line
        });
        ErrorReport { type_name, message, traceback }
    }

    fn format(&self, py: Python<'_>, error: &PyErr) -> PyResult<String> {
        let traceback = user_part(error.traceback(py))?;
        let _ = trim_chain(error.value(py).as_any());
        let lines = self.format_exception.bind(py).call1((error.get_type(py), error.value(py), traceback))?;
        let mut text = joined(&lines)?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    fn frames(&self, py: Python<'_>, error: &PyErr) -> PyResult<String> {
        let frames = self.format_frames.bind(py).call1((user_part(error.traceback(py))?,))?;
        Ok(format!("Traceback (most recent call last):\n{}", joined(&frames)?))
    }
}

/// Formats the frames by C code, without source lines.
fn plain_frames(py: Python<'_>, error: &PyErr) -> Option<String> {
    let traceback = user_part(error.traceback(py)).ok()??;
    traceback.cast_into::<PyTraceback>().ok()?.format().ok()
}

fn joined(lines: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    for line in lines.try_iter()? {
        text += &readable(line?.cast::<PyString>()?);
    }
    Ok(text)
}

/// Adds the text of its line to a syntax error that does not come from the parser, such as the compiler's.
pub fn add_missing_line(error: &PyErr, py: Python<'_>, code: &str) -> PyResult<()> {
    let error = error.value(py);
    if !error.is_instance_of::<PySyntaxError>() || !error.getattr("text")?.is_none() {
        return Ok(());
    }
    let line: usize = error.getattr("lineno")?.extract()?;
    let text = line.checked_sub(1).and_then(|line| code.split('\n').nth(line)).unwrap_or_default();
    error.setattr("text", format!("{text}\n"))
}

/// Returns the traceback from its first frame of a snippet on. Without such a frame, returns all but the engine's own
/// frames.
fn user_part(traceback: Option<Bound<'_, PyTraceback>>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let mut whole = traceback.map(Bound::into_any);
    while let Some(entry) = &whole
        && entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?.eq(file_names::DISPLAY)?
    {
        let next = entry.getattr("tb_next")?;
        whole = (!next.is_none()).then_some(next);
    }
    let mut rest = whole.clone();
    while let Some(entry) = rest {
        if is_of_snippet(&entry)? {
            remove_helper_frames(&entry)?;
            return Ok(Some(entry));
        }
        let next = entry.getattr("tb_next")?;
        rest = (!next.is_none()).then_some(next);
    }
    Ok(whole)
}

/// Returns whether the traceback has a frame of a snippet.
pub fn is_in_snippet(traceback: Option<Bound<'_, PyTraceback>>) -> bool {
    let first = user_part(traceback).ok().flatten();
    first.is_some_and(|first| is_of_snippet(&first).unwrap_or(false))
}

/// Returns the snippet of the innermost frame that belongs to one.
pub fn last_snippet(traceback: Option<Bound<'_, PyTraceback>>) -> PyResult<Option<SnippetId>> {
    let mut last = None;
    let mut rest = traceback.map(Bound::into_any);
    while let Some(entry) = rest {
        let file = entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?.extract::<String>()?;
        let number =
            file.strip_prefix(file_names::SNIPPET_PREFIX).and_then(|rest| rest.strip_suffix('>')?.parse().ok());
        last = number.map(SnippetId).or(last);
        let next = entry.getattr("tb_next")?;
        rest = (!next.is_none()).then_some(next);
    }
    Ok(last)
}

fn is_of_snippet(entry: &Bound<'_, PyAny>) -> PyResult<bool> {
    let file = entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
    Ok(file.cast::<PyString>()?.to_string_lossy().starts_with(file_names::SNIPPET_PREFIX))
}

/// Removes the frames before the user's from the exceptions that led to this one.
fn trim_chain(error: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = error.py();
    let mut error = error.clone();
    for _ in 0..MAX_CHAIN {
        let cause = error.getattr(pyo3::intern!(py, "__cause__"))?;
        error = if cause.is_none() { error.getattr(pyo3::intern!(py, "__context__"))? } else { cause };
        if error.is_none() {
            break;
        }
        let traceback = error.getattr("__traceback__")?.cast_into::<PyTraceback>().ok();
        if traceback.is_some() {
            error.setattr("__traceback__", user_part(traceback)?)?;
        }
    }
    Ok(())
}

/// Removes the frames of helpers in Python from those after `entry`.
fn remove_helper_frames(entry: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut entry = entry.clone();
    loop {
        let next = entry.getattr("tb_next")?;
        if next.is_none() {
            return Ok(());
        }
        let file = next.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
        if file.eq(file_names::MAGICS)? || file.eq(file_names::DISPLAY)? || file.eq(file_names::ENGINE)? {
            entry.setattr("tb_next", next.getattr("tb_next")?)?;
        } else {
            entry = next;
        }
    }
}

fn exit(py: Python<'_>, error: &PyErr) -> SnippetEnd {
    let code = error.value(py).getattr("code").ok().filter(|code| !code.is_none());
    let (returncode, message) = match &code {
        None => (0, String::new()),
        Some(code) => match code.extract::<i64>() {
            // The kernel would keep only the lowest byte; the report has the number as given.
            Ok(number) => (i32::try_from(number).unwrap_or(-1), number.to_string()),
            Err(_) => match message(py, code) {
                Some(text) => (1, text),
                None => (130, INTERRUPTED.to_owned()),
            },
        },
    };
    if returncode == 0 {
        return SnippetEnd { status: Status::Ok, returncode, error: None };
    }
    let traceback = format!("SystemExit: {message}");
    let status = if message == INTERRUPTED { Status::Interrupted } else { Status::Error };
    let error = ErrorReport { type_name: "SystemExit".to_owned(), message, traceback };
    SnippetEnd { status, returncode, error: Some(error) }
}

fn type_name(py: Python<'_>, error: &PyErr) -> String {
    let class = error.get_type(py);
    let name = class.qualname().map_or_else(|_| "Exception".to_owned(), |name| name.to_string_lossy().into_owned());
    match class.module() {
        Ok(module) if module != "builtins" && module != "__main__" => format!("{}.{name}", module.to_string_lossy()),
        _ => name,
    }
}

/// Returns the text of a value; `None` if its `__str__` was interrupted.
fn message(py: Python<'_>, value: &Bound<'_, PyAny>) -> Option<String> {
    match value.str() {
        Ok(text) => Some(readable(&text)),
        Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => None,
        Err(_) => Some("<exception str() failed>".to_owned()),
    }
}
