//! What the person is told of the journal: each trouble once, and once that it is over.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::schema::Fault;
use crate::domain::units;

/// A lock that lasts for longer is worth a word.
const LOCKED_FOR: Duration = Duration::from_secs(3);
/// When nothing has been missed for so long, there is room again.
const QUIET: Duration = Duration::from_secs(3);

pub struct Complaints {
    notices: UnboundedSender<String>,
    /// The database cannot be written.
    trouble: Option<Trouble>,
    /// Events that the actor could not keep so far.
    missed: u64,
    /// While it cannot: how many it had missed before that, and when it missed the last.
    missing: Option<(u64, Instant)>,
}

struct Trouble {
    since: Instant,
    told: bool,
    /// Events that had been missed when it began.
    missed: u64,
}

impl Complaints {
    pub fn new(notices: UnboundedSender<String>) -> Self {
        Self { notices, trouble: None, missed: 0, missing: None }
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

    /// The actor has missed so many events in all, the last for this reason. Without a `folder` it has nothing to write
    /// to; then the database cannot be opened either, and that is told.
    pub fn on_missed(&mut self, missed: u64, fault: Option<std::io::Error>, folder: Option<&Path>) {
        let before = std::mem::replace(&mut self.missed, missed);
        if missed != before
            && let Some(folder) = folder
        {
            let since = self.missing.map_or(before, |(since, _)| since);
            if self.missing.replace((since, Instant::now())).is_none() {
                let why = fault.map_or_else(
                    || format!("{} takes less than what happens", folder.display()),
                    |error| Fault::of_io(folder, &error).to_string(),
                );
                self.tell(format!("this session cannot be recorded: {why}"));
            }
        } else if let Some((since, at)) = self.missing
            && at.elapsed() >= QUIET
        {
            self.missing = None;
            self.tell(again(missed - since));
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
        if let Some(Trouble { missed, told: true, .. }) = self.trouble.take() {
            self.tell(again(self.missed - missed));
        }
    }
}

fn again(missed: u64) -> String {
    match missed {
        0 => "the session is recorded again, and nothing of it is missing".to_owned(),
        missed => {
            let events = units::count(missed as usize, "event");
            format!("the session is recorded again; {events} of it could not be kept meanwhile")
        }
    }
}
