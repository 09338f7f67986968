//! The text for a person who has just begun.

/// A sentence for the assistant, by which it uses the session.
pub const SAY_TO_THE_ASSISTANT: &str =
    "\"Use the fourhands session. Load sales.csv into df, and show me what is odd about it.\"";
