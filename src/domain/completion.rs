//! Help with code that is being written: completions, and the signature of the call at the cursor.

use std::sync::Arc;
use std::time::Duration;

use super::lexer::{self, CallAtCursor, CursorContext};

/// A request for help with code that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsightRequest {
    pub code: Arc<str>,
    /// The cursor's position in `code`, in characters.
    pub cursor: usize,
    pub about: InsightKind,
    /// Whether user code (`__dir__`, `__getattr__`, properties) may run for the answer, under a time limit and only
    /// while nothing else runs. Otherwise the answer leaves out what needs such code.
    pub may_run: bool,
}

impl InsightRequest {
    /// Returns the code up to the cursor.
    #[must_use]
    pub fn before(&self) -> &str {
        let end = self.code.char_indices().nth(self.cursor).map_or(self.code.len(), |(end, _)| end);
        &self.code[..end]
    }

    /// Returns whether running user code could add to the answer.
    #[must_use]
    pub fn needs_run(&self) -> bool {
        let completion = || {
            matches!(lexer::cursor_context(self.before()), CursorContext::Attribute { .. } | CursorContext::Key { .. })
        };
        self.may_run
            && match self.about {
                InsightKind::Completion => completion(),
                InsightKind::Signature => true,
                InsightKind::Candidate(_) | InsightKind::Command => false,
            }
    }

    /// Returns the time limit of the request. Code that no defined name explains needs inference, which takes longer.
    #[must_use]
    pub fn limit(&self) -> Duration {
        let inferred = match self.about {
            _ if !self.may_run => false,
            InsightKind::Completion => {
                matches!(lexer::cursor_context(self.before()), CursorContext::Attribute { of: None, .. })
            }
            InsightKind::Signature => true,
            InsightKind::Candidate(_) | InsightKind::Command => false,
        };
        Duration::from_millis(if inferred { 1_500 } else { 300 })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsightKind {
    /// The completions at the cursor.
    Completion,
    /// The call around the cursor.
    Signature,
    /// The candidate of this name at the cursor.
    Candidate(String),
    /// The completions at the cursor of a line for a debugger that waits: its commands, and names where it has stopped.
    Command,
}

/// The answer to an [`InsightRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insight {
    Completions(Completions),
    Signature(Option<Signature>),
    /// The signature, if there is one, and the first line of the documentation.
    Candidate(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// The start of the text that a candidate replaces, in characters. The text ends at the cursor.
    pub from: usize,
    /// The best candidates first; at most [`Completions::MAX_CANDIDATES`].
    pub candidates: Vec<Candidate>,
    /// The number of candidates left out.
    pub left_out: usize,
}

impl Completions {
    pub const MAX_CANDIDATES: usize = 200;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The text that replaces the prefix when the candidate is accepted.
    pub text: String,
    /// The name that is shown, and that [`InsightKind::Candidate`] takes.
    pub name: String,
    /// Such as `function`, `module`, `keyword`, or the type of a value.
    pub kind: String,
}

impl Candidate {
    /// Returns whether more can be completed behind the candidate.
    pub fn is_folder(&self) -> bool {
        self.kind == "folder"
    }
}

/// The signature of a callable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    /// The parameters as a definition has them: `sep=','`, `*args`, `/`, `*`.
    pub parameters: Vec<String>,
    /// The first line of the documentation; may be empty.
    pub doc: String,
}

impl Signature {
    /// Returns the parameter that takes the argument at the cursor.
    #[must_use]
    pub fn active(&self, call: &CallAtCursor) -> Option<usize> {
        let name = |parameter: &str| {
            let end = parameter.find([':', '=']).unwrap_or(parameter.len());
            parameter[..end].trim().to_owned()
        };
        if let Some(keyword) = &call.keyword {
            let named = self.parameters.iter().position(|parameter| name(parameter) == *keyword);
            return named.or_else(|| self.parameters.iter().position(|parameter| parameter.starts_with("**")));
        }
        let mut left = call.argument;
        for (index, parameter) in self.parameters.iter().enumerate() {
            match parameter.as_str() {
                "/" => {}
                "*" => return None,
                variadic if variadic.starts_with("**") => return None,
                variadic if variadic.starts_with('*') => return Some(index),
                _ if left == 0 => return Some(index),
                _ => left -= 1,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_find_their_parameters() {
        let active = |parameters: &[&str], argument, keyword: Option<&str>| {
            let parameters: Vec<String> = parameters.iter().map(|text| (*text).to_owned()).collect();
            let signature = Signature { name: "f".into(), parameters: parameters.clone(), doc: String::new() };
            let call = CallAtCursor { callee: 0..1, argument, keyword: keyword.map(str::to_owned) };
            signature.active(&call).map(|index| parameters[index].clone())
        };
        assert_eq!(active(&["a", "/", "b=1"], 1, None).as_deref(), Some("b=1"));
        assert_eq!(active(&["a", "*", "b=1"], 1, None), None, "no more by position");
        assert_eq!(active(&["a", "*", "b: int = 1"], 0, Some("b")).as_deref(), Some("b: int = 1"));
        assert_eq!(active(&["a", "*rest"], 5, None).as_deref(), Some("*rest"));
        assert_eq!(active(&["a", "**options"], 1, Some("x")).as_deref(), Some("**options"));
        assert_eq!(active(&["a"], 1, None), None);
        assert_eq!(active(&[], 0, None), None);
    }
}
