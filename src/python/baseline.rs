//! What user code may change and the engine needs: remembered at the start, put right before each snippet.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

pub struct Baseline {
    builtins: Py<PyDict>,
    /// What stood in `builtins` at the start.
    builtins_then: Py<PyDict>,
    modules: Py<PyDict>,
    /// What was imported at the start. Without `sys` itself nearly every import fails.
    modules_then: Py<PyDict>,
    environ_then: Py<PyDict>,
    cwd: Py<PyAny>,
    os_chdir: Py<PyAny>,
    /// `os.environ`, and the names of `os` that reset needs.
    os: Py<PyModule>,
}

impl Baseline {
    pub fn take(py: Python<'_>) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict();
        let os = py.import("os")?;
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
        Ok(Self {
            modules_then: modules.copy()?.unbind(),
            modules: modules.unbind(),
            builtins_then: builtins.copy()?.unbind(),
            builtins: builtins.unbind(),
            environ_then: os.getattr("environ")?.call_method0("copy")?.cast_into::<PyDict>()?.unbind(),
            cwd: os.call_method0("getcwd").map_or_else(|_| py.None(), Bound::unbind),
            os_chdir: os.getattr("chdir")?.unbind(),
            os: os.unbind(),
        })
    }

    /// The working directory at the start.
    pub fn cwd(&self, py: Python<'_>) -> Option<PathBuf> {
        self.cwd.extract(py).ok()
    }

    /// Puts back builtins that were deleted or replaced, and the modules that Python itself needs. What was added stays.
    pub fn restore_builtins(&self, py: Python<'_>) -> PyResult<()> {
        self.builtins.bind(py).update(self.builtins_then.bind(py).as_mapping())?;
        if !self.modules.bind(py).contains(pyo3::intern!(py, "sys"))? {
            self.modules.bind(py).update(self.modules_then.bind(py).as_mapping())?;
        }
        Ok(())
    }

    /// Adds to what is put back before each snippet.
    pub fn add_builtin(&self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.builtins_then.bind(py).set_item(name, value)?;
        self.builtins.bind(py).set_item(name, value)
    }

    /// Keeps the value of the last expression where Python keeps it.
    pub fn set_last_value(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.builtins.bind(value.py()).set_item(pyo3::intern!(value.py(), "_"), value)
    }

    /// Builtins, working directory and environment as at the start. What cannot be put back is told in words.
    pub fn restore_all(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut remains = Vec::new();
        let builtins = self.builtins.bind(py);
        for name in builtins.keys() {
            if !self.builtins_then.bind(py).contains(&name)? {
                builtins.del_item(name)?;
            }
        }
        self.restore_builtins(py)?;
        if let Err(error) = self.os_chdir.bind(py).call1((&self.cwd,)) {
            remains.push(format!("the working directory, which could not be changed back: {error}"));
        }
        self.restore_environ(py)?;
        Ok(remains)
    }

    fn restore_environ(&self, py: Python<'_>) -> PyResult<()> {
        let environ = self.os.bind(py).getattr("environ")?;
        let then = self.environ_then.bind(py);
        let names: Vec<Py<PyString>> =
            environ.call_method0("keys")?.try_iter()?.map(|key| Ok(key?.extract()?)).collect::<PyResult<_>>()?;
        for name in names {
            if !then.contains(&name)? {
                environ.del_item(name)?;
            }
        }
        for (name, value) in then.iter() {
            if !environ.call_method1("get", (&name,))?.eq(&value)? {
                environ.set_item(name, value)?;
            }
        }
        Ok(())
    }
}
