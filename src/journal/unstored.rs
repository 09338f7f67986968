//! What the intake of a session holds that the database does not have yet. Where nothing can be put into the database,
//! because it is locked or its disk is full, that is all there is of what happened since.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::frame::{self, Frame, Meta};
use super::intake;
use super::reader::{Ending, SessionSummary};
use super::store::Position;
use crate::domain::recorder::Losses;
use crate::domain::{Event, Status};
use crate::session::SessionId;

/// The files of one intake, oldest first, with their names. What is taken in from now on can still be read.
pub struct Unstored(Vec<(String, File)>);

/// As much of a session as its intake tells.
#[derive(Default)]
pub struct Told {
    pub meta: Option<Meta>,
    /// Those that a transcript is made of.
    pub events: Vec<Event>,
    /// What could not be kept.
    pub missed: Losses,
    /// It ended in good order.
    pub closed: bool,
}

impl Unstored {
    pub fn open(folder: &Path, id: &SessionId) -> Self {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let files = intake::list(folder).unwrap_or_default().into_iter().filter(|(of, _)| of == id);
        let open = files.filter_map(|(_, path)| {
            Some((path.file_name()?.to_string_lossy().into_owned(), options.open(&path).ok()?))
        });
        Self(open.collect())
    }

    /// What comes after `position`, up to which all is stored.
    pub fn after(&self, position: Option<&Position>) -> Told {
        let mut told = Told::default();
        for (name, file) in &self.0 {
            let Ok(bytes) = whole(file) else { continue };
            let from = match position {
                Some((stored, _)) if name < stored => continue,
                Some((stored, place)) if name == stored => *place as usize,
                _ => 0,
            };
            // The first frame tells which session it is, and who goes on with it ends no end.
            frame::decode_all(&bytes[..bytes.len().min(from)], |frame| told.know(frame));
            frame::decode_all(bytes.get(from..).unwrap_or_default(), |frame| told.add(frame));
        }
        told
    }
}

fn whole(file: &File) -> io::Result<Vec<u8>> {
    let facts = file.metadata()?;
    let mut bytes = vec![0; if facts.is_file() { facts.len() as usize } else { 0 }];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

impl Told {
    fn know(&mut self, frame: Frame) {
        if let Frame::Session(meta) = frame {
            self.meta.get_or_insert(meta);
        }
    }

    fn add(&mut self, frame: Frame) {
        match frame {
            Frame::Session(_) => {
                self.closed = false;
                self.know(frame);
            }
            Frame::Missed(losses) => self.missed = self.missed.plus(losses),
            Frame::Event(Event::Ending) => self.closed = true,
            // Nobody asks any more.
            Frame::Event(Event::Inquired(_) | Event::InquiryEnded { .. }) => {}
            Frame::Event(event) => self.events.push(event),
        }
    }

    /// Adds it to what the database knows.
    pub fn join(&self, session: &mut SessionSummary) {
        session.missed += self.missed.events;
        session.lost += self.missed.snippets;
        if self.closed || !self.events.is_empty() {
            session.ending = if self.closed { Ending::Closed } else { Ending::Died };
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

/// A session of which the database knows nothing.
pub fn summary(meta: Meta) -> SessionSummary {
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
        ending: Ending::Died,
        snippets: 0,
        failed: 0,
        authors: Vec::new(),
        bytes: 0,
        missed: 0,
        lost: 0,
        set_aside: None,
    }
}
