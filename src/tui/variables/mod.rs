//! TODO

pub(in crate::tui) mod draw_drawer;
pub(in crate::tui) mod draw_inspector;
pub(in crate::tui) mod draw_sidebar;
pub(in crate::tui) mod drawer;
pub(in crate::tui) mod inspector;
