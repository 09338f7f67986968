//! The loop of the bridge: one task that moves lines between the client and the backend, a session or the offline
//! server.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::envelope;
use super::lines::{LineReader, Outbox};
use super::offline::OfflineServer;
use super::relay::Relay;
use super::session_source::{Connection, Reach, SessionSource};
use super::stdio::{InputStream, OutputStream};
use crate::mcp::bridge_protocol::ResultForm;
use crate::session::SentTo;

/// How often to look for a session while there is none.
const SEARCH_INTERVAL: Duration = Duration::from_millis(500);
/// How soon to connect again after a session has hung up without a word.
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// How long the client's lines wait for a session that is starting: a machine may be busy, and some clients wait only
/// ten seconds for a server.
const START_TIMEOUT: Duration = Duration::from_secs(8);
/// How many times in a row a session may hang up without a word and still count as starting.
const MAX_HANG_UPS: u32 = 6;
/// How long the offline server may take for its last answers before a session takes over.
const OFFLINE_GRACE: Duration = Duration::from_secs(1);
/// How long a session may take to answer the handshake. A suspended session accepts connections and never answers.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the bridge leaves a session alone that was silent or refused the connection.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the last writes to the client may take.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1500);
/// A dying process accepts connections to its end. One that hangs up this soon, without a word, has read nothing.
const UNREAD_TIME: Duration = Duration::from_millis(100);
/// Bytes that may wait to be written before the bridge stops reading from the other side.
const MAX_UNWRITTEN: usize = 1 << 20;
/// Buffer of the connection to the offline server, in bytes.
const OFFLINE_BUFFER: usize = 64 << 10;
/// The answer to calls that an ended session left.
const ENDED: &str = "The fourhands session ended before this call was answered, and its variables are gone.";

/// The connection to a session or to the offline server.
struct BackendLink {
    lines: LineReader<InputStream>,
    /// `None` once a write has failed; what the backend wrote before is still read.
    out: Option<OutputStream>,
    is_session: bool,
    /// Whether the backend has sent anything.
    has_spoken: bool,
    since: Instant,
}

impl BackendLink {
    fn to_session(Connection { input, output }: Connection) -> Self {
        Self::new(input, output, true)
    }

    fn to_offline_server(server: &OfflineServer) -> Self {
        let (ours, theirs) = tokio::io::duplex(OFFLINE_BUFFER);
        tokio::spawn(server(theirs));
        let (input, output) = tokio::io::split(ours);
        Self::new(Box::new(input), Box::new(output), false)
    }

    fn new(input: InputStream, output: OutputStream, is_session: bool) -> Self {
        Self { lines: LineReader::new(input), out: Some(output), is_session, has_spoken: false, since: Instant::now() }
    }

    /// Returns when to give up a backend that is silent until then.
    fn silence_deadline(&self, relay: &Relay) -> Option<Instant> {
        let is_silent = self.is_session && !self.has_spoken && relay.awaits_handshake();
        is_silent.then(|| self.since + HANDSHAKE_TIMEOUT)
    }
}

/// A session that was reached while the offline server still has something to answer.
struct NextSession {
    connection: Connection,
    session: SentTo,
    /// When the session takes over at the latest.
    deadline: Instant,
}

/// The state of the search for a session.
struct SessionSearch {
    starting_since: Option<Instant>,
    next_attempt: Instant,
    paused_until: Option<Instant>,
    /// How many connections in a row ended without a word.
    hang_ups: u32,
}

impl SessionSearch {
    /// Returns whether a session may be up in a moment.
    fn is_starting(&self) -> bool {
        self.hang_ups < MAX_HANG_UPS && self.starting_since.is_some_and(|since| since.elapsed() < START_TIMEOUT)
    }
}

struct Pump<'a, F, I, O> {
    source: &'a F,
    offline: &'a OfflineServer,
    client: LineReader<I>,
    output: O,
    relay: Relay,
    link: Option<BackendLink>,
    next: Option<NextSession>,
    search: SessionSearch,
    /// Whether the client has said anything, or a session was reached.
    was_used: bool,
    /// When the bridge ends, once the client has closed its end.
    closing: Option<Instant>,
    spin_until: Instant,
}

/// Whether a bridge was of any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BridgeUse {
    Served,
    /// The client has closed its end without a word, and there was no session.
    InVain,
}

/// Serves one client until the client closes its end; asks for its results in this `form`. An error means that the
/// client reads no more.
pub async fn pump<F: SessionSource>(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    source: &F,
    offline: &OfflineServer,
    form: Option<ResultForm>,
) -> io::Result<BridgeUse> {
    let now = Instant::now();
    let pump = Pump {
        source,
        offline,
        client: LineReader::new(input),
        output,
        relay: Relay::new(form),
        link: None,
        next: None,
        search: SessionSearch { starting_since: None, next_attempt: now, paused_until: None, hang_ups: 0 },
        was_used: false,
        closing: None,
        spin_until: now,
    };
    pump.run().await
}

impl<F: SessionSource, I: AsyncRead + Unpin, O: AsyncWrite + Unpin> Pump<'_, F, I, O> {
    async fn run(mut self) -> io::Result<BridgeUse> {
        loop {
            self.read_backend().await;
            self.find_session().await;
            self.join_next_session().await;
            let has_more = self.forward();
            if self.is_done() {
                break;
            }
            self.wait(has_more).await?;
        }
        drop(self.link);
        let _ = timeout(FLUSH_TIMEOUT, self.output.flush()).await;
        let is_in_vain = !self.was_used && self.search.starting_since.is_none();
        Ok(if is_in_vain { BridgeUse::InVain } else { BridgeUse::Served })
    }

    /// Passes on what the backend says. Drops a backend that refuses the connection, hangs up or is silent.
    async fn read_backend(&mut self) {
        if self.link.as_mut().is_some_and(|link| link.lines.has_line()) {
            self.drop_cancelled().await;
        }
        let refusal = self.pass_answers();
        let Some(link) = &mut self.link else { return };
        if let Some(why) = refusal {
            self.relay.refused(&why, &self.source.advice());
            self.pause();
        } else if link.lines.ended && !link.lines.has_line() {
            self.drop_cancelled().await;
            self.on_hang_up();
        } else if link.silence_deadline(&self.relay).is_some_and(|deadline| deadline <= Instant::now()) {
            self.drop_cancelled().await;
            self.relay.backend_lost("The fourhands session does not answer.", &self.source.advice(), true);
            self.pause();
        }
    }

    /// Returns why the session refuses the connection, if it does.
    fn pass_answers(&mut self) -> Option<String> {
        let link = self.link.as_mut()?;
        // The offline server reads one line of the client at a time. A line that waits may cancel what the server has
        // just answered, and use its id once more.
        while self.relay.to_client.len() < MAX_UNWRITTEN
            && (link.is_session || !self.client.has_line())
            && let Some(line) = link.lines.next()
        {
            if link.is_session && !link.has_spoken {
                let refusal = envelope::refusal(&line);
                self.source.set_refusal(refusal.clone());
                if refusal.is_some() {
                    return refusal;
                }
            }
            self.relay.on_backend_line(&line);
            self.spin_until = Instant::now() + F::SPIN_TIME;
            link.has_spoken = true;
            if link.is_session {
                self.search.starting_since = None;
            }
        }
        None
    }

    fn on_hang_up(&mut self) {
        let Some(link) = self.link.take() else { return };
        let now = Instant::now();
        self.search.next_attempt = now + self.source.poll_interval();
        if link.is_session {
            let unread = !link.has_spoken && link.since.elapsed() < UNREAD_TIME;
            self.relay.session_lost(ENDED, &self.source.advice(), unread);
            // Another process may take over.
            self.search.starting_since.get_or_insert(now);
            // A session that hangs up at once may do so again: not in a tight loop.
            let hang_ups = if link.has_spoken { 0 } else { self.search.hang_ups + 1 };
            self.search.hang_ups = hang_ups;
            let delay = (RETRY_DELAY * hang_ups * hang_ups).min(SEARCH_INTERVAL);
            self.search.paused_until = (!link.has_spoken).then(|| now + delay);
        } else {
            self.relay.backend_lost(ENDED, &self.source.advice(), false);
            self.search.paused_until = None;
        }
    }

    /// Leaves the session alone for a while.
    fn pause(&mut self) {
        self.search.paused_until = Some(Instant::now() + PAUSE);
        self.link = None;
    }

    /// Looks for a session if there is none. If the client waits and no session is near, the offline server takes over.
    async fn find_session(&mut self) {
        if self.next.is_some() || self.has_session() {
            return;
        }
        let is_asked = self.client.has_line() || (self.link.is_none() && self.relay.waits_for_another());
        let now = Instant::now();
        let search = &mut self.search;
        if (is_asked || search.next_attempt <= now) && search.paused_until.is_none_or(|until| until <= now) {
            match self.source.reach().await {
                Reach::Connected(connection, session) => {
                    self.next = Some(NextSession { connection, session, deadline: now + OFFLINE_GRACE });
                }
                Reach::Starting => {
                    search.starting_since.get_or_insert(now);
                }
                Reach::Nothing => search.starting_since = None,
            }
            search.next_attempt =
                now + if search.is_starting() { self.source.poll_interval() } else { SEARCH_INTERVAL };
        } else if let Some(until) = search.paused_until {
            search.next_attempt = search.next_attempt.max(until);
        }
        if is_asked && self.link.is_none() && self.next.is_none() && !self.search.is_starting() {
            self.drop_cancelled().await;
            self.relay.backend_lost(ENDED, &self.source.advice(), true);
            self.link = Some(BackendLink::to_offline_server(self.offline));
            self.relay.backend_joined(None);
        }
    }

    /// Lets the session that was reached take over, once the offline server has nothing to answer or its time is up.
    async fn join_next_session(&mut self) {
        let (link, relay) = (&self.link, &self.relay);
        let is_due = |next: &mut NextSession| link.is_none() || relay.is_idle() || next.deadline <= Instant::now();
        let Some(NextSession { connection, session, .. }) = self.next.take_if(is_due) else { return };
        self.drop_cancelled().await;
        if self.link.take().is_some() {
            self.relay.backend_lost("A fourhands session took over before this call was answered.", "", true);
        }
        self.link = Some(BackendLink::to_session(connection));
        self.was_used = true;
        // However this session ends, the next one has its own time to start.
        self.search.starting_since = None;
        self.relay.backend_joined(Some(session));
    }

    /// Passes on what the client says. Returns whether a line of the client waits for the next round.
    fn forward(&mut self) -> bool {
        while self.next.is_none()
            && let Some(link) = &self.link
            && (link.is_session || !self.search.is_starting())
            // An offline server that reads no more may still answer what was not cancelled. The rest is for its
            // successor.
            && (link.is_session || link.out.is_some())
            && self.relay.to_backend.len() < MAX_UNWRITTEN
            && self.relay.to_client.len() < MAX_UNWRITTEN
            && let Some(line) = self.client.next()
        {
            self.relay.on_client_line(&line);
            self.was_used = true;
            self.spin_until = Instant::now() + F::SPIN_TIME;
            if !link.is_session {
                // A session may be up by the next line.
                return self.client.has_line();
            }
        }
        false
    }

    /// Returns whether the bridge ends now. Begins the end if the client has closed its end, or the session is over.
    fn is_done(&mut self) -> bool {
        let has_line = self.client.has_line();
        // The session that this process guards has not been asked yet if it is just starting.
        let is_unasked = self.source.is_guarding() && !self.has_session();
        let has_left = self.client.ended && !has_line && !(is_unasked && self.search.is_starting());
        if !has_left && !self.source.is_over() {
            return false;
        }
        let until = *self.closing.get_or_insert_with(|| Instant::now() + self.source.drain_timeout());
        let is_unsent = self.link.as_ref().is_some_and(|link| link.out.is_some()) && !self.relay.to_backend.is_empty();
        let nobody_waits = self.relay.is_idle() || (self.link.is_none() && !self.relay.waits_for_another());
        let is_finished = !has_line && nobody_waits && !is_unsent && self.relay.to_client.is_empty();
        is_finished || until <= Instant::now()
    }

    /// Waits until there is something to do. Reads and writes meanwhile.
    async fn wait(&mut self, has_more: bool) -> io::Result<()> {
        let search_at = match (&self.link, &self.next) {
            (Some(link), None) if link.is_session => None,
            (_, Some(next)) => Some(next.deadline),
            (_, None) => Some(self.search.next_attempt),
        };
        let silent_at = self.link.as_ref().and_then(|link| link.silence_deadline(&self.relay));
        let closing = self.closing;
        let wake_at = [search_at, silent_at, closing].into_iter().flatten().min();
        let has_line = self.client.has_line();
        let Self { source, client, output, relay, link, spin_until, .. } = self;
        let (lines, out) = match link {
            Some(link) => (Some(&mut link.lines), link.out.as_mut()),
            None => (None, None),
        };
        let has_room = relay.to_client.len() < MAX_UNWRITTEN;
        let can_write = out.is_some() && !relay.to_backend.is_empty();
        let mut is_broken = false;
        tokio::select! {
            written = relay.to_client.write_to(output), if !relay.to_client.is_empty() => written?,
            written = write(&mut relay.to_backend, out), if can_write => is_broken = written.is_err(),
            () = fill(lines), if has_room => {}
            () = fill(Some(client)), if !client.ended && !has_line => {}
            () = tokio::task::yield_now(), if has_more => {}
            () = sleep(wake_at), if wake_at.is_some() => {}
            () = spin(*spin_until), if Instant::now() < *spin_until => {}
            () = source.over(), if closing.is_none() => {}
        }
        if is_broken && let Some(link) = link {
            link.out = None;
            relay.backend_stopped_reading();
        }
        Ok(())
    }

    fn has_session(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_session)
    }

    /// Reads what the client has sent, without waiting, and drops the requests that it cancels there.
    async fn drop_cancelled(&mut self) {
        let client = &mut self.client;
        let mut has_come = true;
        while has_come && !client.ended && client.buffered() < MAX_UNWRITTEN {
            has_come = tokio::select! {
                biased;
                read = client.fill() => read.is_ok(),
                () = std::future::ready(()) => false,
            };
        }
        self.relay.cancel_ahead(client.waiting());
    }
}

/// Reads lines. A read error is the end of the input.
async fn fill(lines: Option<&mut LineReader<impl AsyncRead + Unpin>>) {
    match lines {
        Some(lines) => _ = lines.fill().await,
        None => pending().await,
    }
}

/// Waits without sleeping, but lets the other threads of the core go first.
async fn spin(until: Instant) {
    while Instant::now() < until {
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
}

async fn write(outbox: &mut Outbox, out: Option<&mut OutputStream>) -> io::Result<()> {
    match out {
        Some(out) => outbox.write_to(out).await,
        None => pending().await,
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
