//! Changes of the namespace by a snippet: compares its dict with a snapshot, in the dict's own order.
//!
//! Every answer waits for this comparison, so a name that did not change costs a few comparisons of addresses and no
//! allocation. The snapshot keeps no value alive: a new value at the same address is recognised by class and digest, as far
//! as possible.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList, PySet, PyString};

use super::digest::Digest;
use super::libraries::Libraries;
use super::library_types::LibraryType;
use crate::domain::{SnippetId, VariableChanges};

/// Items at either end of a list, or at the beginning of a dict, whose addresses are compared.
const COMPARED_ITEMS: usize = 8;
/// Bytes of a bytearray whose contents are compared.
const MAX_COMPARED_BYTES: usize = 64;
/// Library values whose contents are compared in one pass.
const MAX_COMPARED_VALUES: usize = 500;

/// The namespace after the last snippet.
#[derive(Default)]
pub struct NamespaceSnapshot {
    /// In the order of the dict.
    names: Vec<NameSnapshot>,
}

struct NameSnapshot {
    name: Py<PyAny>,
    is_public: bool,
    /// The value is of a standard type whose contents can change in place.
    is_container: bool,
    /// The address of the value.
    value: usize,
    /// The address of the value's class.
    class: usize,
    digest: u64,
    library_type: Option<LibraryType>,
    set_by: Option<SnippetId>,
}

impl NamespaceSnapshot {
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// Fills in the snippets that set the names in `setters`, whose keys are the addresses of names.
    pub fn find_setters(&self, setters: &mut HashMap<usize, Option<SnippetId>>) {
        for known in &self.names {
            if let Some(set_by) = setters.get_mut(&(known.name.as_ptr() as usize)) {
                *set_by = known.set_by;
            }
        }
    }

    /// Returns the changes since the last call, and records them as made by `by`.
    pub fn changes(
        &mut self,
        globals: &Bound<'_, PyDict>,
        libraries: &Libraries,
        by: Option<SnippetId>,
    ) -> VariableChanges {
        let py = globals.py();
        let before = std::mem::take(&mut self.names);
        self.names.reserve(globals.len());
        let mut before = before.into_iter();
        let mut removed = Vec::new();
        let mut added = Vec::new();
        let mut changed = Vec::new();
        let mut library_values = Vec::new();
        // Nothing in this loop runs Python code or makes Python objects, so the dict does not change.
        for (name, value) in globals.iter() {
            let address = name.as_ptr();
            // Names that stay keep their order, and new ones come after them.
            let found = loop {
                match before.next() {
                    Some(found) if found.name.as_ptr() == address => break Some(found),
                    Some(other) => removed.push(other),
                    None => break None,
                }
            };
            let index = self.names.len();
            let class = value.get_type_ptr() as usize;
            if let Some(mut seen) = found {
                let same = seen.value == value.as_ptr() as usize && seen.class == class;
                if !same {
                    seen.library_type = None;
                }
                if same && !seen.is_container && seen.library_type.is_none() {
                    self.names.push(seen);
                    continue;
                }
                let (digest, is_container) = if same && seen.library_type.is_some() {
                    (seen.digest, false)
                } else {
                    container_digest(&value).map_or((0, false), |digest| (digest, true))
                };
                seen.is_container = is_container;
                if seen.is_public && (!same || digest != seen.digest) {
                    changed.push(index);
                }
                if !same || seen.library_type.is_some() {
                    library_values.push((index, value.clone(), !same));
                }
                (seen.value, seen.class, seen.digest) = (value.as_ptr() as usize, class, digest);
                self.names.push(seen);
            } else {
                added.push(index);
                let contents = container_digest(&value);
                library_values.push((index, value.clone(), true));
                self.names.push(NameSnapshot {
                    is_public: public_name(&name).is_some(),
                    name: name.unbind(),
                    value: value.as_ptr() as usize,
                    class,
                    is_container: contents.is_some(),
                    digest: contents.unwrap_or(0),
                    library_type: None,
                    set_by: by,
                });
            }
        }
        removed.extend(before);
        let mut compared = 0;
        let mut classes: HashMap<usize, Option<LibraryType>> = HashMap::new();
        for (index, value, is_new) in library_values {
            let Some(seen) = self.names.get_mut(index).filter(|seen| seen.is_public) else { continue };
            if is_new {
                let look_up = || libraries.library_type(&value.get_type()).filter(|found| !found.is_printed());
                seen.library_type = *classes.entry(seen.class).or_insert_with(look_up);
            }
            let Some(library_type) = seen.library_type else { continue };
            compared += 1;
            if compared > MAX_COMPARED_VALUES {
                continue;
            }
            let digest = libraries.digest(&value, library_type);
            if !is_new && seen.digest != digest {
                changed.push(index);
            }
            seen.digest = digest;
        }
        self.finish(py, removed, added, changed, by)
    }

    /// Puts the changes together. A name that was removed and set again is at another place of the dict, so it is in `removed` and
    /// in `added`; it counts as changed if its value did.
    fn finish(
        &mut self,
        py: Python<'_>,
        removed: Vec<NameSnapshot>,
        added: Vec<usize>,
        mut changed: Vec<usize>,
        by: Option<SnippetId>,
    ) -> VariableChanges {
        let mut changes = VariableChanges::default();
        let mut removed: HashMap<String, NameSnapshot> = removed
            .into_iter()
            .filter(|known| known.is_public)
            .filter_map(|known| Some((public_name(known.name.bind(py))?, known)))
            .collect();
        for index in added {
            let Some(seen) = self.names.get_mut(index).filter(|seen| seen.is_public) else { continue };
            let Some(name) = public_name(seen.name.bind(py)) else { continue };
            match removed.remove(&name) {
                None => changes.added.push(name),
                Some(old) if (old.value, old.class, old.digest) == (seen.value, seen.class, seen.digest) => {
                    seen.set_by = old.set_by;
                }
                Some(_) => changed.push(index),
            }
        }
        changed.sort_unstable();
        changed.dedup();
        for index in changed {
            let Some(seen) = self.names.get_mut(index) else { continue };
            seen.set_by = by;
            changes.changed.extend(public_name(seen.name.bind(py)));
        }
        changes.removed = removed.into_keys().collect();
        changes.removed.sort_unstable();
        changes
    }
}

/// Returns a digest of a standard container: of its length, and the addresses of the items at its ends. `None` for other
/// values.
fn container_digest(value: &Bound<'_, PyAny>) -> Option<u64> {
    let mut digest = Digest::default();
    if let Ok(list) = value.cast::<PyList>() {
        let length = list.len();
        digest.add(length + 1);
        for index in
            (0..length.min(COMPARED_ITEMS)).chain(length.saturating_sub(COMPARED_ITEMS).max(COMPARED_ITEMS)..length)
        {
            digest.add(list.get_item(index).map_or(0, |item| item.as_ptr() as usize));
        }
    } else if let Ok(dict) = value.cast::<PyDict>() {
        digest.add(dict.len() + 1);
        for (key, item) in dict.iter().take(2 * COMPARED_ITEMS) {
            digest.add(key.as_ptr() as usize);
            digest.add(item.as_ptr() as usize);
        }
    } else if let Ok(set) = value.cast::<PySet>() {
        digest.add(set.len() + 1);
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        digest.add(bytes.len() + 1);
        if bytes.len() <= MAX_COMPARED_BYTES {
            bytes.to_vec().iter().for_each(|byte| digest.add(usize::from(*byte)));
        }
    } else {
        return None;
    }
    Some(digest.0)
}

/// Returns the name if it is public.
pub fn public_name(name: &Bound<'_, PyAny>) -> Option<String> {
    let name = name.cast::<PyString>().ok()?.to_string_lossy();
    (!name.starts_with('_')).then(|| name.into_owned())
}
