//! Descriptions of values for the table of variables, made without running user code: from exact types only, by C code.
//!
//! Sizes are `sys.getsizeof` for the standard types (containers without their items), and for libraries the bytes of
//! the data itself.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyCFunction, PyComplex, PyDict, PyFloat, PyFrozenSet, PyFunction, PyInt, PyList,
    PyModule, PyRange, PySet, PyString, PyTuple, PyType,
};

use super::libraries::{Libraries, ValueFacts};
use super::library_types::LibraryType;
use crate::domain::{SnippetId, Variable, VariableKind};

/// Characters of a preview.
const MAX_WIDTH: usize = 80;
/// Items of a container that a preview has.
const MAX_ITEMS: usize = 6;
/// Levels of containers that a preview has.
const MAX_DEPTH: usize = 2;
/// Bits of an integer whose digits are written out: that takes time that grows with their square.
const MAX_INT_BITS: u64 = 256;
/// Bytes of a `Decimal` whose digits are written out.
const MAX_DECIMAL_SIZE: u64 = 512;
/// Items of a container whose sizes stand for those of all.
const MAX_MEASURED_ITEMS: usize = 100;
/// Names of parameters that are shown.
const MAX_PARAMETERS: usize = 3;

/// Attributes of callable objects that stand for a function, such as a `partial` or a `ufunc`. A model or a database
/// connection can be called, too, and is data.
const FUNCTION_MARKS: [&str; 3] = ["__name__", "__wrapped__", "func"];

/// The describer of values.
pub struct Describer {
    pub libraries: Libraries,
    /// The type of bound methods.
    method: Py<PyAny>,
    getsizeof: Py<PyAny>,
}

impl Describer {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self {
            libraries: Libraries::new(py)?,
            method: py.import("types")?.getattr("MethodType")?.unbind(),
            getsizeof: py.import("sys")?.getattr("getsizeof")?.unbind(),
        })
    }

    pub fn describe(&self, name: String, value: &Bound<'_, PyAny>, set_by: Option<SnippetId>) -> Variable {
        let class = value.get_type();
        let type_name = self.libraries.name_of(&class);
        let mut variable = Variable {
            name,
            kind: self.kind(value),
            type_name,
            shape: String::new(),
            size: None,
            preview: String::new(),
            text: None,
            set_by,
        };
        match variable.kind {
            VariableKind::Module => {
                let name = module_text(value, "__name__").unwrap_or_default();
                variable.text = Some(format!("<module '{name}'>"));
                variable.preview = module_text(value, "__version__").unwrap_or(name);
            }
            VariableKind::Function => variable.shape = parameters(value).unwrap_or_default(),
            VariableKind::Class => {
                let name = value.cast::<PyType>().map_or_else(|_| String::new(), |class| self.libraries.name_of(class));
                variable.preview = format!("<class '{name}'>");
            }
            VariableKind::Callable => variable.preview = format!("<{}>", variable.type_name),
            VariableKind::Data => self.describe_data(&mut variable, value, &class),
        }
        variable
    }

    fn describe_data(&self, variable: &mut Variable, value: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) {
        if let Some(length) = builtin_length(value) {
            variable.shape = length.to_string();
        }
        if is_builtin(value) {
            // For these types `__sizeof__` is C code that users cannot replace.
            variable.size = self.getsizeof.bind(value.py()).call1((value,)).and_then(|size| size.extract()).ok();
        }
        let library_type = self.libraries.library_type(class);
        if let Some((library_type, facts)) =
            library_type.and_then(|found| Some((found, self.libraries.facts(value, found)?)))
        {
            variable.preview = self.summary(value, library_type, &facts);
            (variable.shape, variable.size) = (facts.shape, facts.size);
            return;
        }
        variable.preview = self.preview(value, 0);
        let printed = library_type.filter(|found| found.is_printed()).and_then(|found| print(value, found, true));
        variable.text = printed.or_else(|| value.cast_exact::<PyString>().ok().map(|text| first(text, MAX_WIDTH)));
    }

    /// Returns the bytes of a value, and of what a standard container holds, as far as that is cheap to learn.
    pub fn bytes(&self, value: &Bound<'_, PyAny>) -> u64 {
        let own = |value: &Bound<'_, PyAny>| self.describe(String::new(), value, None).size.unwrap_or_default();
        let (length, items): (usize, Vec<Bound<'_, PyAny>>) = if let Ok(list) = value.cast_exact::<PyList>() {
            (list.len(), list.iter().take(MAX_MEASURED_ITEMS).collect())
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            (tuple.len(), tuple.iter().take(MAX_MEASURED_ITEMS).collect())
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            (dict.len(), dict.iter().map(|(_, item)| item).take(MAX_MEASURED_ITEMS).collect())
        } else {
            return own(value);
        };
        let measured = items.iter().map(own).sum::<u64>();
        own(value) + measured.saturating_mul(length as u64) / items.len().max(1) as u64
    }

    /// Summarises a library value: its element type, first values or names of columns.
    fn summary(&self, value: &Bound<'_, PyAny>, library_type: LibraryType, facts: &ValueFacts) -> String {
        let py = value.py();
        let mut text = facts.dtype.clone();
        let labels: Vec<String> = facts.labels.iter().map(|label| self.label(label.bind(py))).collect();
        if !labels.is_empty() {
            let more = if labels.len() > MAX_ITEMS { ", …" } else { "" };
            let labels = labels.iter().take(MAX_ITEMS).map(String::as_str).collect::<Vec<_>>().join(", ");
            text += &if text.is_empty() { labels + more } else { format!(" ({labels}{more})") };
        } else if library_type == LibraryType::Array && !matches!(text.as_str(), "object" | "record") {
            let size: usize = value.getattr("size").and_then(|size| size.extract()).unwrap_or(0);
            let items = (0..size.min(MAX_ITEMS)).map_while(|index| value.call_method1("item", (index,)).ok());
            let items: Vec<String> =
                items.map(|item| short_float(&item).unwrap_or_else(|| self.preview(&item, 1))).collect();
            let more = if size > items.len() { ", …" } else { "" };
            text += &format!(" [{}{more}]", items.join(", "));
        }
        if text.is_empty() { format!("<{}>", self.libraries.name_of(&value.get_type())) } else { text }
    }

    /// Returns a column's name without quotes.
    fn label(&self, label: &Bound<'_, PyAny>) -> String {
        label.cast_exact::<PyString>().map_or_else(|_| self.preview(label, 1), |text| first(text, MAX_WIDTH))
    }

    fn kind(&self, value: &Bound<'_, PyAny>) -> VariableKind {
        if value.is_instance_of::<PyModule>() {
            VariableKind::Module
        } else if value.is_instance_of::<PyType>() {
            VariableKind::Class
        } else if value.is_exact_instance_of::<PyFunction>()
            || value.is_exact_instance_of::<PyCFunction>()
            || value.get_type().is(&self.method)
        {
            VariableKind::Function
        } else if value.is_callable() && self.libraries.has_attribute(value, &FUNCTION_MARKS) {
            VariableKind::Callable
        } else {
            VariableKind::Data
        }
    }

    /// Returns `repr` as far as that is cheap and safe; `<Type>` for other values.
    fn preview(&self, value: &Bound<'_, PyAny>, depth: usize) -> String {
        let has_safe_repr = value.is_none()
            || value.is_exact_instance_of::<PyBool>()
            || value.is_exact_instance_of::<PyFloat>()
            || value.is_exact_instance_of::<PyComplex>()
            || value.is_exact_instance_of::<PyRange>() && has_small_ends(value);
        if has_safe_repr {
            return value.repr().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
        }
        if value.is_exact_instance_of::<PyInt>() {
            return integer(value);
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            return quoted(text);
        }
        if let Some(library_type) = self.libraries.library_type(&value.get_type()).filter(|found| found.is_printed())
            // A date alone is more readable as `str`; in a container it must differ from a string.
            && let Some(text) = print(value, library_type, depth == 0)
        {
            return text;
        }
        if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() {
            return bytes(value);
        }
        self.container(value, depth).unwrap_or_else(|| format!("<{}>", self.libraries.name_of(&value.get_type())))
    }

    fn container(&self, value: &Bound<'_, PyAny>, depth: usize) -> Option<String> {
        let length = builtin_length(value).filter(|_| is_builtin(value))?;
        let (open, close) = if value.is_exact_instance_of::<PyList>() {
            ("[", "]")
        } else if value.is_exact_instance_of::<PyTuple>() {
            ("(", if length == 1 { ",)" } else { ")" })
        } else if value.is_exact_instance_of::<PyFrozenSet>() {
            ("frozenset({", "})")
        } else {
            ("{", "}")
        };
        if length == 0 && value.is_exact_instance_of::<PySet>() {
            return Some("set()".to_owned());
        }
        if depth >= MAX_DEPTH {
            return Some(format!("{open}…{close}"));
        }
        let mut text = open.to_owned();
        // If another thread changes the container meanwhile, the preview ends there.
        let mut shown = 0;
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            for item in dict.call_method0("items").and_then(|items| items.try_iter()).ok()?.take(MAX_ITEMS) {
                let Ok((key, item)) = item.and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                else {
                    break;
                };
                separate(&mut text, shown);
                text += &format!("{}: {}", self.preview(&key, depth + 1), self.preview(&item, depth + 1));
                shown += 1;
                if text.len() > MAX_WIDTH {
                    break;
                }
            }
        } else {
            for item in value.try_iter().ok()?.take(MAX_ITEMS) {
                let Ok(item) = item else { break };
                separate(&mut text, shown);
                text += &self.preview(&item, depth + 1);
                shown += 1;
                if text.len() > MAX_WIDTH {
                    break;
                }
            }
        }
        if shown < length {
            separate(&mut text, shown);
            text.push('…');
        }
        Some(text + close)
    }
}

fn separate(text: &mut String, shown: usize) {
    if shown > 0 {
        text.push_str(", ");
    }
}

/// Returns the length as C code knows it, also for subclasses, whose own `__len__` is not called.
fn builtin_length(value: &Bound<'_, PyAny>) -> Option<usize> {
    if value.is_exact_instance_of::<PyString>() {
        return value.len().ok();
    }
    if let Ok(list) = value.cast::<PyList>() {
        Some(list.len())
    } else if let Ok(dict) = value.cast::<PyDict>() {
        Some(dict.len())
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        Some(tuple.len())
    } else if let Ok(set) = value.cast::<PySet>() {
        Some(set.len())
    } else if let Ok(set) = value.cast::<PyFrozenSet>() {
        Some(set.len())
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        Some(bytes.as_bytes().len())
    } else {
        value.cast::<PyByteArray>().ok().map(PyByteArrayMethods::len)
    }
}

/// Returns whether a value is exactly of one of the standard classes that hold data.
fn is_builtin(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PySet>()
        || value.is_exact_instance_of::<PyFrozenSet>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>()
}

/// Returns `str` or `repr` of a value; `None` if that could run user code or take long.
fn print(value: &Bound<'_, PyAny>, library_type: LibraryType, as_text: bool) -> Option<String> {
    let bits = |part: &str| -> Option<u64> {
        let number = value.getattr(part).ok()?.cast_into_exact::<PyInt>().ok()?;
        number.call_method0("bit_length").ok()?.extract().ok()
    };
    let mut shown = value.clone();
    let is_cheap = match library_type {
        LibraryType::Moment => {
            let zone = value.getattr("tzinfo").ok()?;
            if !zone.is_none() && !zone.get_type().is(zone_class(value.py())?) {
                shown = value.call_method("replace", (), Some(&without_zone(value.py()).ok()?)).ok()?;
            }
            true
        }
        LibraryType::Decimal => value.call_method0("__sizeof__").ok()?.extract::<u64>().ok()? <= MAX_DECIMAL_SIZE,
        LibraryType::Fraction => bits("_numerator")? <= MAX_INT_BITS && bits("_denominator")? <= MAX_INT_BITS,
        _ => true,
    };
    let text = if as_text { shown.str() } else { shown.repr() };
    is_cheap.then(|| text.map_or_else(|_| String::new(), |text| first(&text, MAX_WIDTH)))
}

/// Returns a float with six digits, which are enough to recognise an array.
fn short_float(value: &Bound<'_, PyAny>) -> Option<String> {
    value.cast_exact::<PyFloat>().ok()?.call_method1("__format__", (".6g",)).ok()?.extract().ok()
}

fn zone_class(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    py.import("datetime").ok()?.getattr("timezone").ok()
}

fn without_zone(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let arguments = PyDict::new(py);
    arguments.set_item("tzinfo", py.None())?;
    Ok(arguments)
}

/// Of other ranges the `repr` takes long.
fn has_small_ends(range: &Bound<'_, PyAny>) -> bool {
    ["start", "stop", "step"].iter().all(|end| {
        let bits = range.getattr(*end).and_then(|end| end.call_method0("bit_length"));
        bits.is_ok_and(|bits| bits.extract::<u64>().is_ok_and(|bits| bits <= MAX_INT_BITS))
    })
}

fn integer(value: &Bound<'_, PyAny>) -> String {
    if let Ok(small) = value.extract::<i64>() {
        return small.to_string();
    }
    let bits = value.call_method0("bit_length").and_then(|bits| bits.extract::<u64>()).unwrap_or(u64::MAX);
    if bits > MAX_INT_BITS {
        return format!("<int of {bits} bits>");
    }
    value.repr().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
}

fn first(text: &Bound<'_, PyString>, characters: usize) -> String {
    let start = text.get_item(pyo3::types::PySlice::new(text.py(), 0, characters as isize, 1));
    let start = start.ok().and_then(|start| start.cast_into::<PyString>().ok());
    start.map_or_else(String::new, |start| start.to_string_lossy().into_owned())
}

fn quoted(text: &Bound<'_, PyString>) -> String {
    let start = first(text, MAX_WIDTH);
    let cut = text.len().is_ok_and(|length| length > MAX_WIDTH);
    let quoted = PyString::new(text.py(), &start).repr();
    let quoted = quoted.map_or_else(|_| String::new(), |quoted| quoted.to_string_lossy().into_owned());
    if cut { quoted + "…" } else { quoted }
}

fn bytes(value: &Bound<'_, PyAny>) -> String {
    let start = value.get_item(pyo3::types::PySlice::new(value.py(), 0, MAX_WIDTH as isize / 2, 1));
    let shown = start.and_then(|start| start.repr()).map_or_else(|_| String::new(), |text| text.to_string());
    if value.len().is_ok_and(|length| length > MAX_WIDTH / 2) { shown + "…" } else { shown }
}

/// Returns a string in a module's own dict.
fn module_text(value: &Bound<'_, PyAny>, name: &str) -> Option<String> {
    let text = value.cast::<PyModule>().ok()?.dict().get_item(name).ok()??;
    Some(first(text.cast_exact::<PyString>().ok()?, MAX_WIDTH))
}

/// Returns the names of a Python function's parameters: `(df, …)`.
fn parameters(value: &Bound<'_, PyAny>) -> Option<String> {
    let function = value.cast_exact::<PyFunction>().ok()?;
    let code = function.getattr("__code__").ok()?;
    let count: usize = code.getattr("co_argcount").ok()?.extract().ok()?;
    let keyword_only: usize = code.getattr("co_kwonlyargcount").ok()?.extract().ok()?;
    let names: Vec<String> = code.getattr("co_varnames").ok()?.extract().ok()?;
    let flags: u32 = code.getattr("co_flags").ok()?.extract().ok()?;
    let variadic = flags & 0x0c != 0;
    let total = count + keyword_only;
    let mut shown: Vec<&str> = names.iter().take(total.min(MAX_PARAMETERS)).map(String::as_str).collect();
    if total > MAX_PARAMETERS || variadic {
        shown.push("…");
    }
    Some(format!("({})", shown.join(", ")))
}
