//! The host thread: a tokio runtime with the session actor, MCP and the link, and the threads it looks after. It and
//! its threads never hold the GIL.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use nix::unistd::{dup2_stdin, dup2_stdout};
use tokio::net::unix::pipe;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::link::{self, LinkReader, LinkWriter};
use super::{END_LIMIT, FAULTS, alertness, door, exit_after, hangup, log, orphaned, plain, report_fault, trim, unused};
use crate::domain::crash_store::CrashStore;
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::terminal_text::visible;
use crate::domain::{Author, SessionInfo, SnippetId, units};
use crate::journal;
use crate::launch::boot::{Boot, Mode, ToGuardian};
use crate::launch::descriptor_table;
use crate::mcp;
use crate::python::io::descriptors::{Originals, PipeReaders};
use crate::python::{Capture, HostEventBell, PythonEngine, WakeFlag, drain, watch_quit};
use crate::session::discovery::paths::Paths;
use crate::session::outlet::write_within;
use crate::session::{self, EngineEvent, RunOptions, SessionHandle, SessionId, Spool, Startup, spool};
use crate::tui::{self, Control};

/// What the end of a session may wait for the journal; it has less to do, unless the disk is very slow.
const JOURNAL_END: Duration = Duration::from_millis(1500);

/// What an export waits for what has just been done to be in the journal.
const EXPORT_WAITS: Duration = Duration::from_secs(2);

/// The same for the whole outputs of its snippets.
const SPOOL_END: Duration = Duration::from_millis(1500);

/// What the dashboard may take for its last words.
const FRONT_END: Duration = Duration::from_millis(750);

/// What the host itself may take to say what is wrong.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// The host has a table of descriptors of its own.
pub struct PrivateTable {
    /// What the main thread must close in its table.
    pub descriptors: Vec<RawFd>,
    #[cfg(target_os = "linux")]
    pub thread: nix::unistd::Pid,
}

/// What the main thread hands over.
pub struct Host {
    pub info: SessionInfo,
    pub spool: Arc<Spool>,
    pub boot: Boot,
    /// What Python said at its start, where the screen was not free for it.
    pub said: String,
    pub engine: PythonEngine,
    pub events: HostEvents,
    pub capture: Arc<Capture>,
    /// Shared with the guardian.
    pub recorder: Option<&'static FlightRecorder>,
    pub originals: Originals,
    pub readers: PipeReaders,
    pub link: OwnedFd,
    /// Told once that is settled.
    pub ready: mpsc::Sender<Option<PrivateTable>>,
    /// What snippet code starts outlives this process.
    pub keep_processes: bool,
}

/// The host's end of what Python's threads say, and its own way to say the same.
pub struct HostEvents {
    pub sender: mpsc::Sender<EngineEvent>,
    pub receiver: mpsc::Receiver<EngineEvent>,
    pub bell: HostEventBell,
    pub rung: WakeFlag,
    /// Readable when the bell has been rung.
    pub bell_reader: OwnedFd,
}

impl Host {
    /// Runs to the end of the session. Answers the exit code.
    pub fn run(self) -> i32 {
        let stderr = match self.originals.stderr.try_clone() {
            Ok(stderr) => stderr,
            Err(error) => {
                let text = format!("fourhands: the session cannot begin: {error}\n");
                let _ = write_within(&self.originals.stderr, text.as_bytes(), LAST_WORDS);
                return 1;
            }
        };
        // The main thread's SIGTERM at the guardian's death does not wake a process that is suspended.
        #[cfg(target_os = "linux")]
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGCONT);
        let table = descriptor_table::make_private().then(|| {
            let Originals { stdin, stdout, stderr: theirs } = &self.originals;
            let ours = [stdin, stdout, theirs, &self.readers.stdout, &self.readers.stderr, &self.link];
            let bells = [self.engine.descriptor(), self.events.bell.descriptor(), &self.events.bell_reader];
            let numbers = ours.into_iter().chain(bells).map(AsRawFd::as_raw_fd);
            PrivateTable {
                descriptors: numbers.chain([stderr.as_raw_fd()]).collect(),
                #[cfg(target_os = "linux")]
                thread: nix::unistd::gettid(),
            }
        });
        let is_private = table.is_some();
        let _ = self.ready.send(table);
        if self.boot.detached && self.boot.mode == Mode::Dashboard {
            if !is_private {
                let text = "fourhands: the system refused a table of descriptors that it granted before\n";
                let _ = write_within(&stderr, text.as_bytes(), LAST_WORDS);
                return 1;
            }
            // Without a controlling terminal the dashboard finds it on 0 and 1. In this table they are nobody else's.
            let _ = dup2_stdin(&self.originals.stdin).and_then(|()| dup2_stdout(&self.originals.stdout));
        }

        if let Err(error) = orphaned::watch(&self.link, self.keep_processes) {
            report_fault(format!("the guardian cannot be watched: {error}"));
        }
        // A panic is among the faults.
        let result = catch_unwind(AssertUnwindSafe(|| self.serve())).unwrap_or(Ok(()));
        let mut words = String::new();
        if let Err(error) = &result {
            // The system's own words say too little.
            let where_it_failed = if error.raw_os_error().is_some() { "the session cannot begin: " } else { "" };
            words += &format!("fourhands: {where_it_failed}{}\n", visible(&error.to_string()));
        }
        let faults = std::mem::take(&mut *FAULTS.lock().unwrap_or_else(PoisonError::into_inner));
        for fault in &faults {
            words +=
                &format!("fourhands: an error of its own ended the session; please report it: {}\n", visible(fault));
        }
        if !words.is_empty() {
            let _ = write_within(&stderr, words.as_bytes(), LAST_WORDS);
        }
        let code = i32::from(result.is_err() || !faults.is_empty());
        exit_after(END_LIMIT, code);
        code
    }

    fn serve(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let HostEvents { sender, receiver, bell, rung, bell_reader } = self.events;
        let bell = Arc::new(bell);
        let (quit_bell, quit_sender) = (bell.clone(), sender.clone());
        watch_quit(move || {
            let _ = quit_sender.send(EngineEvent::QuitRequested);
            quit_bell.ring();
        })?;
        let (capture, readers) = (self.capture.clone(), self.readers);
        thread::Builder::new().name("drain".to_owned()).spawn(move || {
            drain(&capture, &readers, || {
                let _ = sender.send(EngineEvent::OutputReady);
                bell.ring();
            })
        })?;
        let spool = self.spool.clone();
        let (tell, mut spool_told) = tokio::sync::mpsc::unbounded_channel();
        let (spooling, spooled) = mpsc::channel::<()>();
        thread::Builder::new().name("spool".to_owned()).spawn(move || {
            let removed = Paths::of_this_process().spools().map_or(0, |spools| spool::remove_old(&spools));
            if removed > 0 {
                let sessions = units::count(removed, "past session");
                let _ =
                    tell.send(format!("the whole outputs of {sessions} are removed, because all took more than 2 GB"));
            }
            spool.work(|trouble| drop(tell.send(trouble)));
            drop(spooling);
        })?;
        let whole = self.spool.clone();
        let own = journal::JournalHistory { places: Paths::of_this_process(), session: self.boot.id.clone() };
        self.spool.set_older(Box::new(own));
        let result = runtime.block_on(async {
            let engine_events = forward(receiver, rung, bell_reader)?;
            let (link, mut link_reader) = link::open(self.link)?;
            let restart = if self.boot.takes_over { link::legacy(&mut link_reader).await } else { None };
            let offers_checkpoint = restart.is_some() && self.boot.restore.is_none();
            // Before this process records anything: first the journal takes in what the one before left.
            let (beginning, gap) = match &restart {
                Some(_) => transcript_so_far(&self.boot.id, self.recorder.map(FlightRecorder::last_snippet)),
                None => (Startup::default(), None),
            };
            let limits = journal::effective_limits(tui::settings::read(tui::settings::path()).settings.journal);
            let lost = self.recorder.map(FlightRecorder::losses);
            let places = Paths::of_this_process();
            let (recorder, journal, mut told) =
                journal::start(places, self.boot.id.clone(), &self.info, limits, lost, self.boot.takes_over);
            let beginning = Startup {
                restart,
                record: Box::new(recorder),
                id: Some(self.boot.id.clone()),
                spool: self.spool,
                ..beginning
            };
            let (session, actor) = session::spawn(self.info, Box::new(self.engine), engine_events, beginning);
            if let Some(line) = self.said.lines().rev().find(|line| !line.trim().is_empty()) {
                session.notice(format!("Python said at its start: {line}"));
            }
            if let Some(gap) = gap {
                session.notice(gap);
            }
            if let Some(checkpoint) = offers_checkpoint.then(|| last_checkpoint(&self.boot.id)).flatten() {
                session.notice(format!("%restore brings back the variables of the checkpoint \"{checkpoint}\""));
            }
            let notified = session.clone();
            tokio::spawn(async move {
                loop {
                    let text = tokio::select! {
                        Some(text) = told.recv() => text,
                        Some(text) = spool_told.recv() => text,
                        else => return,
                    };
                    notified.notice(text);
                }
            });
            let stop = CancellationToken::new();
            tokio::spawn(alertness::stay_awake(session.clone()));
            tokio::spawn(trim::give_back(session.clone()));
            let goodbye = link.clone();
            let replay = self.boot.replay.clone().map(|which| (session.clone(), which));
            let keepsake = self.recorder.map(FlightRecorder::crash_store);
            let front = Front { session: session.clone(), link, stop: stop.clone(), keepsake };
            let result = front.open(&self.boot, self.originals, link_reader);
            match &result {
                Ok(_) => {
                    goodbye.send(&ToGuardian::Ready);
                    if self.boot.until_unused {
                        tokio::spawn(unused::end_when_unused(session.clone()));
                    }
                    if let Some(checkpoint) = &self.boot.restore {
                        let (session, code) = (session.clone(), format!("%restore {checkpoint}"));
                        tokio::spawn(async move {
                            let _ = session.submit(Author::You, code.into(), RunOptions::default()).await;
                        });
                    }
                    if let Some((session, which)) = replay {
                        tokio::spawn(async move {
                            if let Err(refused) = session.replay(Author::You, which).await {
                                session.notice(format!("nothing is replayed: {refused}"));
                            }
                        });
                    }
                }
                Err(_) => session.quit(),
            }
            // Not `session`: its last handle ends with the actor's own.
            if let Ok(Some(by)) = actor.await {
                goodbye.send(&ToGuardian::Restart(by));
            }
            stop.cancel();
            match result {
                Ok(ended) => {
                    let _ = ended.await;
                    goodbye.send(&ToGuardian::Ended);
                    Ok(journal)
                }
                Err(error) => Err(error),
            }
        });
        whole.close();
        let _ = spooled.recv_timeout(SPOOL_END);
        // Reads of stdin that nobody can interrupt must not hold up the end.
        runtime.shutdown_background();
        result.map(|journal| journal.finish(JOURNAL_END))
    }
}

/// Where the output of a session is kept whole.
pub fn spool(id: &SessionId) -> Arc<Spool> {
    let folder = Paths::of_this_process().spools().map(|spools| spools.join(id.as_str()));
    Arc::new(Spool::new(folder.ok(), spool::Limits::default()))
}

/// Where a session's variables are saved.
pub fn checkpoints(id: &SessionId) -> Option<PathBuf> {
    Paths::of_this_process().checkpoints().ok().map(|folder| folder.join(id.as_str()))
}

/// The name of the checkpoint that was saved last.
fn last_checkpoint(id: &SessionId) -> Option<String> {
    let files = fs::read_dir(checkpoints(id)?).ok()?.flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "pickle"));
    let last = files.max_by_key(|file| file.metadata().and_then(|facts| facts.modified()).ok())?.path();
    Some(last.file_stem()?.to_string_lossy().into_owned())
}

/// What the journal knows of the session, of which `ran` was the last snippet that ran (0 for none, `None` if that is not
/// known), and what the person must know of that.
fn transcript_so_far(id: &SessionId, ran: Option<SnippetId>) -> (Startup, Option<String>) {
    let places = Paths::of_this_process();
    let (recorded, gap) = match journal::resume(&places, id) {
        Ok(Some(recorded)) => (Some(recorded), None),
        Ok(None) if ran == Some(SnippetId(0)) => return (Startup::default(), None),
        Ok(None) => (None, Some("the transcript was not recorded, so it starts empty".to_owned())),
        Err(fault) => match journal::resume_end(&places, id) {
            Some(end) => (Some(end), Some(format!("only the end of the transcript can be brought back: {fault}"))),
            None => (None, Some(format!("the transcript cannot be brought back: {fault}"))),
        },
    };
    let ran = ran.unwrap_or(SnippetId(0));
    let Some(recorded) = recorded else {
        return (Startup { ran, is_whole: false, ..Startup::default() }, gap);
    };
    let journal::RecordedSession { session: known, transcript, former, calls } = recorded;
    // User code can write where the number of the last that ran is kept.
    let may_have_all = ran.0 as usize <= transcript.entries().len();
    let has_all = may_have_all && (1..=ran.0).all(|number| transcript.snippet(SnippetId(number)).is_some());
    let is_whole = gap.is_none() && known.missed == 0 && has_all;
    (Startup { transcript, ran, is_whole, calls, former, ..Startup::default() }, gap)
}

/// Hands on what Python's threads say. They cannot wake the runtime by its own means: that is done by writing to one of
/// its descriptors, and the number means something else in their table.
fn forward(
    from: mpsc::Receiver<EngineEvent>,
    rung: WakeFlag,
    bell_reader: OwnedFd,
) -> io::Result<UnboundedReceiver<EngineEvent>> {
    let bell = pipe::Receiver::from_owned_fd(bell_reader)?;
    let (to, events) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            if bell.readable().await.is_err() {
                return;
            }
            let _ = bell.try_read(&mut [0; 64]);
            rung.clear();
            for event in from.try_iter() {
                if to.send(event).is_err() {
                    return;
                }
            }
        }
    });
    Ok(events)
}

/// What faces the outside: dashboard, socket, streams.
struct Front {
    session: SessionHandle,
    link: LinkWriter,
    stop: CancellationToken,
    keepsake: Option<&'static CrashStore>,
}

impl Front {
    /// Opens what the mode asks for. The answer resolves when all of it has closed again after `stop`.
    fn open(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        let (done, ended) = oneshot::channel();
        let socket = &boot.socket;
        match boot.mode {
            Mode::Dashboard => {
                // Clients may be quicker than the dashboard, and come back with a question.
                self.session.attend();
                let (door, listeners) = door::open(socket, self.session.clone())?;
                let (control, commands) = unbounded_channel();
                tokio::spawn(link::obey(link, self.session.clone(), "a signal", Some(control), Some(door)));
                let server = tokio::spawn(mcp::serve_socket(listeners, self.session.clone(), self.stop.clone()));
                let tty = File::from(originals.stdout);
                quit_when_gone(&self.session, originals.stdin)?;
                let history = journal::JournalHistory { places: Paths::of_this_process(), session: boot.id.clone() };
                let dashboard = dashboard(self.session, self.link, tty, commands, self.keepsake, Arc::new(history))?;
                tokio::spawn(async move {
                    closed(dashboard, &self.stop).await;
                    let _ = server.await;
                    let _ = done.send(());
                });
            }
            Mode::Plain => {
                let (door, listeners) = door::open(socket, self.session.clone())?;
                let (control, commands) = unbounded_channel();
                // In this mode Ctrl-C is a signal.
                tokio::spawn(link::obey(link, self.session.clone(), "you", Some(control), Some(door)));
                let server = tokio::spawn(mcp::serve_socket(listeners, self.session.clone(), self.stop.clone()));
                if originals.stdin.is_terminal() {
                    quit_when_gone(&self.session, originals.stdin.try_clone()?)?;
                }
                let session = self.session;
                let plain = front("plain", session.clone(), move || plain::run(session, originals, commands))?;
                tokio::spawn(async move {
                    closed(plain, &self.stop).await;
                    let _ = server.await;
                    let _ = done.send(());
                });
            }
            Mode::Serve => {
                let (door, listeners) = door::open(socket, self.session.clone())?;
                tokio::spawn(link::obey(link, self.session.clone(), "a signal", None, Some(door)));
                let server = tokio::spawn(mcp::serve_socket(listeners, self.session.clone(), self.stop));
                let place = socket.display().to_string();
                tokio::spawn(async move {
                    log::write(self.session, &place, originals.stdout).await;
                    let _ = server.await;
                    let _ = done.send(());
                });
            }
        }
        Ok(ended)
    }
}

/// Waits until what the person works with has closed: at the end not for long, since it stands still when its terminal does.
async fn closed(front: oneshot::Receiver<()>, stop: &CancellationToken) {
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(FRONT_END).await;
    };
    tokio::select! {
        _ = front => {}
        () = late => {}
    }
}

fn quit_when_gone(session: &SessionHandle, terminal: OwnedFd) -> io::Result<()> {
    let session = session.clone();
    hangup::watch(terminal, move || session.quit())
}

fn dashboard(
    session: SessionHandle,
    link: LinkWriter,
    tty: File,
    control: UnboundedReceiver<Control>,
    keepsake: Option<&'static CrashStore>,
    history: Arc<journal::JournalHistory>,
) -> io::Result<oneshot::Receiver<()>> {
    let asking = link.clone();
    let edit = move |file: &Path| {
        asking.send(&ToGuardian::Edit(file.to_owned()));
        // It looks at the link when something happens to a child.
        let _ = nix::sys::signal::kill(nix::unistd::getppid(), nix::sys::signal::Signal::SIGCHLD);
    };
    let on_terminal = move |entered| {
        link.send(if entered { &ToGuardian::TerminalEntered } else { &ToGuardian::TerminalLeft });
    };
    front("dashboard", session.clone(), move || {
        // Anew for each process: what was mended takes effect with a restart of Python.
        let settings = tui::settings::read(tui::settings::path());
        let (on_terminal, edit) = (Box::new(on_terminal), Box::new(edit));
        let own = history.clone();
        let archive: tui::OpenArchive = Arc::new(move || {
            let archive = own.archive(EXPORT_WAITS)?;
            Some(Box::new(archive) as Box<dyn crate::export::Archive>)
        });
        tui::run(tui::Options { tty, session, on_terminal, edit, control, keepsake, history, archive, settings })
    })
}

/// Runs what the person works with on a thread of its own; the session ends with it.
fn front(
    name: &'static str,
    session: SessionHandle,
    run: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<oneshot::Receiver<()>> {
    let (done, ended) = oneshot::channel();
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Also when it panics.
        let _quit = QuitOnDrop(session);
        if let Err(error) = run() {
            report_fault(format!("the dashboard failed: {error}"));
        }
        drop(done);
    });
    spawned.map(|_| ended)
}

struct QuitOnDrop(SessionHandle);

impl Drop for QuitOnDrop {
    fn drop(&mut self) {
        self.0.quit();
    }
}
