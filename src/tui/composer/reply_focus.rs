//! The focus within the composer: the input, or the reply in front.

use super::Composer;
use super::editor::Editor;
use super::replies::SHORT_CALM;
use super::reply::Reply;
use crate::domain::Timestamp;

impl Composer {
    /// The reply that gets the keys.
    pub fn open_reply(&self, now: Timestamp) -> Option<&Reply> {
        self.replies.current().filter(|reply| self.is_open(reply, now))
    }

    pub fn open_reply_mut(&mut self, now: Timestamp) -> Option<&mut Reply> {
        self.open_reply(now)?;
        self.replies.current_mut()
    }

    fn is_open(&self, reply: &Reply, now: Timestamp) -> bool {
        reply.is_late || reply.turned.unwrap_or(self.editor.is_empty() && now >= self.replies.calm_until)
    }

    /// The reply whose question is shown in full; it has the keys, or gets them in a moment.
    pub fn shown_reply(&self) -> Option<&Reply> {
        let reply = self.replies.current()?;
        (reply.is_late || reply.turned.unwrap_or(self.editor.is_empty())).then_some(reply)
    }

    /// The editor that gets the keys now.
    pub fn input_mut(&mut self, now: Timestamp) -> &mut Editor {
        if self.open_reply(now).is_some()
            && let Some(reply) = self.replies.open.first_mut()
        {
            return &mut reply.editor;
        }
        &mut self.editor
    }

    /// Whether keys that run, recall or quit have no effect now, because they may have been meant for a question.
    pub fn is_shielded(&self, now: Timestamp) -> bool {
        now < self.replies.calm_until && (self.editor.is_empty() || self.replies.is_doubtful)
    }

    /// Notes a key that had no effect because of [`Composer::is_shielded`].
    pub fn swallowed(&mut self, now: Timestamp) {
        self.replies.calm_until = self.replies.calm_until.max(now + SHORT_CALM);
    }

    /// Notes that text goes to the input.
    pub fn before_writing(&mut self, now: Timestamp) {
        let replies = &mut self.replies;
        if self.editor.is_empty() {
            replies.is_doubtful = now < replies.calm_until;
        }
        replies.hold_back(now);
    }

    /// Whether the input was perhaps written as an answer. That is asked once.
    pub fn take_doubt(&mut self) -> bool {
        std::mem::take(&mut self.replies.is_doubtful) && !self.editor.is_empty()
    }
}
