//! Objects that names had before: put back at the person's wish, and let go when their time is over.

use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;

use super::Interpreter;
use crate::domain::SnippetId;
use crate::python::runtime::interrupt::{self, let_go_of};
use crate::session::EngineEvent;

impl Interpreter {
    pub(super) fn put_back(&mut self, py: Python<'_>, snippet: SnippetId, names: &[Arc<str>]) {
        // The objects of the present may have finalizers.
        interrupt::begin_background();
        let names = interrupt::finalize(py, || self.namespace.put_back(py, snippet, names));
        interrupt::end();
        if let Some(points) = &mut self.safe_points {
            points.on_change();
        }
        self.send_undoable(py);
        self.events.send(EngineEvent::PutBack { snippet, names });
        self.send_variables(py);
    }

    /// Lets old objects go whose time is over. Returns when the next one is due.
    pub(super) fn let_old_go(&mut self, py: Python<'_>) -> Option<Instant> {
        let gate = self.consent.gate();
        let due = self.namespace.due(&gate.locked)?;
        if due > Instant::now() {
            return Some(due);
        }
        let old = self.namespace.take_old(py, &gate.locked);
        self.send_undoable(py);
        let_go_of(py, old);
        self.namespace.due(&gate.locked)
    }

    pub(super) fn send_undoable(&mut self, py: Python<'_>) {
        let undoable = self.namespace.undoable(py);
        if undoable != self.undoable {
            self.undoable = undoable.clone();
            self.events.send(EngineEvent::Undoable(undoable));
        }
    }
}
