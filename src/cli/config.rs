//! `fourhands config`: checks the settings.

use std::process::ExitCode;

use clap::Args;

use crate::cli::output::{self, fail, warn};
use crate::tui::settings::{self, EXAMPLE};

#[derive(Args, Debug)]
pub struct ConfigArguments {
    /// Print a file with all settings and keys, with their defaults
    #[arg(long)]
    example: bool,
}

pub fn run(arguments: &ConfigArguments) -> ExitCode {
    if arguments.example {
        output::print(&format!("{EXAMPLE}{}", settings::all_keys()));
        return ExitCode::SUCCESS;
    }
    let Some(path) = settings::path() else {
        return fail(1, &"no settings folder: set HOME or XDG_CONFIG_HOME");
    };
    let loaded = settings::read(Some(path.clone()));
    let path = path.display();
    if loaded.path.is_none() {
        output::print(&format!(
            "{path} does not exist, so the defaults apply. `fourhands config --example` prints an example.\n"
        ));
        return ExitCode::SUCCESS;
    }
    if loaded.problems.is_empty() {
        output::print(&format!("{path} is valid.\n"));
        return ExitCode::SUCCESS;
    }
    for problem in &loaded.problems {
        warn(&format_args!("{path}: {problem}"));
    }
    ExitCode::from(1)
}
