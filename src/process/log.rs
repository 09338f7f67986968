//! The log of a session without a dashboard: one plain line for each event.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{Pid, getppid};
use tokio::sync::broadcast::error::RecvError;

use crate::domain::replay::Phase;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{
    Author, Entry, Event, Note, Outcome, Restart, Review, SessionInfo, Snippet, Status, Transcript, units,
};
use crate::session::outlet::Outlet;
use crate::session::{SessionHandle, Subscription, in_background};

/// Characters of code on a line.
const MAX_CODE_WIDTH: usize = 80;

/// How long the end waits for the last lines.
const LAST_LINES_TIMEOUT: Duration = Duration::from_millis(500);

/// Writes lines until the session ends. The session never waits for a reader.
pub async fn write(session: SessionHandle, socket: &str, out: OwnedFd) {
    let Ok(out) = Outlet::new(out) else { return };
    write_events(session, socket, &out).await;
    in_background(move || out.wait(LAST_LINES_TIMEOUT)).await;
}

async fn write_events(session: SessionHandle, socket: &str, out: &Outlet) {
    for text in greeting(session.info(), socket, getppid()) {
        out.line(on_one_line(&text));
    }
    let Ok(Subscription { mut transcript, mut events }) = session.subscribe().await else { return };
    // These events came before anybody could subscribe.
    if let Some(Entry::Restart { restart, .. }) = transcript.entries().last() {
        out.line(on_one_line(&restarted(restart)));
    }
    if let Some(text) = transcript.notice() {
        out.line(on_one_line(&format!("note: {text}")));
    }
    let mut dashboards = session.dashboards();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            Ok(()) = dashboards.changed() => {
                let what = if *dashboards.borrow_and_update() { "opened" } else { "closed" };
                out.line(format!("a dashboard was {what}"));
                continue;
            }
        };
        match event {
            Ok(event) => {
                let text = match *event {
                    Event::Ending if session.is_restarting() => Some(
                        "Python is ending; a new process takes \
                        over"
                            .to_owned(),
                    ),
                    _ => line(&event, &transcript),
                };
                transcript.apply(&event);
                if let Some(text) = text {
                    out.line(on_one_line(&text));
                }
                if matches!(*event, Event::Ending) {
                    return;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                out.line(format!("({missed} events were not logged)"));
                let Ok(fresh) = session.subscribe().await else { return };
                (transcript, events) = (fresh.transcript, fresh.events);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn greeting(info: &SessionInfo, socket: &str, guardian: Pid) -> [String; 2] {
    [
        format!(
            "fourhands: session {} with Python {} ({}) in {}",
            info.name,
            info.python_version,
            info.python.display(),
            info.cwd.display()
        ),
        format!(
            "fourhands: listening on {socket}, process {guardian}; press Ctrl-C to end the session. `fourhands --session \
             {}` in a terminal opens its dashboard",
            info.name
        ),
    ]
}

/// Makes one line of any text, so that a name, prompt or message can neither begin another line nor control the
/// terminal.
pub fn on_one_line(text: &str) -> String {
    visible(text).replace('\n', "␊").replace('\t', " ")
}

/// Returns the line for an event; `None` if the log leaves it out. `transcript` is its state before the event.
pub fn line(event: &Event, transcript: &Transcript) -> Option<String> {
    match event {
        Event::Submitted { snippet, author, code, .. } => {
            Some(format!("{snippet} {} runs: {}", name(author), first_line(code)))
        }
        Event::Replayed { snippet, of } => Some(format!("{snippet} is a replay of {of}")),
        Event::Replay(replay) => {
            let by =
                if matches!(replay.phase, Phase::Waiting) { format!("{}: ", name(&replay.by)) } else { String::new() };
            Some(plain(&format!("{by}{replay}")).into_owned())
        }
        Event::InputRequested { snippet, request } => Some(format!(
            "{snippet} wants input: \
            {}",
            plain(&request.prompt)
        )),
        Event::InputAnswered { snippet, by, .. } => Some(format!("{} answered {snippet}", name(by))),
        Event::InputWithdrawn { snippet, .. } => Some(format!("{snippet} no longer wants input")),
        Event::Finished { snippet, outcome, .. } => {
            let author = transcript.snippet(*snippet).map_or("?", |snippet| snippet.author.name());
            let effects = transcript.snippet(*snippet).map(|snippet| snippet.effects.phrases()).unwrap_or_default();
            let effects: String = effects.iter().flat_map(|phrase| ["; ", phrase]).collect();
            Some(format!("{snippet} {}: {}{}", plain(author), ending(outcome), plain(&effects)))
        }
        Event::Stuck { snippet, stuck: Some(stuck) } => {
            let place = stuck.innermost_frame().map(|place| format!(" at {}", plain(place))).unwrap_or_default();
            Some(format!("{snippet} cannot be interrupted: it is inside a C call{place}"))
        }
        Event::Busy(Some(busy)) => {
            Some(format!("a background task of snippet {} does not yield, so nothing else runs", busy.snippet))
        }
        Event::ClientJoined { name, pid, .. } => {
            let pid = pid.map_or_else(String::new, |pid| format!(", process {pid}"));
            Some(format!("{} connected{pid}", plain(name)))
        }
        Event::ClientNamed { client, name } => {
            let before = transcript.clients().iter().find(|c| c.id == *client).map_or("?", |client| &client.name);
            (before != &**name).then(|| format!("{} is now called {}", plain(before), plain(name)))
        }
        Event::ClientLeft { client, .. } => {
            let client = transcript.clients().iter().find(|c| c.id == *client)?;
            Some(format!("{} left", plain(&client.name)))
        }
        Event::Reset { by, report, .. } => {
            Some(format!("{} reset the namespace: {} cleared", name(by), units::count(report.cleared, "name")))
        }
        Event::Restarted { restart, .. } => Some(restarted(restart)),
        Event::Notice { text, .. } => Some(format!("note: {}", plain(text))),
        Event::Ending => Some("the session has ended".to_owned()),
        Event::Displayed { snippet, display, .. } => {
            let number = transcript.snippet(*snippet).map_or(1, Snippet::next_display);
            Some(format!("{snippet} shows {}", display.label(number)))
        }
        Event::Noted { note, .. } => Some(noted(note)),
        Event::Review { snippet, review, .. } => {
            let author = transcript.snippet(*snippet).map_or("?", |snippet| snippet.author.name());
            Some(format!("{snippet} {}: {}", plain(author), plain(&reviewed(review))))
        }
        Event::RiskAsked { snippet, request } => {
            Some(format!("{snippet} waits for the person: it is about to {}", plain(&request.phrase())))
        }
        Event::RiskAnswered { snippet, answered } => Some(format!("{snippet} {}", plain(&answered.phrase()))),
        Event::GateChanged { gate, .. } => Some(plain(&gate.change_from(&transcript.gate())).into_owned()),
        Event::Inquired(inquiry) => Some(format!("{} asks the person: {}", name(&inquiry.by), plain(&inquiry.text))),
        Event::MovedToFront { snippet } => Some(format!("{snippet} is moved to the front")),
        Event::Started { .. }
        | Event::Titled { .. }
        | Event::RiskWithdrawn { .. }
        | Event::Effects { .. }
        | Event::InquiryEnded { .. }
        | Event::Output { .. }
        | Event::DisplaysCleared { .. }
        | Event::Stuck { .. }
        | Event::Busy(None)
        | Event::Undoable(_)
        | Event::SafePoints(_)
        | Event::PutBack { .. }
        | Event::Variables(_) => None,
    }
}

fn noted(note: &Note) -> String {
    if let Some(inquiry) = note.declined() {
        return format!("{} declined to answer {}", name(&note.by), name(&inquiry.by));
    }
    let to = note.to.as_ref().map(|to| format!(" to {}", plain(to))).unwrap_or_default();
    format!("note by {}{to}: {}", name(&note.by), plain(&note.text))
}

pub fn restarted(restart: &Restart) -> String {
    let processes = restart.aftermath();
    let processes = plain(&processes);
    match &restart.by {
        None if restart.resumed => format!("resumed: {}", plain(&restart.how)),
        Some(by) => match restart.rewound() {
            Some(rewound) => format!("{} {rewound}{processes}", name(by)),
            None => format!("{} restarted Python{processes}", name(by)),
        },
        None if restart.safe_point.is_some() => {
            format!("a copy of Python has taken over: {}{processes}", plain(&restart.how))
        }
        None => format!("a new Python has taken over: {}{processes}", plain(&restart.how)),
    }
}

/// A phrase such as `waits for your decision`, or `rejected: too slow`.
pub fn reviewed(review: &Review) -> String {
    let reason = |reason: &Option<Arc<str>>| reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match &review.decision {
        None if review.is_held => "is held".to_owned(),
        None => "waits for the person's decision".to_owned(),
        Some(decision) if !decision.runs => format!("is rejected{}", reason(&decision.reason)),
        Some(decision) if decision.sent.is_some() => "is edited and allowed".to_owned(),
        Some(_) => "is allowed".to_owned(),
    }
}

fn ending(outcome: &Outcome) -> String {
    let elapsed = units::duration(outcome.elapsed);
    match (&outcome.error, &outcome.stopped_by) {
        (_, Some(by)) => format!("{} by {} after {elapsed}", outcome.status.word(), plain(by)),
        (Some(error), None) if outcome.status == Status::Error => {
            let message = plain(&error.message).lines().next().unwrap_or_default().to_owned();
            format!("{}: {message} after {elapsed}", plain(&error.type_name))
        }
        _ => format!("{} in {elapsed}", outcome.status.word()),
    }
}

fn name(author: &Author) -> String {
    plain(author.name()).into_owned()
}

fn first_line(code: &str) -> String {
    let code = code.trim();
    let mut lines = code.lines();
    // Not by `plain`: with it, control characters could hide a part of the code.
    let first = visible(lines.next().unwrap_or_default());
    let cut: String = first.chars().take(MAX_CODE_WIDTH).collect();
    if lines.next().is_some() || cut.len() < first.len() { cut + " …" } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_on_one_line_and_cannot_control_the_terminal() {
        assert_eq!(
            on_one_line("1 x asks: a\n2 you runs: b\u{1b}[2J\u{9b}1A"),
            "1 x asks: a␊2 you runs: b␛[2J⟨U+009B⟩1A"
        );
        assert_eq!(first_line("evil()\r\u{1b}[2Kgood()"), "evil()␍␛[2Kgood()");
    }
}
