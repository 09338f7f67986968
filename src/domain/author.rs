//! Who submitted a snippet.

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
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
