//! What the person is told of the journal: each trouble once, and once that it is over.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::schema::Fault;
use crate::domain::recorder::Losses;
use crate::domain::units;

/// A lock that lasts for longer is worth a word.
const LOCKED_FOR: Duration = Duration::from_secs(3);
/// When nothing has been missed for so long, there is room again.
const QUIET: Duration = Duration::from_secs(3);

pub struct Complaints {
    notices: UnboundedSender<String>,
    /// The database cannot be written.
    trouble: Option<Trouble>,
    /// What the actor has lost so far.
    missed: Losses,
    /// While it cannot write: what it had lost before that, and when that was seen last.
    missing: Option<(Losses, Instant)>,
}

struct Trouble {
    since: Instant,
    told: bool,
    /// What had been lost when it began.
    missed: Losses,
}

impl Complaints {
    /// `carried`: what processes before could not record; it is told once this one can.
    pub fn new(notices: UnboundedSender<String>, carried: Losses) -> Self {
        let missing = (!carried.is_nothing()).then(|| (Losses::default(), Instant::now()));
        Self { notices, trouble: None, missed: carried, missing }
    }

    /// The database has still to be told something.
    pub fn has_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Something may be over soon.
    pub fn is_waiting(&self) -> bool {
        self.trouble.is_some() || self.missing.is_some()
    }

    pub fn tell(&self, text: String) {
        let _ = self.notices.send(text);
    }

    /// The actor has lost so much in all, and `behind`: something of what happened is not on the disk yet, for this reason
    /// (`None` if there was too much of it, or in a process before).
    pub fn on_missed(&mut self, missed: Losses, behind: bool, fault: Option<&Fault>, folder: Option<&Path>) {
        let before = std::mem::replace(&mut self.missed, missed);
        if missed != before || behind {
            let since = self.missing.map_or(before, |(since, _)| since);
            let is_first = self.missing.replace((since, Instant::now())).is_none();
            let is_told = self.trouble.as_ref().is_some_and(|trouble| trouble.told);
            if is_first && !is_told {
                let why = match (fault, folder) {
                    (Some(fault), _) => fault.to_string(),
                    (None, Some(folder)) => format!("{} takes less than what happens", folder.display()),
                    // What opens the database tells.
                    (None, None) => return,
                };
                self.tell(format!("this session cannot be recorded: {why}"));
            }
        } else if let Some((since, at)) = self.missing
            && self.trouble.is_none()
            && at.elapsed() >= QUIET
        {
            self.missing = None;
            self.tell(recovery_sentence(since, missed));
        }
    }

    /// `kept`: what happens is in the intake meanwhile.
    pub fn on_fault(&mut self, fault: &Fault, kept: bool) {
        let missed = self.missed;
        let trouble = self.trouble.get_or_insert_with(|| Trouble { since: Instant::now(), told: false, missed });
        let passing = matches!(fault, Fault::Locked(_)) && trouble.since.elapsed() < LOCKED_FOR;
        // A full disk is told once, whatever it is that does not fit.
        if trouble.told || passing || self.missing.is_some() {
            return;
        }
        trouble.told = true;
        let kept = if kept { "; what happens is kept beside it until that has passed" } else { "" };
        self.tell(format!("this session cannot be recorded: {fault}{kept}"));
    }

    pub fn on_stored(&mut self) {
        if let Some(Trouble { missed, told: true, .. }) = self.trouble.take()
            && self.missing.is_none()
        {
            self.tell(recovery_sentence(missed, self.missed));
        }
    }
}

/// `before` and `after` the trouble: what was lost in all.
fn recovery_sentence(before: Losses, after: Losses) -> String {
    let (snippets, events) = (after.snippets - before.snippets, after.events - before.events);
    match (snippets, events) {
        (0, 0) => "the session is recorded again, and nothing of it is missing".to_owned(),
        (0, events) => format!(
            "the session is recorded again; {} of it could not be kept meanwhile",
            units::count(events as usize, "event")
        ),
        (snippets, events) => format!(
            "the session is recorded again; {} of it ({} in all) could not be kept meanwhile",
            units::count(snippets as usize, "snippet"),
            units::count(events as usize, "event")
        ),
    }
}
