//! Mouse events: the wheel scrolls the area under it, a click selects a card, inspects a variable or does what the hint
//! under it says, a drag selects in the input or moves the divider. A click never runs code, answers, interrupts or
//! quits.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::domain::Timestamp;
use crate::tui::composer::draw::put_cursor;
use crate::tui::composer::{draw_completion, draw_history};
use crate::tui::draw::layout::Layout;
use crate::tui::draw::status::StatusRow;
use crate::tui::gallery::draw::hints as gallery_hints;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::input::mouse::Held;
use crate::tui::layers::Layer;
use crate::tui::overlays::help::Help;
use crate::tui::overlays::{draw_palette, draw_replay};
use crate::tui::pager::draw::hints as pager_hints;
use crate::tui::theme;
use crate::tui::transcript::card::Row;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::variables::draw_inspector;
use crate::tui::variables::draw_sidebar::Listed;
use crate::tui::variables::list::items;
use crate::tui::view::View;

/// Rows per notch of the wheel.
const WHEEL_ROWS: isize = 3;
/// The beginnings of rows that fold or unfold a card.
const FOLD_MARKS: [&str; 4] = ["▴ ", "▸ ", "▾ ", "… "];
/// A click this soon after the terminal got the focus only brings the terminal to the front; in milliseconds.
const FOCUS_CLICK_DELAY: Timestamp = 300;

impl View {
    /// Captures the mouse, or leaves it to the terminal.
    pub fn toggle_mouse(&mut self) -> Effect {
        self.mouse.captured = !self.mouse.captured;
        self.mouse.held = None;
        let keys = self.keys.key_hint(Action::Mouse);
        self.notice = Some(if self.mouse.captured {
            format!("the mouse scrolls and chooses; {keys} releases it")
        } else {
            format!("the mouse is the terminal's own, to select text; {keys} takes it back")
        });
        Effect::Mouse(self.mouse.captured)
    }

    pub fn on_mouse(&mut self, event: MouseEvent, now: Timestamp) -> Option<Effect> {
        let layout = self.frame.as_ref().and_then(|frame| frame.layout)?;
        let at = Position { x: event.column, y: event.row };
        let is_inspector = matches!(self.layers.top(), Some(Layer::Inspector { .. }));
        let is_sideways = event.modifiers.contains(KeyModifiers::SHIFT);
        match event.kind {
            MouseEventKind::ScrollLeft if is_inspector => return self.on_inspector(Action::ColumnsLeft).flatten(),
            MouseEventKind::ScrollRight if is_inspector => return self.on_inspector(Action::ColumnsRight).flatten(),
            MouseEventKind::ScrollLeft => self.wheel_sideways(&layout, at, false),
            MouseEventKind::ScrollRight => self.wheel_sideways(&layout, at, true),
            MouseEventKind::ScrollUp if is_sideways => self.wheel_sideways(&layout, at, false),
            MouseEventKind::ScrollDown if is_sideways => self.wheel_sideways(&layout, at, true),
            MouseEventKind::ScrollUp if is_inspector => return self.wheel_in_inspector(-WHEEL_ROWS),
            MouseEventKind::ScrollDown if is_inspector => return self.wheel_in_inspector(WHEEL_ROWS),
            MouseEventKind::ScrollUp => self.wheel(&layout, at, -WHEEL_ROWS, now),
            MouseEventKind::ScrollDown => self.wheel(&layout, at, WHEEL_ROWS, now),
            MouseEventKind::Down(MouseButton::Left) => return self.press(&layout, at, now),
            MouseEventKind::Drag(MouseButton::Left) => self.drag(&layout, at, now),
            MouseEventKind::Up(_) => self.mouse.held = None,
            _ => {}
        }
        None
    }

    fn wheel(&mut self, layout: &Layout, at: Position, rows: isize, now: Timestamp) {
        match self.layers.top_mut() {
            Some(Layer::Palette(palette)) => palette.move_by(rows.signum()),
            Some(Layer::Pager(pager)) => pager.move_at(at.x, rows),
            Some(Layer::Gallery(_) | Layer::Gate { .. } | Layer::Send(_)) => {}
            Some(Layer::Clients(_)) => {
                drop(self.on_clients(if rows < 0 { Action::ItemUp } else { Action::ItemDown }, now));
            }
            Some(Layer::Help(_) | Layer::Inspector { .. } | Layer::Replay { .. }) => self.move_by(rows),
            _ if layout.dock.contains(at) => {
                let rows_of_code = self.dock.rows().len();
                self.dock.scroll = self.dock.scroll.saturating_add_signed(rows).min(rows_of_code);
            }
            Some(Layer::Variables(list)) if list.is_drawer(layout) && layout.drawer.contains(at) => {
                list.scroll = list.scroll.saturating_add_signed(rows);
            }
            _ => self.wheel_over_transcript(layout, at, rows, now),
        }
    }

    /// Scrolls the tables and long lines under the mouse sideways.
    fn wheel_sideways(&mut self, layout: &Layout, at: Position, right: bool) {
        let action = if right { Action::ColumnsRight } else { Action::ColumnsLeft };
        match self.layers.top_mut() {
            Some(Layer::Pager(pager)) => pager.move_sideways_at(at.x, right),
            Some(Layer::Inspector { .. }) => drop(self.on_inspector(action)),
            Some(layer) if layer.is_modal() || layer.covers_input() => {}
            _ if layout.transcript.contains(at) => {
                let row = usize::from(at.y - layout.transcript.y);
                let place = self.frame.as_ref().and_then(|frame| frame.window.get(row));
                if let Some(card) = place.map(|place| place.card) {
                    self.scroll_columns(card, right);
                }
            }
            _ => {}
        }
    }

    fn wheel_over_transcript(&mut self, layout: &Layout, at: Position, rows: isize, now: Timestamp) {
        if self.layers.is_empty() && draw_completion::row_at(self, layout, at, now).is_some() {
            let (completion, editor) = self.composer.assisted();
            completion.move_by(rows.signum(), editor);
        } else if layout.editor.contains(at) {
            // Beyond the ends of the input, the cursor would only follow the view.
            let input = self.composer.input_mut(now);
            if input.rows(layout.editor_text().width) > usize::from(layout.editor.height) {
                input.scroll(rows);
            }
        } else if layout.question.contains(at) {
            self.scroll_question(rows, false);
        } else if let Some(listed) = self.listed_at(layout, at).filter(Listed::is_cut) {
            // Counts from the shown position, so that the list turns around at once at its ends.
            self.variables.sidebar_scroll = listed.above.saturating_add_signed(rows);
        } else {
            self.scroll(rows);
        }
    }

    fn press(&mut self, layout: &Layout, at: Position, now: Timestamp) -> Option<Effect> {
        if !self.mouse.focused || now.saturating_sub(self.mouse.focused_at) < FOCUS_CLICK_DELAY {
            return None;
        }
        let double = self.mouse.is_double(at, now);
        self.pending.forget();
        if let Some(action) = self.hint_at(layout, at, now) {
            return self.on_key(action.press(), now);
        }
        if self.layers.is_empty()
            && let Some(row) = draw_completion::row_at(self, layout, at, now)
        {
            let (completion, editor) = self.composer.assisted();
            if let Some(row) = row {
                completion.take(row, editor);
            }
            return None;
        }
        let typing = match self.layers.top() {
            Some(Layer::Variables(list)) if list.is_drawer(layout) && layout.drawer.contains(at) => {
                let variable = self.variable_in_drawer(layout, at)?;
                return Some(self.click_variable(variable));
            }
            // Deciding needs a key.
            Some(Layer::Review | Layer::Gate { .. } | Layer::Clients(_) | Layer::Send(_)) => return None,
            Some(Layer::Palette(_)) => return self.click_palette(layout, at, now),
            Some(Layer::HistorySearch(search)) if let Some(row) = draw_history::row_at(search, layout, at) => {
                self.layers.history_search_mut()?.row = row;
                return self.on_key(Action::Choose.press(), now);
            }
            Some(Layer::Replay { row }) if let Some(chosen) = draw_replay::row_at(self, layout, *row, at) => {
                // To begin needs a key, because that runs code.
                self.layers.push(Layer::Replay { row: chosen });
                return None;
            }
            Some(Layer::Inspector { scroll }) => {
                let part = draw_inspector::part_at(self, layout, *scroll, at)?;
                return self.click_inspector(part, double);
            }
            Some(Layer::SearchPrompt(_)) => true,
            Some(layer) if layer.is_modal() || layer.covers_input() => return None,
            _ => false,
        };
        if let Some(variable) = self.variable_at(layout, at).filter(|_| !typing) {
            return Some(self.click_variable(variable));
        }
        let header = layout.header.filter(|header| header.contains(at));
        if header.is_some() && !typing {
            self.show_help(Help::at_end());
        } else if layout.hairline().is_some_and(|hairline| hairline.abs_diff(at.x) <= 1) && !layout.editor.contains(at)
        {
            self.mouse.held = Some(Held::Divider);
        } else if layout.transcript.contains(at) {
            return self.click_transcript(layout, at, double, now);
        } else if layout.question.contains(at) {
            self.point_at_choice(at.y - layout.question.y);
        } else if layout.rule.contains(at) {
            self.viewport.anchor = Anchor::Follow;
            self.viewport.selected = None;
        } else if layout.editor.contains(at) {
            self.mouse.held = Some(Held::Input);
            self.viewport.selected = None;
            self.leave_variables();
            self.composer.completion.close();
            let (area, place) = (layout.editor_text(), at);
            let input = self.composer.input_mut(now);
            put_cursor(input, area, place, false);
            if double {
                input.select_word();
            }
        }
        None
    }

    /// The action of a hint, if a click may do it.
    fn hint_at(&self, layout: &Layout, at: Position, now: Timestamp) -> Option<Action> {
        let hides = |layer: &Layer| layer.is_modal() || matches!(layer, Layer::ConfigProblems(_));
        let hints = match self.layers.top() {
            Some(Layer::Pager(pager)) => pager_hints(self, pager, layout),
            Some(Layer::Gallery(gallery)) => gallery_hints(self, gallery, layout),
            Some(layer) if hides(layer) => return None,
            _ if self.is_over_modal() => return None,
            _ => StatusRow::new(self, layout, now).hints,
        };
        let action = hints.into_iter().find(|(area, _)| area.contains(at)).map(|(_, hint)| hint.action)?;
        let needs_a_key = match action {
            Action::Enter | Action::QuitOrDelete | Action::Interrupt => true,
            // The second press runs the code, or takes it back.
            Action::RunAgain | Action::Rewind | Action::Open => {
                self.pending.run_again.is_some() || self.pending.rewind.is_some()
            }
            _ => false,
        };
        Some(action).filter(|_| !needs_a_key)
    }

    fn click_palette(&mut self, layout: &Layout, at: Position, now: Timestamp) -> Option<Effect> {
        let row = draw_palette::row_at(self, layout, at)?;
        self.layers.palette_mut()?.row = row;
        self.on_key(Action::Choose.press(), now)
    }

    /// Inspects a variable, and selects it in the list.
    fn click_variable(&mut self, variable: String) -> Effect {
        self.variables.selected = Some(variable.clone());
        self.open_inspector(variable)
    }

    fn drag(&mut self, layout: &Layout, at: Position, now: Timestamp) {
        match self.mouse.held {
            Some(Held::Divider) => {
                let right = layout.rule.right();
                self.variables.sidebar_width = Some(right.saturating_sub(at.x));
            }
            Some(Held::Input) => {
                put_cursor(self.composer.input_mut(now), layout.editor_text(), at, true);
            }
            None => {}
        }
    }

    fn variable_in_drawer(&self, layout: &Layout, at: Position) -> Option<String> {
        let row = usize::from(at.y).checked_sub(usize::from(layout.drawer.y) + 1)? + self.drawer(layout)?.scroll;
        Some(items(self).get(row)?.variable()?.name.clone())
    }

    fn listed_at(&self, layout: &Layout, at: Position) -> Option<Listed<'_>> {
        Listed::of(self, layout).filter(|listed| listed.area.contains(at))
    }

    /// The variable of the sidebar at a position.
    fn variable_at(&self, layout: &Layout, at: Position) -> Option<String> {
        let listed = self.listed_at(layout, at)?;
        listed.rows.get(usize::from(at.y - listed.area.y)).map(|variable| variable.name.clone())
    }

    fn click_transcript(&mut self, layout: &Layout, at: Position, double: bool, now: Timestamp) -> Option<Effect> {
        let frame = self.frame.as_ref()?;
        let place = frame.window.get(usize::from(at.y - layout.transcript.y)).copied()?;
        let card = frame.cards.get(&place.card).cloned();
        let on_mark = card.as_ref().and_then(|card| card.rows.get(place.row)).is_some_and(is_fold_mark);
        let foldable = card.is_some_and(|card| card.foldable);
        self.viewport.selected = Some(place.card);
        if self.viewport.anchor == Anchor::Follow && self.is_busy() {
            // The clicked row must not move away.
            self.viewport.anchor = frame.window.first().map_or(Anchor::Follow, |first| Anchor::At(*first));
        }
        self.leave_variables();
        // A second press of Enter could run the code.
        let asks = self.pending.run_again.is_some() || self.pending.rewind.is_some();
        if double && !on_mark && !asks && self.opens(place.card) {
            return self.on_key(Action::Open.press(), now);
        }
        if foldable && (on_mark || double) {
            self.fold();
        }
        None
    }
}

fn is_fold_mark(row: &Row) -> bool {
    let (Row::Text(line) | Row::Code(line, _)) = row else { return false };
    let first = line.spans.first();
    first.is_some_and(|span| span.style == theme::DIM && FOLD_MARKS.iter().any(|mark| span.content.starts_with(mark)))
}
