//! Input of running code: waits for a line until somebody answers, a signal interrupts, or the snippet of a waiting
//! thread has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;

use super::interrupt;
use super::os_signals::{current_thread, on_main_thread};
use super::waker::JobWaiter;
use crate::domain::{INPUT_TIMEOUT, InputAnswer, SnippetId};
use crate::python::io::capture::Capture;
use crate::python::isolation::fork;
use crate::python::runtime::events::EventSender;
use crate::session::EngineEvent;

/// Interval of checks for events that do not wake a waiting thread: signals that the kernel gives to another thread,
/// and the end of the thread's snippet.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The error of a thread that asks after the end of its snippet.
const SNIPPET_ENDED: &str = "the snippet that started this thread has ended: nobody is asked for it any more";

/// Whether code has asked for input since the last [`take_was_asked`].
static WAS_ASKED: AtomicBool = AtomicBool::new(false);

/// Returns whether code has asked for input since the last call.
pub fn take_was_asked() -> bool {
    WAS_ASKED.swap(false, Ordering::Relaxed)
}

/// Where an answer is left for the thread that asked. There is one prompt at a time; other threads wait for their turn.
#[derive(Debug, Default)]
pub struct PromptAnswers {
    state: Mutex<PromptState>,
    /// Signals answers and turns, to all threads but the main one.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PromptState {
    /// The number of the last prompt.
    last: u32,
    /// The number of the prompt that has no answer yet.
    waiting: Option<u32>,
    is_main_waiting: bool,
    answer: Option<InputAnswer>,
}

/// Whether a thread may ask now.
enum PromptTurn {
    Now(u32),
    Later,
    /// The main thread waits already, and a signal handler asks.
    Never,
}

impl PromptAnswers {
    /// Leaves an answer. Returns whether a thread waits for it; the main thread must be woken then.
    pub fn answer(&self, number: u32, answer: InputAnswer) -> bool {
        let mut state = self.state.lock();
        let is_waiting = state.waiting == Some(number) && state.answer.is_none();
        if is_waiting {
            state.answer = Some(answer);
            self.changed.notify_all();
        }
        is_waiting
    }

    pub fn is_waiting(&self) -> bool {
        self.state.lock().waiting.is_some()
    }

    fn begin(&self, on_main: bool) -> PromptTurn {
        let mut state = self.state.lock();
        if state.waiting.is_some() {
            return if on_main && state.is_main_waiting { PromptTurn::Never } else { PromptTurn::Later };
        }
        state.last += 1;
        state.waiting = Some(state.last);
        state.is_main_waiting = on_main;
        PromptTurn::Now(state.last)
    }

    fn take_answer(&self) -> Option<InputAnswer> {
        let mut state = self.state.lock();
        let answer = state.answer.take();
        if answer.is_some() {
            state.waiting = None;
            self.changed.notify_all();
        }
        answer
    }

    fn withdraw(&self) {
        let mut state = self.state.lock();
        state.waiting = None;
        state.answer = None;
        self.changed.notify_all();
    }

    /// Waits for the answer to prompt `number`, or without a number for the turn to ask; not for longer than
    /// [`CHECK_INTERVAL`].
    fn wait(&self, number: Option<u32>) {
        let is_unchanged = |state: &mut PromptState| match number {
            Some(_) => state.answer.is_none(),
            None => state.waiting.is_some(),
        };
        let _ = self.changed.wait_while_for(&mut self.state.lock(), is_unchanged, CHECK_INTERVAL);
    }
}

/// The handle by which code asks for a line.
#[derive(Clone)]
pub struct Asker {
    pub prompts: Arc<PromptAnswers>,
    pub waiter: Arc<Mutex<JobWaiter>>,
    pub events: EventSender,
    pub capture: Arc<Capture>,
}

impl Asker {
    /// Returns a line without its newline; `None` at the end of the input. Without a `prompt`, the last printed line is
    /// one.
    pub fn ask(&self, py: Python<'_>, prompt: Option<String>, hidden: bool) -> PyResult<Option<String>> {
        if fork::is_child() {
            return Ok(None);
        }
        let on_main = on_main_thread();
        let may_ask = || on_main || self.capture.earlier_snippet(current_thread()).is_none();
        let Some(snippet) = interrupt::current_snippet().filter(|_| may_ask()) else {
            return if on_main { Ok(None) } else { Err(PyEOFError::new_err(SNIPPET_ENDED)) };
        };
        let number = loop {
            match self.prompts.begin(on_main) {
                PromptTurn::Now(number) => break number,
                PromptTurn::Later => self.wait(py, snippet, None)?,
                PromptTurn::Never => {
                    return Err(PyEOFError::new_err("a signal handler cannot ask for input while the code does"));
                }
            }
        };
        WAS_ASKED.store(true, Ordering::Relaxed);
        self.events.send(EngineEvent::InputRequested { snippet, number, prompt, hidden });
        match self.wait_for_answer(py, snippet, number) {
            Ok(InputAnswer::Line(line)) => Ok(Some(line)),
            Ok(InputAnswer::Eof) => Ok(None),
            Ok(InputAnswer::Nobody) => {
                Err(PyEOFError::new_err(format!("nobody answered the prompt within {} s", INPUT_TIMEOUT.as_secs())))
            }
            Ok(InputAnswer::NoDashboard) => Err(PyEOFError::new_err(
                "this session has no dashboard, in which alone a person could type what the prompt hides",
            )),
            Err(error) => {
                self.prompts.withdraw();
                if !fork::is_child() {
                    self.events.send(EngineEvent::InputWithdrawn { number });
                }
                Err(error)
            }
        }
    }

    fn wait_for_answer(&self, py: Python<'_>, snippet: SnippetId, number: u32) -> PyResult<InputAnswer> {
        loop {
            if let Some(answer) = self.prompts.take_answer() {
                return Ok(answer);
            }
            if fork::is_child() {
                return Ok(InputAnswer::Eof);
            }
            self.wait(py, snippet, Some(number))?;
        }
    }

    /// Waits until there may be an answer or a turn; not for longer than [`CHECK_INTERVAL`].
    fn wait(&self, py: Python<'_>, snippet: SnippetId, number: Option<u32>) -> PyResult<()> {
        if on_main_thread() {
            // An interrupt after this check also wakes the waiter, so none is missed.
            py.check_signals()?;
            // This may take wake-ups that are meant for the main loop, which looks for jobs before it waits.
            py.detach(|| self.waiter.lock().wait_for(CHECK_INTERVAL))?;
        } else if interrupt::current_snippet() == Some(snippet) {
            py.detach(|| self.prompts.wait(number));
        } else {
            return Err(PyEOFError::new_err(SNIPPET_ENDED));
        }
        Ok(())
    }
}
