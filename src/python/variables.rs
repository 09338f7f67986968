//! Describing values for the variable table without running user code: exact types only, by what C knows of them.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyCFunction, PyComplex, PyDict, PyFloat, PyFrozenSet, PyFunction, PyInt, PyList,
    PyModule, PyRange, PySet, PyString, PyTuple, PyType,
};

use crate::domain::{Kind, SnippetId, Variable};

/// Characters of a preview.
const WIDTH: usize = 80;
/// Items of a container that a preview looks at.
const ITEMS: usize = 6;
/// Longer integers are told by their size: to write one out takes time that grows with its square.
const MAX_INT_BITS: u64 = 256;

/// Classes of libraries whose `shape` is known to be cheap and to run no user code. They are looked up among the
/// loaded modules and compared by identity, so that a class that only calls itself so is not taken for them.
const SHAPED: &[(&str, &str)] = &[
    ("numpy", "ndarray"),
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("pandas", "Index"),
    ("polars", "DataFrame"),
    ("polars", "Series"),
    ("torch", "Tensor"),
    ("xarray", "DataArray"),
    ("pyarrow", "Table"),
];

/// Classes of libraries whose `repr` and `str` are short and run no user code; looked up in the same way.
const PRINTED: &[(&str, &str)] = &[
    ("datetime", "datetime"),
    ("datetime", "date"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
    ("pathlib", "PosixPath"),
    ("uuid", "UUID"),
    ("numpy", "bool_"),
    ("numpy", "int32"),
    ("numpy", "int64"),
    ("numpy", "float32"),
    ("numpy", "float64"),
    ("pandas", "Timestamp"),
];

pub struct Describer {
    /// `type.__dict__['__name__'].__get__`: a metaclass cannot override it.
    class_name: Py<PyAny>,
    /// The type of bound methods.
    method: Py<PyAny>,
    /// The dict of loaded modules as it was at the start; user code may rebind `sys.modules`, imports do not care.
    modules: Py<PyDict>,
}

impl Describer {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let class_name = py.get_type::<PyType>().getattr("__dict__")?.get_item("__name__")?.getattr("__get__")?;
        Ok(Self {
            class_name: class_name.unbind(),
            method: py.import("types")?.getattr("MethodType")?.unbind(),
            modules: py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind(),
        })
    }

    pub fn describe(&self, name: String, value: &Bound<'_, PyAny>, set_by: Option<SnippetId>) -> Variable {
        let class = value.get_type();
        let type_name = self.name_of(&class);
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
            Kind::Module => {
                let name = module_text(value, "__name__").unwrap_or_default();
                variable.text = Some(format!("<module '{name}'>"));
                variable.preview = module_text(value, "__version__").unwrap_or(name);
            }
            Kind::Function => variable.shape = parameters(value).unwrap_or_default(),
            Kind::Class => {
                let name = value.cast::<PyType>().map_or_else(|_| String::new(), |class| self.name_of(class));
                variable.preview = format!("<class '{name}'>");
            }
            Kind::Callable => variable.preview = format!("<{}>", variable.type_name),
            Kind::Data => {
                variable.shape = self.shape(value, &class).unwrap_or_default();
                variable.preview = self.preview(value, 0);
                variable.text = if self.is_one_of(PRINTED, &class) {
                    value.str().ok().map(|text| first(&text, WIDTH))
                } else {
                    value.cast_exact::<PyString>().ok().map(|text| first(text, WIDTH))
                };
            }
        }
        variable
    }

    fn kind(&self, value: &Bound<'_, PyAny>) -> Kind {
        if value.is_instance_of::<PyModule>() {
            Kind::Module
        } else if value.is_instance_of::<PyType>() {
            Kind::Class
        } else if value.is_exact_instance_of::<PyFunction>()
            || value.is_exact_instance_of::<PyCFunction>()
            || value.get_type().is(&self.method)
        {
            Kind::Function
        } else if value.is_callable() {
            Kind::Callable
        } else {
            Kind::Data
        }
    }

    fn name_of(&self, class: &Bound<'_, PyType>) -> String {
        self.class_name
            .bind(class.py())
            .call1((class,))
            .and_then(|name| name.extract())
            .unwrap_or_else(|_| "object".to_owned())
    }

    fn shape(&self, value: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> Option<String> {
        if let Some(length) = builtin_length(value) {
            return Some(length.to_string());
        }
        if !self.is_one_of(SHAPED, class) {
            return None;
        }
        let shape = value.getattr("shape").ok()?;
        let sizes: Vec<String> =
            shape.try_iter().ok()?.map(|size| Some(size.ok()?.str().ok()?.to_string())).collect::<Option<_>>()?;
        Some(if sizes.is_empty() { "()".to_owned() } else { sizes.join("×") })
    }

    fn is_one_of(&self, known: &[(&str, &str)], class: &Bound<'_, PyType>) -> bool {
        let modules = self.modules.bind(class.py());
        known.iter().any(|(module, name)| {
            modules
                .get_item(module)
                .ok()
                .flatten()
                .and_then(|module| module.cast_into::<PyModule>().ok())
                .and_then(|module| module.dict().get_item(name).ok().flatten())
                .is_some_and(|known| known.is(class))
        })
    }

    /// `repr` as far as it is cheap and safe; `<Type>` for all else.
    fn preview(&self, value: &Bound<'_, PyAny>, depth: usize) -> String {
        let known = value.is_none()
            || value.is_exact_instance_of::<PyBool>()
            || value.is_exact_instance_of::<PyFloat>()
            || value.is_exact_instance_of::<PyComplex>()
            || value.is_exact_instance_of::<PyRange>();
        if known {
            return value.repr().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
        }
        if value.is_exact_instance_of::<PyInt>() {
            return integer(value);
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            return quoted(text);
        }
        if self.is_one_of(PRINTED, &value.get_type()) {
            // Alone, a date says more as text; among other values it must be told from a string.
            let text = if depth == 0 { value.str() } else { value.repr() };
            return text.map_or_else(|_| String::new(), |text| first(&text, WIDTH));
        }
        if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() {
            return bytes(value);
        }
        self.container(value, depth).unwrap_or_else(|| format!("<{}>", self.name_of(&value.get_type())))
    }

    fn container(&self, value: &Bound<'_, PyAny>, depth: usize) -> Option<String> {
        let length = builtin_length(value)?;
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
        if depth >= 2 {
            return Some(format!("{open}…{close}"));
        }
        let mut text = open.to_owned();
        // Another thread may change the container while its first items are read; then the preview ends there.
        let mut shown = 0;
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            for item in dict.call_method0("items").and_then(|items| items.try_iter()).ok()?.take(ITEMS) {
                let Ok((key, item)) = item.and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                else {
                    break;
                };
                separate(&mut text, shown);
                text += &format!("{}: {}", self.preview(&key, depth + 1), self.preview(&item, depth + 1));
                shown += 1;
                if text.len() > WIDTH {
                    break;
                }
            }
        } else {
            for item in value.try_iter().ok()?.take(ITEMS) {
                let Ok(item) = item else { break };
                separate(&mut text, shown);
                text += &self.preview(&item, depth + 1);
                shown += 1;
                if text.len() > WIDTH {
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

fn builtin_length(value: &Bound<'_, PyAny>) -> Option<usize> {
    let sized = value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PySet>()
        || value.is_exact_instance_of::<PyFrozenSet>();
    if sized { value.len().ok() } else { None }
}

fn integer(value: &Bound<'_, PyAny>) -> String {
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
    let start = first(text, WIDTH);
    let cut = text.len().is_ok_and(|length| length > WIDTH);
    let quoted = PyString::new(text.py(), &start).repr();
    let quoted = quoted.map_or_else(|_| String::new(), |quoted| quoted.to_string_lossy().into_owned());
    if cut { quoted + "…" } else { quoted }
}

fn bytes(value: &Bound<'_, PyAny>) -> String {
    let start = value.get_item(pyo3::types::PySlice::new(value.py(), 0, WIDTH as isize / 2, 1));
    let shown = start.and_then(|start| start.repr()).map_or_else(|_| String::new(), |text| text.to_string());
    if value.len().is_ok_and(|length| length > WIDTH / 2) { shown + "…" } else { shown }
}

/// A plain string in a module's own dict.
fn module_text(value: &Bound<'_, PyAny>, name: &str) -> Option<String> {
    let text = value.cast::<PyModule>().ok()?.dict().get_item(name).ok()??;
    Some(first(text.cast_exact::<PyString>().ok()?, WIDTH))
}

/// The names of a Python function's parameters: `(df, …)`.
fn parameters(value: &Bound<'_, PyAny>) -> Option<String> {
    let function = value.cast_exact::<PyFunction>().ok()?;
    let code = function.getattr("__code__").ok()?;
    let count: usize = code.getattr("co_argcount").ok()?.extract().ok()?;
    let keyword_only: usize = code.getattr("co_kwonlyargcount").ok()?.extract().ok()?;
    let names: Vec<String> = code.getattr("co_varnames").ok()?.extract().ok()?;
    let flags: u32 = code.getattr("co_flags").ok()?.extract().ok()?;
    let variadic = flags & 0x0c != 0;
    let total = count + keyword_only;
    let mut shown: Vec<&str> = names.iter().take(total.min(3)).map(String::as_str).collect();
    if total > 3 || variadic {
        shown.push("…");
    }
    Some(format!("({})", shown.join(", ")))
}
