//! The drawer's list of variables: its order, its groups, its filter, and its keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::{Aspect, Variable, VariableKind};
use crate::tui::composer::editor::Editor;
use crate::tui::fuzzy::Fuzzy;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::variables::draw_sidebar::sorted as sorted_variables;
use crate::tui::variables::sorting::Sorting;
use crate::tui::view::View;

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// A group, and the number of variables in it.
    Group(&'static str, usize),
    Variable(&'a Variable),
}

impl<'a> Item<'a> {
    pub fn variable(self) -> Option<&'a Variable> {
        if let Self::Variable(variable) = self { Some(variable) } else { None }
    }
}

fn group(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Data => "data",
        VariableKind::Class => "classes",
        VariableKind::Function | VariableKind::Callable => "functions",
        VariableKind::Module => "modules",
    }
}

/// The list as shown: with a filter by match, otherwise in the chosen order, with groups when ordered by kind.
pub fn items(view: &View) -> Vec<Item<'_>> {
    let mut rows = sorted_variables(view);
    let query = view.variables.query.as_ref().map(Editor::code).unwrap_or_default();
    if !query.trim().is_empty() {
        rows = best(rows, &query);
    } else if view.variables.sorting == Sorting::Kind {
        let groups: Vec<&[&Variable]> = rows.chunk_by(|one, next| group(one.kind) == group(next.kind)).collect();
        if groups.len() > 1 {
            let with_heading = |rows: &&[&'_ Variable]| Item::Group(group(rows[0].kind), rows.len());
            return groups
                .iter()
                .flat_map(|rows| [with_heading(rows)].into_iter().chain(rows.iter().copied().map(Item::Variable)))
                .collect();
        }
    }
    rows.into_iter().map(Item::Variable).collect()
}

/// The variables whose name or type matches the query, the best match first.
fn best<'a>(rows: Vec<&'a Variable>, query: &str) -> Vec<&'a Variable> {
    let mut fuzzy = Fuzzy::new(query);
    let mut found: Vec<_> = rows
        .into_iter()
        // A match in the name ranks above any match in the type.
        .filter_map(|row| {
            let by_name = fuzzy.score(&row.name).map(|score| (true, score));
            let rank = by_name.or_else(|| Some((false, fuzzy.score(&row.type_name)?)));
            Some((rank?, row))
        })
        .collect();
    found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    found.into_iter().map(|(_, row)| row).collect()
}

impl View {
    fn is_drawer_on_top(&self) -> bool {
        matches!(self.layers.top(), Some(Layer::Drawer { .. }))
    }

    /// Opens the drawer without a filter, or closes it.
    pub fn toggle_drawer(&mut self) {
        self.variables.query = None;
        self.layers.toggle(Layer::Drawer { scroll: 0 });
    }

    /// Handles actions on the list while the input is empty; `None` for other actions.
    pub fn on_drawer(&mut self, action: Action) -> Option<Option<Effect>> {
        if !self.is_drawer_on_top() || !self.composer.editor.is_empty() {
            return None;
        }
        let names: Vec<String> = self.listed().map(|variable| variable.name.clone()).collect();
        let chosen = self.variables.selected.as_ref().and_then(|chosen| names.iter().position(|name| name == chosen));
        let next = match (action, chosen) {
            (Action::ItemDown, None) => 0,
            (Action::ItemDown, Some(place)) => place + 1,
            (Action::ItemUp, Some(place)) => place.saturating_sub(1),
            // A selected card uses the same key.
            (Action::FilterVariables, _) if chosen.is_some() || self.viewport.selected.is_none() => {
                self.variables.query.get_or_insert_default();
                return Some(None);
            }
            (Action::GoToSetter, Some(place)) => {
                self.go_to_setter(&names[place]);
                return Some(None);
            }
            (Action::Choose, Some(place)) => return Some(Some(self.open_inspector(names[place].clone()))),
            (Action::SortVariables, Some(_)) => {
                self.variables.sorting = self.variables.sorting.next();
                return Some(None);
            }
            _ => return None,
        };
        let next = next.min(names.len().checked_sub(1)?);
        self.variables.selected = Some(names.get(next)?.clone());
        self.show_chosen();
        Some(None)
    }

    pub fn open_inspector(&mut self, variable: String) -> Effect {
        self.layers.push(Layer::Inspector { scroll: 0 });
        self.inspect(variable, Aspect::Overview, 0)
    }

    /// The listed variables in order.
    pub fn listed(&self) -> impl Iterator<Item = &Variable> {
        items(self).into_iter().filter_map(Item::variable)
    }

    /// Handles keys for the filter; `None` leaves a key to the layers below.
    pub fn on_variable_query(&mut self, key: KeyEvent) -> Option<Option<Effect>> {
        if !self.is_drawer_on_top() {
            return None;
        }
        let query = self.variables.query.as_mut()?;
        let is_text = matches!(key.code, KeyCode::Char(_))
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        let action = self.keys.find(key, &[Context::Variables, Context::Transcript, Context::Session]);
        match action.filter(|_| !is_text) {
            Some(Action::Back) => self.variables.query = None,
            Some(action @ (Action::ItemUp | Action::ItemDown | Action::Choose)) => {
                return Some(self.on_drawer(action).flatten());
            }
            None | Some(Action::QuitOrDelete) if key.code == KeyCode::Backspace && query.is_empty() => {
                self.variables.query = None;
            }
            None | Some(Action::QuitOrDelete) => {
                let before = query.buffer.revision();
                // The filter has one line.
                if key.code != KeyCode::Enter {
                    query.key(key);
                }
                if query.buffer.revision() != before {
                    self.choose_best();
                }
            }
            Some(_) => return None,
        }
        self.show_chosen();
        Some(None)
    }

    pub fn paste_in_variable_query(&mut self, text: &str) {
        if let Some(query) = &mut self.variables.query {
            query.paste(&text.replace(['\r', '\n'], " "));
            self.choose_best();
        }
    }

    fn choose_best(&mut self) {
        let best = self.listed().next().map(|variable| variable.name.clone());
        self.variables.selected = best;
        self.show_chosen();
    }

    /// Scrolls to the selected variable, including the group's name if it is the first of the group.
    fn show_chosen(&mut self) {
        let items = items(self);
        let is_chosen =
            |item: &Item<'_>| item.variable().is_some_and(|row| Some(&row.name) == self.variables.selected.as_ref());
        let Some(row) = items.iter().position(is_chosen) else { return };
        let first = if row > 0 && items[row - 1].variable().is_none() { row - 1 } else { row };
        let layout = self.frame.as_ref().and_then(|frame| frame.layout);
        let height = layout.map_or(1, |layout| usize::from(layout.drawer.height).saturating_sub(2).max(1));
        if let Some(Layer::Drawer { scroll }) = self.layers.top_mut() {
            let min_scroll = (row + 1).saturating_sub(height);
            *scroll = (*scroll).clamp(min_scroll, first.max(min_scroll));
        }
    }
}
