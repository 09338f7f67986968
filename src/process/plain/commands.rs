//! Commands of the plain dashboard: lines that begin with a colon, as no Python code does. They take the place of keys.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleCommand {
    Help,
    /// An answer: this text, or the next line.
    Answer(Option<String>),
    Decline,
    /// Let a snippet run that waits: the one of this number, or the first.
    Run(Option<u32>),
    /// Let it run, and from now on all code of its client, or the same code; at a risk, the same kind of risk.
    Always(Option<u32>, AlwaysWhat),
    /// Take back all that is always allowed.
    AskAgain,
    /// Reject a snippet that waits, with a reason.
    Reject(Option<u32>, String),
    /// Show or change the gate.
    Gate(String),
    /// Take over, with a note; the second time, stop what a client runs.
    Take(String),
    GiveBack,
    /// Disconnect the client of this name.
    Disconnect(String),
    /// Let it in again.
    LetIn(String),
    /// Mute a client, or no longer.
    Mute(String),
    Unmute(String),
    /// Lock a variable, or unlock it.
    Lock(String),
    Unlock(String),
    /// Mark a variable or a snippet private, or no longer.
    Private(String),
    /// Run a queued snippet next: the one of this number, or the last.
    Front(Option<u32>),
    /// Put back what a snippet rebound or deleted: the one of this number, or the last that did.
    Undo(Option<u32>),
    Variables,
    Clients,
    Restart,
    Quit,
    Unknown(String),
}

/// What may always run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlwaysWhat {
    Client,
    Code,
}

/// The text of `:help`.
pub const HELP: &str = "\
Enter runs a line of Python; an empty line ends a block. A comment line is a note to the clients.
Ctrl-C   interrupt the running code, whoever submitted it
Ctrl-R   reprint your unfinished line after other output
Ctrl-D   quit, and ask first if something would be lost
:answer TEXT   answer a question or a prompt; without TEXT, the next line is the answer
:decline       decline a client's question
:run N         let snippet N go on, which waits for you; without N, the first
:reject N WHY  reject snippet N
:always N      let snippet N go on, and always its client, or this kind of risk of it
:always-code N let snippet N run, and always the same code
:ask-again     take back all that is always allowed; :gate shows it
:gate MODE     watch, ask-at-risk, ask, hold: whether code of clients waits for you
:take WHY      take over: no client's code begins; again: stop what runs
:give          give back: what waited runs on
:disconnect NAME  stop a client and refuse its calls; :let-in NAME lets it in again
:mute NAME     show less of a client; :unmute NAME shows all again
:front N       run queued snippet N next; without N, the last
:lock NAME     have code of clients wait that would rebind a variable; :unlock NAME
:private NAME  show clients only the name; :private N hides snippet N; again: shows
:undo N        put back what snippet N of a client rebound or deleted; without N, the last
:vars          list variables
:clients       list connected clients
:restart       restart Python and lose all variables
:quit          quit, as Ctrl-D does";

impl ConsoleCommand {
    /// Returns the command of a line; `None` for code.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim().strip_prefix(':')?;
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let (snippet, behind) = number(rest);
        Some(match word {
            // A slip must not decide about another snippet.
            "run" | "always" | "always-code" | "front" | "undo" if !behind.is_empty() => Self::Unknown(line.to_owned()),
            "help" | "h" => Self::Help,
            "answer" | "a" => Self::Answer(Some(rest.to_owned()).filter(|rest| !rest.is_empty())),
            "decline" => Self::Decline,
            "run" => Self::Run(snippet),
            "always" => Self::Always(snippet, AlwaysWhat::Client),
            "always-code" => Self::Always(snippet, AlwaysWhat::Code),
            "ask-again" => Self::AskAgain,
            "reject" => Self::Reject(snippet, behind.to_owned()),
            "gate" => Self::Gate(rest.to_owned()),
            "take" => Self::Take(rest.to_owned()),
            "give" => Self::GiveBack,
            "disconnect" => Self::Disconnect(rest.to_owned()),
            "let-in" => Self::LetIn(rest.to_owned()),
            "mute" => Self::Mute(rest.to_owned()),
            "unmute" => Self::Unmute(rest.to_owned()),
            "lock" => Self::Lock(rest.to_owned()),
            "unlock" => Self::Unlock(rest.to_owned()),
            "private" => Self::Private(rest.to_owned()),
            "front" => Self::Front(snippet),
            "undo" => Self::Undo(snippet),
            "vars" | "v" => Self::Variables,
            "clients" => Self::Clients,
            "restart" => Self::Restart,
            "quit" | "q" => Self::Quit,
            word => Self::Unknown(word.to_owned()),
        })
    }
}

/// The number at the beginning of a text, and the rest.
fn number(text: &str) -> (Option<u32>, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    first.parse().map_or((None, text), |number| (Some(number), rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_with_a_colon_is_a_command() {
        assert_eq!(ConsoleCommand::parse("x = 1"), None);
        assert_eq!(ConsoleCommand::parse(" :vars "), Some(ConsoleCommand::Variables));
        assert_eq!(
            ConsoleCommand::parse(":answer  yes, both "),
            Some(ConsoleCommand::Answer(Some("yes, both".to_owned())))
        );
        assert_eq!(ConsoleCommand::parse(":a"), Some(ConsoleCommand::Answer(None)));
        assert_eq!(ConsoleCommand::parse(":run 3"), Some(ConsoleCommand::Run(Some(3))));
        let reject = |snippet, reason: &str| Some(ConsoleCommand::Reject(snippet, reason.to_owned()));
        assert_eq!(ConsoleCommand::parse(":reject 3  too slow"), reject(Some(3), "too slow"));
        assert_eq!(ConsoleCommand::parse(":reject too slow"), reject(None, "too slow"));
        assert_eq!(ConsoleCommand::parse(":always 3"), Some(ConsoleCommand::Always(Some(3), AlwaysWhat::Client)));
        assert_eq!(ConsoleCommand::parse(":always-code"), Some(ConsoleCommand::Always(None, AlwaysWhat::Code)));
        for slip in ["run no!", "always 3!", "run -1", "run 1 snippet", "undo abc", "front 2x"] {
            assert_eq!(ConsoleCommand::parse(&format!(":{slip}")), Some(ConsoleCommand::Unknown(slip.to_owned())));
        }
        assert_eq!(ConsoleCommand::parse(":front"), Some(ConsoleCommand::Front(None)));
        assert_eq!(ConsoleCommand::parse(":undo 4"), Some(ConsoleCommand::Undo(Some(4))));
        assert_eq!(ConsoleCommand::parse(":take"), Some(ConsoleCommand::Take(String::new())));
        assert_eq!(ConsoleCommand::parse(":nope x"), Some(ConsoleCommand::Unknown("nope".to_owned())));
    }
}
