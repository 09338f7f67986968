//! The project's own modules: those that lie under the working directory and are likely to be edited.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

/// Takes them out of `sys.modules`, so that the next import reads them again. Extension modules cannot be loaded twice, and
/// installed packages do not change: both stay.
pub fn forget_modules(py: Python<'_>, folder: &Path) -> PyResult<()> {
    let sys = py.import("sys")?;
    let modules = sys.getattr("modules")?.cast_into::<PyDict>()?;
    let prefixes: Vec<PathBuf> = ["prefix", "base_prefix", "exec_prefix"]
        .iter()
        .filter_map(|name| sys.getattr(*name).ok()?.extract::<PathBuf>().ok())
        // A virtual environment within the project is not the project, but a Python built in place may be all of it.
        .filter(|prefix| prefix != folder && !folder.starts_with(prefix))
        .collect();
    let mut found = Vec::new();
    for (name, module) in modules.copy()?.iter() {
        let Ok(module) = module.cast_into::<PyModule>() else { continue };
        if is_projects(&module, folder, &prefixes) && !name.eq("__main__")? {
            found.push((name, module));
        }
    }
    // Only now: where the folders of a package without `__init__.py` lie is found by way of its parent.
    for (name, module) in found {
        modules.del_item(name)?;
        forget_compiled(&module);
    }
    py.import("importlib")?.call_method0("invalidate_caches").map(drop)
}

/// Python takes what it has compiled for up to date if the source is as long as before and of the same second.
fn forget_compiled(module: &Bound<'_, PyModule>) {
    let file = |name: &str| module.dict().get_item(name).ok()??.extract::<PathBuf>().ok();
    let (Some(source), Some(compiled)) = (file("__file__"), file("__cached__")) else { return };
    let changed = |file: &Path| file.metadata()?.modified();
    if let (Ok(source), Ok(then)) = (changed(&source), changed(&compiled))
        && source >= then
    {
        let _ = std::fs::remove_file(compiled);
    }
}

fn is_projects(module: &Bound<'_, PyModule>, folder: &Path, prefixes: &[PathBuf]) -> bool {
    // From the module's dict: to ask the module itself could run a `__getattr__` of the user's.
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
