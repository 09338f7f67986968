//! fourhands: one live Python session for a person and their AI assistants.

pub mod domain;
pub mod session;
