//! The table of variables, at the side or in a drawer, and the inspector of one value.

pub(in crate::tui) mod draw_drawer;
pub(in crate::tui) mod draw_inspector;
pub(in crate::tui) mod draw_sidebar;
pub(in crate::tui) mod drawer;
pub(in crate::tui) mod inspector;
