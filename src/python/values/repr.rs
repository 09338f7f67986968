//! The text of a value as Python's `repr` gives it, but within bounds: what is too large is cut without being built,
//! where the type is known.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyRange, PySet, PySlice,
    PyString, PyTuple,
};

use crate::domain::char_boundary::{ceil_char_boundary, floor_char_boundary};
use crate::domain::units;
use crate::python::values::text::readable;

/// Bytes kept of the beginning and of the end of a text.
const ENDS: usize = 64 << 10;
/// The same of a value that is cut while its text is made: few will read more of it.
const PART: usize = 4 << 10;
/// What a text may take, by a rough estimate, before it is cut while it is made.
const ROOM: usize = 1 << 20;
/// Containers within containers; deeper ones are left to Python, which knows its own limit.
const DEPTH: usize = 60;
/// Bits of an integer that is written out: its digits take time that grows with their square.
const INT_BITS: u64 = 400_000;
/// Digits that Python writes by default are fewer than this many bits hold.
const PLAIN_BITS: u64 = 10_000;

/// Whether a value is of one of Python's own types, which have no other form than their text.
pub fn is_known(value: &Bound<'_, PyAny>) -> bool {
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

/// Exactly `repr(value)` where that is not too long; else its beginning, where possible its end, and in words what
/// was left out. Runs the value's own code.
pub fn bounded(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut room = ROOM;
    if fits(value, &mut room, 0) {
        return Ok(cut(python(value)?));
    }
    let mut text = String::new();
    write(value, &mut text, 0)?;
    Ok(text)
}

fn python(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(readable(&value.repr()?))
}

fn cut(text: String) -> String {
    if text.len() <= 2 * ENDS {
        return text;
    }
    let head = floor_char_boundary(&text, ENDS);
    let tail = ceil_char_boundary(&text, text.len() - ENDS);
    format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..])
}

/// Whether the text of a value surely takes no more than `room`, as far as its type is known.
fn fits(value: &Bound<'_, PyAny>, room: &mut usize, depth: usize) -> bool {
    let takes = |size: usize, room: &mut usize| {
        let fits = size <= *room;
        *room = room.saturating_sub(size);
        fits
    };
    if value.is_exact_instance_of::<PyInt>() {
        return value.extract::<i64>().is_ok() || bits(value) <= PLAIN_BITS && takes(4_000, room);
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return takes(2 + text.len().unwrap_or(usize::MAX), room);
    }
    if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() {
        return takes(3 + value.len().unwrap_or(usize::MAX), room);
    }
    let length = match container(value) {
        Some(_) => value.len().unwrap_or(usize::MAX),
        None => return takes(20, room),
    };
    if depth > DEPTH {
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

/// The same text as far as there is room for it in `text`; then what was left out.
fn write(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    let py = value.py();
    if value.is_exact_instance_of::<PyInt>() {
        let bits = bits(value);
        let told = if bits <= INT_BITS { python(value) } else { Err(PyValueError::new_err("")) };
        match told {
            Ok(digits) => *text += &cut(digits),
            Err(error) if error.is_instance_of::<PyValueError>(py) => {
                let digits = (bits.saturating_sub(1) as f64 * std::f64::consts::LOG10_2).floor() + 1.0;
                // Python's own limit, unless ours comes first.
                let hint = if bits <= INT_BITS { " (sys.set_int_max_str_digits sets the limit)" } else { "" };
                *text += &format!("<int of {bits} bits, about {digits} digits: too long to write out{hint}>");
            }
            Err(error) => return Err(error),
        }
        return Ok(());
    }
    let Some((open, close)) = container(value) else {
        *text += &piecewise(value)?;
        return Ok(());
    };
    let length = value.len()?;
    if depth > DEPTH || text.len() > 2 * PART {
        *text += &format!("{open}... {}{close}", units::count(length, "item"));
        return Ok(());
    }
    text.push_str(open);
    let mut shown = 0;
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        // A copy of what is shown: the code of an item may change the dict.
        let most = (2 * PART).min(length);
        let items: Vec<_> = dict.iter().take(most).collect();
        for (key, item) in items {
            if text.len() > 2 * PART {
                break;
            }
            separate(text, shown);
            write(&key, text, depth + 1)?;
            text.push_str(": ");
            write(&item, text, depth + 1)?;
            shown += 1;
        }
    } else {
        let items: Vec<_> = value.try_iter()?.take((2 * PART).min(length)).collect::<PyResult<_>>()?;
        for item in items {
            if text.len() > 2 * PART {
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

/// The text of what is no container; a very long string is cut before its text is made.
fn piecewise(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let (is_text, length) = match value.cast_exact::<PyString>() {
        Ok(text) => (true, text.len()?),
        Err(_) if value.is_exact_instance_of::<PyBytes>() || value.is_exact_instance_of::<PyByteArray>() => {
            (false, value.len()?)
        }
        Err(_) => return Ok(cut(python(value)?)),
    };
    if length <= 2 * PART {
        return python(value);
    }
    let part =
        |from: usize, to: usize| python(&value.get_item(PySlice::new(value.py(), from as isize, to as isize, 1))?);
    let (head, tail) = (part(0, PART)?, part(length - PART, length)?);
    let what = if is_text { "characters" } else { "bytes" };
    Ok(format!("{head}\n[... {} {what} left out ...]\n{tail}", length - 2 * PART))
}

fn separate(text: &mut String, shown: usize) {
    if shown > 0 {
        text.push_str(", ");
    }
}

fn container(value: &Bound<'_, PyAny>) -> Option<(&'static str, &'static str)> {
    if value.is_exact_instance_of::<PyList>() {
        Some(("[", "]"))
    } else if value.is_exact_instance_of::<PyTuple>() {
        Some(("(", ")"))
    } else if value.is_exact_instance_of::<PyDict>() {
        Some(("{", "}"))
    } else if value.is_exact_instance_of::<PySet>() {
        // Python's text of an empty one is another, but that is never too long.
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
