//! Forced interrupts: `KeyboardInterrupt` is raised at every step of the interpreter until nothing of the code is left.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Steps since the last [`take_was_forced`].
static STEPS: AtomicU32 = AtomicU32::new(0);
/// The one exception that is raised at all steps. With a new exception each time, Python would search the chain of
/// those that are being handled, which grows with every frame that is left.
static EXCEPTION: Mutex<Option<Py<PyKeyboardInterrupt>>> = Mutex::new(None);
/// The instruction that a function begins with; [`NO_RESUME`] before Python 3.11.
static RESUME: AtomicU32 = AtomicU32::new(NO_RESUME);
const NO_RESUME: u32 = u32::MAX;

/// Steps that all raise. After these, only random steps do: Python 3.12 takes some jumps back out of an `except` for
/// part of its `try`, and only a step later is beyond that.
const ALWAYS_RAISED: u32 = 64;

/// Returns a pseudo-random bit for step `count`.
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

/// Returns whether code was ended by force since the last call.
pub fn take_was_forced() -> bool {
    STEPS.swap(0, Ordering::SeqCst) > 0
}

/// Drops the exception, and so the frames that it went through.
pub fn forget() {
    drop(EXCEPTION.lock().take());
}

/// Decides about a step of the code in `frame`: an error ends it there.
pub fn step(frame: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = frame.py();
    let count = STEPS.fetch_add(1, Ordering::SeqCst);
    // A function that has just been called must not go on. Otherwise a function that always calls itself would never
    // end: each call that goes on makes more calls than the others end.
    if count > ALWAYS_RAISED && !is_drawn(count) && !is_at_its_beginning(frame).unwrap_or(false) {
        return Ok(());
    }
    let exception = EXCEPTION.lock().as_ref().map(|exception| exception.clone_ref(py));
    let Some(exception) = exception else {
        let error = PyKeyboardInterrupt::new_err(());
        let value = error.value(py).clone().cast_into::<PyKeyboardInterrupt>()?;
        *EXCEPTION.lock() = Some(value.unbind());
        return Err(error);
    };
    let exception = exception.into_bound(py);
    exception.setattr("__traceback__", py.None())?;
    Err(PyErr::from_value(exception.into_any()))
}

/// Returns whether `frame` stands at the beginning of its function. Always true before Python 3.11, whose functions
/// have no such mark: there no jump is mistaken, so every step may raise.
fn is_at_its_beginning(frame: &Bound<'_, PyAny>) -> PyResult<bool> {
    if RESUME.load(Ordering::SeqCst) == NO_RESUME {
        return Ok(true);
    }
    let Ok(offset) = usize::try_from(frame.getattr("f_lasti")?.extract::<isize>()?) else { return Ok(true) };
    let code = frame.getattr("f_code")?.getattr("co_code")?;
    let Some([instruction, argument]) = code.cast::<PyBytes>()?.as_bytes().get(offset..offset + 2) else {
        return Ok(false);
    };
    // The two lowest bits of the argument tell a call from an await or a yield that goes on.
    Ok(u32::from(*instruction) == RESUME.load(Ordering::SeqCst) && argument.trailing_zeros() >= 2)
}
