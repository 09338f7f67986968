//! The key that interrupts (Ctrl-C). One rule holds wherever the person is: the running code first, then the topmost
//! layer, then the input.

use super::effect::Effect;
use crate::domain::Timestamp;
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// Handles the interrupt key, which applies to running code first, then to the topmost layer, then to the input.
    pub(in crate::tui) fn interrupt(&mut self, now: Timestamp) -> Option<Effect> {
        if let Some(running) = self.transcript.running() {
            self.pending.interrupt = Some((running.id, now));
            return Some(Effect::Interrupt);
        }
        if self.transcript.busy().is_some() {
            return Some(Effect::Interrupt);
        }
        if self.leave_topmost() {
            return None;
        }
        if self.viewport.selected.take().is_some() {
            return None;
        }
        let composer = &mut self.composer;
        if let Some(reply) = composer.open_reply_mut(now) {
            reply.editor.clear();
            reply.choice = None;
            return None;
        }
        if let Some(copied) = composer.editor.copy() {
            return Some(Effect::Copy(copied));
        }
        composer.editor.clear();
        composer.completion.close();
        None
    }

    /// Leaves the topmost layer, or the prompt within it. Returns `false` if the input has the keys.
    fn leave_topmost(&mut self) -> bool {
        match self.layers.top_mut() {
            None => return false,
            Some(Layer::Variables(_)) if self.variables.query.take().is_some() => {}
            Some(Layer::Variables(list)) if !list.has_focus => return false,
            Some(Layer::SearchPrompt(_)) => self.leave_search_prompt(),
            Some(Layer::Review) if self.dock.writing.is_some() => self.leave_review_writing(),
            Some(Layer::Pager(pager)) if pager.is_asking() => pager.asking = None,
            Some(Layer::Gallery(gallery)) if gallery.naming.is_some() => gallery.leave_naming(),
            Some(Layer::Help(help)) if help.is_typing => help.clear(),
            Some(Layer::Inspector { .. }) if self.variables.leave_prompt() => {}
            Some(_) => drop(self.layers.pop()),
        }
        true
    }
}
