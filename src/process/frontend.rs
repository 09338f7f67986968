//! The front end of a session by its mode: the dashboard, the plain dashboard or the log, each with the socket for
//! clients.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::getppid;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::link::{LinkReader, LinkWriter, obey};
use super::socket::SessionSocket;
use super::{faults, hangup, log, plain};
use crate::domain::crash_store::CrashStore;
use crate::journal;
use crate::launch::boot::{Boot, Mode, ToGuardian};
use crate::mcp;
use crate::python::io::descriptors::Originals;
use crate::session::SessionHandle;
use crate::session::discovery::paths::Paths;
use crate::tui::{self, Control};

/// How long an export waits until the journal has the latest events.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a dashboard may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(750);

/// A front end that has not been opened yet.
pub struct Frontend {
    pub session: SessionHandle,
    pub link: LinkWriter,
    /// Cancelled when the session has ended.
    pub stop: CancellationToken,
    pub crash_store: Option<&'static CrashStore>,
}

impl Frontend {
    /// Opens the front end. The returned receiver resolves when all of it has closed again, after `stop`.
    pub fn open(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        match boot.mode {
            Mode::Dashboard => self.open_dashboard(boot, originals, link),
            Mode::Plain => self.open_plain(boot, originals, link),
            Mode::Serve => self.open_log(boot, originals, link),
        }
    }

    fn open_dashboard(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        // Before the socket: clients may reconnect, and ask the person, earlier than the dashboard opens.
        self.session.dashboard_opened();
        let (control, commands) = unbounded_channel();
        let server = self.serve_clients(boot, link, "a signal", Some(control))?;
        let tty = File::from(originals.stdout);
        let keyboard = originals.stdin.try_clone()?;
        quit_on_hangup(&self.session, originals.stdin)?;
        let history = journal::JournalHistory { paths: Paths::of_this_process(), session: boot.id.clone() };
        let dashboard =
            spawn_dashboard(self.session, self.link, (tty, keyboard), commands, self.crash_store, Arc::new(history))?;
        Ok(when_closed(dashboard, self.stop, server))
    }

    fn open_plain(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        self.session.dashboard_opened();
        let (control, commands) = unbounded_channel();
        // In this mode Ctrl-C is a signal, so the person interrupts by signals.
        let server = self.serve_clients(boot, link, "you", Some(control))?;
        if originals.stdin.is_terminal() {
            quit_on_hangup(&self.session, originals.stdin.try_clone()?)?;
        }
        let session = self.session;
        let plain = spawn_frontend("plain", session.clone(), move || plain::run(session, originals, commands))?;
        Ok(when_closed(plain, self.stop, server))
    }

    fn open_log(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        let server = self.serve_clients(boot, link, "a signal", None)?;
        let (done, closed) = oneshot::channel();
        let socket = boot.socket.display().to_string();
        tokio::spawn(async move {
            log::write(self.session, &socket, originals.stdout).await;
            let _ = server.await;
            let _ = done.send(());
        });
        Ok(closed)
    }

    /// Opens the socket and obeys the guardian. Interrupts by a signal are recorded as made by `signalled_by`.
    fn serve_clients(
        &self,
        boot: &Boot,
        link: LinkReader,
        signalled_by: &'static str,
        control: Option<UnboundedSender<Control>>,
    ) -> io::Result<JoinHandle<()>> {
        let (socket, listeners) = SessionSocket::open(&boot.socket, self.session.clone())?;
        tokio::spawn(obey(link, self.session.clone(), signalled_by, control, socket));
        Ok(tokio::spawn(mcp::serve_socket(listeners, self.session.clone(), self.stop.clone())))
    }
}

/// Returns a receiver that resolves when the dashboard and the server have closed. After `stop` it does not wait long
/// for the dashboard, which stands still if its terminal does.
fn when_closed(
    dashboard: oneshot::Receiver<()>,
    stop: CancellationToken,
    server: JoinHandle<()>,
) -> oneshot::Receiver<()> {
    let (done, closed) = oneshot::channel();
    tokio::spawn(async move {
        let timeout = async {
            stop.cancelled().await;
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        };
        tokio::select! {
            _ = dashboard => {}
            () = timeout => {}
        }
        let _ = server.await;
        let _ = done.send(());
    });
    closed
}

fn quit_on_hangup(session: &SessionHandle, terminal: OwnedFd) -> io::Result<()> {
    let session = session.clone();
    hangup::watch(terminal, move || session.quit())
}

fn spawn_dashboard(
    session: SessionHandle,
    link: LinkWriter,
    (tty, keyboard): (File, OwnedFd),
    control: UnboundedReceiver<Control>,
    crash_store: Option<&'static CrashStore>,
    history: Arc<journal::JournalHistory>,
) -> io::Result<oneshot::Receiver<()>> {
    let edit_link = link.clone();
    let edit = move |file: &Path| {
        edit_link.send(&ToGuardian::Edit(file.to_owned()));
        // The guardian reads the link only after a signal about a child.
        let _ = kill(getppid(), Signal::SIGCHLD);
    };
    let on_terminal = move |entered| {
        link.send(if entered { &ToGuardian::TerminalEntered } else { &ToGuardian::TerminalLeft });
    };
    spawn_frontend("dashboard", session.clone(), move || {
        // Read by each session process, so that a changed file takes effect with a restart of Python.
        let settings = tui::settings::read(tui::settings::path());
        let (on_terminal, edit) = (Box::new(on_terminal), Box::new(edit));
        let source = history.clone();
        let archive: tui::OpenArchive = Arc::new(move || {
            let archive = source.archive(EXPORT_TIMEOUT)?;
            Some(Box::new(archive) as Box<dyn crate::export::Archive>)
        });
        tui::run(tui::Options {
            tty,
            keyboard,
            session,
            on_terminal,
            edit,
            control,
            crash_store,
            history,
            archive,
            settings,
        })
    })
}

/// Runs a dashboard on a thread of its own. The session ends with it.
fn spawn_frontend(
    name: &'static str,
    session: SessionHandle,
    run: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<oneshot::Receiver<()>> {
    let (done, closed) = oneshot::channel();
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Also quits after a panic.
        let _quit = QuitOnDrop(session);
        if let Err(error) = run() {
            faults::record(format!("the dashboard failed: {error}"));
        }
        drop(done);
    });
    spawned.map(|_| closed)
}

struct QuitOnDrop(SessionHandle);

impl Drop for QuitOnDrop {
    fn drop(&mut self) {
        self.0.quit();
    }
}
