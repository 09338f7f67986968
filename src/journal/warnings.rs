//! Warnings about the journal: each problem once, and once that it is over.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::schema::JournalError;
use crate::domain::flight_recorder::Losses;
use crate::domain::units;

/// A lock that is held for longer is reported.
const LOCK_GRACE: Duration = Duration::from_secs(3);
/// Recording counts as recovered after this time without losses.
const RECOVERY_DELAY: Duration = Duration::from_secs(3);

pub struct Warnings {
    notices: UnboundedSender<String>,
    /// A problem with the database.
    trouble: Option<Trouble>,
    /// All losses of the actor so far.
    missed: Losses,
    /// While the actor loses events: the losses before, and the time of the last one.
    missing: Option<(Losses, Instant)>,
}

struct Trouble {
    since: Instant,
    is_reported: bool,
    /// The losses when the problem began.
    missed: Losses,
}

impl Warnings {
    /// `carried` are losses of earlier processes. They are reported once recording works.
    pub fn new(notices: UnboundedSender<String>, carried: Losses) -> Self {
        let missing = (!carried.is_nothing()).then(|| (Losses::default(), Instant::now()));
        Self { notices, trouble: None, missed: carried, missing }
    }

    /// Returns whether the database cannot be written.
    pub fn has_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Returns whether a problem may be over soon.
    pub fn is_waiting(&self) -> bool {
        self.trouble.is_some() || self.missing.is_some()
    }

    pub fn send(&self, text: String) {
        let _ = self.notices.send(text);
    }

    /// Takes the actor's losses. `behind`: events are not on the disk yet, because of `fault` (`None` if there were too
    /// many, or the losses are an earlier process's).
    pub fn on_missed(&mut self, missed: Losses, behind: bool, fault: Option<&JournalError>, folder: Option<&Path>) {
        let before = std::mem::replace(&mut self.missed, missed);
        if missed != before || behind {
            let since = self.missing.map_or(before, |(since, _)| since);
            let is_first = self.missing.replace((since, Instant::now())).is_none();
            let is_reported = self.trouble.as_ref().is_some_and(|trouble| trouble.is_reported);
            if is_first && !is_reported {
                let why = match (fault, folder) {
                    (Some(fault), _) => fault.to_string(),
                    (None, Some(folder)) => format!("{} cannot be written fast enough", folder.display()),
                    // Opening the database reports the cause.
                    (None, None) => return,
                };
                self.send(format!("this session cannot be recorded: {why}"));
            }
        } else if let Some((since, at)) = self.missing
            && self.trouble.is_none()
            && at.elapsed() >= RECOVERY_DELAY
        {
            self.missing = None;
            self.send(recovery_sentence(since, missed));
        }
    }

    /// `in_intake`: the intake keeps the events meanwhile.
    pub fn on_fault(&mut self, fault: &JournalError, in_intake: bool) {
        let missed = self.missed;
        let trouble = self.trouble.get_or_insert_with(|| Trouble { since: Instant::now(), is_reported: false, missed });
        let passing = matches!(fault, JournalError::Locked(_)) && trouble.since.elapsed() < LOCK_GRACE;
        // A full disk is reported once, not once for each file.
        if trouble.is_reported || passing || self.missing.is_some() {
            return;
        }
        trouble.is_reported = true;
        let hint = if in_intake { "; until then, events are kept in a file beside it" } else { "" };
        self.send(format!("this session cannot be recorded: {fault}{hint}"));
    }

    pub fn on_stored(&mut self) {
        if let Some(Trouble { missed, is_reported: true, .. }) = self.trouble.take()
            && self.missing.is_none()
        {
            self.send(recovery_sentence(missed, self.missed));
        }
    }
}

/// Compares the losses before and after the problem.
fn recovery_sentence(before: Losses, after: Losses) -> String {
    let (snippets, events) = (after.snippets - before.snippets, after.events - before.events);
    match (snippets, events) {
        (0, 0) => "the session is being recorded again, and nothing is missing".to_owned(),
        (0, events) => format!(
            "the session is being recorded again; {} could not be recorded",
            units::count(events as usize, "event")
        ),
        (snippets, events) => format!(
            "the session is being recorded again; {} ({} in all) could not be recorded",
            units::count(snippets as usize, "snippet"),
            units::count(events as usize, "event")
        ),
    }
}
