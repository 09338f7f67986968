//! Packed entries: some consecutive entries of a transcript as compressed JSON.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::decompress_to_vec;

use super::entry::Entry;
use super::shortening;
use crate::domain::{Author, Outcome, Snippet};

/// Entries of a block, which are packed together. A reader of one entry unpacks all of them, so they are few.
pub const BLOCK: usize = 128;
/// JSON of alike snippets shrinks to a tenth.
const COMPRESSION_LEVEL: i32 = 3;

#[derive(Clone, Debug, Default)]
pub struct PackedEntries {
    /// The simple snippets, in order.
    packed: Arc<[u8]>,
    /// How many of these each author has.
    authors: Vec<(Author, usize)>,
    /// The other entries, with their places.
    loose: Vec<(u8, Entry)>,
    /// The simple snippets as entries, while somebody reads or changes them.
    unpacked: OnceLock<Box<[Entry]>>,
    /// `unpacked` is newer than `packed`.
    is_changed: bool,
    /// In bytes.
    size: usize,
}

impl PackedEntries {
    pub fn new(entries: Vec<Entry>) -> Self {
        let (mut simple, mut loose) = (Vec::new(), Vec::new());
        for (place, entry) in entries.into_iter().enumerate() {
            match entry {
                Entry::Snippet(snippet) if is_simple(&snippet) => simple.push(snippet),
                other => loose.push((place as u8, other)),
            }
        }
        let mut authors: Vec<(Author, usize)> = Vec::new();
        for snippet in &simple {
            match authors.iter_mut().find(|(author, _)| *author == snippet.author) {
                Some((_, count)) => *count += 1,
                None => authors.push((snippet.author.clone(), 1)),
            }
        }
        // Every snippet has a form in JSON: names of fields, texts and whole numbers.
        let packed = compress(&serde_json::to_vec(&simple).unwrap_or_default());
        let size = packed.len() + loose.iter().map(|(_, entry)| shortening::memory(entry)).sum::<usize>();
        Self { packed: packed.into(), authors, loose, size, ..Self::default() }
    }

    /// Returns the bytes that it took when it was packed.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn get(&self, place: usize, unpacked: &AtomicUsize) -> Option<&Entry> {
        match self.find(place) {
            Ok(at) => Some(&self.loose[at].1),
            Err(before) => {
                let entries = self.unpacked.get_or_init(|| {
                    unpacked.fetch_add(1, Ordering::Relaxed);
                    self.unpack()
                });
                entries.get(place - before)
            }
        }
    }

    pub fn get_mut(&mut self, place: usize, unpacked: &AtomicUsize) -> Option<&mut Entry> {
        match self.find(place) {
            Ok(at) => Some(&mut self.loose[at].1),
            Err(before) => {
                self.get(place, unpacked)?;
                self.is_changed = true;
                self.unpacked.get_mut()?.get_mut(place - before)
            }
        }
    }

    pub fn loose_mut(&mut self, place: usize) -> Option<&mut Entry> {
        match self.find(place) {
            Ok(at) => Some(&mut self.loose[at].1),
            Err(before) => self.unpacked.get_mut().filter(|_| self.is_changed)?.get_mut(place - before),
        }
    }

    pub fn loose(&self) -> impl Iterator<Item = &Entry> {
        self.loose.iter().map(|(_, entry)| entry)
    }

    /// The authors of the packed snippets, each once.
    pub fn authors(&self) -> impl Iterator<Item = &Author> {
        self.authors.iter().map(|(author, _)| author)
    }

    /// Counts the entries that fit. Of packed snippets, `by` decides.
    pub fn count(&self, by: impl Fn(&Author) -> bool, fits: impl Fn(&Entry) -> bool) -> usize {
        let packed: usize = self.authors.iter().filter(|(author, _)| by(author)).map(|(_, count)| count).sum();
        packed + self.loose.iter().filter(|(_, entry)| fits(entry)).count()
    }

    /// Passes all entries to `read`, in order, and keeps none of them unpacked.
    pub fn with_entries(&self, read: impl FnOnce(&[&Entry])) {
        let unpacked = self.unpacked.get().is_none().then(|| self.unpack());
        let simple = unpacked.as_deref().or_else(|| self.unpacked.get().map(|all| &**all)).unwrap_or_default();
        let mut simple = simple.iter();
        let entry = |place| self.find(place).map_or_else(|_| simple.next(), |at| Some(&self.loose[at].1));
        read(&(0..BLOCK).filter_map(entry).collect::<Vec<&Entry>>());
    }

    pub fn forget_unpacked(&mut self) {
        if self.is_changed {
            *self = Self::new(self.entries());
        }
        self.unpacked.take();
    }

    /// Keeps only the ends of long texts.
    pub fn shorten(&mut self) {
        let mut entries = self.entries();
        entries.iter_mut().for_each(shortening::shorten);
        *self = Self::new(entries);
    }

    /// Takes all entries, in order.
    fn entries(&mut self) -> Vec<Entry> {
        let unpacked = self.unpacked.take().unwrap_or_else(|| self.unpack());
        let mut simple = unpacked.into_vec().into_iter();
        let mut loose = std::mem::take(&mut self.loose).into_iter().peekable();
        let mut entries = Vec::with_capacity(BLOCK);
        while let Some(entry) = match loose.next_if(|(place, _)| usize::from(*place) == entries.len()) {
            Some((_, entry)) => Some(entry),
            None => simple.next(),
        } {
            entries.push(entry);
        }
        entries
    }

    fn unpack(&self) -> Box<[Entry]> {
        let json = decompress_to_vec(&self.packed).unwrap_or_default();
        let snippets: Vec<Snippet> = serde_json::from_slice(&json).unwrap_or_default();
        snippets.into_iter().map(Entry::Snippet).collect()
    }

    /// Returns where an entry is among the loose ones, or how many of these come before it.
    fn find(&self, place: usize) -> Result<usize, usize> {
        self.loose.binary_search_by_key(&place, |(place, _)| usize::from(*place))
    }
}

fn compress(text: &[u8]) -> Vec<u8> {
    thread_local! {
        // A new one takes as long as the compression of a block: its tables have some hundred kilobytes.
        static COMPRESSOR: RefCell<Box<CompressorOxide>> = {
            RefCell::new(Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(COMPRESSION_LEVEL, 0, 0))))
        };
    }
    let mut packed = Vec::new();
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        compress_to_output(compressor, text, TDEFLFlush::Finish, |part| {
            packed.extend_from_slice(part);
            true
        });
    });
    packed
}

/// Returns whether a snippet has ended and has nothing that is left out when it is packed.
fn is_simple(snippet: &Snippet) -> bool {
    snippet.status.is_final()
        && snippet.displays.is_empty()
        && snippet.risks.is_none()
        && snippet.outcome.as_deref().is_none_or(|Outcome { frames, .. }| frames.is_empty())
}
