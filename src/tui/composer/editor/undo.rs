//! What was done to a text, in groups that are undone at once: a word as it was typed, a paste, a completion.

use std::collections::VecDeque;

use crate::tui::composer::editor::position::Pos;

/// What was done before so many groups cannot be undone any more.
const KEPT: usize = 10_000;

/// What stood at a place, and what was put there instead.
#[derive(Debug)]
pub struct Edit {
    pub at: Pos,
    pub removed: String,
    pub inserted: String,
}

/// Edits that are undone at once.
#[derive(Debug)]
pub struct Group {
    number: u64,
    pub edits: Vec<Edit>,
    /// The cursor before the first.
    pub before: Pos,
}

impl Pos {
    /// Where `text` ends that begins here.
    pub fn after(self, text: &str) -> Self {
        match text.rfind('\n') {
            None => Self::new(self.row, self.byte + text.len()),
            Some(last) => Self::new(self.row + text.matches('\n').count(), text.len() - last - 1),
        }
    }
}

/// What is about to be done: some of it goes on with what was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Typed {
        c: char,
        at: Pos,
    },
    Erased {
        at: Pos,
    },
    Kill,
    #[allow(clippy::enum_variant_names, reason = "it is the other kind")]
    Other,
}

#[derive(Debug)]
pub struct Undo {
    past: VecDeque<Group>,
    future: Vec<Group>,
    /// The number of the group that the next edit belongs to.
    number: u64,
    last: Step,
    /// All edits go into the same group.
    pub held: bool,
}

impl Default for Undo {
    fn default() -> Self {
        Self { past: VecDeque::new(), future: Vec::new(), number: 0, last: Step::Other, held: false }
    }
}

impl Undo {
    pub fn step(&mut self, step: Step) {
        let goes_on = match (self.last, step) {
            (Step::Typed { c: before, at }, Step::Typed { c, at: here }) => {
                let begins_word = before.is_whitespace() && !c.is_whitespace();
                here == at.after(before.encode_utf8(&mut [0; 4])) && !begins_word
            }
            // The cursor of the first erased at `at` moved with each: only the row tells a place far away.
            (Step::Erased { at }, Step::Erased { at: here }) => at.row == here.row,
            _ => false,
        };
        self.number += u64::from(!goes_on && !self.held);
        self.last = step;
    }

    /// Whether the last step was a kill too.
    pub fn kills_on(&self) -> bool {
        self.last == Step::Kill
    }

    pub fn push(&mut self, edit: Edit, before: Pos) {
        self.future.clear();
        let Some(group) = self.past.back_mut().filter(|group| group.number == self.number) else {
            self.past.push_back(Group { number: self.number, edits: vec![edit], before });
            if self.past.len() > KEPT {
                self.past.pop_front();
            }
            return;
        };
        match group.edits.last_mut() {
            // Letter by letter is one piece of text.
            Some(last) if edit.removed.is_empty() && edit.at == last.at.after(&last.inserted) => {
                last.inserted.push_str(&edit.inserted);
            }
            _ => group.edits.push(edit),
        }
    }

    /// What to take back; then it is [`Undo::undone`].
    pub fn back(&mut self) -> Option<Group> {
        self.past.pop_back()
    }

    pub fn undone(&mut self, group: Group) {
        self.future.push(group);
        self.settle();
    }

    /// What to make again; then it is [`Undo::redone`].
    pub fn forth(&mut self) -> Option<Group> {
        self.future.pop()
    }

    pub fn redone(&mut self, group: Group) {
        self.past.push_back(group);
        self.settle();
    }

    /// What is typed now does not belong to what was.
    fn settle(&mut self) {
        self.last = Step::Other;
        self.number = self.number.max(self.past.back().map_or(0, |group| group.number)) + 1;
    }
}
