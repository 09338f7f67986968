//! Who submitted a snippet.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A connection of an AI client, numbered from 1 within a session and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// The person at the dashboard, or a client by the name it gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Author {
    You,
    Client { id: ClientId, name: Arc<str> },
}

impl Author {
    #[must_use]
    pub fn is_you(&self) -> bool {
        matches!(self, Self::You)
    }

    /// "you", or the client's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::You => "you",
            Self::Client { name, .. } => name,
        }
    }

    /// As models are told: the person in bare words, a client in quotes, which no name that a client gives can hold.
    #[must_use]
    pub fn label_for_models(&self) -> Cow<'static, str> {
        match self {
            Self::You => Cow::Borrowed(PERSON),
            Self::Client { name, .. } => Cow::Owned(quoted(name)),
        }
    }

    /// Who ended something, in the sentence that a snippet keeps: "you", or a client in quotes, so that none can be called
    /// like a cause that is nobody, such as a time limit.
    #[must_use]
    pub fn as_cause(&self) -> Cow<'static, str> {
        if self.is_you() { Cow::Borrowed("you") } else { self.label_for_models() }
    }
}

/// What models call the person.
pub const PERSON: &str = "the person";

/// A client's name in quotes; one that is marked has them already.
#[must_use]
pub fn quoted(name: &str) -> String {
    if name.starts_with("client \"") { name.to_owned() } else { format!("\"{name}\"") }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
