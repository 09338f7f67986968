//! Earlier answers to prompts of code: the commands of a debugger come back with Up.

use std::sync::Arc;

use crate::domain::Author;
use crate::session::Past;

/// Answers that are kept.
const MAX_ANSWERS: usize = 500;

/// The answers of the person in this process, the newest first.
#[derive(Debug, Default)]
pub struct Answers(Vec<(Arc<str>, Past)>);

impl Answers {
    pub fn add(&mut self, prompt: &Arc<str>, line: &str) {
        let is_repeated = self.0.first().is_some_and(|(asked, past)| asked == prompt && &*past.code == line);
        if line.trim().is_empty() || is_repeated {
            return;
        }
        let (author, session) = (Author::You.name().into(), "".into());
        let past = Past { code: line.into(), author, mine: true, session, at: 0, ok: true };
        self.0.insert(0, (prompt.clone(), past));
        self.0.truncate(MAX_ANSWERS);
    }

    /// The answers to one prompt, the newest first.
    pub fn to(&self, prompt: &str) -> Vec<Past> {
        self.0.iter().filter(|(asked, _)| **asked == *prompt).map(|(_, past)| past.clone()).collect()
    }
}
