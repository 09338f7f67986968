//! `fourhands demo`: a dashboard in which a scripted client plays a short piece.
//!
//! The program starts itself once more with `FOURHANDS_HOME` at a folder of its own, so that session, socket and
//! journal are in there, and nothing touches the person's. The folder goes at the end.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::dashboard;
use super::output::{fail, warn};
use super::stage::{self, Stage};
use super::start::{self, Start};
use crate::cli::arguments::{GateArgument, SessionArguments};

#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Play without pauses
    #[arg(long)]
    fast: bool,
    /// Python interpreter, virtual environment or command
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Use plain lines: for screen readers and pipes
    #[arg(long)]
    plain: bool,
}

pub fn run(arguments: &DemoArguments, engine: &'static [u8]) -> ExitCode {
    let mode = match dashboard::mode(arguments.plain) {
        Ok(mode) => mode,
        Err(code) => return code,
    };
    let Some(stage) = Stage::of_this_process(arguments.fast) else {
        let error = stage::build_and_start_again();
        return fail(1, &format_args!("the demo needs a folder of its own: {error}"));
    };
    let session = SessionArguments {
        session: Some("demo".to_owned()),
        python: arguments.python.clone(),
        // The person's own gate is for clients that are not scripted.
        gate: Some(GateArgument::Watch),
        ..SessionArguments::default()
    };
    let code = start::run(&Start {
        mode,
        arguments: &session,
        until_unused: false,
        stdio: false,
        form: None,
        unattended: None,
        stage: Some(&stage),
        engine,
    });
    match stage.remove() {
        Ok(()) if code == ExitCode::SUCCESS => warn(
            &"the demo has ended. Its session and its files are deleted. What comes next:\n\
              \x20 fourhands setup    connects your AI client\n\
              \x20 fourhands          opens a session in this folder",
        ),
        Ok(()) => {}
        Err(error) => warn(&format_args!("the demo's folder {} cannot be deleted: {error}", stage.folder().display())),
    }
    code
}
