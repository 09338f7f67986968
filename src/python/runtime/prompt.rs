//! Waiting for a line, until somebody answers, a signal says otherwise, or the snippet of a thread that waits has ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;

use super::signals;
use super::waker::JobWaiter;
use crate::domain::{INPUT_TIMEOUT, InputAnswer, SnippetId};
use crate::python::io::capture::Capture;
use crate::python::isolation::fork;
use crate::python::runtime::events::Events;
use crate::session::EngineEvent;

/// Signals that the kernel gives to another thread of Python do not end the wait, nor does the end of a snippet that of a
/// thread; they are looked for this often.
const LOOK: Duration = Duration::from_millis(500);

/// Said to a thread that asks on.
const ENDED: &str = "the snippet that started this thread has ended: nobody is asked for it any more";

/// Whether code has asked since the last [`take_asked`].
static ASKED: AtomicBool = AtomicBool::new(false);

pub fn take_asked() -> bool {
    ASKED.swap(false, Ordering::Relaxed)
}

/// Where an answer is left for the thread that asked. There is one prompt at a time; other threads wait for their turn.
#[derive(Debug, Default)]
pub struct Prompts {
    state: Mutex<State>,
    /// Told of answers and turns, for all but the main thread.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last: u32,
    waiting: Option<u32>,
    /// The main thread waits.
    on_main: bool,
    answer: Option<InputAnswer>,
}

/// Whether a thread may ask now.
enum Turn {
    Now(u32),
    Later,
    /// The main thread waits already, and a signal handler asks.
    Never,
}

impl Prompts {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody waits for it; the main thread must be woken then.
    pub fn answer(&self, number: u32, answer: InputAnswer) -> bool {
        let mut state = self.lock();
        let waits = state.waiting == Some(number) && state.answer.is_none();
        if waits {
            state.answer = Some(answer);
            self.changed.notify_all();
        }
        waits
    }

    pub fn is_waiting(&self) -> bool {
        self.lock().waiting.is_some()
    }

    fn begin(&self, on_main: bool) -> Turn {
        let mut state = self.lock();
        if state.waiting.is_some() {
            return if on_main && state.on_main { Turn::Never } else { Turn::Later };
        }
        state.last += 1;
        state.waiting = Some(state.last);
        state.on_main = on_main;
        Turn::Now(state.last)
    }

    fn take(&self) -> Option<InputAnswer> {
        let mut state = self.lock();
        let answer = state.answer.take();
        if answer.is_some() {
            state.waiting = None;
            self.changed.notify_all();
        }
        answer
    }

    fn withdraw(&self) {
        let mut state = self.lock();
        state.waiting = None;
        state.answer = None;
        self.changed.notify_all();
    }

    /// Waits a moment for the answer to `number`, or where there is none yet for the turn to ask.
    fn rest(&self, number: Option<u32>) {
        let nothing_new = |state: &mut State| match number {
            Some(_) => state.answer.is_none(),
            None => state.waiting.is_some(),
        };
        let _ = self.changed.wait_timeout_while(self.lock(), LOOK, nothing_new);
    }
}

/// What asks.
#[derive(Clone)]
pub struct Asker {
    pub prompts: Arc<Prompts>,
    pub waiter: Arc<Mutex<JobWaiter>>,
    pub events: Events,
    pub capture: Arc<Capture>,
}

impl Asker {
    /// A line without its newline; `None` at the end of the input. Without a `prompt`, what was printed last is one.
    pub fn ask(&self, py: Python<'_>, prompt: Option<String>, hidden: bool) -> PyResult<Option<String>> {
        if fork::is_child() {
            return Ok(None);
        }
        let on_main = signals::on_main_thread();
        let may_ask = || on_main || !self.capture.is_left(signals::current_thread());
        let Some(snippet) = signals::current().filter(|_| may_ask()) else {
            return if on_main { Ok(None) } else { Err(PyEOFError::new_err(ENDED)) };
        };
        let number = loop {
            match self.prompts.begin(on_main) {
                Turn::Now(number) => break number,
                Turn::Later => self.rest(py, snippet, None)?,
                Turn::Never => {
                    return Err(PyEOFError::new_err("a signal handler cannot ask for input while the code does"));
                }
            }
        };
        ASKED.store(true, Ordering::Relaxed);
        self.events.send(EngineEvent::InputRequested { snippet, number, prompt, hidden });
        match self.wait(py, snippet, number) {
            Ok(InputAnswer::Line(line)) => Ok(Some(line)),
            Ok(InputAnswer::Eof) => Ok(None),
            Ok(InputAnswer::Nobody) => {
                Err(PyEOFError::new_err(format!("nobody answered the prompt within {} s", INPUT_TIMEOUT.as_secs())))
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

    fn wait(&self, py: Python<'_>, snippet: SnippetId, number: u32) -> PyResult<InputAnswer> {
        loop {
            if let Some(answer) = self.prompts.take() {
                return Ok(answer);
            }
            if fork::is_child() {
                return Ok(InputAnswer::Eof);
            }
            self.rest(py, snippet, Some(number))?;
        }
    }

    /// Waits until something may have come; at most a moment.
    fn rest(&self, py: Python<'_>, snippet: SnippetId, number: Option<u32>) -> PyResult<()> {
        if signals::on_main_thread() {
            // An interrupt that comes after this rings the bell as well, so none is slept through.
            py.check_signals()?;
            // Rings that are meant for the main loop may be taken here: it looks for jobs before it waits.
            py.detach(|| self.waiter.lock().unwrap_or_else(PoisonError::into_inner).wait_for(LOOK))?;
        } else if signals::current() == Some(snippet) {
            py.detach(|| self.prompts.rest(number));
        } else {
            return Err(PyEOFError::new_err(ENDED));
        }
        Ok(())
    }
}
