//! Conversion of Python strings, which may hold lone surrogates.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Converts a string; a lone surrogate is escaped as Python's own stderr does.
pub fn readable(text: &Bound<'_, PyString>) -> String {
    if let Ok(text) = text.to_cow() {
        return text.into_owned();
    }
    let escaped = text
        .call_method1("encode", ("utf-8", "backslashreplace"))
        .and_then(|bytes| bytes.call_method0("decode")?.extract::<String>());
    escaped.unwrap_or_else(|_| text.to_string_lossy().into_owned())
}
