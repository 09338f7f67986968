//! Changes of the namespace by a snippet: compares its dict with a snapshot, in the dict's own order.
//!
//! Every answer waits for this comparison, so a name that did not change costs a few comparisons of addresses and no
//! allocation. The snapshot keeps no value alive: a new value at the same address is recognised by class and digest, as
//! far as possible.

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
    setters: Setters,
}

/// The snippets that have set a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setters {
    /// The last that has bound the name, or changed something within the object.
    pub set_by: Option<SnippetId>,
    /// The last that has bound the name.
    pub bound_by: Option<SnippetId>,
}

/// Differences between the dict and the last snapshot. Numbers are indexes of the new snapshot.
#[derive(Default)]
struct Differences<'py> {
    removed: Vec<NameSnapshot>,
    added: Vec<usize>,
    changed: Vec<usize>,
    /// Those of the changed ones that have another object.
    rebound: Vec<usize>,
    /// Values that may be of a library, and whether they are new.
    library_values: Vec<(usize, Bound<'py, PyAny>, bool)>,
}

impl<'py> Differences<'py> {
    /// Compares a name's value with its snapshot, and updates that.
    fn compare(&mut self, index: usize, known: &mut NameSnapshot, value: &Bound<'py, PyAny>) {
        let class = value.get_type_ptr() as usize;
        let is_same = known.value == value.as_ptr() as usize && known.class == class;
        if !is_same {
            known.library_type = None;
        }
        if is_same && !known.is_container && known.library_type.is_none() {
            return;
        }
        let (digest, is_container) = if is_same && known.library_type.is_some() {
            (known.digest, false)
        } else {
            container_digest(value).map_or((0, false), |digest| (digest, true))
        };
        known.is_container = is_container;
        if known.is_public && (!is_same || digest != known.digest) {
            self.changed.push(index);
            self.rebound.extend((!is_same).then_some(index));
        }
        if !is_same || known.library_type.is_some() {
            self.library_values.push((index, value.clone(), !is_same));
        }
        (known.value, known.class, known.digest) = (value.as_ptr() as usize, class, digest);
    }

    /// Returns the snapshot of a new name.
    fn add(
        &mut self,
        index: usize,
        name: Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        by: Option<SnippetId>,
    ) -> NameSnapshot {
        self.added.push(index);
        self.library_values.push((index, value.clone(), true));
        let digest = container_digest(value);
        NameSnapshot {
            is_public: public_name(&name).is_some(),
            name: name.unbind(),
            value: value.as_ptr() as usize,
            class: value.get_type_ptr() as usize,
            is_container: digest.is_some(),
            digest: digest.unwrap_or(0),
            library_type: None,
            setters: Setters { set_by: by, bound_by: by },
        }
    }
}

impl NamespaceSnapshot {
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// Fills in the snippets that set the names in `setters`, whose keys are the addresses of names.
    pub fn find_setters(&self, setters: &mut HashMap<usize, Setters>) {
        if setters.is_empty() {
            return;
        }
        for known in &self.names {
            if let Some(found) = setters.get_mut(&(known.name.as_ptr() as usize)) {
                *found = known.setters;
            }
        }
    }

    /// Records a name as set by these snippets.
    pub fn set_setters(&mut self, py: Python<'_>, name: &str, setters: Setters) {
        let is_it = |known: &&mut NameSnapshot| public_name(known.name.bind(py)).is_some_and(|known| known == name);
        if let Some(known) = self.names.iter_mut().find(is_it) {
            known.setters = setters;
        }
    }

    /// Returns the changes since the last call, and records them as made by `by`.
    pub fn changes(
        &mut self,
        globals: &Bound<'_, PyDict>,
        libraries: &Libraries,
        by: Option<SnippetId>,
    ) -> VariableChanges {
        let mut differences = Differences::default();
        // Nothing in these loops runs Python code or makes Python objects, so the dict does not change.
        let mut items = globals.iter().enumerate().peekable();
        // Names that stay keep their order, and new ones come after them: mostly, nothing has to move.
        while let Some((index, (name, value))) = items.peek() {
            match self.names.get_mut(*index) {
                Some(known) if known.name.is(name) => differences.compare(*index, known, value),
                _ => break,
            }
            items.next();
        }
        let first_moved = items.peek().map_or(globals.len(), |(index, _)| *index);
        let mut before = self.names.split_off(first_moved.min(self.names.len())).into_iter();
        for (index, (name, value)) in items {
            let known = loop {
                match before.next() {
                    Some(known) if known.name.is(&name) => break Some(known),
                    Some(other) => differences.removed.push(other),
                    None => break None,
                }
            };
            self.names.push(match known {
                Some(mut known) => {
                    differences.compare(index, &mut known, &value);
                    known
                }
                None => differences.add(index, name, &value, by),
            });
        }
        differences.removed.extend(before);
        self.compare_library_values(&mut differences, libraries);
        self.finish(globals.py(), differences, by)
    }

    fn compare_library_values(&mut self, differences: &mut Differences<'_>, libraries: &Libraries) {
        let mut compared = 0;
        let mut classes: HashMap<usize, Option<LibraryType>> = HashMap::new();
        for (index, value, is_new) in differences.library_values.drain(..) {
            let Some(known) = self.names.get_mut(index).filter(|known| known.is_public) else { continue };
            if is_new {
                let look_up = || libraries.library_type(&value.get_type()).filter(|found| !found.is_printed());
                known.library_type = *classes.entry(known.class).or_insert_with(look_up);
            }
            let Some(library_type) = known.library_type else { continue };
            compared += 1;
            if compared > MAX_COMPARED_VALUES {
                continue;
            }
            let digest = libraries.digest(&value, library_type);
            if !is_new && known.digest != digest {
                differences.changed.push(index);
            }
            known.digest = digest;
        }
    }

    /// Puts the changes together. A name that was removed and set again is at another place of the dict, so it is in
    /// `removed` and in `added`; it counts as changed if its value did.
    fn finish(&mut self, py: Python<'_>, differences: Differences<'_>, by: Option<SnippetId>) -> VariableChanges {
        let Differences { removed, added, mut changed, mut rebound, .. } = differences;
        let mut changes = VariableChanges::default();
        let mut removed: HashMap<String, NameSnapshot> = removed
            .into_iter()
            .filter(|known| known.is_public)
            .filter_map(|known| Some((public_name(known.name.bind(py))?, known)))
            .collect();
        for index in added {
            let Some(known) = self.names.get_mut(index).filter(|known| known.is_public) else { continue };
            let Some(name) = public_name(known.name.bind(py)) else { continue };
            match removed.remove(&name) {
                None => changes.added.push(name),
                Some(old) => {
                    known.setters = old.setters;
                    let is_same = (old.value, old.class) == (known.value, known.class);
                    if !is_same || old.digest != known.digest {
                        changed.push(index);
                        rebound.extend((!is_same).then_some(index));
                    }
                }
            }
        }
        changed.sort_unstable();
        changed.dedup();
        rebound.sort_unstable();
        for index in changed {
            let Some(known) = self.names.get_mut(index) else { continue };
            let Some(name) = public_name(known.name.bind(py)) else { continue };
            changes.bound_before.extend(known.setters.bound_by.map(|bound_by| (name.clone(), bound_by)));
            known.setters.set_by = by;
            if rebound.binary_search(&index).is_ok() {
                known.setters.bound_by = by;
                changes.rebound.push(name.clone());
            }
            changes.changed.push(name);
        }
        let mut removed: Vec<(String, NameSnapshot)> = removed.into_iter().collect();
        removed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (name, old) in removed {
            changes.bound_before.extend(old.setters.bound_by.map(|bound_by| (name.clone(), bound_by)));
            changes.removed.push(name);
        }
        changes
    }
}

/// Returns a digest of a standard container: of its length, and the addresses of the items at its ends. `None` for
/// other values.
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
