//! Waiting for a line on Python's main thread, until somebody answers or a signal says otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;

use super::bell::JobWaiter;
use super::interpreter::Events;
use super::{fork, signals};
use crate::domain::{INPUT_LIMIT, InputAnswer};
use crate::session::EngineEvent;

/// Signals that the kernel gives to another thread of Python do not end the wait; they are looked for this often.
const LOOK: Duration = Duration::from_millis(500);

/// Whether code has asked since the last [`take_asked`].
static ASKED: AtomicBool = AtomicBool::new(false);

pub fn take_asked() -> bool {
    ASKED.swap(false, Ordering::Relaxed)
}

/// Where an answer is left for the main thread.
#[derive(Debug, Default)]
pub struct Prompts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u32,
    waiting: Option<u32>,
    answer: Option<InputAnswer>,
}

impl Prompts {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the main thread waits for it; it must be woken then.
    pub fn answer(&self, number: u32, answer: InputAnswer) -> bool {
        let mut state = self.lock();
        let waits = state.waiting == Some(number) && state.answer.is_none();
        if waits {
            state.answer = Some(answer);
        }
        waits
    }

    pub fn is_waiting(&self) -> bool {
        self.lock().waiting.is_some()
    }

    /// `None` if the main thread waits already, and a signal handler asks.
    fn begin(&self) -> Option<u32> {
        let mut state = self.lock();
        if state.waiting.is_some() {
            return None;
        }
        state.last += 1;
        state.waiting = Some(state.last);
        state.waiting
    }

    fn take(&self) -> Option<InputAnswer> {
        let mut state = self.lock();
        let answer = state.answer.take();
        if answer.is_some() {
            state.waiting = None;
        }
        answer
    }

    fn withdraw(&self) {
        let mut state = self.lock();
        state.waiting = None;
        state.answer = None;
    }
}

/// What asks.
#[derive(Clone)]
pub struct Asker {
    pub prompts: Arc<Prompts>,
    pub waiter: Arc<Mutex<JobWaiter>>,
    pub events: Events,
}

impl Asker {
    /// A line without its newline; `None` at the end of the input. Without a `prompt`, what was printed last is one.
    pub fn ask(&self, py: Python<'_>, prompt: Option<String>, hidden: bool) -> PyResult<Option<String>> {
        if fork::is_child() {
            return Ok(None);
        }
        if !signals::on_main_thread() {
            return Err(PyEOFError::new_err("only the main thread of a snippet can ask for input"));
        }
        let Some(snippet) = signals::current() else { return Ok(None) };
        let Some(number) = self.prompts.begin() else {
            return Err(PyEOFError::new_err("a signal handler cannot ask for input while the code does"));
        };
        ASKED.store(true, Ordering::Relaxed);
        self.events.send(EngineEvent::InputRequested { snippet, number, prompt, hidden });
        match self.wait(py) {
            Ok(InputAnswer::Line(line)) => Ok(Some(line)),
            Ok(InputAnswer::Eof) => Ok(None),
            Ok(InputAnswer::Nobody) => {
                Err(PyEOFError::new_err(format!("nobody answered the prompt within {} s", INPUT_LIMIT.as_secs())))
            }
            Err(error) => {
                self.prompts.withdraw();
                if !fork::is_child() {
                    self.events.send(EngineEvent::InputWithdrawn { number });
                }
                Err(error)
            }
        }
    }

    fn wait(&self, py: Python<'_>) -> PyResult<InputAnswer> {
        loop {
            if let Some(answer) = self.prompts.take() {
                return Ok(answer);
            }
            // An interrupt that comes after this rings the bell as well, so none is slept through.
            py.check_signals()?;
            if fork::is_child() {
                return Ok(InputAnswer::Eof);
            }
            // Rings that are meant for the main loop may be taken here: it looks for jobs before it waits.
            py.detach(|| self.waiter.lock().unwrap_or_else(PoisonError::into_inner).wait_for(LOOK))?;
        }
    }
}
