//! Which layer has the focus, and which keys hold there.

use crate::domain::Timestamp;
use crate::tui::input::keymap::{Context, WRITING};
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// The topmost layer below the palette, which the palette's actions apply to.
    pub fn below_palette(&self) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| !matches!(layer, Layer::Palette(_) | Layer::ConfigProblems(_)))
    }

    /// The contexts of keys below the palette, the nearest first.
    pub fn contexts(&self, now: Timestamp) -> Vec<Context> {
        self.contexts_of(self.below_palette(), now)
    }

    /// The contexts without the help.
    pub fn contexts_below_help(&self) -> Vec<Context> {
        let layer = self.layers.iter().rev().find(|layer| !matches!(layer, Layer::Help { .. }));
        self.contexts_of(layer, self.composer.typed_at)
    }

    fn contexts_of(&self, layer: Option<&Layer>, now: Timestamp) -> Vec<Context> {
        if let Some(contexts) = layer.and_then(Layer::contexts) {
            return contexts;
        }
        if matches!(layer, Some(Layer::Drawer { .. }))
            && self.composer.editor.is_empty()
            && self.open_reply(now).is_none()
        {
            return vec![Context::Variables, Context::Input, Context::Transcript, Context::Session];
        }
        let mut contexts = if self.viewport.selected.is_some() {
            vec![Context::Card, Context::Transcript, Context::Session]
        } else {
            WRITING.to_vec()
        };
        if matches!(layer, Some(Layer::HistorySearch(_))) {
            contexts.insert(0, Context::History);
        }
        if self.has_variables() {
            contexts.push(Context::Restarting);
        }
        contexts
    }

    /// Returns whether an open layer takes all keys from the input.
    pub(in crate::tui) fn has_layer_for_keys(&self) -> bool {
        match self.layers.top() {
            None => false,
            Some(Layer::Drawer { .. }) => self.variables.query.is_some(),
            Some(_) => true,
        }
    }
}
