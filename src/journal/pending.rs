//! Events in a session's intake that the database does not have yet. While the database is locked or its disk is full,
//! they are the only record.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::frame::{self, IntakeFrame, SessionMeta};
use super::intake;
use super::reader::{SessionEnd, SessionSummary};
use super::store::Position;
use crate::domain::flight_recorder::Losses;
use crate::domain::{Event, Status};
use crate::session::SessionId;

/// The open files of one intake with their names, oldest first. They stay readable when another process recovers them.
pub struct PendingEvents(Vec<(String, File)>);

/// The content of an intake.
#[derive(Default)]
pub struct PendingRecords {
    pub meta: Option<SessionMeta>,
    /// The events that make up a transcript.
    pub events: Vec<Event>,
    /// Events that could not be recorded.
    pub missed: Losses,
    /// Whether the session ended in good order.
    pub closed: bool,
}

impl PendingEvents {
    pub fn open(folder: &Path, id: &SessionId) -> Self {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let files = intake::list(folder).unwrap_or_default().into_iter().filter(|(of, _)| of == id);
        let open = files.filter_map(|(_, path)| {
            Some((path.file_name()?.to_string_lossy().into_owned(), options.open(&path).ok()?))
        });
        Self(open.collect())
    }

    /// Returns the records after `position`, up to which the database has everything.
    pub fn after(&self, position: Option<&Position>) -> PendingRecords {
        let mut records = PendingRecords::default();
        for (name, file) in &self.0 {
            let Ok(bytes) = whole(file) else { continue };
            let from = match position {
                Some((stored, _)) if name < stored => continue,
                Some((stored, place)) if name == stored => *place as usize,
                _ => 0,
            };
            // Of the stored part only the header matters: the session's data stays, and so does its state.
            frame::decode_all(&bytes[..bytes.len().min(from)], |frame| records.read_header(frame));
            frame::decode_all(bytes.get(from..).unwrap_or_default(), |frame| records.add(frame));
        }
        records
    }
}

fn whole(file: &File) -> io::Result<Vec<u8>> {
    let facts = file.metadata()?;
    let mut bytes = vec![0; if facts.is_file() { facts.len() as usize } else { 0 }];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

impl PendingRecords {
    fn read_header(&mut self, frame: IntakeFrame) {
        if let IntakeFrame::Session(meta) = frame {
            self.meta.get_or_insert(meta);
        }
    }

    fn add(&mut self, frame: IntakeFrame) {
        match frame {
            IntakeFrame::Session(_) => {
                self.closed = false;
                self.read_header(frame);
            }
            IntakeFrame::Missed(losses) => self.missed = self.missed.plus(losses),
            IntakeFrame::Event(Event::Ending) => self.closed = true,
            // The questions ended with the process.
            IntakeFrame::Event(Event::Inquired(_) | Event::InquiryEnded { .. }) => {}
            IntakeFrame::Event(event) => self.events.push(event),
        }
    }

    /// Adds the records to the summary from the database.
    pub fn add_to(&self, session: &mut SessionSummary) {
        session.missed += self.missed.events;
        session.lost += self.missed.snippets;
        if self.closed || !self.events.is_empty() {
            session.ending = if self.closed { SessionEnd::Closed } else { SessionEnd::Died };
        }
        for event in &self.events {
            match event {
                Event::Submitted { author, at, .. } => {
                    session.snippets += 1;
                    session.last_active = session.last_active.max(*at);
                    if session.authors.iter().all(|known| known != author.name()) {
                        session.authors.push(author.name().to_owned());
                    }
                }
                Event::Finished { outcome, at, .. } => {
                    session.failed += u32::from(outcome.status == Status::Error);
                    session.last_active = session.last_active.max(*at);
                }
                _ => {}
            }
        }
    }
}

/// Returns the summary of a session that the database does not know.
pub fn summary(meta: SessionMeta) -> SessionSummary {
    SessionSummary {
        id: meta.id,
        name: meta.name,
        cwd: meta.cwd.into(),
        python: meta.python.into(),
        python_version: meta.python_version,
        venv: meta.venv.map(Into::into),
        pid: meta.pid,
        boot: meta.boot,
        started: meta.started_at,
        last_active: meta.started_at,
        ending: SessionEnd::Died,
        snippets: 0,
        failed: 0,
        authors: Vec::new(),
        bytes: 0,
        missed: 0,
        lost: 0,
        set_aside: None,
    }
}
