//! Ending code by force: `KeyboardInterrupt` is raised at every step of the interpreter until nothing of the code is left.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// How often it was raised.
static RAISED: AtomicU32 = AtomicU32::new(0);
/// The one exception that is raised again and again. A new one each time would make Python look through the chain of
/// those that are being handled, which grows with every frame that is left.
static EXCEPTION: Mutex<Option<Py<PyKeyboardInterrupt>>> = Mutex::new(None);
/// The instruction that a function begins with; [`NO_RESUME`] before Python 3.11.
static RESUME: AtomicU32 = AtomicU32::new(NO_RESUME);
const NO_RESUME: u32 = u32::MAX;

/// After so many, not every step raises: Python 3.12 takes some jumps back out of an `except` for part of its `try`, and
/// only a step later is beyond it.
const ALWAYS_RAISED: u32 = 64;

fn is_drawn(count: u32) -> bool {
    let mixed = (count ^ (count >> 5)).wrapping_mul(0x7FEB_352D);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846C_A68B);
    (mixed >> 16) & 1 == 1
}

pub fn prepare(py: Python<'_>) -> PyResult<()> {
    let numbers = py.import("opcode")?.getattr("opmap")?;
    let resume = numbers.get_item("RESUME").and_then(|number| number.extract());
    RESUME.store(resume.unwrap_or(NO_RESUME), Ordering::SeqCst);
    Ok(())
}

/// Whether code was ended by force since the last time.
pub fn take_was_forced() -> bool {
    RAISED.swap(0, Ordering::SeqCst) > 0
}

/// Lets go of what was raised, and so of the frames that it went through.
pub fn forget() {
    drop(EXCEPTION.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// What a step of the code in `frame` comes to.
pub fn step(frame: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = frame.py();
    let raised = RAISED.fetch_add(1, Ordering::SeqCst);
    // A function that has just been called must not go on: one that calls itself whatever happens would never come to an
    // end, for each of its calls that is let through makes more of them than the others end.
    if raised > ALWAYS_RAISED && !is_drawn(raised) && !is_at_its_beginning(frame).unwrap_or(false) {
        return Ok(());
    }
    let known = EXCEPTION.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| known.clone_ref(py));
    let Some(known) = known else {
        let error = PyKeyboardInterrupt::new_err(());
        let value = error.value(py).clone().cast_into::<PyKeyboardInterrupt>()?;
        *EXCEPTION.lock().unwrap_or_else(PoisonError::into_inner) = Some(value.unbind());
        return Err(error);
    };
    let known = known.into_bound(py);
    known.setattr("__traceback__", py.None())?;
    Err(PyErr::from_value(known.into_any()))
}

/// Before Python 3.11 functions have no such mark, and no need of it: no jump is taken for what it is not.
fn is_at_its_beginning(frame: &Bound<'_, PyAny>) -> PyResult<bool> {
    if RESUME.load(Ordering::SeqCst) == NO_RESUME {
        return Ok(true);
    }
    let Ok(place) = usize::try_from(frame.getattr("f_lasti")?.extract::<isize>()?) else { return Ok(true) };
    let code = frame.getattr("f_code")?.getattr("co_code")?;
    let Some([instruction, argument]) = code.cast::<PyBytes>()?.as_bytes().get(place..place + 2) else {
        return Ok(false);
    };
    // Its two lowest bits tell a call from an await or a yield that goes on.
    Ok(u32::from(*instruction) == RESUME.load(Ordering::SeqCst) && argument.trailing_zeros() >= 2)
}
