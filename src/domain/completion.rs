//! Help with code that is being written: what could stand at the cursor, and how the call around it is made.

use std::sync::Arc;
use std::time::Duration;

use super::lexer::{self, Call, CursorContext};

/// What is asked about code that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub code: Arc<str>,
    /// Place of the cursor in `code`, in characters.
    pub cursor: usize,
    pub about: About,
    /// Whether code of the user's (`__dir__`, `__getattr__`, properties) may run to find it out, under a time limit and
    /// only while nothing else runs. Without it, what would need that is left out.
    pub may_run: bool,
}

impl Question {
    /// The code up to the cursor.
    #[must_use]
    pub fn before(&self) -> &str {
        let end = self.code.char_indices().nth(self.cursor).map_or(self.code.len(), |(end, _)| end);
        &self.code[..end]
    }

    /// Whether code of the user's could tell more than what is looked up without it.
    #[must_use]
    pub fn needs_run(&self) -> bool {
        let completion =
            || matches!(lexer::place(self.before()), CursorContext::Attribute { .. } | CursorContext::Key { .. });
        self.may_run
            && match self.about {
                About::Completion => completion(),
                About::Signature => true,
                About::Candidate(_) => false,
            }
    }

    /// How long it may take to find out. What follows from no name that is defined takes inference, and that takes longer.
    #[must_use]
    pub fn limit(&self) -> Duration {
        let inferred = match self.about {
            _ if !self.may_run => false,
            About::Completion => matches!(lexer::place(self.before()), CursorContext::Attribute { of: None, .. }),
            About::Signature => true,
            About::Candidate(_) => false,
        };
        Duration::from_millis(if inferred { 1_500 } else { 300 })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// What could stand at the cursor.
    Completion,
    /// The call around the cursor.
    Signature,
    /// One of the candidates at the cursor, by its name.
    Candidate(String),
}

/// The answer; which one depends on [`About`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insight {
    Completions(Completions),
    Signature(Option<Signature>),
    /// How it is called, if it can be, and the first line of its documentation.
    Candidate(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Where the text begins that a candidate takes the place of, in characters. It ends at the cursor.
    pub from: usize,
    /// The best first; at most [`Completions::MOST`].
    pub candidates: Vec<Candidate>,
    /// How many more there are.
    pub left_out: usize,
}

impl Completions {
    pub const MOST: usize = 200;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What stands in the code once it is accepted.
    pub text: String,
    /// What is shown, and asked about by [`About::Candidate`].
    pub name: String,
    /// Such as `function`, `module`, `keyword`, or the type of a value.
    pub kind: String,
}

/// How something is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    /// As they are written in a definition: `sep=','`, `*args`, `/`, `*`.
    pub parameters: Vec<String>,
    /// The first line of its documentation; may be empty.
    pub doc: String,
}

impl Signature {
    /// The parameter that the cursor's argument goes to.
    #[must_use]
    pub fn active(&self, call: &Call) -> Option<usize> {
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
            let call = Call { callee: 0..1, argument, keyword: keyword.map(str::to_owned) };
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
