//! Exceptions as people read them: Python's own formatting, with frames that are not the user's left out.

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTraceback};

use super::{display, magics};
use crate::domain::{ErrorReport, Status};

/// Names of snippets in tracebacks begin so.
pub const FILE_PREFIX: &str = "<snippet ";

/// How an exception ends a snippet.
pub struct Ending {
    pub status: Status,
    pub returncode: i32,
    /// `None` for `SystemExit` with code 0.
    pub error: Option<ErrorReport>,
}

pub struct Reporter {
    format_exception: Py<PyAny>,
}

impl Reporter {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self { format_exception: py.import("traceback")?.getattr("format_exception")?.unbind() })
    }

    pub fn ending(&self, py: Python<'_>, error: &PyErr) -> Ending {
        if error.is_instance_of::<PySystemExit>(py) {
            return exit(py, error);
        }
        let (status, returncode) = if error.is_instance_of::<PyKeyboardInterrupt>(py) {
            (Status::Interrupted, 130)
        } else {
            (Status::Error, 1)
        };
        Ending { status, returncode, error: Some(self.report(py, error)) }
    }

    fn report(&self, py: Python<'_>, error: &PyErr) -> ErrorReport {
        let type_name = type_name(py, error);
        let message = message(py, error);
        let traceback = self.format(py, error).unwrap_or_else(|_| {
            // The traceback module itself can fail, on hostile exceptions or when little stack is left.
            if message.is_empty() { type_name.clone() } else { format!("{type_name}: {message}") }
        });
        ErrorReport { type_name, message, traceback }
    }

    fn format(&self, py: Python<'_>, error: &PyErr) -> PyResult<String> {
        let traceback = users_part(error.traceback(py))?;
        let lines = self.format_exception.bind(py).call1((error.get_type(py), error.value(py), traceback))?;
        let mut text = String::new();
        for line in lines.try_iter()? {
            text += &line?.cast_into::<PyString>()?.to_string_lossy();
        }
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }
}

/// The traceback from its first frame of a snippet on; all of it if there is none.
fn users_part(traceback: Option<Bound<'_, PyTraceback>>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let whole = traceback.map(Bound::into_any);
    let mut rest = whole.clone();
    while let Some(entry) = rest {
        let file = entry.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
        if file.cast::<PyString>()?.to_string_lossy().starts_with(FILE_PREFIX) {
            leave_magics_out(&entry)?;
            return Ok(Some(entry));
        }
        let next = entry.getattr("tb_next")?;
        rest = (!next.is_none()).then_some(next);
    }
    Ok(whole)
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
            Err(_) => (1, code.str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())),
        },
    };
    if returncode == 0 {
        return Ending { status: Status::Ok, returncode, error: None };
    }
    let traceback = format!("SystemExit: {message}");
    let error = ErrorReport { type_name: "SystemExit".to_owned(), message, traceback };
    Ending { status: Status::Error, returncode, error: Some(error) }
}

fn type_name(py: Python<'_>, error: &PyErr) -> String {
    let class = error.get_type(py);
    let name = class.qualname().map_or_else(|_| "Exception".to_owned(), |name| name.to_string_lossy().into_owned());
    match class.module() {
        Ok(module) if module != "builtins" && module != "__main__" => format!("{}.{name}", module.to_string_lossy()),
        _ => name,
    }
}

fn message(py: Python<'_>, error: &PyErr) -> String {
    match error.value(py).str() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => "<exception str() failed>".to_owned(),
    }
}
