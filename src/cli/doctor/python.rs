//! The Python that a session would get, the reason for this choice, and whether it starts.

use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::Finding;
use crate::domain::units;
use crate::launch::choose_python::{self, Chosen, PythonSearchEnv};
use crate::launch::{exit_report, probe, shadows};

const SECTION: &str = "python";
/// A slower start is worth knowing.
const SLOW_START: Duration = Duration::from_secs(1);
/// Printed lines that are repeated.
const MAX_LINES: usize = 3;

pub fn check(requested: Option<&Path>) -> Vec<Finding> {
    let env = match PythonSearchEnv::of_this_process() {
        Ok(env) => env,
        Err(error) => {
            let text = format!("The working directory cannot be read ({error}); start in another directory");
            return vec![Finding::fault(SECTION, text)];
        }
    };
    match choose_python::look(requested, &env) {
        Ok(chosen) => describe(&chosen),
        Err(fault) => vec![Finding::fault(SECTION, fault.to_string())],
    }
}

fn describe(chosen: &Chosen) -> Vec<Finding> {
    let python = &chosen.python;
    let path = python.executable.display();
    let mut found = vec![Finding::ok(SECTION, format!("Python {}, {path}{}", python.version, chosen.origin))];
    found.extend(chosen.note.as_ref().map(|note| Finding::note(SECTION, note.clone())));
    if let Some(venv) = &python.venv {
        found.push(Finding::ok(SECTION, format!("It belongs to the virtual environment {}", venv.display())));
    }
    let shadows = shadows::find(&python.executable);
    found.extend(shadows.iter().map(|shadow| Finding::fault(SECTION, shadow.to_string())));
    let begun = Instant::now();
    match probe::rehearse(&python.executable) {
        Err(what) => {
            found.push(Finding::fault(
                SECTION,
                format!("It does not start: {what}. {}", exit_report::remedy(&python.executable)),
            ));
        }
        Ok(printed) => {
            let took = begun.elapsed();
            let time = units::duration(took);
            found.push(if took < SLOW_START {
                Finding::ok(SECTION, format!("It starts in {time}"))
            } else {
                Finding::note(SECTION, format!("It takes {time} to start. {}", exit_report::remedy(&python.executable)))
            });
            if !printed.is_empty() {
                let lines: Vec<_> = printed.iter().take(MAX_LINES).map(|line| format!("\n  {line}")).collect();
                let is_verbose = std::env::var_os("PYTHONVERBOSE").is_some_and(|level| !level.is_empty());
                let from = if is_verbose { "PYTHONVERBOSE" } else { "sitecustomize.py or a .pth file" };
                let text = format!("It prints when it starts, from {from}:{}", lines.concat());
                found.push(Finding::note(SECTION, text));
            }
        }
    }
    if std::env::var_os("PYTHONSTARTUP").is_some_and(|file| !file.is_empty()) {
        found.push(Finding::note(SECTION, "PYTHONSTARTUP is set; sessions do not run it: `%run FILE` does"));
    }
    found
}
