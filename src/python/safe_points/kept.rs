//! What the engine of a copy hands over to the new engine that is loaded into it, by name.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Empty in a Python that has just been started.
#[derive(Clone, Default)]
pub struct Kept<'py>(Option<Bound<'py, PyDict>>);

impl<'py> Kept<'py> {
    pub fn new(kept: Option<Bound<'py, PyDict>>) -> Self {
        Self(kept)
    }

    /// Returns whether this is a Python that was woken.
    pub fn is_woken(&self) -> bool {
        self.0.is_some()
    }

    /// Returns what was handed over under a name.
    pub fn get(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        self.0.as_ref()?.get_item(name).ok().flatten().filter(|value| !value.is_none())
    }

    /// Returns the working directory of the session's start.
    pub fn session_folder(&self) -> PathBuf {
        let kept = self.get("cwd").and_then(|folder| folder.extract().ok());
        kept.or_else(|| std::env::current_dir().ok()).unwrap_or_default()
    }

    /// Returns what was handed over under a name, or else makes it.
    pub fn get_or<T>(&self, name: &str, make: impl FnOnce() -> PyResult<Bound<'py, T>>) -> PyResult<Bound<'py, T>>
    where
        T: pyo3::PyTypeCheck,
    {
        match self.get(name) {
            Some(value) => Ok(value.cast_into::<T>()?),
            None => make(),
        }
    }
}
