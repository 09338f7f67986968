//! State of Python that user code may change and the engine needs: saved at the start, restored before each snippet.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::python::safe_points::kept::Kept;

/// The saved state.
pub struct Baseline {
    builtins: Py<PyDict>,
    /// The contents of `builtins` at the start.
    initial_builtins: Py<PyDict>,
    modules: Py<PyDict>,
    /// The contents of `modules` at the last check, for restoring `modules` after it was emptied: without `sys` nearly
    /// every import fails, and many modules cannot be loaded twice, or only with the memory of both.
    last_modules: Py<PyDict>,
    initial_environ: Py<PyDict>,
    cwd: Py<PyAny>,
    os_chdir: Py<PyAny>,
    environ: Py<PyAny>,
    os: Py<PyModule>,
    sys: Py<PyModule>,
    /// `sys.meta_path` and the like, with their contents.
    import_lists: Vec<ImportList>,
}

/// Modules without whose original objects nothing works.
const CORE_MODULES: [&str; 3] = ["sys", "builtins", "__main__"];

struct ImportList {
    name: &'static str,
    list: Py<PyList>,
    initial: Py<PyList>,
}

impl ImportList {
    fn take(sys: &Bound<'_, PyModule>, name: &'static str) -> PyResult<Self> {
        let list = sys.getattr(name)?.cast_into::<PyList>()?;
        let initial = list.get_slice(0, list.len());
        Ok(Self { name, list: list.unbind(), initial: initial.unbind() })
    }

    fn is_lost(&self, sys: &Bound<'_, PyModule>) -> bool {
        let py = sys.py();
        self.list.bind(py).is_empty() || !sys.getattr(self.name).is_ok_and(|now| now.is_instance_of::<PyList>())
    }

    fn restore(&self, sys: &Bound<'_, PyModule>) -> PyResult<()> {
        let list = self.list.bind(sys.py());
        list.set_slice(0, list.len(), self.initial.bind(sys.py()))?;
        sys.setattr(self.name, list)
    }
}

impl Baseline {
    pub fn take(py: Python<'_>, kept: &Kept<'_>) -> PyResult<Self> {
        let builtins = py.import("builtins")?.dict();
        let os = py.import("os")?;
        let sys = py.import("sys")?;
        let modules = sys.getattr("modules")?.cast_into::<PyDict>()?;
        let import_lists = ["meta_path", "path_hooks", "path"].map(|name| ImportList::take(&sys, name));
        Ok(Self {
            import_lists: import_lists.into_iter().collect::<PyResult<_>>()?,
            sys: sys.unbind(),
            last_modules: modules.copy()?.unbind(),
            modules: modules.unbind(),
            initial_builtins: Self::builtins_of_the_start(&builtins, kept)?.unbind(),
            builtins: builtins.unbind(),
            environ: os.getattr("environ")?.unbind(),
            initial_environ: kept
                .get_or("environ", || Ok(os.getattr("environ")?.call_method0("copy")?.cast_into::<PyDict>()?))?
                .unbind(),
            cwd: match kept.get("cwd") {
                Some(cwd) => cwd.unbind(),
                None => os.call_method0("getcwd").map_or_else(|_| py.None(), Bound::unbind),
            },
            os_chdir: os.getattr("chdir")?.unbind(),
            os: os.unbind(),
        })
    }

    /// Returns the builtins of the start, with those of this engine.
    fn builtins_of_the_start<'py>(now: &Bound<'py, PyDict>, kept: &Kept<'py>) -> PyResult<Bound<'py, PyDict>> {
        let initial = kept.get_or("builtins", || now.copy())?;
        for name in initial.keys() {
            if let Some(value) = now.get_item(&name)? {
                initial.set_item(name, value)?;
            }
        }
        Ok(initial)
    }

    /// Hands over what a reset restores.
    pub fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        kept.set_item("builtins", &self.initial_builtins)?;
        kept.set_item("environ", &self.initial_environ)?;
        kept.set_item("cwd", &self.cwd)
    }

    /// Returns the working directory of the start.
    pub fn cwd(&self, py: Python<'_>) -> Option<PathBuf> {
        self.cwd.extract(py).ok()
    }

    /// Restores builtins that were deleted or replaced, and the modules that Python itself needs. Additions stay.
    pub fn restore_builtins(&self, py: Python<'_>) -> PyResult<()> {
        self.builtins.bind(py).update(self.initial_builtins.bind(py).as_mapping())?;
        let (modules, last) = (self.modules.bind(py), self.last_modules.bind(py));
        let (sys, name) = (self.sys.bind(py), pyo3::intern!(py, "modules"));
        if !sys.getattr(name).is_ok_and(|now| now.is(modules)) {
            sys.setattr(name, modules)?;
        }
        // There is another `sys` once any module was imported after the table was emptied.
        if !modules.get_item(pyo3::intern!(py, "sys"))?.is_some_and(|now| now.is(sys)) {
            modules.update(last.as_mapping())?;
        }
        for name in CORE_MODULES {
            if let Some(module) = last.get_item(name)?
                && !modules.get_item(name)?.is_some_and(|now| now.is(&module))
            {
                modules.set_item(name, module)?;
            }
        }
        if modules.len() != last.len() {
            last.clear();
            last.update(modules.as_mapping())?;
        }
        Ok(())
    }

    /// Restores the lists of `sys` without which no import works, if they were emptied.
    pub fn restore_import(&self, py: Python<'_>) -> PyResult<()> {
        let sys = self.sys.bind(py);
        for list in self.import_lists.iter().filter(|list| list.is_lost(sys)) {
            list.restore(sys)?;
        }
        Ok(())
    }

    /// Adds a builtin, which is restored before each snippet.
    pub fn add_builtin(&self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.initial_builtins.bind(py).set_item(name, value)?;
        self.builtins.bind(py).set_item(name, value)
    }

    pub fn builtins<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.builtins.bind(py)
    }

    /// Sets `_` to the value of the last expression, as Python's own prompt does.
    pub fn set_last_value(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.builtins.bind(value.py()).set_item(pyo3::intern!(value.py(), "_"), value)
    }

    /// Restores builtins, working directory and environment of the start. Returns descriptions of what cannot be
    /// restored.
    pub fn restore_all(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut remains = Vec::new();
        let builtins = self.builtins.bind(py);
        for name in builtins.keys() {
            if !self.initial_builtins.bind(py).contains(&name)? {
                builtins.del_item(name)?;
            }
        }
        self.restore_builtins(py)?;
        // Without a directory, the process began in a folder that no longer existed.
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
        let initial = self.initial_environ.bind(py);
        let names: Vec<Py<PyString>> =
            environ.call_method0("keys")?.try_iter()?.map(|key| Ok(key?.extract()?)).collect::<PyResult<_>>()?;
        for name in names {
            if !initial.contains(&name)? {
                environ.del_item(name)?;
            }
        }
        for (name, value) in initial.iter() {
            if !environ.call_method1("get", (&name,))?.eq(&value)? {
                environ.set_item(name, value)?;
            }
        }
        // `TZ` may have changed.
        py.import("time")?.call_method0("tzset").map(drop)
    }
}
