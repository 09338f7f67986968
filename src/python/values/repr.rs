//! Python's `repr` of a value within bounds. Where the type is known, a text that is too long is cut without being
//! built.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyRange, PySet, PySlice,
    PyString, PyTuple,
};

use crate::domain::char_boundary::{ceil_char_boundary, floor_char_boundary};
use crate::domain::units;
use crate::python::values::text::readable;

/// Bytes of the head and of the tail of a cut text.
const CUT_END: usize = 64 << 10;
/// The same for a value that is cut while its text is made.
const CUT_PART: usize = 4 << 10;
/// Bytes that a whole text may take, by a rough estimate.
const MAX_SIZE: usize = 1 << 20;
/// Levels of containers that are handled here. Python handles deeper ones, with a limit of its own.
const MAX_DEPTH: usize = 60;
/// Bits of an integer that is written out: its digits take time that grows with their square.
const MAX_INT_BITS: u64 = 400_000;
/// Bits of an integer that Python writes out by default.
const DEFAULT_INT_BITS: u64 = 10_000;
/// Estimated bytes of the digits of such an integer.
const INT_SIZE: usize = 4_000;
/// Estimated bytes of a value of another type.
const OTHER_SIZE: usize = 20;

/// Returns whether a value is of one of Python's own types, which have no other form than their text.
pub fn is_builtin(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PySet>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyFrozenSet>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyComplex>()
        || value.is_exact_instance_of::<PyRange>()
}

/// Returns exactly `repr(value)` if that is not too long; otherwise its head, where possible its tail, and a note of
/// the part that is left out. Runs the value's own code.
pub fn bounded(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut room = MAX_SIZE;
    if fits(value, &mut room, 0) {
        return Ok(cut(full_repr(value)?));
    }
    let mut text = String::new();
    write(value, &mut text, 0)?;
    Ok(text)
}

fn full_repr(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(readable(&value.repr()?))
}

pub fn cut(text: String) -> String {
    if text.len() <= 2 * CUT_END {
        return text;
    }
    let head = floor_char_boundary(&text, CUT_END);
    let tail = ceil_char_boundary(&text, text.len() - CUT_END);
    format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..])
}

/// Returns whether the text of a value takes no more than `room`, as far as its type is known.
fn fits(value: &Bound<'_, PyAny>, room: &mut usize, depth: usize) -> bool {
    let takes = |size: usize, room: &mut usize| {
        let fits = size <= *room;
        *room = room.saturating_sub(size);
        fits
    };
    if value.is_exact_instance_of::<PyInt>() {
        return value.extract::<i64>().is_ok() || bits(value) <= DEFAULT_INT_BITS && takes(INT_SIZE, room);
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return takes(2 + text.len().unwrap_or(usize::MAX), room);
    }
    if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() {
        return takes(3 + value.len().unwrap_or(usize::MAX), room);
    }
    let length = match brackets(value) {
        Some(_) => value.len().unwrap_or(usize::MAX),
        None => return takes(OTHER_SIZE, room),
    };
    if depth > MAX_DEPTH {
        return true;
    }
    if !takes(2 + length.saturating_mul(2), room) {
        return false;
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        return list.iter().all(|item| fits(&item, room, depth + 1));
    }
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        return tuple.iter().all(|item| fits(&item, room, depth + 1));
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return dict.iter().all(|(key, item)| fits(&key, room, depth + 1) && fits(&item, room, depth + 1));
    }
    let Ok(mut items) = value.try_iter() else { return true };
    items.all(|item| item.is_ok_and(|item| fits(&item, room, depth + 1)))
}

/// Writes the text as far as there is room for it in `text`; then a note of the part that is left out.
fn write(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    let py = value.py();
    if value.is_exact_instance_of::<PyInt>() {
        let bits = bits(value);
        let digits = if bits <= MAX_INT_BITS { full_repr(value) } else { Err(PyValueError::new_err("")) };
        match digits {
            Ok(digits) => *text += &cut(digits),
            Err(error) if error.is_instance_of::<PyValueError>(py) => {
                let digits = (bits.saturating_sub(1) as f64 * std::f64::consts::LOG10_2).floor() + 1.0;
                // The limit is Python's own, unless ours is lower.
                let hint = if bits <= MAX_INT_BITS { " (sys.set_int_max_str_digits sets the limit)" } else { "" };
                *text += &format!("<int of {bits} bits, about {digits} digits: too long to write out{hint}>");
            }
            Err(error) => return Err(error),
        }
        return Ok(());
    }
    let Some((open, close)) = brackets(value) else {
        *text += &piecewise(value)?;
        return Ok(());
    };
    let length = value.len()?;
    if depth > MAX_DEPTH || text.len() > 2 * CUT_PART {
        *text += &format!("{open}... {}{close}", units::count(length, "item"));
        return Ok(());
    }
    text.push_str(open);
    let mut shown = 0;
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        // Copied first, because the code of an item may change the dict.
        let count = (2 * CUT_PART).min(length);
        let items: Vec<_> = dict.iter().take(count).collect();
        for (key, item) in items {
            if text.len() > 2 * CUT_PART {
                break;
            }
            separate(text, shown);
            write(&key, text, depth + 1)?;
            text.push_str(": ");
            write(&item, text, depth + 1)?;
            shown += 1;
        }
    } else {
        let items: Vec<_> = value.try_iter()?.take((2 * CUT_PART).min(length)).collect::<PyResult<_>>()?;
        for item in items {
            if text.len() > 2 * CUT_PART {
                break;
            }
            separate(text, shown);
            write(&item, text, depth + 1)?;
            shown += 1;
        }
    }
    if shown < length {
        separate(text, shown);
        *text += &format!("[... {} left out ...]", units::count(length - shown, "more item"));
    } else if length == 1 && open == "(" {
        text.push(',');
    }
    text.push_str(close);
    Ok(())
}

/// Returns the text of a value that is no container. A very long string is cut before its text is made.
fn piecewise(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let (is_text, length) = match value.cast_exact::<PyString>() {
        Ok(text) => (true, text.len()?),
        Err(_) if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() => {
            (false, value.len()?)
        }
        Err(_) => return Ok(cut(full_repr(value)?)),
    };
    if length <= 2 * CUT_PART {
        return full_repr(value);
    }
    let part =
        |from: usize, to: usize| full_repr(&value.get_item(PySlice::new(value.py(), from as isize, to as isize, 1))?);
    let (head, tail) = (part(0, CUT_PART)?, part(length - CUT_PART, length)?);
    let what = if is_text { "characters" } else { "bytes" };
    Ok(format!("{head}\n[... {} {what} left out ...]\n{tail}", length - 2 * CUT_PART))
}

fn separate(text: &mut String, shown: usize) {
    if shown > 0 {
        text.push_str(", ");
    }
}

fn brackets(value: &Bound<'_, PyAny>) -> Option<(&'static str, &'static str)> {
    if value.is_exact_instance_of::<PyList>() {
        Some(("[", "]"))
    } else if value.is_exact_instance_of::<PyTuple>() {
        Some(("(", ")"))
    } else if value.is_exact_instance_of::<PyDict>() {
        Some(("{", "}"))
    } else if value.is_exact_instance_of::<PySet>() {
        // An empty set has another text, but that is never too long.
        Some(("{", "}"))
    } else if value.is_exact_instance_of::<PyFrozenSet>() {
        Some(("frozenset({", "})"))
    } else {
        None
    }
}

fn bits(value: &Bound<'_, PyAny>) -> u64 {
    value.call_method0(pyo3::intern!(value.py(), "bit_length")).and_then(|bits| bits.extract()).unwrap_or(u64::MAX)
}
