//! The state of questions to the main thread, shared with the host.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::python::runtime::interrupt::{self, InterruptTarget};

/// Numbers of the last question that was asked, answered, and finished with all work for later questions.
#[derive(Debug, Default)]
pub struct QuestionTracker {
    asked: AtomicU32,
    answered: AtomicU32,
    finished: AtomicU32,
}

impl QuestionTracker {
    /// Announces a new question for the main thread. The previous one is interrupted, because nobody waits for its
    /// answer.
    pub fn ask(&self, id: u32) {
        let before = self.asked.swap(id, Ordering::SeqCst);
        if self.answered.load(Ordering::SeqCst) != before {
            interrupt::request(InterruptTarget::Question(before), true);
        }
    }

    pub fn set_answered(&self, id: u32) {
        self.answered.store(id, Ordering::SeqCst);
    }

    pub fn set_finished(&self, id: u32) {
        self.finished.store(id, Ordering::SeqCst);
    }

    /// Returns whether the main thread has answered and now loads jedi for later questions.
    pub fn is_loading(&self) -> bool {
        let asked = self.asked.load(Ordering::SeqCst);
        self.answered.load(Ordering::SeqCst) == asked && self.finished.load(Ordering::SeqCst) != asked
    }

    /// Interrupts the main thread's work on questions: another job needs the thread.
    pub fn stop(&self) {
        let asked = self.asked.load(Ordering::Relaxed);
        if self.finished.load(Ordering::Relaxed) != asked {
            interrupt::request(InterruptTarget::Question(asked), true);
        }
    }
}
