//! Environment variables of the process, which Python changes while threads of the host read them.
//!
//! C's `setenv` frees the list of variables when the list grows, and a `getenv` in another thread may be reading that
//! list: the process dies. Readers in Rust, of this crate and of others, hold a lock of the standard library. This
//! module makes Python take the same lock.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCFunction};

use super::fork;

/// Replaces `os.putenv`, which `os.environ` calls. To be called before anything changes a variable.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    let original = os.getattr("putenv")?.unbind();
    let (encode, audit) = (os.getattr("fsencode")?.unbind(), py.import("sys")?.getattr("audit")?.unbind());
    let doc = c"Change or add an environment variable.";
    let ours = PyCFunction::new_closure(py, Some(c"putenv"), Some(doc), move |args, options| -> PyResult<Py<PyAny>> {
        let py = args.py();
        let encoded = |nth| encode.bind(py).call1((args.get_item(nth)?,))?.cast_into::<PyBytes>().map_err(PyErr::from);
        let is_usual = args.len() == 2 && options.is_none();
        match (encoded(0), encoded(1)) {
            // A fork may have copied the lock while a thread of the host held it.
            (Ok(name), Ok(value))
                if is_usual && !fork::is_child() && is_settable(name.as_bytes(), value.as_bytes()) =>
            {
                audit.call1(py, ("os.putenv", &name, &value))?;
                set(name.as_bytes(), value.as_bytes());
                Ok(py.None())
            }
            // Python's own error.
            _ => original.call(py, args, options),
        }
    })?;
    os.setattr("putenv", ours)
}

/// Returns whether C and Python accept the name and the value.
fn is_settable(name: &[u8], value: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.contains(&0)
}

#[allow(unsafe_code, reason = "other threads may read variables")]
fn set(name: &[u8], value: &[u8]) {
    // SAFETY: threads that run Python hold the GIL, as this one does; threads of the host read by the standard
    // library, whose lock this call takes.
    unsafe { std::env::set_var(OsStr::from_bytes(name), OsStr::from_bytes(value)) }
}
