//! The objects that names had before snippets of clients, so that what a snippet has rebound or deleted can be put
//! back. What changes within an object is not undone.
//!
//! Old objects are let go after [`MAX_SNIPPETS`] more snippets or [`MAX_AGE`], beyond [`MAX_BYTES`] in all, when the
//! person rebinds the name, and by a reset. A locked name keeps its first object until it is put back or unlocked.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyCFunction, PyComplex, PyDict, PyFloat, PyFrozenSet, PyFunction, PyInt, PyList,
    PyModule, PyRange, PySet, PyString, PyTuple, PyType,
};

use super::changes::Setters;
use super::libraries::Libraries;
use super::library_types::LibraryType;
use super::variables::Describer;
use crate::domain::lexer::rebound_of;
use crate::domain::{SnippetId, UndoableNames, VariableChanges, VariableTable};
use crate::session::as_python_reads;

const MAX_SNIPPETS: u32 = 20;
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// As far as sizes are known.
const MAX_BYTES: u64 = 512 << 20;
/// Names of one snippet.
const MAX_NAMES: usize = 500;
/// Smaller values are not counted before a snippet, where it is about time.
const MIN_COUNTED: u64 = 64 << 10;

/// Items of a container, and attributes of an object, that are looked at.
const MAX_ITEMS: usize = 20;

/// A name and its object.
pub struct OldBinding {
    name: Py<PyString>,
    value: Py<PyAny>,
    setters: Setters,
    bytes: u64,
}

/// What a snippet has rebound or deleted.
struct Undoable {
    snippet: SnippetId,
    since: Instant,
    bindings: Vec<OldBinding>,
}

#[derive(Default)]
pub struct Bindings {
    /// The objects when the running snippet began.
    before: Vec<OldBinding>,
    /// Oldest first.
    kept: VecDeque<Undoable>,
}

/// Chooses the objects that are held while a snippet of a client runs: data. Code closes files and connections, and
/// frees the memory of devices, by letting objects go; these are never held.
struct HoldRule<'a> {
    libraries: &'a Libraries,
    too_large: HashSet<&'a str>,
    /// Whether the code resizes arrays: numpy refuses that while something else holds the array.
    resizes: bool,
    /// By the address of the class.
    classes: HashMap<usize, ClassRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClassRule {
    Data,
    /// Data if its items are.
    Container,
    /// Data if its attributes are.
    Object,
    Never,
}

impl<'a> HoldRule<'a> {
    fn new(libraries: &'a Libraries, code: &str, table: &'a VariableTable) -> Self {
        let (too_large, resizes) = (too_large(table, code), code.contains(".resize("));
        Self { libraries, too_large, resizes, classes: HashMap::new() }
    }

    fn may_hold(&mut self, name: &str, value: &Bound<'_, PyAny>) -> bool {
        if self.too_large.contains(name) {
            return false;
        }
        let parts = match self.rule(value) {
            ClassRule::Data => return true,
            ClassRule::Never => return false,
            ClassRule::Container => match value.cast_exact::<PyDict>() {
                Ok(dict) => Some(dict.values().into_any()),
                Err(_) => Some(value.clone()),
            },
            ClassRule::Object => self.libraries.own_attributes(value).map(|own| own.values().into_any()),
        };
        let parts = parts.and_then(|parts| parts.try_iter().ok()).into_iter().flatten().flatten();
        parts.take(MAX_ITEMS).all(|part| self.rule(&part) != ClassRule::Never)
    }

    fn rule(&mut self, value: &Bound<'_, PyAny>) -> ClassRule {
        let address = value.get_type_ptr() as usize;
        if let Some(known) = self.classes.get(&address) {
            return *known;
        }
        let rule = self.rule_of_class(value);
        self.classes.insert(address, rule);
        rule
    }

    fn rule_of_class(&self, value: &Bound<'_, PyAny>) -> ClassRule {
        let class = value.get_type();
        if is_standard(value) || value.is_instance_of::<PyType>() || value.is_instance_of::<PyModule>() {
            return ClassRule::Data;
        }
        let is_container = value.is_exact_instance_of::<PyList>()
            || value.is_exact_instance_of::<PyTuple>()
            || value.is_exact_instance_of::<PyDict>()
            || value.is_exact_instance_of::<PySet>()
            || value.is_exact_instance_of::<PyFrozenSet>();
        if is_container {
            return ClassRule::Container;
        }
        match self.libraries.library_type(&class) {
            Some(LibraryType::Tensor | LibraryType::Jax) => ClassRule::Never,
            Some(LibraryType::Array) if self.resizes => ClassRule::Never,
            Some(_) => ClassRule::Data,
            None if self.libraries.is_plain_class(&class) => ClassRule::Object,
            None => ClassRule::Never,
        }
    }
}

fn is_standard(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyRange>()
        || value.is_exact_instance_of::<PyFunction>()
        || value.is_exact_instance_of::<PyCFunction>()
}

/// Names whose values are too much to hold: what the code seems to rebind comes first, then the small ones.
fn too_large<'a>(table: &'a VariableTable, code: &str) -> HashSet<&'a str> {
    let with_size = |row: &'a crate::domain::Variable| Some((row.name.as_str(), row.size?));
    let mut sizes: Vec<(&str, u64)> =
        table.rows.iter().filter_map(with_size).filter(|(_, size)| *size > MIN_COUNTED).collect();
    if sizes.iter().map(|(_, size)| size).sum::<u64>() <= MAX_BYTES {
        return HashSet::new();
    }
    let names: BTreeSet<Arc<str>> = sizes.iter().map(|(name, _)| Arc::from(*name)).collect();
    let rebound: HashSet<String> = rebound_of(code, &names, as_python_reads).into_iter().collect();
    sizes.sort_by_key(|(name, size)| (!rebound.contains(*name), *size));
    let mut left = MAX_BYTES;
    sizes.retain(|(_, size)| match left.checked_sub(*size) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    sizes.into_iter().map(|(name, _)| name).collect()
}

impl Bindings {
    /// Takes the objects of names before a snippet runs: of all that can be put back if it is a client's, else only of
    /// those that are locked.
    pub fn begin(
        &mut self,
        globals: &Bound<'_, PyDict>,
        locked: &BTreeSet<Arc<str>>,
        client_code: Option<&str>,
        libraries: &Libraries,
        table: &VariableTable,
    ) {
        self.before.clear();
        let mut rule = client_code.map(|code| HoldRule::new(libraries, code, table));
        // Nothing in this line runs Python code, so the dict does not change.
        let all: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = globals.iter().collect();
        for (name, value) in all {
            let Ok(name) = name.cast_into::<PyString>() else { continue };
            let is_held = {
                let text = name.to_string_lossy();
                locked.contains(&*text)
                    || text.bytes().next() != Some(b'_')
                        && rule.as_mut().is_some_and(|rule| rule.may_hold(&text, &value))
            };
            if is_held {
                let (name, value) = (name.unbind(), value.unbind());
                self.before.push(OldBinding { name, value, setters: Setters::default(), bytes: 0 });
            }
        }
    }

    /// Returns the bindings from before that no longer hold, after the snippet.
    pub fn end(&mut self, globals: &Bound<'_, PyDict>) -> Vec<OldBinding> {
        let mut before = std::mem::take(&mut self.before);
        let mut items = globals.iter();
        before.retain(|before| {
            // Names that stay keep their order. After one that is gone, each is looked up.
            let in_order = items.find(|(name, _)| name.is(&before.name)).map(|(_, value)| value);
            let now = in_order.or_else(|| globals.get_item(&before.name).ok().flatten());
            !now.is_some_and(|now| now.is(&before.value))
        });
        before
    }

    /// Keeps bindings that a snippet of a client has changed. Returns those that are not kept.
    pub fn keep(
        &mut self,
        py: Python<'_>,
        snippet: SnippetId,
        mut changed: Vec<OldBinding>,
        locked: &BTreeSet<Arc<str>>,
        describer: &Describer,
    ) -> Vec<OldBinding> {
        let mut dropped = changed.split_off(changed.len().min(MAX_NAMES));
        describer.libraries.begin_pass(py);
        for binding in &mut changed {
            binding.bytes = describer.bytes(binding.value.bind(py));
        }
        let known: HashSet<Arc<str>> =
            self.kept.iter().flat_map(|kept| &kept.bindings).map(|binding| binding.text(py)).collect();
        let is_first = |binding: &mut OldBinding| {
            let name = binding.text(py);
            locked.contains(&name) && known.contains(&name)
        };
        dropped.extend(changed.extract_if(.., is_first));
        if !changed.is_empty() {
            self.kept.push_back(Undoable { snippet, since: Instant::now(), bindings: changed });
        }
        dropped
    }

    /// Takes the old objects whose time is over, `snippet` being the last that ran.
    pub fn take_old(&mut self, py: Python<'_>, snippet: SnippetId, locked: &BTreeSet<Arc<str>>) -> Vec<OldBinding> {
        let mut old = Vec::new();
        let is_free = |binding: &mut OldBinding| !locked.contains(&*binding.text(py));
        let mut bytes: u64 = self.kept.iter().flat_map(|kept| &kept.bindings).map(|binding| binding.bytes).sum();
        for kept in &mut self.kept {
            if kept.snippet.0 + MAX_SNIPPETS < snippet.0 || kept.since.elapsed() >= MAX_AGE || bytes > MAX_BYTES {
                let gone: Vec<OldBinding> = kept.bindings.extract_if(.., is_free).collect();
                bytes -= gone.iter().map(|binding| binding.bytes).sum::<u64>();
                old.extend(gone);
            }
        }
        self.kept.retain(|kept| !kept.bindings.is_empty());
        old
    }

    /// When the next old object is to be let go.
    pub fn due(&self, locked: &BTreeSet<Arc<str>>) -> Option<Instant> {
        // Objects of locked names stay.
        let first = if locked.is_empty() {
            self.kept.front()
        } else {
            self.kept.iter().find(|kept| kept.since.elapsed() < MAX_AGE)
        };
        first.map(|kept| kept.since + MAX_AGE)
    }

    /// Takes the old objects of names that the person has set: these are as the person wants them.
    pub fn take_set(&mut self, py: Python<'_>, changes: &VariableChanges) -> Vec<OldBinding> {
        let set: HashSet<&str> = [&changes.added, &changes.rebound, &changes.removed, &changes.locked]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let mut gone = Vec::new();
        if !set.is_empty() {
            for kept in &mut self.kept {
                gone.extend(kept.bindings.extract_if(.., |binding| set.contains(&*binding.text(py))));
            }
            self.kept.retain(|kept| !kept.bindings.is_empty());
        }
        gone
    }

    /// Takes the objects that names had before `snippet`.
    pub fn take(&mut self, py: Python<'_>, snippet: SnippetId, names: &[Arc<str>]) -> Vec<OldBinding> {
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.snippet == snippet) else { return Vec::new() };
        let taken = kept.bindings.extract_if(.., |binding| names.contains(&binding.text(py))).collect();
        self.kept.retain(|kept| !kept.bindings.is_empty());
        taken
    }

    pub fn take_all(&mut self) -> Vec<OldBinding> {
        self.kept.drain(..).flat_map(|kept| kept.bindings).chain(self.before.drain(..)).collect()
    }

    pub fn undoable(&self, py: Python<'_>) -> UndoableNames {
        let names = |kept: &Undoable| kept.bindings.iter().map(|binding| binding.text(py)).collect();
        self.kept.iter().map(|kept| (kept.snippet, names(kept))).collect()
    }
}

impl OldBinding {
    pub fn text(&self, py: Python<'_>) -> Arc<str> {
        self.name.bind(py).to_string_lossy().into()
    }

    /// The address of the name's object.
    pub fn key(&self) -> usize {
        self.name.as_ptr() as usize
    }

    pub fn setters(&self) -> Setters {
        self.setters
    }

    pub fn set_setters(&mut self, setters: Setters) {
        self.setters = setters;
    }

    /// Binds the name again. Returns whether that was possible.
    pub fn restore(&self, globals: &Bound<'_, PyDict>) -> bool {
        globals.set_item(&self.name, &self.value).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Variable, VariableKind};

    fn table(rows: &[(&str, u64)]) -> VariableTable {
        let row = |(name, size): &(&str, u64)| Variable {
            name: (*name).to_owned(),
            kind: VariableKind::Data,
            type_name: "ndarray".to_owned(),
            shape: String::new(),
            size: Some(*size),
            preview: String::new(),
            text: None,
            set_by: None,
        };
        VariableTable { rows: rows.iter().map(row).collect(), ..VariableTable::default() }
    }

    #[test]
    fn what_the_code_rebinds_is_held_before_the_rest_and_never_beyond_the_bound() {
        const HALF: u64 = MAX_BYTES / 2;
        let small = table(&[("a", HALF), ("b", 1)]);
        assert!(too_large(&small, "a = 1").is_empty());
        let much = table(&[("a", HALF), ("b", HALF + 1), ("c", HALF - 1), ("huge", MAX_BYTES + 1)]);
        assert_eq!(too_large(&much, "x = 1"), HashSet::from(["b", "huge"]), "the small ones first");
        assert_eq!(too_large(&much, "del b"), HashSet::from(["a", "huge"]), "what it deletes first");
        assert_eq!(too_large(&much, "huge = b"), HashSet::from(["b", "huge"]), "more than the bound is never held");
    }
}
