//! One run of a session in this process: starts the actor with its past and its journal, opens the front end, and waits
//! for the end.

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
use crate::python::PythonEngine;
use crate::python::io::descriptors::Originals;
use crate::session::discovery::paths::Paths;
use crate::session::{self, RunOptions, SessionHandle, Spool, Startup, Successor};
use crate::tui;

/// All that a run needs.
pub struct SessionRun {
    pub info: SessionInfo,
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
        let offers_checkpoint = is_lost && self.boot.restore.is_none();
        // Loads before recording starts, because loading first stores what the previous process left.
        let (past, past_notice) = match &restart {
            Some(_) => resume::load(&self.boot.id, self.recorder.map(FlightRecorder::last_snippet)),
            None => (Startup::default(), None),
        };
        let settings = tui::settings::read(tui::settings::path()).settings;
        let limits = journal::effective_limits(settings.journal);
        let lost = self.recorder.map(FlightRecorder::losses);
        let paths = Paths::of_this_process();
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
        if let Some(notice) = past_notice {
            session.notice(notice);
        }
        if let Some(checkpoint) = offers_checkpoint.then(|| storage::last_checkpoint(&self.boot.id)).flatten() {
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

/// Starts what the guardian has asked for at the start: the exit when the last client leaves, a restored checkpoint, a
/// replay.
fn run_boot_requests(boot: &Boot, session: &SessionHandle) {
    if boot.until_unused {
        tokio::spawn(idle_exit::quit_when_idle(session.clone()));
    }
    if let Some(checkpoint) = &boot.restore {
        let (session, code) = (session.clone(), format!("%restore {checkpoint}"));
        tokio::spawn(async move {
            let _ = session.submit(Author::You, code.into(), RunOptions::default()).await;
        });
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
