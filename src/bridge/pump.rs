//! The loop of the bridge: one task that moves lines between the client and whichever backend there is.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::OfflineServer;
use super::envelope;
use super::finder::{Connection, Find, Reach};
use super::lines::{LineReader, Outbox};
use super::relay::Relay;
use super::stdio::{Input, Output};
use crate::session::SentTo;

/// How often to look for a session while there is none.
const LOOK: Duration = Duration::from_millis(500);
/// How soon to look again when one has hung up.
const LOOK_SOON: Duration = Duration::from_millis(50);
/// How long the client's lines are held for a session that is starting: a machine may be busy, and some clients wait for
/// a server for ten seconds only.
const HOLD: Duration = Duration::from_secs(8);
/// Connections in a row without a word that are taken for a session that is starting.
const MOST_HANG_UPS: u32 = 6;
/// How long the offline server may take to answer what it was asked before a session takes over.
const HAND_OVER: Duration = Duration::from_secs(1);
/// How long a session may take to answer the handshake: one that is suspended still accepts connections.
const HELLO: Duration = Duration::from_secs(3);
/// How long such a session is left alone.
const REST: Duration = Duration::from_secs(5);
/// How long the last of what goes to the client may take.
const FLUSH: Duration = Duration::from_millis(1500);
/// A process that dies takes connections to its last moment, and so soon hangs up again without having read anything.
const BACKLOG: Duration = Duration::from_millis(100);
/// Bytes that may wait to be written before the other side is no longer read.
const HIGH: usize = 1 << 20;
/// Said to those whose calls a session has left.
const ENDED: &str = "The fourhands session ended before this call was answered, and its variables are gone.";
/// Of the offline server.
const OFFLINE_BUFFER: usize = 64 << 10;

/// A backend: a session, or the server in this process that answers while there is none.
struct Link {
    lines: LineReader<Input>,
    /// `None` once writing has failed: what it said before is still read.
    out: Option<Output>,
    live: bool,
    /// Whether it has sent anything yet.
    spoke: bool,
    since: Instant,
}

impl Link {
    fn live(Connection { input, output }: Connection) -> Self {
        Self::new(input, output, true)
    }

    fn new(input: Input, output: Output, live: bool) -> Self {
        Self { lines: LineReader::new(input), out: Some(output), live, spoke: false, since: Instant::now() }
    }

    /// When to give it up, if it says nothing until then.
    fn silent_until(&self, relay: &Relay) -> Option<Instant> {
        (self.live && !self.spoke && relay.awaits_hello()).then(|| self.since + HELLO)
    }

    fn offline(server: &OfflineServer) -> Self {
        let (ours, theirs) = tokio::io::duplex(OFFLINE_BUFFER);
        tokio::spawn(server(theirs));
        let (input, output) = tokio::io::split(ours);
        Self::new(Box::new(input), Box::new(output), false)
    }
}

/// Serves one client until it closes its end. An error means that the client can no longer be written to.
pub async fn pump<F: Find>(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    finder: &F,
    offline: &OfflineServer,
) -> io::Result<()> {
    let mut client = LineReader::new(input);
    let mut relay = Relay::default();
    let mut link: Option<Link> = None;
    // A session that was reached while the offline server still has something to answer, and until when it may.
    let mut next: Option<(Connection, SentTo, Instant)> = None;
    let mut starting_since: Option<Instant> = None;
    let mut look_at = Instant::now();
    let mut shunned: Option<Instant> = None;
    // Connections in a row that ended without a word.
    let mut hang_ups = 0;
    let mut closing: Option<Instant> = None;
    let mut awake_until = Instant::now();
    loop {
        if let Some(open) = &mut link {
            let mut refused = None;
            if open.lines.has_line() {
                heed_cancels(&mut client, &mut relay).await;
            }
            // The offline server reads one line of the client's at a time: one of those that wait may cancel what it has just
            // answered, and its id may be in use again.
            while relay.to_client.len() < HIGH
                && (open.live || !client.has_line())
                && let Some(line) = open.lines.next()
            {
                if open.live && !open.spoke {
                    refused = envelope::refusal(&line);
                    finder.note_refusal(refused.clone());
                    if refused.is_some() {
                        break;
                    }
                }
                relay.backend_said(&line);
                awake_until = Instant::now() + F::MOMENT;
                open.spoke = true;
                if open.live {
                    starting_since = None;
                }
            }
            if let Some(why) = refused {
                relay.turned_away(&why, &finder.advice());
                shunned = Some(Instant::now() + REST);
                link = None;
            } else if open.lines.ended && !open.lines.has_line() {
                heed_cancels(&mut client, &mut relay).await;
                let now = Instant::now();
                look_at = now + finder.pace();
                if open.live {
                    let unread = !open.spoke && open.since.elapsed() < BACKLOG;
                    relay.parted(ENDED, &finder.advice(), unread);
                    // Another process may take over.
                    starting_since.get_or_insert(now);
                    // What hangs up at once may do so again: not in a tight loop.
                    hang_ups = if open.spoke { 0 } else { hang_ups + 1 };
                    shunned = (!open.spoke).then(|| now + (LOOK_SOON * hang_ups * hang_ups).min(LOOK));
                } else {
                    relay.lost(ENDED, &finder.advice(), false);
                    shunned = None;
                }
                link = None;
            } else if open.silent_until(&relay).is_some_and(|until| until <= Instant::now()) {
                heed_cancels(&mut client, &mut relay).await;
                relay.lost("The fourhands session does not answer.", &finder.advice(), true);
                shunned = Some(Instant::now() + REST);
                link = None;
            }
        }

        if next.is_none() && !link.as_ref().is_some_and(|open| open.live) {
            let asked = client.has_line() || (link.is_none() && relay.waits_for_another());
            let now = Instant::now();
            if (asked || look_at <= now) && shunned.is_none_or(|until| until <= now) {
                match finder.reach().await {
                    Reach::Connected(connection, session) => next = Some((connection, session, now + HAND_OVER)),
                    Reach::Starting => {
                        starting_since.get_or_insert(now);
                    }
                    Reach::Nothing => starting_since = None,
                }
                look_at = now + if is_starting(starting_since, hang_ups) { finder.pace() } else { LOOK };
            } else if let Some(until) = shunned {
                look_at = look_at.max(until);
            }
            if asked && link.is_none() && next.is_none() && !is_starting(starting_since, hang_ups) {
                heed_cancels(&mut client, &mut relay).await;
                relay.lost(ENDED, &finder.advice(), true);
                link = Some(Link::offline(offline));
                relay.joined(None);
            }
        }
        if let Some((connection, session, _)) =
            next.take_if(|(_, _, until)| link.is_none() || relay.is_idle() || *until <= Instant::now())
        {
            heed_cancels(&mut client, &mut relay).await;
            if link.take().is_some() {
                relay.lost("A fourhands session took over before this was answered.", "", true);
            }
            link = Some(Link::live(connection));
            // Whatever it comes to: another that takes over from it has its own time to start.
            starting_since = None;
            relay.joined(Some(session));
        }

        let mut more = false;
        while next.is_none()
            && let Some(open) = &link
            && (open.live || !is_starting(starting_since, hang_ups))
            // One that reads no more may still answer: not what has been cancelled. The rest is for the next one.
            && (open.live || open.out.is_some())
            && relay.to_backend.len() < HIGH
            && relay.to_client.len() < HIGH
            && let Some(line) = client.next()
        {
            relay.client_said(&line);
            awake_until = Instant::now() + F::MOMENT;
            if !open.live {
                // A session may be up by the next one.
                more = client.has_line();
                break;
            }
        }

        let has_line = client.has_line();
        // A session of this process's own that is just starting has not been asked yet.
        let is_unasked = finder.is_guarding() && !link.as_ref().is_some_and(|open| open.live);
        if (client.ended && !has_line && !(is_unasked && is_starting(starting_since, hang_ups))) || finder.is_over() {
            let until = *closing.get_or_insert_with(|| Instant::now() + finder.drain());
            let unsent = link.as_ref().is_some_and(|open| open.out.is_some()) && !relay.to_backend.is_empty();
            let nobody_asks = relay.is_idle() || (link.is_none() && !relay.waits_for_another());
            let done = !has_line && nobody_asks && !unsent && relay.to_client.is_empty();
            if done || until <= Instant::now() {
                break;
            }
        }

        let offline_wake = match (&link, &next) {
            (Some(open), None) if open.live => None,
            (_, Some((_, _, until))) => Some(*until),
            (_, None) => Some(look_at),
        };
        let silent = link.as_ref().and_then(|open| open.silent_until(&relay));
        let wake = [offline_wake, silent, closing].into_iter().flatten().min();
        let (lines, out) = match &mut link {
            Some(open) => (Some(&mut open.lines), open.out.as_mut()),
            None => (None, None),
        };
        let has_room = relay.to_client.len() < HIGH;
        let can_write = out.is_some() && !relay.to_backend.is_empty();
        let mut broken = false;
        tokio::select! {
            written = relay.to_client.write_to(&mut output), if !relay.to_client.is_empty() => written?,
            written = write(&mut relay.to_backend, out), if can_write => broken = written.is_err(),
            () = fill(lines), if has_room => {}
            () = fill(Some(&mut client)), if !client.ended && !has_line => {}
            () = tokio::task::yield_now(), if more => {}
            () = sleep(wake), if wake.is_some() => {}
            () = look_on(awake_until), if Instant::now() < awake_until => {}
            () = finder.over(), if closing.is_none() => {}
        }
        if broken && let Some(open) = &mut link {
            open.out = None;
            relay.is_deaf();
        }
    }
    drop(link);
    let _ = timeout(FLUSH, output.flush()).await;
    Ok(())
}

/// Whether a session may be up in a moment; not one that has hung up again and again.
fn is_starting(since: Option<Instant>, hang_ups: u32) -> bool {
    hang_ups < MOST_HANG_UPS && since.is_some_and(|since| since.elapsed() < HOLD)
}

/// A read error is the end of the input.
async fn fill(lines: Option<&mut LineReader<impl AsyncRead + Unpin>>) {
    match lines {
        Some(lines) => _ = lines.fill().await,
        None => pending().await,
    }
}

/// Takes in what has come from the client, without waiting for more, and lets go of what it cancels there.
async fn heed_cancels(client: &mut LineReader<impl AsyncRead + Unpin>, relay: &mut Relay) {
    let mut has_come = true;
    while has_come && !client.ended && client.held() < HIGH {
        has_come = tokio::select! {
            biased;
            read = client.fill() => read.is_ok(),
            () = std::future::ready(()) => false,
        };
    }
    relay.cancel_ahead(client.waiting());
}

/// Lets every other thread of the core go first meanwhile.
async fn look_on(until: Instant) {
    while Instant::now() < until {
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
}

async fn write(outbox: &mut Outbox, out: Option<&mut Output>) -> io::Result<()> {
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
