//! The entries of a transcript: the newest as they are, the older ones packed in blocks.
//!
//! A session may run a million snippets, and nobody looks at most of them again. A block is unpacked when somebody
//! reads one of its entries, and forgotten by [`Entries::forget_unpacked`].

use std::ops::{Index, Range};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::entry::Entry;
use super::packed::{BLOCK, PackedEntries};
use crate::domain::Author;

/// The newest entries, which are never packed.
const RECENT: usize = 2_048;
/// Bytes of all packed blocks together. Beyond it the oldest keep only the ends of their texts.
const MAX_PACKED: usize = 8 << 20;
/// Unpacked blocks that are kept for the next reader.
const MAX_UNPACKED: usize = 16;

#[derive(Debug, Default)]
pub struct Entries {
    blocks: Vec<PackedEntries>,
    recent: Vec<Entry>,
    /// Bytes of the packed blocks.
    packed: usize,
    /// Blocks before this one have been shortened.
    shortened_until: usize,
    /// The number of blocks that readers have unpacked.
    unpacked: AtomicUsize,
}

impl Entries {
    #[must_use]
    pub fn len(&self) -> usize {
        self.packed_len() + self.recent.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of entries in blocks. These come first.
    #[must_use]
    pub fn packed_len(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Entry> {
        match self.blocks.get(index / BLOCK) {
            Some(block) => block.get(index % BLOCK, &self.unpacked),
            None => self.recent.get(index - self.packed_len()),
        }
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Entry> {
        let packed = self.packed_len();
        match self.blocks.get_mut(index / BLOCK) {
            Some(block) => block.get_mut(index % BLOCK, &self.unpacked),
            None => self.recent.get_mut(index - packed),
        }
    }

    /// Returns an entry that need not be unpacked: a recent one, or one with displays or that has not ended.
    pub fn loose_mut(&mut self, index: usize) -> Option<&mut Entry> {
        let packed = self.packed_len();
        match self.blocks.get_mut(index / BLOCK) {
            Some(block) => block.loose_mut(index % BLOCK),
            None => self.recent.get_mut(index - packed),
        }
    }

    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.get(self.len().checked_sub(1)?)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator + Clone {
        self.range(0..self.len())
    }

    /// Iterates over the entries at these places.
    pub fn range(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator + Clone {
        range.map(|index| &self[index])
    }

    /// Visits all entries, the newest first, and keeps none of them unpacked.
    pub fn visit_backwards(&self, mut visit: impl FnMut(&Entry)) {
        self.recent.iter().rev().for_each(&mut visit);
        for block in self.blocks.iter().rev() {
            block.with_entries(|entries| entries.iter().rev().copied().for_each(&mut visit));
        }
    }

    /// Iterates over the entries that are not packed, in order. Among them are all that have not ended, and all but
    /// snippets.
    pub fn loose(&self) -> impl Iterator<Item = &Entry> {
        self.blocks.iter().flat_map(PackedEntries::loose).chain(&self.recent)
    }

    /// Iterates over the authors of all snippets; those of packed ones come first, and once for each block.
    pub fn authors(&self) -> impl Iterator<Item = &Author> {
        let loose = self.loose().filter_map(|entry| match entry {
            Entry::Snippet(snippet) => Some(&snippet.author),
            _ => None,
        });
        self.blocks.iter().flat_map(PackedEntries::authors).chain(loose)
    }

    /// Counts the entries that fit. For a snippet, its author has to decide alone, so that none is unpacked.
    pub fn count(&self, by: impl Fn(&Author) -> bool, fits: impl Fn(&Entry) -> bool) -> usize {
        let packed: usize = self.blocks.iter().map(|block| block.count(&by, &fits)).sum();
        packed + self.recent.iter().filter(|entry| fits(entry)).count()
    }

    /// Returns the place of the first entry within `range` that fits, and keeps none unpacked.
    pub fn find_in(&self, range: Range<usize>, fits: impl Fn(&Entry) -> bool) -> Option<usize> {
        let in_block = self.blocks_in(&range).find_map(|number| self.places_in(number, &range, &fits).first().copied());
        in_block.or_else(|| self.recent_in(range).find(|place| fits(&self[*place])))
    }

    /// The same for the last one.
    pub fn find_last_in(&self, range: Range<usize>, fits: impl Fn(&Entry) -> bool) -> Option<usize> {
        let recent = self.recent_in(range.clone()).rfind(|place| fits(&self[*place]));
        let in_block = || self.blocks_in(&range).rev().find_map(|number| self.places_in(number, &range, &fits).pop());
        recent.or_else(in_block)
    }

    fn recent_in(&self, range: Range<usize>) -> Range<usize> {
        range.start.max(self.packed_len())..range.end.min(self.len())
    }

    fn blocks_in(&self, range: &Range<usize>) -> Range<usize> {
        range.start / BLOCK..range.end.div_ceil(BLOCK).min(self.blocks.len())
    }

    /// Returns the places of the entries of a block that fit.
    fn places_in(&self, block: usize, range: &Range<usize>, fits: impl Fn(&Entry) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        self.blocks[block].with_entries(|entries| {
            let places = (block * BLOCK..).zip(entries);
            found.extend(places.filter(|(place, entry)| range.contains(place) && fits(entry)).map(|(place, _)| place));
        });
        found
    }

    pub fn push(&mut self, entry: Entry) {
        self.recent.push(entry);
    }

    /// Packs the oldest of the recent entries if there are enough. Returns where these are, before they are packed, to
    /// `leaving`.
    pub fn pack(&mut self, leaving: impl FnOnce(Range<usize>, &[Entry])) {
        self.forget_unpacked();
        if self.recent.len() < RECENT + BLOCK {
            return;
        }
        let first = self.packed_len();
        leaving(first..first + BLOCK, &self.recent[..BLOCK]);
        let block = PackedEntries::new(self.recent.drain(..BLOCK).collect());
        self.packed += block.size();
        self.blocks.push(block);
        while self.packed > MAX_PACKED && self.shortened_until < self.blocks.len() {
            let block = &mut self.blocks[self.shortened_until];
            self.packed -= block.size();
            block.shorten();
            self.packed += block.size();
            self.shortened_until += 1;
        }
    }

    /// Forgets what readers have unpacked, if that is much.
    pub fn forget_unpacked(&mut self) {
        if *self.unpacked.get_mut() <= MAX_UNPACKED {
            return;
        }
        *self.unpacked.get_mut() = 0;
        for block in &mut self.blocks {
            self.packed -= block.size();
            block.forget_unpacked();
            self.packed += block.size();
        }
    }
}

/// The clone shares the packed bytes.
impl Clone for Entries {
    fn clone(&self) -> Self {
        Self {
            blocks: self.blocks.clone(),
            recent: self.recent.clone(),
            packed: self.packed,
            shortened_until: self.shortened_until,
            unpacked: AtomicUsize::new(self.unpacked.load(Ordering::Relaxed)),
        }
    }
}

impl Index<usize> for Entries {
    type Output = Entry;

    /// # Panics
    /// As a slice does, beyond the end.
    fn index(&self, index: usize) -> &Entry {
        match self.get(index) {
            Some(entry) => entry,
            None => &self.recent[index],
        }
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a Entry;
    type IntoIter = Box<dyn DoubleEndedIterator<Item = &'a Entry> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Transcript;
    use super::*;
    use crate::domain::{
        ClientId, Display, Event, Form, Note, Outcome, OutputChunk, SnippetId, Status, Stream, VariableChanges,
    };

    /// A session of `count` snippets, of which each tenth shows a picture, and each hundredth is followed by a note.
    struct Told(Transcript);

    impl Told {
        fn apply(&mut self, event: &Event) {
            self.0.apply(event);
        }

        fn begin(&mut self, number: u32, code: &str) {
            let (snippet, at) = (SnippetId(number), u64::from(number));
            let author = match number % 2 {
                0 => Author::You,
                _ => Author::Client { id: ClientId(1), name: "claude".into() },
            };
            self.apply(&Event::Submitted { snippet, author, code: code.into(), call: None, at });
            self.apply(&Event::Started { snippet, at });
        }

        fn write(&mut self, number: u32, text: &str) {
            let chunk = OutputChunk::of(Stream::Stdout, text);
            self.apply(&Event::Output { snippet: Some(SnippetId(number)), chunk, at: 1 });
        }

        fn end(&mut self, number: u32, result: &str) {
            let outcome = Outcome {
                status: Status::Ok,
                returncode: 0,
                result: Some(result.to_owned()),
                frame: None,
                frames: Vec::new(),
                error: None,
                stopped_by: None,
                elapsed: std::time::Duration::from_micros(number.into()),
                changes: VariableChanges::default(),
            };
            self.apply(&Event::Finished { snippet: SnippetId(number), outcome: outcome.into(), at: 2 });
        }

        fn of(count: u32) -> Self {
            let mut told = Self(Transcript::default());
            for number in 1..=count {
                told.begin(number, &format!("print({number}) # é"));
                told.write(number, &format!("{number}\n"));
                if number % 10 == 0 {
                    let form = Form::new("image/png", vec![1, 2, 3]);
                    let display = Display { after: 0, id: None, forms: vec![form] }.into();
                    told.apply(&Event::Displayed { snippet: SnippetId(number), display, replaces: false, at: 1 });
                }
                if number != 7 {
                    told.end(number, &number.to_string());
                }
                if number % 100 == 0 {
                    let note =
                        Note { by: Author::You, text: "look".into(), about: None, to: None, answers: None }.into();
                    told.apply(&Event::Noted { note, at: 3 });
                }
            }
            told
        }

        fn seen(&self, number: u32) -> String {
            format!("{:?}", self.0.snippet(SnippetId(number)))
        }
    }

    #[test]
    fn packed_entries_are_read_and_changed_as_if_they_were_not_packed() {
        let (count, few) = (5_000, 1_500);
        let mut told = Told::of(count);
        let whole = Told::of(few);
        assert!(told.0.entries().packed_len() > 2_500 && whole.0.entries().packed_len() == 0);
        for number in (1..=few).rev() {
            assert_eq!(told.seen(number), whole.seen(number));
        }
        let all: Vec<String> = told.0.entries().iter().map(|entry| format!("{entry:?}")).collect();
        assert_eq!(all.len(), 5_050);
        told.0.forget_unpacked();
        assert_eq!(told.0.entries().unpacked.load(Ordering::Relaxed), 0);
        let mut visited = Vec::new();
        told.0.entries().visit_backwards(|entry| visited.insert(0, format!("{entry:?}")));
        assert!(all == visited);
        let names: BTreeSet<&str> = told.0.entries().authors().map(Author::name).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["claude", "you"]);
        let is_open = |entry: &&Entry| matches!(entry, Entry::Snippet(snippet) if !snippet.status.is_final());
        assert_eq!(told.0.entries().loose().filter(is_open).count(), 1);
        assert_eq!(told.0.last_snippet(), Some(SnippetId(count)));
        let by = |entry: &Entry| matches!(entry, Entry::Snippet(snippet) if snippet.author.is_you());
        assert_eq!(told.0.entries().count(Author::is_you, by), 2_500);
        let second = |entry: &Entry| matches!(entry, Entry::Snippet(snippet) if snippet.id.0 % 1_000 == 2);
        let place = |number| told.0.position(SnippetId(number));
        let entries = told.0.entries();
        assert_eq!(entries.find_in(3..entries.len(), second), place(1_002));
        assert_eq!(entries.find_in(place(4_002).unwrap() + 1..entries.len(), second), None);
        assert_eq!(entries.find_last_in(0..entries.len(), second), place(4_002));
        assert_eq!(entries.find_last_in(2..place(2_002).unwrap(), second), place(1_002));
        assert_eq!(entries.unpacked.load(Ordering::Relaxed), 0);

        // Late output, the late end of a snippet, and a late picture.
        told.write(5, "late\n");
        told.end(7, "late");
        let display = Display { after: 0, id: None, forms: vec![Form::new("image/png", vec![9])] }.into();
        told.apply(&Event::Displayed { snippet: SnippetId(9), display, replaces: false, at: 1 });
        let check = |told: &Told| {
            let of = |number| told.0.snippet(SnippetId(number)).unwrap();
            assert_eq!(of(5).output.text(None), "5\nlate\n");
            assert_eq!((of(7).status, of(9).displays.len(), of(10).displays.len()), (Status::Ok, 1, 1));
        };
        check(&told);
        drop(told.0.entries().iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>());
        told.0.forget_unpacked();
        check(&told);
    }

    #[test]
    fn many_small_snippets_take_little_and_large_ones_are_bounded() {
        let mut told = Told(Transcript::default());
        for number in 1..=20_000 {
            told.begin(number, "1+1");
            told.end(number, "2");
        }
        let entries = told.0.entries();
        let each = entries.packed / entries.packed_len();
        assert!(each < 25, "{each} bytes");

        // Texts that cannot be packed well.
        let mut random = 1u64;
        let mut told = Told(Transcript::default());
        for number in 1..=5_000 {
            let mut text = String::new();
            while text.len() < 8_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text += &format!("{random:x}");
            }
            told.begin(number, &text);
            told.write(number, &text);
            told.end(number, "2");
        }
        let entries = told.0.entries();
        assert!(entries.packed <= MAX_PACKED, "{}", entries.packed);
        assert!(told.0.snippet(SnippetId(1)).unwrap().code.ends_with(super::super::shortening::CODE_MARK));
    }
}
