//! Finds the session's socket, and says what to do when there is none.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::BridgeOptions;
use super::starter::Starter;
use super::stdio::{Input, Output};
use crate::domain::terminal_text::visible;
use crate::session::SentTo;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::{Published, SessionEntry};
use crate::session::discovery::select::{Choice, choose};
use crate::session::discovery::socket;
use crate::session::discovery::socket::ConnectError;

/// How often to look for a session that is starting; one in this process's own hands is there in some 50 ms.
const LOOK_SOON: Duration = Duration::from_millis(50);
const LOOK_FOR_GUARDED: Duration = Duration::from_millis(2);
/// How long answers are still awaited after the client has closed its end; clients kill a bridge after 2 s.
const DRAIN: Duration = Duration::from_millis(1500);
const DRAIN_OF_GUARDED: Duration = Duration::from_secs(3);

/// What an attempt to reach a session came to.
pub enum Reach {
    Connected(Connection, SentTo),
    /// The session lives, but does not accept connections yet.
    Starting,
    Nothing,
}

/// A way to a session and back.
pub struct Connection {
    pub input: Input,
    pub output: Output,
}

/// What the loop of the bridge asks of the world outside; a test may stand in for that.
pub trait Find: Sync {
    /// How long the loop looks for the next line before it sleeps: to wake a core costs more than what is done in between.
    const MOMENT: Duration = Duration::from_micros(200);

    fn reach(&self) -> impl Future<Output = Reach> + Send;

    /// Why there is no session, and what to do.
    fn advice(&self) -> String;

    /// Notes why a session took no connection; `None` once it has.
    fn note_refusal(&self, why: Option<String>);

    /// Whether this process guards the session, and it is not over.
    fn is_guarding(&self) -> bool {
        false
    }

    /// Whether there will never be a session again; see [`Finder::guarding`].
    fn is_over(&self) -> bool {
        false
    }

    /// Waits until it is over.
    fn over(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// How often to look for a session that is starting.
    fn pace(&self) -> Duration {
        LOOK_SOON
    }

    /// How long answers are still awaited after the client has closed its end.
    fn drain(&self) -> Duration {
        DRAIN
    }
}

#[derive(Debug)]
struct Guarded {
    session: Published,
    /// Cancelled when it has ended.
    over: CancellationToken,
}

#[derive(Debug)]
pub struct Finder {
    options: BridgeOptions,
    /// `FOURHANDS_SESSION`.
    env: Option<String>,
    cwd: PathBuf,
    places: Paths,
    /// Starts one where there is none, if that was asked for.
    starter: Option<Starter>,
    /// This very process guards the session.
    guarded: Option<Guarded>,
    complained: AtomicBool,
    /// Why the session took no connection of ours, the last time.
    refused: Mutex<Option<String>>,
}

impl Find for Finder {
    async fn reach(&self) -> Reach {
        if let Some(guarded) = &self.guarded {
            // Its socket may have moved.
            let record = guarded.session.record();
            let without = if self.is_over() || record.trouble.is_some() { Reach::Nothing } else { Reach::Starting };
            let connected = self.connect(&record.socket).await;
            return connected.map_or(without, |stream| self.connected(stream, Some(&record)));
        }
        if let Some(socket) = &self.options.socket {
            let record = self.record_of(socket);
            let connected = self.connect(socket).await;
            return connected.map_or(Reach::Nothing, |stream| self.connected(stream, record.as_ref()));
        }
        let starts = |name| self.starter.as_ref().is_some_and(|starter| starter.start(name));
        match self.choice() {
            Ok((Choice::Use(record), _)) => {
                let connected = self.connect(&record.socket).await;
                if let (Ok(_), Some(starter)) = (&connected, &self.starter) {
                    starter.connected();
                }
                let without = if record.trouble.is_some() { Reach::Nothing } else { Reach::Starting };
                connected.map_or(without, |stream| self.connected(stream, Some(&record)))
            }
            Ok((Choice::NoneRunning, _)) if starts(None) => Reach::Starting,
            Ok((Choice::NotRunning(name), _)) if registry::check_name(&name).is_ok() && starts(Some(&name)) => {
                Reach::Starting
            }
            _ => Reach::Nothing,
        }
    }

    /// Looks again each time.
    fn advice(&self) -> String {
        if let Some(guarded) = &self.guarded {
            return self.advice_of_guarded(&guarded.session.record());
        }
        let problem = match (&self.options.socket, self.choice()) {
            (Some(socket), _) => format!(
                "No fourhands session listens at {}, the socket this server was told to use (--socket). \
                 Ask the person to start the session, or to correct the path in the AI client's configuration.",
                socket.display()
            ),
            (None, Err(error)) => format!("fourhands cannot look for its sessions: {error}."),
            (None, Ok((choice, running))) => self.explain(&choice, &running),
        };
        self.remedy(&problem)
    }

    fn note_refusal(&self, why: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn is_guarding(&self) -> bool {
        self.guarded.is_some() && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.guarded.as_ref().is_some_and(|guarded| guarded.over.is_cancelled())
    }

    async fn over(&self) {
        match &self.guarded {
            Some(guarded) => guarded.over.cancelled().await,
            None => std::future::pending().await,
        }
    }

    fn pace(&self) -> Duration {
        if self.guarded.is_some() { LOOK_FOR_GUARDED } else { LOOK_SOON }
    }

    fn drain(&self) -> Duration {
        // What was piped into `serve --stdio` is all that will ever be asked, and somebody may read the answers.
        if self.guarded.is_some() { DRAIN_OF_GUARDED } else { DRAIN }
    }
}

impl Finder {
    /// For this process, with its environment and working directory.
    pub fn new(options: BridgeOptions) -> Self {
        let cwd = std::env::current_dir().and_then(std::fs::canonicalize).unwrap_or_else(|_| PathBuf::from("/"));
        let env = std::env::var("FOURHANDS_SESSION").ok();
        Self::at(options, env, cwd, Paths::of_this_process())
    }

    pub(super) fn at(options: BridgeOptions, env: Option<String>, cwd: PathBuf, places: Paths) -> Self {
        let starter = Starter::new(&options, &cwd, places.home.as_deref());
        let (complained, refused) = (AtomicBool::new(false), Mutex::new(None));
        Self { options, env, cwd, places, starter, guarded: None, complained, refused }
    }

    /// For the session that this process guards. It is over when `over` is cancelled.
    pub fn guarding(session: Published, over: CancellationToken) -> Self {
        Self { guarded: Some(Guarded { session, over }), ..Self::new(BridgeOptions::default()) }
    }

    /// `before`: the record of the session as it was before the connection.
    fn connected(&self, stream: UnixStream, before: Option<&SessionEntry>) -> Reach {
        // Another session may have taken the place of that one meanwhile.
        let session = before.filter(|before| self.record_of(&before.socket).as_ref() == Some(before));
        let session = session.and_then(|record| record.id.clone());
        let process = socket::peer(&stream).and_then(|peer| peer.pid);
        let (input, output) = stream.into_split();
        let connection = Connection { input: Box::new(input), output: Box::new(output) };
        Reach::Connected(connection, SentTo { session, process })
    }

    fn record_of(&self, socket: &Path) -> Option<SessionEntry> {
        registry::running_at(&self.places).ok()?.into_iter().find(|record| record.socket == socket)
    }

    /// The client has left.
    pub fn leave(&self) {
        if let Some(starter) = &self.starter {
            starter.leave();
        }
    }

    async fn connect(&self, path: &Path) -> Result<UnixStream, ConnectError> {
        let connected = socket::connect(path).await;
        if let Err(error @ ConnectError::NotOurs { .. }) = &connected
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            super::complain(&error.to_string());
        }
        connected
    }

    fn choice(&self) -> io::Result<(Choice, Vec<SessionEntry>)> {
        let mut running = registry::running_at(&self.places)?;
        if let Some(starter) = &self.starter
            && self.is_free_to_choose()
        {
            running.retain(|record| starter.is_for(record, &self.cwd));
        }
        if self.is_free_to_choose() {
            running.retain(|record| !record.private);
        }
        Ok((choose(self.options.session.as_deref(), self.env.as_deref(), &self.cwd, &running), running))
    }

    fn is_free_to_choose(&self) -> bool {
        let names = [self.options.session.as_deref(), self.env.as_deref()];
        names.into_iter().flatten().all(|name| name.trim().is_empty())
    }

    /// What goes on from there.
    pub(super) fn remedy(&self, problem: &str) -> String {
        let problem = match self.starter.as_ref().and_then(Starter::word) {
            Some(word) => format!("{problem}\n{word}"),
            None => problem.to_owned(),
        };
        // Names of folders may hold anything, and this is shown to people and models.
        let problem = visible(&problem);
        format!(
            "{problem}\nThis server connects by itself: once the session is up, the next call just works. Nothing has to be \
             restarted, unless the configuration is changed: the AI client must then start this server again."
        )
    }

    fn advice_of_guarded(&self, record: &SessionEntry) -> String {
        if self.is_over() {
            return "The session of this server has ended, and the server ends with it. The AI client has to start it again."
                .to_owned();
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = refused.or_else(|| self.trouble(record)).unwrap_or_else(|| {
            "The Python of this server's session does not answer: it is being started, or it was suspended. Once it \
             answers, the next call reaches it."
                .to_owned()
        });
        visible(&text).into_owned()
    }

    /// Why the session has no Python, if it has none. Each time it is asked to try again.
    fn trouble(&self, record: &SessionEntry) -> Option<String> {
        let trouble = record.trouble.as_deref()?;
        let _ = registry::ask_for_another_try(&self.places, record);
        Some(format!(
            "The fourhands session \"{}\" has no Python at the moment: {trouble}\nIt is asked to try another start \
             now, which takes some seconds. If that does not help, the person has to mend it.",
            record.name
        ))
    }

    pub(super) fn explain(&self, choice: &Choice, running: &[SessionEntry]) -> String {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match choice {
            Choice::Use(record) if refused.is_some() => {
                format!("The fourhands session \"{}\" took no connection: {}", record.name, refused.unwrap_or_default())
            }
            Choice::Use(record) => self.trouble(record).unwrap_or_else(|| {
                format!(
                    "The fourhands session \"{}\" in {} is starting, or it has stopped answering (pid {}). \
                     If that lasts, ask the person to look at its terminal.",
                    record.name,
                    record.cwd.display(),
                    record.pid
                )
            }),
            Choice::NotRunning(name) if registry::check_name(name).is_err() => {
                let rule = registry::check_name(name).err().map_or_else(String::new, |bad| bad.to_string());
                format!(
                    "No session can be reached: this server was told to use one by --session or FOURHANDS_SESSION, but \
                     {rule}. Ask the person to correct that in the AI client's configuration."
                )
            }
            Choice::NotRunning(name) => format!(
                "The fourhands session \"{name}\", which this server was told to use (--session or FOURHANDS_SESSION), \
                 is not running. Ask the person to start it: `fourhands --session {name}` in a terminal, in the \
                 folder to work in.{}",
                match running {
                    [] => String::new(),
                    _ => format!("\nRunning are:\n{}", list(running)),
                }
            ),
            Choice::Several => format!(
                "Several fourhands sessions are running, and none of them in this server's folder ({}) or above it:\n\
                 {}\nAsk the person which one to use. They choose it by adding `--session NAME` to the arguments of \
                 `fourhands bridge` in the AI client's configuration, or by setting FOURHANDS_SESSION=NAME in its \
                 environment there. Without that, they can start one for this server's folder (`fourhands` in a terminal \
                 there), or quit all but one.",
                self.cwd.display(),
                list(running)
            ),
            Choice::NoneRunning => {
                let place = match self.cwd.as_os_str().to_str() {
                    Some("/") | None => "in the folder to work in".to_owned(),
                    Some(folder) => format!("in the folder {folder}"),
                };
                format!(
                    "No fourhands session is running. Ask the person to start one: `fourhands` in a terminal, {place} \
                     (or `fourhands serve` there, to run without a dashboard)."
                )
            }
        }
    }
}

fn list(running: &[SessionEntry]) -> String {
    let lines: Vec<_> = running.iter().map(|record| format!("- {} ({})", record.name, record.cwd.display())).collect();
    lines.join("\n")
}
