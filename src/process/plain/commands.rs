//! Commands of the plain dashboard: lines that begin with a colon, as no Python code does. They take the place of keys.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleCommand {
    Help,
    /// An answer: this text, or the next line.
    Answer(Option<String>),
    Decline,
    Variables,
    Clients,
    Restart,
    Quit,
    Unknown(String),
}

/// The text of `:help`.
pub const HELP: &str = "\
A line runs when it is complete Python; a block ends with an empty line. Ctrl-C interrupts what runs, whoever began it.
Ctrl-R shows again what is typed of a line when something was told in between. Ctrl-D ends. Lines of comments are notes
to the clients. Besides:
:answer TEXT   answers what a client, or its code, asks; without TEXT the next line is the answer
:decline       answers nothing to the question of a client
:vars          the variables
:clients       who is connected
:restart       a new Python; the variables are lost
:quit          ends the session";

impl ConsoleCommand {
    /// Returns the command of a line; `None` for code.
    pub fn parse(line: &str) -> Option<Self> {
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
        assert_eq!(ConsoleCommand::parse(":nope x"), Some(ConsoleCommand::Unknown("nope".to_owned())));
    }
}
