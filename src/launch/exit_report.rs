//! The report on the end of a session process: the exit code to pass on, and the message to the person.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::domain::flight_recorder::{DeathReport, Losses};
use crate::domain::{Author, Restart, Rewind, SnippetId};
use crate::launch::handover::Handover;
use crate::launch::shadows;

/// How long the session process has for an orderly end.
pub const TERMINATION_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitReport {
    pub status: ExitStatus,
    /// Whether the process ended while the dashboard had the terminal, or without a request.
    pub without_warning: bool,
    /// Whether the end was requested from outside.
    pub was_requested: bool,
    /// Whether the session had reported its end. A death after that is one of Python's own end.
    pub had_ended: bool,
    /// Whether Python had reached the engine.
    pub has_begun: bool,
    /// Whether the session was ready for clients.
    pub was_ready: bool,
    /// The important lines that Python wrote before the engine ran.
    pub startup_output: Vec<String>,
    /// Who requested another process.
    pub restart_by: Option<Author>,
    /// The safe point that is to take over then, if that was requested.
    pub rewind: Option<Rewind>,
    /// Why the guardian killed the process, if it did.
    pub killed: Option<Killed>,
    pub death_report: DeathReport,
    /// The snapshot of the dashboard, for the next one.
    pub snapshot: Option<String>,
    /// The last snippet that ran; 0 if none did.
    pub last_snippet: SnippetId,
    /// What could not be recorded.
    pub losses: Losses,
    /// Whether the process was a safe point that was woken.
    pub woken: bool,
    /// The last snippet of the safe point that follows, if one does.
    pub safe_point: Option<SnippetId>,
    /// From the start of the process to its end.
    pub lifetime: Duration,
    /// What became of the processes that snippets started, one sentence each.
    pub processes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// The process did not end in time after a request.
    TimeOut,
    /// Somebody requested the end for the second time.
    RequestedTwice,
    /// Python did not reach the engine.
    NeverStarted,
}

impl ExitReport {
    /// Returns the exit code of the process, or 128 plus the number of the signal that killed it.
    pub fn code(&self) -> u8 {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code as u8,
            (None, Some(signal)) => (128 + signal) as u8,
            (None, None) => 1,
        }
    }

    /// Returns what the next process needs, if one follows: after a death, or a request for a restart. A process that
    /// died before it was ready is replaced only if it took over from another.
    pub fn handover(&self, took_over: bool) -> Option<Handover> {
        if self.was_requested || self.killed.is_some() || (self.had_ended && self.restart_by.is_none()) {
            return None;
        }
        let died = !self.is_in_order() && (self.was_ready || self.death_report.at_work || took_over);
        let processes = self.processes.clone();
        let restart = match &self.restart_by {
            Some(by) => Restart { by: Some(by.clone()), processes, ..Restart::default() },
            None if died => Restart {
                by: None,
                how: self.sentence(),
                code: self.code().into(),
                stack: if self.is_fault() { self.death_report.stack.clone() } else { Vec::new() },
                ran: self.death_report.running.as_ref().map(|(snippet, _)| *snippet),
                processes,
                ..Restart::default()
            },
            None => return None,
        };
        let (snapshot, last_snippet, losses) = (self.snapshot.clone(), self.last_snippet, self.losses);
        Some(Handover { restart, rewind: self.rewind, snapshot, last_snippet, losses })
    }

    /// Returns whether the end was orderly: requested, or explained by the process itself.
    pub fn is_in_order(&self) -> bool {
        self.status.code().is_some() && !self.without_warning
    }

    /// Returns why the session could not begin, if it could not: what `python` did and wrote, and what to do.
    pub fn failure_to_start(&self, python: &str, executable: &Path) -> Option<String> {
        let was_killed = self.killed.is_some_and(|why| why != Killed::NeverStarted);
        let gave_up = self.killed == Some(Killed::NeverStarted);
        if self.was_ready
            || (self.was_requested && !gave_up)
            || was_killed
            || self.death_report.at_work
            || self.restart_by.is_some()
        {
            return None;
        }
        let what = match (self.killed, self.status.code(), self.status.signal()) {
            (Some(_), ..) => format!("did not start within {} s and was stopped", self.lifetime.as_secs()),
            (None, Some(code), _) => format!("ended with exit code {code} before the session could start"),
            (None, None, signal) => {
                format!("was killed by signal {} before the session could start", signal.unwrap_or_default())
            }
        };
        let output = match &*self.startup_output {
            [] if self.has_begun => ".".to_owned(),
            [] => ", without any output.".to_owned(),
            lines => format!(". Its output:\n  {}", lines.join("\n  ")),
        };
        let stack = self.stack();
        Some(format!(
            "{python} {what}{output}{stack}{}",
            if self.has_begun { String::new() } else { format!("\n{}", remedy(executable)) }
        ))
    }

    /// Returns what happened, in one line that does not say yet what became of the variables.
    fn sentence(&self) -> String {
        match self.killed {
            Some(Killed::TimeOut) => {
                return format!(
                    "Python did not end within {} s of the request and was killed.",
                    TERMINATION_TIMEOUT.as_secs()
                );
            }
            Some(Killed::RequestedTwice) => return "Python was killed at the second request to end.".to_owned(),
            Some(Killed::NeverStarted) => return "Python did not start.".to_owned(),
            None => {}
        }
        // Models read this as well, and would take "you" for themselves.
        let by = |author: &str| if author == Author::You.name() { String::new() } else { format!(" by {author}") };
        let running = self.death_report.running.as_ref().map(|(snippet, author)| (snippet, by(author)));
        let Some(signal) = self.status.signal() else {
            let code = self.status.code().unwrap_or(1);
            return match running {
                Some((snippet, by)) => format!(
                    "Python ended unexpectedly with exit code {code} while running snippet {snippet}{by} (os._exit \
                     does that)"
                ),
                None => format!("Python ended unexpectedly with exit code {code} (os._exit in a snippet does that)"),
            };
        };
        let mut text = match Signal::try_from(signal) {
            Ok(known) => format!("Python was killed by {}{}", known.as_str(), describe(known)),
            Err(_) => format!("Python was killed by signal {signal}"),
        };
        if self.status.core_dumped() {
            text.push_str(", core dumped");
        }
        if let Some((snippet, by)) = running {
            text.push_str(&format!(" while running snippet {snippet}{by}"));
        }
        text
    }

    /// The lines with Python's stack, if one was recorded.
    fn stack(&self) -> String {
        match &*self.death_report.stack {
            lines if self.is_fault() && !lines.is_empty() => {
                format!("\nPython stack, innermost first:\n{}", lines.join("\n"))
            }
            _ => String::new(),
        }
    }

    /// Returns whether the process died by a fault with a recorded stack. Otherwise the stack may be that of a fork
    /// that died before.
    pub fn is_fault(&self) -> bool {
        let signal = self.status.signal().and_then(|signal| Signal::try_from(signal).ok());
        self.killed.is_none() && signal.is_some_and(|signal| FAULTS.contains(&signal))
    }
}

/// Returns what to do about a Python that does not start.
pub fn remedy(executable: &Path) -> String {
    if let Some(shadow) = shadows::find(executable).first() {
        return format!("The cause may be this: {shadow}.");
    }
    let set = ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD"];
    let set = set.into_iter().filter_map(|name| Some(format!("{name}={}", std::env::var_os(name)?.to_string_lossy())));
    let set: Vec<String> = set.collect();
    let first = match &*set {
        [] => "The cause may be sitecustomize.py or a .pth file in its site-packages".to_owned(),
        set => format!("The cause may be {} (unset it to check), sitecustomize.py or a .pth file", set.join(" and ")),
    };
    format!("{first}; fix that, or choose another Python with --python PATH.")
}

impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        if self.killed.is_none() {
            f.write_str(&loss(self.safe_point, self.last_snippet))?;
        }
        f.write_str(&self.stack())
    }
}

/// Returns the end of the sentence that tells of a death: what is lost of the variables. `last` is the last snippet
/// that ran.
pub fn loss(safe_point: Option<SnippetId>, last: SnippetId) -> String {
    let Some(point) = safe_point else { return "; its variables are lost.".to_owned() };
    let first = point.0 + 1;
    match last.0.checked_sub(first) {
        None => format!("; all variables are as they were after snippet {point}."),
        Some(0) => format!("; all variables are as they were after snippet {point}, before snippet {first}."),
        Some(_) => format!(
            "; all variables are as they were after snippet {point}: what snippets {first} to {last} did to them is taken \
             back."
        ),
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
        Signal::SIGKILL => " (by a user, or because memory ran out)",
        Signal::SIGXCPU => " (CPU time limit)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(raw: i32) -> ExitReport {
        ExitReport {
            status: ExitStatus::from_raw(raw),
            without_warning: true,
            was_requested: false,
            has_begun: true,
            was_ready: false,
            startup_output: Vec::new(),
            had_ended: false,
            restart_by: None,
            rewind: None,
            killed: None,
            death_report: DeathReport::default(),
            snapshot: None,
            last_snippet: SnippetId(0),
            losses: Losses::default(),
            woken: false,
            safe_point: None,
            lifetime: Duration::ZERO,
            processes: Vec::new(),
        }
    }

    #[test]
    fn a_signal_is_named_and_its_exit_code_is_128_plus_its_number() {
        let crash = report(libc::SIGSEGV);
        assert_eq!(crash.code(), 139);
        assert_eq!(crash.to_string(), "Python was killed by SIGSEGV (segmentation fault); its variables are lost.");
        let mut known = crash;
        known.death_report.running = Some((crate::domain::SnippetId(3), "claude".to_owned()));
        known.death_report.stack = vec!["  File \"<snippet 3>\", line 1 in f".to_owned()];
        let text = known.to_string();
        assert!(text.contains(" while running snippet 3 by claude; its") && text.contains("line 1 in f"), "{text}");
        known.status = ExitStatus::from_raw(libc::SIGKILL);
        assert!(!known.to_string().contains("line 1"), "the stack is of another end");
        assert!(report(libc::SIGKILL).to_string().contains("memory ran out"));
        assert!(report(40).to_string().contains("signal 40"), "a real-time signal has no name");
        assert_eq!(report(40).code(), 168);
    }

    #[test]
    fn an_exit_code_is_passed_on() {
        let exit = report(3 << 8);
        assert_eq!(exit.code(), 3);
        assert!(exit.to_string().contains("unexpectedly with exit code 3"));
        assert!(!exit.is_in_order());
        assert!(ExitReport { without_warning: false, ..exit }.is_in_order());
    }

    #[test]
    fn what_is_lost_is_said() {
        let point = Some(SnippetId(6));
        assert_eq!(loss(None, SnippetId(7)), "; its variables are lost.");
        assert!(loss(point, SnippetId(6)).ends_with("after snippet 6."));
        assert!(loss(point, SnippetId(7)).ends_with("after snippet 6, before snippet 7."));
        assert!(loss(point, SnippetId(9)).ends_with("what snippets 7 to 9 did to them is taken back."));
    }

    #[test]
    fn a_kill_by_the_guardian_is_reported() {
        let slow = ExitReport { killed: Some(Killed::TimeOut), ..report(libc::SIGKILL) };
        assert!(slow.to_string().contains("within 10 s"), "{slow}");
        assert_eq!(slow.code(), 137);
    }
}
