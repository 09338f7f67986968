//! What a snippet did to the namespace: a walk along its dict beside what was remembered, in the dict's own order.
//!
//! It is on the way of every answer, so names that did not change cost a few comparisons of addresses and no allocation.
//! No value is kept alive: an address that was used again is told by class and digest, as far as it can be.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList, PySet, PyString};

use super::libraries::{Digest, Libraries, LibraryType};
use crate::domain::{SnippetId, VariableChanges};

/// Items at either end of a list, or at the beginning of a dict, whose identity is remembered.
const ITEMS: usize = 8;
/// Bytes of a bytearray that are remembered.
const BYTES: usize = 64;
/// Arrays, frames and the like that are looked into in one walk.
const LOOKED_INTO: usize = 500;

#[derive(Default)]
pub struct Memory {
    /// In the order of the dict.
    names: Vec<Remembered>,
}

struct Remembered {
    name: Py<PyAny>,
    is_shown: bool,
    /// Its contents can change in place.
    is_container: bool,
    value: usize,
    class: usize,
    digest: u64,
    known: Option<LibraryType>,
    set_by: Option<SnippetId>,
}

impl Memory {
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// Who set each name, by the address of the name, for those that `wanted` has.
    pub fn setters(&self, wanted: &mut HashMap<usize, Option<SnippetId>>) {
        for remembered in &self.names {
            if let Some(set_by) = wanted.get_mut(&(remembered.name.as_ptr() as usize)) {
                *set_by = remembered.set_by;
            }
        }
    }

    /// What differs from the last look; `by` is remembered as the one who did it.
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
        let mut gone = Vec::new();
        let mut added = Vec::new();
        let mut changed = Vec::new();
        let mut look_into = Vec::new();
        // Nothing in here runs Python code or makes Python objects, so the dict stays as it is.
        for (name, value) in globals.iter() {
            let at = name.as_ptr();
            // Names that stay keep their order, and new ones come after them.
            let found = loop {
                match before.next() {
                    Some(found) if found.name.as_ptr() == at => break Some(found),
                    Some(other) => gone.push(other),
                    None => break None,
                }
            };
            let index = self.names.len();
            let class = value.get_type_ptr() as usize;
            if let Some(mut seen) = found {
                let same = seen.value == value.as_ptr() as usize && seen.class == class;
                if !same {
                    seen.known = None;
                }
                if same && !seen.is_container && seen.known.is_none() {
                    self.names.push(seen);
                    continue;
                }
                let (digest, is_container) = if same && seen.known.is_some() {
                    (seen.digest, false)
                } else {
                    contents(&value).map_or((0, false), |digest| (digest, true))
                };
                seen.is_container = is_container;
                if seen.is_shown && (!same || digest != seen.digest) {
                    changed.push(index);
                }
                if !same || seen.known.is_some() {
                    look_into.push((index, value.clone(), !same));
                }
                (seen.value, seen.class, seen.digest) = (value.as_ptr() as usize, class, digest);
                self.names.push(seen);
            } else {
                added.push(index);
                let contents = contents(&value);
                look_into.push((index, value.clone(), true));
                self.names.push(Remembered {
                    is_shown: public_name(&name).is_some(),
                    name: name.unbind(),
                    value: value.as_ptr() as usize,
                    class,
                    is_container: contents.is_some(),
                    digest: contents.unwrap_or(0),
                    known: None,
                    set_by: by,
                });
            }
        }
        gone.extend(before);
        let mut looked = 0;
        let mut classes: HashMap<usize, Option<LibraryType>> = HashMap::new();
        for (index, value, is_new) in look_into {
            let Some(seen) = self.names.get_mut(index).filter(|seen| seen.is_shown) else { continue };
            if is_new {
                let look_up = || libraries.known(&value.get_type()).filter(|known| is_mutable(*known));
                seen.known = *classes.entry(seen.class).or_insert_with(look_up);
            }
            let Some(known) = seen.known else { continue };
            looked += 1;
            if looked > LOOKED_INTO {
                continue;
            }
            let digest = libraries.digest(&value, known);
            if !is_new && seen.digest != digest {
                changed.push(index);
            }
            seen.digest = digest;
        }
        self.compare(py, gone, added, changed, by)
    }

    /// A name that was removed and set again stands at another place of the dict; it counts as changed, if it did.
    fn compare(
        &mut self,
        py: Python<'_>,
        gone: Vec<Remembered>,
        added: Vec<usize>,
        mut changed: Vec<usize>,
        by: Option<SnippetId>,
    ) -> VariableChanges {
        let mut told = VariableChanges::default();
        let mut gone: HashMap<String, Remembered> = gone
            .into_iter()
            .filter(|gone| gone.is_shown)
            .filter_map(|gone| Some((public_name(gone.name.bind(py))?, gone)))
            .collect();
        for index in added {
            let Some(seen) = self.names.get_mut(index).filter(|seen| seen.is_shown) else { continue };
            let Some(name) = public_name(seen.name.bind(py)) else { continue };
            match gone.remove(&name) {
                None => told.added.push(name),
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
            told.changed.extend(public_name(seen.name.bind(py)));
        }
        told.removed = gone.into_keys().collect();
        told.removed.sort_unstable();
        told
    }
}

fn is_mutable(known: LibraryType) -> bool {
    !matches!(known, LibraryType::Printed | LibraryType::Moment | LibraryType::Decimal | LibraryType::Fraction)
}

/// Tells apart what a container of the standard kinds held: its length, and which objects stand at its ends. `None` for
/// all else.
fn contents(value: &Bound<'_, PyAny>) -> Option<u64> {
    let mut digest = Digest::default();
    if let Ok(list) = value.cast::<PyList>() {
        let length = list.len();
        digest.add(length + 1);
        for index in (0..length.min(ITEMS)).chain(length.saturating_sub(ITEMS).max(ITEMS)..length) {
            digest.add(list.get_item(index).map_or(0, |item| item.as_ptr() as usize));
        }
    } else if let Ok(dict) = value.cast::<PyDict>() {
        digest.add(dict.len() + 1);
        for (key, item) in dict.iter().take(2 * ITEMS) {
            digest.add(key.as_ptr() as usize);
            digest.add(item.as_ptr() as usize);
        }
    } else if let Ok(set) = value.cast::<PySet>() {
        digest.add(set.len() + 1);
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        digest.add(bytes.len() + 1);
        if bytes.len() <= BYTES {
            bytes.to_vec().iter().for_each(|byte| digest.add(usize::from(*byte)));
        }
    } else {
        return None;
    }
    Some(digest.0)
}

/// The name, if it is one that is shown.
pub fn public_name(name: &Bound<'_, PyAny>) -> Option<String> {
    let name = name.cast::<PyString>().ok()?.to_string_lossy();
    (!name.starts_with('_')).then(|| name.into_owned())
}
