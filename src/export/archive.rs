//! The source of an export: the transcript, and the complete entries behind it.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{Display, Entry, Segment, SnippetId, Transcript};

/// A session with all its records, read an entry at a time.
pub trait Archive {
    /// The id in the journal.
    fn id(&self) -> Option<&str> {
        None
    }

    /// All entries in their order. Old entries are incomplete.
    fn transcript(&self) -> &Transcript;

    /// Returns the complete entry at that index. Its displays may lack their bytes.
    fn entry(&self, index: usize) -> Option<Cow<'_, Entry>>;

    /// Returns a display with its bytes, by its number within the snippet.
    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>>;

    /// Returns the file with the output of a snippet, if it has more than the entry.
    fn file(&self, snippet: SnippetId) -> Option<OutputFile>;
}

/// An output file on the disk.
pub struct OutputFile {
    pub path: PathBuf,
    pub pages: io::Result<Box<dyn Pages>>,
}

/// An output that is read in pages.
pub trait Pages {
    /// The length in bytes.
    fn length(&self) -> u64;

    /// Reads about `length` bytes from `offset` on. Returns them with their real start, since no character is split.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn read(&self, offset: u64, length: usize) -> io::Result<(u64, Vec<Segment>)>;
}

/// A transcript in memory, where nothing was recorded.
impl Archive for Transcript {
    fn transcript(&self) -> &Transcript {
        self
    }

    fn entry(&self, index: usize) -> Option<Cow<'_, Entry>> {
        self.entries().get(index).map(Cow::Borrowed)
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        let mut displays = self.snippet(snippet)?.numbered_displays();
        displays.find(|(shown, _)| *shown == number).map(|(_, display)| display.clone())
    }

    fn file(&self, _: SnippetId) -> Option<OutputFile> {
        None
    }
}
