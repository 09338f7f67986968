//! One line of the report.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// Something does not work. The text has the remedy.
    Fault,
    /// Worth knowing.
    Note,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    pub section: &'static str,
    pub state: State,
    pub text: String,
}

impl Finding {
    pub fn ok(section: &'static str, text: impl Into<String>) -> Self {
        Self { section, state: State::Ok, text: text.into() }
    }

    pub fn fault(section: &'static str, text: impl Into<String>) -> Self {
        Self { section, state: State::Fault, text: text.into() }
    }

    pub fn note(section: &'static str, text: impl Into<String>) -> Self {
        Self { section, state: State::Note, text: text.into() }
    }
}
