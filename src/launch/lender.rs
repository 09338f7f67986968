//! The process that lends its terminal to a running session, which shows its dashboard there.
//!
//! It passes on the signals of the terminal, runs the person's editor, offers the terminal to the next session process
//! when one has died, and restores the terminal in any case.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, alarm, getpid};

use super::child::{self, Change};
use super::deferred_messages::DeferredMessages;
use super::editor;
use super::signals::{self, Signals};
use super::terminal::{NO_FOREGROUND, Terminal};
use crate::session::discovery::registry::{self, SessionEntry};
use crate::session::discovery::terminal_offer::{self, DashboardMessage, Farewell, OwnerMessage, TerminalFacts};
use crate::session::typed_lines::{self, InputLine};

/// How often a session process that starts is looked for.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// How long the screen of the last dashboard stays up for the next one.
const KEPT_SCREEN_TIMEOUT: Duration = Duration::from_secs(3);
/// When to tell the person that the session does not answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the session may take to close the dashboard.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Lender {
    session: SessionEntry,
    facts: TerminalFacts,
    signals: Signals,
    /// The modes of the terminal; `None` if plain lines come from a file or a pipe.
    terminal: Option<Terminal>,
    /// The typed lines, for a plain dashboard.
    lines: Option<Receiver<InputLine>>,
    connection: Option<SessionConnection>,
    /// Whether the terminal shows a dashboard, perhaps that of a process that has died.
    screen_up: bool,
    /// The person's editor, while it has the terminal.
    editor: Option<Pid>,
    /// Whether a SIGTSTP to this process alone is carried out.
    suspending: bool,
    /// Since when there has been no session process, or none that answers.
    waiting_since: Instant,
    has_told: bool,
    /// When the dashboard was asked to close.
    closing_since: Option<Instant>,
    farewell: Option<Farewell>,
    messages: DeferredMessages,
}

#[derive(Debug)]
struct SessionConnection {
    stream: UnixStream,
    unread: Vec<u8>,
    /// Whether this session process has shown its dashboard.
    has_entered: bool,
}

impl Lender {
    /// Must be called while the process has one thread.
    ///
    /// # Errors
    /// If there is no terminal, or signals cannot be waited for.
    pub fn new(session: SessionEntry, facts: TerminalFacts) -> io::Result<Self> {
        let terminal = Terminal::of_stdin();
        if terminal.is_none() && !facts.is_plain {
            return Err(io::Error::other("there is no terminal"));
        }
        Ok(Self {
            session,
            facts,
            signals: Signals::block()?,
            terminal,
            lines: None,
            connection: None,
            screen_up: false,
            editor: None,
            suspending: false,
            waiting_since: Instant::now(),
            has_told: false,
            closing_since: None,
            farewell: None,
            messages: DeferredMessages::default(),
        })
    }

    /// Lends the terminal until the dashboard is closed. The terminal is restored when this returns.
    ///
    /// # Errors
    /// If the terminal cannot be had, or waiting for signals fails.
    pub fn lend(mut self) -> io::Result<Farewell> {
        if self.terminal.as_mut().is_some_and(|terminal| !terminal.come_to_foreground()) {
            return Err(io::Error::other(NO_FOREGROUND));
        }
        self.look_for_session();
        let farewell = loop {
            if let Some(farewell) = self.farewell.take_if(|_| self.editor.is_none()) {
                break Ok(farewell);
            }
            match self.signals.next() {
                Ok(signal) => self.on_signal(signal),
                Err(error) => break Err(error),
            }
        };
        alarm::cancel();
        self.restore();
        self.messages.flush();
        farewell
    }

    /// Restores the terminal.
    fn restore(&mut self) {
        let screen_up = std::mem::take(&mut self.screen_up);
        if let Some(terminal) = &mut self.terminal {
            terminal.restore(screen_up);
        }
    }

    fn lend_terminal(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.lend();
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGIO => {
                self.read();
                self.send_lines();
            }
            Signal::SIGALRM => self.on_alarm(),
            Signal::SIGCHLD => self.check_editor(),
            Signal::SIGWINCH => self.send(&OwnerMessage::Resized),
            Signal::SIGTSTP if self.editor.is_none() => {
                self.suspending = true;
                if self.is_shown() && !self.facts.is_plain { self.send(&OwnerMessage::Suspend) } else { self.stop() }
            }
            Signal::SIGINT if self.is_shown() => self.send(&OwnerMessage::Interrupt),
            Signal::SIGINT | Signal::SIGTERM | Signal::SIGHUP | Signal::SIGQUIT => self.close(),
            _ => {}
        }
    }

    /// Whether a dashboard answers for this terminal.
    fn is_shown(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.has_entered)
    }

    /// Closes the dashboard; at the second request at once.
    fn close(&mut self) {
        let left = Farewell::Left { waiting: None, goes_on: true };
        if self.connection.is_none() || self.closing_since.is_some() {
            self.farewell = Some(left);
            return;
        }
        self.closing_since = Some(Instant::now());
        if let Some(editor) = self.editor {
            let _ = killpg(editor, Signal::SIGTERM);
            let _ = killpg(editor, Signal::SIGCONT);
        }
        self.send(&OwnerMessage::Close);
        signals::wake_after(CLOSE_TIMEOUT);
    }

    fn on_alarm(&mut self) {
        if self.closing_since.is_some_and(|since| since.elapsed() >= CLOSE_TIMEOUT) {
            self.farewell = Some(Farewell::Left { waiting: None, goes_on: true });
        } else if self.connection.is_none() && self.editor.is_none() {
            self.look_for_session();
        } else if !self.is_shown() && self.editor.is_none() {
            self.tell_once(format_args!("it does not answer, perhaps because it is suspended"));
        }
    }

    /// Offers the terminal to the session process, if there is one.
    fn look_for_session(&mut self) {
        let running = registry::running().unwrap_or_default();
        let is_this = |entry: &SessionEntry| (&entry.name, entry.pid) == (&self.session.name, self.session.pid);
        let Some(session) = running.into_iter().find(is_this) else {
            let guardian = Pid::from_raw(self.session.pid as i32);
            // A guardian that lives restores a record that somebody has removed.
            if kill(guardian, None).is_ok() && self.waiting_since.elapsed() < KEPT_SCREEN_TIMEOUT {
                signals::wake_after(RETRY_INTERVAL);
            } else {
                self.farewell = Some(Farewell::Ended);
            }
            return;
        };
        let (input, output) = (io::stdin(), io::stdout());
        let offered = terminal_offer::offer(&session.socket, (input.as_fd(), output.as_fd()), &self.facts);
        if let Ok(stream) = offered.and_then(|stream| signals::notify_by_sigio(&stream).map(|()| stream)) {
            self.lend_terminal();
            self.connection = Some(SessionConnection { stream, unread: Vec::new(), has_entered: false });
            signals::wake_after(ANSWER_TIMEOUT);
            // What came before SIGIO was requested.
            self.read();
            return;
        }
        if self.waiting_since.elapsed() > KEPT_SCREEN_TIMEOUT {
            let why = session.trouble.unwrap_or_else(|| "its Python has not started yet".to_owned());
            self.tell_once(format_args!("{why}"));
        }
        signals::wake_after(RETRY_INTERVAL);
    }

    /// Tells the person once why there is no dashboard.
    fn tell_once(&mut self, why: std::fmt::Arguments<'_>) {
        if std::mem::replace(&mut self.has_told, true) {
            return;
        }
        self.restore();
        let name = &self.session.name;
        self.messages.add(&format_args!("waiting for session \"{name}\": {why}. Ctrl-C leaves."));
        self.messages.flush();
    }

    fn send(&mut self, message: &OwnerMessage) {
        let Some(connection) = &mut self.connection else { return };
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            // The end of the connection is noticed by reading.
            let _ = connection.stream.write_all(&line);
        }
    }

    /// Takes in what the session says.
    fn read(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let mut chunk = [0; 1024];
        let is_closed = loop {
            match connection.stream.read(&mut chunk) {
                Ok(0) => break true,
                Ok(count) => connection.unread.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        while let Some(connection) = &mut self.connection
            && let Some(end) = connection.unread.iter().position(|byte| *byte == b'\n')
        {
            let line: Vec<u8> = connection.unread.drain(..=end).collect();
            if let Ok(message) = serde_json::from_slice(&line) {
                self.on_message(message);
            } else {
                let why = "it belongs to another version of fourhands, whose dashboard cannot be opened here";
                self.farewell = Some(Farewell::Refused(why.to_owned()));
                self.connection = None;
            }
        }
        if is_closed && self.connection.take().is_some() && self.farewell.is_none() {
            self.on_lost();
        }
    }

    fn on_message(&mut self, message: DashboardMessage) {
        match message {
            DashboardMessage::Entered => {
                (self.screen_up, self.has_told) = (!self.facts.is_plain, false);
                if let Some(connection) = &mut self.connection {
                    connection.has_entered = true;
                }
                // A change of the size meanwhile would be lost.
                self.send(&OwnerMessage::Resized);
                if self.facts.is_plain {
                    self.lines.get_or_insert_with(read_lines);
                    self.send_lines();
                }
            }
            DashboardMessage::Left => self.screen_up = false,
            DashboardMessage::Suspended => self.stop(),
            DashboardMessage::Edit(file) => self.edit(&file),
            DashboardMessage::Closed(farewell) => {
                self.farewell = Some(farewell);
                self.connection = None;
            }
        }
    }

    /// Keeps the screen for the dashboard of the next session process.
    fn on_lost(&mut self) {
        self.waiting_since = Instant::now();
        if self.closing_since.is_some() {
            self.farewell = Some(Farewell::Left { waiting: None, goes_on: true });
            return;
        }
        if self.screen_up && !self.terminal.as_ref().is_some_and(Terminal::keep) {
            self.restore();
        }
        signals::wake_after(RETRY_INTERVAL);
    }

    /// Stops the job, and takes the terminal back when the job continues.
    fn stop(&mut self) {
        let screen_up = self.screen_up;
        self.restore();
        if std::mem::take(&mut self.suspending) {
            // The signal was for this process alone, not for its group.
            signals::stop_self();
        } else {
            signals::stop_job(Signal::SIGTSTP);
        }
        self.screen_up = screen_up;
        if let Some(terminal) = &mut self.terminal {
            while !terminal.is_ours() && !signals::is_urgent_signal_pending() && signals::stop_job(Signal::SIGTTIN) {}
            terminal.read_modes();
            terminal.lend();
        }
        self.send(&OwnerMessage::Continued);
    }

    /// Sends the lines that were typed, once a dashboard takes them.
    fn send_lines(&mut self) {
        while self.is_shown()
            && let Some(Ok(line)) = self.lines.as_ref().map(Receiver::try_recv)
        {
            self.send(&match line {
                InputLine::Text(text) => OwnerMessage::Line(text),
                InputLine::End | InputLine::Gone => OwnerMessage::EndOfLines,
            });
        }
    }

    fn edit(&mut self, file: &Path) {
        self.restore();
        match editor::start(file) {
            Ok(editor) => {
                self.lend_terminal();
                self.editor = Some(editor);
            }
            Err(error) => self.send(&OwnerMessage::Edited(Some(format!("the editor cannot be started: {error}")))),
        }
    }

    fn check_editor(&mut self) {
        while let (Some(editor), Some(terminal)) = (self.editor, &mut self.terminal) {
            match child::poll(editor) {
                Ok(Change::Nothing) => break,
                Ok(Change::Stopped(_)) => editor::stop_with_job(editor, terminal),
                Ok(Change::Ended(status)) => self.on_edited(editor, editor::refusal(status)),
                Err(error) => self.on_edited(editor, Some(format!("the editor is lost: {error}"))),
            }
        }
    }

    fn on_edited(&mut self, editor: Pid, refusal: Option<String>) {
        self.editor = None;
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back_from(editor);
            terminal.restore(false);
            terminal.lend();
        }
        if self.connection.is_some() {
            self.send(&OwnerMessage::Edited(refusal));
        } else {
            // The dashboard of the next process finds the file.
            signals::wake_after(RETRY_INTERVAL);
        }
    }
}

/// Reads the typed lines on a thread of its own, and sends SIGIO to this process for each.
fn read_lines() -> Receiver<InputLine> {
    let (to, lines) = mpsc::channel();
    let Ok(input) = io::stdin().as_fd().try_clone_to_owned() else { return lines };
    let _ = thread::Builder::new().name("input".to_owned()).spawn(move || {
        typed_lines::read(File::from(input), |line| {
            let is_wanted = to.send(line).is_ok();
            // All threads block the signal, and the main thread waits for it.
            let _ = kill(getpid(), Signal::SIGIO);
            is_wanted
        });
    });
    lines
}
