//! The terminal size that user code reads: that of the dashboard's card, in which output is shown. `isatty` stays
//! false.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use super::standard_stream::StandardStream;
use crate::domain::TerminalSize;
use crate::python::effects::unrecorded;

/// The size of the card, shared with the host.
#[derive(Debug, Default)]
pub struct CardSize(AtomicU32);

impl CardSize {
    pub fn set(&self, size: TerminalSize) {
        self.0.store((u32::from(size.columns) << 16) | u32::from(size.rows), Ordering::Relaxed);
    }

    /// Returns `None` without a dashboard.
    pub fn get(&self) -> Option<TerminalSize> {
        let size = self.0.load(Ordering::Relaxed);
        (size > 0).then_some(TerminalSize { columns: (size >> 16) as u16, rows: size as u16 })
    }
}

const COLUMNS: &str = "COLUMNS";
const LINES: &str = "LINES";

/// The terminal size that user code reads: `os.get_terminal_size` and the environment variables `COLUMNS` and `LINES`.
pub struct ReportedSize {
    size: Arc<CardSize>,
    /// The size without a dashboard.
    default: TerminalSize,
    /// `os.environ` of the start.
    environ: Py<PyAny>,
    /// Python's own `os.get_terminal_size`.
    original: Py<PyAny>,
    /// The size that was written to the environment variables last. A variable that user code has changed or removed
    /// no longer holds this size and is left alone.
    reported: Mutex<TerminalSize>,
}

impl ReportedSize {
    /// Replaces `os.get_terminal_size` and sets the environment variables. Without a dashboard, the environment
    /// variables of the start give the size.
    pub fn install(py: Python<'_>, size: &Arc<CardSize>) -> PyResult<Self> {
        let os = py.import("os")?;
        let environ = os.getattr("environ")?;
        let given = |name| -> Option<u16> {
            let text: String = environ.call_method1("get", (name,)).ok()?.extract().ok()?;
            text.parse().ok().filter(|number| *number > 0)
        };
        let default = TerminalSize::default();
        let default = TerminalSize {
            columns: given(COLUMNS).unwrap_or(default.columns),
            rows: given(LINES).unwrap_or(default.rows),
        };
        let original = os.getattr("get_terminal_size")?.unbind();
        os.setattr("get_terminal_size", get_terminal_size(py, &original, &os, size, default)?)?;
        let card = Self {
            size: size.clone(),
            default,
            environ: environ.unbind(),
            original,
            reported: Mutex::new(TerminalSize::default()),
        };
        card.restore(py)?;
        Ok(card)
    }

    /// Puts Python's own function back, for a successor.
    pub fn leave(&self, py: Python<'_>) -> PyResult<()> {
        py.import("os")?.setattr("get_terminal_size", &self.original)
    }

    /// The size of the card.
    pub fn size(&self) -> &CardSize {
        &self.size
    }

    /// Updates the environment variables if the size has changed. May be called on any thread that holds the GIL.
    pub fn update(&self, py: Python<'_>) -> PyResult<()> {
        // The holder of the lock may release the GIL, so a thread that waited for the lock with the GIL would deadlock.
        while let Some(mut reported) = self.reported.try_lock() {
            let (before, now) = (*reported, self.size.get().unwrap_or(self.default));
            if before == now {
                break;
            }
            for (name, before, now) in [(COLUMNS, before.columns, now.columns), (LINES, before.rows, now.rows)] {
                if self.environ.call_method1(py, "get", (name,))?.bind(py).eq(before.to_string())? {
                    unrecorded(|| self.environ.bind(py).set_item(name, now.to_string()))?;
                }
            }
            *reported = now;
        }
        Ok(())
    }

    /// Sets the environment variables, even if user code has changed them.
    pub fn restore(&self, py: Python<'_>) -> PyResult<()> {
        let now = self.size.get().unwrap_or(self.default);
        for (name, now) in [(COLUMNS, now.columns), (LINES, now.rows)] {
            unrecorded(|| self.environ.bind(py).set_item(name, now.to_string()))?;
        }
        if let Some(mut reported) = self.reported.try_lock() {
            *reported = now;
        }
        Ok(())
    }
}

/// Makes an `os.get_terminal_size` that knows the size of the session's own streams.
fn get_terminal_size<'py>(
    py: Python<'py>,
    original: &Py<PyAny>,
    os: &Bound<'py, PyModule>,
    size: &Arc<CardSize>,
    default: TerminalSize,
) -> PyResult<Bound<'py, PyCFunction>> {
    let original = original.clone_ref(py);
    let terminal_size = os.getattr("terminal_size")?.unbind();
    let size = size.clone();
    let doc = c"Return the size of the terminal window as (columns, lines).\n\nFor the standard streams, the size of the card.";
    PyCFunction::new_closure(
        py,
        Some(c"get_terminal_size"),
        Some(doc),
        move |args: &Bound<'_, PyTuple>, options: Option<&Bound<'_, PyDict>>| {
            let py = args.py();
            match original.bind(py).call(args, options) {
                Err(error) if error.is_instance_of::<PyOSError>(py) && is_standard(args) => {
                    let now = size.get().unwrap_or(default);
                    terminal_size.call1(py, ((now.columns, now.rows),))
                }
                result => result.map(Bound::unbind),
            }
        },
    )
}

/// Returns whether the first argument is the descriptor of a standard stream, as it is by default.
fn is_standard(args: &Bound<'_, PyTuple>) -> bool {
    args.get_item(0).map_or(true, |fd| fd.extract().is_ok_and(|fd: i32| (0..=2).contains(&fd)))
}

/// Returns whether `stream` is one of the session's own for output.
pub fn is_output(stream: &Bound<'_, PyAny>) -> bool {
    stream.cast::<StandardStream>().is_ok_and(|stream| stream.get().is_output())
}
