//! The focus of the list of variables, and its keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::Timestamp;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Chord, Context};
use crate::tui::layers::Layer;
use crate::tui::variables::OpenVariables;
use crate::tui::variables::draw_sidebar::Listed;
use crate::tui::variables::list::{ListItem, items};
use crate::tui::view::View;

impl View {
    /// Returns whether the list of variables has the keys.
    pub fn has_list_focus(&self) -> bool {
        matches!(self.layers.top(), Some(Layer::Variables(list)) if list.has_focus)
    }

    /// Gives the keys to the list. If the list has them, shows it in full, then closes it.
    pub fn toggle_variables(&mut self) {
        self.composer.completion.close();
        let has_side = self.last_layout().is_some_and(|layout| layout.side.is_some());
        let next = match self.layers.list() {
            None => OpenVariables { in_full: false, has_focus: true, scroll: 0 },
            Some(list) if !self.has_list_focus() => OpenVariables { has_focus: true, ..*list },
            Some(list) if has_side && !list.in_full => OpenVariables { in_full: true, ..*list },
            Some(_) => return self.close_variables(),
        };
        self.layers.push(Layer::Variables(next));
        self.select_a_variable();
        self.show_selected();
    }

    pub(in crate::tui) fn close_variables(&mut self) {
        self.variables.query = None;
        self.layers.close(|layer| matches!(layer, Layer::Variables(_)));
    }

    /// Gives the keys back to the input. The drawer stays open; at the side, the list is always in sight.
    pub(in crate::tui) fn leave_variables(&mut self) {
        let is_drawer = self.last_layout().is_some_and(|layout| self.drawer(&layout).is_some());
        match self.layers.list_mut() {
            Some(list) if is_drawer => list.has_focus = false,
            _ => self.close_variables(),
        }
        self.variables.query = None;
    }

    /// Selects the first variable, unless one of the list is selected.
    pub(in crate::tui) fn select_a_variable(&mut self) {
        let names = self.listed();
        let is_listed = |name: &String| names.iter().any(|variable| variable.name == *name);
        if !self.variables.selected.as_ref().is_some_and(is_listed) {
            self.variables.selected = names.first().map(|variable| variable.name.clone());
        }
    }

    /// Handles keys while the list has the focus.
    pub(in crate::tui) fn on_variables(&mut self, key: KeyEvent, confirmed: bool, now: Timestamp) -> Option<Effect> {
        if let Some(effect) = self.on_variable_query(key) {
            return effect;
        }
        let selected = self.variables.selected.clone();
        match self.keys.find(key, &[Context::Variables, Context::Transcript, Context::Session]) {
            Some(Action::Back) => self.close_variables(),
            Some(Action::ToInput) => self.leave_variables(),
            Some(Action::ItemUp) => self.move_selected(-1),
            Some(Action::ItemDown) => self.move_selected(1),
            Some(Action::PageUp) => self.move_selected(-self.list_page()),
            Some(Action::PageDown) => self.move_selected(self.list_page()),
            Some(Action::Top) => self.move_selected(isize::MIN),
            Some(Action::Bottom) => self.move_selected(isize::MAX),
            Some(Action::FilterVariables) => drop(self.variables.query.get_or_insert_default()),
            Some(Action::SortVariables) => {
                self.variables.sorting = self.variables.sorting.next();
                self.show_selected();
            }
            Some(Action::GoToSetter) => self.go_to_setter(&selected?),
            Some(Action::Lock) => return self.toggle_lock(&selected?),
            Some(Action::PutBack) => return self.put_back_variable(&selected?),
            Some(Action::Private) => return self.toggle_private(&selected?),
            Some(Action::Send) => return self.send_variable(&selected?),
            Some(Action::Choose) => return Some(self.open_inspector(selected?)),
            // The draft is not in sight of the keys, so none of it is deleted.
            Some(Action::QuitOrDelete) if !self.composer.editor.is_empty() => {}
            Some(action) => return self.act(action, key, confirmed, now),
            None if Chord::from(key).is_text() => {
                let back = self.keys.key_in(Context::Variables, Action::ToInput).map(|key| key.to_string());
                let back = back.map(|key| format!("; {key}: to the input")).unwrap_or_default();
                self.notice = Some(format!("no action on {}{back}", key.code));
            }
            None => {}
        }
        None
    }

    /// Handles keys for the filter; `None` leaves a key to the list.
    pub fn on_variable_query(&mut self, key: KeyEvent) -> Option<Option<Effect>> {
        let query = self.variables.query.as_mut()?;
        let action = self.keys.find(key, &[Context::Variables, Context::Transcript, Context::Session]);
        let is_text = matches!(key.code, KeyCode::Char(_))
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match action.filter(|_| !is_text) {
            Some(Action::Back) => self.variables.query = None,
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
                    self.select_best();
                }
            }
            Some(_) => return None,
        }
        self.show_selected();
        Some(None)
    }

    pub fn paste_in_variable_query(&mut self, text: &str) {
        if let Some(query) = &mut self.variables.query {
            query.paste_line(text);
            self.select_best();
        }
    }

    fn select_best(&mut self) {
        self.variables.selected = self.listed().first().map(|variable| variable.name.clone());
        self.show_selected();
    }

    fn move_selected(&mut self, by: isize) {
        let listed = self.listed();
        let selected = self.variables.selected.as_ref();
        let place = listed.iter().position(|variable| Some(&variable.name) == selected);
        let next = place.map_or(0, |place| place.saturating_add_signed(by)).min(listed.len().saturating_sub(1));
        self.variables.selected = listed.get(next).map(|variable| variable.name.clone());
        self.show_selected();
    }

    fn list_page(&self) -> isize {
        let Some(layout) = self.last_layout() else { return 1 };
        let rows = match self.drawer(&layout) {
            Some(_) => usize::from(layout.drawer.height).saturating_sub(2),
            None => Listed::of(self, &layout).map_or(1, |listed| listed.rows.len()),
        };
        rows.saturating_sub(1).max(1) as isize
    }

    /// Scrolls to the selected variable; in the drawer with the group's name if it is the first of the group.
    fn show_selected(&mut self) {
        let Some(layout) = self.last_layout() else { return };
        let selected = self.variables.selected.as_ref();
        if self.is_side_focused(&layout) {
            let Some(row) = self.listed().iter().position(|variable| Some(&variable.name) == selected) else { return };
            let rows = Listed::of(self, &layout).map_or(1, |listed| listed.rows.len()).max(1);
            let scroll = &mut self.variables.sidebar_scroll;
            *scroll = (*scroll).clamp((row + 1).saturating_sub(rows), row);
            return;
        }
        let items = items(self);
        let is_selected =
            |item: &ListItem<'_>| item.variable().is_some_and(|variable| Some(&variable.name) == selected);
        let Some(row) = items.iter().position(is_selected) else { return };
        let first = if row > 0 && items[row - 1].variable().is_none() { row - 1 } else { row };
        let height = usize::from(layout.drawer.height).saturating_sub(2).max(1);
        if let Some(list) = self.layers.list_mut() {
            let min_scroll = (row + 1).saturating_sub(height);
            list.scroll = list.scroll.clamp(min_scroll, first.max(min_scroll));
        }
    }
}
