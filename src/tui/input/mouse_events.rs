//! Mouse events: the wheel scrolls the area under it, a click selects a card or inspects a variable, a drag selects in
//! the input or moves the divider. The mouse never runs, answers or closes anything.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::domain::Timestamp;
use crate::tui::composer::draw::put_cursor;
use crate::tui::composer::editor::Editor;
use crate::tui::draw::layout::Layout;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::input::mouse::Held;
use crate::tui::layers::Layer;
use crate::tui::theme;
use crate::tui::transcript::card::Row;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::variables::draw_sidebar::Listed;
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
        match event.kind {
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
            Some(Layer::Gallery(_)) => {}
            Some(Layer::Help { .. } | Layer::Inspector { .. } | Layer::Replay { .. }) => self.move_by(rows),
            Some(Layer::Drawer { .. }) if layout.drawer.contains(at) => self.move_by(rows),
            _ => self.wheel_over_transcript(layout, at, rows, now),
        }
    }

    fn wheel_over_transcript(&mut self, layout: &Layout, at: Position, rows: isize, now: Timestamp) {
        if layout.editor.contains(at) {
            // Beyond the ends of the input, the cursor would only follow the view.
            let input = self.input_mut(now);
            if input.rows(layout.editor_text().width) > usize::from(layout.editor.height) {
                input.scroll(rows);
            }
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
        let typing = match self.layers.top() {
            Some(Layer::Drawer { .. }) if layout.drawer.contains(at) => {
                let variable = self.click_drawer(layout, at)?;
                return double.then(|| self.open_inspector(variable));
            }
            Some(Layer::SearchPrompt(_)) => true,
            Some(layer) if layer.is_modal() || layer.covers_input() => return None,
            _ => false,
        };
        if let Some(variable) = self.variable_at(layout, at).filter(|_| !typing) {
            return Some(self.open_inspector(variable));
        } else if layout.hairline().is_some_and(|hairline| hairline.abs_diff(at.x) <= 1) && !layout.editor.contains(at)
        {
            self.mouse.held = Some(Held::Divider);
        } else if layout.transcript.contains(at) {
            self.click_transcript(layout, at, double);
        } else if layout.rule.contains(at) {
            self.viewport.anchor = Anchor::Follow;
            self.viewport.selected = None;
        } else if layout.editor.contains(at) {
            self.mouse.held = Some(Held::Input);
            self.viewport.selected = None;
            self.composer.completion.close();
            let (area, place) = (layout.editor_text(), at);
            let input = self.input_mut(now);
            put_cursor(input, area, place, false);
            if double {
                input.select_word();
            }
        }
        None
    }

    fn drag(&mut self, layout: &Layout, at: Position, now: Timestamp) {
        match self.mouse.held {
            Some(Held::Divider) => {
                let right = layout.rule.right();
                self.variables.sidebar_width = Some(right.saturating_sub(at.x));
            }
            Some(Held::Input) => {
                let input = self.input_mut(now);
                put_cursor(input, layout.editor_text(), at, true);
            }
            None => {}
        }
    }

    /// Selects a variable in the drawer.
    fn click_drawer(&mut self, layout: &Layout, at: Position) -> Option<String> {
        let Some(Layer::Drawer { scroll }) = self.layers.top() else { return None };
        let row = usize::from(at.y).checked_sub(usize::from(layout.drawer.y) + 1)? + scroll;
        let name = crate::tui::variables::drawer::items(self).get(row)?.variable()?.name.clone();
        self.variables.selected = Some(name.clone());
        Some(name)
    }

    fn listed_at(&self, layout: &Layout, at: Position) -> Option<Listed<'_>> {
        Listed::of(self, layout).filter(|listed| listed.area.contains(at))
    }

    /// The variable of the sidebar at a position.
    fn variable_at(&self, layout: &Layout, at: Position) -> Option<String> {
        let listed = self.listed_at(layout, at)?;
        listed.rows.get(usize::from(at.y - listed.area.y)).map(|variable| variable.name.clone())
    }

    fn click_transcript(&mut self, layout: &Layout, at: Position, double: bool) {
        let Some(frame) = &self.frame else { return };
        let Some(place) = frame.window.get(usize::from(at.y - layout.transcript.y)).copied() else { return };
        let card = frame.cards.get(&place.card).cloned();
        let on_mark = card.as_ref().and_then(|card| card.rows.get(place.row)).is_some_and(is_fold_mark);
        let foldable = card.is_some_and(|card| card.foldable);
        self.viewport.selected = Some(place.card);
        if self.viewport.anchor == Anchor::Follow && self.is_busy() {
            // The clicked row must not move away.
            self.viewport.anchor = frame.window.first().map_or(Anchor::Follow, |first| Anchor::At(*first));
        }
        if foldable && (on_mark || double) {
            self.fold();
        }
    }

    fn input_mut(&mut self, now: Timestamp) -> &mut Editor {
        match &mut self.composer.reply {
            Some(reply) if reply.is_open(&self.composer.editor, now) => &mut reply.editor,
            _ => &mut self.composer.editor,
        }
    }
}

fn is_fold_mark(row: &Row) -> bool {
    let (Row::Text(line) | Row::Code(line)) = row else { return false };
    let first = line.spans.first();
    first.is_some_and(|span| span.style == theme::DIM && FOLD_MARKS.iter().any(|mark| span.content.starts_with(mark)))
}
