//! Where the person writes: the editor, completion, earlier inputs, and answers to prompts and questions.

pub(in crate::tui) mod completion;
pub(in crate::tui) mod draw;
pub(in crate::tui) mod draw_completion;
pub(in crate::tui) mod draw_history;
pub(in crate::tui) mod editor;
pub(in crate::tui) mod history;
pub(in crate::tui) mod keys;
pub(in crate::tui) mod reply;
