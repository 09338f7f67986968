//! The layer with the focus: the contexts of its keys, and the meaning of the interrupt key.

use crate::domain::Timestamp;
use crate::tui::input::effect::Effect;
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

    /// Handles the interrupt key, which applies to running code first, then to the topmost layer, then to the input.
    pub(in crate::tui) fn interrupt(&mut self, now: Timestamp) -> Option<Effect> {
        if let Some(running) = self.transcript.running() {
            self.pending.interrupt = Some((running.id, now));
            return Some(Effect::Interrupt);
        }
        if self.leave_topmost() {
            return None;
        }
        if self.viewport.selected.take().is_some() {
            return None;
        }
        let composer = &mut self.composer;
        if let Some(reply) = composer.reply.as_mut().filter(|reply| reply.is_open(&composer.editor, now)) {
            reply.editor.clear();
            return None;
        }
        if let Some(copied) = composer.editor.copy() {
            return Some(Effect::Copy(copied));
        }
        composer.editor.clear();
        composer.completion.close();
        None
    }

    /// Returns whether an open layer takes all keys from the input.
    pub(in crate::tui) fn has_layer_for_keys(&self) -> bool {
        match self.layers.top() {
            None => false,
            Some(Layer::Drawer { .. }) => self.variables.query.is_some(),
            Some(_) => true,
        }
    }

    /// Leaves the topmost layer, or the prompt within it. Returns `false` if the input has the keys.
    fn leave_topmost(&mut self) -> bool {
        match self.layers.top_mut() {
            None => return false,
            Some(Layer::Drawer { .. }) => return self.variables.query.take().is_some(),
            Some(Layer::SearchPrompt(_)) => self.leave_search_prompt(),
            Some(Layer::Pager(pager)) if pager.is_asking() => pager.asking = None,
            Some(Layer::Gallery(gallery)) if gallery.naming.is_some() => gallery.leave_naming(),
            Some(_) => drop(self.layers.pop()),
        }
        true
    }
}
