//! Boxes over the dashboard: help, palette, replay, export, and the problems in the settings. What a box asks for comes
//! back as an effect.

pub(in crate::tui) mod config_problems;
pub(in crate::tui) mod draw_config_problems;
pub(in crate::tui) mod draw_export;
pub(in crate::tui) mod draw_help;
pub(in crate::tui) mod draw_palette;
pub(in crate::tui) mod draw_replay;
pub(in crate::tui) mod export;
pub(in crate::tui) mod export_keys;
pub(in crate::tui) mod export_prompt;
pub(in crate::tui) mod frame;
pub(in crate::tui) mod help;
mod help_keys;
pub(in crate::tui) mod palette;
pub(in crate::tui) mod palette_keys;
mod palette_rank;
pub(in crate::tui) mod replay;
