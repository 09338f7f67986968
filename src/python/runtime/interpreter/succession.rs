//! Safe points of the interpreter, and what it leaves to the engine that takes a copy over.

use std::os::fd::RawFd;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Interpreter;
use crate::python::isolation::fork;
use crate::python::runtime::stacks::Stacks;
use crate::python::runtime::waker::JobWaiter;
use crate::python::safe_points::waking;

impl Interpreter {
    /// Makes a safe point. In a copy that the guardian has woken, runs the session to its end.
    pub(super) fn take_safe_point(&mut self, py: Python<'_>, waiter: &Mutex<JobWaiter>) {
        let objection = match self.user_threads(py) {
            Ok(threads) if threads.is_empty() => None,
            _ => Some("Python threads run".to_owned()),
        };
        let of_loop = self.runner.event_loop().own_descriptors(py);
        let objection =
            objection.or_else(|| of_loop.is_none().then(|| "tasks or others wait in asyncio's event loop".to_owned()));
        let of_loop = of_loop.unwrap_or_default();
        // All that user code has closed is opened again: its numbers may belong to files of user code.
        self.check_process(py);
        let mut own: Vec<RawFd> = self.descriptors.numbers().collect();
        own.extend(waiter.lock().descriptor());
        own.extend(self.events.waker.number());
        own.extend(self.capture.number());
        own.extend(self.stacks.as_ref().map(Stacks::number));
        let Some(points) = &mut self.safe_points else { return };
        own.extend(points.descriptor());
        let known = [&*own, &of_loop].concat();
        if let Some(awakening) = points.take(py, &known, objection) {
            let kept = PyDict::new(py);
            if let Err(error) = self.hand_over(&kept) {
                error.print(py);
                fork::exit_child(1);
            }
            waking::run(py, awakening, &kept, &own);
        }
    }

    /// Leaves Python to the engine that is about to be loaded into this copy.
    fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = kept.py();
        self.baseline.restore_builtins(py)?;
        self.baseline.restore_import(py)?;
        if self.stacks.is_some() {
            Stacks::leave(py)?;
        }
        kept.set_item("signals", self.signals.leave(py)?)?;
        if let Some(points) = &self.safe_points {
            points.hand_over(kept)?;
        }
        self.card.leave(py)?;
        self.runner.event_loop().leave(py)?;
        self.namespace.hand_over(kept)?;
        self.settings.hand_over(kept)?;
        self.baseline.hand_over(kept)?;
        self.runner.hand_over(kept)
    }
}
