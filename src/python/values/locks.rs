//! The objects of names that the person has locked, so that a rebinding can be noticed and undone. What changes within
//! an object is not noticed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

#[derive(Default)]
pub struct LockedNames {
    /// The object of each locked name when the running snippet began.
    held: HashMap<Arc<str>, Py<PyAny>>,
    /// The objects of names that a client has rebound all the same.
    before: HashMap<Arc<str>, Py<PyAny>>,
}

impl LockedNames {
    /// Takes the objects of `names` before a snippet runs.
    pub fn begin(&mut self, globals: &Bound<'_, PyDict>, names: &BTreeSet<Arc<str>>) {
        self.before.retain(|name, _| names.contains(name));
        self.held.clear();
        for name in names {
            if let Ok(Some(value)) = globals.get_item(&**name) {
                self.held.insert(name.clone(), value.unbind());
            }
        }
    }

    /// Returns the names whose object is another one after the snippet. If a client ran it, the objects from before are
    /// kept; what the person rebinds is as they want it.
    pub fn end(&mut self, globals: &Bound<'_, PyDict>, by_client: bool) -> Vec<String> {
        let mut rebound = Vec::new();
        for (name, value) in self.held.drain() {
            let is_same = globals.get_item(&*name).is_ok_and(|now| now.is_some_and(|now| now.is(&value)));
            if is_same {
                continue;
            }
            rebound.push(name.to_string());
            if by_client {
                self.before.entry(name).or_insert(value);
            } else {
                self.before.remove(&name);
            }
        }
        rebound.sort_unstable();
        rebound
    }

    /// Binds names to the objects from before.
    pub fn put_back(&mut self, globals: &Bound<'_, PyDict>, names: &[Arc<str>]) {
        for name in names {
            if let Some(value) = self.before.remove(name) {
                let _ = globals.set_item(&**name, value);
            }
        }
    }

    /// Forgets everything, since a reset has cleared the names.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
