//! Writing the session, or the output of a card, to a file.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{Display, Entry, SessionInfo, SnippetId, Transcript, home_path, units};
use crate::export::{self, Archive, Exists, ExportOptions, Format, OutputFile, Pages, SessionHeader};
use crate::session::Spool;
use crate::tui::transcript::copy;
use crate::tui::transcript::copy::Piece;

/// Why a file was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    /// The file exists, and the person may want to replace it.
    pub exists: bool,
}

/// The transcript in memory with whole outputs: all that there is of a session that is not recorded.
pub struct OnScreen {
    pub transcript: Transcript,
    pub spool: Option<Arc<Spool>>,
}

impl Archive for OnScreen {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn entry(&self, place: usize) -> Option<Cow<'_, Entry>> {
        self.transcript.entries().get(place).map(Cow::Borrowed)
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        self.transcript.display(snippet, number)
    }

    fn file(&self, snippet: SnippetId) -> Option<OutputFile> {
        let spool = self.spool.as_ref()?;
        let pages = spool.whole(snippet).transpose()?.map(|whole| Box::new(whole) as Box<dyn Pages>);
        Some(OutputFile { path: spool.folder().unwrap_or_default().join(format!("{snippet}.out")), pages })
    }
}

/// Writes the session. Returns a message for the person.
pub fn write(
    file: &str,
    replaces: bool,
    info: &SessionInfo,
    home: Option<&str>,
    archive: &dyn Archive,
) -> Result<String, Refused> {
    let path = path_of(file, info, home);
    let refused = |why| Refused { why, exists: false };
    let Some(format) = Format::of(&path) else { return Err(refused(format!("{file} has no format's ending"))) };
    let session = SessionHeader {
        name: &info.name,
        id: archive.id(),
        cwd: &info.cwd,
        python: &info.python,
        python_version: &info.python_version,
        started: info.started_at,
        clock: export::local_time,
    };
    let exists = if replaces { Exists::Replace } else { Exists::Refuse };
    let written = export::save(&path, exists, |out| {
        export::write(format, &session, archive, &ExportOptions::default(), &mut |_, _| Ok(()), out)
    });
    match written {
        Ok(snippets) => Ok(format!("{} written to {}", units::count(snippets, "snippet"), path.display())),
        Err(why) => Err(Refused { exists: why.ends_with("already exists"), why }),
    }
}

fn path_of(file: &str, info: &SessionInfo, home: Option<&str>) -> PathBuf {
    // User code may have changed to another folder since.
    home_path::expand(file, home, &info.cwd)
}

/// Writes the output of a card. Returns a message for the person.
pub fn write_output(
    file: &str,
    replaces: bool,
    info: &SessionInfo,
    home: Option<&str>,
    entry: &Entry,
    spool: Option<&Spool>,
) -> Result<String, Refused> {
    let path = path_of(file, info, home);
    let text = copy::of(entry, Piece::Output, spool);
    let exists = if replaces { Exists::Replace } else { Exists::Refuse };
    let written = export::save(&path, exists, |out| match &text {
        Some(text) => text.write(out),
        None => out.write_all(b"\n").map(|()| 1),
    });
    match written {
        Ok(bytes) => {
            Ok(format!("output of {}, {}, written to {}", copy::name(entry), units::bytes(bytes), path.display()))
        }
        Err(why) => Err(Refused { exists: why.ends_with("already exists"), why }),
    }
}
