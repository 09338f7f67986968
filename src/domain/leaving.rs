//! The end of a session at the person's request: the words that ask for it, and what would be lost.

use super::terminal_text::visible;
use super::{Transcript, units};

/// Things that wait for the person and are named.
const MAX_WAITING: usize = 3;

/// Returns the word if `code` does nothing but leave, as `exit`, `quit()` or `exit(0)`.
fn exit_word(code: &str) -> Option<&'static str> {
    // None of the accepted forms contains a string, so that `#` begins a comment.
    let code = code.split('#').next().unwrap_or_default().trim().trim_end_matches(';').trim_end();
    let (word, rest) = ["exit", "quit"].into_iter().find_map(|word| Some((word, code.strip_prefix(word)?)))?;
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Some(word);
    }
    let argument = rest.strip_prefix('(')?.strip_suffix(')')?.trim();
    let is_status = argument.is_empty() || argument == "None" || argument.parse::<i32>().is_ok();
    is_status.then_some(word)
}

impl Transcript {
    /// Returns whether the person leaves the session with this code, because no variable has taken the word's meaning.
    #[must_use]
    pub fn leaves_session(&self, code: &str) -> bool {
        exit_word(code).is_some_and(|word| !self.variables().rows.iter().any(|variable| variable.name == word))
    }

    /// Returns what waits for the person; a clause for each.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        let pending = self.pending().map(|snippet| (snippet.id, &snippet.author, "waits for your decision".to_owned()));
        let at_risk = self.risks().filter_map(|(id, request)| {
            let what = format!("waits for your answer ({})", visible(&request.phrase()).replace('\n', " "));
            Some((id, &self.snippet(id)?.author, what))
        });
        let snippets = at_risk.chain(pending).map(|(id, author, what)| format!("{id} of {} {what}", author.name()));
        let questions = self.inquiries().iter().map(|inquiry| format!("a question of {} waits", inquiry.by.name()));
        let mut clauses: Vec<String> = snippets.chain(questions).collect();
        let rest = clauses.len().saturating_sub(MAX_WAITING);
        if rest > 0 {
            clauses.truncate(MAX_WAITING);
            clauses.push(format!("{rest} more wait for you"));
        }
        clauses
    }

    /// Returns what the end of the session would stop, lose or leave alone; a clause for each.
    #[must_use]
    pub fn losses(&self) -> Vec<String> {
        let mut clauses = self.waiting();
        match self.running() {
            Some(running) if running.open_risks().is_empty() => clauses.push(format!("{} is running", running.id)),
            None if self.queue().len() > self.pending().count() => clauses.push("snippets are waiting".to_owned()),
            _ => {}
        }
        if !clauses.is_empty() {
            return clauses;
        }
        let (variables, clients) = (self.variables().total, self.clients().len());
        let are = if clients == 1 { "is" } else { "are" };
        let clauses = [
            (variables, format!("{} would be lost", units::count(variables, "variable"))),
            (clients, format!("{} {are} connected", units::count(clients, "client"))),
        ];
        clauses.into_iter().filter(|(count, _)| *count > 0).map(|(_, clause)| clause).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::exit_word;

    #[test]
    fn only_the_bare_words_leave() {
        for code in ["exit", " quit ", "exit()", "quit( )", "exit(0)", "quit(-1);", "exit (None)", "exit;", "exit # x"]
        {
            assert!(exit_word(code).is_some(), "{code:?}");
        }
        for code in [
            "",
            "exits",
            "exit_code",
            "exit.x",
            "exit(f())",
            "quit = 1",
            "exit()\nx",
            "exit(0, 1)",
            "sys.exit()",
            "exit('#')",
        ] {
            assert_eq!(exit_word(code), None, "{code:?}");
        }
    }
}
