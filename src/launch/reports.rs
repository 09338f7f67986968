//! What the guardian has to say to the person: at once, or when no dashboard's screen is up any more.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::domain::terminal_text::visible;
use crate::session::outlet::{Outlet, write_within};

/// What the saying may take; stderr may be a pipe that nobody reads.
const SAYING: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub struct Reports {
    /// Once something was said.
    stderr: Option<Outlet>,
    waiting: VecDeque<String>,
    left_out: usize,
}

impl Reports {
    /// Kept of those that wait; a session may die a thousand times.
    const MOST: usize = 20;

    pub fn add(&mut self, what: &dyn Display) {
        self.waiting.push_back(what.to_string());
        if self.waiting.len() > Self::MOST {
            self.waiting.pop_front();
            self.left_out += 1;
        }
    }

    /// Says all that waits, on stderr.
    pub fn tell(&mut self) {
        let before = match std::mem::take(&mut self.left_out) {
            0 => None,
            times => Some(format!("Python died {times} times before, and a new one took over.")),
        };
        let reports: Vec<String> = before.into_iter().chain(self.waiting.drain(..)).collect();
        if reports.is_empty() {
            return;
        }
        if self.stderr.is_none() {
            self.stderr = io::stderr().as_fd().try_clone_to_owned().and_then(Outlet::new).ok();
        }
        let Some(stderr) = &self.stderr else {
            for report in reports {
                let said = format!("fourhands: {}\n", visible(&report));
                let _ = write_within(io::stderr(), said.as_bytes(), SAYING);
            }
            return;
        };
        for report in reports {
            // Paths, names and lines of a stack may hold anything: it does not reach the terminal as it is.
            stderr.line(format!("fourhands: {}", visible(&report)));
        }
        stderr.wait(SAYING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_the_last_are_kept() {
        let mut reports = Reports::default();
        for number in 0..30 {
            reports.add(&number);
        }
        assert_eq!((reports.left_out, reports.waiting.len()), (10, Reports::MOST));
        assert_eq!(reports.waiting.back().map(String::as_str), Some("29"));
    }
}
