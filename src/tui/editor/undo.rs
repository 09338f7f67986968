//! What was done to a text, in groups that are undone at once: a word as it was typed, a paste, a completion.

use super::buffer::Pos;

/// Edits of the text area that are undone at once.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    number: u64,
    pub edits: usize,
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
    past: Vec<Group>,
    future: Vec<Group>,
    /// The number of the group that the next edit belongs to.
    number: u64,
    last: Step,
    /// All edits go into the same group.
    pub held: bool,
}

impl Default for Undo {
    fn default() -> Self {
        Self { past: Vec::new(), future: Vec::new(), number: 0, last: Step::Other, held: false }
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

    pub fn push(&mut self, edits: usize, before: Pos) {
        self.future.clear();
        match self.past.last_mut() {
            Some(group) if group.number == self.number => group.edits += edits,
            _ => self.past.push(Group { number: self.number, edits, before }),
        }
    }

    /// What to take back.
    pub fn back(&mut self) -> Option<Group> {
        let group = self.past.pop()?;
        self.future.push(group);
        self.settle();
        Some(group)
    }

    /// What to make again.
    pub fn forth(&mut self) -> Option<Group> {
        let group = self.future.pop()?;
        self.past.push(group);
        self.settle();
        Some(group)
    }

    /// What is typed now does not belong to what was.
    fn settle(&mut self) {
        self.last = Step::Other;
        self.number = self.number.max(self.past.last().map_or(0, |group| group.number)) + 1;
    }
}
