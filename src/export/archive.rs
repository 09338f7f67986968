//! Where an export finds what a transcript keeps only the ends of.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::output::Segment;
use crate::domain::{Display, Entry, SnippetId, Transcript};

/// A session with all that is kept of it, an entry at a time.
pub trait Archive {
    /// By which the journal knows the session.
    fn id(&self) -> Option<&str> {
        None
    }

    /// All entries in their order, old ones in part.
    fn transcript(&self) -> &Transcript;

    /// All that is kept of the entry at that place; displays may be without their bytes.
    fn entry(&self, place: usize) -> Option<Cow<'_, Entry>>;

    /// Something that a snippet displayed, with its bytes, by its number.
    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>>;

    /// The file with the output of a snippet, where that is more than its entry has.
    fn file(&self, snippet: SnippetId) -> Option<OutputFile>;
}

/// An output on the disk.
pub struct OutputFile {
    pub path: PathBuf,
    pub pages: io::Result<Box<dyn Pages>>,
}

/// An output that is read a little at a time.
pub trait Pages {
    /// In bytes.
    fn length(&self) -> u64;

    /// About `length` bytes from `offset` on, and where they really begin: no character is cut.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn read(&self, offset: u64, length: usize) -> io::Result<(u64, Vec<Segment>)>;
}

/// What is on the screen, where nothing was recorded.
impl Archive for Transcript {
    fn transcript(&self) -> &Transcript {
        self
    }

    fn entry(&self, place: usize) -> Option<Cow<'_, Entry>> {
        self.entries().get(place).map(Cow::Borrowed)
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        let mut displays = self.snippet(snippet)?.numbered_displays();
        displays.find(|(shown, _)| *shown == number).map(|(_, display)| display.clone())
    }

    fn file(&self, _: SnippetId) -> Option<OutputFile> {
        None
    }
}
