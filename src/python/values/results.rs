//! The values of snippets. The last one, which is `_`, and small ones are kept; others are referred to weakly, so that
//! no large value is kept alive. A value that is there can be looked into from its card, and is an item of `Out`.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;

use crate::domain::SnippetId;

/// Values that are remembered.
const MAX_VALUES: usize = 200;
/// Bytes of a value that is kept, and of all.
const MAX_KEPT: u64 = 1 << 20;
const MAX_KEPT_IN_ALL: u64 = 32 << 20;

#[derive(Default)]
pub struct Results {
    /// The last value comes last.
    values: VecDeque<SnippetValue>,
    /// Bytes of those that are kept.
    kept: u64,
}

/// The value of a snippet.
pub struct SnippetValue {
    snippet: SnippetId,
    /// `None` for values that have no weak references, such as lists and dicts.
    weak: Option<Py<PyWeakrefReference>>,
    /// The value, if it is kept, and its bytes: 0 if it is kept only as the last one.
    strong: Option<(Py<PyAny>, u64)>,
}

impl SnippetValue {
    /// The value of a snippet, which has just become `_`.
    pub fn new(snippet: SnippetId, value: &Bound<'_, PyAny>) -> Self {
        let weak = PyWeakrefReference::new(value).ok().map(Bound::unbind);
        Self { snippet, weak, strong: Some((value.clone().unbind(), 0)) }
    }

    /// Returns the value, if it is still there.
    pub fn value(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let strong = self.strong.as_ref().map(|(value, _)| value.clone_ref(py));
        strong.or_else(|| Some(self.weak.as_ref()?.bind(py).upgrade()?.unbind()))
    }

    /// Returns the value, if it is kept also as an earlier one.
    pub fn kept(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.strong.as_ref().filter(|(_, bytes)| *bytes > 0).map(|(value, _)| value.clone_ref(py))
    }
}

impl Results {
    /// Adds the last value. Returns what is to be dropped, which may run code of the user.
    pub fn add(&mut self, value: SnippetValue) -> Vec<SnippetValue> {
        let mut dropped = Vec::new();
        if let Some(before) = self.values.back_mut()
            && before.strong.as_ref().is_some_and(|(_, bytes)| *bytes == 0)
        {
            dropped.push(SnippetValue { snippet: before.snippet, weak: None, strong: before.strong.take() });
        }
        if self.values.len() == MAX_VALUES {
            dropped.extend(self.values.pop_front());
        }
        self.kept -= dropped.iter().filter_map(|value| value.strong.as_ref()).map(|(_, bytes)| *bytes).sum::<u64>();
        self.values.push_back(value);
        dropped
    }

    /// Keeps the last value, whose size is `bytes` (0 if that is unknown), also as an earlier one if it is small.
    /// Returns what is to be dropped.
    pub fn keep_last(&mut self, bytes: u64) -> Vec<Py<PyAny>> {
        let mut dropped = Vec::new();
        let Some((_, kept)) = self.values.back_mut().and_then(|last| last.strong.as_mut()) else { return dropped };
        if bytes > MAX_KEPT || *kept != 0 {
            return dropped;
        }
        *kept = bytes;
        self.kept += bytes;
        for old in &mut self.values {
            if self.kept <= MAX_KEPT_IN_ALL {
                break;
            }
            if let Some((value, bytes)) = old.strong.take() {
                self.kept -= bytes;
                dropped.push(value);
            }
        }
        dropped
    }

    /// Returns the value of a snippet.
    pub fn of(&self, snippet: u32) -> Option<&SnippetValue> {
        self.values.iter().rfind(|value| value.snippet.0 == snippet)
    }

    /// Returns the value that came so many values before the last one.
    pub fn nth_last(&self, back: u32) -> Option<&SnippetValue> {
        self.values.iter().rev().nth(back as usize)
    }

    /// Returns all values that are still there.
    pub fn all(&self, py: Python<'_>) -> Vec<(SnippetId, Py<PyAny>)> {
        self.values.iter().filter_map(|value| Some((value.snippet, value.value(py)?))).collect()
    }

    /// Returns what is to be dropped.
    pub fn clear(&mut self) -> VecDeque<SnippetValue> {
        self.kept = 0;
        std::mem::take(&mut self.values)
    }
}
