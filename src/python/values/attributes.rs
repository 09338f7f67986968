//! Readers of attributes of library values. All return `None` where an attribute is not of the expected kind.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

/// Labels, such as names of columns, that are read.
pub const MAX_LABELS: isize = 8;

/// `48210×9` of a tuple of numbers.
pub fn sizes(shape: &Bound<'_, PyAny>) -> Option<String> {
    let sizes: Vec<String> = shape
        .cast::<PyTuple>()
        .ok()?
        .iter()
        .map(|size| size.extract::<u64>().map_or_else(|_| "?".to_owned(), |size| size.to_string()))
        .collect();
    Some(if sizes.is_empty() { "()".to_owned() } else { sizes.join("×") })
}

pub fn shape(value: &Bound<'_, PyAny>) -> Option<String> {
    sizes(&value.getattr("shape").ok()?)
}

/// Returns the name of a dtype. For numpy it is made from attributes in C, without running Python code.
pub fn dtype(dtype: &Bound<'_, PyAny>) -> Option<String> {
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

pub fn tensor_type(value: &Bound<'_, PyAny>) -> Option<String> {
    let attribute = |name: &str| text(value.getattr(name).ok()?.str().ok().map(Bound::into_any));
    let dtype = attribute("dtype")?;
    let dtype = dtype.strip_prefix("torch.").unwrap_or(&dtype);
    Some(match attribute("device").filter(|device| device != "cpu") {
        Some(device) => format!("{dtype} {device}"),
        None => dtype.to_owned(),
    })
}

pub fn labels(names: &Bound<'_, PyAny>) -> Option<Vec<Py<PyAny>>> {
    let names = match names.cast::<PyList>() {
        Ok(names) => names.clone(),
        Err(_) => names.cast::<PyTuple>().ok()?.to_list(),
    };
    Some(names.iter().take(MAX_LABELS as usize).map(Bound::unbind).collect())
}

pub fn number(value: &Bound<'_, PyAny>, name: &str) -> Option<u64> {
    value.getattr(name).ok()?.extract().ok()
}

pub fn call_number(value: &Bound<'_, PyAny>, name: &str) -> Option<u64> {
    value.call_method0(name).ok()?.extract().ok()
}

pub fn text(value: Option<Bound<'_, PyAny>>) -> Option<String> {
    Some(value?.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}
