//! Modules of the project: those under the working directory, which are likely to be edited.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

/// Removes the project's modules from `sys.modules`, so that the next import reads them again. Extension modules stay,
/// because they cannot be loaded twice, and so do installed packages, because they do not change.
pub fn forget_modules(py: Python<'_>, folder: &Path) -> PyResult<()> {
    let sys = py.import("sys")?;
    let modules = sys.getattr("modules")?.cast_into::<PyDict>()?;
    let prefixes: Vec<PathBuf> = ["prefix", "base_prefix", "exec_prefix"]
        .iter()
        .filter_map(|name| sys.getattr(*name).ok()?.extract::<PathBuf>().ok())
        // A virtual environment within the project is not part of it. But a Python that was built in place may contain
        // it.
        .filter(|prefix| prefix != folder && !folder.starts_with(prefix))
        .collect();
    let mut found = Vec::new();
    for (name, module) in modules.copy()?.iter() {
        let Ok(module) = module.cast_into::<PyModule>() else { continue };
        if is_of_project(&module, folder, &prefixes) && !name.eq("__main__")? {
            found.push((name, module));
        }
    }
    // In a second loop: a package without `__init__.py` finds its folders through its parent, which must still be
    // there.
    for (name, module) in found {
        modules.del_item(name)?;
        remove_stale_bytecode(&module);
    }
    py.import("importlib")?.call_method0("invalidate_caches").map(drop)
}

/// Removes a compiled file that may be older than its source. Python takes the file for valid if the source has the
/// same size and the same second of modification.
fn remove_stale_bytecode(module: &Bound<'_, PyModule>) {
    let file = |name: &str| module.dict().get_item(name).ok()??.extract::<PathBuf>().ok();
    let (Some(source), Some(compiled)) = (file("__file__"), file("__cached__")) else { return };
    let changed = |file: &Path| file.metadata()?.modified();
    if let (Ok(source), Ok(then)) = (changed(&source), changed(&compiled))
        && source >= then
    {
        let _ = std::fs::remove_file(compiled);
    }
}

fn is_of_project(module: &Bound<'_, PyModule>, folder: &Path, prefixes: &[PathBuf]) -> bool {
    // From the module's dict: an attribute access could run a `__getattr__` of user code.
    let in_dict = |name: &str| module.dict().get_item(name).ok().flatten();
    let file = match in_dict("__file__") {
        Some(file) if !file.is_none() => file.extract::<PathBuf>().ok(),
        // A package without `__init__.py` has only folders.
        _ => in_dict("__path__").and_then(|path| path.try_iter().ok()?.next()?.ok()?.extract::<PathBuf>().ok()),
    };
    let Some(file) = file.and_then(|file| std::path::absolute(file).ok()) else { return false };
    let is_source = file.extension().is_none_or(|extension| extension == "py" || extension == "pyc");
    is_source
        && file.starts_with(folder)
        && !prefixes.iter().any(|prefix| file.starts_with(prefix))
        && !file.components().any(|part| part.as_os_str() == "site-packages" || part.as_os_str() == "dist-packages")
}
