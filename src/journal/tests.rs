//! Tests of the journal alone: what is recorded comes back, whatever happens to its files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::intake::IntakeFile;
use super::*;
use crate::domain::Segment as Piece;
use crate::domain::{
    Author, ClientId, Display, ErrorReport, Event, Form, Outcome, OutputChunk, ResetReport, SideEffect, SideEffectKind,
    SideEffects, SnippetId, Status, Stream, Transcript, VariableChanges,
};
use crate::session::EventSink;
use crate::session::clock::now;

const LIMIT: Duration = Duration::from_secs(120);

/// A home folder with a journal in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn paths(&self) -> Paths {
        let home = self.0.path().to_owned();
        Paths {
            creates: true,
            state: Some(home.join(".local/state")),
            home: Some(home),
            runtime: None,
            shared: self.0.path().join("tmp"),
        }
    }

    fn folder(&self) -> PathBuf {
        self.paths().journal().unwrap()
    }

    fn database(&self) -> PathBuf {
        self.folder().join(schema::FILE)
    }

    fn start(&self, id: &SessionId, name: &str) -> Recording {
        let (recorder, journal, told) =
            start(self.paths(), id.clone(), &info(name), RetentionLimits::default(), None, true);
        Recording { recorder, journal, told, transcript: Transcript::default() }
    }

    fn reader(&self) -> JournalReader {
        // The thread of a new session creates the journal.
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(reader) = JournalReader::open(&self.folder()).unwrap() {
                return reader;
            }
            assert!(Instant::now() < deadline, "there is no journal");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn load(&self, id: &SessionId) -> RecordedSession {
        self.reader().load(id).unwrap().expect("the session")
    }
}

struct Recording {
    recorder: JournalRecorder,
    journal: Journal,
    told: UnboundedReceiver<String>,
    /// The transcript that everybody else sees.
    transcript: Transcript,
}

impl Recording {
    fn event(&mut self, event: &Event) {
        self.recorder.event(event);
        self.transcript.apply(event);
    }

    fn submit(&mut self, number: u32, author: Author, code: &str) {
        self.event(&Event::Submitted {
            snippet: SnippetId(number),
            author,
            code: code.into(),
            call: None,
            at: at(number),
        });
    }

    fn begin(&mut self, number: u32, code: &str) {
        self.submit(number, Author::You, code);
        self.event(&Event::Started { snippet: SnippetId(number), at: at(number) + 1 });
    }

    fn write(&mut self, number: Option<u32>, stream: Stream, text: &str) {
        let chunk = OutputChunk::of(stream, text);
        self.event(&Event::Output { snippet: number.map(SnippetId), chunk, at: 1 });
    }

    fn finish(&mut self, number: u32, status: Status) {
        let event = Event::Finished { snippet: SnippetId(number), outcome: outcome(status).into(), at: at(number) + 9 };
        self.event(&event);
    }

    fn run(&mut self, number: u32, code: &str) {
        self.begin(number, code);
        self.write(Some(number), Stream::Stdout, &format!("out {number}\n"));
        self.finish(number, Status::Ok);
    }

    /// Ends the session like the actor.
    fn close(mut self) -> (Transcript, Vec<String>) {
        self.event(&Event::Ending);
        self.stop()
    }

    /// Stops without an end event, like a killed process, except that the thread may finish.
    fn stop(self) -> (Transcript, Vec<String>) {
        let Self { recorder, journal, mut told, transcript } = self;
        drop(recorder);
        journal.finish(LIMIT);
        let mut notices = Vec::new();
        while let Ok(text) = told.try_recv() {
            notices.push(text);
        }
        (transcript, notices)
    }

    fn wait_for_notice(&mut self, words: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Ok(text) = self.told.try_recv()
                && text.contains(words)
            {
                return text;
            }
            assert!(Instant::now() < deadline, "nobody said {words:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn at(number: u32) -> u64 {
    static START: OnceLock<u64> = OnceLock::new();
    START.get_or_init(now) + u64::from(number) * 10
}

fn info(name: &str) -> SessionInfo {
    SessionInfo {
        name: name.to_owned(),
        cwd: "/work".into(),
        python: "/usr/bin/python3".into(),
        python_version: "3.12.1".to_owned(),
        venv: None,
        pid: std::process::id(),
        started_at: at(0),
        program: "/bin/fourhands".into(),
        is_demo: false,
    }
}

fn id() -> SessionId {
    SessionId::new(now())
}

fn claude() -> Author {
    Author::Client { id: ClientId(3), name: "claude".into() }
}

fn outcome(status: Status) -> Outcome {
    let error = ErrorReport { type_name: "ValueError".into(), message: "no".into(), traceback: "Trace\nno".into() };
    Outcome {
        status,
        returncode: i32::from(status != Status::Ok),
        result: (status == Status::Ok).then(|| "42".to_owned()),
        frame: None,
        frames: Vec::new(),
        error: (status == Status::Error).then_some(error),
        stopped_by: None,
        elapsed: Duration::from_micros(1_234),
        changes: VariableChanges { added: vec!["x".to_owned()], ..VariableChanges::default() },
    }
}

/// Describes what two transcripts must have in common. Times of output are not recorded.
fn describe(transcript: &Transcript) -> Vec<String> {
    let entry = |entry: &crate::domain::Entry| match entry {
        crate::domain::Entry::Snippet(s) => format!(
            "{} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?}",
            s.id,
            s.author,
            s.code,
            s.status,
            s.submitted_at,
            s.started_at,
            (s.output.total(), s.output.omitted(), s.output.text(None), s.output.text(Some(Stream::Stderr))),
            s.displays,
            s.outcome
        ),
        crate::domain::Entry::Background { output, .. } => format!("background {:?}", output.text(None)),
        other => format!("{other:?}"),
    };
    transcript.entries().iter().map(entry).collect()
}

/// Records one of each kind of entry.
fn everything(session: &mut Recording) {
    session.begin(1, "x = 1\n");
    session.submit(2, claude(), "1/0");
    session.write(Some(1), Stream::Stdout, "a\n");
    session.write(Some(1), Stream::Stderr, "é\u{1b}[31mb\n");
    let forms = vec![Form::new("image/png", vec![0, 159, 146, 150]), Form::new("text/plain", *b"figure")];
    let display = Arc::new(Display { after: 2, id: None, forms });
    session.event(&Event::Displayed { snippet: SnippetId(1), display: display.clone(), replaces: false, at: 5 });
    session.event(&Event::Displayed { snippet: SnippetId(1), display, replaces: false, at: 5 });
    session.finish(1, Status::Ok);
    session.event(&Event::Started { snippet: SnippetId(2), at: at(2) });
    session.finish(2, Status::Error);
    session.write(None, Stream::Stdout, "from a thread\n");
    session.write(None, Stream::Stderr, "again\n");
    let report = Arc::new(ResetReport { cleared: 3, remains: vec!["a thread".into()] });
    session.event(&Event::Reset { by: claude(), report, at: 6 });
    session.write(None, Stream::Stdout, "after the reset\n");
    session.submit(3, Author::You, "never()");
    session.finish(3, Status::Cancelled);
}

mod faults;
mod migration_and_retention;
mod recording;
