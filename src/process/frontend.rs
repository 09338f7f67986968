//! The front end of a session by its mode: the dashboard, the plain dashboard or the log, each with the socket for
//! clients.

use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::attached::{self, AttachedDashboards};
use super::dashboard::{CLOSE_TIMEOUT, GuardiansTerminal, TerminalDashboard};
use super::link::{LinkReader, LinkWriter, obey};
use super::plain::PlainDashboard;
use super::socket::SessionSocket;
use super::{faults, log};
use crate::domain::crash_store::CrashStore;
use crate::launch::boot::{Boot, Mode};
use crate::mcp;
use crate::python::io::descriptors::Originals;
use crate::session::{SessionHandle, hangup};
use crate::tui::{Control, Leaving};

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
        let input = originals.stdin.try_clone()?;
        quit_on_hangup(&self.session, originals.stdin)?;
        let dashboard = TerminalDashboard {
            session: self.session.clone(),
            id: boot.id.clone(),
            input,
            output: originals.stdout,
            owner: Arc::new(GuardiansTerminal { link: self.link }),
            control: commands,
            crash_store: self.crash_store,
        };
        let closed = spawn_frontend("dashboard", self.session, move || dashboard.run())?;
        Ok(when_closed(closed, self.stop, server))
    }

    fn open_plain(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        self.session.dashboard_opened();
        let (control, commands) = unbounded_channel();
        // In this mode Ctrl-C is a signal, so the person interrupts by signals.
        let server = self.serve_clients(boot, link, "you", Some(control))?;
        if originals.stdin.is_terminal() {
            quit_on_hangup(&self.session, originals.stdin.try_clone()?)?;
        }
        let Originals { stdin, stdout, .. } = originals;
        let session = self.session.clone();
        let plain = PlainDashboard { session, stdin, stdout, lines: None, control: commands, leaving: Leaving::Ends };
        let plain = spawn_frontend("plain", self.session, move || plain.run())?;
        Ok(when_closed(plain, self.stop, server))
    }

    fn open_log(self, boot: &Boot, originals: Originals, link: LinkReader) -> io::Result<oneshot::Receiver<()>> {
        let (terminals, offered) = unbounded_channel();
        let server = self.serve_clients_and(boot, link, "a signal", None, terminals)?;
        let attached = AttachedDashboards {
            session: self.session.clone(),
            id: boot.id.clone(),
            crash_store: self.crash_store,
            leaving: if boot.until_unused { Leaving::GoesOnForClients } else { Leaving::GoesOn },
            stop: self.stop,
        };
        let dashboards = tokio::spawn(attached.serve(offered));
        let (done, closed) = oneshot::channel();
        let socket = boot.socket.display().to_string();
        tokio::spawn(async move {
            log::write(self.session, &socket, originals.stdout).await;
            let _ = dashboards.await;
            let _ = server.await;
            let _ = done.send(());
        });
        Ok(closed)
    }

    /// As [`Self::serve_clients_and`], in a session with a dashboard of its own.
    fn serve_clients(
        &self,
        boot: &Boot,
        link: LinkReader,
        signalled_by: &'static str,
        control: Option<UnboundedSender<Control>>,
    ) -> io::Result<JoinHandle<()>> {
        let (terminals, offered) = unbounded_channel();
        tokio::spawn(attached::refuse_all(offered, boot.name.clone()));
        self.serve_clients_and(boot, link, signalled_by, control, terminals)
    }

    /// Opens the socket and obeys the guardian. Interrupts by a signal are recorded as made by `signalled_by`.
    /// Terminals that are offered go to `terminals`.
    fn serve_clients_and(
        &self,
        boot: &Boot,
        link: LinkReader,
        signalled_by: &'static str,
        control: Option<UnboundedSender<Control>>,
        terminals: UnboundedSender<UnixStream>,
    ) -> io::Result<JoinHandle<()>> {
        let (socket, listeners) = SessionSocket::open(&boot.socket, self.session.clone())?;
        tokio::spawn(obey(link, self.link.clone(), self.session.clone(), signalled_by, control, socket));
        Ok(tokio::spawn(mcp::serve_socket(listeners, self.session.clone(), terminals, self.stop.clone())))
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
