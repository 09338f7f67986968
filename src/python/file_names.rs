//! File names of code in tracebacks. Frames of the engine's own Python code are left out there.

/// File names of snippets begin so.
pub const SNIPPET_PREFIX: &str = "<snippet ";
pub const ENGINE: &str = "<fourhands>";
pub const DISPLAY: &str = "<fourhands display>";
pub const INSPECTOR: &str = "<fourhands inspector>";
pub const MAGICS: &str = "<fourhands magics>";
