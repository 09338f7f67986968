//! The history of edits, in groups that one undo takes back: a word as it was typed, a paste, a completion.

use std::collections::VecDeque;

use super::position::Pos;

/// Older groups are dropped.
const MAX_GROUPS: usize = 10_000;

/// The text that was removed at a place, and the text that was inserted instead.
#[derive(Debug)]
pub struct Edit {
    pub at: Pos,
    pub removed: String,
    pub inserted: String,
}

impl Edit {
    /// Returns the end of the inserted text.
    pub fn end(&self) -> Pos {
        self.at.after(&self.inserted)
    }
}

/// Edits that one undo takes back.
#[derive(Debug)]
pub struct EditGroup {
    number: u64,
    pub edits: Vec<Edit>,
    /// The cursor before the first edit.
    pub before: Pos,
}

/// The kind of the next edit. Some kinds join the group of the edit before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditKind {
    Typed { c: char, at: Pos },
    Erased { at: Pos },
    Killed,
    Other,
}

#[derive(Debug)]
pub struct UndoHistory {
    done: VecDeque<EditGroup>,
    undone: Vec<EditGroup>,
    /// The number of the group that the next edit belongs to.
    number: u64,
    last: EditKind,
    /// All edits go into the same group.
    is_grouping: bool,
}

impl Default for UndoHistory {
    fn default() -> Self {
        Self { done: VecDeque::new(), undone: Vec::new(), number: 0, last: EditKind::Other, is_grouping: false }
    }
}

impl UndoHistory {
    /// Announces the next edit, and begins a new group unless that edit continues the last one.
    pub fn begin(&mut self, kind: EditKind) {
        let continues = match (self.last, kind) {
            (EditKind::Typed { c: before, at }, EditKind::Typed { c, at: here }) => {
                let begins_word = before.is_whitespace() && !c.is_whitespace();
                here == at.after(before.encode_utf8(&mut [0; 4])) && !begins_word
            }
            // Each deletion moves the cursor, so only another row shows that it is elsewhere.
            (EditKind::Erased { at }, EditKind::Erased { at: here }) => at.row == here.row,
            _ => false,
        };
        self.number += u64::from(!continues && !self.is_grouping);
        self.last = kind;
    }

    /// Puts all edits into one group, until [`UndoHistory::end_group`].
    pub fn begin_group(&mut self) {
        self.begin(EditKind::Other);
        self.is_grouping = true;
    }

    pub fn end_group(&mut self) {
        self.is_grouping = false;
        self.begin(EditKind::Other);
    }

    pub fn last_was_kill(&self) -> bool {
        self.last == EditKind::Killed
    }

    /// `before`: the cursor before the edit.
    pub fn record(&mut self, edit: Edit, before: Pos) {
        self.undone.clear();
        let Some(group) = self.done.back_mut().filter(|group| group.number == self.number) else {
            self.done.push_back(EditGroup { number: self.number, edits: vec![edit], before });
            if self.done.len() > MAX_GROUPS {
                self.done.pop_front();
            }
            return;
        };
        match group.edits.last_mut() {
            // Letters that were typed one after the other are one edit.
            Some(last) if edit.removed.is_empty() && edit.at == last.end() => {
                last.inserted.push_str(&edit.inserted);
            }
            _ => group.edits.push(edit),
        }
    }

    /// Takes the group to undo. The caller gives it back to [`UndoHistory::push_undone`].
    pub fn pop_done(&mut self) -> Option<EditGroup> {
        self.done.pop_back()
    }

    pub fn push_undone(&mut self, group: EditGroup) {
        self.undone.push(group);
        self.separate();
    }

    /// Takes the group to redo. The caller gives it back to [`UndoHistory::push_done`].
    pub fn pop_undone(&mut self) -> Option<EditGroup> {
        self.undone.pop()
    }

    pub fn push_done(&mut self, group: EditGroup) {
        self.done.push_back(group);
        self.separate();
    }

    /// The next edit joins no group.
    fn separate(&mut self) {
        self.last = EditKind::Other;
        self.number = self.number.max(self.done.back().map_or(0, |group| group.number)) + 1;
    }
}
