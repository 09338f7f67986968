//! The focus: the layer that has the keys, and the contexts of those keys.

use crate::tui::input::keymap::{Context, WRITING};
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// The topmost layer below the palette, which the palette's actions apply to.
    pub fn below_palette(&self) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| !matches!(layer, Layer::Palette(_) | Layer::ConfigProblems(_)))
    }

    /// The contexts of keys below the palette, the nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        self.contexts_of(self.below_palette())
    }

    /// The contexts below the help, the nearest first.
    pub fn contexts_below_help(&self) -> Vec<Context> {
        let layer = self.layers.iter().rev().find(|layer| !matches!(layer, Layer::Help(_)));
        let mut contexts = self.contexts_of(layer);
        if layer.is_none() && self.composer.completion.popup.is_some() {
            contexts.insert(0, Context::Completion);
        }
        contexts
    }

    /// Returns whether a layer below the palette and the help takes every key.
    pub(in crate::tui) fn is_over_modal(&self) -> bool {
        self.layers.iter().any(|layer| layer.is_modal() && !matches!(layer, Layer::Palette(_)))
    }

    fn contexts_of(&self, layer: Option<&Layer>) -> Vec<Context> {
        if let Some(contexts) = layer.and_then(Layer::contexts) {
            return contexts;
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
            contexts.extend([Context::Restarting, Context::Leaving]);
        }
        contexts
    }

    /// Returns whether an open layer takes all keys from the input.
    pub(in crate::tui) fn has_layer_for_keys(&self) -> bool {
        match self.layers.top() {
            None => false,
            Some(Layer::Variables(list)) => list.has_focus,
            Some(_) => true,
        }
    }
}
