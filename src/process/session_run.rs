//! One run of a session in this process: starts the actor with its past and its journal, opens the front end, and waits
//! for the end.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::frontend::Frontend;
use super::gate::{self, GateReporter};
use super::host_events::HostEventReceiver;
use super::{idle_exit, link, resume, spin_wait, storage, trim};
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::{Author, SessionInfo};
use crate::journal::{self, Journal};
use crate::launch::boot::{Boot, ToGuardian};
use crate::launch::shadows;
use crate::python::PythonEngine;
use crate::python::io::descriptors::Originals;
use crate::session::discovery::paths::Paths;
use crate::session::{self, SessionHandle, Spool, Startup, Successor, in_background};
use crate::tui;

/// Files that are told of at the start.
const MAX_SHADOWS: usize = 3;

/// All that a run needs.
pub struct SessionRun {
    pub info: SessionInfo,
    /// The modules of Python's own that a file of the person can take the place of.
    pub own_modules: BTreeSet<String>,
    pub boot: Boot,
    /// Python's output at its start, if the screen was not free for it.
    pub startup_output: String,
    pub engine: PythonEngine,
    pub events: HostEventReceiver,
    pub recorder: Option<&'static FlightRecorder>,
    pub originals: Originals,
    pub link: OwnedFd,
    pub spool: Arc<Spool>,
    pub spool_notices: UnboundedReceiver<String>,
}

impl SessionRun {
    /// Runs the session to its end. Returns its journal, which may still be writing.
    ///
    /// # Errors
    /// If the session cannot begin.
    pub async fn run(self) -> io::Result<Journal> {
        let engine_events = self.events.forward()?;
        let (link, mut link_reader) = link::open(self.link)?;
        let restart = if self.boot.takes_over { link::read_restart(&mut link_reader).await } else { None };
        let is_lost = restart.as_ref().is_some_and(|restart| restart.safe_point.is_none());
        // Loads before recording starts, because loading first stores what the previous process left.
        let (past, past_notice) = match &restart {
            Some(_) => resume::load(&self.boot.id, self.recorder.map(FlightRecorder::last_snippet)),
            None => (Startup::default(), None),
        };
        let settings = tui::settings::read(tui::settings::path()).settings;
        let limits = journal::effective_limits(settings.journal);
        let lost = self.recorder.map(FlightRecorder::losses);
        let paths = Paths::of_this_process();
        let state_fault = paths.state_fault();
        let (recorder, journal, journal_notices) =
            journal::start(paths, self.boot.id.clone(), &self.info, limits, lost, self.boot.takes_over);
        let startup = Startup {
            restart,
            record: Box::new(GateReporter { sink: recorder, link: link.clone() }),
            id: Some(self.boot.id.clone()),
            spool: self.spool,
            gate: gate::first(self.boot.gate.clone(), &past.transcript, settings.gate.mode),
            unattended: self.boot.unattended.unwrap_or(settings.gate.unattended),
            ..past
        };
        self.engine.set_risk_rules(settings.gate.rules);
        let (session, actor) = session::spawn(self.info, Box::new(self.engine), engine_events, startup);
        if let Some(line) = self.startup_output.lines().rev().find(|line| !line.trim().is_empty()) {
            session.notice(format!("Python printed at startup: {line}"));
        }
        for notice in past_notice.into_iter().chain(state_fault) {
            session.notice(notice);
        }
        if !self.boot.takes_over {
            notice_shadows(session.clone(), self.own_modules);
        }
        if let Some(checkpoint) = is_lost.then(|| storage::last_checkpoint(&self.boot.id)).flatten() {
            session.notice(format!("%restore restores the variables of the checkpoint \"{checkpoint}\""));
        }
        forward_notices(session.clone(), journal_notices, self.spool_notices);
        tokio::spawn(spin_wait::spin_after_events(session.clone()));
        tokio::spawn(trim::trim_after_snippets(session.clone()));

        let stop = CancellationToken::new();
        let frontend = Frontend {
            session: session.clone(),
            link: link.clone(),
            stop: stop.clone(),
            crash_store: self.recorder.map(FlightRecorder::crash_store),
        };
        let opened = frontend.open(&self.boot, self.originals, link_reader);
        if opened.is_ok() {
            link.send(&ToGuardian::Ready);
            run_boot_requests(&self.boot, &session);
        } else {
            session.quit();
        }
        if let Ok(Some(Successor { by, rewind })) = actor.await {
            link.send(&rewind.map_or(ToGuardian::Restart(by.clone()), |rewind| ToGuardian::Rewind(by, rewind)));
        }
        stop.cancel();
        let closed = opened?;
        let _ = closed.await;
        link.send(&ToGuardian::Ended);
        Ok(journal)
    }
}

/// Tells of files that Python takes for modules of its own. The folders may be slow.
fn notice_shadows(session: SessionHandle, own_modules: BTreeSet<String>) {
    // Read now: code of the user may change both later.
    let folders = shadows::folders();
    let found = in_background(move || shadows::of_modules(&own_modules, &folders));
    tokio::spawn(async move {
        for shadow in found.await.unwrap_or_default().iter().take(MAX_SHADOWS) {
            session.notice(shadow.to_string());
        }
    });
}

/// Shows the person what the journal and the spool report.
fn forward_notices(
    session: SessionHandle,
    mut journal: UnboundedReceiver<String>,
    mut spool: UnboundedReceiver<String>,
) {
    tokio::spawn(async move {
        loop {
            let text = tokio::select! {
                Some(text) = journal.recv() => text,
                Some(text) = spool.recv() => text,
                else => return,
            };
            session.notice(text);
        }
    });
}

/// Starts what the guardian has asked for at the start: the exit when the last client leaves, a replay.
fn run_boot_requests(boot: &Boot, session: &SessionHandle) {
    if boot.until_unused {
        tokio::spawn(idle_exit::quit_when_idle(session.clone()));
    }
    if let Some(which) = boot.replay.clone() {
        let session = session.clone();
        tokio::spawn(async move {
            if let Err(refused) = session.replay(Author::You, which).await {
                session.notice(format!("nothing was replayed: {refused}"));
            }
        });
    }
}
