//! The table of variables, at the side or in a drawer, and the inspector of one value.

pub(in crate::tui) mod draw_drawer;
pub(in crate::tui) mod draw_inspector;
pub(in crate::tui) mod draw_sidebar;
pub(in crate::tui) mod drawer;
pub(in crate::tui) mod inspector;
pub(in crate::tui) mod inspector_keys;
pub(in crate::tui) mod sorting;

use self::inspector::Inspector;
use self::sorting::Sorting;
use super::composer::editor::Editor;

/// The person's place among the variables.
#[derive(Debug, Default)]
pub struct VariablesPanel {
    /// The selected variable of the drawer.
    pub selected: Option<String>,
    /// The filter of the drawer.
    pub query: Option<Editor>,
    pub sorting: Sorting,
    pub inspector: Option<Inspector>,
    /// The number of inspections requested so far.
    pub inspections: u32,
    /// Columns from the divider to the right end of the screen, once the person moved the divider.
    pub sidebar_width: Option<u16>,
    /// Rows of the sidebar that are scrolled away above.
    pub sidebar_scroll: usize,
}
