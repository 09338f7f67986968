//! The values of snippets, for as long as something else holds them: the last one is `_`, earlier ones are referred to
//! weakly. So a value can be looked into from its card, and no value is kept alive for that.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;

use crate::domain::SnippetId;

/// Values that are remembered.
const MAX_VALUES: usize = 200;

#[derive(Default)]
pub struct Results {
    /// The last value comes last.
    values: VecDeque<SnippetValue>,
}

struct SnippetValue {
    snippet: SnippetId,
    address: usize,
    /// `None` for values that have no weak references, such as lists and dicts.
    weak: Option<Py<PyWeakrefReference>>,
}

impl Results {
    /// Remembers the value of a snippet, which has just become `_`.
    pub fn add(&mut self, snippet: SnippetId, value: &Bound<'_, PyAny>) {
        if self.values.len() == MAX_VALUES {
            self.values.pop_front();
        }
        let weak = PyWeakrefReference::new(value).ok().map(Bound::unbind);
        self.values.push_back(SnippetValue { snippet, address: value.as_ptr() as usize, weak });
    }

    /// Returns the value of a snippet, if it is still there. `last` is the value of `_`.
    pub fn get<'py>(
        &self,
        py: Python<'py>,
        snippet: SnippetId,
        last: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        let value = self.values.iter().rfind(|value| value.snippet == snippet)?;
        let is_last = self.values.back().is_some_and(|back| back.snippet == snippet);
        let last = last.filter(|last| is_last && last.as_ptr() as usize == value.address);
        last.or_else(|| value.weak.as_ref()?.bind(py).upgrade())
    }

    pub fn clear(&mut self) {
        self.values.clear();
    }
}
