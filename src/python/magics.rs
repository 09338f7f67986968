//! `IPython`'s magics: rewrites code that uses them, and loads the helper in Python that performs them.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyModule};

use super::file_names;
use super::isolation::baseline::Baseline;
use super::isolation::children;
use crate::domain::lexer::{Rewritten, rewrite};

/// The helper's name among the builtins.
const HELPER: &str = "__fourhands_magic__";

/// One module, written in parts. The last part has the tables of names.
pub const SOURCE: &str = concat!(
    include_str!("magics/commands.py"),
    include_str!("magics/timing.py"),
    include_str!("magics/checkpoint.py"),
    include_str!("magics/names.py"),
    include_str!("magics/files.py"),
    include_str!("magics/tables.py")
);

/// The magics of the user's Python.
pub struct MagicHelper {
    /// The folder of `%checkpoint`; `None` if there is no place for it.
    checkpoints: Option<PathBuf>,
    /// Loaded when it is first needed.
    module: Option<Py<PyModule>>,
}

impl MagicHelper {
    pub fn new(checkpoints: Option<PathBuf>) -> Self {
        Self { checkpoints, module: None }
    }

    /// Returns `code` with calls in place of magics; `None` if it has none.
    pub fn rewrite(&mut self, py: Python<'_>, code: &str, baseline: &Baseline) -> PyResult<Option<Rewritten>> {
        let Some(rewritten) = rewrite(code, HELPER) else { return Ok(None) };
        baseline.add_builtin(py, HELPER, &self.module(py)?.getattr("magic")?)?;
        Ok(Some(rewritten))
    }

    /// Returns the time now, for [`Self::print_times`].
    pub fn clock<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.module(py)?.call_method0("clock")
    }

    /// Prints the time since `began`.
    pub fn print_times(&mut self, began: &Bound<'_, PyAny>) -> PyResult<()> {
        self.module(began.py())?.call_method1("print_times", (began,)).map(drop)
    }

    fn module<'py>(&mut self, py: Python<'py>) -> PyResult<&Bound<'py, PyModule>> {
        if self.module.is_none() {
            let source = std::ffi::CString::new(SOURCE)?;
            let file = std::ffi::CString::new(file_names::MAGICS)?;
            let module = PyModule::from_code(py, &source, &file, c"fourhands_magics")?;
            module.setattr("CHECKPOINTS", self.checkpoints.as_deref().map(Path::as_os_str))?;
            let started = PyCFunction::new_closure(py, Some(c"started"), None, |args, _| {
                args.get_item(0)?.extract().map(children::add_command)
            })?;
            module.setattr("started", started)?;
            self.module = Some(module.unbind());
        }
        self.module
            .as_ref()
            .map(|module| module.bind(py))
            .ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("the magics could not be loaded"))
    }
}

/// Makes a syntax error show the line as written, and not the line that it was rewritten to.
pub fn show_original(error: &PyErr, py: Python<'_>, original: &str) -> PyResult<()> {
    let value = error.value(py);
    let shown: Option<String> = value.getattr("text")?.extract()?;
    let line: Option<usize> = value.getattr("lineno")?.extract()?;
    if let (Some(shown), Some(line)) = (shown, line)
        && shown.contains(HELPER)
        && let Some(written) = original.lines().nth(line.saturating_sub(1))
    {
        value.setattr("text", written)?;
        value.setattr("offset", 1)?;
        value.setattr("end_offset", py.None())?;
    }
    Ok(())
}
