//! `exit` and `quit` for code of a session. Python's own say that they end the process, and close `sys.stdin`. A line
//! with nothing but such a word at the dashboard's input is not run, so it never gets here.

use pyo3::prelude::*;
use pyo3::types::PyDict;

const SOURCE: &str = include_str!("exit_words.py");

/// Puts the session's `exit` and `quit` among the builtins.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let source = std::ffi::CString::new(SOURCE)?;
    let globals = PyDict::new(py);
    globals.set_item("__name__", "fourhands")?;
    py.run(&source, Some(&globals), None)?;
    let exits = globals.get_item("EXITS")?.unwrap_or_else(|| PyDict::new(py).into_any());
    py.import("builtins")?.dict().update(exits.cast::<PyDict>()?.as_mapping())
}
