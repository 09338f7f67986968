//! The risks of audit events: actions that the person may want to allow or deny before they happen.

use std::fs::Metadata;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use super::arguments::{Arguments, OpenMode};
use super::audit::{EventOrigin, Recorder};
use super::consent::Risk;
use super::event::AuditEvent;
use super::shown_path::ShownPath;
use crate::domain::{RiskKind, SideEffectKind, SnippetId};
use crate::python::file_names::SNIPPET_PREFIX;
use crate::python::io::writer::OutputWriter;
use crate::python::runtime::os_signals::current_thread;

impl Recorder {
    /// Asks the person and waits for the answer, if the event is a risk. Returns an error if the action is denied.
    pub(super) fn ask(&self, event: AuditEvent, args: &Arguments<'_>) -> PyResult<()> {
        let py = args.0.py();
        let writer = OutputWriter { thread: current_thread(), snippet: self.context.get(py) };
        let Some(snippet) = self.capture.owner(writer) else { return Ok(()) };
        let risks = match event {
            AuditEvent::Rename => self.rename_risks(args).unwrap_or_default(),
            event => self.risk(event, (writer.thread, snippet), args).into_iter().collect(),
        };
        risks.iter().try_for_each(|risk| self.consent.check(py, snippet, risk, line_in(py, snippet)))
    }

    /// What is renamed is no longer where it was, and what has the new name is lost.
    fn rename_risks(&self, args: &Arguments<'_>) -> Option<Vec<Risk>> {
        let from = self.place(&args.path(0, Some(2))?)?;
        from.absolute.symlink_metadata().ok()?;
        let to = self.place(&args.path(1, Some(3))?)?;
        let (old_name, new_name) = (from.shown.clone(), to.shown.clone());
        let renames = self.file_risk(RiskKind::Rename, from).map(|risk| Risk {
            target: format!("{old_name} to {new_name}"),
            source: Some(old_name),
            ..risk
        });
        let overwrites = self.file_risk(RiskKind::Overwrite, to);
        Some(renames.into_iter().chain(overwrites).collect())
    }

    fn risk(&self, event: AuditEvent, origin: EventOrigin, args: &Arguments<'_>) -> Option<Risk> {
        match event {
            AuditEvent::Open => {
                let Some(OpenMode::Write { creates, only_creates }) = args.open_mode() else { return None };
                let place = self.place(&args.path(0, None)?)?;
                match place.absolute.metadata() {
                    Ok(known) if known.is_dir() || only_creates => None,
                    Ok(_) => self.file_risk(RiskKind::Overwrite, place),
                    Err(_) => creates.then(|| self.file_risk(RiskKind::WriteOutside, place))?,
                }
            }
            AuditEvent::Remove | AuditEvent::RemoveFolder => {
                self.file_risk(RiskKind::Delete, self.place(&args.path(0, Some(1))?)?)
            }
            AuditEvent::RemoveTree => self.file_risk(RiskKind::Delete, self.place(&args.path(0, None)?)?),
            AuditEvent::Truncate => self.file_risk(RiskKind::Overwrite, self.place(&args.path(0, None)?)?),
            AuditEvent::ChangeMode => self.file_risk(RiskKind::WriteOutside, self.place(&args.path(0, None)?)?),
            AuditEvent::MakeFolder => self.file_risk(RiskKind::WriteOutside, self.place(&args.path(0, Some(2))?)?),
            AuditEvent::Link => self.file_risk(RiskKind::WriteOutside, self.place(&args.path(1, Some(3))?)?),
            AuditEvent::SymbolicLink => self.file_risk(RiskKind::WriteOutside, self.place(&args.path(1, Some(2))?)?),
            AuditEvent::Connect | AuditEvent::SendTo if args.is_loopback() => None,
            AuditEvent::Kill | AuditEvent::KillGroup if args.is_own_process(event) => None,
            event => {
                let effect = self.effect(event, origin, args)?;
                let kind = match effect.kind {
                    SideEffectKind::Start => RiskKind::Start,
                    SideEffectKind::Install => RiskKind::Install,
                    SideEffectKind::Connect => RiskKind::Connect,
                    SideEffectKind::Signal => RiskKind::Signal,
                    SideEffectKind::LoadLibrary => RiskKind::LoadLibrary,
                    _ => return None,
                };
                // The call that leads to this event has asked already.
                let is_second = matches!(event, AuditEvent::PosixSpawn | AuditEvent::Fork)
                    && self
                        .popen
                        .lock()
                        .as_ref()
                        .is_some_and(|(starter, started)| *starter == origin && *started == effect);
                (!is_second).then(|| Risk { kind, target: effect.target.to_string(), path: None, source: None })
            }
        }
    }

    /// The risk of changing a file: of `kind` if it was there before the session, else of writing outside.
    fn file_risk(&self, kind: RiskKind, place: ShownPath) -> Option<Risk> {
        let is_old = |file: Metadata| {
            let made = file.created().or_else(|_| file.modified());
            made.is_ok_and(|made| made < self.began) && !file.is_symlink()
        };
        let file = place.absolute.symlink_metadata();
        let exists = file.is_ok();
        let was_there = file.is_ok_and(is_old);
        let deletes_nothing = kind == RiskKind::Delete && !exists;
        let kind = if was_there && kind != RiskKind::WriteOutside { kind } else { RiskKind::WriteOutside };
        let is_risk = !deletes_nothing && (kind != RiskKind::WriteOutside || place.outside);
        is_risk.then_some(Risk { kind, target: place.shown, path: Some(place.absolute), source: None })
    }
}

/// The line of the snippet that runs now on this thread.
fn line_in(py: Python<'_>, snippet: SnippetId) -> Option<u32> {
    let snippet_file = format!("{SNIPPET_PREFIX}{snippet}>");
    let mut frame = py.import("sys").ok()?.call_method0("_getframe").ok()?;
    while !frame.is_none() {
        let file = frame.getattr("f_code").ok()?.getattr("co_filename").ok()?;
        if file.extract::<PyBackedStr>().is_ok_and(|file| *file == *snippet_file) {
            return frame.getattr("f_lineno").ok()?.extract().ok();
        }
        frame = frame.getattr("f_back").ok()?;
    }
    None
}
