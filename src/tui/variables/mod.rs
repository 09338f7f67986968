//! The table of variables, at the side or in a drawer, and the inspector of one value. No values are here, only the
//! descriptions that the session sends.

pub(in crate::tui) mod draw_drawer;
pub(in crate::tui) mod draw_grid;
pub(in crate::tui) mod draw_inspector;
pub(in crate::tui) mod draw_sidebar;
pub(in crate::tui) mod grid;
pub(in crate::tui) mod inspector;
pub(in crate::tui) mod inspector_keys;
pub(in crate::tui) mod list;
mod list_keys;
pub(in crate::tui) mod order;
pub(in crate::tui) mod sorting;

use self::inspector::Inspector;
use self::sorting::Sorting;
use super::composer::editor::Editor;
use super::draw::layout::Layout;

/// The person's place among the variables.
#[derive(Debug, Default)]
pub struct VariablesPanel {
    /// The selected variable of the open list.
    pub selected: Option<String>,
    /// The filter of the open list.
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

impl VariablesPanel {
    /// Returns whether the person types a row number or a filter in the inspector.
    pub fn is_asking(&self) -> bool {
        self.inspector.as_ref().is_some_and(|inspector| inspector.prompt.is_some())
    }

    /// Drops what the person types in the inspector. Returns whether there was anything.
    pub fn leave_prompt(&mut self) -> bool {
        self.inspector.as_mut().and_then(|inspector| inspector.prompt.take()).is_some()
    }
}

/// The open list of variables: in the drawer with all details, or at the side, where there is room.
#[derive(Clone, Copy, Debug)]
pub struct OpenVariables {
    /// Whether the list is in the drawer, although it is at the side as well.
    pub in_full: bool,
    /// Whether the list has the keys. Without the focus, the input keeps them.
    pub has_focus: bool,
    /// The rows of the drawer that are scrolled away above.
    pub scroll: usize,
}

impl OpenVariables {
    pub fn is_drawer(&self, layout: &Layout) -> bool {
        self.in_full || layout.side.is_none()
    }
}
