//! Measuring a frame before it is drawn, so that drawing changes nothing.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::tui::composer::draw_reply;
use crate::tui::draw::layout::Layout;
use crate::tui::layers::Layer;
use crate::tui::overlays::draw_help;
use crate::tui::review::draw_dock;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::variables::{draw_drawer, draw_inspector};
use crate::tui::view::{Prepared, View};

impl View {
    fn layout(&self, area: Rect) -> Option<Layout> {
        let lines = self.composer.editor.buffer.lines().len();
        Layout::new(area, self.variables.sidebar_width, lines, |width| {
            let reply = self.composer.replies.current().map_or(0, |reply| reply.editor.rows(width));
            let question = self.composer.shown_reply().map_or(0, |reply| draw_reply::rows(reply, width).len());
            let writing = self.review_writing().map_or(0, |writing| writing.editor.rows(width));
            let dock = self.dock_rows(area);
            (self.composer.editor.rows(width).max(reply).max(writing), question, dock)
        })
    }

    /// The rows of the dock. Without the keys, it takes a third of the screen at most.
    fn dock_rows(&self, area: Rect) -> usize {
        let most = if self.is_reviewing() { area.height / 2 } else { area.height / 3 };
        draw_dock::needed_rows(self, area.width).min(most.into())
    }

    /// Measures the next frame. Each drawing needs this first.
    pub fn prepare(&mut self, area: Rect) {
        self.dock.prepare(&self.transcript, draw_dock::code_width(area.width));
        let layout = self.layout(area);
        let mut window = Vec::new();
        let mut cards = BTreeMap::new();
        if let Some(layout) = layout {
            self.transcript.forget_unpacked();
            self.advance_lookup(&layout);
            let anchor = self.viewport.anchor;
            let anchor = self.walk(&layout, |walk, height| {
                let mut anchor = anchor;
                window = walk.window(&mut anchor, height);
                for index in window.chunk_by(|a, b| a.card == b.card).map(|rows| rows[0].card) {
                    cards.extend(walk.card(index).map(|card| (index, card)));
                }
                anchor
            });
            self.viewport.anchor = anchor;
            if anchor == Anchor::Follow {
                self.viewport.seen = self.transcript.entries().len();
            }
        }
        self.request_figures(area, &window, &cards);
        if let Some(pager) = self.layers.pager_mut() {
            pager.prepare(area, &self.transcript, self.records.spool.as_deref());
        }
        if let Some(layout) = &layout {
            self.find_suggestion();
            let text = layout.editor_text();
            self.composer.editor.fit(text.width, text.height);
            if let Some(reply) = self.composer.replies.current_mut() {
                reply.editor.fit(text.width, text.height);
            }
            if let Some(writing) = &mut self.dock.writing {
                writing.editor.fit(text.width, text.height);
            }
            self.clamp_layers(layout);
        }
        self.mark(&cards, layout.as_ref());
        self.frame = Some(Prepared { area, layout, window, cards });
    }

    /// Limits scrolling to where the last row is in sight.
    fn clamp_layers(&mut self, layout: &Layout) {
        if self.layers.is_empty() {
            return;
        }
        if self.has_list_focus() && self.variables.query.is_none() {
            self.select_a_variable();
        }
        let drawer = draw_drawer::rows(self).saturating_sub(usize::from(layout.drawer.height).saturating_sub(2));
        let help = draw_help::hidden(self, layout);
        let table_height = draw_inspector::table_height(self, layout) as u64;
        if let Some(inspector) = &mut self.variables.inspector {
            inspector.height = table_height;
            inspector.grid.show_row(table_height);
        }
        let inspector = draw_inspector::hidden(self, layout);
        for layer in self.layers.iter_mut() {
            match layer {
                Layer::Help(state) => state.scroll = state.scroll.min(help),
                Layer::Variables(list) => list.scroll = list.scroll.min(drawer),
                Layer::Inspector { scroll } => *scroll = (*scroll).min(inspector),
                _ => {}
            }
        }
    }
}
