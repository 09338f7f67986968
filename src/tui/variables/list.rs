//! The rows of the open list of variables, in the drawer or at the side.

use super::OpenVariables;
use super::draw_sidebar::is_cut;
use super::order::{sorted, sorted_for_few_rows};
use super::sorting::Sorting;
use crate::domain::{Variable, VariableKind};
use crate::tui::draw::layout::Layout;
use crate::tui::view::View;

/// A row of the drawer's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListItem<'a> {
    /// A group, and the number of variables in it.
    Group(&'static str, usize),
    Variable(&'a Variable),
}

impl<'a> ListItem<'a> {
    pub fn variable(self) -> Option<&'a Variable> {
        if let Self::Variable(variable) = self { Some(variable) } else { None }
    }
}

const fn group(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Data => "data",
        VariableKind::Class => "classes",
        VariableKind::Function | VariableKind::Callable => "functions",
        VariableKind::Module => "modules",
    }
}

/// The rows of the drawer: with a filter by match, otherwise in the chosen order, with groups when ordered by kind.
pub fn items(view: &View) -> Vec<ListItem<'_>> {
    let rows = sorted(view);
    let is_filtered = view.variables.query.as_ref().is_some_and(|query| !query.is_empty());
    if !is_filtered && view.variables.sorting == Sorting::Kind {
        let groups: Vec<&[&Variable]> = rows.chunk_by(|one, next| group(one.kind) == group(next.kind)).collect();
        if groups.len() > 1 {
            let with_heading = |rows: &&[&'_ Variable]| ListItem::Group(group(rows[0].kind), rows.len());
            return groups
                .iter()
                .flat_map(|rows| [with_heading(rows)].into_iter().chain(rows.iter().copied().map(ListItem::Variable)))
                .collect();
        }
    }
    rows.into_iter().map(ListItem::Variable).collect()
}

impl View {
    /// The layout of the last frame.
    pub(in crate::tui) fn last_layout(&self) -> Option<Layout> {
        self.frame.as_ref().and_then(|frame| frame.layout)
    }

    /// The open list if the drawer shows it.
    pub fn drawer(&self, layout: &Layout) -> Option<&OpenVariables> {
        self.layers.list().filter(|list| list.is_drawer(layout))
    }

    /// Returns whether the list at the side has the keys.
    pub fn is_side_focused(&self, layout: &Layout) -> bool {
        self.layers.list().is_some_and(|list| list.has_focus && !list.is_drawer(layout))
    }

    /// The variables of the open list in order.
    pub fn listed(&self) -> Vec<&Variable> {
        match self.last_layout() {
            Some(layout) if self.is_side_focused(&layout) => self.side_rows(&layout),
            _ => sorted(self),
        }
    }

    /// The variables of the list at the side in order.
    pub fn side_rows(&self, layout: &Layout) -> Vec<&Variable> {
        if is_cut(self, layout) { sorted_for_few_rows(self) } else { sorted(self) }
    }
}
