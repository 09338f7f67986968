//! Facts about values of well-known libraries, found without importing these and without running user code.
//!
//! A class is recognised only if the module that it names has this very class under its name, so that a class with a
//! false name is not mistaken. Only attributes are read that are the library's own C code, or Python code that reads
//! fields; none of them loads, computes or copies data.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyFunction, PyInt, PyList, PyModule, PySet, PySlice, PyString,
    PyTuple, PyType,
};

use super::attributes::{MAX_LABELS, call_number, dtype, labels, number, shape, sizes, tensor_type, text};
use super::digest::Digest;
use super::library_types::{LibraryType, ROOTS};

/// Facts about a value beside its type.
#[derive(Debug, Default)]
pub struct ValueFacts {
    pub shape: String,
    /// The element type; empty if there is none.
    pub dtype: String,
    /// Bytes of the data itself: pointers for objects, without indexes and metadata.
    pub size: Option<u64>,
    /// Names of columns or the like.
    pub labels: Vec<Py<PyAny>>,
}

/// Values that are read by Python code of their library in one pass over the namespace; the rest shows only its type.
const MAX_PYTHON_READS: usize = 300;
/// Bytes up to which arrays are compared by content.
const MAX_COMPARED_SIZE: u64 = 1024;

/// Blocks of a pandas value whose sizes are added up: asking more of them takes too long. Columns that were added one
/// by one have a block each.
const MAX_BLOCKS: usize = 200;

/// The recogniser of library classes.
pub struct Libraries {
    /// Getters of `type`, which no metaclass can override.
    name: Py<PyAny>,
    module: Py<PyAny>,
    mro: Py<PyAny>,
    namespace: Py<PyAny>,
    /// `object.__getattribute__`
    own_attribute: Py<PyAny>,
    /// `sys.modules` of the start, which imports use even if user code has rebound the name.
    modules: Py<PyDict>,
    gettrace: Py<PyAny>,
    getprofile: Py<PyAny>,
    /// Recognised classes, by address. The reference keeps the address from being reused.
    recognised: Mutex<HashMap<usize, (Py<PyType>, LibraryType)>>,
    /// Names of the classes that most values have, by address. They live as long as Python.
    builtins: HashMap<usize, &'static str>,
    /// User code has set a trace function, which would run within Python code of libraries.
    is_traced: AtomicBool,
    python_reads: AtomicUsize,
}

fn builtins(py: Python<'_>) -> HashMap<usize, &'static str> {
    let classes = [
        (py.get_type::<PyBool>(), "bool"),
        (py.get_type::<PyInt>(), "int"),
        (py.get_type::<PyFloat>(), "float"),
        (py.get_type::<PyString>(), "str"),
        (py.get_type::<PyBytes>(), "bytes"),
        (py.get_type::<PyList>(), "list"),
        (py.get_type::<PyTuple>(), "tuple"),
        (py.get_type::<PyDict>(), "dict"),
        (py.get_type::<PySet>(), "set"),
        (py.get_type::<PyFrozenSet>(), "frozenset"),
        (py.get_type::<PyFunction>(), "function"),
        (py.get_type::<PyModule>(), "module"),
    ];
    classes.into_iter().map(|(class, name)| (class.as_ptr() as usize, name)).collect()
}

impl Libraries {
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let of_type = py.get_type::<PyType>().getattr("__dict__")?;
        let getter = |name: &str| PyResult::Ok(of_type.get_item(name)?.getattr("__get__")?.unbind());
        let sys = py.import("sys")?;
        Ok(Self {
            name: getter("__name__")?,
            module: getter("__module__")?,
            mro: getter("__mro__")?,
            namespace: getter("__dict__")?,
            own_attribute: py.get_type::<PyAny>().getattr("__getattribute__")?.unbind(),
            modules: sys.getattr("modules")?.cast_into::<PyDict>()?.unbind(),
            gettrace: sys.getattr("gettrace")?.unbind(),
            getprofile: sys.getattr("getprofile")?.unbind(),
            recognised: Mutex::default(),
            builtins: builtins(py),
            is_traced: AtomicBool::new(false),
            python_reads: AtomicUsize::new(0),
        })
    }

    /// To be called before each pass over the namespace.
    pub fn begin_pass(&self, py: Python<'_>) {
        let set = |get: &Py<PyAny>| get.bind(py).call0().is_ok_and(|function| !function.is_none());
        self.is_traced.store(set(&self.gettrace) || set(&self.getprofile), Ordering::Relaxed);
        self.python_reads.store(0, Ordering::Relaxed);
    }

    /// Returns whether Python code of a library may be run for one more value.
    fn may_run_python(&self) -> bool {
        !self.is_traced.load(Ordering::Relaxed) && self.python_reads.fetch_add(1, Ordering::Relaxed) < MAX_PYTHON_READS
    }

    pub fn name_of(&self, class: &Bound<'_, PyType>) -> String {
        if let Some(name) = self.builtins.get(&(class.as_ptr() as usize)) {
            return (*name).to_owned();
        }
        text(self.name.bind(class.py()).call1((class,)).ok()).unwrap_or_else(|| "object".to_owned())
    }

    /// Returns whether an object has one of these attributes, of its own or by its class. Calls no code of the user.
    pub fn has_attribute(&self, value: &Bound<'_, PyAny>, names: &[&str]) -> bool {
        let py = value.py();
        let has = |namespace: PyResult<Bound<'_, PyAny>>| {
            namespace.is_ok_and(|namespace| names.iter().any(|name| namespace.contains(name).unwrap_or(false)))
        };
        let mro = self.mro.bind(py).call1((value.get_type(),));
        let classes = mro.iter().flat_map(PyAnyMethods::try_iter).flatten().flatten();
        classes.into_iter().any(|class| has(self.namespace.bind(py).call1((class,))))
            || has(self.own_attribute.bind(py).call1((value, "__dict__")))
    }

    /// Returns whether a class is the user's own, and its objects hold nothing that has to be closed: no base is of a
    /// library, and none has a finalizer.
    pub fn is_plain_class(&self, class: &Bound<'_, PyType>) -> bool {
        let py = class.py();
        let bases = self.mro.bind(py).call1((class,)).ok().and_then(|bases| bases.cast_into::<PyTuple>().ok());
        bases.is_some_and(|bases| {
            bases.iter().all(|base| {
                let module = text(self.module.bind(py).call1((&base,)).ok());
                let own = self.namespace.bind(py).call1((&base,));
                let closes = |own: &Bound<'_, PyAny>| {
                    ["__del__", "__exit__", "close"].iter().any(|name| own.contains(name).unwrap_or(true))
                };
                matches!(module.as_deref(), Some("__main__" | "builtins" | "collections" | "enum"))
                    && own.is_ok_and(|own| !closes(&own))
            })
        })
    }

    /// Returns the attributes of an object of the user's own class, without running code of the user.
    pub fn own_attributes<'py>(&self, value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
        self.own_attribute.bind(value.py()).call1((value, "__dict__")).ok()?.cast_into::<PyDict>().ok()
    }

    /// Returns the type of a class; `None` for classes that are not of a known library.
    pub fn library_type(&self, class: &Bound<'_, PyType>) -> Option<LibraryType> {
        let address = class.as_ptr() as usize;
        let recognised = self.recognised.lock().get(&address).map(|(_, library_type)| *library_type);
        if recognised.is_some() {
            return recognised;
        }
        if self.builtins.contains_key(&(class.as_ptr() as usize)) {
            return None;
        }
        let py = class.py();
        let module = text(self.module.bind(py).call1((class,)).ok())?;
        let root = module.split('.').next()?;
        if !ROOTS.contains(&root) {
            return None;
        }
        let name = self.name_of(class);
        let holder = self.modules.bind(py).get_item(&module).ok()??.cast_into::<PyModule>().ok()?;
        if !holder.dict().get_item(&name).ok()??.is(class) {
            return None;
        }
        let library_type = LibraryType::of(root, &name).or_else(|| self.by_base(root, class))?;
        self.recognised.lock().insert(address, (class.clone().unbind(), library_type));
        Some(library_type)
    }

    /// Recognises a class by a base class of its library.
    fn by_base(&self, root: &str, class: &Bound<'_, PyType>) -> Option<LibraryType> {
        let candidates: &[(&str, LibraryType)] = match root {
            "pandas" => &[("Index", LibraryType::PandasOther), ("ExtensionArray", LibraryType::PandasOther)],
            "pyarrow" => &[("Array", LibraryType::ArrowArray)],
            "numpy" => &[("generic", LibraryType::Printed)],
            _ => return None,
        };
        let mro = self.mro.bind(class.py()).call1((class,)).ok()?.cast_into::<PyTuple>().ok()?;
        let bases: Vec<String> =
            mro.iter().filter_map(|base| Some(self.name_of(base.cast::<PyType>().ok()?))).collect();
        candidates.iter().find(|(name, _)| bases.iter().any(|base| base == name)).map(|(_, found)| *found)
    }

    /// Returns the facts about a value; `None` if there are none, or Python code of the library must not run.
    pub fn facts(&self, value: &Bound<'_, PyAny>, library_type: LibraryType) -> Option<ValueFacts> {
        match library_type {
            LibraryType::Array => Some(ValueFacts {
                shape: shape(value)?,
                dtype: dtype(&value.getattr("dtype").ok()?)?,
                size: number(value, "nbytes"),
                ..ValueFacts::default()
            }),
            LibraryType::Tensor => Some(ValueFacts {
                shape: shape(value)?,
                dtype: tensor_type(value)?,
                size: call_number(value, "numel").zip(call_number(value, "element_size")).map(|(n, each)| n * each),
                ..ValueFacts::default()
            }),
            LibraryType::Sized => Some(ValueFacts { shape: value.len().ok()?.to_string(), ..ValueFacts::default() }),
            LibraryType::ArrowTable => Some(ValueFacts {
                shape: shape(value)?,
                size: number(value, "nbytes"),
                labels: value.getattr("column_names").ok().and_then(|names| labels(&names)).unwrap_or_default(),
                ..ValueFacts::default()
            }),
            LibraryType::ArrowArray => Some(ValueFacts {
                shape: value.len().ok()?.to_string(),
                dtype: text(value.getattr("type").ok()?.str().ok().map(Bound::into_any))?,
                size: number(value, "nbytes"),
                ..ValueFacts::default()
            }),
            LibraryType::Printed | LibraryType::Moment | LibraryType::Decimal | LibraryType::Fraction => None,
            _ if !self.may_run_python() => None,
            LibraryType::PandasFrame => pandas_frame(value),
            LibraryType::PandasSeries => pandas_series(value),
            LibraryType::PandasOther => Some(ValueFacts {
                shape: shape(value)?,
                dtype: value.getattr("dtype").ok().and_then(|of| dtype(&of)).unwrap_or_default(),
                ..ValueFacts::default()
            }),
            LibraryType::PolarsFrame => {
                let inner = value.getattr("_df").ok()?;
                Some(ValueFacts {
                    shape: sizes(&inner.call_method0("shape").ok()?)?,
                    size: call_number(&inner, "estimated_size"),
                    labels: inner.call_method0("columns").ok().and_then(|names| labels(&names)).unwrap_or_default(),
                    ..ValueFacts::default()
                })
            }
            LibraryType::PolarsSeries => {
                let inner = value.getattr("_s").ok()?;
                Some(ValueFacts {
                    shape: call_number(&inner, "len")?.to_string(),
                    dtype: text(inner.call_method0("dtype").ok()?.str().ok().map(Bound::into_any)).unwrap_or_default(),
                    size: call_number(&inner, "estimated_size"),
                    ..ValueFacts::default()
                })
            }
            LibraryType::DataArray => {
                let variable = value.getattr("_variable").ok()?;
                // The data may be of a user's class.
                let data = variable.getattr("_data").ok()?;
                if self.library_type(&data.get_type()) != Some(LibraryType::Array) {
                    return None;
                }
                let facts = self.facts(&data, LibraryType::Array)?;
                Some(ValueFacts { labels: labels(&variable.getattr("_dims").ok()?).unwrap_or_default(), ..facts })
            }
            LibraryType::Dataset => {
                let variables = value.getattr("_variables").ok()?.cast_into::<PyDict>().ok()?;
                let names = PyList::new(value.py(), variables.keys().iter().take(MAX_LABELS as usize)).ok()?;
                Some(ValueFacts {
                    shape: variables.len().to_string(),
                    labels: labels(&names)?,
                    ..ValueFacts::default()
                })
            }
            LibraryType::Sparse => {
                let parts = ["data", "indices", "indptr", "row", "col", "offsets"];
                let part = |name: &&str| value.getattr(*name).ok().filter(|part| self.is_array(part));
                let data = value.getattr("data").ok().filter(|data| self.is_array(data));
                Some(ValueFacts {
                    shape: sizes(&value.getattr("_shape").ok()?)?,
                    dtype: data.and_then(|data| dtype(&data.getattr("dtype").ok()?)).unwrap_or_default(),
                    size: Some(parts.iter().filter_map(part).filter_map(|part| number(&part, "nbytes")).sum()),
                    ..ValueFacts::default()
                })
            }
            LibraryType::Jax => Some(ValueFacts {
                shape: shape(value)?,
                dtype: value.getattr("dtype").ok().and_then(|of| dtype(&of)).unwrap_or_default(),
                size: number(value, "nbytes"),
                ..ValueFacts::default()
            }),
        }
    }

    fn is_array(&self, value: &Bound<'_, PyAny>) -> bool {
        self.library_type(&value.get_type()) == Some(LibraryType::Array)
    }

    /// Returns a digest that changes when the value is changed in place, as far as that is cheap to find out.
    pub fn digest(&self, value: &Bound<'_, PyAny>, library_type: LibraryType) -> u64 {
        let mut digest = Digest::default();
        self.add(&mut digest, value, library_type);
        digest.0
    }

    fn add(&self, digest: &mut Digest, value: &Bound<'_, PyAny>, library_type: LibraryType) {
        let get = |name: &str| value.getattr(name).ok();
        match library_type {
            LibraryType::Array => {
                digest.add_all(get("shape"));
                let Some(of) = get("dtype") else { return };
                digest.add(of.as_ptr() as usize);
                let content = number(value, "nbytes").is_some_and(|size| size <= MAX_COMPARED_SIZE)
                    && of.getattr("hasobject").is_ok_and(|has| has.is_truthy().is_ok_and(|has| !has));
                let bytes = content.then(|| value.call_method0("tobytes").ok()).flatten();
                for chunk in bytes.and_then(|bytes| bytes.extract::<Vec<u8>>().ok()).unwrap_or_default().chunks(8) {
                    digest.add(chunk.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
                }
            }
            LibraryType::PandasFrame | LibraryType::PandasSeries => {
                let Some(manager) = get("_mgr") else { return };
                digest.add(manager.as_ptr() as usize);
                digest.add_all(manager.getattr("axes").ok());
                let Ok(blocks) = manager.getattr("blocks").and_then(|blocks| Ok(blocks.cast_into::<PyTuple>()?)) else {
                    return;
                };
                for block in blocks.iter().take(MAX_LABELS as usize) {
                    let Ok(values) = block.getattr("values") else { continue };
                    digest.add(values.as_ptr() as usize);
                    if self.is_array(&values) {
                        self.add(digest, &values, LibraryType::Array);
                    }
                }
            }
            LibraryType::Tensor => {
                digest.add_all(get("shape"));
                digest.add(number(value, "_version").unwrap_or_default() as usize);
            }
            LibraryType::PolarsFrame => digest.add_all(get("_df").and_then(|inner| inner.call_method0("shape").ok())),
            LibraryType::Dataset => digest.add(get("_variables").map_or(0, |variables| variables.as_ptr() as usize)),
            LibraryType::Sized => digest.add(value.len().unwrap_or_default()),
            _ => {}
        }
    }
}

fn pandas_frame(value: &Bound<'_, PyAny>) -> Option<ValueFacts> {
    let columns = value.getattr("columns").ok();
    let first = columns.and_then(|columns| columns.get_item(PySlice::new(value.py(), 0, MAX_LABELS, 1)).ok());
    let names = first.and_then(|first| first.call_method0("tolist").ok());
    Some(ValueFacts {
        shape: shape(value)?,
        size: blocks(value),
        labels: names.and_then(|names| labels(&names)).unwrap_or_default(),
        ..ValueFacts::default()
    })
}

fn pandas_series(value: &Bound<'_, PyAny>) -> Option<ValueFacts> {
    Some(ValueFacts {
        shape: shape(value)?,
        dtype: value.getattr("dtype").ok().and_then(|of| dtype(&of)).unwrap_or_default(),
        size: blocks(value),
        ..ValueFacts::default()
    })
}

/// Returns the bytes of the blocks in which pandas keeps the data.
fn blocks(value: &Bound<'_, PyAny>) -> Option<u64> {
    let blocks = value.getattr("_mgr").ok()?.getattr("blocks").ok()?.cast_into::<PyTuple>().ok()?;
    if blocks.len() > MAX_BLOCKS {
        return None;
    }
    blocks.iter().map(|block| number(&block.getattr("values").ok()?, "nbytes")).sum()
}
