//! The session's namespace: `__main__`'s globals, their table, and their reset in place.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::bindings::{Bindings, OldBinding};
use super::changes::{NamespaceSnapshot, Setters};
use super::variables::Describer;
use crate::domain::{SnippetId, UndoableNames, VariableChanges, VariableQuery, VariableTable};
use crate::python::safe_points::kept::Kept;

pub struct Namespace {
    globals: Py<PyDict>,
    /// `__name__` and the other names that every module has.
    module_names: Py<PyDict>,
    snapshot: NamespaceSnapshot,
    bindings: Bindings,
    describer: Arc<Describer>,
}

/// The end of a snippet in the namespace.
pub struct NamespaceEnd {
    pub changes: VariableChanges,
    /// Objects that nobody needs any more. Dropping them may run code of the user.
    pub let_go: Vec<OldBinding>,
}

impl Namespace {
    /// Takes `__main__` and removes all names but those that every module has. Of a Python that was woken, all stay.
    pub fn take(py: Python<'_>, kept: &Kept<'_>) -> PyResult<Self> {
        let globals = kept.get_or("globals", || Ok(py.import("__main__")?.dict()))?;
        for name in globals.keys() {
            if !is_dunder(&name) && !kept.is_woken() {
                globals.del_item(name)?;
            }
        }
        let mut namespace = Self {
            module_names: kept.get_or("module_names", || globals.copy())?.unbind(),
            globals: globals.unbind(),
            snapshot: NamespaceSnapshot::default(),
            bindings: Bindings::default(),
            describer: Arc::new(Describer::new(py)?),
        };
        if kept.is_woken() {
            // What is there was not set by the next snippet.
            namespace.snapshot.changes(namespace.globals.bind(py), &namespace.describer.libraries, None);
        }
        Ok(namespace)
    }

    /// Hands over the names.
    pub fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        kept.set_item("globals", &self.globals)?;
        kept.set_item("module_names", &self.module_names)
    }

    /// Counts all present names among those that every module has.
    pub fn remember_module_names(&mut self, py: Python<'_>) -> PyResult<()> {
        self.module_names = self.globals.bind(py).copy()?.unbind();
        Ok(())
    }

    pub fn globals<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.globals.bind(py)
    }

    pub fn describer(&self) -> &Arc<Describer> {
        &self.describer
    }

    /// Restores the names that every module has if user code removed them, and `__builtins__`, without which no code
    /// runs, if it was replaced.
    pub fn repair(&self, py: Python<'_>) -> PyResult<()> {
        let globals = self.globals.bind(py);
        for (name, value) in self.module_names.bind(py).iter() {
            if !globals.contains(&name)? || name.eq("__builtins__")? {
                globals.set_item(name, value)?;
            }
        }
        Ok(())
    }

    /// Holds the objects of names before a snippet runs; `client_code` is its code if it is a client's.
    pub fn begin(
        &mut self,
        py: Python<'_>,
        locked: &BTreeSet<Arc<str>>,
        client_code: Option<&str>,
        table: &VariableTable,
    ) {
        self.bindings.begin(self.globals.bind(py), locked, client_code, &self.describer.libraries, table);
    }

    /// Returns what a snippet has changed. What a client's has rebound or deleted can be put back from then on.
    pub fn end(
        &mut self,
        py: Python<'_>,
        snippet: SnippetId,
        locked: &BTreeSet<Arc<str>>,
        by_client: bool,
    ) -> NamespaceEnd {
        let globals = self.globals.bind(py);
        let mut replaced = self.bindings.end(globals);
        let mut setters: HashMap<usize, Setters> =
            replaced.iter().map(|binding| (binding.key(), Setters::default())).collect();
        self.snapshot.find_setters(&mut setters);
        for binding in &mut replaced {
            binding.set_setters(setters.get(&binding.key()).copied().unwrap_or_default());
        }
        let mut changes = self.snapshot.changes(globals, &self.describer.libraries, Some(snippet));
        let names = replaced.iter().map(|binding| binding.text(py)).filter(|name| locked.contains(name));
        changes.locked = names.map(|name| name.to_string()).collect();
        changes.locked.sort_unstable();
        let mut let_go = if by_client {
            self.bindings.keep(py, snippet, replaced, locked, &self.describer)
        } else {
            replaced.into_iter().chain(self.bindings.take_set(py, &changes)).collect()
        };
        let_go.extend(self.bindings.take_old(py, snippet, locked));
        NamespaceEnd { changes, let_go }
    }

    /// Binds names to the objects that they had before `snippet`. Returns those that were still kept.
    pub fn put_back(&mut self, py: Python<'_>, snippet: SnippetId, names: &[Arc<str>]) -> Vec<Arc<str>> {
        let globals = self.globals.bind(py);
        let mut taken = self.bindings.take(py, snippet, names);
        taken.retain(|binding| binding.restore(globals));
        self.snapshot.changes(globals, &self.describer.libraries, None);
        for binding in &taken {
            self.snapshot.set_setters(py, &binding.text(py), binding.setters());
        }
        taken.iter().map(|binding| binding.text(py)).collect()
    }

    /// Takes the old objects whose time is over.
    pub fn take_old(&mut self, py: Python<'_>, locked: &BTreeSet<Arc<str>>) -> Vec<OldBinding> {
        self.bindings.take_old(py, SnippetId(0), locked)
    }

    /// Returns the names that can be put back.
    pub fn undoable(&self, py: Python<'_>) -> UndoableNames {
        self.bindings.undoable(py)
    }

    /// When the next old object is to be let go.
    pub fn due(&self, locked: &BTreeSet<Arc<str>>) -> Option<Instant> {
        self.bindings.due(locked)
    }

    /// Returns the table of variables that match `query`. `taken_at` is 0, because the engine has no clock.
    pub fn table(&self, py: Python<'_>, query: &VariableQuery) -> PyResult<VariableTable> {
        let mut has_private = false;
        let mut all = Vec::new();
        // Nothing in this loop runs Python code, so the dict does not change.
        for (name, value) in self.globals.bind(py).iter() {
            let Ok(name) = name.cast_into::<PyString>() else { continue };
            all.push((name, value));
        }
        let mut names: Vec<(Cow<'_, str>, usize)> = Vec::with_capacity(all.len());
        for (index, (name, _)) in all.iter().enumerate() {
            let text = name.to_str().map_or_else(|_| Cow::Owned(name.to_string_lossy().into_owned()), Cow::Borrowed);
            if text.bytes().next() != Some(b'_') {
                names.push((text, index));
            } else if !has_private {
                has_private = !self.module_names.bind(py).contains(name)?;
            }
        }
        let total = names.len();
        if !query.part().is_empty() {
            let mut classes: HashMap<usize, bool> = HashMap::new();
            names.retain(|(text, index)| {
                let class = all[*index].1.get_type();
                let is_of_type = || query.matches(&self.describer.libraries.name_of(&class));
                query.matches(text) || *classes.entry(class.as_ptr() as usize).or_insert_with(is_of_type)
            });
        }
        let matching = names.len();
        names.retain(|(text, _)| query.is_ahead(text));
        let left = names.len().saturating_sub(VariableTable::MAX_ROWS);
        if left > 0 {
            names.select_nth_unstable(VariableTable::MAX_ROWS);
            names.truncate(VariableTable::MAX_ROWS);
        }
        names.sort_unstable();
        let mut setters: HashMap<usize, Setters> =
            names.iter().map(|(_, index)| (all[*index].0.as_ptr() as usize, Setters::default())).collect();
        self.snapshot.find_setters(&mut setters);
        self.describer.libraries.begin_pass(py);
        let rows = names
            .iter()
            .map(|(text, index)| {
                let (name, value) = &all[*index];
                let set_by = setters.get(&(name.as_ptr() as usize)).and_then(|setters| setters.set_by);
                self.describer.describe(text.clone().into_owned(), value, set_by)
            })
            .collect();
        Ok(VariableTable { rows, total, matching, left, has_private, taken_at: 0 })
    }

    /// Removes all names but those that every module has. Returns how many were removed.
    pub fn clear(&mut self, py: Python<'_>) -> PyResult<usize> {
        let globals = self.globals.bind(py);
        let module_names = self.module_names.bind(py);
        let mut cleared = 0;
        for name in globals.keys() {
            cleared += usize::from(!module_names.contains(&name)?);
        }
        globals.clear();
        globals.update(module_names.as_mapping())?;
        self.snapshot.clear();
        drop(self.bindings.take_all());
        Ok(cleared)
    }
}

fn is_dunder(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with("__") && name.ends_with("__")
    })
}
