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
            AuditEvent::Rename => self.renamed(args).unwrap_or_default(),
            AuditEvent::Move => self.moved(args).unwrap_or_default(),
            event => self.risk(event, (writer.thread, snippet), args).into_iter().collect(),
        };
        let calls = if risks.is_empty() { Vec::new() } else { calls_of_shutil(py) };
        let is_asked = |risk: &&Risk| !calls.iter().any(|call| call.has_asked(event, risk.kind));
        risks.iter().filter(is_asked).try_for_each(|risk| self.consent.check(py, snippet, risk, line_in(py, snippet)))
    }

    fn renamed(&self, args: &Arguments<'_>) -> Option<Vec<Risk>> {
        self.rename_risks(self.target(&args.path(0, Some(2))?, false)?, self.target(&args.path(1, Some(3))?, false)?)
    }

    /// The risks of `shutil.move`, before it renames, or copies and deletes.
    fn moved(&self, args: &Arguments<'_>) -> Option<Vec<Risk>> {
        let from = self.target(&args.converted_path(0)?, false)?;
        let to = self.target(&args.converted_path(1)?, true)?;
        let is_same = || Some(from.absolute.canonicalize().ok()? == to.absolute.canonicalize().ok()?);
        if !to.absolute.is_dir() || is_same() == Some(true) {
            return self.rename_risks(from, to);
        }
        let within = to.absolute.join(from.absolute.file_name()?);
        // Python refuses to replace what is there.
        if within.exists() { None } else { self.rename_risks(from, self.place(&within)?) }
    }

    /// What is renamed is no longer where it was, and what has the new name is lost.
    fn rename_risks(&self, from: ShownPath, to: ShownPath) -> Option<Vec<Risk>> {
        from.absolute.symlink_metadata().ok()?;
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
                let place = self.target(&args.path(0, None)?, true)?;
                match place.absolute.metadata() {
                    Ok(known) if known.is_dir() || only_creates => None,
                    Ok(_) => self.file_risk(RiskKind::Overwrite, place),
                    Err(_) => creates.then(|| self.file_risk(RiskKind::WriteOutside, place))?,
                }
            }
            AuditEvent::Remove | AuditEvent::RemoveFolder => {
                self.file_risk(RiskKind::Delete, self.target(&args.path(0, Some(1))?, false)?)
            }
            AuditEvent::RemoveTree => self.file_risk(RiskKind::Delete, self.target(&args.path(0, None)?, false)?),
            AuditEvent::Truncate => self.file_risk(RiskKind::Overwrite, self.target(&args.path(0, None)?, true)?),
            AuditEvent::ChangeMode | AuditEvent::ChangeOwner | AuditEvent::ChangeTimes => {
                self.file_risk(RiskKind::Overwrite, self.target(&args.changed_path(event)?, true)?)
            }
            AuditEvent::CopyTree => {
                self.place(&args.converted_path(0)?).filter(|from| from.absolute.is_dir())?;
                self.file_risk(RiskKind::WriteOutside, self.target(&args.converted_path(1)?, true)?)
            }
            AuditEvent::MakeFolder => {
                self.file_risk(RiskKind::WriteOutside, self.target(&args.path(0, Some(2))?, false)?)
            }
            AuditEvent::Link => self.file_risk(RiskKind::WriteOutside, self.target(&args.path(1, Some(3))?, false)?),
            AuditEvent::SymbolicLink => {
                self.file_risk(RiskKind::WriteOutside, self.target(&args.path(1, Some(2))?, false)?)
            }
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
                let of_system = kind == RiskKind::Start && args.starts_program_of_system(event);
                let target = effect.target.to_string();
                (!is_second).then_some(Risk { kind, target, path: None, source: None, of_system })
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
        is_risk.then_some(Risk {
            kind,
            target: place.shown,
            path: Some(place.absolute),
            source: None,
            of_system: false,
        })
    }
}

/// A call of a function of `shutil` that asks before it begins, and not again for each of its steps: a part of it would
/// be done by then, such as the copy that a move makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShutilCall {
    Move,
    CopyTree,
    Copy,
}

impl ShutilCall {
    fn of(function: &str) -> Option<Self> {
        match function {
            "move" => Some(Self::Move),
            "copytree" => Some(Self::CopyTree),
            "copy" | "copy2" => Some(Self::Copy),
            _ => None,
        }
    }

    /// Whether this risk of an event within the call was a part of what the call has asked about.
    fn has_asked(self, event: AuditEvent, kind: RiskKind) -> bool {
        let is_of_copy = matches!(event, AuditEvent::ChangeMode | AuditEvent::ChangeOwner | AuditEvent::ChangeTimes);
        match (self, event) {
            (_, AuditEvent::Move | AuditEvent::CopyTree) => false,
            (Self::Move, _) => {
                matches!(kind, RiskKind::Delete | RiskKind::Rename | RiskKind::Overwrite | RiskKind::WriteOutside)
            }
            (Self::CopyTree, _) => is_of_copy || kind == RiskKind::WriteOutside,
            // The file was opened before.
            (Self::Copy, _) => is_of_copy,
        }
    }
}

/// The calls of `shutil` that have led to this event, without code of the user between them and the event.
fn calls_of_shutil(py: Python<'_>) -> Vec<ShutilCall> {
    let mut calls = Vec::new();
    let mut frame = py.import("sys").and_then(|sys| sys.call_method0("_getframe")).ok();
    while let Some(current) = frame.filter(|frame| !frame.is_none()) {
        let module = current.getattr("f_globals").and_then(|globals| globals.get_item("__name__"));
        let module = module.and_then(|name| name.extract::<PyBackedStr>());
        match module.as_deref() {
            Ok("shutil") => {
                let function = current.getattr("f_code").and_then(|code| code.getattr("co_name"));
                let function = function.and_then(|name| name.extract::<PyBackedStr>());
                calls.extend(function.ok().and_then(|name| ShutilCall::of(&name)));
            }
            Ok("os") => {}
            _ => break,
        }
        frame = current.getattr("f_back").ok();
    }
    calls
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_call_that_has_asked_is_not_asked_about_again() {
        for (function, event, kind, has_asked) in [
            ("move", AuditEvent::Remove, RiskKind::Delete, true),
            ("move", AuditEvent::Rename, RiskKind::Rename, true),
            ("move", AuditEvent::Open, RiskKind::WriteOutside, true),
            ("move", AuditEvent::Move, RiskKind::Rename, false),
            ("move", AuditEvent::Popen, RiskKind::Start, false),
            ("copytree", AuditEvent::MakeFolder, RiskKind::WriteOutside, true),
            ("copytree", AuditEvent::Open, RiskKind::Overwrite, false),
            ("copytree", AuditEvent::ChangeTimes, RiskKind::Overwrite, true),
            ("copy2", AuditEvent::ChangeMode, RiskKind::WriteOutside, true),
            ("copy2", AuditEvent::Open, RiskKind::WriteOutside, false),
        ] {
            let call = ShutilCall::of(function).unwrap();
            assert_eq!(call.has_asked(event, kind), has_asked, "{function} {event:?} {kind:?}");
        }
        assert_eq!(ShutilCall::of("rmtree"), None, "what is in a folder was there before, perhaps");
    }
}
