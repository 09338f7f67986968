//! The waking of a copy: a new engine, loaded beside the dead one, takes the interpreter over.
//!
//! The dead engine's frames stay below on the stack, and what it has made stays in memory: it knows that it is a fork,
//! and does nothing any more.

use std::ffi::CString;
use std::os::fd::{IntoRawFd, RawFd};

use nix::sys::signal::{SigHandler, Signal, signal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use super::copy::{self, Awakening};
use crate::python::io::descriptors::flush_c_streams;

/// Loads an engine, and runs the session in it. The end is that of a script, without Python's own: that would run code
/// of the dead engine.
const SOURCE: &str = r#"
def wake(path, descriptor, boot, kept):
    import os
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = ExtensionFileLoader("fourhands", path)
    engine = module_from_spec(spec_from_loader("fourhands", loader))
    loader.exec_module(engine)
    os.close(descriptor)
    return engine.main(boot, kept)


def end():
    import atexit, gc, sys

    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()
    # Files write what they hold.
    vars(sys.modules["__main__"]).clear()
    gc.collect()
"#;

/// The state of Python's global random numbers. A fork makes a new one in the child.
pub struct RandomState(Option<Py<PyAny>>);

impl RandomState {
    pub fn take(py: Python<'_>) -> Self {
        let state = random(py).and_then(|random| random.call_method0("getstate").ok());
        Self(state.map(Bound::unbind))
    }

    pub fn put_back(&self, py: Python<'_>) {
        if let (Some(state), Some(random)) = (&self.0, random(py)) {
            let _ = random.call_method1("setstate", (state,));
        }
    }
}

fn random(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    py.import("sys").ok()?.getattr("modules").ok()?.get_item("random").ok()
}

/// Runs the session in this copy to its end, with what is `kept`. `own` are the descriptors of the dead engine.
#[allow(unsafe_code, reason = "the descriptors of the dead engine have owners that are never dropped")]
pub fn run(py: Python<'_>, awakening: Awakening, kept: &Bound<'_, PyDict>, own: &[RawFd]) -> ! {
    for descriptor in own {
        // SAFETY: nothing of the dead engine runs any more.
        unsafe { libc::close(*descriptor) };
    }
    // The handler of the dead host writes to descriptors that are not open here.
    // SAFETY: the default has no handler.
    let _ = unsafe { signal(Signal::SIGWINCH, SigHandler::SigDfl) };
    let code = match start(py, awakening, kept) {
        Ok(code) => code,
        Err(error) => {
            error.print(py);
            1
        }
    };
    flush_c_streams();
    copy::leave(code)
}

fn start(py: Python<'_>, awakening: Awakening, kept: &Bound<'_, PyDict>) -> PyResult<i32> {
    let mut descriptors = awakening.descriptors.into_iter();
    let engine = descriptors.next().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
    // By this process's own number: a library that was loaded by the same path before would be taken for this one.
    let engine = engine.into_raw_fd();
    let path = format!("/proc/{}/fd/{engine}", std::process::id());
    // The new engine owns them by their numbers.
    let numbers: Vec<RawFd> = descriptors.map(IntoRawFd::into_raw_fd).collect();
    kept.set_item("descriptors", numbers)?;
    let source = CString::new(SOURCE)?;
    let helper = PyModule::from_code(py, &source, c"<string>", c"fourhands_waking")?;
    py.import("sys")?.getattr("modules")?.del_item("fourhands_waking")?;
    let code = helper.getattr("wake")?.call1((path, engine, awakening.boot, kept))?.extract()?;
    if let Err(error) = helper.getattr("end")?.call0() {
        error.print(py);
    }
    Ok(code)
}
