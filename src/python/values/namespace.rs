//! The one namespace: `__main__`'s globals, their table, and their reset in place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::changes::Memory;
use super::variables::Describer;
use crate::domain::{SnippetId, VariableChanges, VariableQuery, VariableTable};

pub struct Namespace {
    globals: Py<PyDict>,
    /// `__name__` and the other names that every module has.
    module_names: Py<PyDict>,
    memory: Memory,
    describer: Arc<Describer>,
}

impl Namespace {
    /// Takes `__main__` and clears it of all that is not every module's.
    pub fn take(py: Python<'_>) -> PyResult<Self> {
        let globals = py.import("__main__")?.dict();
        for name in globals.keys() {
            if !is_dunder(&name) {
                globals.del_item(name)?;
            }
        }
        Ok(Self {
            module_names: globals.copy()?.unbind(),
            globals: globals.unbind(),
            memory: Memory::default(),
            describer: Arc::new(Describer::new(py)?),
        })
    }

    /// What is in it by now is every module's too.
    pub fn remember(&mut self, py: Python<'_>) -> PyResult<()> {
        self.module_names = self.globals.bind(py).copy()?.unbind();
        Ok(())
    }

    pub fn globals<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.globals.bind(py)
    }

    pub fn describer(&self) -> &Arc<Describer> {
        &self.describer
    }

    /// Gives back what every module has, where user code took it away, and the one thing without which no code runs.
    pub fn repair(&self, py: Python<'_>) -> PyResult<()> {
        let globals = self.globals.bind(py);
        for (name, value) in self.module_names.bind(py).iter() {
            if !globals.contains(&name)? || name.eq("__builtins__")? {
                globals.set_item(name, value)?;
            }
        }
        Ok(())
    }

    /// What differs from the last look; `by` is remembered as the one who did it.
    pub fn changes(&mut self, py: Python<'_>, by: Option<SnippetId>) -> VariableChanges {
        self.memory.changes(self.globals.bind(py), &self.describer.libraries, by)
    }

    /// The table of names that are wanted, `taken_at` left at 0 (the engine has no clock).
    pub fn table(&self, py: Python<'_>, wanted: &VariableQuery) -> PyResult<VariableTable> {
        let mut has_private = false;
        let mut all = Vec::new();
        // Nothing in here runs Python code, so the dict stays as it is.
        for (name, value) in self.globals.bind(py).iter() {
            let Ok(name) = name.cast_into::<PyString>() else { continue };
            all.push((name, value));
        }
        let mut names: Vec<(Cow<'_, str>, usize)> = Vec::with_capacity(all.len());
        for (index, (name, _)) in all.iter().enumerate() {
            let text = name.to_str().map_or_else(|_| Cow::Owned(name.to_string_lossy().into_owned()), Cow::Borrowed);
            if !text.starts_with('_') {
                names.push((text, index));
            } else if !has_private {
                has_private = !self.module_names.bind(py).contains(name)?;
            }
        }
        let total = names.len();
        if !wanted.part().is_empty() {
            let mut classes: HashMap<usize, bool> = HashMap::new();
            names.retain(|(text, index)| {
                let class = all[*index].1.get_type();
                let is_of_type = || wanted.matches(&self.describer.libraries.name_of(&class));
                wanted.matches(text) || *classes.entry(class.as_ptr() as usize).or_insert_with(is_of_type)
            });
        }
        let matching = names.len();
        names.retain(|(text, _)| wanted.is_ahead(text));
        let left = names.len().saturating_sub(VariableTable::MAX_ROWS);
        if left > 0 {
            names.select_nth_unstable(VariableTable::MAX_ROWS);
            names.truncate(VariableTable::MAX_ROWS);
        }
        names.sort_unstable();
        let mut setters: HashMap<usize, Option<SnippetId>> =
            names.iter().map(|(_, index)| (all[*index].0.as_ptr() as usize, None)).collect();
        self.memory.setters(&mut setters);
        self.describer.libraries.begin(py);
        let rows = names
            .iter()
            .map(|(text, index)| {
                let (name, value) = &all[*index];
                let set_by = setters.get(&(name.as_ptr() as usize)).copied().flatten();
                self.describer.describe(text.clone().into_owned(), value, set_by)
            })
            .collect();
        Ok(VariableTable { rows, total, matching, left, has_private, taken_at: 0 })
    }

    /// Takes all names away and gives back those every module has. Answers how many there were.
    pub fn clear(&mut self, py: Python<'_>) -> PyResult<usize> {
        let globals = self.globals.bind(py);
        let module_names = self.module_names.bind(py);
        let mut cleared = 0;
        for name in globals.keys() {
            cleared += usize::from(!module_names.contains(&name)?);
        }
        globals.clear();
        globals.update(module_names.as_mapping())?;
        self.memory.clear();
        Ok(cleared)
    }
}

fn is_dunder(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with("__") && name.ends_with("__")
    })
}
