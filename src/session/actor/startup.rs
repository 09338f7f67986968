//! The startup of the actor: snippets that the process before left open are ended.

use std::sync::Arc;
use std::time::Duration;

use super::state::Actor;
use crate::domain::{
    Author, Client, ErrorReport, Event, Gate, INPUT_TIMEOUT, Outcome, Restart, Snippet, SnippetId, Status, Transcript,
    Unattended, VariableChanges, rewind,
};
use crate::session::call_numbers::CallSnippets;
use crate::session::clock::now;
use crate::session::record::{EventSink, SessionId, Unrecorded};
use crate::session::spool::Spool;

/// What the actor of a session process starts from.
pub struct Startup {
    /// The transcript of the processes before.
    pub transcript: Transcript,
    /// The last snippet that ran, where that is known. It may be missing in the transcript.
    pub ran: SnippetId,
    /// Whether the transcript has every snippet that ran.
    pub is_whole: bool,
    pub id: Option<SessionId>,
    /// The snippets that calls submitted.
    pub calls: CallSnippets,
    /// Clients that may reconnect; see [`super::remember_client`].
    pub former: Vec<Client>,
    /// Why this process takes the session over from another.
    pub restart: Option<Restart>,
    pub record: Box<dyn EventSink>,
    pub spool: Arc<Spool>,
    /// See [`INPUT_TIMEOUT`].
    pub input_limit: Duration,
    /// The gate to begin with, unless that of `transcript` holds on.
    pub gate: Option<Gate>,
    pub unattended: Unattended,
}

impl Default for Startup {
    fn default() -> Self {
        Self {
            transcript: Transcript::default(),
            ran: SnippetId(0),
            is_whole: true,
            id: None,
            calls: CallSnippets::default(),
            former: Vec::new(),
            restart: None,
            record: Box::new(Unrecorded),
            spool: Arc::default(),
            input_limit: INPUT_TIMEOUT,
            gate: None,
            unattended: Unattended::default(),
        }
    }
}

/// No session has so many snippets. A larger number was written by user code, which can reach the flight recorder.
const MAX_SNIPPETS: u32 = 1 << 24;

/// Returns the first free numbers of snippets and clients, after those of `transcript` and after `ran`.
pub(super) fn free_numbers(transcript: &Transcript, ran: SnippetId, former: &[Client]) -> (u32, u32) {
    let clients = former.iter().map(|client| client.id.0 + 1).max().unwrap_or(1);
    let first = if ran.0 < MAX_SNIPPETS { ran.0 + 1 } else { 1 };
    let of = |author: &Author| match author {
        Author::Client { id, .. } => id.0 + 1,
        Author::You => 1,
    };
    let snippet = transcript.last_snippet().map_or(1, |last| last.0 + 1);
    (snippet.max(first), transcript.entries().authors().map(of).fold(clients, u32::max))
}

impl Actor {
    /// Ends the snippets that ran or waited when the process before ended. `ran` is the last snippet that Python was
    /// given, where that is known: an earlier open snippet had an end of its own, which was not recorded, unless it
    /// waited for the person.
    pub(super) fn settle_previous_process(&mut self, restart: Option<Restart>, ran: SnippetId) {
        let open: Vec<(SnippetId, Outcome)> = self
            .transcript
            .running()
            .into_iter()
            .chain(self.transcript.queue().iter().filter_map(|id| self.transcript.snippet(*id)))
            .map(|snippet| {
                let died_in_it = restart.as_ref().is_some_and(|restart| restart.ran == Some(snippet.id));
                let waited = snippet.awaits_its_turn() && self.calls.is_whole();
                let has_ended = snippet.id <= ran && !died_in_it && !waited;
                (snippet.id, left_open(snippet, has_ended, restart.as_ref()))
            })
            .collect();
        for (snippet, outcome) in open {
            self.emit(Event::Finished { snippet, outcome: Arc::new(outcome), at: now() });
        }
        if restart.is_none() {
            let gone: Vec<_> = self.transcript.clients().iter().map(|client| client.id).collect();
            for client in gone {
                self.emit(Event::ClientLeft { client, at: now() });
            }
        }
        if let Some(mut restart) = restart {
            if let Some(point) = restart.safe_point {
                restart.remains = rewind::remains(&self.transcript, SnippetId(point.0 + 1));
            }
            self.emit(Event::Restarted { restart: Arc::new(restart), at: now() });
        }
    }
}

/// The outcome of a snippet that the process before left open.
fn left_open(snippet: &Snippet, has_ended: bool, restart: Option<&Restart>) -> Outcome {
    let restarted_by = restart.and_then(|restart| restart.by.as_ref());
    let ran = has_ended || snippet.status == Status::Running;
    let by = match restarted_by {
        _ if has_ended => Outcome::UNRECORDED.to_owned(),
        Some(by) if restart.is_some_and(|restart| restart.before.is_some()) => {
            format!("the rewind by {}", by.as_cause())
        }
        Some(by) => format!("the restart by {}", by.as_cause()),
        None => "the end of Python".to_owned(),
    };
    let crash = restart.filter(|restart| restart.by.is_none() && !restart.resumed && ran && !has_ended);
    Outcome {
        status: match (ran, crash) {
            (false, _) => Status::Cancelled,
            (true, None) => Status::Interrupted,
            (true, Some(_)) => Status::Error,
        },
        returncode: crash.map_or(130, |restart| restart.code),
        result: None,
        frame: None,
        frames: Vec::new(),
        error: crash.map(|Restart { how, stack, .. }| ErrorReport {
            type_name: ErrorReport::PYTHON_DIED.to_owned(),
            message: how.clone(),
            traceback: if stack.is_empty() {
                how.clone()
            } else {
                format!("{how}\nPython stack, innermost first:\n{}", stack.join("\n"))
            },
        }),
        stopped_by: crash.is_none().then_some(by),
        elapsed: match snippet.started_at {
            Some(start) if !has_ended => Duration::from_millis(now().saturating_sub(start)),
            _ => Duration::ZERO,
        },
        changes: VariableChanges::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    #[test]
    fn only_the_snippet_in_which_python_died_fails_with_its_death() {
        let mut transcript = Transcript::default();
        for number in 1..=3 {
            let author = Author::You;
            let snippet = SnippetId(number);
            transcript.apply(&Event::Submitted { snippet, author, code: "1".into(), call: None, at: 0 });
            transcript.apply(&Event::Started { snippet, at: 0 });
        }
        let open = |number| transcript.snippet(SnippetId(number)).unwrap();
        let crash = Restart { how: "Python was killed".to_owned(), code: 9, ..Restart::default() };
        let died = left_open(open(3), false, Some(&crash));
        assert_eq!((died.status, died.returncode), (Status::Error, 9));
        let before = left_open(open(2), true, Some(&crash));
        assert_eq!(before.stopped_by.as_deref(), Some(Outcome::UNRECORDED));
        assert!(before.error.is_none() && before.elapsed.is_zero());
        let requested = Restart { by: Some(Author::You), ..Restart::default() };
        assert_eq!(left_open(open(1), true, Some(&requested)).stopped_by.as_deref(), Some(Outcome::UNRECORDED));
    }

    #[test]
    fn numbers_continue_after_the_ones_in_use() {
        let mut transcript = Transcript::default();
        let none = SnippetId(0);
        assert_eq!(free_numbers(&transcript, none, &[]), (1, 1));
        assert_eq!(free_numbers(&transcript, SnippetId(7), &[]), (8, 1));
        assert_eq!(free_numbers(&transcript, SnippetId(u32::MAX), &[]), (1, 1));
        let client = Author::Client { id: ClientId(7), name: "claude".into() };
        for (snippet, author) in [(1, client), (2, Author::You)] {
            transcript.apply(&Event::Submitted {
                snippet: SnippetId(snippet),
                author,
                code: "1".into(),
                call: None,
                at: 0,
            });
        }
        assert_eq!(free_numbers(&transcript, none, &[]), (3, 8));
    }
}
