//! The one namespace: `__main__`'s globals, what a snippet changed in them, and their reset in place.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList, PySet, PyString};

use super::variables::Describer;
use crate::domain::{SnippetId, VariableChanges, VariableTable};

pub struct Namespace {
    globals: Py<PyDict>,
    /// `__name__` and the other names that every module has.
    module_names: Py<PyDict>,
    seen: HashMap<String, Seen>,
    describer: Describer,
}

/// What shows that a name was bound anew or its value grew or shrank. No reference is kept: an address that was used
/// again is told by type and length, as far as it can be.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    address: usize,
    class: usize,
    length: Option<usize>,
}

struct Seen {
    fingerprint: Fingerprint,
    set_by: Option<SnippetId>,
    /// Number of the look that saw it last; what an older look saw is gone.
    look: u64,
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
            seen: HashMap::new(),
            describer: Describer::new(py)?,
        })
    }

    pub fn globals<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.globals.bind(py)
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
    pub fn changes(&mut self, py: Python<'_>, by: Option<SnippetId>) -> PyResult<VariableChanges> {
        let mut changes = VariableChanges::default();
        let look = self.seen.values().next().map_or(0, |seen| seen.look) + 1;
        // A copy: another thread may change the namespace while we walk it.
        for (name, value) in self.globals.bind(py).copy()?.iter() {
            let Some(name) = public_name(&name) else { continue };
            let fingerprint = fingerprint(&value);
            if let Some(seen) = self.seen.get_mut(&name) {
                seen.look = look;
                if seen.fingerprint != fingerprint {
                    seen.fingerprint = fingerprint;
                    seen.set_by = by;
                    changes.changed.push(name);
                }
            } else {
                changes.added.push(name.clone());
                self.seen.insert(name, Seen { fingerprint, set_by: by, look });
            }
        }
        self.seen.retain(|name, seen| {
            let stays = seen.look == look;
            if !stays {
                changes.removed.push(name.clone());
            }
            stays
        });
        changes.removed.sort_unstable();
        Ok(changes)
    }

    /// The table of names, `taken_at` left at 0 (the engine has no clock).
    pub fn table(&self, py: Python<'_>) -> PyResult<VariableTable> {
        let mut has_private = false;
        let mut names = Vec::new();
        for (name, value) in self.globals.bind(py).copy()?.iter() {
            match public_name(&name) {
                Some(name) => names.push((name, value)),
                None => has_private |= !self.module_names.bind(py).contains(&name)?,
            }
        }
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let total = names.len();
        names.truncate(VariableTable::MAX_ROWS);
        let rows = names
            .into_iter()
            .map(|(name, value)| {
                let set_by = self.seen.get(&name).and_then(|seen| seen.set_by);
                self.describer.describe(name, &value, set_by)
            })
            .collect();
        Ok(VariableTable { rows, total, has_private, taken_at: 0 })
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
        self.seen.clear();
        Ok(cleared)
    }
}

fn fingerprint(value: &Bound<'_, PyAny>) -> Fingerprint {
    let length = if let Ok(list) = value.cast_exact::<PyList>() {
        Some(list.len())
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        Some(dict.len())
    } else if let Ok(set) = value.cast_exact::<PySet>() {
        Some(set.len())
    } else if let Ok(bytes) = value.cast_exact::<PyByteArray>() {
        Some(bytes.len())
    } else {
        None
    };
    Fingerprint { address: value.as_ptr() as usize, class: value.get_type_ptr() as usize, length }
}

/// The name, if it is one that is shown.
fn public_name(name: &Bound<'_, PyAny>) -> Option<String> {
    let name = name.cast::<PyString>().ok()?.to_string_lossy();
    (!name.starts_with('_')).then(|| name.into_owned())
}

fn is_dunder(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with("__") && name.ends_with("__")
    })
}
