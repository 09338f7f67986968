//! Lines that begin with a colon, which no Python does: what keys do in the other dashboard.

use super::{Answering, Plain, tell};
use crate::domain::Author;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    /// With these words, or with the next line.
    Answer(Option<String>),
    Decline,
    Variables,
    Clients,
    Restart,
    Quit,
    Unknown(String),
}

/// What `:help` tells.
const HELP: &str = "\
A line runs when it is complete Python; a block ends with an empty line. Ctrl-C interrupts what runs, whoever began it.
Ctrl-R shows again what is typed of a line when something was told in between. Ctrl-D ends. Lines of comments are notes
to the clients. Besides:
:answer TEXT   answers what a client, or its code, asks; without TEXT the next line is the answer
:decline       answers nothing to the question of a client
:vars          the variables
:clients       who is connected
:restart       a new Python; the variables are lost
:quit          ends the session";

impl Command {
    pub fn of(line: &str) -> Option<Self> {
        let line = line.trim().strip_prefix(':')?;
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        Some(match word {
            "help" | "h" => Self::Help,
            "answer" | "a" => Self::Answer(Some(rest.to_owned()).filter(|rest| !rest.is_empty())),
            "decline" => Self::Decline,
            "vars" | "v" => Self::Variables,
            "clients" => Self::Clients,
            "restart" => Self::Restart,
            "quit" | "q" => Self::Quit,
            word => Self::Unknown(word.to_owned()),
        })
    }
}

impl Plain {
    pub(super) async fn command(&mut self, command: Command) {
        match command {
            Command::Help => self.paper.line(HELP),
            Command::Answer(text) => self.take_up(text).await,
            Command::Decline => match self.transcript.inquiries().first().map(|inquiry| inquiry.number) {
                Some(inquiry) => self.answer(Answering::Client { inquiry }, None).await,
                None => self.paper.line("no client asks anything"),
            },
            Command::Variables => {
                for line in tell::variables(&self.transcript) {
                    self.paper.line(&line);
                }
            }
            Command::Clients => {
                for line in tell::clients(&self.transcript) {
                    self.paper.line(&line);
                }
            }
            Command::Restart => {
                if let Err(closed) = self.session.restart(Author::You).await {
                    self.paper.line(&closed.to_string());
                }
            }
            Command::Quit => self.session.quit(),
            Command::Unknown(word) => self.paper.line(&format!("there is no command :{word}; :help tells them all")),
        }
    }

    /// Answers who asks, code that waits first.
    async fn take_up(&mut self, text: Option<String>) {
        let asking = self.transcript.running().and_then(|running| Some((running.id, running.input.clone()?)));
        let inquiry = self.transcript.inquiries().first().map(|inquiry| inquiry.number);
        let answering = match (asking, inquiry) {
            (Some((snippet, request)), _) => {
                if text.is_none() {
                    self.paper.ask("answer: ");
                    return self.answer_code(snippet, request.number, request.hidden);
                }
                Answering::Code { snippet, number: request.number }
            }
            (None, Some(inquiry)) => Answering::Client { inquiry },
            (None, None) => return self.paper.line("nobody asks anything"),
        };
        if text.is_some() {
            return self.answer(answering, text).await;
        }
        self.paper.ask("answer: ");
        self.answering = Some(answering);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_colon_makes_a_command() {
        assert_eq!(Command::of("x = 1"), None);
        assert_eq!(Command::of(" :vars "), Some(Command::Variables));
        assert_eq!(Command::of(":answer  yes, both "), Some(Command::Answer(Some("yes, both".to_owned()))));
        assert_eq!(Command::of(":a"), Some(Command::Answer(None)));
        assert_eq!(Command::of(":nope x"), Some(Command::Unknown("nope".to_owned())));
    }
}
