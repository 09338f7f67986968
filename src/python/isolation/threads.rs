//! The threads of user code.

use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyTuple};

use super::fork;
use crate::python::file_names;
use crate::python::io::capture::Capture;
use crate::python::runtime::os_signals::{current_thread, on_main_thread};

/// Returns whether a thread waits for work that others give to it: in a pool, at a queue, or anywhere in a library that
/// has called none of the user's code, as the threads of joblib and Ray do. `frame` is its innermost one.
pub fn waits_for_work(frame: Bound<'_, PyAny>) -> PyResult<bool> {
    let mut next = frame;
    // So far only in the functions of `threading`.
    let mut is_waiting = true;
    while !next.is_none() {
        let code = next.getattr("f_code")?;
        let (path, name): (String, String) =
            (code.getattr("co_filename")?.extract()?, code.getattr("co_name")?.extract()?);
        match (Path::new(&path).file_name().and_then(|file| file.to_str()), name.as_str()) {
            (Some("thread.py"), "_worker") | (Some("pool.py"), "worker") | (Some("queue.py"), "get") if is_waiting => {
                return Ok(true);
            }
            (Some("threading.py"), _) => {}
            _ if !is_of_library(&path) => return Ok(false),
            _ => is_waiting = false,
        }
        next = next.getattr("f_back")?;
    }
    Ok(!is_waiting)
}

fn is_of_library(path: &str) -> bool {
    let is_installed = ["/site-packages/", "/dist-packages/", "/lib/python3"].iter().any(|part| path.contains(part));
    is_installed || (path.starts_with('<') && !path.starts_with(file_names::SNIPPET_PREFIX))
}

/// Functions that start threads.
const STARTERS: [&str; 3] = ["start_new_thread", "start_new", "start_joinable_thread"];

/// Lets a thread that a thread starts work for the same snippet.
pub fn install(py: Python<'_>, capture: &Arc<Capture>) -> PyResult<()> {
    let module = py.import("_thread")?;
    let threading = py.import("sys")?.getattr("modules")?.get_item("threading").ok();
    for name in STARTERS {
        let Ok(start) = module.getattr(name) else { continue };
        let ours = starter(start.unbind(), capture.clone(), py)?;
        module.setattr(name, &ours)?;
        if let Some(threading) = &threading
            && threading.hasattr(format!("_{name}"))?
        {
            threading.setattr(format!("_{name}"), &ours)?;
        }
    }
    Ok(())
}

fn starter(start: Py<PyAny>, capture: Arc<Capture>, py: Python<'_>) -> PyResult<Bound<'_, PyCFunction>> {
    PyCFunction::new_closure(py, Some(c"start_new_thread"), None, move |args, options| -> PyResult<Py<PyAny>> {
        let py = args.py();
        let start = start.bind(py);
        let own = on_main_thread() || fork::is_child();
        let snippet = if own { None } else { capture.earlier_snippet(current_thread()) };
        let (Some(snippet), Ok(run)) = (snippet, args.get_item(0)) else {
            return start.call(args, options).map(Bound::unbind);
        };
        let (run, capture) = (run.unbind(), capture.clone());
        let heir = PyCFunction::new_closure(py, Some(c"run"), None, move |args, options| {
            if !fork::is_child() {
                capture.inherit(current_thread(), snippet);
            }
            run.bind(args.py()).call(args, options).map(Bound::unbind)
        })?;
        let mut given: Vec<Bound<'_, PyAny>> = args.iter().collect();
        given[0] = heir.into_any();
        start.call(PyTuple::new(py, given)?, options).map(Bound::unbind)
    })
}

/// Names the threads that are still alive, except the main one.
pub fn names(py: Python<'_>) -> PyResult<Vec<String>> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else { return Ok(Vec::new()) };
    let main = threading.call_method0("main_thread")?;
    let mut alive = Vec::new();
    for thread in threading.call_method0("enumerate")?.try_iter()? {
        let thread = thread?;
        if !thread.is(&main) {
            alive.push(format!("the thread {}", thread.getattr("name")?.str()?));
        }
    }
    Ok(alive)
}
