//! `IPython`'s magics: rewrites code that uses them, and loads the helper in Python that performs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyCFunction, PyModule};

use super::io::capture::Capture;
use super::io::diversion::Diversion;
use super::isolation::baseline::Baseline;
use super::isolation::children;
use super::safe_points;
use super::safe_points::kept::Kept;
use super::{display, file_names};
use crate::domain::lexer::{Rewritten, rewrite};
use crate::domain::{Display, Form};

/// The helper's name among the builtins.
const HELPER: &str = "__fourhands_magic__";

/// One module, written in parts. The last part has the tables of names.
pub const SOURCE: &str = concat!(
    include_str!("magics/commands.py"),
    include_str!("magics/timing.py"),
    include_str!("magics/checkpoint.py"),
    include_str!("magics/names.py"),
    include_str!("magics/files.py"),
    include_str!("magics/ipython.py"),
    include_str!("magics/autoreload.py"),
    include_str!("magics/tables.py")
);

/// The magics of the user's Python.
pub struct MagicHelper(Arc<Magics>);

struct Magics {
    /// The folder of `%checkpoint`; `None` if there is no place for it.
    checkpoints: Option<PathBuf>,
    capture: Arc<Capture>,
    /// Loaded when it is first needed.
    module: PyOnceLock<Py<PyModule>>,
}

impl MagicHelper {
    /// Adds `get_ipython` to the builtins. Must be called before the baseline is taken, which then restores it.
    pub fn install(
        py: Python<'_>,
        checkpoints: Option<PathBuf>,
        capture: &Arc<Capture>,
        kept: &Kept<'_>,
    ) -> PyResult<Self> {
        let magics = Arc::new(Magics { checkpoints, capture: capture.clone(), module: PyOnceLock::new() });
        if let Some(module) = kept.get("magics") {
            let module = module.cast_into::<PyModule>()?;
            magics.connect(&module)?;
            let _ = magics.module.set(py, module.unbind());
        }
        let shared = magics.clone();
        let get_ipython = PyCFunction::new_closure(py, Some(c"get_ipython"), None, move |args, _| {
            let shell = shared.module(args.py())?.getattr("get_ipython")?.call1(args)?;
            PyResult::Ok(shell.unbind())
        })?;
        py.import("builtins")?.setattr("get_ipython", get_ipython)?;
        Ok(Self(magics))
    }

    /// Returns the module, if it was ever needed, for a successor.
    pub fn loaded(&self, py: Python<'_>) -> Option<Py<PyModule>> {
        self.0.module.get(py).map(|module| module.clone_ref(py))
    }

    /// Returns `code` with calls in place of magics; `None` if it has none.
    pub fn rewrite(&self, py: Python<'_>, code: &str, baseline: &Baseline) -> PyResult<Option<Rewritten>> {
        let Some(rewritten) = rewrite(code, HELPER) else { return Ok(None) };
        baseline.add_builtin(py, HELPER, &self.0.module(py)?.getattr("magic")?)?;
        Ok(Some(rewritten))
    }

    /// Reads changed modules again, if `%autoreload` is on. To be called within a snippet, before its own code.
    pub fn before_snippet(&self, py: Python<'_>) -> PyResult<()> {
        let Some(module) = self.0.module.get(py) else { return Ok(()) };
        module.bind(py).call_method0("before_snippet").map(drop)
    }

    /// Notes which modules the code of a snippet has imported, if `%autoreload` is on.
    pub fn after_snippet(&self, py: Python<'_>) -> PyResult<()> {
        let Some(module) = self.0.module.get(py) else { return Ok(()) };
        module.bind(py).call_method0("after_snippet").map(drop)
    }

    /// Returns the time now, for [`Self::print_times`].
    pub fn clock<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.module(py)?.call_method0("clock")
    }

    /// Prints the time since `began`.
    pub fn print_times(&self, began: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.module(began.py())?.call_method1("print_times", (began,)).map(drop)
    }
}

impl Magics {
    fn module<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyModule>> {
        Ok(self.module.get_or_try_init(py, || self.load(py).map(Bound::unbind))?.bind(py))
    }

    fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyModule>> {
        let source = std::ffi::CString::new(SOURCE)?;
        let file = std::ffi::CString::new(file_names::MAGICS)?;
        let module = PyModule::from_code(py, &source, &file, c"fourhands_magics")?;
        self.connect(&module)?;
        Ok(module)
    }

    /// Sets what the module has of the engine.
    fn connect(&self, module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.setattr("CHECKPOINTS", self.checkpoints.as_deref().map(Path::as_os_str))?;
        let started = PyCFunction::new_closure(py, Some(c"started"), None, |args, _| {
            args.get_item(0)?.extract().map(children::add_command)
        })?;
        module.setattr("started", started)?;
        let safe_points = PyCFunction::new_closure(py, Some(c"safe_points"), None, |_, _| safe_points::describe())?;
        module.setattr("safe_points", safe_points)?;
        let rewritten = PyCFunction::new_closure(py, Some(c"rewritten"), None, |args, _| {
            let (py, code): (_, String) = (args.py(), args.get_item(0)?.extract()?);
            let Some(rewritten) = rewrite(&code, HELPER) else { return PyResult::Ok(code) };
            let magic = py.import("fourhands_magics")?.getattr("magic")?;
            py.import("builtins")?.setattr(HELPER, magic)?;
            Ok(rewritten.code)
        })?;
        module.setattr("rewritten", rewritten)?;
        let capture = self.capture.clone();
        let begin = PyCFunction::new_closure(py, Some(c"begin_capture"), None, move |args, _| {
            let (stdout, stderr, displays) = args.extract()?;
            capture.divert(Some(Diversion::new(stdout, stderr, displays)));
            PyResult::Ok(())
        })?;
        module.setattr("begin_capture", begin)?;
        let capture = self.capture.clone();
        let end = PyCFunction::new_closure(py, Some(c"end_capture"), None, move |args, _| {
            let py = args.py();
            let shown = display::show_figures(py);
            let kept = capture.divert(None).unwrap_or_default();
            shown?;
            let forms = |display: Display| -> Vec<(String, Py<PyBytes>)> {
                let form = |form: Form| (form.mime, PyBytes::new(py, &form.data).unbind());
                display.forms.into_iter().map(form).collect()
            };
            let [stdout, stderr] = kept.texts;
            PyResult::Ok((stdout, stderr, kept.displays.into_iter().map(forms).collect::<Vec<_>>()))
        })?;
        module.setattr("end_capture", end)
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
