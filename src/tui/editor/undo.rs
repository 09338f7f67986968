//! What was done to a text, in groups that are undone at once: a word as it was typed, a paste, a completion.

use super::buffer::Pos;

/// Text kept for undo, in bytes; the oldest goes first.
const MOST: usize = 16 << 20;

#[derive(Clone, Debug)]
pub struct Edit {
    pub at: Pos,
    pub removed: String,
    pub inserted: String,
    /// The cursor before it.
    pub before: Pos,
    group: u64,
}

impl Edit {
    pub fn new(at: Pos, removed: String, inserted: String, before: Pos) -> Self {
        Self { at, removed, inserted, before, group: 0 }
    }

    fn bytes(&self) -> usize {
        self.removed.len() + self.inserted.len()
    }
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
    past: Vec<Edit>,
    future: Vec<Edit>,
    bytes: usize,
    group: u64,
    last: Step,
    /// All edits go into the same group.
    pub held: bool,
}

impl Default for Undo {
    fn default() -> Self {
        Self { past: Vec::new(), future: Vec::new(), bytes: 0, group: 0, last: Step::Other, held: false }
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
        self.group += u64::from(!goes_on && !self.held);
        self.last = step;
    }

    /// Whether the last step was a kill too.
    pub fn kills_on(&self) -> bool {
        self.last == Step::Kill
    }

    pub fn push(&mut self, mut edit: Edit) {
        self.future.clear();
        edit.group = self.group;
        self.bytes += edit.bytes();
        match self.past.last_mut() {
            // What was typed in one go is one edit.
            Some(last)
                if last.group == edit.group && edit.removed.is_empty() && last.at.after(&last.inserted) == edit.at =>
            {
                last.inserted.push_str(&edit.inserted);
            }
            _ => self.past.push(edit),
        }
        if self.bytes > MOST {
            let mut over = self.bytes.saturating_sub(MOST / 2);
            let count = self.past.iter().take_while(|edit| {
                let goes = over > 0;
                over = over.saturating_sub(edit.bytes());
                goes
            });
            let count = count.count().min(self.past.len() - 1);
            self.bytes -= self.past.drain(..count).map(|edit| edit.bytes()).sum::<usize>();
        }
    }

    /// The edits to take back, in this order.
    pub fn back(&mut self) -> Vec<Edit> {
        let edits = take_group(&mut self.past);
        self.future.extend(edits.iter().cloned());
        self.settle();
        edits
    }

    /// The edits to make again, in this order.
    pub fn forth(&mut self) -> Vec<Edit> {
        let edits = take_group(&mut self.future);
        self.past.extend(edits.iter().cloned());
        self.settle();
        edits
    }

    /// What is typed now does not belong to what was.
    fn settle(&mut self) {
        self.last = Step::Other;
        self.group = self.group.max(self.past.last().map_or(0, |edit| edit.group)) + 1;
    }
}

fn take_group(edits: &mut Vec<Edit>) -> Vec<Edit> {
    let Some(group) = edits.last().map(|edit| edit.group) else { return Vec::new() };
    let first = edits.iter().rposition(|edit| edit.group != group).map_or(0, |place| place + 1);
    edits.drain(first..).rev().collect()
}
