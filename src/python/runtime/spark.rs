//! The interrupt of Spark's jobs.
//!
//! Spark sets a handler of SIGINT that cancels its jobs over the connection on which the main thread waits for their
//! result. That fails, and the jobs go on. Another thread has a connection of its own.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The name of that handler: `pyspark/core/context.py` of 4.1, and `pyspark/context.py` before.
const HANDLER: &str = "SparkContext._do_init.<locals>.signal_handler";

/// Cancels the jobs of Spark if `handler` is Spark's handler of SIGINT, and raises `KeyboardInterrupt`.
///
/// # Errors
/// The `KeyboardInterrupt`.
pub fn interrupt(handler: &Bound<'_, PyAny>) -> PyResult<()> {
    if !handler.getattr("__qualname__").is_ok_and(|name| name.eq(HANDLER).unwrap_or(false)) {
        return Ok(());
    }
    // Without the thread, the interrupt alone has its effect.
    let _ = cancel_jobs(handler.py());
    Err(PyKeyboardInterrupt::new_err(()))
}

fn cancel_jobs(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    let context = modules.get_item("pyspark")?.getattr("SparkContext")?.getattr("_active_spark_context")?;
    let options = PyDict::new(py);
    options.set_item("target", context.getattr("cancelAllJobs")?)?;
    options.set_item("daemon", true)?;
    py.import("threading")?.getattr("Thread")?.call((), Some(&options))?.call_method0("start")?;
    Ok(())
}
