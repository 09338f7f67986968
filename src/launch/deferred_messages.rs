//! The messages of the guardian to the person. While the screen of a dashboard is up, they wait.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::domain::terminal_text::visible;
use crate::session::outlet::{Outlet, write_within};

/// How long a write may take. Perhaps nobody reads stderr.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub struct DeferredMessages {
    /// Set at the first message.
    stderr: Option<Outlet>,
    waiting: VecDeque<String>,
    dropped: usize,
}

impl DeferredMessages {
    /// How many messages wait. A session may die a thousand times.
    const MAX_WAITING: usize = 20;

    pub fn add(&mut self, message: &dyn Display) {
        self.waiting.push_back(message.to_string());
        if self.waiting.len() > Self::MAX_WAITING {
            self.waiting.pop_front();
            self.dropped += 1;
        }
    }

    /// Writes the waiting messages to stderr.
    pub fn flush(&mut self) {
        let before = match std::mem::take(&mut self.dropped) {
            0 => None,
            times => Some(format!("Python died {times} times before that, and a new one took over each time.")),
        };
        let messages: Vec<String> = before.into_iter().chain(self.waiting.drain(..)).collect();
        if messages.is_empty() {
            return;
        }
        if self.stderr.is_none() {
            self.stderr = io::stderr().as_fd().try_clone_to_owned().and_then(Outlet::new).ok();
        }
        let Some(stderr) = &self.stderr else {
            for message in messages {
                let line = format!("fourhands: {}\n", visible(&message));
                let _ = write_within(io::stderr(), line.as_bytes(), WRITE_TIMEOUT);
            }
            return;
        };
        for message in messages {
            // Paths, names and stacks may contain anything, so control characters are made visible.
            stderr.line(format!("fourhands: {}", visible(&message)));
        }
        stderr.wait(WRITE_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_many_messages_are_kept() {
        let mut messages = DeferredMessages::default();
        for number in 0..30 {
            messages.add(&number);
        }
        assert_eq!((messages.dropped, messages.waiting.len()), (10, DeferredMessages::MAX_WAITING));
        assert_eq!(messages.waiting.back().map(String::as_str), Some("29"));
    }
}
