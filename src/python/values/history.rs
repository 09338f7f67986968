//! Earlier snippets by the names of `IPython`: `In`, `Out`, `__`, `___`, `_3`, `_i`, `_i3`. They are builtins, so names
//! of the user come first and no list of variables has them. All but `In` and `Out` are bound when code mentions them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PySlice, PyTuple};

use super::results::{Results, SnippetValue};
use crate::domain::SnippetId;
use crate::domain::private::is_name_of_history;
use crate::python::file_names;

pub struct History {
    results: Arc<Mutex<Results>>,
    inputs: Py<Inputs>,
    outputs: Py<Outputs>,
    /// The running snippet, or the last one.
    last: Arc<AtomicU32>,
    /// The names that were bound here.
    bound: BTreeSet<String>,
}

impl History {
    /// Binds `In` and `Out`. `sources` is `linecache.cache`.
    pub fn install(py: Python<'_>, results: Arc<Mutex<Results>>, sources: &Bound<'_, PyDict>) -> PyResult<Self> {
        let last = Arc::<AtomicU32>::default();
        let inputs = Py::new(py, Inputs { sources: sources.clone().unbind(), last: last.clone() })?;
        let outputs = Py::new(py, Outputs(results.clone()))?;
        let builtins = py.import("builtins")?;
        builtins.setattr("In", &inputs)?;
        builtins.setattr("Out", &outputs)?;
        Ok(Self { results, inputs, outputs, last, bound: BTreeSet::new() })
    }

    /// Binds the names that the code of a snippet mentions. A builtin of the user stays. Names of earlier code stay for
    /// functions, if that keeps no value alive.
    pub fn begin(&mut self, builtins: &Bound<'_, PyDict>, snippet: SnippetId, code: &str) -> PyResult<()> {
        self.last.store(snippet.0, Ordering::Relaxed);
        let mentioned = mentioned(code);
        for name in &mentioned {
            if !builtins.contains(name)? {
                self.bound.insert((*name).to_owned());
            }
        }
        for name in std::mem::take(&mut self.bound) {
            if let Some(value) = self.value(builtins.py(), &name, !mentioned.contains(&*name))? {
                builtins.set_item(&name, value)?;
                self.bound.insert(name);
            } else if builtins.contains(&name)? {
                builtins.del_item(name)?;
            }
        }
        Ok(())
    }

    /// Forgets the names, which a reset has removed.
    pub fn clear(&mut self) {
        self.bound.clear();
    }

    /// Returns the value of a name; with `only_kept`, only one that is kept in any case.
    fn value<'py>(&self, py: Python<'py>, name: &str, only_kept: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let last = self.last.load(Ordering::Relaxed);
        let code = |number: u32| match self.inputs.get().code(py, number)? {
            Some(code) => Ok(Some(code.into_pyobject(py)?.into_any())),
            None => PyResult::Ok(None),
        };
        let value = |found: fn(&Results, u32) -> Option<&SnippetValue>, number: u32| {
            let results = self.results.lock();
            let value = found(&results, number)?;
            let value = if only_kept { value.kept(py) } else { value.value(py) };
            value.map(|value| value.into_bound(py))
        };
        Ok(match name {
            "_ih" => Some(self.inputs.bind(py).clone().into_any()),
            "_oh" => Some(self.outputs.bind(py).clone().into_any()),
            "__" | "___" => value(Results::nth_last, name.len() as u32 - 1),
            "_i" | "_ii" | "_iii" => code(last.saturating_sub(name.len() as u32 - 1))?,
            _ => match name.strip_prefix("_i") {
                Some(number) => code(number.parse().unwrap_or(0))?,
                None => value(Results::of, name[1..].parse().unwrap_or(0)),
            },
        })
    }
}

/// The names of earlier snippets in code.
fn mentioned(code: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut behind = 0;
    for (place, _) in code.match_indices('_') {
        if place < behind || code[..place].ends_with(is_part) {
            continue;
        }
        let rest = &code[place..];
        let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        behind = place + name.len();
        if is_name_of_history(name) {
            found.insert(name);
        }
    }
    found
}

/// `In`: the code of snippets by number, as far as that is kept for tracebacks.
#[pyclass(frozen, module = "fourhands", name = "In")]
struct Inputs {
    sources: Py<PyDict>,
    last: Arc<AtomicU32>,
}

impl Inputs {
    fn code(&self, py: Python<'_>, snippet: u32) -> PyResult<Option<String>> {
        let file = format!("{}{snippet}>", file_names::SNIPPET_PREFIX);
        let Some(entry) = self.sources.bind(py).get_item(file)? else { return Ok(None) };
        let lines = entry.cast_into::<PyTuple>()?.get_item(2)?.cast_into::<PyList>()?;
        let lines: Vec<String> = lines.extract()?;
        let code = lines.concat();
        Ok(Some(code.strip_suffix('\n').unwrap_or(&code).to_owned()))
    }

    fn len(&self) -> u32 {
        self.last.load(Ordering::Relaxed) + 1
    }
}

#[pymethods]
impl Inputs {
    fn __len__(&self) -> usize {
        self.len() as usize
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let indices = slice.indices(self.len() as isize)?;
            let numbers = (0..indices.slicelength).map(|step| indices.start + step as isize * indices.step);
            let codes: PyResult<Vec<String>> =
                numbers.map(|number| Ok(self.code(py, number as u32)?.unwrap_or_default())).collect();
            return Ok(PyList::new(py, codes?)?.into_any());
        }
        let index: i64 = index.extract()?;
        let number = if index < 0 { index + i64::from(self.len()) } else { index };
        let code = match u32::try_from(number) {
            Ok(0) => Some(String::new()),
            Ok(number) => self.code(py, number)?,
            Err(_) => None,
        };
        let code = code.ok_or_else(|| {
            PyIndexError::new_err(format!("there is no snippet {number}, or its code is no longer kept"))
        })?;
        Ok(code.into_pyobject(py)?.into_any())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.__getitem__(py, &PySlice::full(py))?.try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.__getitem__(py, &PySlice::full(py))?.repr().map(|text| text.to_string())
    }
}

fn value_of(results: &Mutex<Results>, py: Python<'_>, snippet: u32) -> Option<Py<PyAny>> {
    results.lock().of(snippet)?.value(py)
}

/// `Out`: the values of snippets by number, as far as they are kept.
#[pyclass(frozen, mapping, module = "fourhands", name = "Out")]
struct Outputs(Arc<Mutex<Results>>);

impl Outputs {
    fn dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        // Making objects may run finalizers of the user, which may come here.
        let kept = self.0.lock().all(py);
        let dict = PyDict::new(py);
        for (snippet, value) in kept {
            dict.set_item(snippet.0, value)?;
        }
        Ok(dict)
    }
}

#[pymethods]
impl Outputs {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.0.lock().all(py).len()
    }

    fn __getitem__(&self, py: Python<'_>, snippet: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let number = snippet.extract::<u32>().ok();
        let value = number.and_then(|number| value_of(&self.0, py, number));
        value.ok_or_else(|| {
            PyKeyError::new_err(match number {
                Some(number) => format!(
                    "snippet {number} had no value, or that is no longer kept: only small ones are, and those that a \
                     variable has"
                ),
                None => "Out has numbers of snippets as keys".to_owned(),
            })
        })
    }

    fn __contains__(&self, py: Python<'_>, snippet: &Bound<'_, PyAny>) -> bool {
        let number = snippet.extract::<u32>().ok();
        number.is_some_and(|number| value_of(&self.0, py, number).is_some())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.dict(py)?.as_any().try_iter()
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Ok(self.dict(py)?.keys())
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Ok(self.dict(py)?.values())
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Ok(self.dict(py)?.items())
    }

    #[pyo3(signature = (snippet, default=None))]
    fn get(&self, py: Python<'_>, snippet: &Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> Py<PyAny> {
        self.__getitem__(py, snippet).ok().or(default).unwrap_or_else(|| py.None())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.dict(py)?.as_any().repr().map(|text| text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_stand_alone() {
        let code = "x_3 = _3 + _i12 + __; a.__init__; ___x; _3é; f'{_7}' + _ + _ii";
        assert_eq!(mentioned(code), ["_3", "_7", "__", "_i12", "_ii"].into());
        assert_eq!(mentioned("print(1)"), BTreeSet::new());
    }
}
