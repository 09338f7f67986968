//! How a session process ended: the exit code to hand on, and the sentence that says it to the person.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::domain::recorder::LastWords;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub status: ExitStatus,
    /// The dashboard still had the terminal, or nobody had asked for the end: it did not come in good order.
    pub without_warning: bool,
    /// Why the guardian killed it, if it did.
    pub killed: Option<Killed>,
    pub last_words: LastWords,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// It had been asked to end and did not.
    TimeOut,
    /// It was asked to end for the second time.
    AskedTwice,
}

impl Ending {
    /// The process's own exit code, or 128 and the number of the signal that killed it.
    pub fn code(&self) -> u8 {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code as u8,
            (None, Some(signal)) => (128 + signal) as u8,
            (None, None) => 1,
        }
    }

    /// Whether the person asked for it, or the process has said itself what was wrong.
    pub fn is_in_order(&self) -> bool {
        self.status.code().is_some() && !self.without_warning
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.killed {
            Some(Killed::TimeOut) => {
                return write!(
                    f,
                    "Python did not end within {} s of being asked to, so it was killed.",
                    super::guardian::PATIENCE
                );
            }
            Some(Killed::AskedTwice) => return write!(f, "Python was killed on the second request to end."),
            None => {}
        }
        let Some(signal) = self.status.signal() else {
            let code = self.status.code().unwrap_or(1);
            write!(f, "Python ended without warning with exit code {code}")?;
            return match &self.last_words.running {
                Some((snippet, author)) => {
                    write!(
                        f,
                        " while it ran snippet {snippet} by {author} (os._exit does that); its variables are lost."
                    )
                }
                None => write!(f, " (os._exit in a snippet does that); its variables are lost."),
            };
        };
        match Signal::try_from(signal) {
            Ok(known) => write!(f, "Python was killed by {}{}", known.as_str(), describe(known))?,
            Err(_) => write!(f, "Python was killed by signal {signal}")?,
        }
        if self.status.core_dumped() {
            write!(f, ", core dumped")?;
        }
        if let Some((snippet, author)) = &self.last_words.running {
            write!(f, ", while it ran snippet {snippet} by {author}")?;
        }
        write!(f, "; its variables are lost.")?;
        // What a fork that died before may have left is not this end's.
        let told = Signal::try_from(signal).is_ok_and(|signal| FAULTS.contains(&signal));
        if told && !self.last_words.stack.is_empty() {
            write!(f, "\nPython stood here, innermost first:\n{}", self.last_words.stack.join("\n"))?;
        }
        Ok(())
    }
}

/// Signals at which Python's stack is recorded.
const FAULTS: [Signal; 5] = [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGABRT, Signal::SIGFPE, Signal::SIGILL];

fn describe(signal: Signal) -> &'static str {
    match signal {
        Signal::SIGSEGV => " (segmentation fault)",
        Signal::SIGBUS => " (bus error)",
        Signal::SIGABRT => " (abort)",
        Signal::SIGFPE => " (arithmetic fault)",
        Signal::SIGILL => " (illegal instruction)",
        Signal::SIGKILL => " (by hand, or because memory ran out)",
        Signal::SIGXCPU => " (limit of CPU time)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(raw: i32) -> Ending {
        Ending {
            status: ExitStatus::from_raw(raw),
            without_warning: true,
            killed: None,
            last_words: LastWords::default(),
        }
    }

    #[test]
    fn a_signal_is_named_and_becomes_128_and_its_number() {
        let crash = ending(libc::SIGSEGV);
        assert_eq!(crash.code(), 139);
        assert_eq!(crash.to_string(), "Python was killed by SIGSEGV (segmentation fault); its variables are lost.");
        let mut known = crash;
        known.last_words.running = Some((crate::domain::SnippetId(3), "claude".to_owned()));
        known.last_words.stack = vec!["  File \"<snippet 3>\", line 1 in f".to_owned()];
        let text = known.to_string();
        assert!(text.contains(", while it ran snippet 3 by claude; its") && text.contains("line 1 in f"), "{text}");
        known.status = ExitStatus::from_raw(libc::SIGKILL);
        assert!(!known.to_string().contains("line 1"), "the stack is of another end");
        assert!(ending(libc::SIGKILL).to_string().contains("memory ran out"));
        assert!(ending(40).to_string().contains("signal 40"), "a real-time signal has no name");
        assert_eq!(ending(40).code(), 168);
    }

    #[test]
    fn an_exit_code_is_handed_on() {
        let exit = ending(3 << 8);
        assert_eq!(exit.code(), 3);
        assert!(exit.to_string().contains("without warning with exit code 3"));
        assert!(!exit.is_in_order());
        assert!(Ending { without_warning: false, ..exit }.is_in_order());
    }

    #[test]
    fn what_the_guardian_did_itself_is_said() {
        let slow = Ending { killed: Some(Killed::TimeOut), ..ending(libc::SIGKILL) };
        assert!(slow.to_string().contains("within 10 s"), "{slow}");
        assert_eq!(slow.code(), 137);
    }
}
