//! The author of a snippet: the person, or a client.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The number of a connection of an AI client, counted from 1 within a session and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// The person at the dashboard, or a client with the name that it gave.
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

    /// Whether both are the person, or clients of one name. A client that has connected again is another author.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_you() == other.is_you() && self.name() == other.name()
    }

    /// "you", or the client's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::You => "you",
            Self::Client { name, .. } => name,
        }
    }

    /// The label in texts for models. A client stands in quotes, which no client's name can contain, so none can pose
    /// as the person.
    #[must_use]
    pub fn label_for_models(&self) -> Cow<'static, str> {
        match self {
            Self::You => Cow::Borrowed(PERSON),
            Self::Client { name, .. } => Cow::Owned(quoted(name)),
        }
    }

    /// The label in texts for the model `reader`, who is "you".
    #[must_use]
    pub fn label_for(&self, reader: &Self) -> Cow<'static, str> {
        if self == reader { Cow::Borrowed("you") } else { self.label_for_models() }
    }

    /// The label in `stopped_by`. A client stands in quotes, so that none can pose as another cause, such as a time
    /// limit.
    #[must_use]
    pub fn as_cause(&self) -> Cow<'static, str> {
        if self.is_you() { Cow::Borrowed("you") } else { self.label_for_models() }
    }
}

/// The label of the person in texts for models.
pub const PERSON: &str = "the person";

/// Puts a client's name in quotes, unless it is a label that has quotes already.
#[must_use]
pub fn quoted(name: &str) -> String {
    if name.starts_with("client \"") { name.to_owned() } else { format!("\"{name}\"") }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
