//! What user code may change and the engine needs: remembered at the start, put right before each snippet.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

pub struct Baseline {
    builtins: Py<PyDict>,
    /// What stood in `builtins` at the start.
    builtins_then: Py<PyDict>,
    modules: Py<PyDict>,
    /// What was imported when that was last looked at. Without `sys` itself nearly every import fails, and much of the rest
    /// cannot be loaded twice, or not without the memory of both.
    modules_then: Py<PyDict>,
    environ_then: Py<PyDict>,
    cwd: Py<PyAny>,
    os_chdir: Py<PyAny>,
    environ: Py<PyAny>,
    os: Py<PyModule>,
    sys: Py<PyModule>,
    /// `sys.meta_path` and its kin, with what they held.
    import_lists: Vec<ImportList>,
}

/// Modules that must be what they were for anything to work: names and values of `sys.modules`.
const CORE_MODULES: [&str; 3] = ["sys", "builtins", "__main__"];

struct ImportList {
    name: &'static str,
    list: Py<PyList>,
    then: Py<PyList>,
}

impl ImportList {
    fn take(sys: &Bound<'_, PyModule>, name: &'static str) -> PyResult<Self> {
        let list = sys.getattr(name)?.cast_into::<PyList>()?;
        let then = list.get_slice(0, list.len());
        Ok(Self { name, list: list.unbind(), then: then.unbind() })
    }

    fn is_lost(&self, sys: &Bound<'_, PyModule>) -> bool {
        let py = sys.py();
        self.list.bind(py).is_empty() || !sys.getattr(self.name).is_ok_and(|now| now.is_instance_of::<PyList>())
    }

    fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        let list = self.list.bind(sys.py());
        list.set_slice(0, list.len(), self.then.bind(sys.py()))?;
        sys.setattr(self.name, list)
    }
}

impl Baseline {
    pub fn take(py: Python<'_>) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict();
        let os = py.import("os")?;
        let sys = py.import("sys")?;
        let modules = sys.getattr("modules")?.cast_into::<PyDict>()?;
        let import_lists = ["meta_path", "path_hooks", "path"].map(|name| ImportList::take(&sys, name));
        Ok(Self {
            import_lists: import_lists.into_iter().collect::<PyResult<_>>()?,
            sys: sys.unbind(),
            modules_then: modules.copy()?.unbind(),
            modules: modules.unbind(),
            builtins_then: builtins.copy()?.unbind(),
            builtins: builtins.unbind(),
            environ: os.getattr("environ")?.unbind(),
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
        let (modules, then) = (self.modules.bind(py), self.modules_then.bind(py));
        let (sys, name) = (self.sys.bind(py), pyo3::intern!(py, "modules"));
        if !sys.getattr(name).is_ok_and(|now| now.is(modules)) {
            sys.setattr(name, modules)?;
        }
        // Another `sys` stands there once anything has been imported into a table that was emptied.
        if !modules.get_item(pyo3::intern!(py, "sys"))?.is_some_and(|now| now.is(sys)) {
            modules.update(then.as_mapping())?;
        }
        for name in CORE_MODULES {
            if let Some(module) = then.get_item(name)?
                && !modules.get_item(name)?.is_some_and(|now| now.is(&module))
            {
                modules.set_item(name, module)?;
            }
        }
        if modules.len() != then.len() {
            then.clear();
            then.update(modules.as_mapping())?;
        }
        Ok(())
    }

    /// What imports go through, where it was emptied: nothing can be imported without.
    pub fn restore_import(&self, py: Python<'_>) -> PyResult<()> {
        let sys = self.sys.bind(py);
        for list in self.import_lists.iter().filter(|list| list.is_lost(sys)) {
            list.restore(sys)?;
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
        // Of a process that began in a folder that was gone there is nothing to go back to.
        if !self.cwd.is_none(py)
            && let Err(error) = self.os_chdir.bind(py).call1((&self.cwd,))
        {
            remains.push(format!("the working directory, which could not be changed back: {error}"));
        }
        self.restore_environ(py)?;
        Ok(remains)
    }

    fn restore_environ(&self, py: Python<'_>) -> PyResult<()> {
        let environ = self.environ.bind(py);
        self.os.bind(py).setattr("environ", environ)?;
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
        // The time zone is read from there.
        py.import("time")?.call_method0("tzset").map(drop)
    }
}
