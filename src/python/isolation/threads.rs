//! The threads of user code.

use std::path::Path;

use pyo3::prelude::*;

/// Returns whether a thread waits for work in one of the standard library's pools. `frame` is its innermost one.
pub fn is_idle_worker(frame: Bound<'_, PyAny>) -> PyResult<bool> {
    let mut next = frame;
    while !next.is_none() {
        let code = next.getattr("f_code")?;
        let (file, name): (String, String) =
            (code.getattr("co_filename")?.extract()?, code.getattr("co_name")?.extract()?);
        match (Path::new(&file).file_name().and_then(|file| file.to_str()), name.as_str()) {
            (Some("thread.py"), "_worker") | (Some("pool.py"), "worker") => return Ok(true),
            (Some("queue.py" | "threading.py"), _) => next = next.getattr("f_back")?,
            _ => return Ok(false),
        }
    }
    Ok(false)
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
