//! Dashboards that come to a running session, on terminals that other processes offer. At most one is open: a newer one
//! takes the place of the one before.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::dashboard::{CLOSE_TIMEOUT, TerminalDashboard};
use super::link::{self, LinkReader, LinkWriter};
use super::plain::PlainDashboard;
use crate::domain::crash_store::CrashStore;
use crate::session::discovery::terminal_offer::{self, DashboardMessage, Farewell, Offer, OwnerMessage};
use crate::session::typed_lines::InputLine;
use crate::session::{SessionHandle, SessionId};
use crate::tui::{Control, Leaving, Suspended, TerminalOwner};

/// The session to which dashboards come.
pub struct AttachedDashboards {
    pub session: SessionHandle,
    pub id: SessionId,
    pub crash_store: Option<&'static CrashStore>,
    pub leaving: Leaving,
    /// Cancelled when the session has ended.
    pub stop: CancellationToken,
}

/// An open dashboard.
struct OpenDashboard {
    /// Gets the process that owns the next terminal.
    successor: oneshot::Sender<u32>,
    task: JoinHandle<()>,
}

impl AttachedDashboards {
    /// Opens a dashboard on each terminal that is offered. Returns once the session has ended and the dashboard is
    /// closed.
    pub async fn serve(self, mut offered: UnboundedReceiver<UnixStream>) {
        let mut open: Option<OpenDashboard> = None;
        loop {
            let connection = tokio::select! {
                () = self.stop.cancelled() => break,
                Some(connection) = offered.recv() => connection,
            };
            let Ok(offer) = terminal_offer::receive(connection).await else { continue };
            if let Some(OpenDashboard { successor, task }) = open.take() {
                let _ = successor.send(offer.facts.pid);
                let _ = task.await;
            }
            open = self.open(offer).ok();
        }
        if let Some(open) = open {
            let _ = open.task.await;
        }
    }

    fn open(&self, offer: Offer) -> io::Result<OpenDashboard> {
        let Offer { input, output, facts, connection } = offer;
        let (writer, reader) = link::open(connection)?;
        let owner = LentTerminal { writer: writer.clone(), environment: facts.environment, leaving: self.leaving };
        let (control, commands) = unbounded_channel();
        let (typed, lines) = unbounded_channel();
        let (session, leaving) = (self.session.clone(), self.leaving);
        let run: Box<dyn FnOnce() -> io::Result<()> + Send> = if facts.is_plain {
            let (stdin, stdout, lines) = (input, output, Some(lines));
            let dashboard = PlainDashboard { session, stdin, stdout, lines, control: commands, leaving };
            owner.on_terminal(true);
            Box::new(move || dashboard.run())
        } else {
            let (id, crash_store) = (self.id.clone(), self.crash_store);
            let owner = Arc::new(owner);
            let dashboard = TerminalDashboard { session, id, input, output, owner, control: commands, crash_store };
            Box::new(move || dashboard.run())
        };
        // Before the dashboard begins: what asks from now on may wait for the person.
        self.session.dashboard_opened();
        let (done, closed) = oneshot::channel();
        let spawned = thread::Builder::new().name("dashboard".to_owned()).spawn(move || drop(done.send(run())));
        if let Err(error) = spawned {
            self.session.dashboard_closed();
            writer.send(&DashboardMessage::Closed(Farewell::Refused(format!("no dashboard can be started: {error}"))));
            return Err(error);
        }
        let (successor, succeeded) = oneshot::channel();
        let attachment = Attachment { session: self.session.clone(), leaving, writer, control, typed };
        Ok(OpenDashboard { successor, task: tokio::spawn(attachment.run(reader, closed, succeeded)) })
    }
}

/// The connection between an open dashboard and the owner of its terminal.
struct Attachment {
    session: SessionHandle,
    leaving: Leaving,
    writer: LinkWriter,
    control: UnboundedSender<Control>,
    /// Takes lines for a plain dashboard.
    typed: UnboundedSender<InputLine>,
}

impl Attachment {
    async fn run(
        mut self,
        mut lines: LinkReader,
        mut closed: oneshot::Receiver<io::Result<()>>,
        mut succeeded: oneshot::Receiver<u32>,
    ) {
        let (mut end, mut successor) = (None, None);
        loop {
            tokio::select! {
                biased;
                result = &mut closed => {
                    end = Some(result);
                    break;
                }
                Ok(by) = &mut succeeded => {
                    successor = Some(by);
                    break;
                }
                line = lines.next_line() => match line.ok().flatten().map(|line| serde_json::from_str(&line)) {
                    Some(Ok(OwnerMessage::Close)) | None => break,
                    Some(Ok(message)) => self.pass_on(message).await,
                    Some(Err(_)) => {}
                },
            }
        }
        // Nobody sends requests any more.
        self.control = unbounded_channel().0;
        if end.is_none() {
            // A dashboard stands still if its terminal does.
            end = timeout(CLOSE_TIMEOUT, closed).await.ok();
        }
        self.session.dashboard_closed();
        let failure = match end {
            Some(Ok(Err(error))) => Some(format!("the dashboard failed: {error}")),
            Some(Err(_)) => Some("an internal error closed the dashboard; the session goes on".to_owned()),
            Some(Ok(Ok(()))) | None => None,
        };
        if let Some(farewell) = self.farewell(failure, successor).await {
            self.writer.send(&DashboardMessage::Closed(farewell));
        }
    }

    async fn pass_on(&self, message: OwnerMessage) {
        let request = match message {
            OwnerMessage::Suspend => Control::Suspend,
            OwnerMessage::Continued => Control::Continued,
            OwnerMessage::Resized => Control::Resized,
            OwnerMessage::Edited(refusal) => Control::Edited(refusal),
            OwnerMessage::Interrupt => {
                let _ = self.session.interrupt(None, "you").await;
                Control::Interrupted
            }
            OwnerMessage::Line(text) => return drop(self.typed.send(InputLine::Text(text))),
            OwnerMessage::EndOfLines => return drop(self.typed.send(InputLine::End)),
            OwnerMessage::Close => return,
        };
        let _ = self.control.send(request);
    }

    /// Returns why the dashboard is closed; `None` if one of the next session process follows.
    async fn farewell(&self, failure: Option<String>, successor: Option<u32>) -> Option<Farewell> {
        if let Some(by) = successor {
            return Some(Farewell::TakenOver { by });
        }
        let state = self.session.read(|transcript| (transcript.waiting(), transcript.clients().is_empty())).await;
        let Ok((waiting, is_unused)) = state else {
            return (!self.session.is_restarting()).then_some(Farewell::Ended);
        };
        if let Some(failure) = failure {
            return Some(Farewell::Refused(failure));
        }
        let waiting = (!waiting.is_empty()).then(|| waiting.join(", "));
        Some(Farewell::Left { waiting, goes_on: !(is_unused && self.leaving == Leaving::GoesOnForClients) })
    }
}

/// A terminal whose owner is at the other end of a connection.
struct LentTerminal {
    writer: LinkWriter,
    environment: BTreeMap<String, String>,
    leaving: Leaving,
}

impl TerminalOwner for LentTerminal {
    fn on_terminal(&self, entered: bool) {
        self.writer.send(if entered { &DashboardMessage::Entered } else { &DashboardMessage::Left });
    }

    fn edit(&self, file: &Path) {
        self.writer.send(&DashboardMessage::Edit(file.to_owned()));
    }

    fn suspend(&self) -> io::Result<Suspended> {
        self.writer.send(&DashboardMessage::Suspended);
        Ok(Suspended::Later)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn leaving(&self) -> Leaving {
        self.leaving
    }
}

/// Refuses each terminal that is offered to a session with a dashboard of its own.
pub async fn refuse_all(mut offered: UnboundedReceiver<UnixStream>, session: String) {
    while let Some(connection) = offered.recv().await {
        let Ok(offer) = terminal_offer::receive(connection).await else { continue };
        let text = format!("session \"{session}\" has its dashboard in the terminal that it was started in");
        if let Ok((writer, _)) = link::open(offer.connection) {
            writer.send(&DashboardMessage::Closed(Farewell::Refused(text)));
        }
    }
}
