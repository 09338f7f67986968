//! The text for a person who has just begun.

/// A sentence for the assistant, by which it uses the session.
pub const SAY_TO_THE_ASSISTANT: &str =
    "\"Use the fourhands session. Load sales.csv into df, and show me what is odd about it.\"";

/// What `fourhands demo` is; each a sentence.
pub const DEMO: [&str; 4] = [
    "A scripted client named \"demo\" plays a short piece, through the bridge that AI clients use",
    "It needs no network and no key, and nothing of it is kept",
    "Type Python at any time; a comment such as `# next` ends a pause",
    "Ctrl-D ends the demo",
];
