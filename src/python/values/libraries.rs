//! What can be told of values of well-known libraries without importing them, and without running code of the user.
//!
//! A class counts as known only if the module that it names holds this very class under its name, so that one that only
//! calls itself so is not taken for it. Of a known class only attributes are read that are the library's own C code or
//! plain Python that reads fields; none of them loads, computes or copies data.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule, PySlice, PyString, PyTuple, PyType};

/// How values of a class are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryType {
    Array,
    PandasFrame,
    PandasSeries,
    PandasOther,
    PolarsFrame,
    PolarsSeries,
    Tensor,
    DataArray,
    Dataset,
    ArrowTable,
    ArrowArray,
    Sparse,
    Jax,
    /// Only its length is told.
    Sized,
    /// `str` and `repr` are short and run no user code.
    Printed,
    /// The same, but of a moment in time, whose zone may be the user's own class.
    Moment,
    Decimal,
    Fraction,
}

/// What is told of a value beside its type.
#[derive(Debug, Default)]
pub struct ValueFacts {
    pub shape: String,
    /// Element type, if it has one.
    pub dtype: String,
    /// Bytes of the data itself: objects by their pointers, indexes and metadata left out.
    pub size: Option<u64>,
    /// Names of columns or the like, as Python objects.
    pub labels: Vec<Py<PyAny>>,
}

/// First parts of the modules that are known.
const ROOTS: &[&str] = &[
    "numpy",
    "pandas",
    "polars",
    "torch",
    "xarray",
    "pyarrow",
    "scipy",
    "jaxlib",
    "jax",
    "datetime",
    "decimal",
    "fractions",
    "pathlib",
    "uuid",
    "collections",
    "array",
    "re",
];
/// Labels that are told.
const LABELS: isize = 8;
/// Values read by Python code of their library in one look at the namespace; the rest shows its type alone.
const PYTHON_READS: usize = 300;
/// Arrays up to so many bytes are compared by content.
const SMALL: u64 = 1024;

pub struct Libraries {
    /// Getters of `type`, which no metaclass can override.
    name: Py<PyAny>,
    module: Py<PyAny>,
    mro: Py<PyAny>,
    /// The dict of loaded modules as it was at the start; user code may rebind `sys.modules`, imports do not care.
    modules: Py<PyDict>,
    gettrace: Py<PyAny>,
    getprofile: Py<PyAny>,
    known: Mutex<HashMap<usize, (Py<PyType>, LibraryType)>>,
    /// A trace function of the user would run within Python code of libraries.
    traced: AtomicBool,
    reads: AtomicUsize,
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
            modules: sys.getattr("modules")?.cast_into::<PyDict>()?.unbind(),
            gettrace: sys.getattr("gettrace")?.unbind(),
            getprofile: sys.getattr("getprofile")?.unbind(),
            known: Mutex::default(),
            traced: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        })
    }

    /// To be called before each look at the namespace.
    pub fn begin(&self, py: Python<'_>) {
        let set = |get: &Py<PyAny>| get.bind(py).call0().is_ok_and(|function| !function.is_none());
        self.traced.store(set(&self.gettrace) || set(&self.getprofile), Ordering::Relaxed);
        self.reads.store(0, Ordering::Relaxed);
    }

    /// Whether Python code of a library may be run for one more value.
    fn may_run_python(&self) -> bool {
        !self.traced.load(Ordering::Relaxed) && self.reads.fetch_add(1, Ordering::Relaxed) < PYTHON_READS
    }

    pub fn name_of(&self, class: &Bound<'_, PyType>) -> String {
        text(self.name.bind(class.py()).call1((class,)).ok()).unwrap_or_else(|| "object".to_owned())
    }

    pub fn known(&self, class: &Bound<'_, PyType>) -> Option<LibraryType> {
        let at = class.as_ptr() as usize;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&at).map(|(_, known)| *known);
        if known.is_some() {
            return known;
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
        let known = classify(root, &name).or_else(|| self.by_base(root, class))?;
        // The reference keeps the address from being another class's.
        let kept = (class.clone().unbind(), known);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(at, kept);
        Some(known)
    }

    fn by_base(&self, root: &str, class: &Bound<'_, PyType>) -> Option<LibraryType> {
        let wanted: &[(&str, LibraryType)] = match root {
            "pandas" => &[("Index", LibraryType::PandasOther), ("ExtensionArray", LibraryType::PandasOther)],
            "pyarrow" => &[("Array", LibraryType::ArrowArray)],
            "numpy" => &[("generic", LibraryType::Printed)],
            _ => return None,
        };
        let mro = self.mro.bind(class.py()).call1((class,)).ok()?.cast_into::<PyTuple>().ok()?;
        let bases: Vec<String> =
            mro.iter().filter_map(|base| Some(self.name_of(base.cast::<PyType>().ok()?))).collect();
        wanted.iter().find(|(name, _)| bases.iter().any(|base| base == name)).map(|(_, known)| *known)
    }

    pub fn facts(&self, value: &Bound<'_, PyAny>, known: LibraryType) -> Option<ValueFacts> {
        match known {
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
                // The data may be an array class of the user's own.
                let data = variable.getattr("_data").ok()?;
                if self.known(&data.get_type()) != Some(LibraryType::Array) {
                    return None;
                }
                let facts = self.facts(&data, LibraryType::Array)?;
                Some(ValueFacts { labels: labels(&variable.getattr("_dims").ok()?).unwrap_or_default(), ..facts })
            }
            LibraryType::Dataset => {
                let variables = value.getattr("_variables").ok()?.cast_into::<PyDict>().ok()?;
                let names = PyList::new(value.py(), variables.keys().iter().take(LABELS as usize)).ok()?;
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
        self.known(&value.get_type()) == Some(LibraryType::Array)
    }

    /// A number that changes when the value is changed in place, as far as that is cheap to see.
    pub fn digest(&self, value: &Bound<'_, PyAny>, known: LibraryType) -> u64 {
        let mut digest = Digest::default();
        self.add(&mut digest, value, known);
        digest.0
    }

    fn add(&self, digest: &mut Digest, value: &Bound<'_, PyAny>, known: LibraryType) {
        let get = |name: &str| value.getattr(name).ok();
        match known {
            LibraryType::Array => {
                digest.add_all(get("shape"));
                let Some(of) = get("dtype") else { return };
                digest.add(of.as_ptr() as usize);
                let content = number(value, "nbytes").is_some_and(|size| size <= SMALL)
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
                for block in blocks.iter().take(LABELS as usize) {
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

fn classify(root: &str, name: &str) -> Option<LibraryType> {
    Some(match (root, name) {
        ("numpy", "ndarray" | "memmap" | "matrix" | "recarray") => LibraryType::Array,
        ("pandas", "DataFrame") => LibraryType::PandasFrame,
        ("pandas", "Series") => LibraryType::PandasSeries,
        ("pandas", "Timestamp" | "datetime64") | ("datetime", "datetime" | "time") => LibraryType::Moment,
        ("pandas", "Timedelta" | "NaTType" | "Period" | "NAType")
        | ("datetime", "date" | "timedelta" | "timezone")
        | ("pathlib", "PosixPath" | "PurePosixPath")
        | ("uuid", "UUID") => LibraryType::Printed,
        ("decimal", "Decimal") => LibraryType::Decimal,
        ("fractions", "Fraction") => LibraryType::Fraction,
        ("polars", "DataFrame") => LibraryType::PolarsFrame,
        ("polars", "Series") => LibraryType::PolarsSeries,
        ("torch", "Tensor" | "Parameter") => LibraryType::Tensor,
        ("xarray", "DataArray") => LibraryType::DataArray,
        ("xarray", "Dataset") => LibraryType::Dataset,
        ("pyarrow", "Table" | "RecordBatch") => LibraryType::ArrowTable,
        ("pyarrow", "ChunkedArray") => LibraryType::ArrowArray,
        ("scipy", name) if name.ends_with("_matrix") || name.ends_with("_array") => LibraryType::Sparse,
        ("jax" | "jaxlib", "ArrayImpl") => LibraryType::Jax,
        ("collections", "deque") | ("array", "array") => LibraryType::Sized,
        _ => return None,
    })
}

fn pandas_frame(value: &Bound<'_, PyAny>) -> Option<ValueFacts> {
    let columns = value.getattr("columns").ok();
    let first = columns.and_then(|columns| columns.get_item(PySlice::new(value.py(), 0, LABELS, 1)).ok());
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

/// Bytes of the blocks in which pandas keeps the data.
fn blocks(value: &Bound<'_, PyAny>) -> Option<u64> {
    let blocks = value.getattr("_mgr").ok()?.getattr("blocks").ok()?.cast_into::<PyTuple>().ok()?;
    // More of them come from columns that were added one by one; to ask all takes its time.
    if blocks.len() > 200 {
        return None;
    }
    blocks.iter().map(|block| number(&block.getattr("values").ok()?, "nbytes")).sum()
}

/// `48210×9` of a tuple of numbers.
fn sizes(shape: &Bound<'_, PyAny>) -> Option<String> {
    let sizes: Vec<String> = shape
        .cast::<PyTuple>()
        .ok()?
        .iter()
        .map(|size| size.extract::<u64>().map_or_else(|_| "?".to_owned(), |size| size.to_string()))
        .collect();
    Some(if sizes.is_empty() { "()".to_owned() } else { sizes.join("×") })
}

fn shape(value: &Bound<'_, PyAny>) -> Option<String> {
    sizes(&value.getattr("shape").ok()?)
}

/// The name of a dtype; numpy's own is put together from what C tells.
fn dtype(dtype: &Bound<'_, PyAny>) -> Option<String> {
    let Ok(kind) = dtype.getattr("char").and_then(|_| dtype.getattr("kind")) else {
        return text(dtype.getattr("name").ok()).or_else(|| text(dtype.str().ok().map(Bound::into_any)));
    };
    let bits = number(dtype, "itemsize")? * 8;
    Some(match text(Some(kind))?.as_str() {
        "b" => "bool".to_owned(),
        "i" => format!("int{bits}"),
        "u" => format!("uint{bits}"),
        "f" => format!("float{bits}"),
        "c" => format!("complex{bits}"),
        "O" => "object".to_owned(),
        "M" => "datetime64".to_owned(),
        "m" => "timedelta64".to_owned(),
        "U" => format!("str{}", bits / 32),
        "S" => format!("bytes{}", bits / 8),
        "T" => "str".to_owned(),
        _ => "record".to_owned(),
    })
}

fn tensor_type(value: &Bound<'_, PyAny>) -> Option<String> {
    let told = |name: &str| text(value.getattr(name).ok()?.str().ok().map(Bound::into_any));
    let dtype = told("dtype")?;
    let dtype = dtype.strip_prefix("torch.").unwrap_or(&dtype);
    Some(match told("device").filter(|device| device != "cpu") {
        Some(device) => format!("{dtype} {device}"),
        None => dtype.to_owned(),
    })
}

fn labels(names: &Bound<'_, PyAny>) -> Option<Vec<Py<PyAny>>> {
    let names = match names.cast::<PyList>() {
        Ok(names) => names.clone(),
        Err(_) => names.cast::<PyTuple>().ok()?.to_list(),
    };
    Some(names.iter().take(LABELS as usize).map(Bound::unbind).collect())
}

fn number(value: &Bound<'_, PyAny>, name: &str) -> Option<u64> {
    value.getattr(name).ok()?.extract().ok()
}

fn call_number(value: &Bound<'_, PyAny>, name: &str) -> Option<u64> {
    value.call_method0(name).ok()?.extract().ok()
}

fn text(value: Option<Bound<'_, PyAny>>) -> Option<String> {
    Some(value?.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}

/// Mixes addresses and numbers into one number.
#[derive(Clone, Copy, Default)]
pub struct Digest(pub u64);

impl Digest {
    pub fn add(&mut self, part: usize) {
        self.0 = (self.0 ^ part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    /// The parts of a tuple of numbers, or the addresses in a list.
    fn add_all(&mut self, parts: Option<Bound<'_, PyAny>>) {
        let Some(parts) = parts else { return };
        if let Ok(parts) = parts.cast::<PyTuple>() {
            parts.iter().for_each(|part| self.add(part.extract().unwrap_or(0)));
        } else if let Ok(parts) = parts.cast::<PyList>() {
            parts.iter().for_each(|part| self.add(part.as_ptr() as usize));
        }
    }
}
