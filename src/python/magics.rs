//! `IPython`'s magic: finding it in code that is no Python as it stands, and the helper that does it.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyModule};

use super::isolation::baseline::Baseline;
use super::isolation::children;
use crate::domain::lexer::{Rewritten, rewrite};

/// The helper's name among the builtins.
const HELPER: &str = "__fourhands_magic__";
/// Its file in tracebacks, where it is left out.
pub const FILE: &str = "<fourhands magics>";

/// One module, written in parts; the last has the tables of names.
pub const SOURCE: &str = concat!(
    include_str!("magics/commands.py"),
    include_str!("magics/timing.py"),
    include_str!("magics/checkpoint.py"),
    include_str!("magics/looking.py")
);

pub struct Magics {
    /// Where `%checkpoint` saves; `None` if there is no place.
    checkpoints: Option<PathBuf>,
    /// Loaded when it is first needed.
    module: Option<Py<PyModule>>,
}

impl Magics {
    pub fn new(checkpoints: Option<PathBuf>) -> Self {
        Self { checkpoints, module: None }
    }

    /// `code` with calls instead of magic, if it holds any.
    pub fn rewrite(&mut self, py: Python<'_>, code: &str, baseline: &Baseline) -> PyResult<Option<Rewritten>> {
        let Some(rewritten) = rewrite(code, HELPER) else { return Ok(None) };
        baseline.add_builtin(py, HELPER, &self.module(py)?.getattr("magic")?)?;
        Ok(Some(rewritten))
    }

    /// The time now, for [`Self::stop`].
    pub fn clock<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.module(py)?.call_method0("clock")
    }

    /// Prints how long it took since.
    pub fn stop(&mut self, began: &Bound<'_, PyAny>) -> PyResult<()> {
        self.module(began.py())?.call_method1("stop", (began,)).map(drop)
    }

    fn module<'py>(&mut self, py: Python<'py>) -> PyResult<&Bound<'py, PyModule>> {
        if self.module.is_none() {
            let source = std::ffi::CString::new(SOURCE)?;
            let file = std::ffi::CString::new(FILE)?;
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

/// Shows the line as it was written where Python's complaint shows what it was rewritten to.
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
